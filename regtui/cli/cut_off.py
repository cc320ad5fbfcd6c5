"""Deletions that were cut off, by a crash or a kill: finished or reverted before anything else is changed there."""

from regtui.cli.console import ask, is_interactive, say, warn
from regtui.cli.output import Form, Output
from regtui.cli.running import Result, Shown, carry_out
from regtui.connection import Connection
from regtui.deletion import Entry, Kind
from regtui.deletion.undo_words import cut_off_sentence, undo_sentences
from regtui.deletion.words import plan_sentences
from regtui.errors import RegtuiError


class CutOff(RegtuiError):
    """A deletion that has to be finished or reverted first."""


async def settle(connection: Connection, repository: str = "", *, may_ask: bool) -> bool:
    """Asks what becomes of runs that were cut off; whether there was any. Of other repositories it only warns.

    Raises CutOff where nobody can be asked, or the answer is neither.
    """
    unfinished = await connection.changes.unfinished()
    for entry in unfinished:
        sentence = cut_off_sentence(entry)
        commands = remedies(entry)
        if repository and entry.repository != repository:
            warn(f"{sentence} {commands}")
            continue
        if not may_ask or not is_interactive():
            raise CutOff(sentence, commands)
        say(sentence)
        if not await _asked(connection, entry):
            raise CutOff("Nothing was changed.", commands)
    return bool(unfinished)


def remedies(entry: Entry) -> str:
    """The commands that end it."""
    revert = f"regtui undo {entry.name}"
    return f"To put it back: {revert}" + (f"; to finish it: {revert} --finish" if entry.kind is Kind.DELETION else "")


async def _asked(connection: Connection, entry: Entry) -> bool:
    """Whether it was finished or reverted."""
    can_finish = entry.kind is Kind.DELETION
    answer = ask("Finish it, or put everything back? [f/b/N]" if can_finish else "Put it back to how it was? [b/N]")
    shown = Shown(Output(Form.TABLE))
    if answer.lower() in ("f", "finish") and can_finish:
        return (await finish(connection, entry, shown)).is_complete
    if answer.lower() in ("b", "back"):
        return (await revert(connection, entry, shown)).is_complete
    return False


async def finish(connection: Connection, entry: Entry, shown: Shown) -> Result:
    """Does the rest, which was confirmed when it began. Raises CutOff where it can't be done."""
    plan = await connection.changes.plan_rest(entry)
    if plan.obstacle:
        raise CutOff(plan.obstacle, remedies(entry))
    for sentence in plan_sentences(plan):
        say(sentence)
    total = len(entry.tags) + len(entry.manifests_changed)
    return await carry_out(connection.changes.finishing(entry, plan), shown, "Deleting", total)


async def revert(connection: Connection, entry: Entry, shown: Shown) -> Result:
    """Puts back what was removed so far. Raises CutOff where it can't be done."""
    undo = await connection.changes.plan_undo(entry)
    if undo.obstacle:
        raise CutOff(undo.obstacle, remedies(entry))
    for sentence in undo_sentences(undo):
        say(sentence)
    return await carry_out(connection.changes.undoing(undo), shown, "Putting back", len(undo.rows))
