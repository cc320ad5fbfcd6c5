"""The last line: the keys that matter here. It changes only when the focus does: each change is bytes over SSH."""

from typing import Final

from rich.text import Text
from textual import events
from textual.widget import Widget

# What nobody finds out otherwise: how to see the other keys, and how to get out.
_KEPT: Final = (("?", "help"), ("q", "quit"))
# As Textual names them; what isn't here is named by its character.
_KEYS: Final = {
    "esc": ("escape", None),
    "enter": ("enter", None),
    "space": ("space", " "),
    "tab": ("tab", None),
    "[ ]": ("right_square_bracket", "]"),
    "/": ("slash", "/"),
    "?": ("question_mark", "?"),
    "!": ("exclamation_mark", "!"),
    "*": ("asterisk", "*"),
    "=": ("equals_sign", "="),
    ":": ("colon", ":"),
    ".": ("full_stop", "."),
}


def pressed_by(hint: str) -> tuple[str, str | None] | None:
    """The key that a click on a hint presses, and its character; None for what names several, as `↑ ↓`."""
    if hint in _KEYS:
        return _KEYS[hint]
    if hint.startswith(("ctrl+", "^")):
        return f"ctrl+{hint[-1]}", None
    return (hint, hint) if len(hint) == 1 and hint.isascii() else None


class Hints(Widget):
    """`("space", "mark")` and the like, as many as fit, those of help and quitting among them. A click on one presses
    its key."""

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
            hints.remove(next((hint for hint in reversed(hints) if hint not in _KEPT), hints[-1]))
        return hints

    def render(self) -> Text:
        text = Text(" ", no_wrap=True)
        key_style = f"bold {self.app.theme_variables.get('text-accent', '')}".strip()
        for key, what in self._fitting(self.size.width - text.cell_len):
            text.append(key, key_style).append(f" {what}  ")
        return text

    def on_click(self, event: events.Click) -> None:
        x = event.x - 1
        for key, what in self._fitting(self.size.width - 1):
            length = len(key) + 1 + len(what)
            if 0 <= x < length and (pressed := pressed_by(key)) is not None:
                self.app.post_message(events.Key(*pressed))
            x -= length + 2
