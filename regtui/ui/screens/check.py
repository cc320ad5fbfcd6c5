"""Whether a tag can be pulled; what it lacks is put back where its bytes are known, after a question."""

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from regtui.errors import RegtuiError
from regtui.repair.values import CheckedReference, RepairPlan
from regtui.repair.words import effect_beside, put_back_sentence, remedy_of, repair_sentences, sentence
from regtui.text import clean
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.question import Question


class CheckScreen(ModalScreen[bool]):
    """Answers whether anything was put back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "back", "close", show=False, id="check.back"),
        Binding("y", "repair", "put back", show=False, id="check.repair"),
        Binding("right,down", "app.focus_next", "next", show=False, id="check.next"),
        Binding("left,up", "app.focus_previous", "previous", show=False, id="check.previous"),
    ]

    def __init__(self, registry: OpenRegistry, repository: str, tag: str) -> None:
        super().__init__()
        self.question = Question(self, also=frozenset(("n", "q")))
        self._session, self._thread = registry.session, registry.thread
        self._repository = repository
        self._tag = tag
        self._plan: RepairPlan | None = None
        """What `y` confirms; None while there is nothing to confirm."""
        self._is_repairing = self._has_changed = False
        self._said = Static(id="said")
        self._close = Button("Close", id="close", compact=True)
        self._put_back = Button("Put back (y)", id="put-back", variant="error", compact=True)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="check"):
            with VerticalScroll(can_focus=False):
                yield self._said
            with Horizontal(id="buttons"):
                yield self._close
                yield self._put_back

    def on_mount(self) -> None:
        self.query_one("#check").border_title = Content(clean(f"Check {self._repository}:{self._tag}"))
        self._put_back.display = False
        self._close.focus()
        self.check()

    @work(exclusive=True, group="check")
    async def check(self) -> None:
        """Looks, and asks where something can be put back."""
        self._say(["Asking the registry for each blob …"])
        try:
            checked = await self._thread.call(self._session.check, self._repository, self._tag, anew=True)
            self._say(["Looking where what is gone can be had …"] if checked.lost else [])
            plan = await self._thread.call(self._session.plan_repair, self._repository, checked.lost)
        except RegtuiError as error:
            self._say([error.message, error.remedy], is_error=True)
            return
        self._tell(checked, plan)

    def _tell(self, checked: CheckedReference, plan: RepairPlan) -> None:
        if not checked.is_broken:
            self._say([f"{checked.name} can be pulled: the registry has all of its blobs."])
            return
        lines = _trouble(checked)
        if plan.sources and self._session.read_only:
            lines += [
                sentence(remedy_of(checked, plan)),
                f"{self._session.name} was opened read-only: nothing is put back.",
            ]
        elif plan.sources:
            lines += ["", *repair_sentences(plan, [checked])]
            lines += [sentence(remedy_of(checked, plan))] if plan.nowhere else []
            self._plan = plan
            self._put_back.display = True
            self.question.ask()
        else:
            lines.append(sentence(remedy_of(checked, plan)))
        self._say(lines, is_error=True)

    @work(exclusive=True, group="check")
    async def put_back(self, plan: RepairPlan) -> None:
        """To the end, and looks again: what was put is kept in the journal until then as not ended."""
        self._is_repairing = self._has_changed = True
        lines: list[str] = []
        try:
            async for outcome in self._thread.stream(self._session.repairing, plan):
                lines.append(put_back_sentence(outcome))
                self._say(lines)
            checked = await self._thread.call(self._session.check, self._repository, self._tag)
            whole = f"{checked.name} can be pulled: the registry has all of its blobs."
            lines += _trouble(checked) if checked.is_broken else [whole]
        except RegtuiError as error:
            lines += [error.message, error.remedy]
        self._say(lines)
        self._is_repairing = False

    def _say(self, lines: list[str], *, is_error: bool = False) -> None:
        self._said.update(Content("\n".join(clean(line) for line in lines)))
        self._said.set_class(is_error, "-error")

    @on(Button.Pressed, "#put-back")
    def action_repair(self) -> None:
        if (plan := self._plan) is not None:
            self._plan = None
            self._put_back.display = False
            self.question.end()
            self._close.focus()
            self.put_back(plan)

    @on(Button.Pressed, "#close")
    def action_back(self) -> None:
        if not self._is_repairing:
            self.dismiss(self._has_changed)


def _trouble(checked: CheckedReference) -> list[str]:
    return [sentence(text) for text in (checked.problem, effect_beside(checked)) if text]
