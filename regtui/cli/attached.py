"""`regtui attached`: signatures, bills of materials, provenance and whatever else refers to an image, as a tree."""

import argparse
from datetime import UTC, datetime

from regtui import text
from regtui.cli.console import say, warn
from regtui.cli.invocation import Invocation
from regtui.cli.named_image import asked, looked_up, name_of
from regtui.cli.output import Form, Output
from regtui.errors import DONE, FAILED
from regtui.inside.attached import Attached, Attachments
from regtui.session.session import Session


def run(arguments: argparse.Namespace) -> int:
    """Exit code 1 where something that is attached can't be read. Raises RegtuiError."""
    invocation = Invocation(arguments)
    reference = invocation.reference(arguments.reference)
    output = Output.chosen(arguments.json)

    async def work(session: Session) -> int:
        told = await looked_up(session, reference, lambda: session.attached(*asked(reference)))
        _show(told, name_of(reference), output)
        for told_of in (*told.strays, *told.gaps):
            warn(told_of)
        if told.gaps:
            say("Not all of it could be read: there may be more.")
        return FAILED if told.gaps else DONE

    return invocation.run(reference.registry, work)


def _show(told: Attachments, name: str, output: Output) -> None:
    match output.form:
        case Form.JSON:
            for each in told.found:
                output.json(_record(each))
        case Form.FIELDS:
            for each in told.found:
                output.fields(each.kind.value, each.digest, each.subject, each.about, str(each.size))
        case Form.TABLE:
            _table(told, name, output)


def _record(each: Attached) -> dict[str, object]:
    return {
        "subject": each.subject,
        "digest": each.digest,
        "kind": each.kind.value,
        "artifact_type": each.artifact_type or None,
        "media_type": each.media_type,
        "size": each.size,
        "created": text.rfc3339(each.created) or None,
        "annotations": dict(each.annotations),
        "depth": each.depth,
    }


def _table(told: Attachments, name: str, output: Output) -> None:
    """A tree: what is attached to something that is attached stands below it."""
    output.line(f"{name}  {told.digest.short}", "bold", keep_spaces=True)
    if not told.found:
        if not told.gaps:
            output.line("Nothing is attached to it.")
        return
    now = datetime.now(UTC)
    rows = [
        (
            f"{'· ' * (each.depth - 2)}{'└ ' if each.depth > 1 else ''}{each.kind.value}",
            *([_subject(told, each)] if told.platforms else []),
            text.size(each.size),
            text.age(each.created, now),
            each.digest.short,
            each.about.removeprefix("application/") or each.media_type,
        )
        for each in told.found
    ]
    columns = ("KIND", *(["ATTACHED TO"] if told.platforms else []), "SIZE", "CREATED", "DIGEST", "TYPE")
    output.table(columns, rows, right=frozenset({"SIZE"}))
    output.line("They are called what they say they are: nothing was verified.")


def _subject(told: Attachments, each: Attached) -> str:
    if each.subject == told.digest:
        return "the index"
    platform = told.platforms.get(each.subject)
    return platform.exact if platform else each.subject.short
