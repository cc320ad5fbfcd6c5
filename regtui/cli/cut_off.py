"""Deletions that were cut off, by a crash or a kill: finished or reverted before anything else is changed there."""

from regtui.cli.console import ask, is_interactive, say, warn
from regtui.cli.output import Form, Output
from regtui.cli.running import Result, Shown, carry_out
from regtui.deletion.belonging import belonging_question, check_belongs
from regtui.deletion.entry import Belonging, Entry, Kind
from regtui.deletion.undo_words import cut_off_sentence, undo_sentences
from regtui.deletion.words import plan_sentences
from regtui.errors import RegtuiError
from regtui.session.session import Session


class CutOff(RegtuiError):
    """A deletion that has to be finished or reverted first."""


async def settle(connection: Session, repository: str = "", *, may_ask: bool) -> bool:
    """Asks what becomes of runs that were cut off; whether there was any. Of other repositories it only warns.

    Raises CutOff where nobody can be asked, or the answer is neither.
    """
    entries = await connection.changes.unfinished()
    tell_troubles(connection)
    for entry in entries:
        sentence = cut_off_sentence(entry)
        commands = remedies(connection, entry)
        if entry.belongs_to(connection.identity) is not Belonging.HERE:
            # Nobody can say of what an earlier version recorded that it stands in the way here.
            warn(f"{sentence} It may have been at {connection.identity}, or elsewhere. {commands}")
            continue
        if repository and entry.repository != repository:
            warn(f"{sentence} {commands}")
            continue
        if not may_ask or not is_interactive():
            raise CutOff(sentence, commands)
        say(sentence)
        if not await _asked(connection, entry):
            raise CutOff("Nothing was changed.", commands)
    return any(entry.belongs_to(connection.identity) is Belonging.HERE for entry in entries)


def tell_troubles(connection: Session) -> None:
    """What of the journal can't be read, or isn't trusted."""
    for trouble in connection.changes.troubles():
        warn(trouble)


def remedies(connection: Session, entry: Entry) -> str:
    """The commands that end it."""
    command = connection.target.undo_command
    if entry.kind is Kind.RESTORE:
        again = f". After that it can be begun anew: {command(entry.undoes)}" if entry.undoes else ""
        return f"To take it back, with what it had put back by then: {command(entry.name)}{again}"
    return f"To put it back: {command(entry.name)}; to finish it: {command(entry.name, '--finish')}"


async def is_of_here(connection: Session, entry: Entry, *, may_ask: bool) -> bool:
    """Whether the run was made here, as far as the journal or somebody who is asked knows. Raises OtherRegistry where
    it wasn't, or where nobody can be asked."""
    if entry.belongs_to(connection.identity) is not Belonging.UNKNOWN or not may_ask or not is_interactive():
        check_belongs(entry, connection.identity)
        return True
    return ask(f"{belonging_question(entry, connection.identity)} [y/N]").lower() in ("y", "yes")


async def _asked(connection: Session, entry: Entry) -> bool:
    """Whether it was finished or reverted."""
    can_finish = entry.kind is Kind.DELETION
    answer = ask("Finish it, or put everything back? [f/b/N]" if can_finish else "Put it back to how it was? [b/N]")
    shown = Shown(Output(Form.TABLE))
    if answer.lower() in ("f", "finish") and can_finish:
        return (await finish(connection, entry, shown)).is_complete
    if answer.lower() in ("b", "back"):
        return (await revert(connection, entry, shown)).is_complete
    return False


async def finish(connection: Session, entry: Entry, shown: Shown) -> Result:
    """Does the rest, which was confirmed when it began. Raises CutOff where it can't be done."""
    plan = await connection.changes.plan_rest(entry)
    if plan.obstacle:
        raise CutOff(plan.obstacle, remedies(connection, entry))
    for sentence in plan_sentences(plan):
        say(sentence)
    total = len(entry.tags) + len(entry.manifests_changed)
    return await carry_out(connection.changes.finishing(entry, plan), shown, "Deleting", total)


async def revert(connection: Session, entry: Entry, shown: Shown) -> Result:
    """Puts back what was removed so far. Raises CutOff where it can't be done."""
    undo = await connection.changes.plan_undo(entry)
    if undo.obstacle:
        raise CutOff(undo.obstacle, remedies(connection, entry))
    for sentence in undo_sentences(undo):
        say(sentence)
    return await carry_out(connection.changes.undoing(undo), shown, "Putting back", len(undo.rows))
