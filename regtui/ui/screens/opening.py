"""While a registry is being opened."""

import asyncio

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from regtui.text import clean


class OpeningScreen(Screen[None]):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._opened = name

    async def painted(self) -> None:
        """Until it has been seen."""
        seen = asyncio.Event()
        self.call_after_refresh(seen.set)
        await seen.wait()

    def compose(self) -> ComposeResult:
        yield Static(Content(clean(f"Connecting to {self._opened} …")), id="opening")
