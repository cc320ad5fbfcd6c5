"""A pane: a border with a title, a body, a line for filtering, and a sentence where there is nothing to show."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input

from regtui.text import clean
from regtui.ui.widgets.lines import Lines


class Pane(Vertical):
    """Holds `body`. `open_filter` opens the line for filtering below it."""

    @dataclass
    class Filtered(Message):
        """The filter's text changed."""

        pane: "Pane"
        text: str

        @property
        def control(self) -> "Pane":
            return self.pane

    @dataclass
    class Entered(Message):
        """The filter was left by enter. What it filters stays filtered."""

        pane: "Pane"
        text: str

        @property
        def control(self) -> "Pane":
            return self.pane

    def __init__(self, body: Lines, *, id: str, placeholder: str = "filter") -> None:
        super().__init__(id=id, classes="pane")
        self.body = body
        self._filter = Input(placeholder=placeholder, compact=True, classes="pane--filter")
        self._filter.cursor_blink = False
        # Only while it is typed into: tab goes from pane to pane, past filters that are kept.
        self._filter.can_focus = False
        self._told = ("", "")
        self._titles: Sequence[str] = ()
        self._repainted: Region | None = None

    def compose(self) -> ComposeResult:
        yield self.body

    def title(self, text: str, subtitle: str = "", *, shorter: Sequence[str] = ()) -> None:
        """Plain text in the border, above and below. Of `text` and what is `shorter`, the first that fits."""
        self._titles = [clean(title) for title in (text, *shorter)]
        before, self._told = self._told, (self._fitting_title(), clean(subtitle))
        above, below = self._told
        if above != before[0]:
            with self._repainting_line(0):
                self.border_title = Content(above)
        if below != before[1]:
            with self._repainting_line(self.outer_size.height - 1):
                self.border_subtitle = Content(below)

    def _fitting_title(self) -> str:
        # Corners, and a blank and a bit of border on both sides.
        room = self.outer_size.width - 6
        return next((title for title in self._titles if cell_len(title) <= room), self._titles[-1])

    def on_resize(self) -> None:
        if self._titles and (title := self._fitting_title()) != self._told[0]:
            self._told = (title, self._told[1])
            self.border_title = Content(title)

    @contextmanager
    def _repainting_line(self, y: int) -> Iterator[None]:
        """For a title Textual repaints all that is within the border: how far reading is changes each second."""
        self._repainted = Region(0, y, self.outer_size.width, 1).translate(-self.content_offset)
        try:
            yield
        finally:
            self._repainted = None

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        if self._repainted is not None:
            regions = (self._repainted,)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def tell(self, text: str, *, is_error: bool = False) -> None:
        """A sentence instead of the lines; an empty one shows them again."""
        self.body.tell(text, is_error=is_error)

    def focus(self, scroll_visible: bool = True) -> "Pane":
        self.body.focus(scroll_visible)
        return self

    @property
    def is_filtering(self) -> bool:
        return self._filter.has_focus

    @property
    def filter_text(self) -> str:
        return self._filter.value

    def open_filter(self) -> None:
        if not self._filter.is_attached:
            # Three of them were a twentieth of the browser's first frame, and most are never opened.
            self.mount(self._filter)
        self._filter.display = True
        self._filter.can_focus = True
        self._filter.focus()

    def paste(self, text: str) -> None:
        """What was pasted into the lines, a line of it, is what to filter by: it is nobody's keys. A slash before it is
        the one that opens the filter."""
        if line := next(iter(text.strip().splitlines()), ""):
            self.open_filter()
            self._filter.value = clean(line.removeprefix("/"))
            self._filter.cursor_position = len(self._filter.value)

    def suggest(self, texts: Sequence[str]) -> None:
        """What is completed while it is typed; → takes it."""
        self._filter.suggester = SuggestFromList(texts, case_sensitive=False) if texts else None

    def clear_filter(self) -> None:
        """Closes it, and everything is shown again."""
        had = bool(self._filter.value)
        self._filter.value = ""
        self._close_filter()
        if had:
            self.post_message(self.Filtered(self, ""))

    def _close_filter(self) -> None:
        self._filter.display = bool(self._filter.value)
        if self._filter.has_focus:
            self.body.focus()

    def on_descendant_blur(self) -> None:
        """Left by tab or by a click; not where the terminal's window lost the focus: then it comes back here."""
        if self._filter.can_focus and not self._filter.has_focus and self.app.app_focus:
            self._filter.can_focus = False
            self._close_filter()

    def on_click(self, event: events.Click) -> None:
        if event.widget is self._filter:
            self.open_filter()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Filtered(self, event.value))

    @on(Input.Submitted)
    def _kept(self, event: Input.Submitted) -> None:
        event.stop()
        self._close_filter()
        self.post_message(self.Entered(self, event.value))
