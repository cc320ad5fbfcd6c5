"""What is new in a log that is a file: read by a real shell from a real file, whatever became of it in between."""

import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shlex import quote

import pytest

from regtui.host.hosts import LocalHost
from regtui.retention.log_source import LogSource, ReadBefore
from regtui.retention.pull_reading import read_log

NOW = datetime.now(UTC)


def line(name: str, minutes: int) -> str:
    time = (NOW - timedelta(minutes=minutes)).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'1.2.3.4 - - [{time}] "GET /v2/team/app/manifests/{name} HTTP/1.1" 200 528 "-" "docker/20.10"\n'


async def read(log: Path, before: ReadBefore) -> tuple[set[str], ReadBefore]:
    images, place = await read_log(LocalHost(), LogSource("log", (str(log),), is_file=True), before)
    return {tag for _, tag in images.pulled}, place


@pytest.mark.parametrize("more", [10, 3000])
@pytest.mark.parametrize("is_kept", [True, False])
async def test_a_log_that_was_emptied_and_has_grown_since_is_read_from_its_begin(
    tmp_path: Path, more: int, is_kept: bool
) -> None:
    """As `copytruncate` of logrotate does it: of the same inode, and by now it may be longer than before."""
    log = tmp_path / "access.log"
    log.write_text(line("old", 600) * 2000)
    pulled, place = await read(log, ReadBefore())
    assert (pulled, place.goes_on) == ({"old"}, False)
    if is_kept:
        shutil.copy2(log, f"{log}.1")
    os.truncate(log, 0)
    log.write_text(line("first", 120) + line("other", 60) * more)
    pulled, after = await read(log, place)
    assert {"first", "other"} <= pulled
    assert (after.inode, after.goes_on) == (place.inode, False)
    with log.open("a") as file:
        file.write(line("last", 1))
    pulled, end = await read(log, after)
    assert "last" in pulled
    assert end.goes_on


def test_a_log_without_line_breaks_fills_no_memory_of_the_host(tmp_path: Path) -> None:
    endless = f"head -c 400000000 /dev/zero | tr '\\0' x; echo; cat {quote(str(tmp_path / 'log'))}"
    (tmp_path / "log").write_text(line("1.0", 5))
    script = LogSource("log", ("sh", "-c", endless)).script("mark", ReadBefore())
    words = ["sh", "-c", f"ulimit -v 200000\n{script.text}", "sh", *script.arguments]
    told = subprocess.run(words, capture_output=True, text=True)
    assert told.stdout.splitlines() == [line("1.0", 5).rstrip(), "mark end 0"]
