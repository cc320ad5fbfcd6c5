"""1,000 tags with digest, created and size: regtui, loops over crane and skopeo, and the limit.

"Seen before" is a second visit. The limit is the same requests by a load generator on keep-alive connections, each time
with eight and with 32 of them, of which the faster counts: a GET of each manifest and of each config; seen before, a
HEAD of each tag. `regtui tags` is a process with its start, an app has started. The loops are those that users write: a
process or three for each tag. They are measured on some tags, and multiplied.
"""

import itertools
import shutil
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.support.load import load, request
from benchmarks.support.registry import Connection, Regtui, add_tags, process, registry, workplace
from benchmarks.support.table import Table
from benchmarks.support.timing import ratio, seconds, shown, side_by_side
from regtui.oci.media_type import ACCEPT_MANIFESTS
from tests.support.programs import find_program
from tests.support.servers import VERSIONS, RegistryServer

COUNT = 1_000
_SAMPLE = 20
_RUNS = 3
_REPOSITORY = "team/app"


def _compared(server: RegistryServer, directory: Path) -> Table:
    names = add_tags(server, _REPOSITORY, COUNT)
    cold, warm = requests_for(server, _REPOSITORY, names)
    fresh = itertools.count()
    seen = directory / "seen"
    arguments = ("tags", "-r", server.url, _REPOSITORY)
    Regtui(seen)(*arguments)

    def unseen(what: Callable[[Path], float]) -> Callable[[], float]:
        def measured() -> float:
            home = directory / f"unseen-{next(fresh)}"
            try:
                return what(home)
            finally:
                shutil.rmtree(home)

        return measured

    def command(home: Path) -> float:
        return seconds(lambda: Regtui(home)(*arguments))

    def app(home: Path) -> float:
        return Regtui(home).measured("benchmarks.support.filling", server.url, _REPOSITORY)

    times = side_by_side(
        {
            "limit": lambda: best_load(server, cold),
            "regtui tags": unseen(command),
            "in an app that runs": unseen(app),
            "skopeo inspect": _loop(names, lambda name: _skopeo(server, name, directory)),
            "crane digest, manifest, config": _loop(names, lambda name: _crane(server, name, directory)),
            "limit, seen before": lambda: best_load(server, warm),
            "regtui tags, seen before": lambda: command(seen),
            "in an app that runs, seen before": lambda: app(seen),
        },
        _RUNS,
    )
    table = Table(
        f"{COUNT:,} tags, distribution {server.version}; median of {_RUNS}", ["", "time", "× limit", "× regtui tags"]
    )
    for name, time in times.items():
        is_warm = "seen" in name
        limit = times["limit, seen before" if is_warm else "limit"]
        table.row(name, shown(time), ratio(time, limit), "" if is_warm else ratio(time, times["regtui tags"]))
    table.note = f"skopeo and crane: {_SAMPLE} tags, multiplied by {COUNT // _SAMPLE}."
    return table


def run() -> Iterable[Table]:
    with workplace() as directory:
        for version in VERSIONS:
            with registry(version, directory) as server:
                yield _compared(server, directory / f"homes-{version}")


def best_load(server: RegistryServer, requests: Sequence[bytes]) -> float:
    """The seconds by the better of its settings: fewer connections suit a busy registry, more a distant one."""
    return min(seconds(partial(load, server.host, requests, connections)) for connections in (8, 32))


def requests_for(server: RegistryServer, repository: str, names: list[str]) -> tuple[list[bytes], list[bytes]]:
    """What regtui asks for cold and warm, without the list of tags."""
    connection = Connection(server)
    manifests = [f"/v2/{repository}/manifests/{name}" for name in names]
    configs = [f"/v2/{repository}/blobs/{connection.get(path)[0]['config']['digest']}" for path in manifests]
    cold = [
        each
        for manifest, config in zip(manifests, configs, strict=True)
        for each in (
            request(server.host, manifest, accept=ACCEPT_MANIFESTS),
            request(server.host, config),
        )
    ]
    return cold, [request(server.host, path, "HEAD", ACCEPT_MANIFESTS) for path in manifests]


def _loop(names: list[str], inspect: Callable[[str], None]) -> Callable[[], float]:
    """The seconds for all of `names`, by those of a sample."""

    def sampled() -> float:
        some = names[:: COUNT // _SAMPLE]

        def inspected() -> None:
            for name in some:
                inspect(name)

        return seconds(inspected) * len(names) / len(some)

    return sampled


def _skopeo(server: RegistryServer, name: str, home: Path) -> None:
    reference = f"docker://{server.host}/{_REPOSITORY}:{name}"
    process([str(find_program("skopeo")), "inspect", "--no-tags", "--tls-verify=false", reference], _environment(home))


def _crane(server: RegistryServer, name: str, home: Path) -> None:
    for command in ("digest", "manifest", "config"):
        reference = f"{server.host}/{_REPOSITORY}:{name}"
        process([str(find_program("crane")), command, "--insecure", reference], _environment(home))


def _environment(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "DOCKER_CONFIG": str(home), "PATH": "/usr/bin:/bin", "TMPDIR": str(home)}
