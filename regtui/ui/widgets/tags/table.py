"""The table of tags, drawn over its model: marks, cursor, order by a click on a title."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from regtui.listing.columns import SortColumn
from regtui.listing.tag_row import TagRow
from regtui.listing.tags import TagList
from regtui.oci.digest import Digest
from regtui.ui.widgets.lines import CursorLines
from regtui.ui.widgets.tags.columns import Column, Times, column_at, columns_for, line_of

_MARK = "● "
_NO_MARK = "  "
# As it was when last seen; the registry is being asked.
_CHECKING = "… "


class TagTable(CursorLines):
    """Shows a TagList. `clock` tells the time that ages are counted to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right,l", "choose", "details", show=False, id="tags.open"),
        Binding("left,h", "screen.pane('repositories')", "to the repositories", show=False, id="tags.leave"),
        Binding("space", "mark", "mark", show=False, id="tags.mark", tooltip="Mark or unmark, and move down"),
        Binding("shift+down", "extend(1)", "mark downwards", show=False, id="tags.mark_down"),
        Binding("shift+up", "extend(-1)", "mark upwards", show=False, id="tags.mark_up"),
        Binding("v", "range", "mark a range", show=False, id="tags.range"),
        Binding("a", "mark_all", "mark all shown", show=False, id="tags.all"),
        Binding("i", "invert", "invert the marks", show=False, id="tags.invert"),
        Binding("s", "sort", "next sort column", show=False, id="tags.sort"),
        Binding("S", "reverse", "reverse the order", show=False, id="tags.reverse"),
        Binding("T", "times", "age, UTC, local time", show=False, id="tags.times"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"tags--broken", "tags--marked", "tags--dim"}
    DEFAULT_CSS = """
    TagTable > .tags--broken { color: $text-warning; }
    TagTable > .tags--marked { color: $text-accent; text-style: bold; }
    TagTable > .tags--dim { text-style: dim; }
    """

    @dataclass
    class Changed(Message):
        """Marks, order or filter changed: what is told about the list has to be told anew."""

        table: "TagTable"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self.has_header = True
        self.model = TagList()
        self._clock = clock
        self._times = Times.AGE
        self._columns: list[Column] = []
        self._columns_width = -1
        self._range_from: str | None = None
        self._extended: tuple[str, str] | None = None
        self.was_touched = False
        """Whether the user has moved or marked anything since the list is shown."""

    def show(self, model: TagList) -> None:
        self.model = model
        self._range_from = None
        self.was_touched = False
        self.changed()
        self.scroll_to(y=0, animate=False, immediate=True)
        self.show_line(model.line)

    def changed(self) -> None:
        """Rows came, went or moved."""
        self._columns_width = -1
        self.lines_changed()

    def moved(self) -> None:
        """The same of what moves by itself, and mostly out of sight: only what is seen to change is repainted."""
        self._columns_width = -1
        self.lines_moved()

    def held_row(self) -> tuple[TagRow, int] | None:
        """The row that stays where it is on the screen, and its line: the cursor's if that is seen, else the first one.
        None where the user has moved nothing."""
        visible = self.visible_lines
        if not visible or not (self.was_touched or visible.start):
            return None
        line = self.model.line if self.model.line in visible else visible.start
        return self.model.row(line), line

    def hold(self, row: TagRow, line_before: int) -> None:
        """Rows have moved by themselves, `row` from `line_before`: it stays where it is on the screen."""
        line = self.model.line if row.tag == self.model.cursor else self.model.line_of(row)
        if line is not None and line != line_before:
            self.scroll_to(y=max(self.scroll_offset.y + line - line_before, 0), animate=False, immediate=True)

    @property
    def range_from(self) -> str | None:
        """Where the range began that the next `v` ends."""
        return self._range_from

    def drop_range(self) -> None:
        self._range_from = None

    def line_count(self) -> int:
        return len(self.model.shown)

    def cursor_line(self) -> int:
        return self.model.line

    def put_cursor(self, line: int) -> None:
        self.was_touched = True
        self.model.move_to(line)

    def header(self, width: int) -> Text:
        columns = self._fitting(width)
        titles = [self._title(column) for column in columns]
        return Text(_NO_MARK + line_of(columns, titles), no_wrap=True)

    def _title(self, column: Column) -> str:
        if column.sorts_by is not self.model.column:
            return column.title
        return f"{column.title} {'▾' if self.model.reverse else '▴'}"

    def line(self, number: int, width: int) -> Text:
        row = self.model.row(number)
        columns = self._fitting(width)
        style: str | Style = ""
        if row.summary is not None and row.summary.error:
            style = self.get_component_rich_style("tags--broken", partial=True)
        elif row.is_marked:
            style = self.get_component_rich_style("tags--marked", partial=True)
        elif row.is_being_checked:
            style = self.get_component_rich_style("tags--dim", partial=True)
        mark = _MARK if row.is_marked else _CHECKING if row.is_being_checked else _NO_MARK
        return Text(mark + line_of(columns, [column.text(row) for column in columns]), style, no_wrap=True)

    def _fitting(self, width: int) -> list[Column]:
        if width != self._columns_width:
            self._columns = columns_for(self.model, width - len(_MARK), self._clock(), self._times)
            self._columns_width = width
        return self._columns

    # Marks and order: on the model, repainted at once.

    def action_mark(self) -> None:
        tag = self.model.cursor
        if tag is not None:
            self.model.toggle(tag)
            self.line_changed(self.model.line)
            self.action_move(1)
            self.post_message(self.Changed(self))

    def action_extend(self, step: int) -> None:
        """Marks from where it began to the next line; a step back takes the mark away again."""
        model = self.model
        here, begun = model.cursor, self._extended
        if here is None:
            return
        start = model.find(begun[0]) if begun is not None and begun[1] == here else None
        first = model.line_of(start) if start is not None else None
        first = model.line if first is None else first
        next_line = min(max(model.line + step, 0), len(model.shown) - 1)
        if abs(next_line - first) < abs(model.line - first):
            model.toggle(here)
        else:
            model.mark_range(model.line, next_line)
        begin = model.row(first).tag
        self.move_cursor(next_line)
        self._extended = (begin, self.model.cursor or "")
        self._marks_changed()

    def action_range(self) -> None:
        """The first press begins it, the next one marks from there to here."""
        start = self.model.find(self._range_from) if self._range_from else None
        line = self.model.line_of(start) if start is not None else None
        if line is None:
            self._range_from = self.model.cursor
        else:
            self.model.mark_range(line, self.model.line)
            self._range_from = None
        self._marks_changed()

    def action_mark_all(self) -> None:
        self.model.mark_shown()
        self._marks_changed()

    def action_invert(self) -> None:
        self.model.invert()
        self._marks_changed()

    def mark(self, tags: Iterable[str]) -> None:
        """On top of what is marked already."""
        self.model.mark(tags)
        self._marks_changed()

    def mark_as(self, judged: Mapping[str, Digest | None]) -> list[str]:
        """The same for what each of them leads to; answers those that are shown to lead elsewhere, and aren't
        marked."""
        others = self.model.mark_as(judged)
        self._marks_changed()
        return others

    def clear_marks(self) -> None:
        self.model.clear_marks()
        self._marks_changed()

    def _marks_changed(self) -> None:
        self.was_touched = True
        self.refresh()
        self.post_message(self.Changed(self))

    def action_sort(self) -> None:
        self._order(self.model.next_sort)

    def action_reverse(self) -> None:
        self._order(lambda: self.model.sort(self.model.column, not self.model.reverse))

    def action_times(self) -> None:
        self._times = self._times.next
        self.changed()

    def sort_by(self, column: SortColumn) -> None:
        """By `column`; by the same one again, the other way round."""
        if column is self.model.column:
            self.action_reverse()
        else:
            self._order(lambda: self.model.sort(column))

    def _order(self, change: Callable[[], None]) -> None:
        """The cursor stays with its tag; at the top it stays there, where the newest or largest is looked for."""
        was_at_top = self.model.line == 0
        change()
        if was_at_top:
            self.model.move_to(0)
        self.changed()
        self.show_line(self.model.line)
        self.post_message(self.Changed(self))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            column = column_at(self._columns, offset.x - len(_MARK))
            if column is not None and column.sorts_by is not None:
                self.sort_by(column.sorts_by)
            event.prevent_default()
        elif event.ctrl and (line := self.line_at(offset.y)) is not None:
            self.model.toggle(self.model.row(line).tag)
            self._marks_changed()
            event.prevent_default()
