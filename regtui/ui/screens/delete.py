"""Deleting: the plan, then the progress, then the result. Nothing goes that wasn't shown and confirmed here."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Input, Static

from regtui.changes import Running
from regtui.connection import Connection
from regtui.deletion import Action, Outcome, Plan, Report, Status
from regtui.deletion.words import (
    method_sentence,
    plan_sentences,
    planned_outcomes,
    report_sentences,
    typed_confirmation,
)
from regtui.errors import RegtuiError
from regtui.text import clean, plural
from regtui.ui.widgets.hints import Hints
from regtui.ui.widgets.lines import Lines
from regtui.ui.widgets.tick import Tick

_SIGNS = {Status.DONE: "✓", Status.FAILED: "✗", Status.SKIPPED: "–", Status.PLANNED: "·"}


class OutcomeLines(Lines):
    """A line for each tag and manifest: what happens to it, or happened, and why not."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"outcomes--failed", "outcomes--dim"}
    DEFAULT_CSS = """
    OutcomeLines > .outcomes--failed { color: $text-warning; }
    OutcomeLines > .outcomes--dim { color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._outcomes: list[Outcome] = []
        self._notes: dict[str, str] = {}

    def show(self, outcomes: Sequence[Outcome], notes: dict[str, str] | None = None) -> None:
        """Failures first. `notes`: what to add to a reference."""
        order = {Status.FAILED: 0, Status.SKIPPED: 1}
        self._outcomes = sorted(outcomes, key=lambda outcome: order.get(outcome.status, 2))
        self._notes = notes if notes is not None else self._notes
        self.lines_changed()

    def line_count(self) -> int:
        return len(self._outcomes)

    def line(self, number: int, width: int) -> Text:
        outcome = self._outcomes[number]
        name = outcome.reference.rpartition(":")[2] if outcome.action is not Action.DELETE else ""
        label = clean(name) or f"manifest {outcome.digest.short if outcome.digest else ''}"
        what = "remove tag" if outcome.action is Action.UNTAG else "delete"
        note = clean(outcome.error or self._notes.get(outcome.reference, ""))
        room = max(min(width // 3, 40), 20)
        failed = self.get_component_rich_style("outcomes--failed", partial=True)
        style = failed if outcome.status in (Status.FAILED, Status.SKIPPED) else ""
        text = Text(f"{_SIGNS[outcome.status]} {what:<10}  {label[:room]:<{room}}  ", style, no_wrap=True)
        return text.append(note, style or self.get_component_rich_style("outcomes--dim", partial=True))


class DeleteScreen(Screen[Report | None]):
    """Answers with the report; None where nothing was done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "cancel, or stop", show=False, id="delete.back"),
        Binding("y", "confirm", "delete", show=False, id="delete.confirm"),
    ]

    def __init__(self, connection: Connection, repository: str, tags: Sequence[str]) -> None:
        super().__init__()
        self._connection = connection
        self._repository = repository
        self._tags = list(tags)
        self._plan: Plan | None = None
        self._deleting: Running | None = None
        self._report: Report | None = None
        self._ended = asyncio.Event()
        self._sentences = Static(id="sentences")
        self._table = OutcomeLines()
        self._attached = Tick("", id="attached")
        self._typed = Input(id="typed", compact=True)
        self._typed.cursor_blink = False
        self._cancel = Button("Cancel", id="cancel", compact=True)
        self._delete = Button("Delete", id="delete", variant="error", compact=True)
        self._hints = Hints(("esc", "cancel"))

    def compose(self) -> ComposeResult:
        with Vertical(classes="pane", id="plan"):
            yield self._sentences
            yield self._table
            yield self._attached
            yield self._typed
            with Horizontal(id="buttons"):
                yield self._cancel
                yield self._delete
        yield self._hints

    def on_mount(self) -> None:
        title = f"{self._repository} at {self._connection.host}: delete tags"
        self.query_one("#plan").border_title = Content(clean(title))
        for widget in (self._attached, self._typed, self._delete):
            widget.display = False
        self._cancel.focus()
        self.make_plan(with_attached=False)

    # The plan

    @work(exclusive=True, group="plan")
    async def make_plan(self, *, with_attached: bool) -> None:
        # What was shown before isn't what would be done now: until the new plan is shown, nothing can be confirmed.
        self._plan = None
        self._delete.display = False
        self._say(["Reading the repository …"])

        def progress(read: int, total: int) -> None:
            if read % 50 == 0 or read == total:
                self.app.call_later(self._say, [f"Reading the repository … {read:,}/{total:,} tags"])

        try:
            plan = await self._connection.plan_deletion(
                self._repository, self._tags, with_attached=with_attached, on_progress=progress
            )
        except RegtuiError as error:
            self._say([error.message, error.remedy])
            return
        self._plan = plan
        self._show_plan(plan)

    def _show_plan(self, plan: Plan) -> None:
        sentences = plan_sentences(plan)
        if not plan.obstacle and any(tag.stays_as for tag in plan.removed):
            sentences.append(method_sentence(plan))
        self._say(sentences)
        self._table.show(planned_outcomes(plan), _notes(plan))
        offers = plan.attached or any(tag.attached_to for tag in plan.removed)
        self._attached.display = bool(offers)
        if plan.attached:
            self._attached.label = Content(
                f"also delete {plural(len(plan.attached), 'signature or SBOM', 'signatures and SBOMs')} "
                "that would be left without their image"
            )
        can_delete = not plan.obstacle and not plan.is_empty
        word = typed_confirmation(plan)
        self._typed.display = bool(word) and can_delete
        self._typed.placeholder = f"type {word} to delete"
        self._delete.display = can_delete
        self._delete.disabled = bool(word)
        self._delete.label = Content(f"Delete {plural(len(plan.removed), 'tag')}")
        self._hints.show(*((("y", "delete"),) if can_delete and not word else ()), ("tab", "next"), ("esc", "cancel"))
        (self._typed if self._typed.display else self._cancel).focus()

    @on(Tick.Changed, "#attached")
    def _attached_changed(self, event: Tick.Changed) -> None:
        self.make_plan(with_attached=event.value)

    @on(Input.Changed, "#typed")
    def _typed_changed(self, event: Input.Changed) -> None:
        self._delete.disabled = self._plan is None or event.value.strip() != typed_confirmation(self._plan)

    @on(Input.Submitted, "#typed")
    def _typed_submitted(self) -> None:
        if not self._delete.disabled:
            self._start()

    @on(Button.Pressed, "#delete")
    def _delete_pressed(self) -> None:
        self._start()

    @on(Button.Pressed, "#cancel")
    def _cancel_pressed(self) -> None:
        self.action_back()

    def action_confirm(self) -> None:
        """`y`: only where nothing has to be typed."""
        if self._plan is not None and self._delete.display and not self._delete.disabled:
            self._start()

    # The deletion

    def _start(self) -> None:
        if self._plan is not None and self._deleting is None:
            self._deleting = self._connection.deleting(self._plan)
            for widget in (self._attached, self._typed, self._delete, self._cancel):
                widget.display = False
            self._table.focus()
            self._hints.show(("esc", "stop after those in flight"))
            self.carry_out(self._plan, self._deleting)

    @work(group="carry out")
    async def carry_out(self, plan: Plan, deleting: Running) -> None:
        told = {outcome.reference: outcome for outcome in planned_outcomes(plan)}
        total, notes = len(told), _notes(plan)
        self._say([f"Deleting … 0/{total:,}"])
        try:
            async for batch in deleting.outcomes():
                told.update({outcome.reference: outcome for outcome in batch})
                done = sum(1 for outcome in told.values() if outcome.status is not Status.PLANNED)
                self._say([f"{'Stopping' if deleting.is_stopping else 'Deleting'} … {done:,}/{total:,}"])
                self._table.show(list(told.values()), notes)
            trouble = []
        except RegtuiError as error:
            trouble = [error.message, error.remedy]
        self._report = deleting.report
        if self._report.outcomes:
            trouble += report_sentences(self._report)
        self._say(trouble)
        if self._report.outcomes:
            self._table.show(self._report.outcomes, notes)
        self._hints.show(("esc", "close"))
        self._cancel.label = "Close"
        self._cancel.display = True
        self._cancel.focus()
        self._ended.set()

    def action_back(self) -> None:
        """Cancels the plan, stops the deletion, or closes the result: whichever it is."""
        if self.under_way:
            self.stop()
        else:
            self.dismiss(self._report)

    # Leaving (regtui.ui.leaving.Changing)

    @property
    def under_way(self) -> str:
        if self._deleting is None or self._report is not None or self._plan is None:
            return ""
        return f"{plural(len(self._plan.removed), 'tag')} of {self._repository} are being deleted."

    def stop(self) -> None:
        if self._deleting is not None:
            self._deleting.stop()
            self._hints.show(("", "stopping after those in flight …"))

    async def ended(self) -> bool:
        await self._ended.wait()
        return self._report is not None and (self._report.interrupted or self._report.is_complete)

    def _say(self, sentences: Sequence[str]) -> None:
        self._sentences.update(Content("\n".join(clean(sentence) for sentence in sentences if sentence)))


def _notes(plan: Plan) -> dict[str, str]:
    """Why each row is there, and what stays: beside its reference."""
    notes: dict[str, str] = {}
    for tag in plan.removed:
        reasons = [f"stays as {', '.join(tag.stays_as)}"] if tag.stays_as else []
        reasons += ["broken"] if tag.digest is None else []
        reasons += ["protected"] if tag.protected else []
        reasons += [f"attached to {tag.attached_to.short}"] if tag.attached_to else []
        notes[f"{plan.repository}:{tag.tag}"] = "; ".join(reasons)
    for manifest in plan.manifests:
        below = f" of {manifest.parent.short}" if manifest.parent else ""
        tags = f" ({', '.join(manifest.tags)})" if manifest.tags else ""
        notes[f"{plan.repository}@{manifest.digest}"] = f"{manifest.label}{below}{tags}"
    return notes
