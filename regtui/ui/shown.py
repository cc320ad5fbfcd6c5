"""When what was painted last has been on the terminal.

Over a slow line that is long after it was written. The terminal is asked for its cursor behind the frame; its answer
comes in one stream with the keys: what was typed before it was typed by somebody who couldn't see the frame yet. That
holds however late the answer is: nothing else than an answer says that a frame was seen.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from textual import events

from regtui.cursor_question import CursorQuestions

if TYPE_CHECKING:
    from textual.app import App

Told = Callable[[float], object]
"""Takes the time of it, by the clock of events."""

Forget = Callable[[], None]
"""Ends waiting for an answer that nobody needs any more."""

# Seconds after which a terminal that hasn't answered anything yet is taken for one that never does, until it does.
_SILENT_AFTER: Final = 2.0
# Seconds until the same is asked again, where an answer was lost on the way; each time twice as many. Over a line that
# stands still all questions wait together.
_AGAIN: Final = 2.0
_AGAIN_AT_MOST: Final = 60.0


@runtime_checkable
class WritesBehindFrames(Protocol):
    """A driver that decides itself when a frame is written."""

    def write_behind(self, question: str) -> None:
        """Writes `question` once all frames that were taken by now have been written."""


@dataclass(slots=True, eq=False)
class _Awaited:
    """`since`: number of the first question that was asked for it; that or a later one answers it."""

    told: Told
    since: int = 0


class ShownFrames:
    """Of an app, whichever its driver."""

    def __init__(self, app: "App[Any]", clock: Callable[[], float]) -> None:
        self._app = app
        self._clock = clock
        self._questions = CursorQuestions()
        self._awaited: list[_Awaited] = []
        self._first_asked: float | None = None
        self._has_answered = False

    def ask_first(self) -> None:
        """Before anything depends on it: whether the terminal answers is known then."""
        if not self._is_unasked():
            self._ask()

    @property
    def is_silent(self) -> bool:
        """Whether the terminal was asked and has never answered."""
        first = self._first_asked
        return not self._has_answered and first is not None and self._clock() - first >= _SILENT_AFTER

    def when(self, told: Told) -> Forget:
        """Calls `told` once all that has been painted by now is on the terminal."""
        if self._is_unasked():
            told(self._clock())
            return lambda: None
        awaited = _Awaited(told)
        self._awaited.append(awaited)
        self._ask_for(awaited, _AGAIN)
        return lambda: self._forget(awaited)

    def answered(self, event: events.CursorPosition) -> None:
        """The terminal's answer, at the time when it was read."""
        number = self._questions.take((event.y + 1, event.x + 1))
        if number is None:
            return
        self._has_answered = True
        for awaited in [*self._awaited]:
            if awaited.since <= number:
                self._awaited.remove(awaited)
                awaited.told(event.time)

    def _is_unasked(self) -> bool:
        """Whether there is no terminal at all."""
        return self._app._driver is None or self._app.is_headless

    def _forget(self, awaited: _Awaited) -> None:
        if awaited in self._awaited:
            self._awaited.remove(awaited)

    def _ask_for(self, awaited: _Awaited, pause: float) -> None:
        if awaited in self._awaited:
            number = self._ask()
            awaited.since = awaited.since or number
            following = min(pause * 2, _AGAIN_AT_MOST)
            asyncio.get_running_loop().call_later(pause, self._ask_for, awaited, following)

    def _ask(self) -> int:
        number, question = self._questions.ask()
        driver: Any = self._app._driver
        if self._first_asked is None:
            self._first_asked = self._clock()
        if isinstance(driver, WritesBehindFrames):
            driver.write_behind(question)
        elif driver is not None and getattr(driver, "_writer_thread", None) is not None:
            # The app hasn't left the terminal.
            driver.write(question)
            driver.flush()
        return number
