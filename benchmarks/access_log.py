"""Reading 1,000,000 lines of an access log for pulls, beside grep and one pass of Python over the same lines.

The lines are 100 bytes each, in the combined format: pings, HEAD and GET of manifests, blobs. regtui reads them as it
reads any host's, by a shell script and its output; what it looks for is filtered there.
"""

import asyncio
import random
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from benchmarks.support.table import Table
from benchmarks.support.timing import ratio, shown, side_by_side
from regtui.host.hosts import LocalHost
from regtui.retention.access_log import LoggedImages
from regtui.retention.log_source import LogSource, ReadBefore
from regtui.retention.pull_reading import read_log

_LINES: Final = 1_000_000
_RUNS: Final = 5


def run() -> Iterable[Table]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        log = Path(directory) / "access.log"
        pulls = _write(log)
        yield _measured(log, pulls)


def _write(log: Path) -> int:
    """How many of the lines are pulls."""
    chosen = random.Random(1)
    pulls = 0
    with log.open("w") as file:
        for number in range(_LINES):
            second = number // 12
            time = f"28/Nov/2026:{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02} +0000"
            repository, tag, kind = chosen.randrange(100), chosen.randrange(50), chosen.random()
            method = "HEAD" if kind < 0.1 else "GET"
            path = f"team/app{repository:02}/manifests/1.{tag:02}" if kind < 0.3 else ""
            if kind >= 0.4:
                path = f"team/app{repository:02}/blobs/sha256:{tag:012}"
            pulls += 0.1 <= kind < 0.3
            file.write(f'10.0.0.7 - - [{time}] "{method} /v2/{path} HTTP/1.1" 200 348 "" "docker"\n')
    return pulls


def _measured(log: Path, pulls: int) -> Table:
    grep = ["grep", "-c", "/manifests/", str(log)]

    def one_pass() -> None:
        with log.open("rb") as file:
            assert sum(b"/manifests/" in line for line in file) >= pulls

    def ours() -> None:
        found = asyncio.run(_read(log))
        assert (found.pulls, len(found.pulled)) == (pulls, 5_000)

    taken = side_by_side(
        {"grep": lambda: subprocess.run(grep, check=True, capture_output=True), "Python": one_pass, "regtui": ours},
        _RUNS,
    )
    anchor = taken["grep"] + taken["Python"]
    size = log.stat().st_size / 1_000_000
    table = Table(
        f"{_LINES:,} lines, {size:.0f} MB, {pulls:,} pulls of 5,000 tags; median of {_RUNS}",
        ("", "time", "× both"),
        note="Both: grep -c for the lines about manifests, and a pass of Python that looks for the same in each line.",
    )
    table.row("grep -c", shown(taken["grep"]), ratio(taken["grep"], anchor))
    table.row("one pass of Python", shown(taken["Python"]), ratio(taken["Python"], anchor))
    table.row("regtui: when each tag was last pulled", shown(taken["regtui"]), ratio(taken["regtui"], anchor))
    return table


async def _read(log: Path) -> LoggedImages:
    source = LogSource("log", (str(log),), is_file=True)
    return (await read_log(LocalHost(), source, ReadBefore()))[0]
