"""`regtui gc`: garbage collection on the registry's host, after a dry run, the commands and a question."""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

from regtui.cli.collection import Records, show_commands, show_forecast, show_report, show_status, show_survey
from regtui.cli.console import ask, is_interactive, say, warn
from regtui.cli.output import Form, Output
from regtui.cli.running import check_askable, interrupting
from regtui.cli.session import Session
from regtui.connection import Connection
from regtui.connection.collecting import Collecting
from regtui.errors import DONE, FAILED, INTERRUPTED, RegtuiError
from regtui.garbage.errors import Unsafe
from regtui.garbage.hosts import Interactive, undisturbed
from regtui.garbage.values import Choices, CollectionReport, EarlierRun, Forecast, KeepOut, Survey
from regtui.garbage.words import ONLINE_WARNING, earlier_sentences, keep_out_sentence, question


def run(arguments: argparse.Namespace) -> int:
    """Nothing is changed before it was tried, shown and confirmed. Raises RegtuiError."""
    session = Session(arguments)
    if not arguments.status:
        check_askable(arguments)
    output = Output.chosen(arguments.json)
    named = session.registry(arguments.registry_argument)
    collection = _Collection(arguments, output)
    try:
        # While it is being collected a registry may be stopped: then its host is asked all the same.
        return session.run(named, collection.run, unanswered=True)
    except KeyboardInterrupt:
        if collection.has_begun:
            warn(
                "Ended at once. What was begun on the host goes on there, and the registry is started again; "
                f"to see it: regtui gc {named or ''} --status"
            )
        raise


class _Collection:
    """One run of the command."""

    def __init__(self, arguments: argparse.Namespace, output: Output) -> None:
        self._arguments = arguments
        self._output = output
        self._records = Records(output)
        self.has_begun = False

    async def run(self, connection: Connection) -> int:
        arguments = self._arguments
        collector = connection.collector(_lent() if is_interactive() else None)
        earlier = await collector.earlier()
        if arguments.status:
            show_status(self._output, earlier, connection.host)
            return DONE
        _check_possible(connection, earlier, dry_run=arguments.dry_run)
        survey = await self._look(collector)
        choices = _choices(arguments, survey)
        forecast = await self._try(collector, choices, survey)
        if arguments.dry_run or not forecast.blobs:
            return DONE
        if not arguments.yes and not _is_confirmed(forecast, choices, survey):
            say("Nothing was changed.")
            return FAILED
        return await self._collect(collector, choices)

    async def _look(self, collector: Collecting) -> Survey:
        began = time.monotonic()
        survey = await collector.survey()
        show_survey(self._records, survey, time.monotonic() - began)
        return survey

    async def _try(self, collector: Collecting, choices: Choices, survey: Survey) -> Forecast:
        say("Dry run …")
        forecast = await collector.forecast(choices)
        commands = collector.commands(choices) if forecast.blobs else ()
        show_forecast(self._records, forecast, choices, survey, commands)
        if commands:
            show_commands(commands)
            say(keep_out_sentence(choices.keep_out, forecast))
        return forecast

    async def _collect(self, collector: Collecting, choices: Choices) -> int:
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

    async def _without_empty(
        self, collector: Collecting, report: CollectionReport, *, failed: bool
    ) -> CollectionReport:
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
        say(f"{len(removed):,} of {len(names):,} removed.")
        return replace(report, empty_repositories=tuple(name for name in names if name not in removed))


def _lent() -> Interactive:
    """ssh asks on the terminal that we are on."""

    async def lend(work: Callable[[], None]) -> None:
        undisturbed(work)

    return lend


def _check_possible(connection: Connection, earlier: EarlierRun | None, *, dry_run: bool) -> None:
    """Raises Unsafe where another run is going on, or nothing may be changed."""
    if earlier is not None and earlier.is_running:
        raise Unsafe(earlier_sentences(earlier)[0], f"Look at it with: regtui gc {connection.name} --status")
    if earlier is not None:
        say(f"{earlier_sentences(earlier)[0]} Its log: regtui gc {connection.name} --status")
    if connection.read_only and not dry_run:
        raise Unsafe(
            f"Nothing is changed at {connection.host}: it was opened read-only.",
            "Leave out --read-only, and read_only in the config file; --dry-run changes nothing.",
        )


def _choices(arguments: argparse.Namespace, survey: Survey) -> Choices:
    """Raises Unsafe where pushes can't be kept out as was asked for."""
    wanted = KeepOut.ONLINE if arguments.online else KeepOut.READ_ONLY if arguments.read_only_mode else None
    way = wanted or survey.keep_out[0]
    if not arguments.dry_run and way is KeepOut.ONLINE and wanted is None:
        raise Unsafe(
            f"It isn't known how pushes are kept out of {survey.unit} on {survey.place}.",
            "Say stop and start below [registries.NAME.host] in the config file, or let it run on with --online.",
        )
    if way not in survey.keep_out:
        raise Unsafe(
            f"It isn't known how {survey.unit} on {survey.place} is made read-only.",
            "Say read_only and read_write below [registries.NAME.host] in the config file.",
        )
    return Choices(untagged=arguments.untagged, keep_out=way, verify_all=arguments.verify == "all")


def _is_confirmed(forecast: Forecast, choices: Choices, survey: Survey) -> bool:
    """Asks, on a terminal; a second time where pushes aren't kept out."""
    if not _is_yes(question(forecast, choices, survey.place)):
        return False
    return choices.keep_out is not KeepOut.ONLINE or _is_yes(f"{ONLINE_WARNING} Collect nevertheless? [y/N]")


def _is_yes(asked: str) -> bool:
    return ask(asked).lower() in ("y", "yes")
