"""When what was painted last has been on the terminal.

Over a slow line that is long after it was written. The terminal is asked for its cursor behind the frame; its answer
comes in one stream with the keys: what was typed before it was typed by somebody who couldn't see the frame yet.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from textual import events

if TYPE_CHECKING:
    from textual.app import App

Told = Callable[[float], object]
"""Takes the time of it, by the clock of events."""

_QUESTION: Final = "\x1b[6n"
# Seconds after which a terminal is taken for one that answers nothing.
_PATIENCE: Final = 2.0


@runtime_checkable
class TellsWhenShown(Protocol):
    """A driver that asks its terminal by itself."""

    def when_shown(self, told: Told) -> None: ...


class ShownFrames:
    """Of an app, whichever its driver."""

    def __init__(self, app: "App[Any]", clock: Callable[[], float]) -> None:
        self._app = app
        self._clock = clock
        self._asked: deque[Told] = deque()
        self._never_answers = False

    def when(self, told: Told) -> None:
        """Calls `told` once all that has been painted by now is on the terminal."""
        driver: Any = self._app._driver
        if isinstance(driver, TellsWhenShown):
            driver.when_shown(told)
        elif driver is None or self._app.is_headless or self._never_answers:
            told(self._clock())
        else:
            self._asked.append(told)
            driver.write(_QUESTION)
            driver.flush()
            asyncio.get_running_loop().call_later(_PATIENCE, self._give_up, told)

    def answered(self, event: events.CursorPosition) -> None:
        """The terminal's answer, at the time when it was read."""
        if self._asked:
            self._asked.popleft()(event.time)

    def _give_up(self, told: Told) -> None:
        if told in self._asked:
            self._never_answers = True
            self._asked.remove(told)
            told(self._clock())
