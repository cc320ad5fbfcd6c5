"""A change of a registry on the screen: the plan, then the progress, then the result. Nothing is done that wasn't shown
and confirmed here. What is planned, and how, is said by the screens below this one."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Input, Static

from regtui.deletion.entry import Entry
from regtui.deletion.values import Outcome, Report, Status
from regtui.deletion.words import report_sentences
from regtui.errors import RegtuiError
from regtui.session.changes import RunningChange
from regtui.text import clean, plural
from regtui.ui.keys import keys_held
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.question import Question
from regtui.ui.widgets.hints import Hints
from regtui.ui.widgets.outcomes import OutcomeLines
from regtui.ui.widgets.tick import Tick

Progress = Callable[[int, int], None]

_BAR: Final = 30
# Lines: between the parts of a plan, and of its buttons with theirs.
_MARGIN: Final = 1
_BUTTONS: Final = 2
# Of what failed, as many are told with their reason; of more, the rows.
_REASONS: Final = 5
# Seconds. Thousands of tags come one by one, and all rows are put into their order for each painting.
_REPAINT: Final = 0.25


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan as it is shown and asked about.

    `rows`: what is done to each tag and manifest; `notes` by their reference. `button`: what confirming does. `typed`:
    what has to be typed for it, empty where `y` is enough; `besides`: what it is typed for, where that isn't what is
    deleted. `offers`: what may be chosen besides, each with its label.
    """

    sentences: Sequence[str]
    rows: Sequence[Outcome]
    notes: Mapping[str, str]
    button: str
    start: Callable[[], RunningChange]
    is_possible: bool
    typed: str = ""
    besides: str = ""
    offers: Mapping[str, str] = field(default_factory=dict)


class Progressing:
    """How far a proposal is: what came of each of its rows."""

    def __init__(self, rows: Sequence[Outcome]) -> None:
        self._rows = {outcome.reference: outcome for outcome in rows}
        # Only these are counted: the rest of a deletion tells, besides, what was done before it was interrupted.
        self._waiting = {outcome.reference for outcome in rows if outcome.status is Status.PLANNED}
        self.total = len(self._waiting)
        self.is_new = False
        """Whether anything came since the rows were taken."""

    def take(self, batch: Sequence[Outcome]) -> None:
        self._rows.update({outcome.reference: outcome for outcome in batch})
        self._waiting -= {outcome.reference for outcome in batch if outcome.status is not Status.PLANNED}
        self.is_new = True

    @property
    def done(self) -> int:
        return self.total - len(self._waiting)

    def rows(self) -> list[Outcome]:
        self.is_new = False
        return list(self._rows.values())


def _reasons(report: Report) -> list[str]:
    """Why something failed: whole, as its row may have no room for it."""
    failed = [outcome for outcome in report.outcomes if outcome.status is Status.FAILED and outcome.error]
    return [f"{_named(outcome)}: {outcome.error}" for outcome in failed[:_REASONS]]


def _named(outcome: Outcome) -> str:
    is_manifest = "@" in outcome.reference and outcome.digest is not None
    return outcome.digest.short if is_manifest and outcome.digest else outcome.reference.rpartition(":")[2]


class Sentences(VerticalScroll, can_focus=False):
    """What is said of a plan, and can be read on where there is no room for all of it."""

    def __init__(self) -> None:
        super().__init__(id="sentences")
        self._said = Static()

    def compose(self) -> ComposeResult:
        yield self._said

    @property
    def content(self) -> str:
        return str(self._said.content)

    def say(self, sentences: Sequence[str]) -> None:
        self._said.update(Content("\n".join(clean(sentence) for sentence in sentences if sentence)))
        self.scroll_home(animate=False)

    def read_on(self, pages: int) -> None:
        self.scroll_relative(y=pages * max(self.size.height - 1, 1), animate=False)

    @property
    def has_more(self) -> bool:
        return self.max_scroll_y > 0


class PlanScreen(Screen[Report | None]):
    """Answers with the last report; None where nothing was done."""

    OFFERS: ClassVar[tuple[str, ...]] = ()
    """Names of what may be chosen besides the plan."""
    LOOKING = "Reading the repository …"
    DOING = "Deleting"
    DONE = "deleted"
    VARIANT: ClassVar[Literal["primary", "error"]] = "error"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "cancel, or stop", show=False, id="plan.back"),
        Binding("y", "confirm", "confirm", show=False, id="plan.confirm"),
        Binding("U", "undo", "undo it", show=False, id="plan.undo"),
        Binding("pagedown", "read_on(1)", "read on", show=False, id="plan.read_on"),
        Binding("pageup", "read_on(-1)", "read back", show=False, id="plan.read_back"),
        Binding("p", "again", "plan again", show=False, id="plan.again"),
    ]

    def __init__(self, registry: OpenRegistry) -> None:
        super().__init__()
        self.question = Question(self, answerable=self._hint)
        self._registry = registry
        self._session, self._thread = registry.session, registry.thread
        self._proposal: Proposal | None = None
        self._change: RunningChange | None = None
        self._progress = Progressing(())
        self._report: Report | None = None
        self._answer: Report | None = None
        self._ended = asyncio.Event()
        self._frame = Vertical(classes="pane", id="plan")
        self._sentences = Sentences()
        self._table = OutcomeLines()
        self._offers = {name: Tick("", id=name) for name in self.OFFERS}
        self._typed = Input(id="typed", compact=True)
        self._typed.cursor_blink = False
        self._cancel = Button("Cancel", id="cancel", compact=True)
        self._go = Button("", id="go", variant=self.VARIANT, compact=True)
        self._hints = Hints(("esc", "cancel"))

    # What the screens below say

    @property
    @abstractmethod
    def repository(self) -> str: ...

    @property
    @abstractmethod
    def heading(self) -> str: ...

    @abstractmethod
    async def propose(self, chosen: Mapping[str, bool], on_progress: Progress) -> Proposal:
        """The plan, with what was `chosen` of the offers. Raises RegtuiError."""

    @abstractmethod
    def undoing(self, entry: Entry) -> "PlanScreen":
        """What takes back what was done here, as the journal has it."""

    def plan_anew(self, report: Report) -> bool:
        """Makes ready to plan again what `report` left alone because it had changed; whether there is any."""
        return False

    # The plan

    def compose(self) -> ComposeResult:
        with self._frame:
            yield self._sentences
            yield self._table
            yield from self._offers.values()
            yield self._typed
            with Horizontal(id="buttons"):
                yield self._cancel
                yield self._go
        yield self._hints

    def on_mount(self) -> None:
        self._frame.border_title = Content(clean(self.heading))
        for widget in (*self._offers.values(), self._typed, self._go):
            widget.display = False
        self._cancel.focus()
        self.set_interval(_REPAINT, self._repaint)
        self.make_plan()

    @work(exclusive=True, group="plan")
    async def make_plan(self) -> None:
        # What was shown before isn't what would be done now: until the new plan is shown, nothing can be confirmed.
        self._proposal = None
        self._go.display = self._typed.display = False
        self._typed.value = ""
        self.question.end()
        self._say([self.LOOKING])

        def progress(done: int, total: int) -> None:
            if done % 50 == 0 or done == total:
                self.call_later(self._say_progress, done, total)

        chosen = {name: tick.value for name, tick in self._offers.items()}
        try:
            proposal = await self.propose(chosen, progress)
        except RegtuiError as error:
            self._say([error.message, error.remedy])
            self.question.ask()
            return
        self._proposal = proposal
        self._show(proposal)
        self.question.ask()

    def _say_progress(self, done: int, total: int) -> None:
        if self._proposal is None:
            self._say([f"{self.LOOKING} {done:,}/{total:,}"])

    def _show(self, proposal: Proposal) -> None:
        self._say(proposal.sentences)
        self._table.show(proposal.rows, proposal.notes)
        for name, tick in self._offers.items():
            label = proposal.offers.get(name, "")
            tick.display = bool(label) or tick.value
            if label:
                tick.label = Content(clean(label))
        word = proposal.typed
        self._typed.display = bool(word) and proposal.is_possible
        self._typed.placeholder = f"type {word} to {proposal.besides or 'confirm'}"
        self._go.display = proposal.is_possible
        self._go.disabled = bool(word)
        self._go.label = Content(proposal.button)
        self._hints.show(("tab", "next"), ("esc", "cancel"))
        (self._typed if self._typed.display else self._cancel).focus()

    def _hint(self) -> None:
        """How to confirm: shown from when on it counts, and what has to be typed for as long as it isn't."""
        proposal = self._proposal
        if proposal is None or not proposal.is_possible:
            return
        if self._go.disabled:
            how = ("", f"type {proposal.typed} to confirm")
        else:
            how = ("enter" if proposal.typed else "y", proposal.button.lower())
        more = (("pgdn", "read on"),) if self._sentences.has_more else ()
        self._hints.show(how, *more, ("tab", "next"), ("esc", "cancel"))

    @on(Tick.Changed)
    def _offer_changed(self) -> None:
        if self._change is None:
            self.make_plan()

    @on(Input.Changed, "#typed")
    def _typed_changed(self, event: Input.Changed) -> None:
        self._go.disabled = self._proposal is None or event.value.strip() != self._proposal.typed
        self._hint()

    @on(Input.Submitted, "#typed")
    def _typed_submitted(self) -> None:
        if not self._go.disabled:
            self._start()

    @on(Button.Pressed, "#go")
    def _go_pressed(self) -> None:
        self._start()

    @on(Button.Pressed, "#cancel")
    def _cancel_pressed(self) -> None:
        self.action_back()

    def action_confirm(self) -> None:
        """`y`: only where nothing has to be typed."""
        if self._proposal is not None and self._go.display and not self._go.disabled:
            self._start()

    # Doing it

    def _start(self) -> None:
        if self._proposal is not None and self._change is None:
            self._change = self._proposal.start()
            self.question.end()
            for widget in (*self._offers.values(), self._typed, self._go, self._cancel):
                widget.display = False
            self._table.focus()
            self._hints.show(("esc", "stop after the requests under way"))
            self.carry_out(self._proposal, self._change)

    @work(group="carry out")
    async def carry_out(self, proposal: Proposal, running: RunningChange) -> None:
        self._progress = progress = Progressing(proposal.rows)
        self._say([self._doing(running)])

        def looking(done: int, of: int) -> None:
            if done % 50 == 0 or done == of:
                self.call_later(self._say_looking, done, of)

        running.tell_looks(looking)
        try:
            async for batch in self._thread.stream(running.outcomes):
                progress.take(batch)
            trouble = []
        except RegtuiError as error:
            trouble = [error.message, error.remedy]
        self._show_result(proposal, running.report, trouble)

    def _repaint(self) -> None:
        if self._change is not None and self._report is None and self._progress.is_new:
            self._say([self._doing(self._change)])
            self._table.show(self._progress.rows())
            self._table.show_last_done()

    def _doing(self, running: RunningChange) -> str:
        done, total = self._progress.done, self._progress.total
        full = round(_BAR * done / total) if total else 0
        what = "Stopping" if running.is_stopping else self.DOING
        return f"{what}  {'█' * full}{'░' * (_BAR - full)}  {done:,}/{total:,}"

    def _say_looking(self, done: int, of: int) -> None:
        if self._change is not None and self._report is None:
            self._say([f"{'Stopping' if self._change.is_stopping else 'Looking at the tags'} … {done:,}/{of:,}"])

    def _show_result(self, proposal: Proposal, report: Report, trouble: list[str]) -> None:
        self._report = report
        if report.outcomes:
            self._answer = report
            trouble += report_sentences(report) + _reasons(report)
            # In the order of the plan, not in that of the registry's answers.
            order = {outcome.reference: number for number, outcome in enumerate(proposal.rows)}
            rows = sorted(report.outcomes, key=lambda outcome: order.get(outcome.reference, len(order)))
            self._table.show(rows, proposal.notes)
        self._say(trouble)
        self._hints.show(
            *((("U", "undo"),) if report.run and report.leaves_something else ()),
            *((("p", "plan again"),) if report.moved else ()),
            ("esc", "close"),
        )
        self._cancel.label = "Close"
        self._cancel.display = True
        self._cancel.focus()
        self._ended.set()

    # The result

    def action_again(self) -> None:
        """`p` on a result: what had changed since the plan was shown is planned anew."""
        if self._report is not None and self.plan_anew(self._report):
            self._change = self._report = None
            self._ended.clear()
            self._cancel.label = "Cancel"
            self._typed.value = ""
            self.make_plan()

    @work(exclusive=True, group="undo")
    async def action_undo(self) -> None:
        """`U` on a result takes it back."""
        report = self._report
        if report is None or not report.run or not report.leaves_something:
            return
        try:
            with keys_held(self.app):
                entry = await self._thread.call(self._session.changes.entry, report.run)
        except RegtuiError as error:
            self.app.notify(clean(str(error)), severity="warning", markup=False)
            return
        if await self.app.push_screen_wait(self.undoing(entry)) is not None:
            # What it shows isn't so any more.
            self.dismiss(report)

    def action_back(self) -> None:
        """Cancels the plan, stops what is under way, or closes the result: whichever it is."""
        if self.under_way:
            self.stop()
        else:
            self.dismiss(self._answer)

    # Leaving (regtui.ui.leaving.Changing)

    @property
    def under_way(self) -> str:
        if self._change is None or self._report is not None or self._proposal is None:
            return ""
        tags = sum(1 for row in self._proposal.rows if "@" not in row.reference)
        what = plural(tags, "tag") if tags else plural(len(self._proposal.rows), "manifest")
        verb = "is" if what.startswith("1 ") else "are"
        return f"{what} of {self.repository} {verb} being {self.DONE}."

    def stop(self) -> None:
        if self._change is not None:
            self._change.stop()
            self._hints.show(("", "stopping after the requests under way …"))

    async def ended(self) -> bool:
        await self._ended.wait()
        return self._report is not None and (self._report.interrupted or self._report.is_complete)

    def _say(self, sentences: Sequence[str]) -> None:
        self._sentences.say(sentences)
        self._fit()

    def action_read_on(self, pages: int) -> None:
        """Of the sentences, wherever the cursor is but on the rows."""
        self._sentences.read_on(pages)

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        """What a short list of rows leaves is the sentences'; else half of the room is theirs."""
        whole = self._frame.content_size.height
        below = [*self._offers.values(), self._typed]
        taken = _MARGIN + _BUTTONS + sum(_MARGIN + 1 for widget in below if widget.display)
        left = whole - taken - max(self._table.line_count(), 1)
        self._sentences.styles.max_height = max(left, whole // 2, 1)
