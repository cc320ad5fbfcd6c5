"""`regtui rm --all-repositories`: one rule over every repository, a plan for each, one confirmation for all.

A plan holds the bytes of every manifest of its repository, and a registry may have thousands: plans are shown as they
are made, and only what they say is kept. Right before a repository's turn its plan is made anew; where it says
something else than what was shown and confirmed, nothing is deleted there.
"""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from regtui.cli.by_rule import choose_tags, tell_choice, tell_future, tell_undated
from regtui.cli.console import Progress, ask, say, warn
from regtui.cli.interrupted_runs import InterruptedRun
from regtui.cli.invocation import Invocation, connected
from regtui.cli.output import Output
from regtui.cli.removal import (
    DeletionNotAllowed,
    NothingDeletable,
    Removal,
    RemovalOptions,
    Selection,
    execute,
    lets_nothing_go,
    prepare,
    show_plan,
    skipped_rows,
)
from regtui.cli.running import Obstructed, RunResult, ShownOutcomes, check_askable
from regtui.deletion.rules import Rule
from regtui.deletion.values import Outcome
from regtui.deletion.words import FOREVER
from regtui.errors import DONE, FAILED, INTERRUPTED, RegtuiError, UsageError
from regtui.registry.endurance import Endurance
from regtui.registry.errors import NotFound, RegistryError
from regtui.session.session import Session
from regtui.session.target import Target
from regtui.text import plural, size


@dataclass(frozen=True, slots=True)
class RepositoryProposal:
    """What was shown of one repository, and may be confirmed. `typed`: the words that it asks for besides."""

    selection: Selection
    rows: tuple[Outcome, ...]
    tags: int
    manifests: int
    freed: int
    left: int
    left_bytes: int
    typed: tuple[str, ...] = ()


@dataclass(slots=True)
class Sweep:
    """What was found: `failed` repositories could not be looked at, or not as a whole, or are
    left alone as something stands in the way there. `refused`: of a dry run, the
    exit code with which the run would be refused."""

    proposals: list[RepositoryProposal] = field(default_factory=list)
    repositories: int = 0
    undated: int = 0
    future: int = 0
    failed: int = 0
    refused: int = DONE
    is_whole: bool = True

    @property
    def tags(self) -> int:
        return sum(proposal.tags for proposal in self.proposals)

    @property
    def typed(self) -> str:
        """What has to be typed. The number, however small, as nobody reads every line of a whole registry; and what
        each plan asks for."""
        words = [word for proposal in self.proposals for word in proposal.typed]
        last = [FOREVER] if FOREVER in words else []
        return " ".join([str(self.tags), *dict.fromkeys(word for word in words if word != FOREVER), *last])

    @property
    def code(self) -> int:
        return self.refused or (FAILED if self.failed or not self.is_whole else DONE)

    def sentences(self) -> list[str]:
        """The sum of all plans."""
        if not self.proposals:
            return [self._nothing_goes()]
        manifests = sum(proposal.manifests for proposal in self.proposals)
        freed = sum(proposal.freed for proposal in self.proposals)
        where = f"{len(self.proposals):,} of {plural(self.repositories, 'repository', 'repositories')}"
        lines = [f"In all: {plural(self.tags, 'tag')} and {plural(manifests, 'manifest')} in {where}."]
        if freed:
            lines.append(f"Up to {size(freed)} become collectable; what repositories share is counted in each.")
        if left := sum(proposal.left for proposal in self.proposals):
            held = size(sum(proposal.left_bytes for proposal in self.proposals))
            lines.append(f"{plural(left, 'manifest')} without a tag will be left, with up to {held}.")
        return lines

    def _nothing_goes(self) -> str:
        of = plural(self.repositories, "repository", "repositories")
        if not self.failed:
            return f"No tag matches in {of}."
        if self.failed >= self.repositories:
            return f"Nothing goes in {of}: why was said above."
        return f"Nothing goes in {of}: why in {self.failed:,} of them was said above, and in the others no tag matches."


def run(invocation: Invocation, arguments: argparse.Namespace, rule: Rule | None) -> int:
    """Raises RegtuiError."""
    if arguments.references:
        raise UsageError(
            f"--all-repositories names them all, and {arguments.references[0]} is named too.",
            "The registry is named by -r: regtui rm -r REGISTRY --all-repositories …",
        )
    if rule is None:
        raise UsageError("--all-repositories needs a rule.", "See: regtui rm --help")
    check_askable(arguments)
    target = invocation.target(invocation.registry(None))
    return asyncio.run(_run(target, rule, Output.chosen(arguments.json), arguments))


async def _run(target: Target, rule: Rule, output: Output, arguments: argparse.Namespace) -> int:
    async with connected(target) as session:
        found = await _plan_all(session, rule, output, arguments)
        for sentence in found.sentences():
            say(sentence)
        if arguments.dry_run or not found.proposals:
            return found.code
        if not arguments.yes and not _is_confirmed(session, found):
            say("Nothing was deleted.")
            return FAILED
        return await _execute_all(session, found.proposals, output, arguments) or found.code


async def _plan_all(session: Session, rule: Rule, output: Output, arguments: argparse.Namespace) -> Sweep:
    """Looks at every repository, and shows the plan of each as soon as it is made."""
    found = Sweep()
    names: list[str] = []
    async for page in session.repositories():
        names += page.repositories
        if page.doubt:
            found.is_whole = False
            warn(page.doubt)
    progress = Progress("Repositories:")
    endurance = Endurance(session)
    for number, repository in enumerate(names):
        if endurance.is_over:
            warn(endurance.sentence(names[number:]))
            found.failed += 1
            break
        progress.show(number, len(names))
        try:
            proposal = await _plan_one(session, repository, rule, output, arguments, found)
        except NotFound:
            continue  # Listed, but without tags.
        except RegtuiError as error:
            if not _is_of_one(error):
                raise
            progress.clear()
            warn(f"{repository}: {error}")
            found.repositories += 1
            found.failed += 1
            continue
        finally:
            progress.clear()
        found.repositories += 1
        if proposal is not None:
            found.proposals.append(proposal)
    if found.undated:
        tell_undated(found.undated)
    if found.future:
        tell_future(found.future)
    return found


async def _plan_one(
    session: Session,
    repository: str,
    rule: Rule,
    output: Output,
    arguments: argparse.Namespace,
    found: Sweep,
) -> RepositoryProposal | None:
    choice = await choose_tags(session, repository, rule)
    found.undated += len(choice.undated)
    found.future += len(choice.future)
    if choice.unread:
        found.failed += 1
    if choice.selected or choice.unread:
        tell_choice(session, repository, choice)
    if not choice.selected:
        return None
    selection = Selection(None, repository, list(choice.selected), seen=choice.seen)
    removal = await prepare(session, selection, RemovalOptions.of(arguments, by_rule=True))
    show_plan(removal, output, dry_run=arguments.dry_run)
    output.flush()
    plan = removal.plan
    if plan.obstacle and not lets_nothing_go(await session.deletion(repository)):
        # Of a dry run: a run would leave this repository alone, and go on.
        found.failed += 1
        return None
    found.refused = max(found.refused, removal.code)
    return RepositoryProposal(
        selection,
        _rows(removal),
        len(plan.removed),
        len(plan.manifests),
        plan.freed,
        len(plan.left),
        plan.left_bytes,
        tuple(removal.proposal.typed_words),
    )


def _rows(removal: Removal) -> tuple[Outcome, ...]:
    return (*removal.proposal.rows, *removal.skipped)


def _is_confirmed(session: Session, found: Sweep) -> bool:
    """Where there is anything to confirm, and not only something that stays."""
    if not any(proposal.tags or proposal.manifests for proposal in found.proposals):
        return True
    these = f"{plural(found.tags, 'tag')} in {plural(len(found.proposals), 'repository', 'repositories')}"
    return ask(f"To delete {these} of {session.identity}, type {found.typed}:") == found.typed


async def _execute_all(
    session: Session, proposals: Sequence[RepositoryProposal], output: Output, arguments: argparse.Namespace
) -> int:
    code = DONE
    shown = ShownOutcomes(output)
    endurance = Endurance(session)
    for number, proposal in enumerate(proposals):
        if endurance.is_over:
            warn(endurance.sentence([left.selection.repository for left in proposals[number:]]))
            _skip(shown, proposals[number:], "not deleted: others were waited for in vain too long")
            return FAILED
        try:
            result = await _execute_one(session, proposal, shown, arguments)
        except RegtuiError as error:
            warn(f"{proposal.selection.repository}: {error}")
            code = FAILED
            if not _is_of_one(error):
                _skip(shown, proposals[number + 1 :], "not deleted: it failed before")
                return error.exit_code
            continue
        if result.stopped:
            _skip(shown, proposals[number + 1 :], "not deleted: stopped before")
            return INTERRUPTED
        if not result.is_complete:
            code = FAILED
    return code


def _is_of_one(error: RegtuiError) -> bool:
    """Whether what failed in one repository may go well in the next."""
    if isinstance(error, RegistryError):
        return not error.affects_all
    is_refused = isinstance(error, (Obstructed, DeletionNotAllowed, InterruptedRun))
    return is_refused and not isinstance(error, NothingDeletable)


async def _execute_one(
    session: Session, proposal: RepositoryProposal, shown: ShownOutcomes, arguments: argparse.Namespace
) -> RunResult:
    removal = await prepare(session, proposal.selection, RemovalOptions.of(arguments, by_rule=True))
    if set(_rows(removal)) != set(proposal.rows):
        say(f"{proposal.selection.repository} has changed since the plan was shown: nothing is deleted there.")
        _skip(shown, [proposal], "changed since the plan was shown")
        return RunResult(is_complete=False)
    return await execute(removal, shown)


def _skip(shown: ShownOutcomes, proposals: Sequence[RepositoryProposal], why: str) -> None:
    for proposal in proposals:
        shown.final(skipped_rows(proposal.rows, why))
