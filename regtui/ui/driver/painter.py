"""From what is shown to what should be: the bytes for it."""

import re
from itertools import groupby
from typing import Final

from regtui.ui.driver.grid import RIGHT_HALF, Grid
from regtui.ui.driver.pens import DEFAULT, Pens
from regtui.ui.driver.scrolling import find_scroll
from regtui.ui.driver.terminal import Terminal

# Blanks that take more bytes to write than to erase and skip; at the end of a row, than to erase.
_WORTH_ERASING: Final = 10
_WORTH_ERASING_TAIL: Final = 3
# Bytes of a sequence that repeats the last character; that skips one cell, and several.
_REPEAT: Final = 5
_SKIP_ONE: Final = 3
_SKIP: Final = 4
_EQUAL: Final = re.compile(r"(.)\1{3,}", re.DOTALL)
# Terminals disagree about the width of what is from here on.
_EMOJI: Final = "\U0001f000"


class Painter:
    """Knows where the terminal's cursor is between two differences. Its pen is the default one then."""

    def __init__(self, pens: Pens, terminal: Terminal) -> None:
        self._pens = pens
        self._terminal = terminal
        self._out: list[str] = []
        self._width = 0
        self._pen = DEFAULT
        # -1: not known.
        self._y = self._x = -1

    def lost(self) -> None:
        """Others have moved the cursor."""
        self._y = self._x = -1

    def paint(self, shown: Grid, wanted: Grid, cursor: tuple[int, int]) -> str:
        """Makes `shown` equal to `wanted` where that is known, and gives the bytes."""
        self._width = wanted.width
        rows = self._changed_rows(shown, wanted)
        if self._terminal.scrolls and self._scroll(shown, wanted, rows):
            rows = self._changed_rows(shown, wanted)
        for y in rows:
            self._paint_row(y, shown, wanted)
        self._change_pen(DEFAULT)
        if wanted.height:
            self._move(*cursor)
        out, self._out = "".join(self._out), []
        return out

    @staticmethod
    def _changed_rows(shown: Grid, wanted: Grid) -> list[int]:
        return [
            y
            for y in range(wanted.height)
            if wanted.characters[y] != shown.characters[y] or wanted.pens[y] != shown.pens[y]
        ]

    def _scroll(self, shown: Grid, wanted: Grid, rows: list[int]) -> bool:
        scroll = find_scroll(shown, wanted, rows)
        if scroll is None:
            return False
        self._out.append(f"\x1b[{scroll.top + 1};{scroll.bottom}r")
        self._y = self._x = 0
        self._move(scroll.top, 0)
        count = abs(scroll.lines)
        self._out.append(f"\x1b[{count if count > 1 else ''}{'M' if scroll.lines > 0 else 'L'}\x1b[r")
        self._y = self._x = 0
        shown.scroll(scroll.top, scroll.bottom, scroll.lines)
        return True

    # A row

    def _paint_row(self, y: int, shown: Grid, wanted: Grid) -> None:
        characters, pens = wanted.characters[y], wanted.pens[y]
        changed = _changed_cells(y, shown, wanted)
        if not changed:
            return
        tail = self._blank_tail(characters, pens)
        in_tail = sum(x >= tail for x in changed)
        if in_tail <= _WORTH_ERASING_TAIL:
            tail, in_tail = wanted.width, 0
        start = 0
        for end in range(1, len(changed) + 1 - in_tail):
            is_last = end == len(changed) - in_tail
            if is_last or not _is_bridged(characters, pens, changed[end - 1], changed[end]):
                self._paint_span(y, changed[start], changed[end - 1] + 1, characters, pens)
                start = end
        if in_tail:
            self._move(y, tail)
            self._change_pen(pens[tail])
            self._out.append("\x1b[K")
        shown.take_row(y, wanted)

    def _blank_tail(self, characters: list[str | None], pens: list[int]) -> int:
        """Where the blanks begin that end the row and can be erased."""
        tail = len(characters)
        pen = pens[-1]
        if self._pens.is_erased(pen, erases_in_color=self._terminal.erases_in_color):
            while tail and characters[tail - 1] == " " and pens[tail - 1] == pen:
                tail -= 1
        return tail

    def _paint_span(self, y: int, start: int, end: int, characters: list[str | None], pens: list[int]) -> None:
        x = start
        for pen, run in groupby(pens[start:end]):
            length = sum(1 for _ in run)
            self._paint_run(y, x, [character or "" for character in characters[x : x + length]], pen)
            x += length

    def _paint_run(self, y: int, x: int, characters: list[str], pen: int) -> None:
        """Cells of the same pen."""
        text = "".join(characters)
        if RIGHT_HALF in characters or len(text) != len(characters):
            self._paint_clusters(y, x, characters, pen)
            return
        done = 0
        for equal in _EQUAL.finditer(text):
            start, end = equal.span()
            if sequence := self._shortened(equal[1], end - start, pen):
                self._write(y, x + done, text[done:start], pen)
                if equal[1] == " ":
                    self._move(y, x + start)
                    self._change_pen(pen)
                    self._out.append(sequence)
                else:
                    self._write(y, x + start, sequence, pen, cells=end - start)
                done = end
        self._write(y, x + done, text[done:], pen)

    def _paint_clusters(self, y: int, x: int, characters: list[str], pen: int) -> None:
        """Wide and combined ones among them."""
        for offset, cluster in enumerate(characters):
            if cluster != RIGHT_HALF:
                is_wide = characters[offset + 1 : offset + 2] == [RIGHT_HALF]
                self._write(y, x + offset, cluster, pen, cells=1 + is_wide)
                if _is_doubtful(cluster):
                    self._x = -1

    def _shortened(self, character: str, count: int, pen: int) -> str:
        """So many equal characters in fewer bytes; empty where there is no such way."""
        if character == " ":
            is_erased = self._pens.is_erased(pen, erases_in_color=self._terminal.erases_in_color)
            worth_it = count > _WORTH_ERASING and self._terminal.erases_cells and is_erased
            return f"\x1b[{count}X" if worth_it else ""
        worth_it = (count - 1) * _bytes(character) > _REPEAT and self._terminal.repeats
        return f"{character}\x1b[{count - 1}b" if worth_it else ""

    # The terminal's cursor and pen

    def _write(self, y: int, x: int, text: str, pen: int, *, cells: int | None = None) -> None:
        if not text:
            return
        self._move(y, x)
        self._change_pen(pen)
        self._out.append(text)
        x += len(text) if cells is None else cells
        # Behind the last column, terminals differ.
        self._x = x if x < self._width else -1

    def _change_pen(self, pen: int) -> None:
        if pen != self._pen:
            self._out.append(self._pens.change(self._pen, pen))
            self._pen = pen

    def _move(self, y: int, x: int) -> None:
        if (y, x) == (self._y, self._x):
            return
        ways = [f"\x1b[{y + 1 if y or x else ''}{f';{x + 1}' if x else ''}H"]
        if x == 0 and y == self._y:
            ways.append("\r")
        elif x == 0 and y == self._y + 1 and self._y >= 0:
            ways.append("\r\n")
        elif y == self._y and self._x >= 0:
            distance = x - self._x
            count = abs(distance) if abs(distance) > 1 else ""
            ways.append(f"\x1b[{count}{'C' if distance > 0 else 'D'}")
        elif x == self._x and self._y >= 0:
            distance = y - self._y
            count = abs(distance) if abs(distance) > 1 else ""
            ways.append(f"\x1b[{count}{'B' if distance > 0 else 'A'}")
        self._out.append(min(ways, key=len))
        self._y, self._x = y, x


def _changed_cells(y: int, shown: Grid, wanted: Grid) -> list[int]:
    """Columns in order; of wide characters both halves."""
    new, old = wanted.characters[y], shown.characters[y]
    cells = zip(new, old, wanted.pens[y], shown.pens[y], strict=True)
    changed = [x for x, (a, b, p, q) in enumerate(cells) if (a != b or p != q) and a is not None]
    # A row has many cells, and few different ones.
    unsure = {character for character in {*new, *old} if _is_doubtful(character)}
    doubtful = [x for x in changed if new[x] in unsure or old[x] in unsure] if unsure else []
    if doubtful:
        # Where the terminal counts otherwise, all that follows stands elsewhere.
        changed = [x for x in range(wanted.width) if new[x] is not None and (x >= doubtful[0] or x in changed)]
    if RIGHT_HALF in new:
        halves = {x - 1 for x in changed if new[x] == RIGHT_HALF}
        halves |= {x + 1 for x in changed if new[x + 1 : x + 2] == [RIGHT_HALF]}
        changed = sorted(halves.union(changed))
    return changed


def _is_doubtful(cluster: str | None) -> bool:
    """Whether terminals may give it another width than was counted with."""
    return cluster is not None and (len(cluster) > 1 or cluster >= _EMOJI)


def _is_bridged(characters: list[str | None], pens: list[int], left: int, right: int) -> bool:
    """Whether writing what is between these cells again takes no more bytes than skipping it."""
    count = right - left - 1
    if not count:
        return True
    if count > _SKIP:
        return False
    between = characters[left + 1 : right]
    known = [character for character in between if character is not None]
    is_same_pen = all(pen == pens[left] for pen in pens[left + 1 : right])
    return len(known) == count and is_same_pen and _bytes("".join(known)) <= (_SKIP_ONE if count == 1 else _SKIP)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
