"""The keys, by where they work."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen

from regtui.ui.widgets.lines import Lines
from regtui.ui.widgets.pane import Pane

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
            ("r  ctrl+r  F5", "reload from the registry"),
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
            ("q", "quit"),
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
            ("P", "mark what the retention rules select"),
            ("s   S", "next sort column, reverse"),
            ("T", "times as age, in UTC, in local time"),
            ("d  del", "delete the marked tags, or this one"),
            ("U", "undo the last deletion"),
            ("=", "compare the two marked, or marked with this"),
            ("t", "add a tag to this image"),
            ("y   Y", "copy the references: by tag, by digest"),
            ("o", "read the manifest's JSON in $PAGER"),
            ("enter  →  l", "details"),
            ("←  h", "to the repositories"),
            ("≡", "in a row: other tags have the same image"),
        ),
    ),
    (
        "Details",
        (
            ("[   ]", "previous, next tab"),
            ("enter  y", "Layers: unfold one, copy its digest"),
            ("s", "Layers: by size, or as they lie"),
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
        ("q", "quit"),
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
    """The table of keys, those that have every word of what is sought."""

    def __init__(self, sections: Iterable[Section]) -> None:
        super().__init__()
        self._sections = list(sections)
        self._lines: list[Text] = []
        self._make(())

    def on_mount(self) -> None:
        self.lines_changed()

    def filter(self, text: str) -> None:
        self._make(text.lower().split())
        self.lines_changed()
        self.tell("" if self._lines else "No key matches.")

    def _make(self, words: Sequence[str]) -> None:
        self._lines = []
        for title, keys in self._sections:
            found = [(key, what) for key, what in keys if all(word in f"{key} {what}".lower() for word in words)]
            if found:
                self._lines += [Text()] * bool(self._lines) + [Text(title, "bold", no_wrap=True)]
                self._lines += [Text(f"  {key:<26}", no_wrap=True).append(what, "dim") for key, what in found]

    def line_count(self) -> int:
        return len(self._lines)

    def line(self, number: int, width: int) -> Text:
        return self._lines[number].copy()


class HelpScreen(ModalScreen[None]):
    """Any of its keys closes it, but for the one that finds others."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False, id="help.back"),
        Binding("q,question_mark,f1,enter", "close", "close", show=False, id="help.close"),
        Binding("slash", "filter", "find a key", show=False, id="help.filter"),
    ]

    def __init__(self, sections: Iterable[Section]) -> None:
        super().__init__()
        self._lines = KeyLines(sections)
        self._pane = Pane(self._lines, id="help", placeholder="find a key")

    def compose(self) -> ComposeResult:
        yield self._pane

    def on_mount(self) -> None:
        self._pane.add_class("dialog")
        self._pane.title("Keys", "/ finds a key · esc closes")
        self._lines.focus()

    @on(Pane.Filtered)
    def _filtered(self, event: Pane.Filtered) -> None:
        self._lines.filter(event.text)

    def on_paste(self, event: events.Paste) -> None:
        self._pane.paste(event.text)

    def action_filter(self) -> None:
        self._pane.open_filter()

    def action_back(self) -> None:
        """Out of what is sought first."""
        if self._pane.is_filtering or self._pane.filter_text:
            self._pane.clear_filter()
        else:
            self.dismiss()

    def action_close(self) -> None:
        self.dismiss()
