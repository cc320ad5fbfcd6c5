"""`regtui tags`: the tags of a repository, newest version first, or newest image, or largest."""

import argparse
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Final

from regtui import text
from regtui.cli.console import Progress, say, warn
from regtui.cli.fitting import terminal_width
from regtui.cli.invocation import Invocation
from regtui.cli.output import Form, Output
from regtui.cli.platforms import platform_fields
from regtui.cli.unfinished import tell_unfinished_runs
from regtui.errors import DONE, FAILED
from regtui.names.order import order_key
from regtui.registry.errors import BadAnswer
from regtui.session.session import Session

if TYPE_CHECKING:
    # For --names it is enough to know the names.
    from regtui.listing.summary import Batch, Summary
    from regtui.retention.tag_facts import TagFacts

# Of an index with more platforms, the table says how many there are; less where there is no room.
_PLATFORMS_SHOWN: Final = 3
_NARROW: Final = 100
VERSION: Final = "version"
# A registry that fails shall not fill the terminal with the same line.
_WARNINGS: Final = 10


# By what is newest or largest; tags alike in it are in the order of their versions.
_SORTED_BY: "Final[dict[str, Callable[[tuple[str, Summary]], float]]]" = {
    "created": lambda row: -row[1].created.timestamp() if row[1].created else inf,
    "size": lambda row: -(row[1].largest_pull or 0),
}


def run(arguments: argparse.Namespace) -> int:
    """Exit code 1 where a tag couldn't be asked for; a broken tag is an answer. Raises RegtuiError."""
    invocation = Invocation(arguments)
    reference = invocation.reference(arguments.repository)
    if reference.identifier:
        from regtui.errors import UsageError

        raise UsageError(
            f"{reference} is one image, not a repository.",
            f"To see it: regtui inspect {reference}",
        )
    if arguments.names and arguments.sort != VERSION:
        from regtui.errors import UsageError

        raise UsageError(f"With --names no tag is read: there is nothing to sort by {arguments.sort}.")
    output = Output.chosen(arguments.json)

    async def work(session: Session) -> int:
        return await _list(session, reference.repository, output, names_only=arguments.names, sort=arguments.sort)

    return invocation.run(reference.registry, work)


async def _list(session: Session, repository: str, output: Output, *, names_only: bool, sort: str) -> int:
    """Of a list that is cut short the tags that were read, too, and then why it ends. Raises RegistryError."""
    names, cut = await _names(session, repository)
    code = await _show(session, repository, names, output, names_only=names_only, sort=sort)
    if cut is not None:
        output.flush()
        raise cut
    return code


async def _names(session: Session, repository: str) -> tuple[list[str], BadAnswer | None]:
    """The newest version first; and what stopped the list after that. Raises RegistryError where nothing was read."""
    names: list[str] = []
    cut = None
    try:
        async for page in session.tags(repository):
            names += page
    except BadAnswer as error:
        if not names:
            raise
        cut = error
    names.sort(key=order_key, reverse=True)
    return names, cut


async def _show(
    session: Session, repository: str, names: Sequence[str], output: Output, *, names_only: bool, sort: str
) -> int:
    if not names and output.form is Form.TABLE:
        say(f"{repository} has no tags.")
    if names_only:
        for name in names:
            if output.form is Form.JSON:
                output.json({"repository": repository, "tag": name})
            else:
                output.line(name)
        return DONE
    if output.form is Form.TABLE:
        code = await _table(session, repository, names, output, sort)
        await tell_unfinished_runs(session, output, repository)
        return code
    return await _stream(session, repository, names, output, sort)


async def _table(session: Session, repository: str, names: Sequence[str], output: Output, sort: str) -> int:
    """SIZE is that of a pull; where an image has several platforms, TOTAL is that of all together."""
    facts = await _facts(session, repository)
    rows = [row async for some in _filled(session, repository, names, sort) for row in some]
    now = datetime.now(UTC)
    has_several = any(len(summary.platforms) > 1 for _, summary in rows)
    total = ("TOTAL",) if has_several else ()
    known = _fact_columns(facts, now)
    output.table(
        ("TAG", "CREATED", "SIZE", *total, "PLATFORM", "DIGEST", *(title for title, _ in known), ""),
        [
            (
                name,
                text.age(summary.created, now),
                text.size_range(summary.pull_size),
                *(text.size(summary.size) for _ in total),
                platforms_shown(summary),
                text.short_digest(summary.digest),
                *(cell(name, summary) for _, cell in known),
                summary.error,
            )
            for name, summary in rows
        ],
        right=frozenset({"SIZE", "TOTAL", "IN USE"}),
        warned=frozenset(number for number, (_, summary) in enumerate(rows) if summary.error),
    )
    return FAILED if any(summary.is_retryable for _, summary in rows) else DONE


async def _stream(session: Session, repository: str, names: Sequence[str], output: Output, sort: str) -> int:
    """Each tag as soon as it and those before it are known."""
    failed = warned = 0
    facts = await _facts(session, repository)
    # On a terminal the records themselves show how far it is.
    async for some in _filled(session, repository, names, sort):
        for name, summary in some:
            failed += summary.is_retryable
            if output.form is Form.JSON:
                output.json(record(repository, name, summary) | _fact_fields(facts, name, summary))
                continue
            output.fields(
                name,
                text.rfc3339(summary.created),
                "" if summary.size is None else str(summary.size),
                ",".join(each.platform.exact for each in summary.platforms if each.platform),
                summary.digest or "",
            )
            if summary.error:
                warned += 1
                if warned <= _WARNINGS:
                    warn(f"{repository}:{name}: {summary.error.rstrip('.')}.")
        output.flush()
    if warned > _WARNINGS:
        warn(f"{text.plural(warned - _WARNINGS, 'more tag')} with errors.")
    return FAILED if failed else DONE


async def _filled(session: Session, repository: str, names: Sequence[str], sort: str) -> "AsyncIterator[Batch]":
    """Every tag with its summary, as `sort` says: in the order of `names`, which is not that of the answers, as many at
    a time as are known; or all of them at once, the newest or largest first, those in which it isn't known last."""
    if sort != VERSION:
        rows = [row async for some in _filled(session, repository, names, VERSION) for row in some]
        yield sorted(rows, key=_SORTED_BY[sort])
        return
    progress = Progress(f"Reading {repository}:", beside_records=True)
    waiting: dict[str, Summary] = {}
    rest = deque(names)
    done = 0
    try:
        async for batch in session.fill(repository, names).batches():
            waiting.update(batch)
            done += len(batch)
            known: Batch = []
            while rest and rest[0] in waiting:
                known.append((rest[0], waiting.pop(rest.popleft())))
            if known:
                progress.clear()
                yield known
            progress.show(done, len(names))
    finally:
        progress.clear()


async def _facts(session: Session, repository: str) -> "TagFacts":
    facts = await session.tag_facts(repository)
    if facts.in_use is not None:
        for source in facts.in_use.unread:
            warn(f"What is in use is not known: {source.where} could not be read: {source.error}")
    return facts


def _fact_fields(facts: "TagFacts", tag: str, summary: "Summary") -> dict[str, object]:
    """Of the JSON record: what is known, and nothing where it isn't."""
    fields: dict[str, object] = {}
    if (pulled := facts.pulled(tag, summary)) is not None:
        fields["pulled"] = text.rfc3339(pulled)
    if (pushed := facts.pushed(tag)) is not None:
        fields["pushed"] = text.rfc3339(pushed)
    if facts.knows_uses:
        fields["in_use"] = [place.where for place in facts.places(tag, summary)]
    return fields


def _fact_columns(facts: "TagFacts", now: datetime) -> "list[tuple[str, Callable[[str, Summary], str]]]":
    """Of the table: title, and what stands there for a tag; those that anything is known for."""
    columns: list[tuple[str, Callable[[str, Summary], str]]] = []
    if facts.in_use is not None:
        columns.append(("IN USE", lambda tag, summary: str(len(facts.places(tag, summary)) or "")))
    if facts.knows_pulls:
        columns.append(("PULLED", lambda tag, summary: _age(facts.pulled(tag, summary), now)))
    if facts.knows_pushes:
        columns.append(("PUSHED", lambda tag, _: _age(facts.pushed(tag), now)))
    return columns


def _age(time: datetime | None, now: datetime) -> str:
    return "" if time is None else text.age(time, now)


def platforms_shown(summary: "Summary") -> str:
    """For a column: the platforms, or what else it is."""
    names = [each.platform.exact for each in summary.platforms if each.platform]
    most = _PLATFORMS_SHOWN if terminal_width() >= _NARROW else 1
    if len(names) > most:
        named = max(most - 1, 1)
        return f"{', '.join(names[:named])}, +{len(names) - named}"
    return ", ".join(names) or summary.artifact_type or "–"


def record(repository: str, tag: str, summary: "Summary") -> dict[str, object]:
    """The JSON record of a tag (docs/interface.md: "JSON records")."""
    made: dict[str, object] = {
        "repository": repository,
        "tag": tag,
        "digest": summary.digest,
        "media_type": summary.media_type or None,
        "created": text.rfc3339(summary.created) or None,
        "size": summary.size,
        "pull_size": summary.pull_size,
        "platforms": [
            {**platform_fields(each.platform), "digest": each.digest, "size": each.size} for each in summary.platforms
        ],
    }
    if summary.error:
        made["error"] = summary.error
    return made
