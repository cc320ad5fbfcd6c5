"""Where a password is kept when the system has no usable keyring: the usual case on a server."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static

from regtui.text import clean
from regtui.ui.question import Question


class KeepScreen(ModalScreen[bool]):
    """Answers whether the password goes to where Docker keeps its own; else it is kept until regtui is closed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "session", "until regtui is closed", show=False, id="keep.session"),
        Binding("j", "move(1)", "next", show=False, id="keep.next"),
        Binding("k", "move(-1)", "previous", show=False, id="keep.previous"),
    ]

    def __init__(self, reason: str, docker_way: str) -> None:
        """`reason`: why the keyring can't keep it. `docker_way`: how Docker would keep it."""
        super().__init__()
        self.question = Question(self, also=frozenset("q"))
        self._reason = reason
        self._docker_way = docker_way

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="keep"):
            yield Static(Content(clean(f"The password can't be kept in the keyring: {self._reason}.")))
            yield OptionList(
                Content("Keep it until regtui is closed"),
                Content(clean(f"Keep it {self._docker_way}")),
            )

    def on_mount(self) -> None:
        dialog = self.query_one("#keep")
        dialog.border_title = "Where to keep the password"
        dialog.border_subtitle = "↑ ↓ move · enter chooses · esc until regtui is closed"
        self.question.ask()

    def action_move(self, lines: int) -> None:
        choices = self.query_one(OptionList)
        choices.highlighted = min(max((choices.highlighted or 0) + lines, 0), choices.option_count - 1)

    def action_session(self) -> None:
        self.dismiss(False)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index == 1)
