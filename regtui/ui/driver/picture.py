"""What the program wants to be shown, and what the terminal shows."""

from collections.abc import Iterable

from regtui.ui.driver.grid import Grid
from regtui.ui.driver.painter import Painter
from regtui.ui.driver.pens import DEFAULT, NotUnderstood, Pens
from regtui.ui.driver.sequences import SequenceKind, Token
from regtui.ui.driver.terminal import Terminal

_CLEAR = "\x1b[m\x1b[2J"


class Picture:
    """Takes what the program writes, and gives what the terminal has to be sent for it."""

    def __init__(self, terminal: Terminal) -> None:
        self._pens = Pens(terminal.colors)
        self._painter = Painter(self._pens, terminal)
        self._wanted = Grid(0, 0)
        self._shown = Grid(0, 0)
        self._y = self._x = 0
        self._pen = DEFAULT
        self._before = ""

    @property
    def size(self) -> tuple[int, int]:
        return self._wanted.width, self._wanted.height

    def start(self, width: int, height: int) -> None:
        """An empty screen of this size."""
        self._wanted = Grid(width, height)
        self.repaint()

    def repaint(self) -> None:
        """What the terminal shows is in doubt, what it should show is not: next time, everything is sent."""
        self._shown = Grid(*self.size, " ")
        self._before = _CLEAR
        self._painter.lost()

    def forget(self) -> None:
        """Others have written: of no cell it is known what it shows, or should. What is written next is sent."""
        self._shown.forget()
        self._wanted.forget()
        self._pen = DEFAULT
        # Whatever style they left.
        self._before += "\x1b[m"
        self._painter.lost()

    def take(self, tokens: Iterable[Token]) -> None:
        """Raises NotUnderstood: then it isn't known any more what should be shown."""
        for token in tokens:
            kind, value = token.kind, token.value
            if kind is SequenceKind.TEXT:
                pen = self._pens.of_blank(self._pen) if value.isspace() else self._pen
                self._x = self._wanted.put(self._y, self._x, value, pen)
            elif kind is SequenceKind.STYLE:
                self._pen = self._pens.after(self._pen, value)
            elif kind is SequenceKind.MOVE:
                self._move(value)
            elif kind is SequenceKind.LINK:
                self._pen = self._pens.linked(self._pen, value)
            elif kind is SequenceKind.RETURN:
                self._x = 0
            elif kind is SequenceKind.NEXT_LINE and self._y < self._wanted.height - 1:
                # The terminal's driver makes a return of it, too.
                self._y, self._x = self._y + 1, 0
            elif kind is not SequenceKind.HARMLESS:
                raise NotUnderstood(value)

    def difference(self) -> str:
        """What makes the terminal show what it should; empty where it does. Its pen is the default one around it."""
        before, self._before = self._before, ""
        cursor = (min(self._y, self._wanted.height - 1), min(self._x, self._wanted.width - 1))
        return before + self._painter.paint(self._shown, self._wanted, cursor)

    def _move(self, parameters: str) -> None:
        row, _, column = parameters.partition(";")
        if not (row.isdigit() or not row) or not (column.isdigit() or not column):
            raise NotUnderstood(parameters)
        self._y, self._x = max(int(row or 1) - 1, 0), max(int(column or 1) - 1, 0)
