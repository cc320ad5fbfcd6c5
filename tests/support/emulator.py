"""A terminal in memory, to hold what is written to it against what should be seen."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pyte
from pyte.modes import LNM

# pyte takes the first character of these as the end of the sequence, and draws the others.
_KEYBOARD = re.compile(r"\x1b\[[<=>][0-9;]*[a-z]")
_ALTERNATE = re.compile(r"\x1b\[\?1049[hl]")


class Cell(NamedTuple):
    """As it is seen: a blank has no foreground."""

    text: str
    foreground: str
    background: str
    attributes: tuple[str, ...]


class _Stream(pyte.Stream):
    csi = {**pyte.Stream.csi, "b": "repeat"}  # noqa: RUF012
    events = pyte.Stream.events | {"repeat"}


class _Screen(pyte.Screen):
    """pyte's, with what it lacks: repetition, what is left of an overwritten wide character, erasing without colour.

    What isn't in `may` fails, as on a terminal that hasn't got it.
    """

    def __init__(self, width: int, height: int, may: frozenset[str], answer: Callable[[str], None]) -> None:
        super().__init__(width, height)
        self.may = may
        self._answer = answer
        self._last = ""

    def draw(self, data: str) -> None:
        for character in data:
            row = self.buffer[self.cursor.y]
            x = min(self.cursor.x, self.columns - 1)
            if pyte.screens.wcwidth(character) > 0:
                self._last = character
                if row[x].data == "" and x:
                    row[x - 1] = row[x - 1]._replace(data=" ")
                end = x + pyte.screens.wcwidth(character)
                if end < self.columns and row[end].data == "":
                    row[end] = row[end]._replace(data=" ")
            super().draw(character)

    def repeat(self, count: int = 1) -> None:
        assert "repeat" in self.may, "this terminal can't repeat"
        for _ in range(count or 1):
            self.draw(self._last)

    def erase_characters(self, count: int | None = None) -> None:
        assert "erase cells" in self.may, "this terminal can't erase cells"
        self._erase(super().erase_characters, count)

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        self._erase(super().erase_in_line, how)

    def erase_in_display(self, how: int = 0, *args: Any, **kwargs: Any) -> None:
        self._erase(super().erase_in_display, how)

    def delete_lines(self, count: int | None = None) -> None:
        assert "scroll" in self.may, "this terminal can't scroll"
        super().delete_lines(count)

    def insert_lines(self, count: int | None = None) -> None:
        assert "scroll" in self.may, "this terminal can't scroll"
        super().insert_lines(count)

    def _erase(self, erase: Callable[..., None], how: int | None) -> None:
        pen = self.cursor.attrs
        if "erase in color" not in self.may:
            self.cursor.attrs = self.default_char
        erase(how)
        self.cursor.attrs = pen

    def write_process_input(self, data: str) -> None:
        self._answer(data)


EVERYTHING = frozenset({"repeat", "erase cells", "erase in color", "scroll"})


class Emulator:
    """`may`: what it can do beyond moving its cursor; `answer` gets what it says."""

    def __init__(
        self,
        width: int,
        height: int,
        may: frozenset[str] = EVERYTHING,
        answer: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._screen = _Screen(width, height, may, answer)
        self._stream = _Stream(self._screen)
        # As Textual sets it up, and as the terminal's driver writes a new line.
        self._stream.feed("\x1b[?7l")
        self._screen.set_mode(LNM)

    def feed(self, data: str) -> None:
        self._stream.feed(_ALTERNATE.sub("\x1b[m\x1b[2J\x1b[H", _KEYBOARD.sub("", data)))

    def resize(self, width: int, height: int) -> None:
        may, self._screen.may = self._screen.may, EVERYTHING
        self._screen.resize(height, width)
        self._screen.may = may

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column."""
        return self._screen.cursor.y, min(self._screen.cursor.x, self._screen.columns - 1)

    @property
    def lines(self) -> list[str]:
        return list(self._screen.display)

    def backgrounds(self, x: int) -> list[str]:
        """Of the cells of one column: where something is highlighted."""
        return [self._screen.buffer[y][x].bg for y in range(self._screen.lines)]

    @property
    def cells(self) -> list[list[Cell]]:
        return [
            [_cell(self._screen.buffer[y][x]) for x in range(self._screen.columns)] for y in range(self._screen.lines)
        ]


def _cell(char: Any) -> Cell:
    on = ("italics", "bold", "underscore", "strikethrough", "reverse", "blink")
    attributes = tuple(name for name in on if getattr(char, name))
    if char.data == " " and not set(attributes) - {"bold", "italics"}:
        return Cell(" ", "", char.bg, ())
    return Cell(char.data, char.fg, char.bg, attributes)
