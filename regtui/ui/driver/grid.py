"""The cells of a screen."""

from collections.abc import Callable
from typing import TypeVar

from rich.cells import get_character_cell_size, split_graphemes

from regtui.ui.driver.pens import DEFAULT

RIGHT_HALF = ""
"""In the cell after a wide character."""

_Row = TypeVar("_Row")

_JOINERS = ("\u200d", "\ufe0f")


class Grid:
    """Characters and the numbers of their pens, row by row. A character is None where it isn't known.

    Nothing is ever half a wide character: whatever overwrites one half leaves a space for the other.
    """

    def __init__(self, width: int, height: int, character: str | None = None) -> None:
        self.width = width
        self.height = height
        self.characters: list[list[str | None]] = [[character] * width for _ in range(height)]
        self.pens = [[DEFAULT] * width for _ in range(height)]

    def put(self, y: int, x: int, text: str, pen: int) -> int:
        """Writes `text` from there on, cut at the edges. The column behind it."""
        if text.isascii():
            end = x + len(text)
            if 0 <= y < self.height and 0 <= x < self.width:
                room = min(end, self.width)
                self._free(y, x, room)
                self.characters[y][x:room] = text[: room - x]
                self.pens[y][x:room] = [pen] * (room - x)
            return end
        for cluster, cells in _clusters(text):
            self._put_cluster(y, x, cluster, cells, pen)
            x += cells
        return x

    def _put_cluster(self, y: int, x: int, cluster: str, cells: int, pen: int) -> None:
        if not 0 <= y < self.height:
            return
        row = self.characters[y]
        if cells == 0:
            # Belongs to what stands before it.
            before = x - 2 if 1 < x <= self.width and row[x - 1] == RIGHT_HALF else x - 1
            if 0 <= before < self.width and row[before] is not None:
                row[before] = f"{row[before]}{cluster}"
        elif x >= 0 and x + cells <= self.width:
            self._free(y, x, x + cells)
            row[x], self.pens[y][x] = cluster, pen
            if cells == 2:
                row[x + 1], self.pens[y][x + 1] = RIGHT_HALF, pen
        elif x < self.width:
            # Half of a wide character has no place in the last column.
            self.put(y, x, " ", pen)

    def _free(self, y: int, start: int, end: int) -> None:
        """Takes away the halves that would be left of wide characters at both ends."""
        row = self.characters[y]
        if row[start] == RIGHT_HALF and start:
            row[start - 1] = " "
        if end < self.width and row[end] == RIGHT_HALF:
            row[end] = " "

    def forget(self, rows: range | None = None) -> None:
        """Nothing is known of these rows, or of any."""
        for y in rows if rows is not None else range(self.height):
            self.characters[y] = [None] * self.width

    def scroll(self, top: int, bottom: int, lines: int) -> None:
        """Rows `top` to before `bottom` move up by `lines`, down where negative; blank ones follow."""
        self.characters[top:bottom] = _scrolled(self.characters[top:bottom], lines, lambda: [" "] * self.width)
        self.pens[top:bottom] = _scrolled(self.pens[top:bottom], lines, lambda: [DEFAULT] * self.width)

    def take_row(self, y: int, other: "Grid") -> None:
        self.characters[y] = other.characters[y][:]
        self.pens[y] = other.pens[y][:]


def _scrolled(rows: list[_Row], lines: int, blank: Callable[[], _Row]) -> list[_Row]:
    fresh = [blank() for _ in range(abs(lines))]
    return rows[lines:] + fresh if lines > 0 else fresh + rows[:lines]


def _clusters(text: str) -> list[tuple[str, int]]:
    """What belongs together in one or two cells, and how many: as Textual counts, which laid the text out."""
    if any(joiner in text for joiner in _JOINERS):
        spans, _ = split_graphemes(text)
        return [(text[start:end], cells) for start, end, cells in spans]
    return [(character, get_character_cell_size(character)) for character in text]
