"""Bytes on the wire: what the terminal is sent, behind Textual's driver and behind ours, beside curses programs.

At 120x40. The budget: first frame 8,000, cursor down 350, page down 3,000, a dialog 9,000, a toast 600, at rest 0.
"""

import time
from collections.abc import Iterable

from benchmarks.support.endless import endless
from benchmarks.support.screen import PATIENCE, REGTUI, has_gaps, shown, until
from benchmarks.support.table import Table
from benchmarks.support.timing import shown as in_words
from tests.support.live import Line, LiveTerminal

_DOWN, _PAGE_DOWN = "j", "\x1b[6~"
_STEPS = {
    "cursor down, and that image's details": [_DOWN] * 8,
    "page down": [_PAGE_DOWN] * 4,
    "cursor down at the lower edge": [_DOWN] * 8,
    "the pane zoomed": ["z"],
    "cursor down": [_DOWN] * 8,
    "and back": ["z"],
    "mark": [" "] * 4,
    "toast": ["y"],
    "open a dialog": ["*"],
    "close it": ["\x1b"],
    "help": ["?"],
    "close help": ["\x1b"],
    "other pane": ["\x1b[Z"],
}
# So many that they are filled in over some seconds.
_MANY = 5_000
_CURSES = {"htop": ("htop",), "tig": ("tig",)}


def run() -> Iterable[Table]:
    measured = {driver: _regtui(driver) | _batches(driver) for driver in ("stock", "difference")}
    table = Table("regtui with 1,000 tags: bytes for each", ["", "Textual's driver", "ours", "of it"])
    for what, stock in measured["stock"].items():
        ours = measured["difference"][what]
        table.row(what, f"{stock:,}", f"{ours:,}", f"{100 * ours / stock:.0f} %" if stock else "–")
    yield table
    table = Table("Curses programs: bytes for each", ["", "first frame", "cursor down", "page down"])
    for name, command in _CURSES.items():
        try:
            table.row(name, *(f"{count:,}" for count in _curses(command)))
        except FileNotFoundError:
            table.row(name, "not installed", "", "")
    yield table
    yield _slow()


def _regtui(driver: str) -> dict[str, int]:
    with endless(1_000) as address, shown([REGTUI, address], driver=driver) as terminal:
        terminal.wait_for("repositories")
        terminal.wait_quiet(0.5)
        values = {"until the repositories are seen": len(terminal.received)}
        terminal.type("G\r")
        terminal.wait_for(" 1,000 tags")
        until(lambda: not has_gaps(terminal), "what is seen filled in")
        terminal.wait_quiet(1.0)
        values |= {what: _bytes(terminal, keys) for what, keys in _STEPS.items()}
        before = len(terminal.received)
        # The toast goes away by itself.
        terminal.wait_quiet(6.0)
        before = len(terminal.received)
        time.sleep(3.0)
        values["at rest, in three seconds"] = len(terminal.received) - before
        return values


def _batches(driver: str) -> dict[str, int]:
    """Bytes until everything is filled in: of what is seen, then of each batch of the rest, which comes once a second
    and pushes some rows in between those that are seen."""
    with endless(_MANY) as address, shown([REGTUI, address], driver=driver) as terminal:
        terminal.wait_for("repositories")
        terminal.wait_quiet(0.5)
        terminal.type("G\r")
        terminal.wait_for(f" {_MANY:,} tags")
        start = len(terminal.received)
        until(lambda: not has_gaps(terminal), "what is seen filled in")
        terminal.wait_quiet(0.1)
        counts = [len(terminal.received) - start]
        while f"/{_MANY:,} read" in terminal.text:
            before = len(terminal.received)
            until(lambda: len(terminal.received) > before, "the next batch")  # noqa: B023
            terminal.wait_quiet(0.1)
            counts.append(len(terminal.received) - before)
    seen, *batches = counts
    return {
        f"the rows that are seen, of {_MANY:,} tags, filled in": seen,
        "a batch of other rows filled in": sorted(batches)[len(batches) // 2],
        "all of those together": sum(batches),
    }


def _bytes(terminal: LiveTerminal, keys: list[str]) -> int:
    """For one of these, in the middle of them."""
    counts = []
    for key in keys:
        before = len(terminal.received)
        terminal.type(key)
        terminal.wait_quiet(0.4)
        counts.append(len(terminal.received) - before)
    return sorted(counts)[len(counts) // 2]


def _curses(command: tuple[str, ...]) -> tuple[int, int, int]:
    with shown(command) as terminal:
        # htop writes again every 1.5 s.
        terminal.wait_quiet(0.4)
        first = len(terminal.received)
        return first, _bytes(terminal, ["\x1b[B"] * 5), _bytes(terminal, [_PAGE_DOWN] * 3)


def _slow() -> Table:
    title = "30 times cursor down, 30 a second, over 3,000 bytes a second and 200 ms there and back"
    table = Table(title, ["", "until the last one is seen", "most bytes waiting"])
    for name, driver in (("Textual's driver", "stock"), ("ours", "difference")):
        line = Line(rate=3_000.0, delay=0.1)
        with endless(1_000, hangs=True) as address, shown([REGTUI, address], driver=driver, line=line) as terminal:
            until(lambda: "repositories" in terminal.text, "the first frame")
            terminal.wait_quiet(1.0, PATIENCE)
            terminal.type("G\r")
            terminal.wait_for(" 1,000 tags", PATIENCE)
            terminal.wait_quiet(1.5, PATIENCE)
            terminal.worst = 0
            start = time.perf_counter()
            for _ in range(30):
                terminal.type(_DOWN)
                time.sleep(1 / 30)
            terminal.wait_quiet(1.0, PATIENCE)
            table.row(name, in_words(time.perf_counter() - start - 1.0), f"{terminal.worst:,}")
    return table
