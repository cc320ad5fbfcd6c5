"""One repository's part of `regtui rm`: planned, shown, confirmed, carried out."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

from regtui.cli.console import Progress, ask, say
from regtui.cli.cut_off import settle
from regtui.cli.missing import tag_missing
from regtui.cli.output import Form, Output
from regtui.cli.running import Result, Shown, carry_out, show_outcomes
from regtui.connection import Connection
from regtui.deletion.values import Manifests, Outcome, Plan, PlannedTag, Status, tag_outcome
from regtui.deletion.words import (
    attached_offer,
    later_offer,
    now_offer,
    plan_sentences,
    planned_outcomes,
    typed_confirmation,
)
from regtui.errors import NOT_ALLOWED, REFUSED, RegtuiError
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
class RemovalOptions:
    """How it is to be deleted. `untagged`: what becomes of manifests that lose their last tag."""

    whole_manifests: bool
    with_attached: bool
    untagged: Manifests
    dry_run: bool
    may_ask: bool

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Self:
        untagged = Manifests.DELETED if arguments.with_manifests else Manifests.IN_TIME
        return cls(
            whole_manifests=arguments.manifest,
            with_attached=arguments.with_attached,
            untagged=Manifests.LEFT if arguments.tags_only else untagged,
            dry_run=arguments.dry_run,
            may_ask=not arguments.yes,
        )


async def prepare(connection: Connection, selection: Selection, options: RemovalOptions) -> Removal:
    """Plans. Where nobody can be asked, protected tags are left out.

    Raises NotFound for what isn't there, DeletionNotAllowed, Obstructed.
    """
    if not options.dry_run:
        await _check_possible(connection, selection.repository)
        await settle(connection, selection.repository, may_ask=options.may_ask)
    plan = await _plan(connection, selection, options)
    if plan.unknown:
        raise await tag_missing(connection, selection.repository, plan.unknown[0])
    for digest in selection.digests:
        if digest not in plan.contents.manifests:
            where = Where(connection.host, "looking up the manifest", selection.repository, digest)
            raise ManifestNotFound(where, f"{selection.repository} has no manifest {digest}.")
    if options.dry_run:
        return Removal(connection, plan)
    protected = () if options.may_ask else tuple(tag for tag in plan.removed if tag.protected)
    if protected:
        plan = await _plan_without(connection, selection, options, {tag.tag for tag in protected})
    if plan.obstacle:
        raise Obstructed(plan.obstacle, "Nothing was deleted.")
    return Removal(connection, plan, tuple(_protected(selection.repository, tag) for tag in protected))


async def _plan(connection: Connection, selection: Selection, options: RemovalOptions) -> Plan:
    progress = Progress(f"Reading {selection.repository}:")
    try:
        return await connection.plan_deletion(
            selection.repository,
            selection.tags,
            whole_manifests=options.whole_manifests,
            with_attached=options.with_attached,
            untagged=options.untagged,
            digests=selection.digests,
            on_progress=progress.show,
        )
    finally:
        progress.clear()


async def _plan_without(
    connection: Connection, selection: Selection, options: RemovalOptions, protected: set[str]
) -> Plan:
    rest = replace(selection, tags=[tag for tag in selection.tags if tag not in protected])
    plan = await _plan(connection, rest, options)
    if any(tag.protected for tag in plan.removed):
        # Not named themselves, but on a manifest that goes whole.
        return replace(plan, removed=(), manifests=())
    return plan


def _protected(repository: str, tag: PlannedTag) -> Outcome:
    why = "protected: without --yes, it is deleted after its name is typed"
    return tag_outcome(repository, tag, Status.SKIPPED, detail=why)


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
    if removal.plan.is_empty:
        return
    if attached_offer(removal.plan):
        say("--with-attached deletes them too.")
    if offer := now_offer(removal.plan):
        say(f"--with-manifests would {offer}.")
    if offer := later_offer(removal.plan):
        say(f"--tags-only would {offer}.")


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


async def execute(removal: Removal, shown: Shown) -> Result:
    """Deletes, and says what came of it. The first Ctrl+C stops after those in flight."""
    shown.final(removal.skipped)
    if removal.plan.is_empty:
        return Result(is_complete=False)
    deleting = removal.connection.deleting(removal.plan)
    total = len(removal.plan.removed) + len(removal.plan.manifests)
    result = await carry_out(deleting, shown, "Deleting", total)
    report = deleting.report
    if report.run and report.has_effect and not removal.connection.target.ephemeral:
        say(f"To put it back: {removal.connection.target.undo_command(report.run)}")
    return Result(result.is_complete and not removal.skipped, result.stopped)
