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
    columns = [_at_rest(size, empty) for size in _SIZES]
    table = Table("Median from the key to its repaint", ["", *names], note="Memory: above that of an empty registry.")
    for what in columns[0]:
        table.row(what, *(column[what] for column in columns))
    table.row("cursor down while tags are filled in", *(in_words(_while_filling(size)) for size in _SIZES))
    yield table
    yield _repositories()


def _at_rest(size: int, empty: float) -> dict[str, str]:
    with endless(size, hangs=True) as address, shown([REGTUI, address]) as terminal:
        first, rest = _open(terminal, size)
        terminal.wait_quiet()
        values = {
            "open: to the first names": in_words(first),
            "open: to all of them": in_words(first + rest),
            "memory of the names": f"{memory(terminal) - empty:.0f} MB",
        }
        return values | {what: in_words(median(_pressed(terminal, what))) for what in _KEYS}


def _while_filling(size: int) -> float:
    """Something is written all the time: what counts is that the highlighted line is another."""
    with endless(size) as address, shown([REGTUI, address]) as terminal:
        _open(terminal, size)
        time.sleep(0.5)
        taken = []
        for key in "jk" * 11:
            before = _highlighted(terminal)
            terminal.type(key)
            taken.append(until(lambda: _highlighted(terminal) != before, "the next line"))  # noqa: B023
            time.sleep(0.05)
        return median(taken)


def _highlighted(terminal: LiveTerminal) -> int:
    """The line of the tags whose background only one has."""
    backgrounds = terminal.emulator.backgrounds(40)[2:20]
    return next((y for y, background in enumerate(backgrounds) if backgrounds.count(background) == 1), -1)


def _open(terminal: LiveTerminal, size: int) -> tuple[float, float]:
    """Down to `big/tags`, the last. Seconds from the key to the first names, and from these to all."""
    terminal.wait_for("big")
    terminal.wait_quiet()
    terminal.type("G")
    terminal.wait_quiet()
    terminal.type("\r")
    # A version, which nothing else on the screen looks like.
    first = until(lambda: ".39." in terminal.text, "the first names")
    return first, until(lambda: f" {size:,} tags" in terminal.text, "the list")


def _pressed(terminal: LiveTerminal, what: str) -> list[float]:
    if what.startswith("a letter"):
        terminal.type("/")
        time.sleep(0.3)
    taken = [press(terminal, key) for key in _KEYS[what]]
    if what.startswith("a letter"):
        terminal.type("\x1b")
        time.sleep(0.3)
    return taken


def _repositories() -> Table:
    with endless(1, repositories=50_000, hangs=True) as address, shown([REGTUI, address]) as terminal:
        taken = until(lambda: "50,000 repositories" in terminal.text, "the repositories")
        terminal.wait_quiet()
        # Unfolds the namespace that they are in.
        terminal.type("g ")
        terminal.wait_for("small00000")
        terminal.wait_quiet()
        table = Table("50,000 repositories, at rest", ["", "time"])
        table.row("from the start of the app to all of them", in_words(taken))
        for what in ("cursor down", "a letter of the filter"):
            table.row(what, in_words(median(_pressed(terminal, what))))
        return table
