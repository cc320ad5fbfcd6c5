"""A question to the terminal whose answer is told from any other answer.

A terminal tells where its cursor is when asked. So the cursor is put to two places, one after the other, and asked for
at each: the two positions are the number of the question. The answers of others who ask, those to questions from before
the program stepped aside, keys that look like a position (Shift+F3 of xterm), and a terminal that always says the same
answer none.
"""

import secrets
from typing import Final

_SAVE, _RESTORE, _ASK = "\x1b7", "\x1b8", "\x1b[6n"
# Columns of two digits, on two rows below the first: every terminal that is large enough for regtui has them.
_COLUMN: Final = 10
_COLUMNS: Final = 30
_ROWS: Final = (2, 3)
_NUMBERS: Final = _COLUMNS**2

Position = tuple[int, int]
"""Row and column of a cursor, counted from 1 as terminals do."""


def question(number: int) -> str:
    """Leaves the cursor where it was. Of two numbers within 900 the answers differ."""
    asked = "".join(f"\x1b[{row};{column}H{_ASK}" for row, column in _positions(number))
    return f"{_SAVE}{asked}{_RESTORE}"


def _positions(number: int) -> tuple[Position, Position]:
    first, second = divmod(number % _NUMBERS, _COLUMNS)
    return (_ROWS[0], _COLUMN + first), (_ROWS[1], _COLUMN + second)


class CursorQuestions:
    """Gives the questions their numbers, and knows the answers. The terminal answers in the order it was asked."""

    def __init__(self) -> None:
        # Another program, or another run, may have asked just before.
        self._first = secrets.randbelow(_NUMBERS)
        self._asked = 0
        self._answered = 0
        self._before: Position | None = None

    def ask(self) -> tuple[int, str]:
        """The number of the next question, from 1, and what to write for it."""
        self._asked += 1
        return self._asked, question(self._first + self._asked)

    def take(self, position: Position) -> int | None:
        """The number of the question that `position` completes the answer to; None where it doesn't."""
        both, self._before = (self._before, position), position
        # The newest of them: there aren't 900 under way, but whoever waits for an hour may have asked that often.
        for number in range(self._asked, max(self._answered, self._asked - _NUMBERS), -1):
            if both == _positions(self._first + number):
                self._answered = number
                return number
        return None
