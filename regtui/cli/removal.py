"""One repository's part of `regtui rm`: planned, shown, confirmed, carried out."""

import argparse
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self

from regtui.cli.console import Progress, ask, say
from regtui.cli.interrupted_runs import InterruptedRun, say_way_back, settle, tell_unfinished
from regtui.cli.missing import tag_missing
from regtui.cli.output import Form, Output
from regtui.cli.running import Obstructed, RunResult, ShownOutcomes, carry_out, prefixed, show_outcomes
from regtui.deletion.graph import reachable
from regtui.deletion.proposal import DeletionProposal, Offer
from regtui.deletion.reasons import Reason
from regtui.deletion.request import Request
from regtui.deletion.values import Manifests, Outcome, Plan, PlannedTag, Status, tag_outcome
from regtui.deletion.words import names, staying_outcomes
from regtui.errors import DONE, FAILED, NOT_ALLOWED, RegtuiError
from regtui.names.order import in_order
from regtui.oci.digest import Digest
from regtui.registry.errors import ManifestNotFound, Where
from regtui.registry.values import Deletion
from regtui.retention.errors import NO_RULE, SourceFailed
from regtui.session.session import Session

_IN_THE_WAY: Final = "not deleted: {} stands in the way, which seems damaged"
# Whole manifests are offered by the sentence about them.
_OPTIONS: Final = {
    Offer.ATTACHED: "--with-attached deletes them too.",
    Offer.NOW: "--with-manifests would {}.",
    Offer.LATER: "--tags-only would {}.",
}


class DeletionNotAllowed(RegtuiError):
    """The login doesn't cover it."""

    exit_code = NOT_ALLOWED


class NothingDeletable(Obstructed):
    """The registry lets nobody delete anything, in no repository."""


@dataclass(slots=True)
class Selection:
    """What was named of one repository. `seen`: what tags led to when a rule selected these."""

    registry: str | None
    repository: str
    tags: list[str] = field(default_factory=list)
    digests: list[Digest] = field(default_factory=list)
    seen: Mapping[str, Digest | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Removal:
    """A proposal with its session. `skipped`: what isn't touched, though it was named. `prefix`: of its references,
    where others are of other registries. `code`: of a dry run, the exit code with which the run would be refused.
    `instead`: what is said in place of the plan, where that was passed over."""

    session: Session
    proposal: DeletionProposal
    skipped: tuple[Outcome, ...] = ()
    prefix: str = ""
    code: int = DONE
    instead: tuple[str, ...] = ()

    @property
    def plan(self) -> Plan:
        return self.proposal.plan

    @property
    def leaves_nothing(self) -> bool:
        """Whether all that was named, or selected, goes."""
        return not (self.skipped or staying_outcomes(self.plan))

    def untouched(self, why: str) -> list[Outcome]:
        """Of everything planned, that it wasn't done."""
        return skipped_rows(self.proposal.rows, why)


def skipped_rows(rows: Iterable[Outcome], why: str) -> list[Outcome]:
    return [replace(row, status=Status.SKIPPED, error=why) for row in rows]


@dataclass(frozen=True, slots=True)
class RemovalOptions:
    """How it is asked for. `request`: of no repository yet. `by_rule`: nobody named each tag."""

    request: Request
    by_rule: bool
    dry_run: bool
    may_ask: bool

    @classmethod
    def of(cls, arguments: argparse.Namespace, *, by_rule: bool) -> Self:
        untagged = Manifests.DELETED if arguments.with_manifests else Manifests.IN_TIME
        request = Request(
            "",
            whole_manifests=arguments.manifest,
            with_attached=arguments.with_attached,
            untagged=Manifests.LEFT if arguments.tags_only else untagged,
            without_undo=arguments.without_undo,
        )
        return cls(request, by_rule=by_rule, dry_run=arguments.dry_run, may_ask=not arguments.yes)


async def prepare(session: Session, selection: Selection, options: RemovalOptions) -> Removal:
    """Plans. Where nobody can be asked, protected tags are left out, what is in use, and what undo could not put back.
    By a rule, what is in use is left out always.

    Raises NotFound for what isn't there, DeletionNotAllowed, Obstructed.
    """
    is_unsettled = False
    if not options.dry_run:
        await _check_possible(session, selection.repository)
        await settle(session, selection.repository, may_ask=options.may_ask)
    else:
        is_unsettled = await tell_unfinished(session, selection.repository)
    repository, tags, digests = selection.repository, tuple(selection.tags), tuple(selection.digests)
    request = replace(options.request, repository=repository, tags=tags, digests=digests, seen=selection.seen)
    proposal = await _propose(session, request)
    if proposal.plan.unknown and not options.by_rule:
        raise await tag_missing(session, repository, proposal.plan.unknown[0])
    for digest in digests:
        if digest not in proposal.plan.contents.manifests and not proposal.plan.obstacle:
            where = Where(session.host, "looking up the manifest", repository, digest)
            raise ManifestNotFound(where, f"{repository} has no manifest {digest}.")
    # What a rule selected may be gone by now, as others remove tags, too.
    gone = [PlannedTag(tag, None) for tag in proposal.plan.unknown]
    kept = [tag_outcome(repository, tag, Status.SKIPPED, Reason.GONE_BEFORE) for tag in gone]
    if options.by_rule:
        proposal, used = await _without_used(session, proposal)
        kept += used
        if proposal.guarded and not proposal.plan.obstacle:
            obstacle = f"{proposal.guarded} {proposal.guarded_remedy}"
            proposal = replace(proposal, plan=replace(proposal.plan, obstacle=obstacle))
        if not options.may_ask and proposal.in_the_way and not proposal.plan.obstacle:
            return _passed_over(session, proposal, kept)
    if options.dry_run:
        return await _rehearsed(Removal(session, proposal, tuple(kept)), options, is_unsettled=is_unsettled)
    skipped: list[Outcome] = []
    if not options.may_ask:
        proposal, skipped = await _without_confirmation(session, proposal, by_rule=options.by_rule)
    if proposal.plan.obstacle:
        raise Obstructed(proposal.plan.obstacle, "Nothing was deleted.")
    return Removal(session, proposal, (*kept, *skipped))


def _passed_over(session: Session, proposal: DeletionProposal, kept: Sequence[Outcome]) -> Removal:
    """What a rule selects in a repository where a damaged tag stands in the way of all of it."""
    plan = proposal.plan
    why = _IN_THE_WAY.format(names(in_order(plan.replaceable)))
    held = [tag_outcome(plan.repository, tag, Status.SKIPPED, detail=why) for tag in plan.removed]
    nothing = replace(proposal, plan=replace(plan, removed=(), manifests=(), left=()))
    said = (f"{proposal.in_the_way} Nothing is deleted there.", proposal.remedy)
    return Removal(session, nothing, (*kept, *held), code=FAILED, instead=said)


async def _rehearsed(removal: Removal, options: RemovalOptions, *, is_unsettled: bool) -> Removal:
    """As the run would find it, with its exit code; where it would ask, as if the answer was yes."""
    session, plan = removal.session, removal.plan
    if plan.obstacle:
        return replace(removal, code=await refusal_code(session, plan.repository))
    if options.may_ask:
        return replace(removal, code=DONE if removal.leaves_nothing else FAILED)
    try:
        proposal, skipped = await _without_confirmation(session, removal.proposal, by_rule=options.by_rule)
    except Obstructed as error:
        refused = replace(removal.proposal, plan=replace(plan, obstacle=str(error)))
        return replace(removal, proposal=refused, code=error.exit_code)
    removal = replace(removal, proposal=proposal, skipped=(*removal.skipped, *skipped))
    code = DONE if removal.leaves_nothing else FAILED
    return replace(removal, code=InterruptedRun.exit_code if is_unsettled else code)


async def refusal_code(session: Session, repository: str) -> int:
    """Of a repository in which something stands against deleting: whether that is the registry, or the login."""
    is_login = await session.deletion(repository) is Deletion.NOT_ALLOWED
    return DeletionNotAllowed.exit_code if is_login else Obstructed.exit_code


async def _without_used(session: Session, proposal: DeletionProposal) -> tuple[DeletionProposal, list[Outcome]]:
    """The proposal of a rule without what is in use, and that this stays. Raises SourceFailed where some of that isn't
    known."""
    if unread := proposal.plan.unread_uses:
        raise SourceFailed(unread[0], NO_RULE)
    kept: dict[str, Outcome] = {}
    while used := {tag: why for tag, why in proposal.used.items() if tag in proposal.request.tags}:
        kept |= {tag: _skipped(proposal.plan, tag, f"stays: {why}") for tag, why in used.items()}
        rest = tuple(tag for tag in proposal.request.tags if tag not in kept)
        proposal = await _propose(session, replace(proposal.request, tags=rest))
    return proposal, list(kept.values())


async def _without_confirmation(
    session: Session, proposal: DeletionProposal, *, by_rule: bool
) -> tuple[DeletionProposal, list[Outcome]]:
    """The proposal without what somebody would have to confirm by typing, and that this was left out.

    Raises Obstructed where something can't be put back that was named itself, or a protected tag may be replaced.
    """
    if proposal.guarded and not proposal.plan.obstacle:
        raise Obstructed(proposal.guarded, f"Nothing was deleted. {proposal.guarded_remedy}")
    skipped: dict[str, Outcome] = {}
    while not proposal.plan.obstacle and (held := proposal.held):
        plan, request = proposal.plan, proposal.request
        if not by_rule and proposal.loss and any(tag.loss and not tag.protected for tag in plan.removed):
            raise Obstructed(proposal.loss, f"Nothing was deleted. {proposal.remedy}")
        named = {tag: why for tag, why in held.items() if tag in request.tags}
        skipped |= {tag: _skipped(plan, tag, why) for tag, why in (named or held).items()}
        if not named:
            taking, which = _taking(plan, held), next(iter(held))
            request = replace(request, digests=[digest for digest in request.digests if digest not in taking])
            along = [tag.tag for tag in plan.removed if tag.tag in request.tags and tag.digest in taking]
            skipped |= {tag: _skipped(plan, tag, f"not deleted, as {which} would go with it") for tag in along}
        rest = tuple(tag for tag in request.tags if tag not in skipped)
        if rest == tuple(request.tags) and len(request.digests) == len(proposal.request.digests):
            return replace(proposal, plan=replace(plan, removed=(), manifests=())), list(skipped.values())
        proposal = await _propose(session, replace(request, tags=rest))
    if not proposal.plan.obstacle and proposal.used_manifests:
        raise Obstructed(proposal.used_manifests, "Without --yes, it is deleted after the digest's begin was typed.")
    if not proposal.plan.obstacle and proposal.loss:
        # Nothing that has a tag: a manifest named by digest, or what is attached to an image that goes; or a tag that
        # nobody named.
        raise Obstructed(proposal.loss, f"Nothing was deleted. {proposal.remedy}")
    return proposal, list(skipped.values())


def _taking(plan: Plan, held: Collection[str]) -> set[Digest]:
    """The manifests that take the tags `held` along: their own, where it goes whole, and the images that they are
    attached to, with all that reaches those."""
    attached = {tag.digest: tag.attached_to for tag in plan.removed}
    attached |= {manifest.digest: manifest.attached_to for manifest in (*plan.manifests, *plan.left)}
    found = {digest for tag in plan.removed if tag.tag in held for digest in (tag.digest, tag.attached_to) if digest}
    while further := {image for digest in found if (image := attached.get(digest))} - found:
        found |= further
    manifests = plan.contents.manifests
    return found | {digest for digest in manifests if not found.isdisjoint(reachable(manifests, [digest]))}


def _skipped(plan: Plan, tag: str, why: str) -> Outcome:
    return tag_outcome(plan.repository, next(t for t in plan.removed if t.tag == tag), Status.SKIPPED, detail=why)


async def _propose(session: Session, request: Request) -> DeletionProposal:
    progress = Progress(f"Reading {request.repository}:")
    try:
        return DeletionProposal(request, await session.plan_deletion(request, on_progress=progress.show))
    finally:
        progress.clear()


async def _check_possible(session: Session, repository: str) -> None:
    """Raises what stands against deleting, before anybody is asked."""
    support = await session.deletion(repository)
    if obstacle := session.deletion_obstacle(support):
        if support is Deletion.NOT_ALLOWED:
            raise DeletionNotAllowed(obstacle)
        raise (NothingDeletable if lets_nothing_go(support) else Obstructed)(obstacle)


def lets_nothing_go(support: Deletion) -> bool:
    """Whether that holds for the registry, rather than for a login or a repository."""
    return support not in (Deletion.NOT_ALLOWED, Deletion.UNKNOWN) and not support.is_possible


def show_plan(removal: Removal, output: Output, *, dry_run: bool) -> None:
    """In sentences on stderr; row by row where somebody reads it, or where a dry run makes it the result."""
    proposal = removal.proposal
    obstacle = removal.plan.obstacle
    # What a run would refuse isn't planned.
    planned = removal.untouched(f"not deleted: {obstacle}") if obstacle else proposal.rows
    rows = prefixed([*planned, *removal.skipped], removal.prefix)
    # Also where nobody is asked: which registry it is may come from the config.
    say(f"At {removal.session.identity}:")
    if dry_run:
        show_outcomes(output, rows)
    elif output.form is Form.TABLE:
        show_outcomes(output, rows)
        output.flush()
    for sentence in removal.instead or proposal.sentences:
        say(sentence)
    if proposal.plan.is_empty:
        return
    for offer, label in proposal.offers.items():
        if option := _OPTIONS.get(offer, ""):
            say(option.format(label))


def is_confirmed(removal: Removal) -> bool:
    """Asks, on a terminal. More than a `y` for many tags, for protected ones and for what can't be put back."""
    proposal = removal.proposal
    if proposal.plan.is_empty:
        return True
    return proposal.is_confirmed_by(ask(proposal.question(removal.session.identity)))


async def execute(removal: Removal, shown: ShownOutcomes) -> RunResult:
    """Deletes, and says what came of it. The first Ctrl+C stops after those in flight."""
    if removal.prefix:
        say(f"At {removal.session.identity}:")
    shown.final(removal.skipped)
    if removal.plan.is_empty:
        shown.final(staying_outcomes(removal.plan))
        return RunResult(is_complete=False)
    deleting = removal.session.deleting(removal.plan)
    total = len(removal.plan.removed) + len(removal.plan.manifests)
    result = await carry_out(deleting, shown, "Deleting", total)
    say_way_back(removal.session, deleting.report, removal.plan)
    return RunResult(result.is_complete and not removal.skipped, result.stopped)
