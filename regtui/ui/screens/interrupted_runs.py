"""Deletions and undos that a crash or a kill interrupted: asked about when their registry is opened."""

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from regtui.deletion.entry import Belonging, Entry, Kind
from regtui.deletion.undo_words import interrupted_sentence
from regtui.errors import RegtuiError
from regtui.session.session import Session
from regtui.text import clean
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.question import Question
from regtui.ui.screens.delete import FinishScreen
from regtui.ui.screens.plan import PlanScreen
from regtui.ui.screens.undo import FinishUndoScreen, UndoScreen

if TYPE_CHECKING:
    from textual.app import App

FINISH, BACK, LATER = "finish", "back", "later"


class InterruptedScreen(ModalScreen[str]):
    """Answers with FINISH, BACK or LATER."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "answer('later')", "later", show=False, id="interrupted.later"),
        Binding("f", "answer('finish')", "finish it", show=False, id="interrupted.finish"),
        Binding("b", "answer('back')", "put everything back", show=False, id="interrupted.back"),
    ]

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.question = Question(self, also=frozenset("q"))
        self._entry = entry

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="interrupted"):
            yield Static(Content(clean(interrupted_sentence(self._entry))))
            with Horizontal(id="buttons"):
                yield Button("Later", id=LATER, compact=True)
                # Which of the two deletes is red.
                if self._entry.kind is Kind.DELETION:
                    yield Button("Put back (b)", id=BACK, variant="primary", compact=True)
                    yield Button("Finish it (f)", id=FINISH, variant="error", compact=True)
                else:
                    yield Button("Take it back (b)", id=BACK, variant="error", compact=True)
                    yield Button("Finish it (f)", id=FINISH, variant="primary", compact=True)

    def on_mount(self) -> None:
        self.query_one("#interrupted").border_title = "Not finished"
        self.query_one(f"#{LATER}").focus()
        self.question.ask()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id or LATER)

    def action_answer(self, answer: str) -> None:
        self.dismiss(answer)


async def settle(app: "App[Any]", registry: OpenRegistry) -> list[str]:
    """Asks what becomes of each run that was interrupted, and does it; the repositories that were changed.

    Called within a worker. Where the session is read-only it is only told, and where nobody can say that it is of
    this registry.
    """
    session = registry.session
    changed: list[str] = []
    try:
        unfinished = await registry.thread.call(session.changes.unfinished)
    except RegtuiError:
        return changed
    tell_troubles(app, session)
    for entry in unfinished:
        if session.read_only or entry.belongs_to(session.identity) is not Belonging.HERE:
            app.notify(clean(_told(session, entry)), severity="warning", timeout=12, markup=False)
            continue
        answer = await app.push_screen_wait(InterruptedScreen(entry))
        if answer == LATER:
            continue
        if await app.push_screen_wait(_screen(registry, entry, answer)) is not None:
            changed.append(entry.repository)
    return changed


def _screen(registry: OpenRegistry, entry: Entry, answer: str) -> PlanScreen:
    if answer == BACK:
        return UndoScreen(registry, entry)
    return (FinishScreen if entry.kind is Kind.DELETION else FinishUndoScreen)(registry, entry)


def tell_troubles(app: "App[Any]", session: Session) -> None:
    """What of the journal can't be read, or isn't trusted."""
    for trouble in session.changes.troubles():
        app.notify(clean(trouble), severity="warning", timeout=12, markup=False)


def _told(session: Session, entry: Entry) -> str:
    sentence = interrupted_sentence(entry)
    if entry.belongs_to(session.identity) is Belonging.HERE:
        return sentence
    command = session.target.undo_command(entry.name)
    back = "To take it back" if entry.kind is Kind.RESTORE else "To put it back"
    return f"{sentence} It may have been at {session.identity}, or elsewhere. {back}: {command}"
