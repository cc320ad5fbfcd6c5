"""The tree of repositories, drawn over its model."""

from collections.abc import Collection
from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType

from regtui.listing.repositories import RepositoryTree
from regtui.text import clean
from regtui.ui.widgets.lines import CursorLines

_INDENT: Final = "  "


class RepositoryLines(CursorLines):
    """Namespaces fold. `Chosen` is posted for repositories alone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right,l", "open", "open", show=False, id="repositories.open"),
        Binding("left,h", "fold", "fold", show=False, id="repositories.fold"),
        Binding("space", "fold_or_unfold", "fold or unfold", show=False, id="repositories.toggle"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"repositories--dim"}
    DEFAULT_CSS = "RepositoryLines > .repositories--dim { text-style: dim; }"

    def __init__(self) -> None:
        super().__init__()
        self.model = RepositoryTree()

    def line_count(self) -> int:
        return len(self.model.shown)

    def cursor_line(self) -> int:
        return self.model.line

    def put_cursor(self, line: int) -> None:
        self.model.move_to(line)

    def line(self, number: int, width: int) -> Text:
        node = self.model.shown[number]
        sign = ("▾ " if node.is_expanded or self.model.filter_text else "▸ ") if node.has_children else "  "
        dim = self.get_component_rich_style("repositories--dim", partial=True)
        style = dim if node.is_empty or not node.is_repository else ""
        text = Text(_INDENT * node.depth + sign + clean(node.label), style, no_wrap=True)
        count = f"{node.count:,} " if node.count is not None else ""
        text.truncate(max(width - len(count) - 1, 1), overflow="ellipsis", pad=True)
        return text.append(" ").append(count, dim)

    def action_open(self) -> None:
        """A repository is opened; a namespace unfolds, and where it's open already, folds."""
        node = self.model.cursor
        if node is not None and node.is_repository:
            self.post_message(self.Chosen(self))
        else:
            self.action_fold_or_unfold()

    def action_fold_or_unfold(self) -> None:
        node = self.model.cursor
        if node is not None:
            self.model.toggle(node.name)
            self.lines_changed()

    def action_fold(self) -> None:
        """Folds, or goes to the namespace above."""
        node = self.model.cursor
        if node is None:
            return
        if node.has_children and node.is_expanded:
            self.model.expand(node.name, False)
        elif self.model.move_to_parent():
            self.post_message(self.CursorMoved(self))
        self.lines_changed()
        self.show_line(self.model.line)

    def on_click(self, event: events.Click) -> None:
        """A repository opens; a namespace folds and unfolds, one that is a repository too on its sign."""
        offset = event.get_content_offset(self)
        number = self.line_at(offset.y) if offset is not None else None
        if offset is None or number is None:
            return
        node = self.model.shown[number]
        is_on_sign = offset.x // len(_INDENT) == node.depth
        # The base class moves there after this, and opens on the second click of a double one: that is done already.
        event.prevent_default()
        self.move_cursor(number)
        if node.has_children and (is_on_sign or not node.is_repository):
            self.model.toggle(node.name)
            self.lines_changed()
        elif node.is_repository:
            self.post_message(self.Chosen(self))

    def changed(self) -> None:
        """The model changed by other hands."""
        self.lines_changed()
        self.show_line(self.model.line)

    def keep(self, names: Collection[str]) -> None:
        """After a reload: only these are there now. What was folded, counted and current stays so."""
        if self.model.keep(names):
            self.changed()
