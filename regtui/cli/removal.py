"""One repository's part of `regtui rm`: planned, shown, confirmed, carried out."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Self

from regtui.cli.console import Progress, ask, say
from regtui.cli.cut_off import settle
from regtui.cli.missing import tag_missing
from regtui.cli.output import Form, Output
from regtui.cli.running import Result, Shown, carry_out, show_outcomes
from regtui.connection import Connection
from regtui.deletion.values import Manifests, Outcome, Plan, Status, tag_outcome
from regtui.deletion.words import (
    attached_offer,
    later_offer,
    loss_reason,
    losses_sentence,
    now_offer,
    plan_sentences,
    planned_outcomes,
    typed_confirmation,
)
from regtui.errors import NOT_ALLOWED, REFUSED, RegtuiError
from regtui.oci import Digest
from regtui.registry import Deletion, ManifestNotFound, Where
from regtui.text import plural

_FOR_GOOD: Final = "Nothing was deleted. --without-undo deletes it for good."
_PROTECTED: Final = "protected: without --yes, it is deleted after its name is typed"


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
    """A plan with its connection. `skipped`: what isn't touched, though it was named. `without_undo`: that something
    can't be put back was confirmed already."""

    connection: Connection
    plan: Plan
    skipped: tuple[Outcome, ...] = ()
    without_undo: bool = False

    def untouched(self, why: str) -> list[Outcome]:
        """Of everything planned, that it wasn't done."""
        return skipped_rows(planned_outcomes(self.plan), why)


def skipped_rows(rows: Iterable[Outcome], why: str) -> list[Outcome]:
    return [replace(row, status=Status.SKIPPED, error=why) for row in rows]


@dataclass(frozen=True, slots=True)
class RemovalOptions:
    """How it is to be deleted. `untagged`: what becomes of manifests that lose their last tag. `without_undo`: also
    what undo could not put back. `by_rule`: nobody named each tag."""

    whole_manifests: bool
    with_attached: bool
    untagged: Manifests
    without_undo: bool
    by_rule: bool
    dry_run: bool
    may_ask: bool

    @classmethod
    def of(cls, arguments: argparse.Namespace, *, by_rule: bool) -> Self:
        untagged = Manifests.DELETED if arguments.with_manifests else Manifests.IN_TIME
        return cls(
            whole_manifests=arguments.manifest,
            with_attached=arguments.with_attached,
            untagged=Manifests.LEFT if arguments.tags_only else untagged,
            without_undo=arguments.without_undo,
            by_rule=by_rule,
            dry_run=arguments.dry_run,
            may_ask=not arguments.yes,
        )


async def prepare(connection: Connection, selection: Selection, options: RemovalOptions) -> Removal:
    """Plans. Where nobody can be asked, protected tags are left out, and what undo could not put back.

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
    skipped: list[Outcome] = []
    if not options.may_ask:
        plan, skipped = await _without_confirmation(connection, selection, options, plan)
    if plan.obstacle:
        raise Obstructed(plan.obstacle, "Nothing was deleted.")
    return Removal(connection, plan, tuple(skipped), options.without_undo)


async def _without_confirmation(
    connection: Connection, selection: Selection, options: RemovalOptions, plan: Plan
) -> tuple[Plan, list[Outcome]]:
    """The plan without what somebody would have to confirm by typing, and that this was left out.

    Raises Obstructed where something can't be put back that was named itself.
    """
    skipped: dict[str, Outcome] = {}
    while not plan.obstacle and (held := _held(plan, options)):
        if not options.by_rule and any(tag.loss and not tag.protected for tag in plan.removed):
            raise Obstructed(losses_sentence(plan), _FOR_GOOD)
        named = {tag: why for tag, why in held.items() if tag in selection.tags and tag not in skipped}
        if not named:
            # Not named themselves, but on a manifest that goes whole.
            skipped |= {tag: _skipped(plan, tag, why) for tag, why in held.items()}
            return replace(plan, removed=(), manifests=()), list(skipped.values())
        skipped |= {tag: _skipped(plan, tag, why) for tag, why in named.items()}
        rest = replace(selection, tags=[tag for tag in selection.tags if tag not in skipped])
        plan = await _plan(connection, rest, options)
    if not plan.obstacle and not options.without_undo and plan.has_losses:
        # Nothing that has a tag: a manifest named by digest, or what is attached to an image that goes.
        raise Obstructed(losses_sentence(plan), _FOR_GOOD)
    return plan, list(skipped.values())


def _held(plan: Plan, options: RemovalOptions) -> dict[str, str]:
    """tag → why it isn't deleted unless somebody types something."""
    protected = {tag.tag: _PROTECTED for tag in plan.removed if tag.protected}
    if options.without_undo:
        return protected
    lost = {tag.tag: f"undo could not put it back, as {loss_reason(tag.loss)}" for tag in plan.removed if tag.loss}
    return {tag: f"{why}: --without-undo deletes it" for tag, why in lost.items()} | protected


def _skipped(plan: Plan, tag: str, why: str) -> Outcome:
    return tag_outcome(plan.repository, next(t for t in plan.removed if t.tag == tag), Status.SKIPPED, detail=why)


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
    expected = typed_confirmation(plan, without_undo=removal.without_undo)
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
