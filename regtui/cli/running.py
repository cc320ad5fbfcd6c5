"""A change under way, as the commands show it: rows on stdout, progress and sentences on stderr, Ctrl+C to stop."""

import argparse
import asyncio
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from regtui.cli.console import Progress, is_interactive, say
from regtui.cli.output import Form, Output, forget_stdout
from regtui.deletion.values import Action, Outcome, Status
from regtui.deletion.words import LEAVE, LEFT_FOR, report_sentences
from regtui.errors import REFUSED, RegtuiError, UsageError
from regtui.session.changes import RunningChange

_DONE: Final = {Action.UNTAG: "untagged", Action.DELETE: "deleted", Action.RESTORE: "restored", Action.TAG: "tagged"}


class Obstructed(RegtuiError):
    """The plan can't be carried out as it stands."""

    exit_code = REFUSED


@dataclass(frozen=True, slots=True)
class RunResult:
    """`stopped`: by Ctrl+C, whatever was still done."""

    is_complete: bool
    stopped: bool = False


def check_askable(arguments: argparse.Namespace) -> None:
    """Raises UsageError where something would be changed without anybody to confirm it."""
    if not arguments.dry_run and not arguments.yes and not is_interactive():
        raise UsageError("Nobody can be asked here.", "Add --yes to go ahead, or --dry-run to see what would happen.")


async def carry_out(running: RunningChange, shown: "ShownOutcomes", what: str, total: int) -> RunResult:
    """Does it to the end, and says what came of it. The first Ctrl+C stops after those in flight.

    `what` reads on after progress as `Deleting`; `total`: rows to come.
    """
    progress = Progress(f"{what}:")
    running.tell_looks(lambda done, of: progress.show(done, of, "Looking at the tags:"))
    stopped = False
    # The report puts all of it into order: too much for each batch of thousands.
    told: set[tuple[Action, str]] = set()

    def stop() -> None:
        nonlocal stopped
        stopped = True
        progress.clear()
        say("Stopping after the requests under way. Ctrl+C again stops at once.")
        running.stop()

    try:
        with interrupting(stop):
            progress.begin(total)
            async for batch in running.outcomes():
                if shown.is_live:
                    progress.clear()
                shown.live(batch)
                told.update((outcome.action, outcome.reference) for outcome in batch)
                progress.show(min(len(told), total), total)
    finally:
        # Also where it broke off: what was done until then is done.
        progress.clear()
        shown.final(running.report.outcomes)
    report = running.report
    for sentence in report_sentences(report):
        say(sentence)
    return RunResult(report.is_complete, stopped or report.interrupted)


class ShownOutcomes:
    """Outcomes on stdout, each once. To people as they come, to programs when they were checked: a line that was
    written can't be taken back. `prefix`: as of `prefixed`."""

    def __init__(self, output: Output, prefix: str = "") -> None:
        self.rule: str | None = None
        """The rule that selected what comes next, where rules do that; in each line for programs."""
        self.is_live = output.form is Form.TABLE
        self._output = output
        self._prefix = prefix
        self._written: set[Outcome] = set()
        self._is_read = True

    def live(self, outcomes: Iterable[Outcome]) -> None:
        if self.is_live:
            self.final(outcomes)

    def final(self, outcomes: Iterable[Outcome]) -> None:
        fresh = [outcome for outcome in outcomes if outcome not in self._written]
        self._written.update(fresh)
        if not self._is_read:
            return
        try:
            for outcome in prefixed(fresh, self._prefix):
                show_outcome(self._output, outcome, self.rule)
            self._output.flush()
        except BrokenPipeError:
            # Whoever read it is gone; what was confirmed is still to be done, and checked.
            self._is_read = False
            forget_stdout()


@contextmanager
def interrupting(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl+C calls `stop`; the next one is Python's own again."""
    loop = asyncio.get_running_loop()

    def interrupted() -> None:
        # asyncio puts Python's handler back, so that a second Ctrl+C raises KeyboardInterrupt.
        loop.remove_signal_handler(signal.SIGINT)
        stop()

    loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def prefixed(outcomes: Iterable[Outcome], prefix: str) -> list[Outcome]:
    """`prefix`: `prod/`, where there are several registries: the same tag may be at each of them."""
    return [replace(outcome, reference=f"{prefix}{outcome.reference}") for outcome in outcomes]


def show_outcomes(output: Output, outcomes: list[Outcome], rule: str | None = None) -> None:
    """`rule`: what selected them; None where nobody asks."""
    if output.form is not Form.TABLE:
        for outcome in outcomes:
            show_outcome(output, outcome, rule)
        return
    rows = [_row(outcome) for outcome in outcomes]
    if all(outcome.status is Status.PLANNED or outcome.is_left for outcome in outcomes):
        # What all rows say needs no column.
        output.table(("ACTION", "REFERENCE", "DIGEST", ""), [(action, *rest) for action, _, *rest in rows])
    else:
        output.table(("ACTION", "STATUS", "REFERENCE", "DIGEST", ""), rows)


def _row(outcome: Outcome) -> tuple[str, ...]:
    """For people: to leave a manifest for later, which the sentences below explain, is part of the plan."""
    if outcome.is_left:
        return LEAVE, Status.PLANNED.value, _short(outcome), "", ""
    is_manifest = "@" in outcome.reference
    short = outcome.digest.short if outcome.digest and not is_manifest else ""
    return outcome.action.value, outcome.status.value, _short(outcome), short, outcome.error


def _short(outcome: Outcome) -> str:
    """A whole digest leaves no room for anything else, and breaks the line of a narrow terminal."""
    name, at, _ = outcome.reference.partition("@")
    return f"{name}@{outcome.digest.short}" if at and outcome.digest else outcome.reference


def show_outcome(output: Output, outcome: Outcome, rule: str | None = None) -> None:
    """One line, as things happen."""
    action, status = outcome.action.value, outcome.status.value
    if output.form is Form.JSON:
        output.json(
            {
                "reference": outcome.reference,
                "digest": outcome.digest,
                "action": action,
                "status": status,
                "error": outcome.error or None,
            }
            | ({"rule": rule} if rule is not None else {})
        )
    elif output.form is Form.FIELDS:
        rules = [rule] if rule is not None else []
        output.fields(outcome.reference, outcome.digest or "", action, status, outcome.error, *rules)
    elif outcome.is_left:
        output.line(f"{LEAVE} {_short(outcome)} {LEFT_FOR}")
    else:
        output.line(_sentence(outcome), "" if outcome.status is Status.DONE else "warning")


def _sentence(outcome: Outcome) -> str:
    """`untagged team/app:1.0`; what was not done, with the reason."""
    reference, error = _short(outcome), f": {outcome.error}" if outcome.error else ""
    if outcome.status is Status.DONE:
        return f"{_DONE[outcome.action]} {reference}{error}"
    if outcome.status is Status.SKIPPED:
        return f"skipped {reference}{error}"
    return f"failed to {outcome.action.value} {reference}{error}"
