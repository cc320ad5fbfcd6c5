"""Two images compared: what one has and the other hasn't."""

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from regtui.errors import RegtuiError
from regtui.listing.compare import Change, Comparison, LayerLine, PlatformComparison, Side, compare
from regtui.text import clean, one_line, plural, size, size_range, time_utc
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.widgets.details.drawing import DIM, HEADING, WRONG, prose, wrapped
from regtui.ui.widgets.hints import Hints
from regtui.ui.widgets.lines import Lines
from regtui.ui.widgets.pane import Pane

# The signs say it; the colours only say it again.
_STYLES: Final = {Side.BOTH: DIM, Side.LEFT: "red", Side.RIGHT: "green"}


def lines_of(found: Comparison, width: int) -> list[Text]:
    """The whole comparison."""
    left, right = found.left, found.right
    lines = [
        _both("", f"- {left.reference}", f"+ {right.reference}", width, HEADING),
        _both("digest", left.digest.short, right.digest.short, width),
        _both("created", time_utc(left.created), time_utc(right.created), width),
        _both("pull size", size_range(left.pull_size), size_range(right.pull_size), width),
    ]
    if found.is_same:
        return [*lines, Text(), Text("They are the same manifest, to the byte.")]
    for platform in found.platforms:
        lines += [Text(), *_platform(platform, width)]
    if not found.platforms:
        lines += [Text(), Text("Neither has a platform to compare.")]
    return lines


def _both(label: str, left: str, right: str, width: int, style: str = "") -> Text:
    room = max((width - 12) // 2, 8)
    cells = [clean(one_line(text)) for text in (left, right)]
    cut = [text if len(text) < room else f"{text[: room - 2]}…" for text in cells]
    return Text(f"{label:<12}", DIM, no_wrap=True).append(f"{cut[0]:<{room}}{cut[1]}", style)


def _platform(platform: PlatformComparison, width: int) -> list[Text]:
    lines = [Text(clean(platform.name), HEADING, no_wrap=True)]
    for side, image in (("left", platform.left), ("right", platform.right)):
        if image is None:
            sign = Side.RIGHT if side == "left" else Side.LEFT
            return [*lines, Text(f"{sign.value} only here", _STYLES[sign])]
        if image.error:
            lines += prose(f"! {image.error}", width, WRONG)
    if platform.is_same:
        return [*lines, Text("= the same manifest", DIM)]
    return [*lines, *_layers(platform, width), *_changes(platform.changes, width)]


def _layers(platform: PlatformComparison, width: int) -> list[Text]:
    """Those that differ, each; those that don't, in one line."""
    if not platform.layers:
        return []
    shared = f"= {plural(platform.count(Side.BOTH), 'layer')} shared, {size(platform.size(Side.BOTH))}"
    lines = [Text(shared, DIM, no_wrap=True)] if platform.count(Side.BOTH) else [Text("No layer is shared.")]
    lines += [_layer(line, width) for line in platform.layers if line.side is not Side.BOTH]
    return lines


def _layer(line: LayerLine, width: int) -> Text:
    layer = line.layer
    text = f"{line.side.value} {layer.digest.short}  {size(layer.size):>7}  {one_line(clean(layer.made_by))}"
    return Text(text, _STYLES[line.side], no_wrap=True)


def _changes(changes: Sequence[Change], width: int) -> list[Text]:
    if not changes:
        return [Text("They are run in the same way.", DIM)]
    lines: list[Text] = []
    for change in changes:
        for side, value in ((Side.LEFT, change.left), (Side.RIGHT, change.right)):
            if value is not None:
                lines += wrapped(f"{side.value} {change.name}: {one_line(value)}", width, _STYLES[side])
    return lines


class ComparisonLines(Lines):
    """Drawn anew for each width."""

    def __init__(self) -> None:
        super().__init__()
        self._found: Comparison | None = None
        self._drawn: list[Text] = []
        self._width = -1

    def show(self, found: Comparison) -> None:
        self._found, self._width = found, -1
        self._draw()

    def _draw(self) -> None:
        # With room for the scrollbar, whether it is there or not.
        width = self.size.width - 1
        if self._found is not None and width != self._width:
            self._width = width
            self._drawn = lines_of(self._found, width)
            self.lines_changed()

    def on_resize(self) -> None:
        self._draw()

    def line_count(self) -> int:
        return len(self._drawn)

    def line(self, number: int, width: int) -> Text:
        return self._drawn[number].copy()


class CompareScreen(Screen[None]):
    """Two references of a repository, the older one to the left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,equals_sign", "back", "back", show=False, id="compare.back"),
        Binding("r", "reload", "read again", show=False, id="compare.reload"),
        Binding("s", "swap", "swap the sides", show=False, id="compare.swap"),
    ]

    def __init__(self, registry: OpenRegistry, repository: str, left: str, right: str) -> None:
        super().__init__()
        self._session, self._thread = registry.session, registry.thread
        self._repository = repository
        self._sides = (left, right)
        self._lines = ComparisonLines()
        self._pane = Pane(self._lines, id="compare")

    def compose(self) -> ComposeResult:
        yield self._pane
        yield Hints(
            ("esc", "back"), ("s", "swap the sides"), ("r", "read again"), ("-", "left only"), ("+", "right only")
        )

    def on_mount(self) -> None:
        self._lines.focus()
        self.load()

    @work(exclusive=True, group="compare")
    async def load(self) -> None:
        left, right = self._sides
        self._pane.title(f"{self._repository}: {left} and {right}", "reading …")
        try:
            details = [await self._thread.call(self._session.details, self._repository, each) for each in self._sides]
        except RegtuiError as error:
            self._pane.title(f"{self._repository}: {left} and {right}")
            self._pane.tell(f"{error}\n\nr: try again · esc: back", is_error=True)
            return
        self._pane.tell("")
        self._lines.show(compare(*details))
        self._pane.title(f"{self._repository}: {left} and {right}")

    async def action_reload(self) -> None:
        await self._thread.call(self._session.forget, self._repository)
        self.load()

    def action_swap(self) -> None:
        self._sides = (self._sides[1], self._sides[0])
        self.load()

    def action_back(self) -> None:
        self.dismiss()
