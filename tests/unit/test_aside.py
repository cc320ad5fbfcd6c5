"""Blocking work beside an event loop."""

import asyncio
import threading

import pytest

from regtui.aside import aside


def test_work_aside_that_never_ends_keeps_nobody() -> None:
    never = threading.Event()

    async def waiting() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(aside(lambda: never.wait(60.0)), 0.01)

    asyncio.run(waiting())
    assert not never.is_set()
    never.set()


async def test_what_goes_wrong_aside_is_raised_where_it_is_awaited() -> None:
    with pytest.raises(ZeroDivisionError):
        await aside(lambda: 1 / 0)
