"""Another registry: those that are open, the profiles, the demo, or one that is typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from regtui.text import clean

OTHER = ""


@dataclass(frozen=True, slots=True)
class RegistryChoice:
    """A registry by its name, and what is told about it."""

    name: str
    told: str = ""
    is_open: bool = False

    @property
    def line(self) -> str:
        sign = "●" if self.is_open else " "
        return clean(f"{sign} {f'{self.name}  ' if self.name else ''}{self.told}".rstrip())


class ChooseScreen(ModalScreen[RegistryChoice | None]):
    """Answers with what was chosen; None for nothing. Typing narrows the list. For another registry, by the name OTHER,
    what was typed is what is told."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "cancel", show=False, id="choose.back"),
        Binding("down", "move(1)", "next", show=False, priority=True, id="choose.next"),
        Binding("up", "move(-1)", "previous", show=False, priority=True, id="choose.previous"),
    ]

    def __init__(self, choices: Sequence[RegistryChoice]) -> None:
        super().__init__()
        self._choices = [*choices, RegistryChoice(OTHER, "another registry …")]
        self._shown: list[RegistryChoice] = []
        self._filter = Input(placeholder="filter", compact=True)
        self._filter.cursor_blink = False
        self._list = OptionList()
        self._list.can_focus = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="choose"):
            yield self._filter
            yield self._list

    def on_mount(self) -> None:
        dialog = self.query_one("#choose")
        dialog.border_title = "Registry"
        dialog.border_subtitle = Content("● open · ↑ ↓ move · enter opens · esc cancels")
        self._filter.focus()
        self._show("")

    def _show(self, text: str) -> None:
        """Those that have every word; another one can be typed in any case."""
        words = text.lower().split()
        self._shown = [
            choice
            for choice in self._choices
            if choice.name == OTHER or all(word in f"{choice.name} {choice.told}".lower() for word in words)
        ]
        self._list.clear_options()
        self._list.add_options(Option(Content(choice.line)) for choice in self._shown)
        self._list.highlighted = 0

    def action_move(self, lines: int) -> None:
        at = self._list.highlighted or 0
        self._list.highlighted = min(max(at + lines, 0), len(self._shown) - 1)

    def action_back(self) -> None:
        """Out of the filter first."""
        if self._filter.value:
            self._filter.value = ""
        else:
            self.dismiss(None)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._show(event.value)

    @on(Input.Submitted)
    def _entered(self) -> None:
        self._answer(self._list.highlighted or 0)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._answer(event.option_index)

    def _answer(self, line: int) -> None:
        choice = self._shown[line]
        self.dismiss(RegistryChoice(OTHER, self._filter.value.strip()) if choice.name == OTHER else choice)
