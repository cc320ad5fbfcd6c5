"""`regtui usage`: how many bytes each repository and namespace uses, and how many nothing else does."""

import argparse
from typing import Final

from regtui import limit
from regtui.cli.console import Progress, say, warn
from regtui.cli.invocation import Invocation
from regtui.cli.output import Form, Output
from regtui.errors import DONE, FAILED
from regtui.listing.usage import Usage, UsageRow
from regtui.registry.endurance import Endurance
from regtui.registry.errors import NotFound, RegistryError
from regtui.session.session import Session
from regtui.text import plural, size

# Repositories at a time; the client bounds their requests.
_AT_ONCE: Final = 4


def run(arguments: argparse.Namespace) -> int:
    """Exit code 1 where not all could be read. Raises RegtuiError."""
    output = Output.chosen(arguments.json)
    return Invocation(arguments).run(arguments.registry_argument, lambda session: _measure(session, output))


async def _measure(session: Session, output: Output) -> int:
    usage, is_whole = Usage(), True
    async for page in session.repositories():
        usage.expect(page.repositories)
        if page.doubt and is_whole:
            is_whole = False
            warn(page.doubt)
    await _read(session, usage)
    is_whole = is_whole and not usage.gaps
    _show(session, usage, output, is_whole=is_whole)
    return DONE if is_whole else FAILED


async def _read(session: Session, usage: Usage) -> None:
    async def read(repository: str) -> None:
        try:
            names = [name async for page in session.tags(repository) for name in page]
            usage.begin(repository, len(names))
            async for batch in session.fill(repository, names).batches():
                usage.take(repository, batch)
        except NotFound:
            usage.begin(repository, 0)  # without tags, it may still be listed

    progress = Progress("Reading the repositories:")
    repositories = usage.waiting
    done = 0
    endurance = Endurance(session)
    try:
        async for some in limit.each(
            repositories, read, at_once=_AT_ONCE, expect=RegistryError, goes_on=lambda: not endurance.is_over
        ):
            if left := [one.item for one in some if not one.begun]:
                warn(endurance.sentence(left))
                for repository in left:
                    usage.fail(repository, "left out")
            for one in some:
                if one.error is not None:
                    if one.error.affects_all:
                        raise one.error
                    usage.fail(one.item, str(one.error))
                    progress.clear()
                    warn(f"{one.item}: {one.error}")
            done += len(some)
            progress.show(done, len(repositories))
    finally:
        progress.clear()


def _show(session: Session, usage: Usage, output: Output, *, is_whole: bool) -> None:
    rows = usage.rows()
    match output.form:
        case Form.TABLE:
            _table(session, usage, rows, output, is_whole=is_whole)
        case Form.FIELDS:
            for row in rows:
                name = f"{row.name}/" if row.is_namespace else row.name
                output.fields(name, str(row.size), str(row.only), str(row.standing.tags or 0))
        case Form.JSON:
            for row in rows:
                output.json({"namespace" if row.is_namespace else "repository": row.name} | _numbers(row))
            standings = usage.standings.values()
            output.json(
                {
                    "registry": session.name,
                    "tags": sum(each.tags or 0 for each in standings),
                    "manifests": sum(len(each.manifests) for each in standings),
                    "bytes": usage.total,
                    "own_bytes": usage.total,
                    "complete": is_whole,
                }
            )


def _numbers(row: UsageRow) -> dict[str, object]:
    standing = row.standing
    return {
        "tags": standing.tags,
        "manifests": len(standing.manifests),
        "bytes": row.size,
        "own_bytes": row.only,
        "complete": standing.is_read,
    }


def _table(session: Session, usage: Usage, rows: list[UsageRow], output: Output, *, is_whole: bool) -> None:
    if not rows:
        say(f"{session.host} has no repositories.")
        return
    output.table(
        ("REPOSITORY", "USES", "ONLY HERE", "TAGS", ""),
        [
            (
                f"{row.name}/" if row.is_namespace else row.name,
                size(row.size),
                size(row.only),
                f"{row.standing.tags or 0:,}",
                "" if row.standing.is_read else "not read as a whole",
            )
            for row in rows
        ],
        right=frozenset({"USES", "ONLY HERE", "TAGS"}),
        warned=frozenset(number for number, row in enumerate(rows) if not row.standing.is_read),
    )
    so_far = "" if is_whole else " as far as it could be read"
    count = plural(len(usage.standings), "repository", "repositories")
    say(f"{count} of {session.name}: {size(usage.total)}{so_far}, each blob once. Images without a tag are not seen.")
