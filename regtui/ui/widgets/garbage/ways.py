"""How pushes are kept out: one of several, on one line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from regtui.garbage.words import KEEP_OUT
from regtui.host.keep_out import KeepOut


class Ways(Widget, can_focus=True):
    """`Keep pushes out: (•) stop  ( ) don't`; left and right choose."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,space", "choose(1)", "next way", show=False, id="ways.next"),
        Binding("left,h", "choose(-1)", "previous way", show=False, id="ways.previous"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"ways--focused"}
    DEFAULT_CSS = """
    Ways { height: 1; }
    Ways > .ways--focused { background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold; }
    """
    _LABEL: ClassVar[str] = "Keep pushes out: "

    @dataclass
    class Changed(Message):
        """Another way was chosen."""

        way: KeepOut

    def __init__(self) -> None:
        super().__init__(id="ways")
        self._ways: Sequence[KeepOut] = (KeepOut.STOP,)
        self.way = KeepOut.STOP

    def offer(self, ways: Sequence[KeepOut]) -> None:
        """The first is chosen, unless what is chosen is among them."""
        self._ways = ways
        if ways and self.way not in ways:
            self.way = ways[0]
        self.refresh()

    def render(self) -> Text:
        text = Text(self._LABEL, no_wrap=True)
        focused = self.get_component_rich_style("ways--focused", partial=True) if self.has_focus else ""
        for way in self._ways:
            chosen = way is self.way
            text.append(self._words(way), focused if chosen else "").append("  ")
        return text

    def _words(self, way: KeepOut) -> str:
        return f"({'•' if way is self.way else ' '}) {KEEP_OUT[way]}"

    def action_choose(self, steps: int) -> None:
        at = self._ways.index(self.way)
        self._choose(self._ways[(at + steps) % len(self._ways)])

    def _choose(self, way: KeepOut) -> None:
        if way is not self.way:
            self.way = way
            self.refresh()
            self.post_message(self.Changed(way))

    def on_click(self, event: events.Click) -> None:
        start = len(self._LABEL)
        for way in self._ways:
            end = start + len(self._words(way))
            if start <= event.x < end:
                self._choose(way)
            start = end + 2

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
