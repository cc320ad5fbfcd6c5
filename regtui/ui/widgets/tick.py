"""A checkbox whose state is told by its sign, not by its colour alone."""

from textual.content import Content
from textual.widgets import Checkbox


class Tick(Checkbox):
    """`[x] label` or `[ ] label`."""

    def __init__(self, label: str, *, id: str) -> None:
        super().__init__(label, id=id, compact=True)

    @property
    def _button(self) -> Content:
        return Content("[x]" if self.value else "[ ]").stylize(self.get_visual_style("toggle--button"))
