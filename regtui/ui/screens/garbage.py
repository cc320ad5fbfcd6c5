"""Garbage collection: what is on the host, the dry run, the confirmation, the run, its result: always in this order."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Static

from regtui.connection import Connection
from regtui.connection.collecting import Collecting
from regtui.errors import RegtuiError
from regtui.garbage.course import Course
from regtui.garbage.errors import HostUnknown
from regtui.garbage.values import Choices, CollectionReport, EarlierRun, Forecast, KeepOut, Survey
from regtui.garbage.words import (
    NOW,
    ONLINE_WARNING,
    duration,
    earlier_sentences,
    forecast_sentences,
    keep_out_sentence,
    not_configured,
    report_sentences,
    repository_rows,
    risk_sentences,
    survey_sentences,
    untagged_offer,
)
from regtui.settings import Config
from regtui.text import clean, plural, size
from regtui.ui.screens.confirm import ConfirmScreen
from regtui.ui.terminal import lent_by
from regtui.ui.widgets.garbage import FreedLines, LogLines, StepLines, TextLines, Ways
from regtui.ui.widgets.hints import Hints
from regtui.ui.widgets.tick import Tick

# Seconds between two paintings of a run: each is bytes over SSH.
_REPAINT = 0.25
# Seconds between two looks at a run that somebody else has begun.
_LOOK_AGAIN = 3.0
# Events that are taken in at once: less than a millisecond's worth.
_AT_ONCE = 50
# Lines from which on there is room for an empty one.
_ROOMY = 30


class _Phase(Enum):
    LOOKING = "looking"
    STUCK = "stuck"
    EARLIER = "earlier"
    READY = "ready"
    COLLECTING = "collecting"
    DONE = "done"


class GarbageScreen(Screen[CollectionReport | None]):
    """Answers with the report; None where nothing was done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "cancel, stop, or close", show=False, id="garbage.back"),
        Binding("y", "confirm", "collect", show=False, id="garbage.confirm"),
        Binding("r", "again", "look again", show=False, id="garbage.again"),
        Binding("c", "copy", "copy the commands", show=False, id="garbage.copy"),
        Binding("tab", "turn(1)", "next", show=False, id="garbage.next"),
        Binding("shift+tab", "turn(-1)", "previous", show=False, id="garbage.previous"),
    ]

    def __init__(self, connection: Connection, config: Config) -> None:
        super().__init__()
        self._connection = connection
        self._config = config
        self._phase = _Phase.LOOKING
        self._collector: Collecting | None = None
        self._survey: Survey | None = None
        self._forecast: Forecast | None = None
        self._choices = Choices()
        self._course = Course()
        self._report: CollectionReport | None = None
        self._copyable = ""
        self._said = ""
        self._began = 0.0
        self._is_stopping = False
        self._is_dirty = False
        self._ended = asyncio.Event()
        self._sentences = Static(id="found-text")
        self._freed, self._steps = FreedLines(), StepLines()
        self._texts, self._log = TextLines(), LogLines()
        self._untagged = Tick("", id="untagged")
        self._ways = Ways()
        self._note = Static(id="note")
        self._cancel = Button("Cancel", id="cancel", compact=True)
        self._collect = Button("Collect", id="collect", variant="error", compact=True)
        self._hints = Hints(("esc", "cancel"))

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="pane", id="found"):
            yield self._sentences
        with Container(id="garbage-panes"):
            with Vertical(classes="pane", id="what"):
                yield self._freed
                yield self._steps
            with Vertical(classes="pane", id="how"):
                yield self._texts
                yield self._log
        with Vertical(id="choices"):
            yield self._untagged
            yield self._ways
            yield self._note
        with Horizontal(id="buttons"):
            yield self._cancel
            yield self._collect
        yield Static("The terminal is too small: regtui needs 50 columns and 12 lines.", id="too-small")
        yield self._hints

    def on_mount(self) -> None:
        self.query_one("#found").border_title = Content(clean(f"Garbage collection at {self._connection.host}"))
        self._cancel.focus()
        self.set_interval(_REPAINT, self._repaint)
        self.look()

    # Looking

    @work(exclusive=True, group="look")
    async def look(self, *, past_earlier: bool = False) -> None:
        """The host, an earlier run, the dry run."""
        self._forecast = None
        self._enter(_Phase.LOOKING)
        try:
            if self._collector is None:
                note = f"regtui: ssh asks, to get to the host of {self._connection.host}:"
                self._collector = self._connection.collector(lent_by(self.app, note))
            self._say(["Looking at the host …"])
            while not past_earlier and (run := await self._collector.earlier()) is not None:
                self._show_earlier(run)
                if not run.is_running:
                    return
                await asyncio.sleep(_LOOK_AGAIN)
            self._enter(_Phase.LOOKING)
            self._survey = await self._collector.survey()
            await self._try(self._collector, self._survey)
        except HostUnknown:
            self._explain_configuration()
        except RegtuiError as error:
            self._show_stuck(error)

    async def _try(self, collector: Collecting, survey: Survey) -> None:
        """The dry run with what is chosen now. What an earlier one said isn't what would be done: it is taken away."""
        self._say([*survey_sentences(survey), "Dry run …"])
        self._forecast = forecast = await collector.forecast(self._choices)
        self._show_ready(collector, survey, forecast)

    def _show_ready(self, collector: Collecting, survey: Survey, forecast: Forecast) -> None:
        self._enter(_Phase.READY)
        said = survey_sentences(survey)
        told = forecast_sentences(forecast, self._choices, survey)
        if self.size.height >= _ROOMY:
            self._say([*said, "", *told])
        else:
            # What can be scrolled away is what the commands show, too.
            self._say([said[0], *told, *said[1:]])
        self._freed.show(repository_rows(forecast), risk_sentences(forecast))
        self._freed.tell("" if forecast.by_repository or forecast.at_risk else "Nothing that a repository links.")
        self._texts.tell("")
        self._title("what", "Frees", size(forecast.bytes) if forecast.blobs else "")
        self._ways.offer(survey.keep_out)
        self._choices = replace(self._choices, keep_out=self._ways.way)
        offer = untagged_offer(forecast)
        # Once ticked it stays, so that it can be unticked.
        self._untagged.display = (bool(offer) or self._untagged.value) and survey.delete_enabled is not False
        if offer:
            self._untagged.label = Content(offer)
        self._show_commands(collector, forecast)
        self._offer(can_collect=bool(forecast.blobs) and not self._connection.read_only)

    def _show_commands(self, collector: Collecting, forecast: Forecast) -> None:
        commands = collector.commands(self._choices)
        self._copyable = "\n".join(commands)
        self._texts.show([f"$ {command}" for command in commands])
        self._title("how", "Commands, in this order", "c: copy")
        note = keep_out_sentence(self._choices.keep_out, forecast)
        if self._connection.read_only:
            note = "This registry is read-only for regtui, by --read-only or the config file: nothing is collected."
        self._note.update(Content(note))

    @on(Tick.Changed, "#untagged")
    def _untagged_changed(self, event: Tick.Changed) -> None:
        self._choices = replace(self._choices, untagged=event.value)
        self.try_again()

    @work(exclusive=True, group="look")
    async def try_again(self) -> None:
        if self._collector is None or self._survey is None:
            return
        self._enter(_Phase.LOOKING)
        try:
            await self._try(self._collector, self._survey)
        except RegtuiError as error:
            if not self._choices.untagged:
                self._show_stuck(error)
                return
            # Without them it went well: back to that.
            self.app.notify(clean(str(error)), severity="warning", timeout=12, markup=False)
            self._untagged.value = False

    def _show_stuck(self, error: RegtuiError) -> None:
        self._enter(_Phase.STUCK)
        self._say([error.message, error.remedy], is_error=True)
        self._hints.show(("r", "try again"), ("esc", "close"))

    @on(Ways.Changed)
    def _way_changed(self, event: Ways.Changed) -> None:
        self._choices = replace(self._choices, keep_out=event.way)
        if self._collector is not None and self._forecast is not None:
            self._show_commands(self._collector, self._forecast)

    def _show_earlier(self, run: EarlierRun) -> None:
        self._enter(_Phase.EARLIER)
        self._say(earlier_sentences(run))
        self._title("how", "Its log")
        self._log.show(run.log)
        self._collect.display = not run.is_running
        self._collect.label = "Go on"
        keys = (("esc", "close"),) if run.is_running else (("y", "go on to a dry run"), ("esc", "close"))
        self._hints.show(*keys)

    def _explain_configuration(self) -> None:
        self._enter(_Phase.STUCK)
        name, address = self._connection.name, self._connection.target.address.name
        sentences, example = not_configured(name, address, is_profile=name in self._config.profiles)
        self._say(sentences)
        self._copyable = example
        self._title("how", str(self._config.path), "c: copy")
        self.query_one("#how").display = True
        self._texts.tell("")
        self._texts.show(example.split("\n"))
        self._hints.show(("c", "copy"), ("esc", "close"))

    # Collecting

    def action_confirm(self) -> None:
        """`y`: goes on from an earlier run, or collects, once there is something to be confirmed."""
        if self._phase is _Phase.EARLIER and self._collect.display:
            self.look(past_earlier=True)
        elif self._phase is _Phase.READY and self._collect.display:
            self.confirm()
        elif self._phase is _Phase.DONE and self._collect.display:
            self.remove_empty()

    @work(exclusive=True, group="confirm")
    async def confirm(self) -> None:
        """Collects; where pushes aren't kept out, only after a second confirmation."""
        collector = self._collector
        if self._choices.keep_out is KeepOut.ONLINE:
            question = ConfirmScreen("Collect while pushes are possible?", [ONLINE_WARNING], yes="Collect online")
            if not await self.app.push_screen_wait(question):
                return
        if collector is not None and self._phase is _Phase.READY:
            self._enter(_Phase.COLLECTING)
            self._began = time.monotonic()
            self.carry_out(collector)

    @work(group="carry out")
    async def carry_out(self, collector: Collecting) -> None:
        trouble: list[str] = []
        try:
            count = 0
            async for event in collector.collect(self._choices):
                self._course.feed(event)
                self._is_dirty = True
                count += 1
                if count % _AT_ONCE == 0:
                    # What has arrived already is read without a pause: keys come in between.
                    await asyncio.sleep(0)
        except RegtuiError as error:
            trouble = [error.message, error.remedy]
        self._report = collector.report
        self._show_done(self._report, trouble)
        self._ended.set()

    def _repaint(self) -> None:
        """What is running, a few times a second and not at every line."""
        if self._phase is not _Phase.COLLECTING:
            return
        course, forecast = self._course, self._forecast
        stage = NOW[course.current] if course.current else "Beginning"
        of = f" of {size(forecast.bytes)}" if forecast else ""
        self._say(
            [
                f"{'Stopping at the next safe point. ' if self._is_stopping else ''}{stage} …",
                f"{plural(course.blobs, 'blob')} freed, {size(course.bytes)}{of}, "
                f"{_seconds(time.monotonic() - self._began)}",
            ]
        )
        if self._is_dirty:
            self._is_dirty = False
            self._steps.show(course.steps)
            self._log.show(list(course.log))

    def _show_done(self, report: CollectionReport, trouble: Sequence[str]) -> None:
        self._enter(_Phase.DONE)
        is_bad = bool(trouble) or not report.is_complete or report.is_up is False
        self._say([*trouble, *report_sentences(report)], is_error=is_bad)
        self._steps.show(self._course.steps)
        self._log.show(list(self._course.log))
        self._title("how", "Log")
        empty = report.empty_repositories
        self._collect.display = bool(empty) and not trouble
        self._collect.label = Content(f"Remove {plural(len(empty), 'empty repository', 'empty repositories')}")
        self._hints.show(*((("y", "remove the empty ones"),) if self._collect.display else ()), ("esc", "close"))
        self._cancel.focus()

    @work(exclusive=True, group="confirm")
    async def remove_empty(self) -> None:
        if self._report is None or self._collector is None:
            return
        names = self._report.empty_repositories
        shown = [f"  {name}" for name in names[:12]] + [f"  and {len(names) - 12:,} more"] * (len(names) > 12)
        sentences = ["Their directories are removed where still no manifest, tag or upload is in them:", *shown]
        if not await self.app.push_screen_wait(ConfirmScreen("Remove empty repositories?", sentences, yes="Remove")):
            return
        try:
            removed = await self._collector.remove_empty(names)
        except RegtuiError as error:
            self.app.notify(clean(str(error)), severity="error", markup=False)
            return
        self._report = replace(self._report, empty_repositories=tuple(n for n in names if n not in removed))
        self._show_done(self._report, [])
        self.app.notify(f"{plural(len(removed), 'repository', 'repositories')} removed.", markup=False)

    # Leaving (regtui.ui.leaving.Changing)

    @property
    def under_way(self) -> str:
        if self._phase is not _Phase.COLLECTING:
            return ""
        return f"Garbage of {self._connection.host} is being collected."

    def stop(self) -> None:
        if self._collector is not None:
            self._is_stopping = True
            self._collector.stop()
            self._hints.show(("", "stopping at the next safe point; the registry is brought back …"))

    async def ended(self) -> bool:
        await self._ended.wait()
        return self._report is not None and self._report.is_up is not False

    def action_back(self) -> None:
        """One step: out of the plan or the result; a run is stopped."""
        if self._phase is _Phase.COLLECTING:
            self.stop()
        else:
            self.dismiss(self._report)

    def action_turn(self, step: int) -> None:
        """From the buttons to the choices, which is what one wants to get at; what only scrolls comes after them."""
        chain = self.focus_chain
        choices = [widget for widget in chain if widget in (self._untagged, self._ways)]
        buttons = [widget for widget in chain if widget in (self._cancel, self._collect)]
        turning = [*buttons, *choices, *(widget for widget in chain if widget not in (*buttons, *choices))]
        at = turning.index(self.focused) if self.focused in turning else -step
        turning[(at + step) % len(turning)].focus()

    def action_again(self) -> None:
        if self._phase in (_Phase.STUCK, _Phase.READY):
            self.look()

    def action_copy(self) -> None:
        if self._copyable and self._phase in (_Phase.READY, _Phase.STUCK):
            self.app.copy_to_clipboard(self._copyable)
            self.app.notify("Copied.", timeout=3, markup=False)

    @on(Button.Pressed, "#collect")
    def _collect_pressed(self) -> None:
        self.action_confirm()

    @on(Button.Pressed, "#cancel")
    def _cancel_pressed(self) -> None:
        self.action_back()

    # What is shown

    def _enter(self, phase: _Phase) -> None:
        """Shows the parts of a phase, and nothing that belongs to another one."""
        self._phase = phase
        runs = phase in (_Phase.COLLECTING, _Phase.DONE)
        single = phase in (_Phase.STUCK, _Phase.EARLIER)
        self.query_one("#garbage-panes").set_class(runs, "-runs")
        self.query_one("#what").display = not single
        self.query_one("#how").display = not single or phase is _Phase.EARLIER
        self._freed.display, self._steps.display = not runs, runs
        self._log.display = runs or phase is _Phase.EARLIER
        self._texts.display = not self._log.display
        # While the dry run is made again, the choice that was changed keeps the focus.
        self.query_one("#choices").display = phase is _Phase.READY or (not runs and self._forecast is not None)
        self._collect.display = False
        self._cancel.label = {_Phase.COLLECTING: "Stop", _Phase.DONE: "Close", _Phase.STUCK: "Close"}.get(
            phase, "Cancel"
        )
        if phase is _Phase.LOOKING:
            self._copyable = ""
            self._freed.tell("The dry run tells.")
            self._texts.tell("The dry run comes first.")
            self._title("what", "Frees")
            self._title("how", "Commands")
            self._hints.show(("esc", "cancel"))
        elif phase is _Phase.COLLECTING:
            self._title("what", "Stages")
            self._title("how", "Log")
            self._hints.show(("esc", "stop at the next safe point"))
            self._is_dirty = True
            self._repaint()
            self._log.focus()

    def _offer(self, *, can_collect: bool) -> None:
        self._collect.display = can_collect
        self._collect.label = "Collect"
        keys = (("y", "collect"),) if can_collect else ()
        self._hints.show(*keys, ("tab", "choices"), ("c", "copy the commands"), ("r", "again"), ("esc", "cancel"))

    def _title(self, pane: str, title: str, subtitle: str = "") -> None:
        widget = self.query_one(f"#{pane}")
        widget.border_title, widget.border_subtitle = Content(title), Content(subtitle)

    def _say(self, sentences: Sequence[str], *, is_error: bool = False) -> None:
        text = "\n".join(clean(sentence) for sentence in sentences)
        self._sentences.set_class(is_error, "-error")
        if text != self._said:
            self._said = text
            self._sentences.update(Content(text))


def _seconds(passed: float) -> str:
    """Whole ones: tenths would be painted four times a second."""
    return f"{int(passed)} s" if passed < 60 else duration(passed)
