"""The terminal lent to another program, for what ssh has to ask: the app steps aside, and comes back."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from regtui.garbage.hosts import Interactive, undisturbed
from regtui.text import clean

if TYPE_CHECKING:
    from textual.app import App


def lent_by(app: "App[int]", note: str) -> Interactive:
    """Calls a function, which blocks and doesn't raise, while the app has left the terminal. `note` is printed before.

    Where the app has no terminal to leave, the function is not called.
    """

    async def lend(work: Callable[[], None]) -> None:
        try:
            with app.suspend():
                print(clean(note), flush=True)  # noqa: T201
                undisturbed(work)
        except SuspendNotSupported:
            return
        app.refresh(layout=True)

    return lend
