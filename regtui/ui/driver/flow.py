"""How much may be on its way to the terminal.

Over a slow line, what is written is shown seconds later, behind all that was written before: the operating systems and
the ssh between have room for hundreds of kilobytes. So the terminal is asked for its cursor after each difference; its
answer says that everything before it has been shown. While answers come at once, more may be under way; when they come
late, nothing more is written until they do, and the frames of the meantime become one.
"""

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final

QUESTION: Final = "\x1b[6n"
"""Asks for the position of the cursor: every terminal answers."""

# Bytes. The smallest window is a small difference: then one is under way, not two.
_SMALLEST: Final = 256
_FIRST: Final = 2_048
_LARGEST: Final = 65_536
# Seconds after which a terminal that hasn't answered yet is taken for one that never will.
_NEVER: Final = 2.0
# Seconds that what is written may wait behind what was written before.
_SOON: Final = 0.05
_LATE: Final = 0.1


class Flow:
    """All times in seconds. `patience`: after so long without an answer, none is waited for."""

    def __init__(self, clock: Callable[[], float] = monotonic, patience: float = 5.0) -> None:
        self.patience = patience
        self._clock = clock
        self._asked: deque[tuple[float, int]] = deque()
        self._unanswered = 0
        self._window = _FIRST
        self._quickest = float("inf")
        self._answers = False
        self._first_asked: float | None = None

    def may_write(self) -> bool:
        """Whether another difference should be written now. Where the terminal has never answered, always."""
        if self._asked and self._clock() - self._asked[0][0] > self.patience:
            self._give_up()
        return not self._answers or self._unanswered < self._window

    @property
    def waits(self) -> bool:
        """Whether there is a question that will be answered: by a terminal that has answered before, or that was asked
        its first just now."""
        is_new = self._first_asked is not None and self._clock() - self._first_asked < _NEVER
        return bool(self._asked) and (self._answers or is_new)

    def written(self, count: int) -> None:
        """So many bytes, and a question after them."""
        now = self._clock()
        self._first_asked = now if self._first_asked is None else self._first_asked
        self._asked.append((now, count))
        self._unanswered += count

    def answered(self) -> None:
        self._answers = True
        if not self._asked:
            return
        asked, count = self._asked.popleft()
        self._unanswered -= count
        took = self._clock() - asked
        self._quickest = min(self._quickest, took)
        behind = took - self._quickest
        if behind > _LATE:
            self._window = _SMALLEST
        elif behind < _SOON:
            self._window = min(self._window * 2, _LARGEST)

    def _give_up(self) -> None:
        self._asked.clear()
        self._unanswered = 0
        self._answers = False
