"""`regtui gc`: garbage collection on the registry's host, after a dry run, the commands and a question."""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

from regtui import bounds
from regtui.cli.collection import (
    Records,
    show_commands,
    show_forecast,
    show_report,
    show_skipped,
    show_status,
    show_survey,
    show_unconfigured,
)
from regtui.cli.console import ask, is_interactive, say, warn
from regtui.cli.invocation import Invocation
from regtui.cli.output import Form, Output
from regtui.cli.running import check_askable, interrupting
from regtui.errors import DONE, FAILED, INTERRUPTED, RegtuiError
from regtui.garbage.collector import Collector
from regtui.garbage.values import Choices, CollectionReport, EarlierRun, Forecast, PendingUpload, Survey
from regtui.garbage.words import (
    ONLINE_WARNING,
    duration,
    earlier_sentences,
    keep_out_sentence,
    question,
    removed_sentence,
)
from regtui.host.errors import HostUnknown, NotOnHost, Unsafe
from regtui.host.hosts import Interactive, undisturbed
from regtui.host.keep_out import KeepOut
from regtui.session.session import Session
from regtui.settings.config import Config
from regtui.text import plural, size


def run(arguments: argparse.Namespace) -> int:
    """Nothing is changed before it was tried, shown and confirmed. Raises RegtuiError."""
    invocation = Invocation(arguments)
    if not arguments.status and not arguments.bring_back:
        check_askable(arguments)
    output = Output.chosen(arguments.json)
    named = invocation.registry(arguments.registry_argument)
    collection = _Collection(arguments, output, invocation.config)
    try:
        # While it is being collected a registry may be stopped: then its host is asked all the same.
        asks_host_only = arguments.status or arguments.bring_back
        patience = bounds.STATUS_SILENCE if asks_host_only else bounds.REGISTRY_SILENCE
        return invocation.run(named, collection.run, patience=patience)
    except KeyboardInterrupt:
        if collection.has_begun:
            warn(
                "Ended at once. What was begun on the host goes on there; whether the registry is up again: "
                f"regtui gc {named or ''} --status"
            )
        raise


async def collect_afterwards(session: Session, output: Output, config: Config, arguments: argparse.Namespace) -> int:
    """Collects what another command freed, as `regtui gc` with `arguments`; its exit code. Raises RegtuiError."""
    return await _Collection(arguments, output, config).run(session)


class _Collection:
    """One run of the command."""

    def __init__(self, arguments: argparse.Namespace, output: Output, config: Config) -> None:
        self._arguments = arguments
        self._config = config
        self._output = output
        self._records = Records(output)
        self.has_begun = False

    async def run(self, session: Session) -> int:
        try:
            return await self._run(session)
        except (HostUnknown, NotOnHost):
            target = session.target
            if target.runs_at is None and target.make_collector is None:
                show_unconfigured(session.name, target.address.name, self._config)
            raise

    async def _run(self, session: Session) -> int:
        arguments = self._arguments
        collector = session.collector(_lent() if is_interactive() else None)
        earlier = await collector.earlier()
        if arguments.status:
            show_status(self._output, earlier, session.name)
            return DONE if earlier is None or earlier.is_well else FAILED
        if arguments.bring_back:
            return await self._bring_back(collector, earlier)
        _check_possible(session, earlier, dry_run=arguments.dry_run)
        if earlier is not None and earlier.was_killed and not arguments.dry_run and await self._bring_back(collector):
            return FAILED
        survey = await self._look(collector)
        choices = _choices(arguments, survey)
        if why := _has_room(arguments, survey):
            show_skipped(self._records, why)
            return DONE
        forecast = await self._try(collector, choices, survey)
        if not self._has_work(forecast, choices, survey) or arguments.dry_run:
            return DONE
        if arguments.if_frees is not None and forecast.bytes < arguments.if_frees:
            why = f"Nothing was collected: it would free {size(forecast.bytes)}, less than {size(arguments.if_frees)}."
            show_skipped(self._records, why)
            return DONE
        if not arguments.yes and not _is_confirmed(forecast, choices, survey):
            say("Nothing was changed.")
            return FAILED
        return await self._collect(collector, choices)

    async def _bring_back(self, collector: Collector, earlier: EarlierRun | None = None) -> int:
        """Raises Unsafe where a run is going on."""
        if earlier is not None and earlier.is_running:
            raise Unsafe(earlier_sentences(earlier)[0], "It brings the registry back by itself: wait for it.")
        say("Bringing the registry back …")
        self.has_begun = True
        async for event in collector.bring_back():
            self._records.event(event)
        report = collector.report
        for sentence in report.trouble:
            say(sentence)
        say("The registry answers." if report.is_up else "THE REGISTRY DOESN'T ANSWER.")
        return DONE if report.is_up else FAILED

    def _has_work(self, forecast: Forecast, choices: Choices, survey: Survey) -> bool:
        """Whether anything goes; what goes besides blobs is shown."""
        uploads = _abandoned(survey, choices)
        if uploads:
            held = size(sum(upload.bytes for upload in uploads))
            say(f"{plural(len(uploads), 'abandoned upload')} with {held} are removed:")
            for upload in uploads:
                say(f"  {upload.repository} {upload.id}, idle for {duration(upload.idle)}, {size(upload.bytes)}")
        empty = forecast.empty if choices.remove_empty else ()
        if empty:
            say("Empty repositories that are removed, if they still are empty then:")
            for name in empty:
                say(f"  {name}")
        return bool(forecast.blobs or uploads or empty)

    async def _look(self, collector: Collector) -> Survey:
        began = time.monotonic()
        survey = await collector.survey()
        show_survey(self._records, survey, time.monotonic() - began)
        return survey

    async def _try(self, collector: Collector, choices: Choices, survey: Survey) -> Forecast:
        say("Dry run …")
        forecast = await collector.forecast(choices)
        commands = collector.commands(choices) if forecast.blobs else ()
        show_forecast(self._records, forecast, choices, survey, commands)
        if commands:
            show_commands(commands)
            say(keep_out_sentence(choices.keep_out, forecast))
        return forecast

    async def _collect(self, collector: Collector, choices: Choices) -> int:
        stopped = False

        def stop() -> None:
            nonlocal stopped
            stopped = True
            say("Stopping at the next safe point; then the registry is brought back. Ctrl+C again ends regtui at once.")
            collector.stop()

        error: RegtuiError | None = None
        self.has_begun = True
        with interrupting(stop):
            try:
                async for event in collector.collect(choices):
                    self._records.event(event)
            except RegtuiError as failed:
                error = failed
            report = await self._without_empty(collector, collector.report, failed=error is not None)
        show_report(self._records, report, error)
        if error is not None:
            raise error
        return INTERRUPTED if stopped else DONE if report.is_complete and report.is_up is not False else FAILED

    async def _without_empty(self, collector: Collector, report: CollectionReport, *, failed: bool) -> CollectionReport:
        """Removes empty repositories where that was asked for, or is confirmed; in the report are those still left."""
        names = report.empty_repositories
        if not names or failed or not report.is_up:
            return report
        arguments = self._arguments
        if not arguments.remove_empty and (arguments.yes or not is_interactive() or self._output.form is Form.JSON):
            return report
        for name in names:
            say(f"  {name}")
        if not arguments.yes and not _is_yes("These repositories are empty. Remove their directories? [y/N]"):
            return report
        removed = await collector.remove_empty(names)
        say(removed_sentence(len(removed), len(names)))
        return replace(report, empty_repositories=tuple(name for name in names if name not in removed))


def _lent() -> Interactive:
    """ssh asks on the terminal that we are on."""

    async def lend(work: Callable[[], None]) -> None:
        undisturbed(work)

    return lend


def _check_possible(session: Session, earlier: EarlierRun | None, *, dry_run: bool) -> None:
    """Raises Unsafe where another run is going on, or nothing may be changed."""
    if earlier is not None and earlier.is_running:
        raise Unsafe(earlier_sentences(earlier)[0], f"Look at it with: regtui gc {session.name} --status")
    if earlier is not None:
        say(f"{earlier_sentences(earlier)[0]} Its log: regtui gc {session.name} --status")
    if session.read_only and not dry_run:
        raise Unsafe(
            f"Nothing is changed at {session.host}: it was opened read-only.",
            "Leave out --read-only, and read_only in the config file; --dry-run changes nothing.",
        )


def _choices(arguments: argparse.Namespace, survey: Survey) -> Choices:
    """Raises Unsafe where pushes can't be kept out as was asked for."""
    wanted = KeepOut.ONLINE if arguments.online else KeepOut.READ_ONLY if arguments.read_only_mode else None
    way = (KeepOut.STAND_IN if _has_to_stand_in(arguments, survey) else wanted) or next(
        iter(survey.keep_out), KeepOut.ONLINE
    )
    if not arguments.dry_run and way is KeepOut.ONLINE and wanted is None:
        if survey.obstacle:
            raise Unsafe(survey.obstacle, survey.remedy)
        raise Unsafe(
            f"It isn't known how pushes are kept out of {survey.unit} on {survey.place}.",
            "Say stop and start below [registries.NAME.host] in the config file, or let it run on with --online.",
        )
    if way not in survey.keep_out and (wanted is not None or not arguments.dry_run):
        # Where nothing else helps than doing away with the obstacle, no other way is spoken of.
        if why := survey.no_restart or (survey.obstacle if not survey.remedy else ""):
            raise Unsafe(why, survey.remedy)
        raise Unsafe(
            f"It isn't known how {survey.unit} on {survey.place} is made read-only.",
            "Say read_only and read_write below [registries.NAME.host] in the config file.",
        )
    return Choices(
        untagged=arguments.untagged,
        keep_out=way,
        remove_empty=arguments.remove_empty,
        upload_minutes=arguments.uploads,
        verify_all=arguments.verify == "all",
    )


def _has_to_stand_in(arguments: argparse.Namespace, survey: Survey) -> bool:
    """Whether something else has to serve pulls. Raises Unsafe where nothing can."""
    if not arguments.serve_pulls or survey.keep_out[:1] == (KeepOut.READ_ONLY,):
        # Read-only it serves them itself.
        return False
    if KeepOut.STAND_IN not in survey.keep_out:
        raise Unsafe(
            survey.obstacle or survey.no_stand_in,
            "Leave out --serve-pulls, or say read_only and read_write below [registries.NAME.host] in the config file, "
            "and take --read-only-mode.",
        )
    return True


def _abandoned(survey: Survey, choices: Choices) -> list[PendingUpload]:
    minutes = choices.upload_minutes
    return [upload for upload in survey.pending if minutes is not None and upload.idle >= minutes * 60]


def _has_room(arguments: argparse.Namespace, survey: Survey) -> str:
    """Why nothing is collected by --if-free-below; empty where it is. Raises Unsafe where the host can't tell."""
    if arguments.if_free_below is None:
        return ""
    if survey.disk is None or survey.free is None:
        raise Unsafe(f"How full the disk on {survey.place} is can't be told.", "Leave out --if-free-below.")
    free = 100 * survey.free / max(survey.disk, 1)
    if free < arguments.if_free_below:
        return ""
    return f"Nothing was collected: {free:.1f} % of the disk are free, not less than {arguments.if_free_below:g} %."


def _is_confirmed(forecast: Forecast, choices: Choices, survey: Survey) -> bool:
    """Asks, on a terminal; a second time where pushes aren't kept out."""
    if not _is_yes(question(forecast, choices, survey.place)):
        return False
    return choices.keep_out is not KeepOut.ONLINE or _is_yes(f"{ONLINE_WARNING} Collect nevertheless? [y/N]")


def _is_yes(asked: str) -> bool:
    return ask(asked).lower() in ("y", "yes")
