"""The terminal lent to another program, for what ssh has to ask: the app steps aside, and comes back."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from regtui.host.hosts import Interactive, undisturbed
from regtui.text import clean

if TYPE_CHECKING:
    from textual.app import App


def suspend_for_ssh(app: "App[int]", note: str) -> Interactive:
    """Calls a function, which blocks and doesn't raise, while the app has left the terminal. That happens on the app's
    loop, whichever it is awaited on. `note` is printed before.

    Where the app has no terminal to leave, the function is not called.
    """
    here = asyncio.get_running_loop()

    async def lend(work: Callable[[], None]) -> None:
        try:
            with app.suspend():
                print(clean(note), flush=True)  # noqa: T201
                undisturbed(work)
        except SuspendNotSupported:
            return
        app.refresh(layout=True)

    async def lend_here(work: Callable[[], None]) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(lend(work), here))

    return lend_here
