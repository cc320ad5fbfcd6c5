"""The browser: repositories, the tags of one, the details of one."""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen

from regtui.errors import RegtuiError
from regtui.listing.tags import TagList
from regtui.names.order import in_order
from regtui.oci.digest import Digest
from regtui.oci.reference import is_repository
from regtui.registry.values import Deletion
from regtui.text import clean
from regtui.ui.browsing.catalog import RepositoriesReader
from regtui.ui.browsing.details import DetailsReader
from regtui.ui.browsing.facts import FactsReader
from regtui.ui.browsing.last_time import LastTime
from regtui.ui.browsing.tags import TagsReader
from regtui.ui.browsing.uses import KnownUses
from regtui.ui.browsing.words import (
    ALWAYS,
    FILTERING,
    HINTS,
    dropped_words,
    elsewhere_words,
    hidden_words,
    waiting_word,
)
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.screens.browser_dialogs import BrowserDialogs
from regtui.ui.widgets.details.view import DetailsView
from regtui.ui.widgets.header import Header, HeaderState
from regtui.ui.widgets.hints import Hints
from regtui.ui.widgets.lines import CursorLines
from regtui.ui.widgets.pane import Pane
from regtui.ui.widgets.repositories.tree import RepositoryLines
from regtui.ui.widgets.tags.table import TagTable
from regtui.ui.widgets.too_small import TooSmall
from regtui.ui.widths import MEDIUM, fit

# Seconds: passing over repositories reads none of them.
_REST = 0.25
# Rows: which of them use a layer is found out while it is drawn.
_MOST_USERS = 5_000


class BrowserScreen(Screen[None]):
    """One open registry. `clock` tells the time that ages are counted to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "next pane", show=False, id="pane.next"),
        Binding("shift+tab", "app.focus_previous", "previous pane", show=False, id="pane.previous"),
        Binding("slash", "filter", "filter or search the pane", show=False, id="pane.filter"),
        Binding("1", "pane('repositories')", "to the repositories", show=False, id="pane.repositories"),
        Binding("2", "pane('tags')", "to the tags", show=False, id="pane.tags"),
        Binding("3", "pane('details')", "to the details", show=False, id="pane.details"),
        Binding("n", "match(1)", "next match", show=False, id="pane.next_match"),
        Binding("N", "match(-1)", "previous match", show=False, id="pane.previous_match"),
        Binding("r,ctrl+r,f5", "reload", "reload from the registry", show=False, id="pane.reload"),
        Binding("z", "zoom", "zoom the pane, and back", show=False, id="pane.zoom"),
        Binding("full_stop", "hidden", "show or hide signatures and empty repositories", show=False, id="pane.hidden"),
        Binding("escape", "back", "back, close, clear", show=False, id="pane.back"),
        Binding("ctrl+f", "find", "find a tag or a digest in all repositories", show=False, id="browser.find"),
        Binding("u", "usage", "usage: where the bytes are", show=False, id="repositories.usage"),
        Binding("asterisk", "rule", "mark by rule", show=False, id="tags.rule"),
        Binding("P", "retention_marks", "mark what the retention rules select", show=False, id="tags.retention"),
        Binding("d,delete", "delete", "delete the marked tags, or this one", show=False, id="tags.delete"),
        Binding("U", "undo", "undo the last deletion", show=False, id="tags.undo"),
        Binding("equals_sign", "compare", "compare the two marked, or marked with this", show=False, id="tags.compare"),
        Binding("t", "tag", "add a tag to this image", show=False, id="tags.tag"),
        Binding("y", "copy(False)", "copy the pull reference", show=False, id="tags.copy"),
        Binding("Y", "copy(True)", "copy the pull reference by digest", show=False, id="tags.copy_digest"),
        Binding("o", "page", "read the manifest's JSON in $PAGER", show=False, id="tags.page"),
        Binding("right_square_bracket", "tab(1)", "next tab", show=False, id="details.next_tab"),
        Binding("left_square_bracket", "tab(-1)", "previous tab", show=False, id="details.previous_tab"),
        Binding("p", "platform", "next platform", show=False, id="details.platform"),
    ]

    def __init__(self, registry: OpenRegistry, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self.registry = registry
        self.session = registry.session
        self.clock = clock
        self._standing = HeaderState(registry.session)
        self._asking_deletion = asyncio.Lock()
        self._has_asked_deletion = False
        self._waiting = ""
        self._told_unused_login = False
        self._header = Header()
        self.lines = RepositoryLines()
        self.table = TagTable(clock)
        self.view = DetailsView(clock, self._users_of)
        self.repositories_pane = Pane(self.lines, id="repositories")
        self.tags_pane = Pane(self.table, id="tags")
        self.details_pane = Pane(self.view, id="details", placeholder="search")
        self._hints = Hints(*HINTS["repositories"], *ALWAYS)
        self._last_time = LastTime(registry.session)
        self._catalog = RepositoriesReader(
            registry, self.repositories_pane, self.lines, self._last_time, on_count=self._count_repositories
        )
        self._tags = TagsReader(
            registry,
            self.tags_pane,
            self.table,
            on_listed=self._tags_listed,
            on_shown=self._tags_shown,
            on_cursor=self._load_details_soon,
        )
        self._details = DetailsReader(registry, self.details_pane, self.view)
        self.uses = KnownUses(registry)
        self._facts = FactsReader(registry, self.table, self.view, clock)
        self._dialogs = BrowserDialogs(self)

    def compose(self) -> ComposeResult:
        yield self._header
        with Container(id="panes"):
            yield self.repositories_pane
            yield self.tags_pane
            yield self.details_pane
        yield TooSmall()
        yield self._hints

    def on_mount(self) -> None:
        fit(self)
        # As it was the last time; asked when the first tag is marked, or is to be deleted.
        known = Deletion.READ_ONLY if self.session.read_only else self._last_time.deletion
        self._standing = replace(self._standing, deletion=known)
        self._header.show(self._standing)
        self.tags_pane.title("Tags")
        self.tags_pane.tell("Choose a repository.")
        self.details_pane.title("Details")
        self.details_pane.tell("Choose a tag.")
        self.lines.focus()
        self.repositories_pane.suggest(self._last_time.typed)
        self.set_interval(1.0, self._tell_waiting)
        repository, tag = self.session.target.opens_at
        if repository:
            self._tags.seek(repository, tag)
            self.open_typed(repository)
        self.load_repositories()
        # What it needs is loaded while the repositories are read, and after the first frame.
        self.call_after_refresh(self.settle_interrupted)
        self.load_uses()

    def on_resize(self) -> None:
        # Made wider, the terminal has room for a pane that nothing was read for.
        self.call_after_refresh(self._load_details_soon)

    def on_unmount(self) -> None:
        if self.repository:
            self._last_time.keep(self.repository, self.table.model)

    def _tell_waiting(self) -> None:
        """A registry that wants to be asked less is waited for: a word in the titles of what is being read."""
        word = waiting_word(self.session.waiting)
        if word != self._waiting:
            self._waiting = word
            is_reading = any(worker.group == "repositories" for worker in self.workers)
            self._catalog.wait(word, is_reading=is_reading)
            self._tags.wait(word)

    @property
    def repository(self) -> str:
        """The one that is open; empty without any."""
        return self._tags.repository

    @property
    def deletion(self) -> Deletion:
        return self._standing.deletion

    # Repositories

    @work(exclusive=True, group="repositories")
    async def load_repositories(self) -> None:
        self._dialogs.forget_usage()
        name = await self._catalog.read(self.repository)
        self._tags.tell_not_there(is_listed=self._catalog.lists(self.repository))
        if name and not self.repository and (first := self._catalog.select_first()):
            self.open_repository(first, focus=False)
        if name:
            self._tell_unused_login()

    @work(exclusive=True, group="uses")
    async def load_uses(self) -> None:
        """What containers, clusters and files use: beside everything else, and again where it was read a while ago."""
        if self.uses.has_sources:
            await self.uses.read()

    @work(exclusive=True, group="facts")
    async def load_facts(self) -> None:
        """Where the tags are in use, and when they were pulled: as far as is known, then by what is new in the log."""
        await self._facts.read(self.repository)
        if self._facts.wants_log and await self._facts.read_log():
            await self._facts.read(self.repository)

    def _tell_unused_login(self) -> None:
        """Once, when the repositories were read without anybody asking for it."""
        words = self.session.unused_login
        if words and not self._told_unused_login:
            self._told_unused_login = True
            self.app.notify(clean(words), severity="warning", timeout=8, markup=False)

    @work(group="deletion")
    async def find_out_deletion(self) -> None:
        """At the first mark: asking changes nothing, but stands in the registry's log."""
        await self.deletion_now()

    async def deletion_now(self) -> Deletion:
        """What may be deleted; asked once in each run."""
        async with self._asking_deletion:
            if not self._has_asked_deletion and self.repository:
                self._has_asked_deletion = True
                with contextlib.suppress(RegtuiError):
                    deletion = await self.registry.thread.call(self.session.deletion, self.repository)
                    self._standing = replace(self._standing, deletion=deletion)
                    self._header.show(self._standing)
                    self._last_time.found_out(deletion)
        return self._standing.deletion

    def ask_deletion_anew(self) -> None:
        """The registry refused what it was said to allow."""
        self._has_asked_deletion = False

    def _count_repositories(self, count: int) -> None:
        self._standing = replace(self._standing, repositories=count)
        self._header.show(self._standing)

    def open_typed(self, name: str) -> None:
        """A repository by its name, listed or not. Kept for the next time, if it is there."""
        self._catalog.add_typed(name)
        self.open_repository(name)

    def open_repository(self, name: str, *, focus: bool = True, names_only: bool = False) -> None:
        """Shows its tags; again, where it is open already, only moves there, and reads what `names_only` left."""
        if focus:
            self.table.focus()
        if name == self.repository:
            if self._tags.names_only and not names_only:
                self._tags.names_only = False
                self.load_tags()
                self._load_details_soon()
        else:
            self._tags.names_only = names_only
            if marks := self.table.model.marked_count:
                self.app.notify(clean(dropped_words(self.repository, marks)), timeout=4, markup=False)
            self._tags.open(name, self._new_tags())
            self._details.clear()
            self.recall_tags()
            self.load_tags()
            self.load_facts()

    def go_to(self, repository: str, tag: str = "") -> None:
        """Opens a repository, and puts the cursor on `tag` as soon as it is there."""
        self._catalog.select(repository)
        if self.lines.model.cursor is None or self.lines.model.cursor.name != repository:
            # The filter hid it.
            self.repositories_pane.clear_filter()
            self._catalog.filter("")
            self._catalog.select(repository)
        self._tags.seek(repository, tag)
        self.open_repository(repository)
        self._tags.go_to_sought()

    @on(CursorLines.CursorMoved, "RepositoryLines")
    def _repository_cursor_moved(self) -> None:
        self.follow_cursor()

    @work(exclusive=True, group="follow")
    async def follow_cursor(self) -> None:
        """The tags of the repository where the cursor rests: their names, and what is known of them already. Marks are
        not dropped for it; and a line that has still to show what was painted before gets no more to do."""
        await asyncio.sleep(_REST)
        node = self.lines.model.cursor
        is_here = node is not None and node.is_repository and self.pane is self.repositories_pane
        if node is not None and is_here and not self.table.model.marked_count and not self._line_is_slow():
            self.open_repository(node.name, focus=False, names_only=True)

    def _line_is_slow(self) -> bool:
        return bool(getattr(self.app._driver, "is_behind", False))

    @on(CursorLines.Chosen, "RepositoryLines")
    def _repository_chosen(self) -> None:
        node = self.lines.model.cursor
        if node is not None and node.is_repository:
            self.open_repository(node.name)

    # Tags

    def _new_tags(self) -> TagList:
        """In the order of those before: of the repository that is left, or of the last time."""
        before = self.table.model
        new = TagList(column=before.column, reverse=before.reverse) if before.total else self._last_time.ordered()
        new.set_show_hidden(before.show_hidden)
        return new

    @work(exclusive=True, group="tags")
    async def load_tags(self, *, anew: bool = False) -> None:
        await self._tags.load(anew=anew)

    @work(exclusive=True, group="recall")
    async def recall_tags(self) -> None:
        await self._tags.recall()

    def stop_tags(self) -> None:
        """Reads no more of them, until they are loaded again."""
        self.workers.cancel_group(self, "tags")

    def _tags_listed(self, repository: str, count: int | None) -> bool:
        """Whether it is listed: that it has no tags doesn't tell that it isn't there."""
        if count is None:
            return self._catalog.without_tags(repository)
        self._catalog.set_count(repository, count)
        self._last_time.found(repository, self.table.model)
        return True

    def _tags_shown(self) -> None:
        if self._details.repository != self.repository:
            self._load_details_soon()

    @on(TagTable.Changed)
    def _table_changed(self) -> None:
        if self.table.model.marked_count and not self._has_asked_deletion:
            self.find_out_deletion()
        self._tags.title()
        self._tags.prioritise()
        # Another order may have put another tag under the cursor.
        self._load_details_soon()

    @on(CursorLines.CursorMoved, "TagTable")
    def _tag_cursor_moved(self) -> None:
        self._tags.prioritise()
        self._load_details_soon()

    @on(CursorLines.Chosen, "TagTable")
    def _tag_chosen(self) -> None:
        tag = self.table.model.cursor
        if tag is None:
            return
        self.table.was_touched = True
        self.action_pane("details")

    # Details

    def _load_details_soon(self, *, anew: bool = False) -> None:
        if self._tags.names_only:
            return
        repository, tag = self.repository, self.table.model.cursor or ""
        if repository and not tag and self._details.repository == repository:
            # A filter that nothing matches.
            self.workers.cancel_group(self, "details")
            self._details.clear()
        elif self._details.want(repository, tag, anew=anew):
            self.load_details(repository, tag)

    @work(exclusive=True, group="details")
    async def load_details(self, repository: str, tag: str) -> None:
        await self._details.load(repository, tag)

    def forget_details(self) -> None:
        """They are read again as soon as a tag is shown."""
        self._details.forget()

    def _users_of(self, digests: Collection[Digest]) -> dict[Digest, list[str]]:
        """Which other tags use those blobs, as far as they are read; of the most, nothing: it would take too long."""
        rows, own = self.table.model.rows, self.table.model.cursor
        found: dict[Digest, list[str]] = {digest: [] for digest in digests}
        for row in rows if len(rows) <= _MOST_USERS else ():
            if row.tag != own:
                for digest in found.keys() & {digest for digest, _ in row.blobs}:
                    found[digest].append(row.tag)
        elsewhere = self._dialogs.repositories_using
        return {digest: [*in_order(tags)[::-1], *elsewhere(digest, self.repository)] for digest, tags in found.items()}

    @on(DetailsView.DigestCopied)
    def _digest_copied(self, event: DetailsView.DigestCopied) -> None:
        self.app.copy_to_clipboard(event.digest)
        self.app.notify(f"Copied {event.digest}", timeout=3, markup=False)

    @on(DetailsView.Changed)
    def _details_changed(self) -> None:
        self._details.title()

    # Keys

    @property
    def pane(self) -> Pane:
        """The one with the focus."""
        for pane in (self.tags_pane, self.details_pane):
            if pane.has_focus_within:
                return pane
        return self.repositories_pane

    def on_descendant_focus(self) -> None:
        pane = self.pane
        if pane is not self.repositories_pane and self._tags.names_only and self.repository:
            # By tab, a digit or a click, as by enter.
            self.open_repository(self.repository, focus=False)
        self._hints.show(*(FILTERING if pane.is_filtering else (*HINTS[pane.id or "tags"], *ALWAYS)))

    @on(Pane.Filtered)
    def _filtered(self, event: Pane.Filtered) -> None:
        if event.pane is self.repositories_pane:
            self._catalog.filter(event.text)
            self.follow_cursor()
        elif event.pane is self.tags_pane:
            self._tags.filter(event.text)
        else:
            self.view.search(event.text)

    @on(Pane.Entered, "#repositories")
    def _repository_typed(self, event: Pane.Entered) -> None:
        """Where nothing is listed, a name is opened as it was typed."""
        name = event.text.strip()
        if self._catalog.is_unlisted and not self.lines.model.shown and is_repository(name):
            event.pane.clear_filter()
            self.open_typed(name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is done to tags isn't done from among the repositories: nobody sees there which tag is meant."""
        if action in ("delete", "copy", "rule", "tag", "compare", "check", "retention_marks"):
            return self.pane is not self.repositories_pane
        return True

    def on_key(self, event: events.Key) -> None:
        """A key of the tags, pressed in another pane: nothing is bound to it there."""
        if words := elsewhere_words(event.character or "", self.pane.id or ""):
            self.app.notify(words, timeout=3, markup=False)

    def on_paste(self, event: events.Paste) -> None:
        self.pane.paste(event.text)

    def action_filter(self) -> None:
        self.pane.open_filter()

    async def action_reload(self) -> None:
        if self.pane is self.repositories_pane:
            self.load_repositories()
            return
        await self.registry.thread.call(self.session.forget, self.repository)
        if self.repository:
            self.load_tags(anew=True)
            self._load_details_soon(anew=True)

    def action_zoom(self) -> None:
        pane = self.pane
        self._zoom(None if self.has_class("-zoomed") else pane)
        if pane is self.details_pane and self._is_narrow:
            # There it is only seen on the whole screen.
            self.table.focus()

    def _zoom(self, pane: Pane | None) -> None:
        """That pane alone on the whole screen; None for all of them again."""
        self.set_class(pane is not None, "-zoomed")
        for one in (self.repositories_pane, self.tags_pane, self.details_pane):
            one.set_class(one is pane, "-zoom")
            # At once: it is about to get the focus, which nothing gets that isn't displayed.
            if one is pane:
                one.display = True
            else:
                one.styles.clear_rule("display")

    @property
    def _is_narrow(self) -> bool:
        """Whether the details have no room beside the other panes."""
        return self.has_class("-narrow", "-tiny") or self.app.size.width < MEDIUM

    def action_pane(self, name: str) -> None:
        """To that pane. The details of a narrow terminal take the whole screen; what is zoomed stays so."""
        pane = next(one for one in (self.repositories_pane, self.tags_pane, self.details_pane) if one.id == name)
        needs_screen = pane is self.details_pane and self._is_narrow
        was_zoomed = self.has_class("-zoomed") and not (self.pane is self.details_pane and self._is_narrow)
        self._zoom(pane if needs_screen or was_zoomed else None)
        pane.focus()
        if pane is self.details_pane:
            self._load_details_soon()

    def action_match(self, steps: int) -> None:
        """Of what is searched, or filtered: there every line is one."""
        pane = self.pane
        if pane is self.details_pane:
            self.view.action_match(steps)
        elif pane.filter_text and isinstance(pane.body, CursorLines):
            pane.body.action_step(steps)

    def action_hidden(self) -> None:
        show = not self.table.model.show_hidden
        self.table.model.set_show_hidden(show)
        self.lines.model.set_show_hidden(show)
        self.lines.changed()
        if self.repository:
            self._tags.changed()
            self._load_details_soon()
        self.app.notify(hidden_words(show), timeout=3, markup=False)

    def action_back(self) -> None:
        """One step: out of the filter, the range, the zoom, the marks, then one pane to the left."""
        pane = self.pane
        if pane.is_filtering or pane.filter_text:
            pane.clear_filter()
        elif self.table.range_from:
            self.table.drop_range()
            self._tags.title()
        elif self.has_class("-zoomed"):
            self.action_zoom()
        elif pane is self.details_pane:
            self.table.focus()
        elif pane is self.tags_pane and self.table.model.marked_count:
            self.table.clear_marks()
        elif pane is self.tags_pane:
            self.lines.focus()

    def action_tab(self, steps: int) -> None:
        self.view.action_tab(steps)

    def action_platform(self) -> None:
        self.view.action_platform()

    def action_copy(self, by_digest: bool) -> None:
        """The references of the marked tags, a line each; or of the one under the cursor."""
        model = self.table.model
        tags = model.marked or ([model.cursor] if model.cursor else [])
        rows = [row for tag in tags if (row := model.find(tag)) is not None]
        digests = [row.summary.digest if row.summary and row.is_filled and by_digest else None for row in rows]
        if by_digest and None in digests:
            unknown = rows[digests.index(None)].tag
            self.app.notify(f"The digest of {clean(unknown)} isn't known yet.", severity="warning", markup=False)
            return
        references = [
            self.session.pull_reference(self.repository, row.tag, digest)
            for row, digest in zip(rows, digests, strict=True)
        ]
        if references:
            self.app.copy_to_clipboard("\n".join(references))
            what = clean(references[0]) if len(references) == 1 else f"{len(references):,} references"
            self.app.notify(f"Copied {what}", timeout=3, markup=False)

    # Dialogs

    def action_usage(self) -> None:
        self._dialogs.usage()

    def action_in_use(self) -> None:
        from regtui.ui.screens.in_use import InUseScreen

        self.app.push_screen(InUseScreen(self.registry))

    def action_find(self) -> None:
        self._dialogs.find()

    def action_compare(self) -> None:
        self._dialogs.compare()

    def action_tag(self) -> None:
        self._dialogs.tag()

    @work(exclusive=True, group="page")
    async def action_page(self) -> None:
        await self._dialogs.page()

    def action_check(self) -> None:
        self._dialogs.check()

    def action_rule(self) -> None:
        self._dialogs.rule()

    @work(exclusive=True, group="retention")
    async def action_retention_marks(self) -> None:
        await self._dialogs.retention_marks()

    def action_retention(self) -> None:
        self._dialogs.retention()

    @work(exclusive=True, group="delete")
    async def action_delete(self) -> None:
        await self._dialogs.delete()

    @work(exclusive=True, group="delete")
    async def action_undo(self) -> None:
        await self._dialogs.undo()

    @work(exclusive=True, group="interrupted")
    async def settle_interrupted(self) -> None:
        await self._dialogs.settle_interrupted()
