"""Long answers: a catalog of 10,000 repositories, the names of 20,000 tags.

The limit is one keep-alive connection that asks for the same pages, the largest that the registry takes (crane asks for
these, too), and parses them. The commands are processes with their start, an app has started.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.support.registry import Connection, Regtui, add_tags, process, registry, workplace
from benchmarks.support.table import Table
from benchmarks.support.timing import ratio, shown, side_by_side
from tests.support.programs import find_program
from tests.support.seed import seed_repositories
from tests.support.servers import VERSIONS, RegistryServer

_REPOSITORIES = 10_000
_TAGS = 20_000
_PAGE = 1_000
_RUNS = 3
_LISTING = "benchmarks.support.listing"


def run() -> Iterable[Table]:
    catalog = Table(
        f"{_REPOSITORIES:,} repositories, median of {_RUNS}", ["", *(f"{v}, time" for v in VERSIONS), *VERSIONS]
    )
    names = Table(f"The names of {_TAGS:,} tags, median of {_RUNS}", ["", *(f"{v}, time" for v in VERSIONS), *VERSIONS])
    with workplace() as directory:
        catalogs, lists = [], []
        for version in VERSIONS:
            home = directory / f"home-{version}"
            with registry(version, directory / "catalog") as server:
                folders = (f"team{number // 100}/app{number % 100}" for number in range(_REPOSITORIES))
                seed_repositories(server.storage, folders, datetime(2026, 1, 1, tzinfo=UTC))
                catalogs.append(_catalog(server, home))
            with registry(version, directory / "tags") as server:
                add_tags(server, "team/app", _TAGS)
                lists.append(_names(server, home))
    for table, results in ((catalog, catalogs), (names, lists)):
        for subject in results[0]:
            times = [result[subject] for result in results]
            limits = [result["limit"] for result in results]
            ratios = (ratio(time, limit) for time, limit in zip(times, limits, strict=True))
            table.row(subject, *map(shown, times), *ratios)
    yield catalog
    yield names


def _catalog(server: RegistryServer, home: Path) -> dict[str, float]:
    regtui = Regtui(home)

    def limit() -> None:
        connection = Connection(server)
        path, count = f"/v2/_catalog?n={_PAGE}", 0
        while path:
            page, link = connection.get(path)
            count += len(page["repositories"])
            path = link.partition("<")[2].partition(">")[0]
        assert count == _REPOSITORIES

    return side_by_side(
        {
            "limit": limit,
            "regtui ls": lambda: regtui("ls", server.url),
            "in an app that runs": lambda: regtui.measured(_LISTING, server.url),
            "crane catalog": _crane(home, "catalog", "--insecure", server.host),
        },
        _RUNS,
    )


def _names(server: RegistryServer, home: Path) -> dict[str, float]:
    regtui = Regtui(home)

    def limit() -> None:
        assert len(Connection(server).get("/v2/team/app/tags/list")[0]["tags"]) == _TAGS

    return side_by_side(
        {
            "limit": limit,
            "regtui tags --names": lambda: regtui("tags", "-r", server.url, "team/app", "--names"),
            "in an app that runs": lambda: regtui.measured(_LISTING, server.url, "team/app"),
            "regtui --version": lambda: regtui("--version"),
            "crane ls": _crane(home, "ls", "--insecure", f"{server.host}/team/app"),
            "skopeo list-tags": lambda: process(
                [str(find_program("skopeo")), "list-tags", "--tls-verify=false", f"docker://{server.host}/team/app"],
                _environment(home),
            ),
        },
        _RUNS,
    )


def _crane(home: Path, *arguments: str) -> Callable[[], None]:
    return lambda: process([str(find_program("crane")), *arguments], _environment(home))


def _environment(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "DOCKER_CONFIG": str(home), "PATH": "/usr/bin:/bin", "TMPDIR": str(home)}
