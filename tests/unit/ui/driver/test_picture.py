"""What is sent shows the same as what Textual wrote: characters, styles, cursor."""

from hypothesis import given
from hypothesis import strategies as st

from regtui.ui.driver.picture import Picture
from regtui.ui.driver.sequences import tokens
from regtui.ui.driver.terminal import Terminal
from tests.support.emulator import Emulator
from tests.unit.ui.driver.frames import Size, blank, frames

SIZES = st.builds(Size, st.integers(6, 44), st.integers(2, 12))


@st.composite
def terminals(draw: st.DrawFn) -> tuple[Terminal, frozenset[str]]:
    terminal = Terminal(draw(st.booleans()), draw(st.booleans()), draw(st.booleans()), draw(st.booleans()))
    may = {
        "erase in color": terminal.erases_in_color,
        "erase cells": terminal.erases_cells,
        "repeat": terminal.repeats,
        "scroll": terminal.scrolls,
    }
    return terminal, frozenset(ability for ability, has in may.items() if has)


class Both:
    """The same frames behind the stock driver and behind ours."""

    def __init__(self, size: Size, terminal: Terminal, may: frozenset[str]) -> None:
        self.stock = Emulator(size.width, size.height)
        self.ours = Emulator(size.width, size.height, may)
        self.picture = Picture(terminal)
        self.start(size)

    def start(self, size: Size) -> None:
        self.picture.start(size.width, size.height)
        self.frame(blank(size))

    def resize(self, size: Size) -> None:
        self.stock.resize(size.width, size.height)
        self.ours.resize(size.width, size.height)
        self.start(size)

    def frame(self, data: str) -> None:
        self.stock.feed(data)
        self.picture.take(tokens(data))

    def send(self) -> str:
        sent = self.picture.difference()
        self.ours.feed(sent)
        return sent

    def check(self) -> None:
        self.send()
        assert self.ours.lines == self.stock.lines
        assert self.ours.cells == self.stock.cells
        assert self.ours.cursor == self.stock.cursor
        assert self.send() == "", "nothing has changed, and nothing is sent"


@given(st.data(), SIZES, terminals())
def test_any_frames_on_any_terminal(data: st.DataObject, size: Size, terminal: tuple[Terminal, frozenset[str]]) -> None:
    both = Both(size, *terminal)
    for _ in range(data.draw(st.integers(1, 6))):
        both.frame(data.draw(frames(size)))
        what = data.draw(st.sampled_from(["wait", "send", "send", "check", "resize", "suspend"]))
        if what == "send":
            both.send()
        elif what == "check":
            both.check()
        elif what == "resize":
            size = data.draw(SIZES)
            both.resize(size)
        elif what == "suspend":
            both.send()
            for terminal_ in (both.stock, both.ours):
                terminal_.feed("$ make\nall done\n\x1b[1;31m$ fg\n\x1b[0m\x1b[?1049h")
            both.start(size)
    both.check()


SMALL = Size(20, 6)
CAN = Terminal(erases_in_color=True, erases_cells=True, repeats=True, scrolls=True)
ALL = frozenset({"erase in color", "erase cells", "repeat", "scroll"})


def both(*frames: str, terminal: Terminal = CAN) -> Both:
    made = Both(SMALL, terminal, ALL)
    for frame in frames:
        made.frame(frame)
        made.check()
    return made


def test_only_what_changed_is_sent() -> None:
    terminal = both("\x1b[2;3Hone two three\x1b[1;1H")
    terminal.frame("\x1b[2;3Hone TWO three\x1b[1;1H")
    assert terminal.send() == "\x1b[2;7HTWO\x1b[H"


def test_rows_that_moved_are_scrolled() -> None:
    def listed(first: int) -> str:
        return "".join(f"\x1b[{y + 1};1H{f'row number {first + y}':<20}" for y in range(6)) + "\x1b[1;1H"

    terminal = both(listed(0))
    terminal.frame(listed(1))
    sent = terminal.send()
    assert "\x1b[1;6r" in sent
    assert "row number 6" in sent
    assert "row number 5" not in sent
    terminal.check()


def test_blanks_are_erased_and_equal_characters_repeated() -> None:
    terminal = both()
    terminal.frame("\x1b[1;1H" + "─" * 20 + "\x1b[2;1H" + "x" * 4 + " " * 16 + "\x1b[1;1H")
    sent = terminal.send()
    assert sent.count("─") == 1
    assert "    " not in sent
    terminal.check()


def test_where_widths_are_in_doubt_what_follows_is_put_in_its_place() -> None:
    terminal = Both(SMALL, CAN, ALL)
    terminal.send()
    terminal.frame("\x1b[1;1Ha👩\u200d🚀b\x1b[1;1H")
    sent = terminal.send()
    assert "👩\u200d🚀\x1b[1;4Hb" in sent
    # What follows it is written again with it: nobody knows where it stood.
    terminal.frame("\x1b[1;1Ha! b\x1b[1;1H")
    assert "! b" in terminal.send()


def test_what_others_wrote_is_left_alone_until_it_is_written_again() -> None:
    terminal = both("\x1b[1;1Habc")
    terminal.picture.forget()
    terminal.ours.feed("\x1b[3;1H\x1b[35mforeign")
    terminal.stock.feed("\x1b[3;1H\x1b[35mforeign\x1b[m")
    terminal.frame("\x1b[1;1Habc\x1b[3;4HEIGN\x1b[1;1H")
    terminal.check()
    assert terminal.ours.lines[2].startswith("forEIGN")


def test_a_terminal_in_doubt_is_painted_anew() -> None:
    terminal = both("\x1b[1;1Habc")
    terminal.ours.feed("\x1b[2;1Hgarbage")
    terminal.picture.repaint()
    terminal.check()
