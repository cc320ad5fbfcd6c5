"""Another registry: the profiles, the demo, or one that is typed."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from regtui.text import clean

OTHER = ""


class ChooseScreen(ModalScreen[str | None]):
    """Answers with a registry's name; OTHER for one to be typed, None for none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "cancel", show=False, id="choose.back"),
    ]

    def __init__(self, names: Sequence[tuple[str, str]]) -> None:
        """`names`: each with what is told about it."""
        super().__init__()
        self._names = [*names, (OTHER, "another registry …")]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="choose"):
            yield OptionList(*(Option(Content(clean(f"{name}  {told}".strip()))) for name, told in self._names))

    def on_mount(self) -> None:
        self.query_one("#choose").border_title = "Registry"

    def action_back(self) -> None:
        self.dismiss(None)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._names[event.option_index][0])
