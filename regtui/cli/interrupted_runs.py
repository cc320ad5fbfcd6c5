"""Deletions and undos that a crash or a kill interrupted: ended before anything else is changed there."""

from typing import NoReturn

from regtui.cli.console import ask, is_interactive, say, warn
from regtui.cli.output import Form, Output
from regtui.cli.planned_undo import show_undo
from regtui.cli.running import Obstructed, RunResult, ShownOutcomes, carry_out, show_outcomes
from regtui.deletion.belonging import belonging_question, check_belongs
from regtui.deletion.entry import Belonging, Entry, Kind
from regtui.deletion.proposal import DeletionProposal
from regtui.deletion.undo import Undo, rest_proposal
from regtui.deletion.undo_words import (
    interrupted_sentence,
    is_undo_confirmed_by,
    rest_sentences,
    undo_confirmation,
    undo_question,
)
from regtui.deletion.values import Action, Plan, Report
from regtui.errors import RegtuiError
from regtui.session.session import Session
from regtui.session.target import Target


class InterruptedRun(RegtuiError):
    """A run that has to be finished or reverted first, and wasn't."""


async def settle(session: Session, repository: str = "", *, may_ask: bool) -> bool:
    """Asks what becomes of runs that were interrupted; whether there was any. Of other repositories it only warns.

    Raises InterruptedRun where nobody can be asked, or the answer is neither.
    """
    entries = await session.changes.unfinished()
    tell_troubles(session)
    for entry in entries:
        sentence = interrupted_sentence(entry)
        if entry.belongs_to(session.identity) is not Belonging.HERE:
            # Nobody can say of what an earlier version recorded that it stands in the way here.
            warn(f"{sentence} It may have been at {session.identity}, or elsewhere.")
            say_remedies(session, entry)
            continue
        if repository and (entry.repository != repository or entry.only_leaves_placeholders):
            warn(sentence)
            say_remedies(session, entry)
            continue
        say(sentence)
        is_asked = may_ask and is_interactive()
        result = await _asked(session, entry) if is_asked else None
        if result is None or not result.is_complete:
            say_remedies(session, entry, "" if is_asked else "--yes")
            what = "Nothing was changed." if result is None else "Nothing else was changed."
            raise InterruptedRun(what, "This has to be settled first.")
    return any(entry.belongs_to(session.identity) is Belonging.HERE for entry in entries)


async def tell_unfinished(session: Session, repository: str = "") -> bool:
    """What was interrupted, and how it is ended: where nothing is changed, and so nobody is asked. Whether any of it
    would have to be settled first."""
    stands = False
    for entry in await session.changes.unfinished():
        if not repository or entry.repository == repository:
            warn(interrupted_sentence(entry))
            say_remedies(session, entry)
            is_here = entry.belongs_to(session.identity) is Belonging.HERE
            stands = stands or (is_here and not (repository and entry.only_leaves_placeholders))
    return stands


def tell_troubles(session: Session) -> None:
    """What of the journal can't be read, or isn't trusted."""
    for trouble in session.changes.troubles():
        warn(trouble)


def say_remedies(session: Session, entry: Entry, option: str = "") -> None:
    """The commands that end it, each on a line of its own; with an `option` besides."""
    tell_remedies(session.target, entry, option)


def tell_remedies(target: Target, entry: Entry, option: str = "") -> None:
    command, more = target.undo_command, [option] if option else []
    back = "To take it back" if entry.kind is Kind.RESTORE else "To put it back"
    say(f"To finish it: {command(entry.name, '--finish', *more)}")
    say(f"{back}: {command(entry.name, *more)}")


async def is_of_here(session: Session, entry: Entry, *, may_ask: bool) -> bool:
    """Whether the run was made here, as far as the journal or somebody who is asked knows. Raises OtherRegistry where
    it wasn't, or where nobody can be asked."""
    if entry.belongs_to(session.identity) is not Belonging.UNKNOWN or not may_ask or not is_interactive():
        check_belongs(entry, session.identity)
        return True
    return ask(f"{belonging_question(entry, session.identity)} [y/N]").lower() in ("y", "yes")


async def _asked(session: Session, entry: Entry) -> RunResult | None:
    """What came of finishing or reverting it; None where neither is wanted."""
    back = "take it back" if entry.kind is Kind.RESTORE else "put everything back"
    answer = ask(f"Finish it at {session.identity}, or {back}? [f/b/N]").lower()
    output = Output(Form.TABLE)
    if answer in ("f", "finish"):
        return await finish(session, entry, output, asks=entry.kind is Kind.DELETION)
    if answer in ("b", "back"):
        return await _revert(session, entry, output)
    return None


async def finish(session: Session, entry: Entry, output: Output, *, asks: bool) -> RunResult | None:
    """Shows the rest and does it, of which each part was confirmed when it began; None where it was asked for again,
    and isn't wanted. Raises InterruptedRun where it can't be done."""
    if entry.kind is Kind.RESTORE:
        return await _carry_out(session, entry, await session.changes.plan_rest_of_undo(entry), output, asks=asks)
    plan = await session.changes.plan_rest(entry)
    proposal = show_rest(entry, plan, output)
    if plan.obstacle:
        _refuse(session, entry)
    if not asks and proposal.in_the_way:
        raise Obstructed(f"{proposal.in_the_way} Nothing was changed.", "Without --yes it is asked for.")
    if asks and not _is_confirmed(session, proposal):
        return None
    total = len(entry.tags) + len(entry.manifests_changed)
    finishing = session.changes.finishing(entry, plan)
    result = await carry_out(finishing, ShownOutcomes(output), "Deleting", total)
    say_way_back(session, finishing.report, plan)
    return result


def show_rest(entry: Entry, plan: Plan, output: Output, *, dry_run: bool = False) -> DeletionProposal:
    """What is left of an interrupted deletion, as `rm` shows its plan."""
    proposal = rest_proposal(entry, plan)
    if dry_run or output.form is Form.TABLE:
        show_outcomes(output, proposal.rows)
        output.flush()
    for sentence in rest_sentences(entry, plan):
        say(sentence)
    return proposal


def _is_confirmed(session: Session, proposal: DeletionProposal) -> bool:
    if proposal.plan.is_empty:
        return ask(f"Finish it at {session.identity}? [y/N]").lower() in ("y", "yes")
    return proposal.is_confirmed_by(ask(proposal.question(session.identity)))


async def _revert(session: Session, entry: Entry, output: Output) -> RunResult | None:
    """Takes back what was done so far. Raises InterruptedRun where it can't be done."""
    undo = await session.changes.plan_undo(entry)
    asks = undo.shown_deletion is not None or bool(undo_confirmation(undo))
    return await _carry_out(session, entry, undo, output, asks=asks)


def _refuse(session: Session, entry: Entry) -> NoReturn:
    say_remedies(session, entry)
    raise InterruptedRun("Nothing was changed.")


async def _carry_out(session: Session, entry: Entry, undo: Undo, output: Output, *, asks: bool) -> RunResult | None:
    show_undo(undo, output, dry_run=False)
    if undo.obstacle:
        _refuse(session, entry)
    if asks and not is_undo_confirmed_by(undo, ask(undo_question(undo, session.identity))):
        return None
    undoing = session.changes.undoing(undo)
    result = await carry_out(undoing, ShownOutcomes(output), "Putting back", len(undo.rows))
    say_taking_back(session, undoing.report, undo)
    return result


def say_way_back(session: Session, report: Report, plan: Plan) -> None:
    """The command that undoes a deletion, where there is anything to put back."""
    if report.run and report.leaves_something and not session.target.ephemeral:
        # After a sentence about a damaged tag that was replaced, "it" would be that.
        is_clear = not any(outcome.action is Action.TAG for outcome in report.outcomes)
        what = "To put it back" if is_clear else "To put back what was deleted"
        what = "To put back what can be" if plan.loses_what_goes else what
        what += "" if plan.may_push else ", with a login that may push"
        say(f"{what}: {session.target.undo_command(report.run)}")


def say_taking_back(session: Session, report: Report, undo: Undo) -> None:
    """The command that undoes an undo, where that did anything."""
    if report.run and any(outcome.has_effect for outcome in report.outcomes) and not session.target.ephemeral:
        what = "To take back what can be" if undo.no_way_back else "To take it back"
        say(f"{what}: {session.target.undo_command(report.run)}")
