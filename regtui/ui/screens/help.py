"""The keys, by where they work."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen

from regtui.ui.widgets.lines import Lines

Keys = tuple[str, str]
Section = tuple[str, Sequence[Keys]]

_BROWSER: Final[Sequence[Section]] = (
    (
        "Everywhere",
        (
            ("tab  shift+tab", "next, previous pane"),
            ("↑ ↓  j k", "move"),
            ("pgup pgdn  ctrl+u ctrl+d", "move by a page, by half of one"),
            ("home end  g G", "first, last"),
            ("/", "filter as you type: enter keeps, esc clears"),
            ("n   N", "next, previous match of a filter or search"),
            ("1 2 3", "repositories, tags, details"),
            ("r  F5", "reload from the registry"),
            ("z", "zoom the pane, and back"),
            (".", "show or hide signatures and empty repositories"),
            ("c", "switch registry"),
            ("ctrl+f", "find a tag or a digest in all repositories"),
            ("!", "log of requests"),
            (":  ctrl+p", "every action, repository and theme"),
            ("ctrl+p Doctor", "check the way to this registry, what it allows"),
            ("ctrl+p Forget login", "forget what regtui keeps for this registry"),
            ("ctrl+g", "garbage collection, the dry run first"),
            ("esc", "one step back"),
            ("q", "quit; asks first while something is changed"),
        ),
    ),
    (
        "Repositories",
        (
            ("enter  →  l", "open"),
            ("space", "fold or unfold"),
            ("←  h", "fold, or up"),
            ("u", "usage: where the bytes are"),
        ),
    ),
    (
        "Tags",
        (
            ("space", "mark or unmark, and move down"),
            ("v", "mark a range: from here to the next v"),
            ("shift+↑ ↓", "mark while moving"),
            ("a   i", "mark all shown, invert"),
            ("*", "mark by rule: name, age, newest, duplicates"),
            ("s   S", "next sort column, reverse"),
            ("d  del", "delete the marked tags, or this one"),
            ("U", "undo the last deletion"),
            ("=", "compare the two marked, or marked with this"),
            ("t", "add a tag to this image"),
            ("y   Y", "copy the references: by tag, by digest"),
            ("enter  →  l", "details"),
            ("←  h", "to the repositories"),
        ),
    ),
    (
        "Details",
        (
            ("[   ]", "previous, next tab"),
            ("p", "next platform"),
            ("/", "search"),
            ("←  h", "to the tags"),
        ),
    ),
)
_ELSEWHERE: Final[Section] = (
    "Everywhere",
    (
        ("↑ ↓  j k", "move"),
        ("pgup pgdn  ctrl+u ctrl+d", "move by a page, by half of one"),
        ("home end  g G", "first, last"),
        (":  ctrl+p", "themes and more"),
        ("q", "quit; asks first while something is changed"),
    ),
)


def browser_keys(pane: str) -> list[Section]:
    """Those of the browser, and of its details on a whole screen; those of `pane`, as `tags`, come first."""
    return sorted(_BROWSER, key=lambda section: section[0].lower() != pane)


def keys_of(screen: Screen[Any]) -> list[Section]:
    """Those that any other screen has now, by its own bindings."""
    found: dict[str, tuple[list[str], str]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.id and binding.description and not binding.id.startswith(("app.", "lines.")):
            keys, _ = found.setdefault(binding.id, ([], binding.description))
            keys.append(screen.app.get_key_display(binding))
    return [("Here", [("  ".join(keys), what) for keys, what in found.values()]), _ELSEWHERE]


class KeyLines(Lines):
    """The table of keys."""

    def __init__(self, sections: Iterable[Section]) -> None:
        super().__init__()
        self._lines: list[Text] = []
        for title, keys in sections:
            self._lines += [Text()] * bool(self._lines) + [Text(title, "bold", no_wrap=True)]
            self._lines += [Text(f"  {key:<26}", no_wrap=True).append(what, "dim") for key, what in keys]

    def on_mount(self) -> None:
        self.lines_changed()

    def line_count(self) -> int:
        return len(self._lines)

    def line(self, number: int, width: int) -> Text:
        return self._lines[number].copy()


class HelpScreen(ModalScreen[None]):
    """Any of its keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "close", "close", show=False, id="help.close"),
    ]

    def __init__(self, sections: Iterable[Section]) -> None:
        super().__init__()
        self._sections = sections

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="help"):
            yield KeyLines(self._sections)

    def on_mount(self) -> None:
        dialog = self.query_one("#help")
        dialog.border_title = "Keys"
        dialog.border_subtitle = "esc closes"
        self.query_one(KeyLines).focus()

    def action_close(self) -> None:
        self.dismiss()
