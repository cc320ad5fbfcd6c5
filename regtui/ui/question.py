"""What a screen asks before it changes something. A key answers only what stood on the terminal when it was typed."""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from textual import events
from textual.screen import Screen

from regtui.ui.shown import Forget, Told
from regtui.ui.unseen import UnseenNotice

if TYPE_CHECKING:
    from textual.app import App

MOMENT = 0.35
"""Seconds that a question has to have been on the terminal: a key pressed sooner was meant for what stood there."""

_ALWAYS: Final = frozenset(("escape", "ctrl+c", "ctrl+q", "ctrl+z"))
"""They answer nothing, or no."""

_OF_THE_APP: Final = "app."
"""How the ids of the app's own bindings begin: quit, help and the others do the same on every screen."""


@runtime_checkable
class ShowsFrames(Protocol):
    """An app that knows when its frames are seen, and whether its terminal has never said so."""

    def when_shown(self, told: Told) -> Forget: ...

    @property
    def is_terminal_silent(self) -> bool: ...


class Question:
    """Of `screen`. `also`: keys that answer nothing there, or only no. `answerable` is called when it can be answered.

    At first there is none, and every key counts. While there is one that nobody has seen, the screen says so, and no
    key is kept for later.
    """

    def __init__(
        self,
        screen: Screen[Any],
        *,
        also: frozenset[str] = frozenset(),
        answerable: Callable[[], object] = lambda: None,
    ) -> None:
        self._screen = screen
        self._harmless = _ALWAYS | also
        self._answerable = answerable
        self._counts_from = -inf
        self._number = 0
        self._forget: Forget | None = None
        self._notice: UnseenNotice | None = None
        self._is_watching = False

    def ask(self) -> None:
        """It is what the screen says now. Another one than before, if there was one: what was answered to that doesn't
        count."""
        self._watch()
        self._stop_waiting()
        self._counts_from = inf
        self._screen.call_after_refresh(self._painted, self._number)

    def end(self) -> None:
        """There is none, or none any more: every key counts."""
        self._stop_waiting()
        self._counts_from = -inf

    @property
    def counts_from(self) -> float:
        """The time, by the clock of events, from which on keys answer it."""
        return self._counts_from

    def takes(self, event: events.Event) -> bool:
        """Whether a key, a paste or a click has any effect on the screen."""
        if event.time >= self._counts_from:
            return True
        if not isinstance(event, events.Key):
            return False
        if self._notice is not None and self._notice.proves(event):
            # It was read: what is typed next was typed by somebody who knows what it answers.
            self._seen(self._number, event.time, 0.0)
            return False
        return event.key in self._harmless or self._is_the_apps(event)

    def _is_the_apps(self, event: events.Key) -> bool:
        """Whether the app's own binding takes the key: no text input, and nothing of the screen."""
        focused = self._screen.focused
        if focused is not None and focused.check_consume_key(event.key, event.character):
            return False
        bound = self._screen.active_bindings.get(event.key)
        return bound is not None and bound.enabled and (bound.binding.id or "").startswith(_OF_THE_APP)

    def _watch(self) -> None:
        """Where another screen covered it, and where the app had left the terminal, it is seen anew."""
        if not self._is_watching:
            self._is_watching = True
            self._screen.watch(self._screen, "stack_updates", self._is_back, init=False)
            self._screen.app.app_resume_signal.subscribe(self._screen, self._is_back)

    def _is_back(self, _: object) -> None:
        if self._counts_from > -inf and self._screen.is_current:
            self.ask()

    def _painted(self, number: int) -> None:
        app: App[Any] = self._screen.app
        if number == self._number and self._screen.is_current and isinstance(app, ShowsFrames):
            self._notice = UnseenNotice(self._screen, is_silent=app.is_terminal_silent)
            # By the screen: it is told outside of all that runs there.
            self._forget = app.when_shown(lambda at: self._screen.call_later(self._seen, number, at, MOMENT))

    def _stop_waiting(self) -> None:
        """Whatever comes of the question before counts no more."""
        self._number += 1
        if self._notice is not None:
            self._notice.end()
            self._notice = None
        if self._forget is not None:
            self._forget()
            self._forget = None

    def _seen(self, number: int, at: float, moment: float) -> None:
        if number == self._number:
            self._stop_waiting()
            self._counts_from = at + moment
            stands = partial(self._stands, self._number)
            if moment:
                self._screen.set_timer(moment, stands)
            else:
                stands()

    def _stands(self, number: int) -> None:
        if number == self._number:
            self._answerable()


@runtime_checkable
class Asking(Protocol):
    """A screen on which something is confirmed."""

    question: Question
