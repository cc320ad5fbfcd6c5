"""The last line: the keys that matter here. It changes only when the focus does: each change is bytes over SSH."""

from rich.text import Text
from textual.widget import Widget


class Hints(Widget):
    """`("space", "mark")` and the like, as many as fit."""

    DEFAULT_CSS = "Hints { height: 1; background: $panel; }"

    def __init__(self, *hints: tuple[str, str]) -> None:
        super().__init__()
        self._hints = hints

    def show(self, *hints: tuple[str, str]) -> None:
        if hints != self._hints:
            self._hints = hints
            self.refresh()

    def render(self) -> Text:
        text = Text(" ", no_wrap=True)
        key_style = f"bold {self.app.theme_variables.get('text-accent', '')}".strip()
        for key, what in self._hints:
            if text.cell_len + len(key) + len(what) + 3 > self.size.width:
                break
            text.append(key, key_style).append(f" {what}  ")
        return text
