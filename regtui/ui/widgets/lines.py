"""Widgets made of lines, of which only the visible ones are ever rendered.

Textual's DataTable needs 30 s for 100,000 rows and its Tree 200 ms for a page (measured); a line that is asked for when
it is painted costs the same at every size.
"""

from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from regtui.settings.crash_log import log_crash
from regtui.text import clean

MOVES: list[BindingType] = [
    Binding("down,j", "move(1)", "down", show=False, id="lines.down"),
    Binding("up,k", "move(-1)", "up", show=False, id="lines.up"),
    Binding("pagedown", "move_pages(1.0)", "page down", show=False, id="lines.page_down"),
    Binding("pageup", "move_pages(-1.0)", "page up", show=False, id="lines.page_up"),
    Binding("ctrl+d", "move_pages(0.5)", "half a page down", show=False, id="lines.half_down"),
    Binding("ctrl+u", "move_pages(-0.5)", "half a page up", show=False, id="lines.half_up"),
    Binding("home,g", "move_to_end(False)", "first", show=False, id="lines.first"),
    Binding("end,G", "move_to_end(True)", "last", show=False, id="lines.last"),
]


class Lines(ScrollView, can_focus=True):
    """Lines below an optional header line. Subclasses say how many there are and what is in each."""

    BINDINGS: ClassVar[list[BindingType]] = MOVES
    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--header", "lines--said", "lines--error"}
    DEFAULT_CSS = """
    Lines { height: 1fr; width: 1fr; scrollbar-size-vertical: 1; }
    Lines > .lines--said { color: $text-muted; }
    Lines > .lines--error { color: $text-warning; }
    Lines > .lines--header { text-style: bold; color: $text-muted; }
    """

    has_header: bool = False
    _said = ""
    _said_is_error = False
    _has_failed = False
    """Whether a line couldn't be drawn: that is in the crash log once, not at each repaint."""

    def __init__(self) -> None:
        super().__init__()
        self._painted: dict[int, Strip] = {}

    def line_count(self) -> int:
        raise NotImplementedError

    def header(self, width: int) -> Text:
        """The header line; asked for only where `has_header`."""
        return Text()

    def line(self, number: int, width: int) -> Text:
        """Line `number`, from 0; `width` in cells. Text from a server is in it as plain text alone."""
        raise NotImplementedError

    def line_style(self, number: int) -> Style:
        return self.rich_style

    @property
    def page_size(self) -> int:
        """Lines that are visible at once."""
        return max(1, self.scrollable_content_region.height - self.has_header)

    @property
    def visible_lines(self) -> range:
        top = self.scroll_offset.y
        return range(top, min(top + self.page_size, self.line_count()))

    def lines_changed(self) -> None:
        """The number of lines, or all of them, changed."""
        self.virtual_size = Size(0, 0 if self._said else self.line_count() + self.has_header)
        self.refresh()

    def lines_moved(self) -> None:
        """Lines moved, came or went by themselves, most of them out of sight: those are repainted that show something
        else now."""
        self.virtual_size = Size(0, 0 if self._said else self.line_count() + self.has_header)
        for y in range(self.size.height):
            if self._painted.get(y) != self._render_line(y):
                self.refresh(Region(0, y, self.size.width, 1))

    @property
    def said(self) -> str:
        """What is told in place of the lines; empty where those are shown."""
        return self._said

    def tell(self, text: str, *, is_error: bool = False) -> None:
        """Says `text` in place of the lines: while loading, where there is nothing, after a failure. An empty one shows
        the lines again. The widget stays, and so does the focus on it."""
        text = clean(text, keep="\n")
        if (text, is_error) != (self._said, self._said_is_error):
            self._said, self._said_is_error = text, is_error
            self.lines_changed()

    def line_changed(self, number: int) -> None:
        y = number - self.scroll_offset.y + self.has_header
        if self.has_header <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def show_line(self, number: int) -> None:
        """Scrolls just as far as needed."""
        top, page = self.scroll_offset.y, self.page_size
        # Forced: lines that were few a moment ago have no scrollbar yet, and without one Textual doesn't scroll.
        if number < top:
            self.scroll_to(y=number, animate=False, immediate=True, force=True)
        elif number >= top + page:
            self.scroll_to(y=number - page + 1, animate=False, immediate=True, force=True)

    def render_line(self, y: int) -> Strip:
        strip = self._painted[y] = self._render_line(y)
        return strip

    def _render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if self._said:
            return self._say(y, width)
        if self.has_header and y == 0:
            style = self.get_component_rich_style("lines--header")
            return self._strip(self.header(width), style, width)
        number = self.scroll_offset.y + y - self.has_header
        if number >= self.line_count():
            return Strip.blank(width, self.rich_style)
        try:
            return self._strip(self.line(number, width), self.line_style(number), width)
        except Exception as error:  # noqa: BLE001 (a fault in one line is told there; the others, and the app, go on)
            if not self._has_failed:
                self._has_failed = True
                log_crash(error)
            words = f"This line can't be shown: an internal error ({type(error).__name__})."
            return self._strip(Text(words), self.get_component_rich_style("lines--error"), width)

    def _say(self, y: int, width: int) -> Strip:
        style = self.get_component_rich_style("lines--error" if self._said_is_error else "lines--said")
        lines = Text(self._said).wrap(self.app.console, max(width - 2, 1))
        # One line of air above it.
        said = lines[y - 1] if 0 < y <= len(lines) else Text()
        return self._strip(Text(" ").append(said), style, width)

    def _strip(self, text: Text, style: Style, width: int) -> Strip:
        text.truncate(width, overflow="ellipsis")
        if text.style and not text.spans:
            # Rendered as it is, a text without parts would lose its style.
            text.stylize(text.style)
        segments = text.render(self.app.console, end="")
        strip = Strip(segments).apply_style(style) if style else Strip(segments)
        return strip.adjust_cell_length(width, style)

    def line_at(self, y: int) -> int | None:
        """The line at row `y` of the widget's content; None for the header and below the last."""
        number = self.scroll_offset.y + y - self.has_header
        return number if y >= self.has_header and number < self.line_count() else None

    def action_move(self, lines: int) -> None:
        self.scroll_relative(y=lines, animate=False, immediate=True)

    def action_move_pages(self, pages: float) -> None:
        self.action_move(int(pages * self.page_size) or (1 if pages > 0 else -1))

    def action_move_to_end(self, last: bool) -> None:
        if last:
            self.scroll_end(animate=False, immediate=True)
        else:
            self.scroll_home(animate=False, immediate=True)


class CursorLines(Lines):
    """Lines with one that is current. The model keeps it; subclasses move it there."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--cursor", "lines--cursor-blurred"}
    DEFAULT_CSS = """
    CursorLines > .lines--cursor {
        background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold;
    }
    CursorLines > .lines--cursor-blurred {
        background: $block-cursor-blurred-background; color: $block-cursor-blurred-foreground;
    }
    """

    @dataclass
    class CursorMoved(Message):
        """The user moved the cursor to another line."""

        lines: "CursorLines"

        @property
        def control(self) -> "CursorLines":
            return self.lines

    @dataclass
    class Chosen(Message):
        """The line under the cursor was opened: enter, or a double click."""

        lines: "CursorLines"

        @property
        def control(self) -> "CursorLines":
            return self.lines

    def cursor_line(self) -> int:
        raise NotImplementedError

    def put_cursor(self, line: int) -> None:
        """Moves the model's cursor; stops at the ends."""
        raise NotImplementedError

    def line_style(self, number: int) -> Style:
        if number != self.cursor_line():
            return self.rich_style
        return self.get_component_rich_style("lines--cursor" if self.has_focus else "lines--cursor-blurred")

    def move_cursor(self, line: int) -> None:
        """To `line`, repainting the two lines that change."""
        before = self.cursor_line()
        self.put_cursor(line)
        after = self.cursor_line()
        if before != after:
            self.line_changed(before)
            self.line_changed(after)
            self.show_line(after)
            self.post_message(self.CursorMoved(self))

    def action_move(self, lines: int) -> None:
        self.move_cursor(self.cursor_line() + lines)

    def action_step(self, lines: int) -> None:
        """As moving, but from the last line on to the first."""
        self.move_cursor((self.cursor_line() + lines) % max(self.line_count(), 1))

    def action_move_to_end(self, last: bool) -> None:
        self.move_cursor(self.line_count() - 1 if last else 0)

    def action_choose(self) -> None:
        if self.line_count():
            self.post_message(self.Chosen(self))

    def on_focus(self) -> None:
        self.line_changed(self.cursor_line())

    def on_blur(self) -> None:
        self.line_changed(self.cursor_line())

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        number = self.line_at(offset.y) if offset is not None else None
        if number is None:
            return
        self.move_cursor(number)
        if event.chain == 2:
            self.post_message(self.Chosen(self))
