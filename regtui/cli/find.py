"""`regtui find`: tags by name, or what has a digest, in all repositories of a registry."""

import argparse
from collections import deque
from typing import Final

from regtui import limit
from regtui.cli.console import Progress, say, warn
from regtui.cli.invocation import Invocation
from regtui.cli.output import Form, Output
from regtui.errors import DONE, FAILED, NOT_FOUND, UsageError
from regtui.listing.find import Hit, Query, named_in
from regtui.names.order import order_key
from regtui.registry.endurance import Endurance
from regtui.registry.errors import NotFound, RegistryError
from regtui.session.session import Session
from regtui.text import plural

# Repositories at a time; the client bounds their requests.
_AT_ONCE: Final = 4


def run(arguments: argparse.Namespace) -> int:
    """Exit code 5 where nothing is found, 1 where not all could be looked at. Raises RegtuiError."""
    query = Query.parse(" ".join(arguments.text))
    if not query.words:
        raise UsageError("Nothing is looked for.", "Name a part of a tag, or a digest.")
    finding = Search(query, Output.chosen(arguments.json))
    return Invocation(arguments).run(None, finding.everywhere)


class Search:
    """One look through a registry. Shows what it finds in the order of the repositories, as soon as that is known."""

    def __init__(self, query: Query, output: Output) -> None:
        self._query = query
        self._output = output
        self._hits = 0
        self._gaps = 0
        self._is_whole = True

    async def everywhere(self, session: Session) -> int:
        """The exit code. Raises RegistryError where nothing more can be read."""
        names: list[str] = []
        async for page in session.repositories():
            names += page.repositories
            if page.doubt and self._is_whole:
                self._is_whole = False
                warn(page.doubt)

        async def look(repository: str) -> list[Hit]:
            return await self._look(session, repository)

        progress = Progress("Looking in the repositories:", beside_records=True)
        waiting: dict[str, list[Hit]] = {}
        rest = deque(names)
        endurance = Endurance(session)
        try:
            async for some in limit.each(
                names, look, at_once=_AT_ONCE, expect=NotFound, goes_on=lambda: not endurance.is_over
            ):
                if left := [one.item for one in some if not one.begun]:
                    self._gap(endurance.sentence(left))
                # One that is listed, and isn't there, has nothing.
                waiting |= {one.item: one.result or [] for one in some}
                while rest and rest[0] in waiting:
                    if hits := waiting.pop(rest.popleft()):
                        progress.clear()
                        self._show(hits)
                progress.show(len(names) - len(rest), len(names))
        finally:
            progress.clear()
        return self._told()

    async def _look(self, session: Session, repository: str) -> list[Hit]:
        try:
            tags = [tag async for page in session.tags(repository) for tag in page]
            # By tag: one may be found by its name and by its digest.
            hits = {hit.tag: hit for hit in named_in(self._query, repository, tags)}
            if self._query.is_digest:
                async for found in session.with_digest(self._query, repository, tags):
                    hits |= {hit.tag: hit for hit in found.hits}
                    if found.unread:
                        self._gap(f"{repository}: {plural(found.unread, 'tag')} could not be read.")
        except NotFound:
            raise
        except RegistryError as error:
            if error.affects_all:
                raise
            self._gap(f"{repository}: {error}")
            return []
        return sorted(hits.values(), key=lambda hit: order_key(hit.tag), reverse=True)

    def _gap(self, what: str) -> None:
        self._gaps += 1
        warn(what)

    def _show(self, hits: list[Hit]) -> None:
        self._hits += len(hits)
        for hit in hits:
            match self._output.form:
                case Form.JSON:
                    self._output.json(
                        {
                            "reference": hit.reference,
                            "repository": hit.repository,
                            "tag": hit.tag or None,
                            "digest": hit.digest,
                        }
                    )
                case Form.FIELDS:
                    self._output.fields(hit.reference, hit.digest or "")
                case Form.TABLE:
                    self._output.line(f"{hit.reference}   {hit.note}" if hit.note else hit.reference)
        self._output.flush()

    def _told(self) -> int:
        if self._gaps or not self._is_whole:
            say("Not everything could be looked at: there may be more.")
            return FAILED
        if self._hits:
            return DONE
        say("Nothing was found.")
        return NOT_FOUND
