"""A repository of 2,000 tags in a terminal: when it is usable, and when it is filled in.

On real registries, with nothing kept of an earlier run, from the key that opens it. The limit is the same requests by a
load generator on keep-alive connections. Without a terminal: the client alone, as it runs within the app.
"""

import itertools
import statistics
from collections.abc import Iterable
from pathlib import Path

from benchmarks.support.registry import Regtui, add_tags, registry, workplace
from benchmarks.support.screen import REGTUI, has_gaps, processor_time, shown, until
from benchmarks.support.table import Table
from benchmarks.support.timing import ratio
from benchmarks.support.timing import shown as in_words
from benchmarks.tags import best_load, requests_for
from tests.support.servers import VERSIONS, RegistryServer

_COUNT = 2_000
_RUNS = 3
_REPOSITORY = "team/app"
_LIMIT = "limit"


def run() -> Iterable[Table]:
    with workplace() as directory:
        for version in VERSIONS:
            with registry(version, directory) as server:
                yield _compared(server, directory)


def _compared(server: RegistryServer, directory: Path) -> Table:
    names = add_tags(server, _REPOSITORY, _COUNT)
    # The first one, which the app opens by itself.
    add_tags(server, "a/small", 1)
    requests, _ = requests_for(server, _REPOSITORY, names)
    homes = (directory / f"filling-{server.version}-{number}" for number in itertools.count())
    runs = []
    for _ in range(_RUNS):
        limited = best_load(server, requests)
        alone = Regtui(next(homes)).measured("benchmarks.support.filling", server.url, _REPOSITORY)
        runs.append({_LIMIT: limited, "without a terminal": alone, **_in_terminal(server)})
    medians = {what: statistics.median(run[what] for run in runs) for what in runs[0]}
    table = Table(f"{_COUNT:,} tags, distribution {server.version}; median of {_RUNS}", ["", "time", "× limit"])
    for what, time in medians.items():
        table.row(what, in_words(time), ratio(time, medians[_LIMIT]))
    return table


def _in_terminal(server: RegistryServer) -> dict[str, float]:
    with shown([REGTUI, server.url]) as terminal:
        terminal.wait_for("2 repositories")
        terminal.wait_quiet(1.0)
        terminal.type("G")
        terminal.wait_quiet()
        before = processor_time(terminal, main_thread=True)
        terminal.type("\r")
        names = until(lambda: f" {_COUNT:,} tags" in terminal.text, "its names", every=0.005)
        seen = names + until(lambda: not has_gaps(terminal), "what is seen", every=0.02)
        everything = seen + until(lambda: f"/{_COUNT:,} read" not in terminal.text, "all of it", every=0.02)
        return {
            "in a terminal: its names are there": names,
            "in a terminal: what is seen is filled in": seen,
            "in a terminal: all of it is filled in": everything,
            "of that, processor time for the screen": processor_time(terminal, main_thread=True) - before,
        }
