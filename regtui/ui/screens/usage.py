"""Where the bytes are: per repository and namespace, as far as it is read, and said how far that is."""

import contextlib
from collections.abc import Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from regtui.errors import RegtuiError
from regtui.listing.usage import Usage, UsageRow
from regtui.registry.errors import NotFound, RegistryError
from regtui.text import clean, plural, size
from regtui.ui.browsing.each import each
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.widgets.hints import Hints
from regtui.ui.widgets.lines import CursorLines
from regtui.ui.widgets.pane import Pane

# Seconds between two paintings: each is bytes over SSH.
_INTERVAL: Final = 0.5
_BAR: Final = 12


class UsageLines(CursorLines):
    """The cursor stays on its name while lines move."""

    DEFAULT_CSS = "UsageLines > .usage--dim { text-style: dim; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"usage--dim"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right,l", "choose", "open", show=False, id="usage.open"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.has_header = True
        self._rows: Sequence[UsageRow] = ()
        self._line = 0

    @property
    def row(self) -> UsageRow | None:
        return self._rows[self._line] if self._rows else None

    def show(self, rows: Sequence[UsageRow]) -> None:
        chosen = self.row if self._line else None
        self._rows = rows
        names = [(row.name, row.is_namespace) for row in rows]
        here = (chosen.name, chosen.is_namespace) if chosen else None
        self._line = names.index(here) if here in names else 0
        self.lines_changed()

    def line_count(self) -> int:
        return len(self._rows)

    def cursor_line(self) -> int:
        return self._line

    def put_cursor(self, line: int) -> None:
        self._line = min(max(line, 0), max(len(self._rows) - 1, 0))

    def header(self, width: int) -> Text:
        return Text(self._columns(width, "REPOSITORY", "USES", "ONLY HERE", "TAGS"), no_wrap=True)

    def line(self, number: int, width: int) -> Text:
        row = self._rows[number]
        name = "  " * row.depth + clean(row.name) + ("/" if row.is_namespace else "")
        uses, only = (size(row.size), size(row.only)) if row.standing.read else ("…", "…")
        if row.standing.is_done:
            uses, only = size(row.size), size(row.only)
        text = Text(self._columns(width, name, uses, only, _tags(row)), no_wrap=True)
        most = max((each.size for each in self._rows), default=0)
        if width >= 100 and most:
            text.append(f"  {'█' * round(_BAR * row.size / most)}")
        if row.standing.error:
            text.append(f"  {clean(row.standing.error)}", self.get_component_rich_style("usage--dim", partial=True))
        return text

    def _columns(self, width: int, name: str, uses: str, only: str, tags: str) -> str:
        room = max(min(width - 40, 60), 16)
        name = name if len(name) <= room else f"{name[: room - 1]}…"
        return f"{name:<{room}}  {uses:>8}  {only:>9}  {tags:>14}"


def _tags(row: UsageRow) -> str:
    """`42`, `17 of 42`, `…` where nothing is known yet."""
    standing = row.standing
    if standing.error:
        return "not read"
    if standing.tags is None:
        return f"{standing.read:,} …" if standing.read else "…"
    if standing.read < standing.tags:
        return f"{standing.read:,} of {standing.tags:,}"
    return f"{standing.tags:,}"


class UsageScreen(Screen[str | None]):
    """Answers with the repository to open; None for none. `usage` keeps what was read when it is closed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,u", "back", "back", show=False, id="usage.back"),
        Binding("r", "again", "read again", show=False, id="usage.again"),
    ]

    def __init__(self, registry: OpenRegistry, usage: Usage) -> None:
        super().__init__()
        self._session, self._thread = registry.session, registry.thread
        self.usage = usage
        self._lines = UsageLines()
        self._pane = Pane(self._lines, id="usage")
        self._listed = False
        self._changed = True
        self._trouble = ""

    def compose(self) -> ComposeResult:
        yield self._pane
        yield Hints(("enter", "open the repository"), ("r", "read again"), ("esc", "back; what was read is kept"))

    def on_mount(self) -> None:
        self._lines.focus()
        self._show()
        self.set_interval(_INTERVAL, self._show)
        self.read()

    # Reading

    @work(exclusive=True, group="usage")
    async def read(self) -> None:
        """All repositories, a few at a time; those that were read before are not asked for again."""
        self._trouble = ""
        try:
            async for page in self._thread.stream(self._session.repositories):
                self.usage.expect(page.repositories)
                self._changed = True
                self._trouble = page.doubt or self._trouble
            self._listed = True
            await each(self._session, self.usage.waiting, self._read_one)
        except RegtuiError as error:
            self._trouble = str(error)
        self._changed = True
        self._show()

    async def _read_one(self, repository: str) -> None:
        try:
            await self._read_tags(repository)
        except NotFound:
            self.usage.begin(repository, 0)
        except RegistryError as error:
            self.usage.fail(repository, error.message)
            if error.affects_all:
                raise
        self._changed = True

    async def _read_tags(self, repository: str) -> None:
        names = [name async for page in self._thread.stream(self._session.tags, repository) for name in page]
        self.usage.begin(repository, len(names))
        filling = self._session.fill(repository, names)
        async with contextlib.aclosing(self._thread.stream(filling.batches)) as batches:
            async for batch in batches:
                self.usage.take(repository, batch)
                self._changed = True

    def _show(self) -> None:
        if not self._changed:
            return
        self._changed = False
        usage = self.usage
        self._lines.show(usage.rows())
        known = len(usage.standings)
        nothing = f"{self._session.host} has no repositories yet, or lists none."
        why = self._trouble or (nothing if self._listed else "Reading the repositories …")
        self._lines.tell("" if known else why, is_error=bool(self._trouble))
        so_far = " so far" if not self._listed or usage.waiting or usage.gaps or self._trouble else ""
        total = f"{size(usage.total)}{so_far}, each blob once"
        self._pane.title(f"Usage of {self._session.name} · {total}", self._progress())

    def _progress(self) -> str:
        """How far it is, and what these numbers are not."""
        usage = self.usage
        known = len(usage.standings)
        if self._trouble:
            return f"not complete: {self._trouble}"
        gaps = f", {plural(usage.gaps, 'repository', 'repositories')} with gaps" if usage.gaps else ""
        if not self._listed or usage.waiting:
            return f"{usage.read:,} of {known:,} repositories read{gaps} …"
        return f"{plural(known, 'repository', 'repositories')} read{gaps} · images without a tag are not seen"

    # Keys

    @on(CursorLines.Chosen, "UsageLines")
    def _chosen(self) -> None:
        row = self._lines.row
        if row is not None and not row.is_namespace:
            self.dismiss(row.name)

    def action_again(self) -> None:
        self.usage = Usage()
        self._listed, self._changed = False, True
        self.read()

    def action_back(self) -> None:
        self.dismiss(None)
