"""While a registry is being opened."""

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from regtui.text import clean


class OpeningScreen(Screen[None]):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._opened = name

    def compose(self) -> ComposeResult:
        yield Static(Content(clean(f"Connecting to {self._opened} …")), id="opening")
