"""Textual's pilot, without most of its waiting: that was most of what the tests of the screens took.

After each key it takes an app that did next to nothing for 20 ms for one that has settled, twice. What has to be there
is waited for by the tests themselves. A key that answers a question has to wait until that can be answered, as people
do.

Textual lays out and paints up to sixty times a second. Frames that nobody sees were a tenth of what these tests took:
here it paints less often, and lays out whenever an app has settled, so that no test meets what isn't laid out yet.
"""

from asyncio import sleep
from math import inf
from time import monotonic
from typing import Any, Final

from textual import _wait, app, pilot, screen
from textual._context import active_app

from regtui.ui.question import Asking

_GRANULARITY: Final = 0.005
# Seconds. Some tests are about questions that never stand on the terminal, or not until they say so: they set it to 0.
answerable_within = 0.5

_FRAME: Final = 1 / 15
"""Seconds between two."""
_LAYOUTS: Final = 5
"""What is laid out may make more to be laid out."""

_wait_for_idle = _wait.wait_for_idle


def quicken() -> None:
    """For all tests from then on."""
    screen.UPDATE_PERIOD = _FRAME  # type: ignore[misc]
    _wait.SLEEP_GRANULARITY = _GRANULARITY
    _wait.SLEEP_IDLE = _GRANULARITY / 20
    for module in (app, pilot):
        module.wait_for_idle = _until_idle_and_answerable  # type: ignore[attr-defined]


def is_answerable(running: app.App[Any]) -> bool:
    """Whether keys count on its screen: what that asks, if it does, stands on the terminal."""
    stack = running.screen_stack
    return not stack or not isinstance(stack[-1], Asking) or stack[-1].question.counts_from < inf


async def _until_idle_and_answerable(min_sleep: float = _GRANULARITY, max_sleep: float = 1.0) -> None:
    await _wait_for_idle(min_sleep, max_sleep)
    for _ in range(_LAYOUTS):
        if not _lay_out(active_app.get()):
            break
        await _wait_for_idle(min_sleep, max_sleep)
    running, give_up = active_app.get(), monotonic() + answerable_within
    while not is_answerable(running) and monotonic() < give_up:  # noqa: ASYNC110 (a question tells nobody)
        await sleep(_GRANULARITY)


def _lay_out(running: app.App[Any]) -> bool:
    """Whether anything waited for it."""
    top = running.screen_stack[-1] if running.screen_stack else None
    if top is None or not (top._layout_required or top._scroll_required):
        return False
    top._on_timer_update()
    return True


async def resize(driven: pilot.Pilot[Any], width: int, height: int) -> None:
    """The terminal's size; Textual lays out for it a moment later."""
    await driven.resize_terminal(width, height)
    while driven.app.screen.size != (width, height):
        await driven.pause()
    await driven.pause()
