"""The details: tabs, platforms, and search within what is shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from regtui.listing.details import Details, PlatformDetails
from regtui.oci.digest import Digest
from regtui.settings.crash_log import log_crash
from regtui.ui.widgets.details.drawing import ItemLine, Line, wrapped
from regtui.ui.widgets.details.tabs import LAYERS, TABS, LayerView, Users, layers, with_notes
from regtui.ui.widgets.lines import Lines


class DetailsView(Lines):
    """Shows Details. The lines of a tab are made when it is first looked at, and kept for its width."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right_square_bracket", "tab(1)", "next tab", show=False, id="details.next_tab"),
        Binding("left_square_bracket", "tab(-1)", "previous tab", show=False, id="details.previous_tab"),
        Binding("p", "platform", "next platform", show=False, id="details.platform"),
        Binding("y", "copy_digest", "copy the layer's digest", show=False, id="details.copy_digest"),
        Binding("enter,space", "unfold", "all that is known of the layer", show=False, id="details.unfold"),
        Binding("s", "sort", "layers by size, or as they lie", show=False, id="details.sort"),
        Binding("left,h", "screen.pane('tags')", "to the tags", show=False, id="details.leave"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"details--tab", "details--match", "details--cursor"}
    DEFAULT_CSS = """
    DetailsView > .details--cursor { background: $block-cursor-blurred-background; text-style: bold; }
    DetailsView:focus > .details--cursor {
        background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold;
    }
    DetailsView > .details--tab { color: $text-accent; text-style: bold underline; }
    DetailsView > .details--match { background: $warning; color: $background; }
    """

    @dataclass
    class Changed(Message):
        """Another tab, platform or match."""

        view: "DetailsView"

    @dataclass
    class DigestCopied(Message):
        """The digest of the layer under the cursor is wanted."""

        digest: Digest

    def __init__(self, clock: Callable[[], datetime], users: Users = lambda _: {}) -> None:
        """`users`: which other tags use a layer."""
        super().__init__()
        self._users = users
        self._cursor = 0
        self._unfolded: set[Digest] = set()
        self._by_size = False
        self.has_header = True
        self._clock = clock
        self._details: Details | None = None
        self.notes: Callable[[Details], Sequence[tuple[str, str]]] = lambda details: ()
        """What is known of an image besides the registry: label and text, beside what it is."""
        self._image = 0
        self._tab = 0
        self._lines: Sequence[Line] = []
        self._items: list[int] = []
        self._made_for: tuple[int, int, int] | None = None
        self._sought = ""
        self._matches: list[int] = []
        self._match = 0

    @property
    def details(self) -> Details | None:
        return self._details

    @property
    def image(self) -> PlatformDetails | None:
        platforms = self._details.platforms if self._details else ()
        return platforms[self._image] if self._image < len(platforms) else None

    @property
    def position(self) -> str:
        """`linux/arm64 · 2 of 3`, or what was found; empty where there is nothing to say."""
        if self._sought:
            found = f"{self._match + 1} of {len(self._matches)}" if self._matches else "not found"
            return f"/{self._sought} · {found}"
        platforms = self._details.platforms if self._details else ()
        if len(platforms) < 2 or self.image is None:
            return ""
        name = self.image.platform.details if self.image.platform else "no platform"
        return f"{name} · {self._image + 1} of {len(platforms)}"

    def show(self, details: Details) -> None:
        """Another image; the tab stays, so that images can be compared by walking through the tags."""
        platform = self.image.platform if self.image else None
        self._details = details
        # The platform stays too, where the other image has it.
        self._image = next((n for n, p in enumerate(details.platforms) if p.platform == platform), 0)
        self._cursor = 0
        self._make_anew()

    def notes_changed(self) -> None:
        """More is known besides the registry: what is shown stays where it is."""
        self._made_for = None
        self.lines_changed()

    def clear(self) -> None:
        """Shows no image: nothing of the last one stands beside tags that it isn't among."""
        self._details, self._image, self._lines, self._items = None, 0, (), []
        self._make_anew()

    def line_count(self) -> int:
        self._make()
        return len(self._lines)

    def header(self, width: int) -> Text:
        text = Text(no_wrap=True)
        current = self.get_component_rich_style("details--tab", partial=True)
        for number, (name, _) in enumerate(TABS):
            text.append(name, current if number == self._tab else "").append("  ")
        return text

    def line(self, number: int, width: int) -> Text:
        line = self._lines[number]
        text = line.copy() if isinstance(line, Text) else line.drawn()
        if self._sought:
            style = self.get_component_rich_style("details--match", partial=True)
            text.highlight_words([self._sought], style, case_sensitive=False)
        return text

    # The layers, one of which is current.

    @property
    def items(self) -> list[int]:
        """The lines that the cursor can stand on."""
        return self._items

    @property
    def item(self) -> ItemLine | None:
        """The line under the cursor; None in a tab without any."""
        items = self.items
        line = self._lines[items[min(self._cursor, len(items) - 1)]] if items else None
        return line if isinstance(line, ItemLine) else None

    def line_style(self, number: int) -> Style:
        line = self._lines[number]
        if isinstance(line, ItemLine) and line is self.item:
            return self.get_component_rich_style("details--cursor")
        return super().line_style(number)

    def action_move(self, lines: int) -> None:
        if not (items := self.items):
            super().action_move(lines)
            return
        before = items[min(self._cursor, len(items) - 1)]
        self._cursor = min(max(min(self._cursor, len(items) - 1) + lines, 0), len(items) - 1)
        after = items[self._cursor]
        for number in (before, after):
            self.line_changed(number)
        # Its titles are seen again at the first one.
        self.show_line(0 if self._cursor == 0 else after)

    def action_move_to_end(self, last: bool) -> None:
        if items := self.items:
            self.action_move(len(items) if last else -len(items))
        else:
            super().action_move_to_end(last)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Elsewhere than on a layer, its keys are the browser's."""
        if action in ("copy_digest", "unfold"):
            return self.item is not None
        return self._tab == LAYERS if action == "sort" else True

    def action_copy_digest(self) -> None:
        if (item := self.item) is not None:
            self.post_message(self.DigestCopied(item.digest))

    def action_unfold(self) -> None:
        if (item := self.item) is not None and self._tab == LAYERS:
            self._unfolded ^= {item.digest}
            self._remake()

    def action_sort(self) -> None:
        self._by_size = not self._by_size
        self._cursor = 0
        self._remake()

    def _remake(self) -> None:
        self._made_for = None
        self.lines_changed()

    def search(self, text: str) -> None:
        """Marks what is found in this tab, and goes to the first; an empty text ends it."""
        self._sought = text
        self._find()
        self._go_to_match(0)

    def action_tab(self, steps: int) -> None:
        self.open_tab((self._tab + steps) % len(TABS))

    def open_tab(self, number: int) -> None:
        self._tab = number
        self._cursor = 0
        self._make_anew()

    def action_platform(self) -> None:
        platforms = self._details.platforms if self._details else ()
        if len(platforms) > 1:
            self._image = (self._image + 1) % len(platforms)
            self._make_anew()

    def action_match(self, steps: int) -> None:
        if self._matches:
            self._go_to_match((self._match + steps) % len(self._matches))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or offset.y != 0:
            return
        x = offset.x
        for number, (name, _) in enumerate(TABS):
            if 0 <= x < len(name):
                self.open_tab(number)
            x -= len(name) + 2

    def on_resize(self) -> None:
        self.lines_changed()

    def _make_anew(self) -> None:
        self._made_for = None
        self.lines_changed()
        self.scroll_to(y=0, animate=False, immediate=True)
        self.post_message(self.Changed(self))

    def _make(self) -> None:
        width = self.scrollable_content_region.width
        key = (width, self._tab, self._image)
        if self._details is None or self._made_for == key:
            return
        self._made_for = key
        try:
            self._lines = self._made(self._details, width)
            if self._tab == 0:
                self._lines = with_notes(self._lines, self.notes(self._details), width)
        except Exception as error:  # noqa: BLE001 (a fault in one tab is told there; the others, and the app, go on)
            log_crash(error)
            self._lines = wrapped(f"This can't be shown: an internal error ({type(error).__name__}).", width)
        self._items = [number for number, line in enumerate(self._lines) if isinstance(line, ItemLine)]
        self._find()

    def _made(self, details: Details, width: int) -> Sequence[Line]:
        image = self.image
        if self._tab != LAYERS or image is None:
            return TABS[self._tab][1](details, image, width, self._clock())
        users = self._users([layer.digest for layer in image.layers])
        return layers(image, width, LayerView(users, self._unfolded, self._by_size))

    def _find(self) -> None:
        sought = self._sought.lower()
        self._matches = [n for n, line in enumerate(self._lines) if sought in line.plain.lower()] if sought else []
        self._match = 0

    def _go_to_match(self, number: int) -> None:
        self._match = number
        if self._matches:
            self.show_line(self._matches[number])
        self.refresh()
        self.post_message(self.Changed(self))
