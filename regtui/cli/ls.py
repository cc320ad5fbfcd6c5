"""`regtui ls`: repositories, one a line."""

import argparse

from regtui.cli.console import say, warn
from regtui.cli.invocation import Invocation
from regtui.cli.output import Form, Output
from regtui.cli.unfinished import tell_unfinished_runs
from regtui.errors import DONE, FAILED
from regtui.session.session import Session


def run(arguments: argparse.Namespace) -> int:
    """Exit code 1 where the registry's list may not be complete. Raises RegtuiError."""
    output = Output.chosen(arguments.json)
    return Invocation(arguments).run(arguments.registry_argument, lambda session: _list(session, output))


async def _list(session: Session, output: Output) -> int:
    doubt, count = "", 0
    async for page in session.repositories():
        for repository in page.repositories:
            if output.form is Form.JSON:
                output.json({"repository": repository})
            else:
                output.line(repository)
        output.flush()
        count += len(page.repositories)
        doubt = doubt or page.doubt
    if doubt:
        warn(doubt)
        return FAILED
    if not count and output.form is Form.TABLE:
        say(f"{session.host} has no repositories.")
    await tell_unfinished_runs(session, output)
    return DONE
