"""The log of requests: what was asked of the registry, what it answered, how long that took."""

import time
from collections.abc import Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from regtui.registry.exchanges import Exchange, RequestLog
from regtui.registry.probing import is_probe
from regtui.text import clean, plural, size
from regtui.ui.widgets.hints import Hints
from regtui.ui.widgets.lines import Lines
from regtui.ui.widgets.pane import Pane

# Seconds between two looks at the log: each is bytes over SSH.
_INTERVAL: Final = 0.5


def matching(exchanges: Sequence[Exchange], text: str) -> list[Exchange]:
    """Those with every word of `text` in method, status or URL, in any case. `failed` finds what had no answer."""
    words = text.lower().split()
    if not words:
        return list(exchanges)
    return [each for each in exchanges if all(word in _told(each) for word in words)]


def _told(exchange: Exchange) -> str:
    return f"{exchange.method} {_status(exchange)} {exchange.url}".lower()


def _status(exchange: Exchange) -> str:
    return "failed" if exchange.status is None else str(exchange.status)


_QUESTION: Final = "asks whether it may: there is no such thing"


def duration(seconds: float) -> str:
    """`3 ms`, `1.24 s`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


class RequestLines(Lines):
    """A line for each, the last one last. `base`: the registry's own URL, which goes without saying."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"requests--refused", "requests--dim"}
    DEFAULT_CSS = """
    RequestLines > .requests--refused { color: $text-warning; }
    RequestLines > .requests--dim { text-style: dim; }
    """

    def __init__(self, base: str) -> None:
        super().__init__()
        self.has_header = True
        self._base = base.rstrip("/")
        self._exchanges: Sequence[Exchange] = ()
        self.follows = True
        """Whether the last one is in view: only then the lines move on with the log."""

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.follows = self.scroll_offset.y + self.page_size >= self.line_count()

    def on_resize(self) -> None:
        # What was the end before isn't any more.
        if self.follows:
            self.scroll_end(animate=False)

    def show(self, exchanges: Sequence[Exchange]) -> None:
        """And the last one is scrolled to."""
        self._exchanges, self.follows = exchanges, True
        self.lines_changed()
        # Not at once: how far it can be scrolled is known after the layout.
        self.scroll_end(animate=False)

    def line_count(self) -> int:
        return len(self._exchanges)

    def header(self, width: int) -> Text:
        return Text(f"{'TIME':<12}  {'METHOD':<6}  {'STATUS':<6}  {'BYTES':>7}  {'DURATION':>8}  PATH", no_wrap=True)

    def line(self, number: int, width: int) -> Text:
        each = self._exchanges[number]
        moment = f"{time.strftime('%H:%M:%S', time.localtime(each.began))}.{each.began % 1 * 1000:03.0f}"[:12]
        is_refused = each.status is None or each.status >= 400
        style = self.get_component_rich_style("requests--refused" if is_refused else "requests--dim", partial=True)
        text = Text(f"{moment:<12}  {each.method:<6}  ", no_wrap=True)
        text.append(f"{_status(each):<6}", style)
        text.append(f"  {size(each.size):>7}  {duration(each.seconds):>8}  ")
        path = clean(each.url.removeprefix(self._base) if each.url.startswith(f"{self._base}/") else each.url)
        room = width - text.cell_len
        note = f"  {_QUESTION}" if is_probe(each.url) else ""
        room -= len(note)
        # Its end tells more than its beginning.
        text.append(path if len(path) <= room else f"…{path[-max(room - 1, 1) :]}")
        return text.append(note, self.get_component_rich_style("requests--dim", partial=True))


class RequestsScreen(Screen[None]):
    """`esc` closes it. While the last line is in view it moves on with the log; scrolled up it stands still."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False, id="requests.back"),
        Binding("exclamation_mark", "close", "close", show=False, id="requests.close"),
        Binding("slash", "filter", "filter", show=False, id="requests.filter"),
    ]

    def __init__(self, log: RequestLog, registry: str, base: str) -> None:
        """`registry`: how it is called. `base`: its URL."""
        super().__init__()
        self._log = log
        self._registry = registry
        self._lines = RequestLines(base)
        self._pane = Pane(self._lines, id="requests")
        self._seen = -1

    def compose(self) -> ComposeResult:
        yield self._pane
        yield Hints(("esc", "back"), ("/", "filter"), ("G", "the last, and go on with them"), ("g", "the first kept"))

    def on_mount(self) -> None:
        self._lines.focus()
        self.call_after_refresh(self._show)
        self.set_interval(_INTERVAL, self._look)

    def _look(self) -> None:
        if self._log.total != self._seen and self._lines.follows:
            self._show()
        elif self._log.total != self._seen:
            self._title()

    def _show(self) -> None:
        self._seen = self._log.total
        found = matching(self._log.latest(), self._pane.filter_text)
        self._lines.show(found)
        self._lines.tell("" if found else "No request matches." if self._seen else "No request was sent yet.")
        self._title()

    def _title(self) -> None:
        shown = self._lines.line_count()
        kept = f", the last {shown:,} shown" if shown < self._seen and not self._pane.filter_text else ""
        matched = f", {shown:,} match" if self._pane.filter_text else ""
        self._pane.title(
            f"Requests to {self._registry} · {self._seen:,}{kept}{matched}",
            f"{plural(new, 'new one')}: G shows them" if (new := self._log.total - self._seen) else "",
        )

    @on(Pane.Filtered)
    def _filtered(self) -> None:
        self._show()

    def on_paste(self, event: events.Paste) -> None:
        self._pane.paste(event.text)

    def action_filter(self) -> None:
        self._pane.open_filter()

    def action_back(self) -> None:
        if self._pane.is_filtering or self._pane.filter_text:
            self._pane.clear_filter()
        else:
            self.dismiss()

    def action_close(self) -> None:
        self.dismiss()
