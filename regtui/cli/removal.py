"""One repository's part of `regtui rm`: planned, shown, confirmed, carried out."""

import argparse
import asyncio
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from regtui.cli.console import Progress, ask, is_interactive, say, warn
from regtui.cli.missing import tag_missing
from regtui.cli.output import Form, Output, forget_stdout
from regtui.connection import Connection
from regtui.deletion.values import Action, Outcome, Plan, Status
from regtui.deletion.words import plan_sentences, planned_outcomes, report_sentences, typed_confirmation
from regtui.errors import NOT_ALLOWED, REFUSED, RegtuiError, UsageError
from regtui.oci import Digest
from regtui.registry import Deletion, ManifestNotFound, Where
from regtui.text import plural


class Obstructed(RegtuiError):
    """The plan can't be carried out as it stands."""

    exit_code = REFUSED


class DeletionNotAllowed(RegtuiError):
    """The login doesn't cover it."""

    exit_code = NOT_ALLOWED


@dataclass(slots=True)
class Selection:
    """What was named of one repository."""

    registry: str | None
    repository: str
    tags: list[str] = field(default_factory=list)
    digests: list[Digest] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Removal:
    """A plan with its connection. `skipped`: what isn't touched, though it was named."""

    connection: Connection
    plan: Plan
    skipped: tuple[Outcome, ...] = ()

    def untouched(self, why: str) -> list[Outcome]:
        """Of everything planned, that it wasn't done."""
        return skipped_rows(planned_outcomes(self.plan), why)


def skipped_rows(rows: Iterable[Outcome], why: str) -> list[Outcome]:
    return [replace(row, status=Status.SKIPPED, error=why) for row in rows]


@dataclass(frozen=True, slots=True)
class Result:
    """`stopped`: by Ctrl+C, whatever was still done."""

    is_complete: bool
    stopped: bool = False


def check_askable(arguments: argparse.Namespace) -> None:
    """Raises UsageError where something would be deleted without anybody to confirm it."""
    if not arguments.dry_run and not arguments.yes and not is_interactive():
        raise UsageError("Nobody can be asked here.", "Add --yes to delete, or --dry-run to see what would go.")


async def prepare(
    connection: Connection,
    selection: Selection,
    *,
    whole_manifests: bool,
    with_attached: bool,
    dry_run: bool,
    may_ask: bool,
) -> Removal:
    """Plans. Where nobody can be asked, protected tags are left out.

    Raises NotFound for what isn't there, DeletionNotAllowed, Obstructed.
    """
    if not dry_run:
        await _check_possible(connection, selection.repository)

    async def planned(tags: Iterable[str]) -> Plan:
        progress = Progress(f"Reading {selection.repository}:")
        try:
            return await connection.plan_deletion(
                selection.repository,
                list(tags),
                whole_manifests=whole_manifests,
                with_attached=with_attached,
                digests=selection.digests,
                on_progress=progress.show,
            )
        finally:
            progress.clear()

    plan = await planned(selection.tags)
    if plan.unknown:
        raise await tag_missing(connection, selection.repository, plan.unknown[0])
    for digest in selection.digests:
        if digest not in plan.contents.manifests:
            where = Where(connection.host, "looking up the manifest", selection.repository, digest)
            raise ManifestNotFound(where, f"{selection.repository} has no manifest {digest}.")
    if dry_run:
        return Removal(connection, plan)
    skipped: tuple[Outcome, ...] = ()
    if not may_ask and (protected := [tag for tag in plan.removed if tag.protected]):
        named = {tag.tag for tag in protected}
        plan = await planned(tag for tag in selection.tags if tag not in named)
        if any(tag.protected for tag in plan.removed):
            # Not named themselves, but on a manifest that goes whole.
            plan = replace(plan, removed=(), manifests=())
        skipped = tuple(
            Outcome(
                f"{selection.repository}:{tag.tag}",
                tag.digest,
                Action.UNTAG,
                Status.SKIPPED,
                "protected: without --yes, it is deleted after its name is typed",
            )
            for tag in protected
        )
    if plan.obstacle:
        raise Obstructed(plan.obstacle, "Nothing was deleted.")
    return Removal(connection, plan, skipped)


async def _check_possible(connection: Connection, repository: str) -> None:
    """Raises what stands against deleting, before anybody is asked."""
    support = await connection.deletion(repository)
    if obstacle := connection.deletion_obstacle(support):
        raise (DeletionNotAllowed if support is Deletion.NOT_ALLOWED else Obstructed)(obstacle)


def show_plan(removal: Removal, output: Output, *, dry_run: bool) -> None:
    """In sentences on stderr; row by row where somebody reads it, or where a dry run makes it the result."""
    rows = [*planned_outcomes(removal.plan), *removal.skipped]
    if dry_run:
        show_outcomes(output, rows)
    elif output.form is Form.TABLE:
        show_outcomes(output, rows)
        output.flush()
    for sentence in plan_sentences(removal.plan):
        say(sentence)
    if dry_run and removal.plan.obstacle:
        warn(removal.plan.obstacle)


def is_confirmed(removal: Removal) -> bool:
    """Asks, on a terminal. More than a `y` for many tags and for protected ones."""
    plan, host = removal.plan, removal.connection.host
    if plan.is_empty:
        return True
    tags, manifests = len(plan.removed), len(plan.manifests)
    what = plural(tags, "tag") if tags else plural(manifests, "manifest")
    these = f"{'this' if (tags or manifests) == 1 else 'these'} {what.removeprefix('1 ')} from {host}"
    expected = typed_confirmation(plan)
    if expected:
        return ask(f"To delete {these}, type {expected}:") == expected
    return ask(f"Delete {these}? [y/N]").lower() in ("y", "yes")


async def execute(removal: Removal, shown: "Shown") -> Result:
    """Deletes, and says what came of it. The first Ctrl+C stops after those in flight."""
    shown.final(removal.skipped)
    if removal.plan.is_empty:
        return Result(is_complete=False)
    deleting = removal.connection.deleting(removal.plan)
    progress = Progress("Deleting:", enabled=not shown.is_live)
    total = len(removal.plan.removed) + len(removal.plan.manifests)
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        progress.clear()
        say("Stopping after those in flight. Ctrl+C again ends at once.")
        deleting.stop()

    try:
        with _interrupting(stop):
            async for batch in deleting.outcomes():
                shown.live(batch)
                progress.show(min(len(deleting.report.outcomes), total), total)
    finally:
        # Also where it broke off: what was done until then is done.
        progress.clear()
        shown.final(deleting.report.outcomes)
    for sentence in report_sentences(deleting.report):
        say(sentence)
    return Result(deleting.report.is_complete and not removal.skipped, stopped or deleting.report.interrupted)


class Shown:
    """Outcomes on stdout, each once. To people as they come, to programs when they were checked: a line that was
    written can't be taken back."""

    def __init__(self, output: Output) -> None:
        self.is_live = output.form is Form.TABLE
        self._output = output
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
            for outcome in fresh:
                show_outcome(self._output, outcome)
            self._output.flush()
        except BrokenPipeError:
            # Whoever read it is gone; what was confirmed is still to be done, and checked.
            self._is_read = False
            forget_stdout()


@contextmanager
def _interrupting(stop: Callable[[], None]) -> Iterator[None]:
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


def show_outcomes(output: Output, outcomes: list[Outcome]) -> None:
    if output.form is not Form.TABLE:
        for outcome in outcomes:
            show_outcome(output, outcome)
        return
    rows = [
        (
            o.action.value,
            o.status.value,
            o.reference,
            o.digest.short if o.digest and "@" not in o.reference else "",
            o.error,
        )
        for o in outcomes
    ]
    output.table(("ACTION", "STATUS", "REFERENCE", "DIGEST", ""), rows)


def show_outcome(output: Output, outcome: Outcome) -> None:
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
        )
    elif output.form is Form.FIELDS:
        output.fields(outcome.reference, outcome.digest or "", action, status, outcome.error)
    else:
        error = f": {outcome.error}" if outcome.error else ""
        output.line(f"{action} {outcome.reference} {status}{error}", "" if outcome.status is Status.DONE else "warning")
