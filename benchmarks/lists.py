"""Long lists: from the key to its repaint at 1,000, 10,000 and 100,000 tags, at rest and while they are filled in.

The budget: at 100,000 at most twice what it takes at 1,000, and 20 ms; opening 0.5 s, sorting 0.3 s, a letter of the
filter 50 ms, 60 MB of memory.
"""

import time
from collections.abc import Iterable

from benchmarks.support.endless import endless
from benchmarks.support.screen import REGTUI, memory, press, shown, until
from benchmarks.support.table import Table
from benchmarks.support.timing import median
from benchmarks.support.timing import shown as in_words
from tests.support.live import LiveTerminal

_SIZES = (1_000, 10_000, 100_000)
_KEYS = {
    "cursor down": ["j"] * 21,
    "page down": ["\x1b[6~"] * 9,
    "to the end and back": ["G", "g"] * 4,
    "next sort column": ["s"] * 8,
    "reverse": ["S"] * 5,
    "mark all, unmark": ["a", "i"] * 3,
    "a letter of the filter": ["1", "2", "\x7f", "1"],
}


def run() -> Iterable[Table]:
    with endless(1) as address, shown([REGTUI, address]) as terminal:
        terminal.wait_for("a/small")
        terminal.wait_quiet()
        empty = memory(terminal)
    names = [f"{size:,} tags" for size in _SIZES]
    resting = {size: _measured(size, hangs=True, empty=empty) for size in _SIZES}
    yield _table("At rest: median from the key to its repaint", names, [resting[size] for size in _SIZES])
    filling = {size: _measured(size, hangs=False, empty=empty) for size in _SIZES}
    yield _table("The same while tags are filled in", names, [filling[size] for size in _SIZES])
    yield _repositories()


def _table(title: str, names: list[str], columns: list[dict[str, str]]) -> Table:
    table = Table(title, ["", *names], note="Memory: above that of the app on an empty registry.")
    for what in columns[0]:
        table.row(what, *(column[what] for column in columns))
    return table


def _measured(size: int, *, hangs: bool, empty: float) -> dict[str, str]:
    with endless(size, hangs=hangs) as address, shown([REGTUI, address]) as terminal:
        terminal.wait_for("big")
        terminal.wait_quiet()
        _go_to_tags(terminal)
        terminal.type("\r")
        # A version, which nothing else on the screen looks like.
        first = until(lambda: ".39." in terminal.text, "the first names")
        rest = until(lambda: f" {size:,} tags" in terminal.text, "the list")
        values = {"open: from the key to the first names": in_words(first), "to all of them": in_words(first + rest)}
        if hangs:
            terminal.wait_quiet()
            values["memory of the names"] = f"{memory(terminal) - empty:.0f} MB"
        values |= {what: in_words(median(_pressed(terminal, what, hangs))) for what in _KEYS}
        return values


def _go_to_tags(terminal: LiveTerminal) -> None:
    """Down to `big/tags`: a, small, big, tags."""
    terminal.type("G")
    terminal.wait_quiet()


def _pressed(terminal: LiveTerminal, what: str, at_rest: bool) -> list[float]:
    if what.startswith("a letter"):
        terminal.type("/")
        time.sleep(0.3)
    taken = []
    for key in _KEYS[what]:
        if at_rest:
            taken.append(press(terminal, key))
        else:
            # Something is written all the time: what counts is the first that comes.
            before = len(terminal.received)
            terminal.type(key)
            taken.append(until(lambda: len(terminal.received) > before, repr(key)))  # noqa: B023
            time.sleep(0.15)
    if what.startswith("a letter"):
        terminal.type("\x1b")
        time.sleep(0.3)
    return taken


def _repositories() -> Table:
    with endless(1, repositories=50_000, hangs=True) as address, shown([REGTUI, address]) as terminal:
        taken = until(lambda: "50,000 repositories" in terminal.text, "the repositories")
        terminal.wait_quiet()
        table = Table("50,000 repositories, at rest", ["", "time"])
        table.row("from the start of the app to all of them", in_words(taken))
        for what in ("cursor down", "a letter of the filter"):
            table.row(what, in_words(median(_pressed(terminal, what, True))))
        return table
