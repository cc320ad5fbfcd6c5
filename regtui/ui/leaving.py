"""Quitting while a registry is being changed: asked, stopped at the next safe point, and only then out."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from regtui.ui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from textual.app import App


@runtime_checkable
class Changing(Protocol):
    """A screen on which a registry is changed."""

    @property
    def under_way(self) -> str:
        """What is being done, as a sentence; empty where nothing is."""

    def stop(self) -> None:
        """Ends it at the next safe point."""

    async def ended(self) -> bool:
        """Waits for its end. Whether it may be left without a word: False where something has to be read."""


async def may_leave(app: "App[int]") -> bool:
    """Whether the app may end now. Asks while something is being changed, and waits until it is stopped."""
    changing = next((screen for screen in app.screen_stack if isinstance(screen, Changing) and screen.under_way), None)
    if changing is None:
        return True
    question = ConfirmScreen(
        "Quit?",
        [changing.under_way, "Quitting stops it at the next safe point: what is done by then stays done."],
        yes="Stop and quit",
        no="Go on",
        is_about_leaving=True,
    )
    if not await app.push_screen_wait(question):
        return False
    changing.stop()
    return await changing.ended()
