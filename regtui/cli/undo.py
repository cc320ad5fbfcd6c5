"""`regtui undo`: puts back what a deletion removed, after showing it and asking."""

import argparse
import re
from typing import Final

from regtui.cli.console import ask, say, warn
from regtui.cli.interrupted_runs import (
    InterruptedRun,
    finish,
    is_of_here,
    say_remedies,
    say_taking_back,
    settle,
    show_rest,
    tell_remedies,
    tell_troubles,
    tell_unfinished,
)
from regtui.cli.invocation import Invocation
from regtui.cli.log import show_runs
from regtui.cli.output import Output
from regtui.cli.planned_undo import planned_undo, show_undo
from regtui.cli.running import Obstructed, ShownOutcomes, carry_out, check_askable
from regtui.cli.undo_prune import undo_prune
from regtui.deletion.entry import Belonging, Entry, Kind
from regtui.deletion.journal import Journal
from regtui.deletion.journal_storage import is_cut_run, is_run, number_of
from regtui.deletion.undo import Undo, check_ended
from regtui.deletion.undo_words import (
    earlier_sentence,
    interrupted_sentence,
    is_undo_confirmed_by,
    not_to_finish,
    not_unasked,
    offers_overwriting,
    title_of,
    undo_question,
    what_of,
)
from regtui.errors import DONE, FAILED, INTERRUPTED, UsageError
from regtui.registry.identity import RegistryId
from regtui.session.session import Session
from regtui.session.target import Target
from regtui.settings.paths import journal_dir

# Of a run, within its name.
_NUMBER: Final = re.compile("[0-9]{1,18}")


def run(arguments: argparse.Namespace) -> int:
    """Nothing is put back before it was shown and confirmed. Raises RegtuiError."""
    invocation = Invocation(arguments)
    named = arguments.target or ""
    entry = _run_named(named, invocation)
    output = Output.chosen(arguments.json)
    if arguments.list:
        return show_runs(output, _listed(invocation, entry, named), undoable=True)
    if arguments.finish and entry is None:
        raise UsageError("--finish needs the run's name.", "See: regtui undo --list")
    target = invocation.target_of_run(entry) if entry else invocation.target(named or None)
    _check_askable(arguments, target, entry)
    return invocation.run_at(target, lambda session: _undo(session, entry, output, arguments))


def _check_askable(arguments: argparse.Namespace, target: Target, named: Entry | None) -> None:
    """Raises UsageError where nobody can be asked; where --yes alone would be refused, it is said what wouldn't be."""
    try:
        check_askable(arguments)
    except UsageError:
        unfinished = [] if named else Journal(journal_dir()).unfinished(target.identity)
        unfinished = [entry for entry in unfinished if entry.belongs_to(target.identity) is Belonging.HERE]
        for entry in unfinished:
            warn(interrupted_sentence(entry))
            tell_remedies(target, entry, "--yes")
        if unfinished:
            raise UsageError("Nobody can be asked here.", "That has to be settled first.") from None
        raise


def _run_named(named: str, invocation: Invocation) -> Entry | None:
    """The run of that name, or number; None where `named` is a registry. Raises UsageError, JournalFailed."""
    journal = Journal(journal_dir())
    if is_run(named) or is_cut_run(named):
        return journal.entry(named)
    if not _NUMBER.fullmatch(named) or named in invocation.config.profiles:
        return None
    # No registry is called so: what is meant is the number within a run's name.
    found = [entry for entry in journal.entries() if number_of(entry.name) == int(named)]
    if not found:
        # It may be one of those that are passed over.
        for trouble in journal.troubles():
            warn(trouble)
        raise UsageError(f"There is no run {named}.", "See: regtui undo --list")
    return found[0]


def _listed(invocation: Invocation, entry: Entry | None, named: str) -> RegistryId | None:
    """The registry whose runs are listed; None for all."""
    if entry is not None:
        return entry.registry
    return invocation.target(named or None).identity if invocation.registry(named or None) else None


def _is_anything_elsewhere(registry: RegistryId) -> bool:
    runs = Journal(journal_dir()).entries()
    return any(run.kind is Kind.DELETION and run.belongs_to(registry) is Belonging.ELSEWHERE for run in runs)


async def _undo(session: Session, named: Entry | None, output: Output, arguments: argparse.Namespace) -> int:
    entry, is_unsettled = named, False
    if entry is None:
        if not arguments.dry_run and await settle(session, may_ask=not arguments.yes):
            return DONE
        if arguments.dry_run:
            is_unsettled = await tell_unfinished(session)
        entry = await session.changes.last()
        tell_troubles(session)
    if entry is None:
        others = " What was deleted at other registries: regtui log" if _is_anything_elsewhere(session.identity) else ""
        say(f"There is nothing to undo at {session.identity}.{others}")
        return DONE
    if entry.kind is Kind.COLLECTION:
        raise UsageError("A garbage collection can't be undone: what it freed is gone.")
    if entry.kind is Kind.REPAIR:
        raise UsageError("A repair can't be undone: it took nothing away.")
    if not await is_of_here(session, entry, may_ask=not arguments.yes):
        say("Nothing was changed.")
        return FAILED
    entry = entry.made_at(session.identity)
    if entry.kind is Kind.PRUNE:
        return await undo_prune(session, entry, output, arguments)
    say(f"{title_of(entry)} in {entry.repository} at {session.identity}: {what_of(entry)}")
    if arguments.finish:
        return await _finish(session, entry, output, arguments)
    undo = await planned_undo(session, entry, overwrite=arguments.overwrite)
    if offers_overwriting(undo) and not arguments.overwrite and not arguments.yes and not arguments.dry_run:
        show_undo(undo, output, dry_run=False)
        if _is_yes(ask(f"{offers_overwriting(undo).capitalize()}? [y/N]")):
            undo = await planned_undo(session, entry, overwrite=True)
            show_undo(undo, output, dry_run=False)
    else:
        show_undo(undo, output, dry_run=arguments.dry_run)
    if not arguments.dry_run:
        await session.changes.settle(undo)
    if named is None and undo.is_empty:
        await _say_earlier(session, entry)
    unasked = not_unasked(undo) if arguments.yes else ""
    if arguments.dry_run:
        if unasked:
            say(unasked)
        if undo.obstacle or unasked:
            return Obstructed.exit_code
        if is_unsettled and arguments.yes:
            return InterruptedRun.exit_code
        is_idle = undo.is_empty and not entry.is_unfinished
        return FAILED if is_idle and (undo.restoration.lost or undo.restoration.kept) else DONE
    if undo.obstacle:
        raise Obstructed(undo.obstacle, "Nothing was put back.")
    if unasked:
        raise Obstructed(unasked, "Nothing was changed. Without --yes it asks.")
    if undo.restoration.kept:
        say(f"To overwrite: {session.target.undo_command(entry.name, '--overwrite')}")
    if undo.is_empty and not entry.is_unfinished:
        return FAILED if undo.restoration.lost or undo.restoration.kept else DONE
    if not arguments.yes and not _is_confirmed(undo, session):
        say("Nothing was put back.")
        return FAILED
    undoing = session.changes.undoing(undo)
    result = await carry_out(undoing, ShownOutcomes(output), "Putting back", len(undo.rows))
    say_taking_back(session, undoing.report, undo)
    has_effect = any(outcome.has_effect for outcome in undoing.report.outcomes)
    if not has_effect and named is None and not result.stopped:
        # The next undo would take the same run, and may be refused alike.
        await _say_earlier(session, entry)
    return INTERRUPTED if result.stopped else DONE if result.is_complete else FAILED


async def _say_earlier(session: Session, entry: Entry) -> None:
    """The way past a run of which nothing was put back."""
    if earlier := await session.changes.last_before(entry):
        say(earlier_sentence(session.target.undo_command(earlier.name)))


async def _show_rest(session: Session, entry: Entry, output: Output, *, unasked: bool) -> int:
    """The exit code with which it would be refused; `unasked`: where nobody is asked."""
    if entry.kind is Kind.RESTORE:
        undo = await session.changes.plan_rest_of_undo(entry)
        show_undo(undo, output, dry_run=True)
        return InterruptedRun.exit_code if undo.obstacle else DONE
    plan = await session.changes.plan_rest(entry)
    proposal = show_rest(entry, plan, output, dry_run=True)
    if plan.obstacle:
        return InterruptedRun.exit_code
    if unasked and proposal.in_the_way:
        say(proposal.in_the_way)
        return Obstructed.exit_code
    return DONE


def _is_confirmed(undo: Undo, session: Session) -> bool:
    return is_undo_confirmed_by(undo, ask(undo_question(undo, session.identity)))


def _is_yes(answer: str) -> bool:
    return answer.lower() in ("y", "yes")


async def _finish(session: Session, entry: Entry, output: Output, arguments: argparse.Namespace) -> int:
    check_ended(entry)
    if not entry.is_unfinished:
        why, remedy = not_to_finish(entry)
        if entry.undoes and entry.kind is Kind.RESTORE and not entry.is_complete:
            remedy = f"To put back what is left: {session.target.undo_command(entry.undoes)}"
        raise UsageError(why, remedy or "See: regtui undo --list")
    if arguments.dry_run:
        return await _show_rest(session, entry, output, unasked=arguments.yes)
    result = await finish(session, entry, output, asks=not arguments.yes)
    if result is None:
        say("Nothing was changed.")
        say_remedies(session, entry)
        return FAILED
    return INTERRUPTED if result.stopped else DONE if result.is_complete else FAILED
