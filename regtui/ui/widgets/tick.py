"""A checkbox whose state is told by its sign, not by its colour alone."""

from textual import events
from textual.content import Content
from textual.widgets import Checkbox


class Tick(Checkbox):
    """`[x] label` or `[ ] label`."""

    def __init__(self, label: str, *, id: str) -> None:
        super().__init__(label, id=id, compact=True)

    def key_space(self, event: events.Key) -> None:
        """Here and not as a binding: bindings are looked for where the focus is by then, after a tab typed ahead."""
        event.stop()
        event.prevent_default()
        self.toggle()

    @property
    def _button(self) -> Content:
        return Content("[x]" if self.value else "[ ]").stylize(self.get_visual_style("toggle--button"))
