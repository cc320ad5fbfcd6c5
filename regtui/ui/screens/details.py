"""The details on a whole screen, where the terminal is too narrow for three panes."""

import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, Final

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from regtui.errors import RegtuiError
from regtui.ui.browsing.words import FILTERING
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.widgets.details.view import DetailsView
from regtui.ui.widgets.hints import Hints
from regtui.ui.widgets.pane import Pane

_HINTS: Final = (("esc", "back"), ("[ ]", "tabs"), ("p", "platform"), ("/", "search"), ("n N", "matches"))


class DetailsScreen(Screen[None]):
    """`esc` goes back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,left,h", "back", "back", show=False, id="details.back"),
        Binding("slash", "search", "search", show=False, id="details.search"),
        Binding("r", "reload", "read again", show=False, id="details.reload"),
    ]

    def __init__(self, registry: OpenRegistry, repository: str, reference: str, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._session, self._thread = registry.session, registry.thread
        self._repository = repository
        self._reference = reference
        self.view = DetailsView(clock)
        self._pane = Pane(self.view, id="details", placeholder="search")
        self._hints = Hints(*_HINTS)

    def compose(self) -> ComposeResult:
        yield self._pane
        yield self._hints

    def on_mount(self) -> None:
        self.view.focus()
        self.load()

    @work(exclusive=True, group="details")
    async def load(self) -> None:
        title = f"{self._repository}:{self._reference}"
        self._pane.title(title, "reading …")
        try:
            details = await self._thread.call(self._session.details, self._repository, self._reference)
        except RegtuiError as error:
            self._pane.title(title)
            self._pane.tell(f"{error}\n\nr: try again · esc: back", is_error=True)
            return
        self._pane.tell("")
        self.view.show(details)
        self._retitle()
        with contextlib.suppress(RegtuiError):
            if (checked := await self._thread.call(self._session.checked, details)) is not details:
                self.view.show(checked)

    @on(DetailsView.Changed)
    def _retitle(self) -> None:
        self._pane.title(f"{self._repository}:{self._reference}", self.view.position)

    def on_descendant_focus(self) -> None:
        self._hints.show(*(FILTERING if self._pane.is_filtering else _HINTS))

    @on(Pane.Filtered)
    def _searched(self, event: Pane.Filtered) -> None:
        self.view.search(event.text)

    def on_paste(self, event: events.Paste) -> None:
        self._pane.paste(event.text)

    def action_search(self) -> None:
        self._pane.open_filter()

    async def action_reload(self) -> None:
        await self._thread.call(self._session.forget, self._repository)
        self.load()

    def action_back(self) -> None:
        if self._pane.is_filtering or self._pane.filter_text:
            self._pane.clear_filter()
        else:
            self.dismiss()
