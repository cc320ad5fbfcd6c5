"""What is in use of the registry, where, and what of that it doesn't have any more."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from regtui.errors import RegtuiError
from regtui.retention.whereabouts import LocatedUse
from regtui.text import clean, config_table, plural, short_digest
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.widgets.hints import Hints
from regtui.ui.widgets.lines import CursorLines
from regtui.ui.widgets.pane import Pane


class UseLines(CursorLines):
    """A line for each place that uses an image: those of which it is gone first."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"uses--gone"}
    DEFAULT_CSS = """
    UseLines > .uses--gone { color: $text-warning; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.has_header = True
        self._uses: Sequence[LocatedUse] = ()
        self._line = 0

    def show(self, uses: Sequence[LocatedUse]) -> None:
        self._uses = sorted(uses, key=lambda found: not found.is_gone)
        self.lines_changed()

    def line_count(self) -> int:
        return len(self._uses)

    def cursor_line(self) -> int:
        return self._line

    def put_cursor(self, line: int) -> None:
        self._line = min(max(line, 0), max(len(self._uses) - 1, 0))

    def header(self, width: int) -> Text:
        return Text(_columns(width, "IMAGE", "DIGEST", "USED"), no_wrap=True)

    def line(self, number: int, width: int) -> Text:
        found = self._uses[number]
        words = found.use.place.words
        if found.is_gone:
            words = f"gone: {words}" + (f"; regtui undo {found.run}" if found.run else "")
        style = self.get_component_rich_style("uses--gone", partial=True) if found.is_gone else ""
        line = _columns(width, clean(found.image), short_digest(found.digest), clean(words))
        return Text(line, style, no_wrap=True)


def _columns(width: int, image: str, digest: str, used: str) -> str:
    room = max(min(width // 3, 50), 18)
    image = image if len(image) <= room else f"{image[: room - 1]}…"
    return f"{image:<{room}}  {digest:<12}  {used}"


class InUseScreen(Screen[None]):
    """Reads the sources, unless that was done a moment ago, and what the registry has of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False, id="in_use.back"),
        Binding("r", "again", "read again", show=False, id="in_use.again"),
    ]

    def __init__(self, registry: OpenRegistry) -> None:
        super().__init__()
        self._session, self._thread = registry.session, registry.thread
        self._lines = UseLines()
        self._pane = Pane(self._lines, id="in-use")

    def compose(self) -> ComposeResult:
        yield self._pane
        yield Hints(("r", "read again"), ("esc", "back"))

    def on_mount(self) -> None:
        self._lines.focus()
        self._pane.title(f"In use: {self._session.name}")
        self.read()

    @work(exclusive=True, group="in use")
    async def read(self) -> None:
        name = self._session.name
        if self._session.target.in_use.is_empty:
            self._pane.tell(
                f"Nothing says what is in use of {name}.\n\nName hosts, clusters or files in the config file, below "
                f"{config_table(name, 'in_use')}."
            )
            return
        self._pane.tell("Reading what is in use …")
        try:
            uses = await self._thread.call(self._session.uses)
            located = await self._thread.call(self._session.located_uses, uses)
        except RegtuiError as error:
            self._pane.tell(f"{error}\n\nr: try again", is_error=True)
            return
        self._lines.show(located)
        unread = [f"{source.where} could not be read: {source.error}" for source in uses.unread]
        gone = sum(found.is_gone for found in located)
        standing = f"{plural(len(located), 'place')}{f' · {gone:,} gone' if gone else ''}"
        self._pane.title(f"In use: {name}", standing if not unread else f"{standing} · {clean(unread[0])}")
        nothing = f"No image of {name} is in use, as far as could be read."
        self._pane.tell("" if located else "\n\n".join([nothing, *unread]), is_error=bool(unread))

    def action_again(self) -> None:
        self.read()

    def action_back(self) -> None:
        self.dismiss(None)
