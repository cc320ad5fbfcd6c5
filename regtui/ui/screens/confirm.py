"""A question before something that can't be taken back: *no* has the focus."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from regtui.text import clean
from regtui.ui.question import Question


class ConfirmScreen(ModalScreen[bool]):
    """Answers whether `yes` was chosen. The sentences may hold server text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "answer(False)", "no", show=False, id="confirm.no"),
        Binding("y", "answer(True)", "yes", show=False, id="confirm.yes"),
        Binding("ctrl+c", "interrupt", "no", show=False, priority=True, id="confirm.interrupt"),
        Binding("right,down", "app.focus_next", "next", show=False, id="confirm.next"),
        Binding("left,up", "app.focus_previous", "previous", show=False, id="confirm.previous"),
    ]

    def __init__(
        self, title: str, sentences: Sequence[str], *, yes: str, no: str = "Cancel", is_about_leaving: bool = False
    ) -> None:
        """`is_about_leaving`: ctrl+c has brought it, and pressed again means yes."""
        super().__init__()
        self.question = Question(self, also=frozenset(("n", "q")))
        self._is_about_leaving = is_about_leaving
        self._title = title
        self._sentences = sentences
        self._yes = yes
        self._no = no

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="confirm"):
            yield Static(Content("\n".join(clean(sentence) for sentence in self._sentences)))
            with Horizontal(id="buttons"):
                yield Button(Content(clean(self._no)), id="no", compact=True)
                yield Button(Content(clean(f"{self._yes} (y)")), id="yes", variant="error", compact=True)

    def on_mount(self) -> None:
        self.query_one("#confirm").border_title = Content(clean(self._title))
        self.query_one("#no").focus()
        self.question.ask()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_interrupt(self) -> None:
        self.dismiss(self._is_about_leaving)

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)
