"""The way from one style to another is right for any two, and short."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.ui.driver.pens import DEFAULT, NotUnderstood, Pens
from tests.support.emulator import Emulator

ATTRIBUTES = ["", "0", "1", "3", "4", "5", "7", "9", "22", "23", "24", "25", "27", "29"]
COLORS = ["31", "39", "42", "49", "97", "38;2;1;2;3", "48;2;4;5;6", "38;5;100", "48;5;200"]
CODES = st.lists(st.sampled_from(ATTRIBUTES + COLORS), max_size=5).map(";".join)


def looks(*sequences: str) -> object:
    terminal = Emulator(1, 1)
    terminal.feed("".join([*sequences, "x"]))
    return terminal.cells[0][0]


@given(CODES, CODES)
def test_any_style_from_any_other(first: str, second: str) -> None:
    pens = Pens()
    one = pens.after(DEFAULT, first)
    other = pens.after(one, second)
    change = pens.change(one, other)
    assert looks(pens.change(DEFAULT, one), change) == looks(f"\x1b[{first}m", f"\x1b[{second}m")
    assert pens.change(other, other) == ""
    assert len(change) <= len("\x1b[;m") + len(pens.change(DEFAULT, other))


@pytest.mark.parametrize(
    ("first", "second", "change"),
    [
        ("1;38;2;1;2;3", "0", "\x1b[m"),
        ("1;2;31", "22;2", "\x1b[22;2m"),
        ("38;2;1;2;3;48;2;9;9;9", "38;2;7;7;7", "\x1b[38;2;7;7;7m"),
        ("1;3;4;38;2;1;2;3;48;2;9;9;9", "0;31", "\x1b[;31m"),
    ],
)
def test_the_shortest_is_taken(first: str, second: str, change: str) -> None:
    pens = Pens()
    one = pens.after(DEFAULT, first)
    assert pens.change(one, pens.after(one, second)) == change


@pytest.mark.parametrize(("colors", "red"), [(None, "38;2;250;3;3"), (256, "38;5;196"), (16, "31")])
def test_colours_are_reduced_where_that_is_wanted(colors: int | None, red: str) -> None:
    pens = Pens(colors)  # type: ignore[arg-type]
    assert pens[pens.after(DEFAULT, "38;2;250;3;3")].foreground == red


def test_a_link_is_begun_and_ended() -> None:
    pens = Pens()
    linked = pens.linked(DEFAULT, "id=1;https://example.com")
    assert pens.change(DEFAULT, linked) == "\x1b]8;id=1;https://example.com\x1b\\"
    assert pens.change(linked, pens.linked(linked, ";")) == "\x1b]8;;\x1b\\"


@pytest.mark.parametrize("sgr", ["58;2;1;2;3", "4:3", "38;2;1", "38;x;1", "200"])
def test_what_is_not_known_is_said(sgr: str) -> None:
    with pytest.raises(NotUnderstood):
        Pens().after(DEFAULT, sgr)
