"""The browser: repositories, the tags of one, the details of one."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Static

from regtui.connection import Connection, Filling
from regtui.errors import RegtuiError
from regtui.listing.columns import SortColumn
from regtui.listing.parts import in_parts
from regtui.listing.shares import Usage
from regtui.listing.tags import Changed, TagList
from regtui.oci import Digest
from regtui.oci.reference import is_repository
from regtui.registry import Deletion, NotFound
from regtui.text import clean
from regtui.ui.screens.browser_words import (
    ALWAYS,
    HINTS,
    READING,
    catalog_words,
    is_unlisted,
    no_repository_words,
    no_tags_words,
    tags_standing,
    tags_title,
    waiting_word,
)
from regtui.ui.screens.cut_off import settle
from regtui.ui.screens.details import DetailsScreen
from regtui.ui.widgets.details import DetailsView
from regtui.ui.widgets.header import Header, Standing
from regtui.ui.widgets.hints import Hints
from regtui.ui.widgets.lines import CursorLines
from regtui.ui.widgets.pane import Pane
from regtui.ui.widgets.repositories import RepositoryLines
from regtui.ui.widgets.tags import TagTable
from regtui.ui.widths import fit

# Dialogs are imported when they are opened: the first frame is quicker without them.
if TYPE_CHECKING:
    from regtui.ui.screens.rule import Marking
    from regtui.ui.screens.rule_preview import RuleTexts

# Moving through tags loads nothing until the cursor rests.
_REST = 0.15


class BrowserScreen(Screen[None]):
    """One open registry. `clock` tells the time that ages are counted to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "next pane", show=False, id="pane.next"),
        Binding("shift+tab", "app.focus_previous", "previous pane", show=False, id="pane.previous"),
        Binding("slash", "filter", "filter or search the pane", show=False, id="pane.filter"),
        Binding("r", "reload", "reload from the registry", show=False, id="pane.reload"),
        Binding("z", "zoom", "zoom the pane, and back", show=False, id="pane.zoom"),
        Binding("full_stop", "hidden", "show or hide signatures and empty repositories", show=False, id="pane.hidden"),
        Binding("escape", "back", "back, close, clear", show=False, id="pane.back"),
        Binding("ctrl+f", "find", "find a tag or a digest in all repositories", show=False, id="browser.find"),
        Binding("u", "usage", "usage: where the bytes are", show=False, id="repositories.usage"),
        Binding("asterisk", "rule", "mark by rule", show=False, id="tags.rule"),
        Binding("d", "delete", "delete the marked tags, or this one", show=False, id="tags.delete"),
        Binding("U", "undo", "undo the last deletion", show=False, id="tags.undo"),
        Binding("equals_sign", "compare", "compare the two marked, or marked with this", show=False, id="tags.compare"),
        Binding("t", "tag", "add a tag to this image", show=False, id="tags.tag"),
        Binding("y", "copy(False)", "copy the pull reference", show=False, id="tags.copy"),
        Binding("Y", "copy(True)", "copy the pull reference by digest", show=False, id="tags.copy_digest"),
        Binding("right_square_bracket", "tab(1)", "next tab", show=False, id="details.next_tab"),
        Binding("left_square_bracket", "tab(-1)", "previous tab", show=False, id="details.previous_tab"),
        Binding("p", "platform", "next platform", show=False, id="details.platform"),
    ]

    def __init__(self, connection: Connection, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self.connection = connection
        self.clock = clock
        self.repository = ""
        self._standing = Standing(connection)
        self._filling: Filling | None = None
        self._doubt = ""
        self._left = connection.left()
        self._typed: set[str] = set()
        self._is_unlisted = False
        self._waiting = ""
        self._wanted = ("", "")
        self._rule: RuleTexts | None = None
        self._usage = Usage()
        self._sought = ("", "")
        self._header = Header()
        self.lines = RepositoryLines()
        self.table = TagTable(clock)
        self.view = DetailsView(clock)
        self.repositories_pane = Pane(self.lines, id="repositories")
        self.tags_pane = Pane(self.table, id="tags")
        self.details_pane = Pane(self.view, id="details")
        self._hints = Hints()

    def compose(self) -> ComposeResult:
        yield self._header
        with Container(id="panes"):
            yield self.repositories_pane
            yield self.tags_pane
            yield self.details_pane
        yield Static("The terminal is too small: regtui needs 50 columns and 12 lines.", id="too-small")
        yield self._hints

    def on_mount(self) -> None:
        fit(self)
        self._header.show(self._standing)
        self.tags_pane.title("Tags")
        self.tags_pane.tell("Choose a repository.")
        self.details_pane.title("Details")
        self.details_pane.tell("Choose a tag.")
        self.lines.focus()
        self.repositories_pane.suggest(self._left.typed)
        self.set_interval(1.0, self._tell_waiting)
        self.load_repositories()
        self.settle_cut_off()

    def _tell_waiting(self) -> None:
        """A registry that wants to be asked less is waited for: a word in the titles of what is being read."""
        word = waiting_word(self.connection.waiting)
        if word != self._waiting:
            self._waiting = word
            if any(worker.group == "repositories" for worker in self.workers):
                self.repositories_pane.title("Repositories", word or READING)
            if self.repository:
                self._title_tags()

    # Repositories

    @work(exclusive=True, group="repositories")
    async def load_repositories(self) -> None:
        self.repositories_pane.title("Repositories", self._waiting or READING)
        self.repositories_pane.tell("Reading the repositories …")
        # One that was typed stays, listed or not.
        names = [self.repository] if self.repository else []
        self._doubt, self._usage = "", Usage()
        try:
            async for page in self.connection.repositories():
                self.lines.model.add(page.repositories)
                self._doubt = page.doubt or self._doubt
                names += page.repositories
                if self.lines.model.total:
                    self.repositories_pane.tell("")
                self._repositories_changed(self._waiting or READING)
        except RegtuiError as error:
            self._is_unlisted = is_unlisted(error)
            if not (self._is_unlisted and self._show_known("not listed by it")):
                self.repositories_pane.title("Repositories", "not read")
                self.repositories_pane.tell(f"{catalog_words(error)}\n\nr: try again", is_error=True)
            return
        if not self._doubt:
            self.lines.keep(names)
        self._is_unlisted = not self.lines.model.total
        if self._is_unlisted and self._show_known("none listed by it"):
            return
        if not self.lines.model.total:
            self.repositories_pane.tell(
                f"{self.connection.host} has no repositories yet, or lists none.\n\n"
                "/ and enter: open one by its name\nr: look again"
            )
        elif not self.repository:
            self._open_first()
        self._repositories_changed("not complete" if self._doubt else "")
        if self._doubt:
            self.app.notify(clean(self._doubt), severity="warning", timeout=10, markup=False)
        if names:
            self.find_out_deletion(names[0])

    @work(exclusive=True, group="deletion")
    async def find_out_deletion(self, repository: str) -> None:
        """Once, and told before anyone marks a tag. Asking changes nothing."""
        if self._standing.deletion is not Deletion.UNKNOWN:
            return
        with contextlib.suppress(RegtuiError):
            deletion = await self.connection.deletion(repository)
            self._standing = replace(self._standing, deletion=deletion)
            self._header.show(self._standing)

    def _show_known(self, state: str) -> bool:
        """Those that the profile names or that were typed, of a registry that lists none; False without any."""
        known = [*self.connection.target.known_repositories, *self._left.typed, *sorted(self._typed)]
        if not known:
            return False
        self.lines.model.add(known)
        self.repositories_pane.tell("")
        self._repositories_changed(state)
        if not self.repository:
            self._open_first()
        self.find_out_deletion(self.repository or known[0])
        return True

    def _open_first(self) -> None:
        """The repository that was open the last time, or else the first: nobody opens a browser to look at an empty
        pane."""
        model = self.lines.model
        first = next((node.name for node in model.shown if node.is_repository), "")
        left = model.node(self._left.repository)
        first = left.name if left is not None and left.is_repository else first
        if first and model.cursor is not None and model.line == 0:
            model.select(first)
            self.open_repository(first, focus=False)

    def open_typed(self, name: str) -> None:
        """A repository by its name, listed or not. Kept for the next time, if it is there."""
        self._typed.add(name)
        self.lines.model.add([name])
        self.lines.model.select(name)
        self.lines.changed()
        self.repositories_pane.tell("")
        self.open_repository(name)

    def _keep_left(self) -> None:
        model = self.table.model
        self._left = replace(self._left, repository=self.repository, sort=model.column.value, reverse=model.reverse)
        self.connection.keep(self._left)

    def on_unmount(self) -> None:
        if self.repository:
            self._keep_left()

    def _repositories_changed(self, state: str) -> None:
        self.lines.changed()
        self._standing = replace(self._standing, repositories=self.lines.model.total)
        self._header.show(self._standing)
        self.repositories_pane.title("Repositories", state)

    @on(CursorLines.Chosen, "RepositoryLines")
    def _repository_chosen(self) -> None:
        node = self.lines.model.cursor
        if node is not None and node.is_repository:
            self.open_repository(node.name)

    # Tags

    def open_repository(self, name: str, *, focus: bool = True) -> None:
        """Shows its tags; again, where it is open already, only moves there."""
        if focus:
            self.table.focus()
        if name != self.repository:
            self.repository = name
            self.tags_pane.clear_filter()
            self.table.show(self._new_tags())
            self.details_pane.title("Details")
            self.details_pane.tell("")
            self.view.clear()
            self.recall_tags()
            self.load_tags()
            if not self._standing.repositories:
                # Its name was typed: where nothing is listed, nothing has asked yet.
                self.find_out_deletion(name)

    def _new_tags(self) -> TagList:
        """In the order of those before: of the repository that is left, or of the last time."""
        before = self.table.model
        if before.total:
            return TagList(column=before.column, reverse=before.reverse)
        try:
            return TagList(column=SortColumn(self._left.sort), reverse=self._left.reverse)
        except ValueError:
            return TagList()

    @work(exclusive=True, group="tags")
    async def load_tags(self, *, anew: bool = False) -> None:
        """`anew`: what is known of each tag is asked for again too, and shown until it is answered."""
        repository, model = self.repository, self.table.model
        names: list[str] = []
        if not model.total:
            self.tags_pane.tell(f"Reading the tags of {repository} …")
        self._title_tags()
        try:
            async for page in self.connection.tags(repository):
                names += page
                for part in in_parts(page):
                    model.add(part)
                    self._tags_changed()
                    # Keys and the painting in between.
                    await asyncio.sleep(0)
            model.replace(names)
            self.lines.model.set_count(repository, len(names))
            self.lines.changed()
            self._tags_changed()
            if repository in self._typed:
                self._left = self._left.with_typed(repository)
                self._keep_left()
            if names:
                await self._fill(repository, model, names if anew else model.unfilled(), anew=anew)
        except NotFound:
            model.replace(())
            self.lines.model.set_count(repository, 0)
            self.lines.changed()
            self.tags_pane.tell(f"{repository} has no tags.")
        except RegtuiError as error:
            if model.total:
                self._title_tags(f"stopped: {error.message}")
                self.app.notify(clean(str(error)), severity="error", timeout=10, markup=False)
            else:
                self.tags_pane.tell(f"{error}\n\nr: try again", is_error=True)

    @work(exclusive=True, group="recall")
    async def recall_tags(self) -> None:
        """Shows what is known of an earlier run, while the registry is asked."""
        repository, model = self.repository, self.table.model
        async with contextlib.aclosing(self.connection.remembered(repository)) as batches:  # type: ignore[type-var]
            async for batch in batches:
                change = model.recall(batch)
                if self.table.model is not model:
                    return
                self.tags_pane.tell("")
                self._show_change(change)

    async def _fill(self, repository: str, model: TagList, names: Sequence[str], *, anew: bool) -> None:
        self._filling = filling = self.connection.fill(repository, names, {} if anew else model.remembered)
        self._prioritise()
        async with contextlib.aclosing(filling.batches()) as batches:  # type: ignore[type-var]
            async for batch in batches:
                line = model.line
                change = model.fill(batch)
                if self.table.model is not model:
                    return
                self._show_change(change)
                if change.reordered and self.table.was_touched:
                    self.table.hold_cursor(line)

    def _show_change(self, change: Changed) -> None:
        model = self.table.model
        if change.reordered:
            if not self.table.was_touched:
                # Nobody chose the tag that came first while no date was known.
                model.move_to(0)
                self._load_details_soon()
            self._tags_changed()
            self._prioritise()
        else:
            for line in change.lines:
                self.table.line_changed(line)
        self._title_tags()

    def _prioritise(self) -> None:
        model = self.table.model
        if self._filling is not None:
            self._filling.prioritise([model.row(line).tag for line in self.table.visible_lines])

    def _tags_changed(self) -> None:
        """Also where nothing is shown, and why."""
        model = self.table.model
        self.table.changed()
        self.tags_pane.tell(no_tags_words(self.repository, model))
        self._go_to_sought()
        self._title_tags()
        if model.shown and self._wanted[0] != self.repository:
            self._load_details_soon()

    def _title_tags(self, trouble: str = "") -> None:
        model = self.table.model
        self.tags_pane.title(
            tags_title(self.repository, model), tags_standing(model, self.table.range_from, trouble or self._waiting)
        )

    @on(TagTable.Changed)
    def _table_changed(self) -> None:
        self._title_tags()
        self._prioritise()

    @on(CursorLines.CursorMoved, "TagTable")
    def _tag_cursor_moved(self) -> None:
        self._prioritise()
        self._load_details_soon()

    @on(CursorLines.Chosen, "TagTable")
    def _tag_chosen(self) -> None:
        tag = self.table.model.cursor
        if tag is None:
            return
        self.table.was_touched = True
        if self.details_pane.display:
            self.view.focus()
        else:
            self.app.push_screen(DetailsScreen(self.connection, self.repository, tag, self.clock))

    # Details

    def _load_details_soon(self, *, anew: bool = False) -> None:
        wanted = (self.repository, self.table.model.cursor or "")
        if self.details_pane.display and wanted[1] and (anew or wanted != self._wanted):
            self._wanted = wanted
            self.load_details(*wanted)

    @work(exclusive=True, group="details")
    async def load_details(self, repository: str, tag: str) -> None:
        await asyncio.sleep(_REST)
        self.details_pane.title(f"{repository}:{tag}", "reading …")
        try:
            details = await self.connection.details(repository, tag)
        except RegtuiError as error:
            words = "is broken: its manifest is gone. It can be deleted." if isinstance(error, NotFound) else ""
            self.details_pane.tell(f"{tag} {words}" if words else f"{error}\n\nr: try again", is_error=True)
            self.details_pane.title(f"{repository}:{tag}")
            return
        self.details_pane.tell("")
        self.view.show(details)
        self._title_details()
        with contextlib.suppress(RegtuiError):
            if (checked := await self.connection.checked(details)) is not details:
                self.view.show(checked)

    @on(DetailsView.Changed)
    def _title_details(self) -> None:
        if (details := self.view.details) is not None:
            self.details_pane.title(f"{details.repository}:{details.reference}", self.view.position)

    # Keys

    @property
    def _pane(self) -> Pane:
        """The one with the focus."""
        for pane in (self.tags_pane, self.details_pane):
            if pane.has_focus_within:
                return pane
        return self.repositories_pane

    def on_descendant_focus(self) -> None:
        self._hints.show(*HINTS[self._pane.id or "tags"], *ALWAYS)

    @on(Pane.Filtered)
    def _filtered(self, event: Pane.Filtered) -> None:
        if event.pane is self.repositories_pane:
            self.lines.model.filter(event.text)
            self.lines.changed()
            found = self.lines.model.shown or not event.text
            words = no_repository_words(event.text.strip(), self._is_unlisted)
            self.repositories_pane.tell("" if found else words)
        elif event.pane is self.tags_pane:
            self.table.model.filter(event.text)
            self._tags_changed()
            self.table.show_line(self.table.model.line)
        else:
            self.view.search(event.text)

    @on(Pane.Entered, "#repositories")
    def _repository_typed(self, event: Pane.Entered) -> None:
        """Where nothing is listed, a name is opened as it was typed."""
        name = event.text.strip()
        if self._is_unlisted and not self.lines.model.shown and is_repository(name):
            event.pane.clear_filter()
            self.open_typed(name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is done to tags isn't done from among the repositories: nobody sees there which tag is meant."""
        if action in ("delete", "copy", "rule", "tag", "compare"):
            return self._pane is not self.repositories_pane
        return True

    def action_filter(self) -> None:
        self._pane.open_filter()

    async def action_reload(self) -> None:
        if self._pane is self.repositories_pane:
            self.load_repositories()
            return
        await self.connection.forget(self.repository)
        if self.repository:
            self.load_tags(anew=True)
            self._load_details_soon(anew=True)

    def action_zoom(self) -> None:
        pane = self._pane
        zoomed = not self.has_class("-zoomed")
        self.set_class(zoomed, "-zoomed")
        for one in (self.repositories_pane, self.tags_pane, self.details_pane):
            one.set_class(zoomed and one is pane, "-zoom")

    def action_hidden(self) -> None:
        show = not self.table.model.show_hidden
        self.table.model.set_show_hidden(show)
        self.lines.model.set_show_hidden(not self.lines.model.show_hidden)
        self.lines.changed()
        if self.repository:
            self._tags_changed()

    def action_back(self) -> None:
        """One step: out of the filter, the range, the zoom, the marks, then one pane to the left."""
        pane = self._pane
        if pane.is_filtering or pane.filter_text:
            pane.clear_filter()
        elif self.table.range_from:
            self.table.drop_range()
            self._title_tags()
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
        tag = self.table.model.cursor
        row = self.table.model.find(tag) if tag else None
        if tag is None or row is None:
            return
        digest: Digest | None = row.summary.digest if row.summary and row.is_filled and by_digest else None
        if by_digest and digest is None:
            self.app.notify("Its digest is not known yet.", severity="warning", markup=False)
            return
        reference = self.connection.pull_reference(self.repository, tag, digest)
        self.app.copy_to_clipboard(reference)
        self.app.notify(f"Copied {clean(reference)}", timeout=3, markup=False)

    def action_usage(self) -> None:
        from regtui.ui.screens.usage import UsageScreen

        screen = UsageScreen(self.connection, self._usage)

        def closed(repository: str | None) -> None:
            self._usage = screen.usage
            if repository is not None:
                self.go_to(repository)

        self.app.push_screen(screen, closed)

    def action_find(self) -> None:
        from regtui.ui.screens.find import FindScreen

        self.app.push_screen(
            FindScreen(self.connection), lambda hit: self.go_to(hit.repository, hit.tag) if hit else None
        )

    def go_to(self, repository: str, tag: str = "") -> None:
        """Opens a repository, and puts the cursor on `tag` as soon as it is there."""
        self.lines.model.select(repository)
        self.lines.changed()
        self._sought = (repository, tag)
        self.open_repository(repository)
        self._go_to_sought()

    def _go_to_sought(self) -> None:
        repository, tag = self._sought
        if tag and repository == self.repository and self.table.model.select(tag):
            self._sought = ("", "")
            self.table.was_touched = True
            self.table.refresh()
            self.table.show_line(self.table.model.line)
            self._load_details_soon()

    def action_compare(self) -> None:
        from regtui.listing.compare import two_of
        from regtui.ui.screens.compare import CompareScreen

        pair = two_of(self.table.model)
        if pair is None:
            self.app.notify("Mark two tags, or one and move to another.", severity="warning", markup=False)
        else:
            self.app.push_screen(CompareScreen(self.connection, self.repository, *pair))

    def action_tag(self) -> None:
        from regtui.ui.screens.tag import TagScreen

        model = self.table.model
        row = model.find(model.cursor) if model.cursor else None
        digest = row.summary.digest if row is not None and row.summary is not None else None
        if row is None or digest is None:
            self.app.notify("Nothing is known behind this tag yet.", severity="warning", markup=False)
        elif self.connection.read_only:
            refusal = f"{self.connection.name} was opened read-only: no tag is added."
            self.app.notify(clean(refusal), severity="warning", markup=False)
        else:
            self.app.push_screen(TagScreen(self.connection, self.repository, row.tag, digest, model), self._tag_added)

    def _tag_added(self, tag: str | None) -> None:
        if tag is not None:
            # One that was moved is asked for again.
            self.table.model.remove([tag])
            self.load_tags()
            self.app.notify(f"Tagged {clean(self.repository)}:{clean(tag)}", timeout=4, markup=False)

    def action_rule(self) -> None:
        """Reading goes on meanwhile; marks are all that comes of it."""
        from regtui.ui.screens.rule import RuleScreen
        from regtui.ui.screens.rule_preview import RuleTexts

        model, protect = self.table.model, self.connection.target.protect
        if model.total:
            screen = RuleScreen(self.repository, model, protect, self.clock, self._rule or RuleTexts())
            self.app.push_screen(screen, self._mark_by_rule)

    def _mark_by_rule(self, marking: "Marking | None") -> None:
        from regtui.ui.screens.rule_preview import marked_words

        if marking is not None:
            self._rule = marking.texts
            self.table.mark(marking.tags)
            self.app.notify(marked_words(marking.tags, marking.unread), timeout=5, markup=False)

    @work(exclusive=True, group="delete")
    async def action_delete(self) -> None:
        model = self.table.model
        tags = model.marked or ([model.cursor] if model.cursor else [])
        if not tags or not self.repository:
            return
        if obstacle := self.connection.deletion_obstacle(self._standing.deletion):
            self.app.notify(clean(obstacle), severity="warning", timeout=12, markup=False)
            return
        # Filling in would compete with the plan for the registry; it goes on afterwards.
        self.workers.cancel_group(self, "tags")
        from regtui.ui.screens.delete import DeleteScreen

        report = await self.app.push_screen_wait(DeleteScreen(self.connection, self.repository, tags))
        if report is not None:
            self._usage = Usage()
            model.clear_marks()
            self._wanted = ("", "")
        if report is not None or model.filled < model.total:
            self.load_tags()

    @work(exclusive=True, group="delete")
    async def action_undo(self) -> None:
        from regtui.ui.screens.undo import undo_last

        if await undo_last(self.app, self.connection):
            self._changed_by_undo()

    @work(exclusive=True, group="cut off")
    async def settle_cut_off(self) -> None:
        """What an earlier run left half done is asked about before anything else is changed."""
        if await settle(self.app, self.connection):
            self._changed_by_undo()

    def _changed_by_undo(self) -> None:
        self._wanted = ("", "")
        self.load_repositories()
        if self.repository:
            self.load_tags()

    @property
    def deletion(self) -> Deletion:
        return self._standing.deletion
