"""The first frame, and what is seen while a registry is being opened: the browser's panes, with nothing in them yet.

Imports nothing that the app wouldn't import anyway: a client and a browser are loaded while this is looked at.
"""

import asyncio

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from regtui.text import clean


class OpeningScreen(Screen[None]):
    """`name`: what the user calls the registry. `classes`: of the terminal's width; later they would be dear."""

    def __init__(self, name: str, classes: str) -> None:
        super().__init__(classes=classes)
        self._opened = clean(name)
        self._is_on_top = asyncio.Event()

    def on_screen_resume(self) -> None:
        self._is_on_top.set()

    def on_screen_suspend(self) -> None:
        self._is_on_top.clear()

    async def uncovered(self) -> None:
        """Until nothing lies on it: what is typed into the palette would become commands of what comes up, and help
        would be closed under the eyes of who reads it."""
        await self._is_on_top.wait()

    def compose(self) -> ComposeResult:
        yield Static(Content.assemble((" regtui", "bold"), "  ", (self._opened, "bold")), classes="opening--bar")
        with Container(id="panes"):
            for title, told in (("Repositories", f"Connecting to {self._opened} …"), ("Tags", ""), ("Details", "")):
                pane = Static(Content(told), id=title.lower(), classes="pane")
                pane.border_title = title
                yield pane
        yield Static(Content.assemble(" ", ("q", "bold $accent"), " quit"), classes="opening--bar")

    async def painted(self) -> None:
        """Until it has been seen."""
        seen = asyncio.Event()
        self.call_after_refresh(seen.set)
        await seen.wait()
