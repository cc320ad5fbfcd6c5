"""`regtui in-use`: which images of a registry run, or are named, where; and which of those it doesn't have any more."""

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from regtui.cli.console import is_interactive, say, warn
from regtui.cli.counting import counting
from regtui.cli.invocation import Invocation
from regtui.cli.output import Form, Output
from regtui.errors import DONE, FAILED, UsageError
from regtui.session.session import Session
from regtui.text import config_table, plural, short_digest

if TYPE_CHECKING:
    from regtui.host.hosts import Interactive
    from regtui.retention.uses import Uses
    from regtui.retention.whereabouts import LocatedUse


def run(arguments: argparse.Namespace) -> int:
    """Exit code 1 where a source couldn't be read. Raises RegtuiError."""
    output = Output.chosen(arguments.json)
    return Invocation(arguments).run(arguments.registry_argument, lambda session: _show(session, output))


async def _show(session: Session, output: Output) -> int:
    if session.target.in_use.is_empty:
        raise UsageError(
            f"Nothing says what is in use of {session.name}.",
            f"Name hosts, clusters or files in the config file, below {config_table(session.name, 'in_use')}.",
        )
    uses = await session.uses(_asking() if is_interactive() else None)
    async with counting("Looking for what is in use:", lambda: session.requests.total):
        located = await session.located_uses(uses)
    {Form.TABLE: _table, Form.FIELDS: _fields, Form.JSON: _json}[output.form](session, located, output)
    output.flush()
    return _tell_unread(uses, output)


def _asking() -> "Interactive":
    """ssh asks on the terminal that we are on."""
    from regtui.host.hosts import undisturbed

    async def ask(work: Callable[[], None]) -> None:
        undisturbed(work)

    return ask


def _table(session: Session, located: "Sequence[LocatedUse]", output: Output) -> None:
    rows = [
        (found.image, short_digest(found.digest), found.use.place.words, _trouble(session, found)) for found in located
    ]
    gone = [number for number, found in enumerate(located) if found.is_gone]
    if rows:
        output.table(("IMAGE", "DIGEST", "USED", ""), rows, warned=frozenset(gone))
    else:
        say(f"No image of {session.name} is in use, as far as could be read.")
    if gone:
        verb = "is" if len(gone) == 1 else "are"
        say(
            f"{plural(len(gone), 'image')} in use {verb} gone from {session.name}: what needs to be pulled again fails."
        )


def _fields(session: Session, located: "Sequence[LocatedUse]", output: Output) -> None:
    for found in located:
        for tag in found.tags or ("",):
            place = found.use.place
            fields = (found.use.image.repository, tag, found.digest or "", place.where, place.kind.value)
            output.fields(*fields, _trouble(session, found))


def _json(session: Session, located: "Sequence[LocatedUse]", output: Output) -> None:
    for found in located:
        for tag in found.tags or (None,):
            record: dict[str, object] = {
                "repository": found.use.image.repository,
                "tag": tag,
                "digest": found.digest,
                "where": found.use.place.where,
                "kind": found.use.place.kind.value,
                "gone": found.is_gone,
            }
            if found.run:
                record["undo"] = found.run
            output.json(record)


def _trouble(session: Session, found: "LocatedUse") -> str:
    if not found.is_gone:
        return ""
    return f"gone; {session.target.undo_command(found.run)}" if found.run else "gone"


def _tell_unread(uses: "Uses", output: Output) -> int:
    for source in uses.unread:
        if output.form is Form.JSON:
            output.json({"where": source.where, "error": source.error})
        warn(f"{source.where} could not be read: {source.error}")
    output.flush()
    if uses.unread:
        say("Nothing counts as unused before all of it can be read: rules delete nothing.")
    return FAILED if uses.unread else DONE
