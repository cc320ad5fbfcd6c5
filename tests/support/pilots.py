"""Textual's pilot, without most of its waiting: that was most of what the tests of the screens took.

After each key it takes an app that did next to nothing for 20 ms for one that has settled, twice. What has to be there
is waited for by the tests themselves. A key that answers a question has to wait until that can be answered, as people
do.
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

_wait_for_idle = _wait.wait_for_idle


def quicken() -> None:
    """For all tests from then on."""
    # Frames that nobody sees were a tenth of what these tests took.
    screen.UPDATE_PERIOD = 1 / 15  # type: ignore[misc]
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
    running, give_up = active_app.get(), monotonic() + answerable_within
    while not is_answerable(running) and monotonic() < give_up:  # noqa: ASYNC110 (a question tells nobody)
        await sleep(_GRANULARITY)


async def resize(driven: pilot.Pilot[Any], width: int, height: int) -> None:
    """The terminal's size; Textual lays out for it a moment later."""
    await driven.resize_terminal(width, height)
    while driven.app.screen.size != (width, height):
        await driven.pause()
    await driven.pause()
