"""Runs that were interrupted, told by commands that only read: nobody would look for them otherwise."""

from regtui.cli.output import Form, Output
from regtui.session.session import Session
from regtui.settings.paths import journal_dir


async def tell_unfinished_runs(session: Session, output: Output, repository: str = "") -> None:
    """On a terminal, after what was asked for. Without a journal nothing is loaded that reads one."""
    if output.form is Form.TABLE and not session.target.ephemeral and any(journal_dir().glob("*")):
        from regtui.cli.interrupted_runs import tell_unfinished

        await tell_unfinished(session, repository)
