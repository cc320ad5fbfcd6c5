"""The terminal lent to another program, for what ssh has to ask: the app steps aside, and comes back."""

import signal
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from regtui.text import clean

if TYPE_CHECKING:
    from textual.app import App

Work = Callable[[], None]


def lent_by(app: "App[int]", note: str) -> Callable[[Work], Awaitable[None]]:
    """Calls a function, which blocks and doesn't raise, while the app has left the terminal. `note` is printed before.

    Where the app has no terminal to leave, the function is not called.
    """

    async def lend(work: Work) -> None:
        try:
            with app.suspend():
                print(clean(note), flush=True)  # noqa: T201
                undisturbed(work)
        except SuspendNotSupported:
            return
        app.refresh(layout=True)

    return lend


def undisturbed(work: Work) -> None:
    """Calls it here and now, so that nothing of ours writes in between. Ctrl+C is for what runs there."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        work()
    finally:
        signal.signal(signal.SIGINT, before)
