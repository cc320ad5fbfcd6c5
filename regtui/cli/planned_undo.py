"""What undoing a run would do, as the commands show it."""

from regtui.cli.console import Progress, say
from regtui.cli.output import Form, Output
from regtui.cli.running import show_outcomes
from regtui.deletion.entry import Entry
from regtui.deletion.undo import Undo
from regtui.deletion.undo_words import undo_sentences
from regtui.session.session import Session


async def planned_undo(session: Session, entry: Entry, *, overwrite: bool) -> Undo:
    """Raises RegistryError, JournalFailed."""
    progress = Progress("Reading what is there:")
    try:
        return await session.changes.plan_undo(entry, overwrite=overwrite, on_progress=progress.show)
    finally:
        progress.clear()


def show_undo(undo: Undo, output: Output, *, dry_run: bool, in_several: bool = False) -> None:
    """As `rm` shows its plan: sentences on stderr, rows where somebody reads them or where they are the result.
    `in_several`: it is one of several repositories."""
    if dry_run or output.form is Form.TABLE:
        show_outcomes(output, undo.rows)
        output.flush()
    for sentence in undo_sentences(undo, in_several=in_several):
        say(sentence)
