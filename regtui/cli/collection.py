"""What `regtui gc` shows: for people in sentences with the log, for programs a record a stage."""

import sys
from collections.abc import Callable, Mapping, Sequence

from regtui.cli.console import say
from regtui.cli.output import Form, Output, forget_stdout
from regtui.errors import RegtuiError
from regtui.garbage.course import Course
from regtui.garbage.values import (
    Choices,
    CollectionReport,
    EarlierRun,
    Event,
    Forecast,
    Stage,
    StageStatus,
    Survey,
)
from regtui.garbage.words import (
    STAGES,
    duration,
    earlier_sentences,
    forecast_sentences,
    not_configured,
    report_sentences,
    repository_rows,
    survey_sentences,
    verified_sentences,
)
from regtui.settings.config import Config
from regtui.text import one_line, plural, size

_SIGNS = {StageStatus.DONE: "✓", StageStatus.SKIPPED: "–", StageStatus.FAILED: "✗"}


class Records:
    """A line for each stage on stdout. Whoever reads it may go: what was confirmed is done to its end."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self._is_read = True
        self._course = Course()

    @property
    def for_people(self) -> bool:
        return self.output.form is Form.TABLE

    def event(self, event: Event) -> None:
        self._course.feed(event)
        if event.status in _SIGNS:
            self.stage(event.stage, event.status, event.blobs, event.bytes, event.seconds, text=event.text)
        elif event.text and self.for_people:
            say(f"  {event.text}")

    def stage(
        self,
        stage: Stage | str,
        status: StageStatus,
        blobs: int,
        freed: int | None,
        seconds: float,
        *,
        text: str = "",
        more: Mapping[str, object] | None = None,
    ) -> None:
        """Its end: `text` says why it failed or was skipped; `more` is for JSON alone."""
        name = stage if isinstance(stage, str) else stage.value
        if self.output.form is Form.JSON:
            record: dict[str, object] = {"stage": name, "status": status.value, "blobs": blobs, "bytes": freed}
            record["seconds"] = round(seconds, 3)
            record["error" if status is StageStatus.FAILED else "note"] = one_line(text) or None
            self._write(lambda: self.output.json({**record, **(more or {})}))
        elif self.output.form is Form.FIELDS:
            fields = (name, status.value, str(blobs), "" if freed is None else str(freed), f"{seconds:.3f}", text)
            self._write(lambda: self.output.fields(*fields))
        elif isinstance(stage, Stage):
            words = f"{_SIGNS[status]} {STAGES[stage]}, {duration(seconds)}" + (f": {text}" if text else "")
            self._write(lambda: self.output.line(words, "warning" if status is StageStatus.FAILED else "bold"))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self._write(lambda: self.output.table(columns, rows, right=frozenset(columns[1:])))

    def _write(self, write: Callable[[], object]) -> None:
        if not self._is_read:
            return
        try:
            write()
            self.output.flush()
        except BrokenPipeError:
            self._is_read = False
            forget_stdout()


def show_survey(records: Records, survey: Survey, seconds: float) -> None:
    if not records.for_people:
        more = {
            "place": survey.place,
            "runtime": survey.runtime,
            "unit": survey.unit,
            "version": survey.version or None,
            "config": survey.config or None,
            "root": survey.root or None,
            "driver": survey.driver or None,
            "delete_enabled": survey.delete_enabled,
            "uploads": survey.uploads,
            "pending_uploads": [
                {"repository": one.repository, "id": one.id, "idle_seconds": one.idle, "bytes": one.bytes}
                for one in survey.pending
            ],
            "used": survey.used,
            "free": survey.free,
        }
        records.stage(Stage.LOOK, StageStatus.DONE, 0, 0, seconds, more=more)
    for sentence in survey_sentences(survey):
        say(sentence)


def show_forecast(
    records: Records, forecast: Forecast, choices: Choices, survey: Survey, commands: Sequence[str]
) -> None:
    if records.for_people:
        rows = [(name, size(freed)) for name, freed in repository_rows(forecast)]
        if rows:
            records.table(("REPOSITORY", "FREES"), rows)
    else:
        more = {
            "is_exact": forecast.is_exact,
            "sizes": "manifests" if forecast.by_manifests else "storage",
            "marked": forecast.marked,
            "repositories": [{"repository": name, "bytes": freed} for name, freed in forecast.by_repository],
            "untagged": None if forecast.unsought else [f"{one.repository}@{one.digest}" for one in forecast.untagged],
            "untagged_bytes": None if forecast.unsought else forecast.held,
            "at_risk": list(forecast.at_risk),
            "empty_repositories": list(forecast.empty),
            "commands": list(commands),
        }
        seconds = forecast.seconds
        records.stage(Stage.DRY_RUN, StageStatus.DONE, len(forecast.blobs), forecast.bytes, seconds, more=more)
    for sentence in forecast_sentences(forecast, choices, survey, option="--untagged"):
        say(sentence)


def show_commands(commands: Sequence[str]) -> None:
    """Exactly as they are run, to be copied."""
    say("What runs, in this order:")
    people = Output(Form.TABLE, sys.stderr)
    for command in commands:
        for line in command.split("\n"):
            people.line(f"  {line}", keep_spaces=True)


def show_report(records: Records, report: CollectionReport, error: RegtuiError | None) -> None:
    is_whole = error is None and report.is_complete and report.is_up is not False
    verified = report.verified
    more: dict[str, object] = {
        "predicted": report.predicted,
        "sizes": "manifests" if report.by_manifests else "storage",
        "answers": report.is_up,
        "verified": {
            "checked": verified.checked,
            "total": verified.total,
            "broken": list(verified.broken),
            "broken_before": list(verified.broken_before),
        }
        if verified
        else None,
        "empty_repositories": list(report.empty_repositories),
        "removed_repositories": list(report.removed_repositories),
        "removed_uploads": report.removed_uploads,
        "place": report.place,
    }
    status = StageStatus.DONE if is_whole else StageStatus.FAILED
    is_remarkable = verified is not None and (not verified.is_whole or verified.broken_before)
    checked = verified_sentences(verified) if verified and is_remarkable else ()
    trouble = " ".join([*([str(error)] if error else []), *report.trouble, *checked])
    records.stage("report", status, report.blobs, report.freed, report.seconds, text=trouble, more=more)
    for sentence in report_sentences(report):
        say(sentence)
    if report.empty_repositories:
        say("To remove them: --remove-empty.")


def show_status(output: Output, earlier: EarlierRun | None, host: str) -> None:
    """A run that was begun before: what is to be known of it, then the end of its log."""
    if output.form is Form.JSON:
        record: dict[str, object] = {"stage": None, "status": None, "started": None, "log": []}
        if earlier is not None:
            status = StageStatus.STARTED if earlier.is_running else StageStatus.FAILED
            status = StageStatus.DONE if earlier.is_whole else status
            record = {"stage": earlier.stage.value, "status": status.value, "started": earlier.started}
            record |= {"killed": earlier.was_killed, "by": earlier.who or None, "log": list(earlier.log)}
        output.json(record)
        return
    if earlier is None:
        say(f"No collection is going on at {host}. What ended there has been told: see regtui log.")
        return
    for sentence in earlier_sentences(earlier):
        say(sentence)
    if earlier.was_killed:
        say(f"To end what it left behind, and start the registry: regtui gc {host} --bring-back")
    if earlier.log:
        say(f"The last {plural(len(earlier.log), 'line')} of its log:")
    for line in earlier.log:
        output.line(line, keep_spaces=True)


def show_unconfigured(name: str, host: str, config: Config) -> None:
    """What the config file has to say of where a registry runs."""
    sentences, example = not_configured(name, host, is_profile=name in config.profiles)
    people = Output(Form.TABLE, sys.stderr)
    for sentence in (*sentences, f"({config.path})"):
        say(sentence)
    for line in example.split("\n"):
        people.line(f"  {line}", keep_spaces=True)


def show_skipped(records: Records, why: str) -> None:
    """Nothing was collected, as it was asked for."""
    records.stage("report", StageStatus.SKIPPED, 0, 0, 0.0, text=why)
    say(why)
