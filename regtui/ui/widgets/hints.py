"""The last line: the keys that matter here. It changes only when the focus does: each change is bytes over SSH."""

from typing import Final

from rich.text import Text
from textual.widget import Widget

_HELP: Final = ("?", "help")


class Hints(Widget):
    """`("space", "mark")` and the like, as many as fit; the one of help among them, as it tells the others."""

    DEFAULT_CSS = "Hints { height: 1; background: $panel; }"

    def __init__(self, *hints: tuple[str, str]) -> None:
        super().__init__()
        self._hints = hints

    def show(self, *hints: tuple[str, str]) -> None:
        if hints != self._hints:
            self._hints = hints
            self.refresh()

    def _fitting(self, room: int) -> list[tuple[str, str]]:
        hints = list(self._hints)
        while hints and sum(len(key) + len(what) + 3 for key, what in hints) > room:
            hints.remove(next((hint for hint in reversed(hints) if hint != _HELP), _HELP))
        return hints

    def render(self) -> Text:
        text = Text(" ", no_wrap=True)
        key_style = f"bold {self.app.theme_variables.get('text-accent', '')}".strip()
        for key, what in self._fitting(self.size.width - text.cell_len):
            text.append(key, key_style).append(f" {what}  ")
        return text
