"""Reading the tags of a repository into their table: their names, what was known of them, what is behind each."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from regtui.errors import RegtuiError
from regtui.listing.parts import in_parts
from regtui.listing.summary import Batch
from regtui.listing.tags import Changed, TagList
from regtui.names.nearest import no_tag_words
from regtui.oci.digest import Digest
from regtui.registry.errors import NotFound
from regtui.session.filling import Filling
from regtui.text import clean
from regtui.ui.browsing.words import PASSING, no_tags_words, tags_standing, tags_titles
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.widgets.pane import Pane
from regtui.ui.widgets.tags.table import TagTable


class TagsReader:
    """Of one repository at a time.

    `on_listed`: its tags are known, so many, or None where it isn't there; answers whether it is listed all the same.
    `on_shown`: some are shown. `on_cursor`: the
    cursor is on another tag, though nobody moved it.
    """

    def __init__(
        self,
        registry: OpenRegistry,
        pane: Pane,
        table: TagTable,
        *,
        on_listed: Callable[[str, int | None], bool],
        on_shown: Callable[[], None],
        on_cursor: Callable[[], None],
    ) -> None:
        self._session, self._thread = registry.session, registry.thread
        self._pane = pane
        self._table = table
        self._on_listed = on_listed
        self._on_shown = on_shown
        self._on_cursor = on_cursor
        self._filling: Filling | None = None
        self._sought = self._named = ("", "")
        self._waiting = self._not_there = ""
        self.names_only = False
        """Whether nothing is asked about each tag: somebody only passes by."""
        self.repository = ""
        """The one that is open; empty without any."""

    def open(self, repository: str, model: TagList) -> None:
        """Nothing of it is read yet."""
        self.repository = repository
        self._not_there = ""
        self._pane.clear_filter()
        self._table.show(model)

    async def load(self, *, anew: bool = False) -> None:
        """`anew`: what is known of each tag is asked for again too, and shown until it is answered."""
        repository, model = self.repository, self._table.model
        self._not_there = ""
        names: list[str] = []
        if not model.total:
            self._pane.tell(f"Reading the tags of {repository} …")
        self.title()
        try:
            async for page in self._thread.stream(self._session.tags, repository):
                names += page
                for part in in_parts(page):
                    model.add(part)
                    self.changed()
                    # Keys and the painting in between.
                    await asyncio.sleep(0)
            model.replace(names)
            self.changed()
            self._on_listed(repository, len(names))
            self._tell_missing_tag(repository, names)
            if names and not self.names_only:
                await self._fill(repository, model, names if anew else model.unfilled())
                self._tell_missing_digest(repository)
        except NotFound as error:
            model.replace(())
            self._sought = self._named = ("", "")
            self._not_there = error.message
            self.tell_not_there(is_listed=self._on_listed(repository, None))
        except RegtuiError as error:
            if model.total:
                self.title(f"stopped: {error.message}")
                self._pane.app.notify(clean(str(error)), severity="error", timeout=10, markup=False)
            else:
                self._pane.tell(f"{error}\n\nr: try again", is_error=True)

    def tell_not_there(self, *, is_listed: bool) -> None:
        """Of a repository without tags only the list of all tells whether it is there; nothing, where it has some."""
        if self._not_there:
            self._pane.tell(f"{self.repository} has no tags." if is_listed else self._not_there)

    async def recall(self) -> None:
        """Shows what is known of an earlier run, while the registry is asked."""
        repository, model = self.repository, self._table.model
        async with contextlib.aclosing(self._thread.stream(self._session.remembered, repository)) as batches:
            async for batch in batches:
                change = model.recall(batch)
                if self._table.model is not model:
                    return
                self._pane.tell("")
                self._show_change(change)
                self._seek_digest(batch)

    async def _fill(self, repository: str, model: TagList, names: Sequence[str]) -> None:
        self._filling = filling = self._session.fill(repository, names)
        self.prioritise()
        async with contextlib.aclosing(self._thread.stream(filling.batches)) as batches:
            async for batch in batches:
                if self._table.model is not model:
                    return
                held = self._table.held_row()
                change = model.fill(batch)
                self._show_change(change)
                self._seek_digest(batch)
                if change.reordered and held is not None:
                    self._table.hold(*held)

    def _show_change(self, change: Changed) -> None:
        model = self._table.model
        if change.reordered:
            if not self._table.was_touched:
                # Nobody chose the tag that came first while no date was known.
                model.move_to(0)
                self._on_cursor()
            self._table.moved()
            self._tell_shown()
            self.prioritise()
        else:
            for line in change.lines:
                self._table.line_changed(line)
        self.title()

    def prioritise(self) -> None:
        """What is visible is filled in first."""
        model = self._table.model
        if self._filling is not None:
            self._filling.prioritise([model.row(line).tag for line in self._table.visible_lines])

    def changed(self) -> None:
        """Shows the tags anew; also where none is shown, and why."""
        self._table.changed()
        self._tell_shown()

    def _tell_shown(self) -> None:
        model = self._table.model
        self._pane.tell(no_tags_words(self.repository, model))
        self.go_to_sought()
        self.title()
        if model.shown:
            self._on_shown()

    def title(self, trouble: str = "") -> None:
        """Which tags these are, how far reading is, what is marked; or what stopped it."""
        model = self._table.model
        how = PASSING if self.names_only and model.filled < model.total else ""
        standing = tags_standing(model, self._table.range_from, trouble or self._waiting or how)
        title, *shorter = tags_titles(self.repository, model)
        self._pane.title(title, standing, shorter=shorter)

    def filter(self, text: str) -> None:
        self._table.model.filter(text)
        self.changed()
        self._table.show_line(self._table.model.line)
        self._on_cursor()

    def wait(self, word: str) -> None:
        """The registry wants to be asked less, as `word` says; not any more where that is empty."""
        self._waiting = word
        if self.repository:
            self.title()

    def seek(self, repository: str, tag: str) -> None:
        """Puts the cursor on `tag`, or on a tag of that digest, as soon as that repository is open and the tag is
        there; where there is none, says so."""
        self._sought = self._named = (repository, tag)

    def go_to_sought(self) -> None:
        repository, tag = self._sought
        if tag and repository == self.repository and self._table.model.select(tag):
            self._sought = ("", "")
            self._table.was_touched = True
            self._table.refresh()
            self._table.show_line(self._table.model.line)
            self._on_cursor()

    def _seek_digest(self, batch: Batch) -> None:
        """Tags are called by their names: which has the digest that is sought, only what is read of them tells."""
        repository, digest = self._sought
        if repository == self.repository and (tag := next((t for t, s in batch if s.digest == digest), "")):
            self._sought = (repository, tag)
            self.go_to_sought()

    def _tell_missing_tag(self, repository: str, names: Sequence[str]) -> None:
        """All tags are listed now: that which was named may not be among them, though it was the last time; or be one
        of those that are hidden."""
        of, tag = self._named
        if of != repository or not tag or Digest.or_none(tag):
            return
        self._named = ("", "")
        if tag not in names:
            self._sought = ("", "")
            self._warn(" ".join(filter(None, no_tag_words(repository, tag, names))))
        elif self._sought[1] == tag:
            self._table.model.set_show_hidden(True)
            self.changed()

    def _tell_missing_digest(self, repository: str) -> None:
        """All tags are read now."""
        of, digest = self._sought
        if of == repository == self.repository and Digest.or_none(digest):
            self._sought = self._named = ("", "")
            self._warn(f"No tag of {repository} leads to {digest}. regtui inspect shows it, if it is there.")

    def _warn(self, words: str) -> None:
        self._pane.app.notify(clean(words), severity="warning", timeout=10, markup=False)
