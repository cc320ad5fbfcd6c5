"""Finding a tag or a digest in all repositories: names as they are typed, digests when asked for."""

import asyncio
import contextlib
from collections.abc import Awaitable, Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import WorkerError

from regtui.errors import RegtuiError
from regtui.listing.find import MOST, Hit, Names, Query, named
from regtui.registry.errors import NotFound, RegistryError
from regtui.text import clean, plural
from regtui.ui.browsing.each import each
from regtui.ui.keys import keys_held
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.widgets.hints import Hints
from regtui.ui.widgets.lines import CursorLines

# Seconds between two paintings.
_INTERVAL: Final = 0.3


class HitLines(CursorLines):
    """`repository:tag`, and why it was found."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"hits--dim"}
    DEFAULT_CSS = "HitLines > .hits--dim { text-style: dim; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right,l", "choose", "open", show=False, id="find.open"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._hits: Sequence[Hit] = ()
        self._line = 0

    @property
    def hit(self) -> Hit | None:
        return self._hits[self._line] if self._hits else None

    def show(self, hits: Sequence[Hit]) -> None:
        """The cursor stays on its hit as long as it is one."""
        chosen = self.hit if self._line else None
        self._hits = hits
        self._line = hits.index(chosen) if chosen in hits else 0
        self.lines_changed()

    def line_count(self) -> int:
        return len(self._hits)

    def cursor_line(self) -> int:
        return self._line

    def put_cursor(self, line: int) -> None:
        self._line = min(max(line, 0), max(len(self._hits) - 1, 0))

    def line(self, number: int, width: int) -> Text:
        hit = self._hits[number]
        dim = self.get_component_rich_style("hits--dim", partial=True)
        text = Text(clean(hit.repository), no_wrap=True)
        text.append(clean(f":{hit.tag}") if hit.tag else "  untagged", "bold" if hit.tag else dim)
        return text.append(f"  {clean(hit.note)}" if hit.note else "", dim)


class FindScreen(Screen[Hit | None]):
    """Answers with the tag to go to; None for none. Leaving it ends what is being read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False, id="find.back"),
        Binding("down", "hits", "to the hits", show=False, id="find.hits"),
        Binding("slash", "again", "type again", show=False, id="find.again"),
    ]

    def __init__(self, registry: OpenRegistry) -> None:
        super().__init__()
        self._session, self._thread = registry.session, registry.thread
        self._names = Names()
        self._repositories = 0
        self._is_listed = False
        self._trouble = ""
        self._gaps = 0
        self._by_digest: dict[Hit, None] = {}
        self._searched = -1
        self._has_more = False
        self._dirty = True
        self._input = Input(placeholder="a tag, words of it, or a digest", compact=True)
        self._input.cursor_blink = False
        self._hits = HitLines()

    def compose(self) -> ComposeResult:
        with Vertical(classes="pane", id="find"):
            yield self._input
            yield self._hits
        yield Hints(("enter", "go to it; look for a digest"), ("↓", "hits"), ("/", "type"), ("esc", "back"))

    def on_mount(self) -> None:
        self.query_one("#find").border_title = Content(clean(f"Find in all repositories of {self._session.name}"))
        self._input.focus()
        self.set_interval(_INTERVAL, self._repaint)
        self.list_all()

    # Names

    @work(exclusive=True, group="names")
    async def list_all(self) -> None:
        """The tags of all repositories: one request each."""
        try:
            names: list[str] = []
            async for page in self._thread.stream(self._session.repositories):
                names += page.repositories
                self._repositories = len(names)
                self._trouble = page.doubt or self._trouble
            await each(self._session, names, self._list_one)
        except RegtuiError as error:
            self._trouble = str(error)
        self._is_listed, self._dirty = True, False
        self.match()

    async def _list_one(self, repository: str) -> None:
        tags: list[str] = []

        async def read() -> None:
            async for page in self._thread.stream(self._session.tags, repository):
                tags.extend(page)

        await self._with_gaps(read())
        self._names.add(repository, tags)
        self._dirty = True

    async def _with_gaps(self, reading: Awaitable[None]) -> None:
        """A repository that isn't there has nothing; one that can't be read is a gap, unless all would be."""
        try:
            await reading
        except NotFound:
            pass
        except RegistryError as error:
            if error.affects_all:
                raise
            self._gaps += 1

    @on(Input.Changed)
    def _typed(self) -> None:
        self.workers.cancel_group(self, "digest")
        self._by_digest.clear()
        self._searched = -1
        self.match()

    def _repaint(self) -> None:
        if self._dirty:
            self._dirty = False
            self.match()

    @work(exclusive=True, group="match")
    async def match(self) -> None:
        """A million names take longer than a key press may."""
        query = Query.parse(self._input.value)
        hits, self._has_more = await asyncio.to_thread(named, query, self._names.snapshot().items())
        found = dict.fromkeys([*self._by_digest, *hits])
        self._hits.show(list(found))
        self._hits.tell("" if found else self._nothing(query))
        self._title()

    def _nothing(self, query: Query) -> str:
        if not query.words:
            return "Type a part of a tag's name. Words may be of the repository's name too."
        if query.is_digest and self._searched < 0:
            return "No tag has this name. enter: look for this digest in every repository."
        return "" if self._is_searching else "Nothing is found."

    @property
    def _is_searching(self) -> bool:
        return not self._is_listed or 0 <= self._searched < self._names.repositories

    def _title(self) -> None:
        """How far it is, and what is missing."""
        count = f"the first {MOST:,} hits" if self._has_more else plural(self._hits.line_count(), "hit")
        told = [count if self._input.value.strip() else ""]
        if not self._is_listed:
            told.append(f"{self._names.repositories:,} of {self._repositories:,} repositories listed …")
        elif 0 <= self._searched < self._names.repositories:
            told.append(f"digest looked for in {self._searched:,} of {self._names.repositories:,} repositories …")
        else:
            where = plural(self._names.repositories, "repository", "repositories")
            told.append(f"{plural(self._names.total, 'tag')} in {where}")
        if self._gaps:
            told.append(f"{plural(self._gaps, 'repository', 'repositories')} not read")
        if self._trouble:
            told.append(f"not complete: {self._trouble}")
        self.query_one("#find").border_subtitle = Content(clean(" · ".join(filter(None, told))))

    # Digests

    @work(exclusive=True, group="digest")
    async def look_for_digest(self, query: Query) -> None:
        """In every repository that is listed. A whole digest is asked for once in each; for a short one every tag is
        read."""
        self._searched = 0

        names = self._names.snapshot()

        async def look_in_one(repository: str) -> None:
            await self._with_gaps(self._look_in(query, repository, names[repository]))
            self._searched += 1
            self._dirty = True

        try:
            await each(self._session, names, look_in_one)
        except RegtuiError as error:
            self._trouble = str(error)
        self._searched, self._dirty = self._names.repositories, False
        self.match()

    async def _look_in(self, query: Query, repository: str, tags: Sequence[str]) -> None:
        """Raises NotFound where a whole digest isn't there."""
        has_gap = False
        finding = self._thread.stream(self._session.with_digest, query, repository, tags)
        async with contextlib.aclosing(finding) as some:
            async for found in some:
                self._by_digest |= dict.fromkeys(found.hits)
                has_gap = has_gap or bool(found.unread)
                self._dirty = self._dirty or bool(found.hits)
        self._gaps += has_gap

    # Keys

    @on(Input.Submitted)
    @work(exclusive=True, group="submit")
    async def submit(self) -> None:
        """With the hits of all that was typed, however quickly."""
        matching = [worker for worker in self.workers if worker.group == "match" and not worker.is_finished]
        with keys_held(self.app), contextlib.suppress(WorkerError):
            await asyncio.gather(*(worker.wait() for worker in matching))
        query = Query.parse(self._input.value)
        if query.is_digest and self._searched < 0 and self._is_listed:
            self.look_for_digest(query)
        elif self._hits.hit is not None:
            self.dismiss(self._hits.hit)

    @on(CursorLines.Chosen, "HitLines")
    def _chosen(self) -> None:
        self.dismiss(self._hits.hit)

    def action_hits(self) -> None:
        if self._hits.line_count():
            self._hits.focus()

    def action_again(self) -> None:
        self._input.focus()

    def action_back(self) -> None:
        self.dismiss(None)
