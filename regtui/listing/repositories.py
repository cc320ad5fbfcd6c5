"""The repository tree: names with slashes as namespaces that fold, a list of visible lines, and a cursor.

A name can be a repository and a namespace at once (`platform/ingress` beside `platform/ingress/controller`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

# As many names are shown unfolded.
_FEW: Final = 40


@dataclass(slots=True, eq=False)
class Node:
    """One name, or one part of several. `count`: its tags, None where nobody has looked. Only the tree changes it."""

    name: str
    folded: str
    """The name in lower case, for the filter; mostly the same object."""
    label: str
    depth: int
    parent: "Node | None"
    is_repository: bool = False
    count: int | None = None
    is_expanded: bool = False
    children: dict[str, "Node"] = field(default_factory=dict)
    ordered: list["Node"] | None = None
    """The children in order; None where it has to be made anew."""

    @property
    def is_empty(self) -> bool:
        """Known to have no tags, and nothing below it."""
        return self.count == 0 and not self.children


class RepositoryTree:
    """Lines are numbered from 0. The cursor stays on its name whatever is added, folded or filtered."""

    def __init__(self) -> None:
        self.shown: Sequence[Node] = []
        self.filter_text = ""
        self.show_hidden = True
        """Whether repositories without tags are shown."""
        self.total = 0
        self._root = Node("", "", "", -1, None, is_expanded=True)
        self._nodes: dict[str, Node] = {"": self._root}
        # All nodes in order, and of these the repositories that match; None where they have to be found anew.
        self._all: list[Node] | None = None
        self._matching: list[Node] | None = None
        self._cursor: Node | None = None
        self._line = 0

    # -- names

    def add(self, names: Iterable[str]) -> None:
        """Adds repositories, in any order; those that are there already stay as they are."""
        before = len(self._nodes)
        for name in names:
            node = self._node(name)
            if not node.is_repository:
                node.is_repository = True
                self.total += 1
        # A tree that fits a screen is shown unfolded: nobody wants to open three namespaces one by one.
        if len(self._nodes) <= _FEW:
            for node in list(self._nodes.values())[before:]:
                node.is_expanded = True
        self._show()

    def names(self) -> list[str]:
        """All repositories, in the tree's order, hidden or not."""
        return [node.name for node in self._everything() if node.is_repository]

    def set_count(self, name: str, count: int) -> None:
        """How many tags a repository has: an empty one is sorted last among its neighbours."""
        node = self._nodes.get(name)
        if node is None or node.count == count:
            return
        was_empty, node.count = node.is_empty, count
        if node.is_empty is not was_empty:
            self._disorder(_above(node))
            self._show()

    def node(self, name: str) -> Node | None:
        return self._nodes.get(name)

    # -- folding and filter

    def toggle(self, name: str) -> None:
        """Folds or unfolds a namespace; nothing for others."""
        node = self._nodes.get(name)
        if node is not None and node.children:
            self.expand(name, not node.is_expanded)

    def expand(self, name: str, expanded: bool = True) -> None:
        self._nodes[name].is_expanded = expanded
        self._show()

    def filter(self, text: str) -> None:
        """Shows the repositories that have every word of `text` in their name, unfolded; all for an empty text."""
        # Another letter only takes repositories away: then what matches is all there is to look through.
        if not (self.filter_text and text.startswith(self.filter_text)):
            self._matching = None
        self.filter_text = text
        self._show()
        node = self.cursor
        if text and node is not None and not node.is_repository:
            self.move_to(next((line for line, node in enumerate(self.shown) if node.is_repository), 0))

    def set_show_hidden(self, show: bool) -> None:
        self.show_hidden = show
        self._show()

    # -- cursor

    @property
    def cursor(self) -> Node | None:
        return self._cursor if self.shown else None

    @property
    def line(self) -> int:
        return self._line

    def move_to(self, line: int) -> None:
        """Stops at the ends."""
        if self.shown:
            self._line = min(max(line, 0), len(self.shown) - 1)
            self._cursor = self.shown[self._line]

    def move_to_parent(self) -> bool:
        """Onto the namespace above; False where there is none."""
        if self._cursor is None or self._cursor.depth == 0:
            return False
        return self.select(_above(self._cursor).name)

    def select(self, name: str) -> bool:
        """Puts the cursor on `name`, unfolding what is above; False where it isn't there or is filtered out."""
        node = self._nodes.get(name)
        if node is None or node is self._root:
            return False
        above = _above(node)
        while above is not self._root:
            above.is_expanded = True
            above = _above(above)
        self._cursor = node
        self._show()
        return self._cursor is node

    # -- within

    def _node(self, name: str) -> Node:
        node = self._nodes.get(name)
        if node is None:
            above, _, label = name.rpartition("/")
            parent = self._node(above)
            folded = name.lower()
            node = Node(name, name if folded == name else folded, label, parent.depth + 1, parent)
            parent.children[label] = node
            self._disorder(parent)
            self._nodes[name] = node
        return node

    def _disorder(self, parent: Node) -> None:
        """Its children came, or change their places."""
        parent.ordered = self._all = self._matching = None

    def _show(self) -> None:
        words = self.filter_text.lower().split()
        shown = self._filtered(words) if words else self._below(self._root, lambda node: node.is_expanded)
        self.shown = shown if self.show_hidden else [node for node in shown if not node.is_empty]
        self._place()

    def _filtered(self, words: Iterable[str]) -> list[Node]:
        """The repositories that have all `words` in them, and what is above these."""
        everything = self._everything()
        matching = self._matching
        if matching is None:
            matching = [node for node in everything if node.is_repository]
        for word in words:
            matching = [node for node in matching if word in node.folded]
        self._matching = matching
        wanted = {self._root, *matching}
        for node in matching:
            above = _above(node)
            while above not in wanted:
                wanted.add(above)
                above = _above(above)
        return [node for node in everything if node in wanted]

    def _everything(self) -> list[Node]:
        if self._all is None:
            self._all = self._below(self._root, lambda _: True)
        return self._all

    def _below(self, node: Node, goes_into: Callable[[Node], bool]) -> list[Node]:
        below: list[Node] = []
        self._collect(node, goes_into, below)
        return below

    def _collect(self, node: Node, goes_into: Callable[[Node], bool], into: list[Node]) -> None:
        if node.ordered is None:
            node.ordered = sorted(node.children.values(), key=_place_among_children)
        for child in node.ordered:
            into.append(child)
            if child.children and goes_into(child):
                self._collect(child, goes_into, into)

    def _place(self) -> None:
        """Finds the cursor's line again; a hidden cursor goes to what is above it, else to the first line."""
        if not self.shown:
            self._line = 0
            return
        node = self._cursor
        while node is not None and node is not self._root:
            # By identity, in C: much quicker than numbering all lines.
            if node in self.shown:
                break
            node = node.parent
        is_shown = node is not None and node is not self._root
        self._line = self.shown.index(node) if is_shown and node is not None else 0
        self._cursor = self.shown[self._line]


def _above(node: Node) -> Node:
    assert node.parent is not None, "the root is never shown"
    return node.parent


def _place_among_children(node: Node) -> tuple[bool, str]:
    return node.count == 0 and not node.children, node.label
