"""What the garbage screen shows in each phase: sentences, what is freed or the stages, the commands or the log."""

from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from regtui.errors import RegtuiError
from regtui.garbage.course import Course
from regtui.garbage.values import Choices, CollectionReport, EarlierRun, Forecast, Survey
from regtui.garbage.words import (
    NOW,
    duration,
    earlier_sentences,
    forecast_sentences,
    report_sentences,
    repository_rows,
    survey_sentences,
    untagged_offer,
)
from regtui.host.keep_out import KeepOut
from regtui.text import clean, plural, size
from regtui.ui.widgets.garbage.lines import FreedLines, LogLines, StepLines, TextLines
from regtui.ui.widgets.garbage.ways import Ways
from regtui.ui.widgets.hints import Hints
from regtui.ui.widgets.tick import Tick

# Lines from which on there is room for an empty one.
_ROOMY = 30


class Phase(Enum):
    LOOKING = "looking"
    STUCK = "stuck"
    EARLIER = "earlier"
    READY = "ready"
    COLLECTING = "collecting"
    DONE = "done"


_LEAVE = {Phase.COLLECTING: "Stop", Phase.DONE: "Close", Phase.STUCK: "Close"}


class Board(Container):
    """Shows the parts of a phase, and nothing that belongs to another one."""

    def __init__(self, host: str) -> None:
        super().__init__(id="board")
        self.phase = Phase.LOOKING
        self.copyable = ""
        """What there is to copy: the commands, or what the config file needs."""
        self._host = host
        self._said = ""
        self._has_choices = False
        self._sentences = Static(id="found-text")
        self._found = VerticalScroll(self._sentences, classes="pane", id="found")
        self._freed, self._steps = FreedLines(), StepLines()
        self._texts, self._log = TextLines(), LogLines()
        self._untagged = Tick("", id="untagged")
        self._ways = Ways()
        self._note = Static(id="note")
        self._cancel = Button("Cancel", id="cancel", compact=True)
        self._collect = Button("Collect", id="collect", variant="error", compact=True)
        self._hints = Hints(("esc", "cancel"))

    def compose(self) -> ComposeResult:
        yield self._found
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
        yield self._hints

    def on_mount(self) -> None:
        self._found.border_title = Content(clean(f"Garbage collection at {self._host}"))
        self._cancel.focus()

    @property
    def can_go_on(self) -> bool:
        """Whether there is something to be confirmed."""
        return bool(self._collect.display)

    @property
    def way(self) -> KeepOut:
        """How pushes are kept out, as is chosen."""
        return self._ways.way

    def take_back_untagged(self) -> None:
        self._untagged.value = False

    def turning(self, chain: Sequence[Widget]) -> list[Widget]:
        """`chain` in the order of tab: from the buttons to the choices, which is what one wants to get at; what only
        scrolls comes after them."""
        choices = [widget for widget in chain if widget in (self._untagged, self._ways)]
        buttons = [widget for widget in chain if widget in (self._cancel, self._collect)]
        return [*buttons, *choices, *(widget for widget in chain if widget not in (*buttons, *choices))]

    def say(self, sentences: Sequence[str], *, is_error: bool = False) -> None:
        text = "\n".join(clean(sentence) for sentence in sentences)
        self._sentences.set_class(is_error, "-error")
        if text != self._said:
            self._said = text
            self._sentences.update(Content(text))

    # Looking

    def show_looking(self, *, anew: bool = False) -> None:
        """`anew`: what was chosen before is to be asked again."""
        self._has_choices = self._has_choices and not anew
        self._enter(Phase.LOOKING)
        self.copyable = ""
        self._freed.tell("The dry run tells.")
        self._texts.tell("The dry run comes first.")
        self._title("what", "Frees")
        self._title("how", "Commands")
        self._hints.show(("esc", "cancel"))

    def show_stuck(self, error: RegtuiError) -> None:
        self._enter(Phase.STUCK)
        self.say([error.message, error.remedy], is_error=True)
        self._hints.show(("r", "try again"), ("esc", "close"))

    def show_unconfigured(self, sentences: Sequence[str], example: str, path: Path) -> None:
        """What the config file at `path` has to say first."""
        self._enter(Phase.STUCK)
        self.say(sentences)
        self.copyable = example
        self._title("how", str(path), "c: copy")
        self.query_one("#how").display = True
        self._texts.tell("")
        self._texts.show(example.split("\n"))
        self._hints.show(("c", "copy"), ("esc", "close"))

    def show_earlier(self, run: EarlierRun) -> None:
        self._enter(Phase.EARLIER)
        self.say(earlier_sentences(run))
        self._title("how", "Its log")
        self._log.show(run.log)
        self._collect.display = not run.is_running
        self._collect.label = "Bring back" if run.was_killed else "Go on"
        goes_on = "start the registry again" if run.was_killed else "go on to a dry run"
        keys = (("esc", "close"),) if run.is_running else (("y", goes_on), ("esc", "close"))
        self._hints.show(*keys)

    def show_ready(self, survey: Survey, forecast: Forecast, choices: Choices, *, can_collect: bool) -> None:
        """What the dry run with `choices` told; the commands are shown by `show_commands`."""
        self._has_choices = True
        self._enter(Phase.READY)
        said = survey_sentences(survey)
        told = forecast_sentences(forecast, choices, survey)
        if self.screen.size.height >= _ROOMY:
            self.say([*said, "", *told])
        else:
            # What can be scrolled away is what the commands show, too.
            self.say([said[0], *told, *said[1:]])
        self._freed.show(repository_rows(forecast))
        self._freed.tell("" if forecast.by_repository else "Nothing that a repository links.")
        self._texts.tell("")
        self._title("what", "Frees", size(forecast.bytes) if forecast.blobs else "")
        self._ways.offer(survey.keep_out)
        self._ways.display = can_collect
        offer = untagged_offer(forecast)
        # Once ticked it stays, so that it can be unticked.
        self._untagged.display = (bool(offer) or self._untagged.value) and survey.delete_enabled is not False
        if offer:
            self._untagged.label = Content(offer)
        self._collect.display = can_collect
        self._collect.label = "Collect"
        keys = (("y", "collect"),) if can_collect else ()
        copying = (("c", "copy the commands"),) if can_collect else ()
        turning = (("tab", "choices"),) if can_collect or self._untagged.display else ()
        self._hints.show(*keys, *turning, *copying, ("r", "again"), ("esc", "cancel" if can_collect else "close"))

    def show_commands(self, commands: Sequence[str], note: str) -> None:
        """`commands`: none where there is nothing to collect."""
        self.copyable = "\n".join(commands)
        self._texts.show([f"$ {command}" for command in commands])
        self._texts.tell("" if commands else "Nothing is run.")
        self._title("how", *(("Commands, in this order", "c: copy") if commands else ("Commands",)))
        self._note.update(Content(note))

    # Collecting

    def show_collecting(self) -> None:
        self._enter(Phase.COLLECTING)
        self._title("what", "Stages")
        self._title("how", "Log")
        self._hints.show(("esc", "stop at the next safe point"))
        self._log.focus()

    def show_stopping(self) -> None:
        self._hints.show(("", "stopping at the next safe point; the registry is brought back …"))

    def show_progress(self, course: Course, forecast: Forecast | None, passed: float, *, is_stopping: bool) -> None:
        """How far it is, `passed` seconds after its begin; see `show_course` for its stages and log."""
        stage = NOW[course.current] if course.current else "Beginning"
        of = f" of {size(forecast.bytes)}" if forecast else ""
        self.say(
            [
                f"{'Stopping at the next safe point. ' if is_stopping else ''}{stage} …",
                f"{plural(course.blobs, 'blob')} freed, {size(course.bytes)}{of}, {_seconds(passed)}",
            ]
        )

    def show_course(self, course: Course) -> None:
        self._steps.show(course.steps)
        self._log.show(list(course.log))

    def show_done(self, report: CollectionReport, course: Course, trouble: Sequence[str]) -> None:
        self._enter(Phase.DONE)
        is_bad = bool(trouble) or not report.is_complete or report.is_up is False
        self.say([*trouble, *report_sentences(report)], is_error=is_bad)
        self.show_course(course)
        self._title("how", "Log")
        empty = report.empty_repositories
        self._collect.display = bool(empty) and not trouble
        self._collect.label = Content(f"Remove {plural(len(empty), 'empty repository', 'empty repositories')}")
        self._hints.show(*((("y", "remove the empty ones"),) if self._collect.display else ()), ("esc", "close"))
        self._cancel.focus()

    # Within

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        runs = phase in (Phase.COLLECTING, Phase.DONE)
        single = phase in (Phase.STUCK, Phase.EARLIER)
        self.query_one("#garbage-panes").set_class(runs, "-runs")
        self.query_one("#what").display = not single
        self.query_one("#how").display = not single or phase is Phase.EARLIER
        self._freed.display, self._steps.display = not runs, runs
        self._log.display = runs or phase is Phase.EARLIER
        self._texts.display = not self._log.display
        # While the dry run is made again, the choice that was changed keeps the focus.
        self.query_one("#choices").display = self._has_choices and not runs
        self._collect.display = False
        self._cancel.label = _LEAVE.get(phase, "Cancel")

    def _title(self, pane: str, title: str, subtitle: str = "") -> None:
        widget = self.query_one(f"#{pane}")
        widget.border_title, widget.border_subtitle = Content(title), Content(subtitle)


def _seconds(passed: float) -> str:
    """Whole ones: tenths would be painted four times a second."""
    return f"{int(passed)} s" if passed < 60 else duration(passed)
