"""`regtui prune --dry-run` over 1,000 repositories of 50 tags, seen before: beside the limit of its requests.

Each repository keeps 45 of its tags, which takes the date of all of them. The limit is a list of the tags of each
repository and a HEAD of each tag, by a load generator on keep-alive connections, with eight and with 32 of them, of
which the faster counts. What is asked besides, of the images that go, is in the time of regtui alone.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.support.load import request
from benchmarks.support.registry import add_tags, registry
from benchmarks.support.table import Table
from benchmarks.support.timing import ratio, shown
from benchmarks.tags import best_load
from regtui.oci.media_type import ACCEPT_MANIFESTS
from tests.support.servers import VERSIONS, RegistryServer

_REPOSITORIES = 1_000
_TAGS = 50
_KEPT = 45
_RUNS = 3


def run() -> Iterable[Table]:
    # On a disk: in memory it would take gigabytes.
    with tempfile.TemporaryDirectory(prefix="regtui-benchmark-") as folder:
        for version in VERSIONS:
            with registry(version, Path(folder)) as server:
                yield compared(server, Path(folder) / f"home-{version}", _REPOSITORIES)


def compared(server: RegistryServer, home: Path, repositories: int) -> Table:
    requests = [request(server.host, f"/v2/_catalog?n={repositories}")]
    for number in range(repositories):
        name = f"team/app{number:04}"
        tags = add_tags(server, name, _TAGS)
        requests.append(request(server.host, f"/v2/{name}/tags/list"))
        requests += [request(server.host, f"/v2/{name}/manifests/{tag}", "HEAD", ACCEPT_MANIFESTS) for tag in tags]
    config = home / "config.toml"
    home.mkdir(parents=True)
    config.write_text(
        f'[registries.prod]\naddress = "{server.url}"\n'
        f'[[registries.prod.retention]]\nrepositories = ["*"]\nkeep = {_KEPT}\n'
    )
    _prune(home, config)
    limits, times, peaks = [], [], []
    for _ in range(_RUNS):
        limits.append(best_load(server, requests))
        seconds, peak = _prune(home, config)
        times.append(seconds)
        peaks.append(peak)
    limit, time_taken = sorted(limits)[_RUNS // 2], sorted(times)[_RUNS // 2]
    table = Table(
        f"{repositories:,} × {_TAGS} tags, distribution {server.version}; median of {_RUNS}",
        ["", "time", "× limit", "memory"],
    )
    table.row("limit", shown(limit), "", "")
    table.row("regtui prune --dry-run, seen before", shown(time_taken), ratio(time_taken, limit), f"{max(peaks)} MB")
    return table


def _prune(home: Path, config: Path) -> tuple[float, int]:
    """Its seconds, and the most memory that it held, in MB."""
    command = [sys.executable, "-m", "regtui", "prune", "prod", "--dry-run", "--json", "--config", str(config)]
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    began = time.monotonic()
    with (home / "out").open("wb") as out, (home / "err").open("wb") as err:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (home / "err").read_text()[-2000:]
    return time.monotonic() - began, usage.ru_maxrss // 1000
