"""Garbage collection: what is on the host, the dry run, the confirmation, the run, its result: always in this order."""

import asyncio
import time
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Button

from regtui.errors import RegtuiError
from regtui.garbage.collector import Collector
from regtui.garbage.course import Course
from regtui.garbage.values import Choices, CollectionReport, Forecast, Survey
from regtui.garbage.words import ONLINE_WARNING, keep_out_sentence, not_configured, removed_sentence, survey_sentences
from regtui.host.errors import CollectionFailed, HostUnknown, NotOnHost
from regtui.host.keep_out import KeepOut
from regtui.settings.config import Config
from regtui.text import clean
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.question import Question
from regtui.ui.screens.confirm import ConfirmScreen
from regtui.ui.suspend_for_ssh import suspend_for_ssh
from regtui.ui.widgets.garbage.board import Board, Phase
from regtui.ui.widgets.garbage.ways import Ways
from regtui.ui.widgets.tick import Tick
from regtui.ui.widgets.too_small import TooSmall

# Seconds between two paintings of a run: each is bytes over SSH.
_REPAINT = 0.25
# Seconds between two looks at a run that somebody else has begun.
_LOOK_AGAIN = 3.0
# Events that are taken in at once: less than a millisecond's worth.
_AT_ONCE = 50


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

    def __init__(self, registry: OpenRegistry, config: Config) -> None:
        super().__init__()
        # The ways to keep pushes out are chosen with them, one after the other.
        moving = ("up", "down", "left", "right", "tab", "shift+tab", "pageup", "pagedown", "c", "r")
        self.question = Question(self, also=frozenset(moving))
        self._session, self._thread = registry.session, registry.thread
        self._config = config
        self._board = Board(registry.session.host)
        self._collector: Collector | None = None
        self._survey: Survey | None = None
        self._forecast: Forecast | None = None
        self._choices = Choices()
        self._course = Course()
        self._report: CollectionReport | None = None
        self._began = 0.0
        self._was_killed = False
        self._is_stopping = False
        self._is_dirty = False
        self._ended = asyncio.Event()

    def compose(self) -> ComposeResult:
        yield self._board
        yield TooSmall()

    def on_mount(self) -> None:
        self.set_interval(_REPAINT, self._repaint)
        self.look()

    # Looking

    @work(exclusive=True, group="look")
    async def look(self, *, past_earlier: bool = False) -> None:
        """The host, an earlier run, the dry run."""
        self._forecast = None
        self.question.end()
        self._board.show_looking(anew=True)
        try:
            if self._collector is None:
                note = f"regtui: ssh asks, to get to the host of {self._session.host}:"
                self._collector = self._session.collector(suspend_for_ssh(self.app, note))
            self._board.say(["Looking at the host …"])
            while not past_earlier and (run := await self._thread.call(self._collector.earlier)) is not None:
                self._board.show_earlier(run)
                self._was_killed = run.was_killed
                if not run.is_running:
                    self.question.ask()
                    return
                await asyncio.sleep(_LOOK_AGAIN)
            self._board.show_looking()
            self._survey = await self._thread.call(self._collector.survey)
            await self._try(self._collector, self._survey)
        except HostUnknown:
            self._show_unconfigured()
        except NotOnHost as error:
            target = self._session.target
            if target.runs_at is None and target.make_collector is None:
                # It was looked for here, as its address says.
                self._show_unconfigured(error.message)
            else:
                self._board.show_stuck(error)
        except RegtuiError as error:
            self._board.show_stuck(error)

    def _show_unconfigured(self, *why: str) -> None:
        name, address = self._session.name, self._session.target.address.name
        sentences, example = not_configured(name, address, is_profile=name in self._config.profiles)
        self._board.show_unconfigured([*why, *sentences], example, self._config.path)

    async def _try(self, collector: Collector, survey: Survey) -> None:
        """The dry run with what is chosen now. What an earlier one said isn't what would be done: it is taken away."""
        self._board.say([*survey_sentences(survey), "Dry run …"])
        self._forecast = forecast = await self._thread.call(collector.forecast, self._choices)
        can_collect = bool(forecast.blobs and survey.keep_out) and not self._session.read_only
        self._board.show_ready(survey, forecast, self._choices, can_collect=can_collect)
        self._choices = replace(self._choices, keep_out=self._board.way)
        self._show_commands(collector, forecast)
        self.question.ask()

    def _show_commands(self, collector: Collector, forecast: Forecast) -> None:
        if self._session.read_only:
            note = "This registry is read-only for regtui, by --read-only or the config file: nothing is collected."
            self._board.show_commands((), note)
        elif not forecast.blobs or (self._survey is not None and not self._survey.keep_out):
            self._board.show_commands((), "")
        else:
            note = keep_out_sentence(self._choices.keep_out, forecast)
            self._board.show_commands(collector.commands(self._choices), note)

    @on(Tick.Changed, "#untagged")
    def _untagged_changed(self, event: Tick.Changed) -> None:
        self._choices = replace(self._choices, untagged=event.value)
        self.try_again()

    @work(exclusive=True, group="look")
    async def try_again(self) -> None:
        if self._collector is None or self._survey is None:
            return
        self.question.end()
        self._board.show_looking()
        try:
            await self._try(self._collector, self._survey)
        except RegtuiError as error:
            if not self._choices.untagged:
                self._board.show_stuck(error)
                return
            # Without them it went well: back to that.
            self.app.notify(clean(str(error)), severity="warning", timeout=12, markup=False)
            self._board.take_back_untagged()

    @on(Ways.Changed)
    def _way_changed(self, event: Ways.Changed) -> None:
        self._choices = replace(self._choices, keep_out=event.way)
        if self._collector is not None and self._forecast is not None:
            self._show_commands(self._collector, self._forecast)
            self.question.ask()

    # Collecting

    def action_confirm(self) -> None:
        """`y`: goes on from an earlier run, or collects, once there is something to be confirmed."""
        if not self._board.can_go_on:
            return
        if self._board.phase is Phase.EARLIER:
            self.go_on()
        elif self._board.phase is Phase.READY:
            self.confirm()
        elif self._board.phase is Phase.DONE:
            self.remove_empty()

    def go_on(self) -> None:
        """From an earlier run: what was killed is ended first, and its registry started."""
        if self._was_killed:
            self.bring_back()
        else:
            self.look(past_earlier=True)

    @work(exclusive=True, group="look")
    async def bring_back(self) -> None:
        if self._collector is None:
            return
        self.question.end()
        self._board.show_looking(anew=True)
        self._board.say(["Bringing the registry back …"])
        try:
            async for _ in self._thread.stream(self._collector.bring_back):
                pass
        except RegtuiError as error:
            self._board.show_stuck(error)
            return
        report = self._collector.report
        if report.is_up:
            self.look(past_earlier=True)
        else:
            self._board.show_stuck(CollectionFailed("THE REGISTRY DOESN'T ANSWER.", " ".join(report.trouble)))

    @work(exclusive=True, group="confirm")
    async def confirm(self) -> None:
        """Collects; where pushes aren't kept out, only after a second confirmation."""
        collector = self._collector
        if self._choices.keep_out is KeepOut.ONLINE:
            question = ConfirmScreen("Collect while pushes are possible?", [ONLINE_WARNING], yes="Collect online")
            if not await self.app.push_screen_wait(question):
                return
        if collector is not None and self._board.phase is Phase.READY:
            self._began = time.monotonic()
            self.question.end()
            self._board.show_collecting()
            self._is_dirty = True
            self._repaint()
            self.carry_out(collector)

    @work(group="carry out")
    async def carry_out(self, collector: Collector) -> None:
        trouble: list[str] = []
        try:
            count = 0
            async for event in self._thread.stream(collector.collect, self._choices):
                self._course.feed(event)
                self._is_dirty = True
                count += 1
                if count % _AT_ONCE == 0:
                    # What has arrived already is read without a pause: keys come in between.
                    await asyncio.sleep(0)
        except RegtuiError as error:
            trouble = [error.message, error.remedy]
        self._report = collector.report
        self._board.show_done(self._report, self._course, trouble)
        self._ended.set()

    def _repaint(self) -> None:
        """What is running, a few times a second and not at every line."""
        if self._board.phase is not Phase.COLLECTING:
            return
        passed = time.monotonic() - self._began
        self._board.show_progress(self._course, self._forecast, passed, is_stopping=self._is_stopping)
        if self._is_dirty:
            self._is_dirty = False
            self._board.show_course(self._course)

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
            removed = await self._thread.call(self._collector.remove_empty, names)
        except RegtuiError as error:
            self.app.notify(clean(str(error)), severity="error", markup=False)
            return
        self._report = replace(self._report, empty_repositories=tuple(n for n in names if n not in removed))
        self._board.show_done(self._report, self._course, [])
        self.app.notify(removed_sentence(len(removed), len(names)), markup=False)

    # Leaving (regtui.ui.leaving.Changing)

    @property
    def under_way(self) -> str:
        if self._board.phase is not Phase.COLLECTING:
            return ""
        return f"Garbage of {self._session.identity} is being collected."

    def stop(self) -> None:
        if self._collector is not None:
            self._is_stopping = True
            self._collector.stop()
            self._board.show_stopping()

    async def ended(self) -> bool:
        await self._ended.wait()
        return self._report is not None and self._report.is_up is not False

    # Keys

    def action_back(self) -> None:
        """One step: out of the plan or the result; a run is stopped."""
        if self._board.phase is Phase.COLLECTING:
            self.stop()
        else:
            self.dismiss(self._report)

    def action_turn(self, step: int) -> None:
        turning = self._board.turning(self.focus_chain)
        at = turning.index(self.focused) if self.focused in turning else -step
        turning[(at + step) % len(turning)].focus()

    def action_again(self) -> None:
        if self._board.phase in (Phase.STUCK, Phase.READY):
            self.look()

    def action_copy(self) -> None:
        if self._board.copyable and self._board.phase in (Phase.READY, Phase.STUCK):
            self.app.copy_to_clipboard(self._board.copyable)
            self.app.notify("Copied.", timeout=3, markup=False)

    @on(Button.Pressed, "#collect")
    def _collect_pressed(self) -> None:
        self.action_confirm()

    @on(Button.Pressed, "#cancel")
    def _cancel_pressed(self) -> None:
        self.action_back()
