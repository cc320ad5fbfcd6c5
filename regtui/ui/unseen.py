"""While the terminal hasn't said that a question stands on it: a line that says so, and another way to know.

Some terminals never answer, and an answer can get lost. So after some seconds the line shows a number, another one each
time: whoever types it has read what was on the terminal together with it.
"""

import secrets
from typing import Any, Final

from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer

from regtui.ui.widgets.bottom_line import BottomLine

# Seconds until the line is there, and until it shows the number. Most terminals have answered long before.
_SAY_SO: Final = 0.5
_OFFER: Final = 3.0
_LEAST_NUMBER: Final = 1000


class UnseenNotice:
    """On `screen`, until it ends. `is_silent`: the terminal has never answered: the number is shown at once."""

    def __init__(self, screen: Screen[Any], *, is_silent: bool) -> None:
        self._screen = screen
        self._number = ""
        self._typed = ""
        self._line: BottomLine | None = None
        self._timers: list[Timer] = []
        if is_silent:
            self._offer()
        else:
            self._timers = [screen.set_timer(_SAY_SO, self._say_so), screen.set_timer(_OFFER, self._offer)]

    def proves(self, key: events.Key) -> bool:
        """Takes a key; whether it was the last digit of the number that is shown."""
        if not self._number:
            return False
        self._typed = (self._typed + (key.character or " "))[-len(self._number) :]
        return self._typed == self._number

    def end(self) -> None:
        for timer in self._timers:
            timer.stop()
        if self._line is not None:
            self._line.remove()
            self._line = None

    def _say_so(self) -> None:
        self._show("Waiting for the terminal to show this …  esc cancels")

    def _offer(self) -> None:
        self._number = str(_LEAST_NUMBER + secrets.randbelow(9 * _LEAST_NUMBER))
        self._typed = ""
        self._show(f"Type {self._number} to go on, esc to cancel: this terminal doesn't say what it shows.")

    def _show(self, text: str) -> None:
        if self._line is None:
            self._line = BottomLine()
            self._screen.mount(self._line)
        self._line.update(Content(text))
