"""The repository tree: names with slashes as namespaces that fold, a list of visible lines, and a cursor.

A name can be a repository and a namespace at once (`platform/ingress` beside `platform/ingress/controller`).

Held are the names in order, and eight bytes for each line. A node is made when it is looked at: a registry may list
half a million names, each in namespaces of its own.
"""

from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, overload

from regtui.listing import ordered_names

# As many names are shown unfolded.
_FEW: Final = 40
# A line is where its name begins among the names, and its depth below this: a name has fewer parts (255 characters).
_DEPTHS: Final = 256


@dataclass(frozen=True, slots=True)
class Node:
    """One name, or what several have in front. `count`: its tags, None where nobody has looked."""

    name: str
    label: str
    depth: int
    is_repository: bool
    has_children: bool
    count: int | None
    is_expanded: bool

    @property
    def is_empty(self) -> bool:
        """Known to have no tags, and nothing below it."""
        return self.count == 0 and not self.has_children


class RepositoryTree:
    """Lines are numbered from 0. The cursor stays on its name whatever is added, folded or filtered."""

    def __init__(self) -> None:
        self.filter_text = ""
        self.show_hidden = True
        """Whether repositories without tags are shown."""
        self._names: list[str] = []
        self._counts: dict[str, int] = {}
        # Those of `_counts` that are 0: they come last among their neighbours.
        self._empty: set[str] = set()
        self._expanded: set[str] = set()
        # Those that the filter leaves; None where they have to be found anew.
        self._matching: list[str] | None = None
        self._lines = array("Q")
        self._cursor = ""
        self._line = 0

    # -- names

    @property
    def total(self) -> int:
        return len(self._names)

    @property
    def shown(self) -> Sequence[Node]:
        return _Nodes(self)

    def add(self, names: Iterable[str]) -> None:
        """Adds repositories, in any order; those that are there already stay as they are."""
        known = ordered_names.parts(self._names) if len(self._names) <= _FEW else None
        before = len(self._names)
        changed = ordered_names.add(self._names, list(names))
        # A tree that fits a screen is shown unfolded: nobody wants to open three namespaces one by one.
        if known is not None and len(self._names) <= _FEW and len(now := ordered_names.parts(self._names)) < _FEW:
            self._expanded |= now - known
        self._matching = None
        if before and changed == before and self._lines and not self.filter_text and not self._empty:
            self._show_more()
        else:
            self._show()

    def keep(self, names: Collection[str]) -> bool:
        """Only these are there now; whether any went. The cursor stays on its line where its name is gone."""
        kept = set(names)
        left = [name for name in self._names if name in kept]
        if len(left) == len(self._names):
            return False
        cursor, line = self._cursor, self._line
        self._names, self._matching = left, None
        self._counts = {name: count for name, count in self._counts.items() if name in kept}
        self._empty &= kept
        self._show()
        if not self._is_node(cursor):
            self.move_to(line)
        return True

    def names(self) -> list[str]:
        """All repositories, in the tree's order, hidden or not."""
        lines = array("Q")
        _Layout(self._names, self._is_empty if self._empty else None).collect(lines, 0, len(self._names))
        nodes = (_name_at(self._names, line) for line in lines)
        return [name for name in nodes if ordered_names.is_among(self._names, name)]

    def set_count(self, name: str, count: int) -> None:
        """How many tags a repository has: an empty one is sorted last among its neighbours."""
        if self._counts.get(name) == count or not self._is_node(name):
            return
        was_empty = self._is_empty(name)
        self._counts[name] = count
        (self._empty.add if count == 0 else self._empty.discard)(name)
        if self._is_empty(name) is not was_empty:
            self._show()

    def node(self, name: str) -> Node | None:
        """None where there is none of that name."""
        if not self._is_node(name):
            return None
        return Node(
            name,
            name.rpartition("/")[2],
            name.count("/"),
            ordered_names.is_among(self._names, name),
            ordered_names.has_below(self._names, name),
            self._counts.get(name),
            name in self._expanded,
        )

    # -- folding and filter

    def toggle(self, name: str) -> None:
        """Folds or unfolds a namespace; nothing for others."""
        if ordered_names.has_below(self._names, name):
            self.expand(name, name not in self._expanded)

    def expand(self, name: str, expanded: bool = True) -> None:
        (self._expanded.add if expanded else self._expanded.discard)(name)
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
            self.move_to(self.first_repository or 0)

    def set_show_hidden(self, show: bool) -> None:
        self.show_hidden = show
        self._show()

    # -- cursor

    @property
    def cursor(self) -> Node | None:
        return self.node(self._cursor) if self._lines else None

    @property
    def line(self) -> int:
        return self._line

    @property
    def first_repository(self) -> int | None:
        """The first line that is one, which may be far behind namespaces; None where none is shown."""
        visible = self._visible
        for number, line in enumerate(self._lines):
            at, depth = divmod(line, _DEPTHS)
            if visible[at].count("/") == depth:
                return number
            # The filter may leave only what is below it.
            if self._matching is not None and ordered_names.is_among(self._names, self._name_at(number)):
                return number
        return None

    def move_to(self, line: int) -> None:
        """Stops at the ends."""
        if self._lines:
            self._line = min(max(line, 0), len(self._lines) - 1)
            self._cursor = self._name_at(self._line)

    def move_to_parent(self) -> bool:
        """Onto the namespace above; False where there is none."""
        above = self._cursor.rpartition("/")[0]
        return bool(above) and self.select(above)

    def select(self, name: str) -> bool:
        """Puts the cursor on `name`, unfolding what is above; False where it isn't there or is filtered out."""
        if not self._is_node(name):
            return False
        self._expanded |= ordered_names.parts([name]) - {name}
        self._cursor = name
        self._show()
        return bool(self._lines) and self._cursor == name

    # -- within

    def _is_node(self, name: str) -> bool:
        return bool(name) and (ordered_names.is_among(self._names, name) or ordered_names.has_below(self._names, name))

    def _is_empty(self, name: str) -> bool:
        return name in self._empty and not ordered_names.has_below(self._names, name)

    @property
    def _visible(self) -> list[str]:
        """The names that the lines are of."""
        return self._names if self._matching is None else self._matching

    def _name_at(self, line: int) -> str:
        return _name_at(self._visible, self._lines[line])

    def _show(self) -> None:
        words = self.filter_text.lower().split()
        self._matching = self._matched(words) if words else None
        self._lines = array("Q")
        self._layout().collect(self._lines, 0, len(self._visible))
        self._place()

    def _show_more(self) -> None:
        """The same, where names came behind all others: only what is in the last line without any above changes."""
        last = len(self._lines) - 1
        while self._lines[last] % _DEPTHS:
            last -= 1
        start = self._lines[last] // _DEPTHS
        del self._lines[last:]
        self._layout().collect(self._lines, start, len(self._names))
        self._place()

    def _layout(self) -> "_Layout":
        expanded = None if self._matching is not None else self._expanded
        is_empty = self._is_empty if self._empty else None
        return _Layout(self._visible, is_empty, expanded=expanded, show_empty=self.show_hidden)

    def _matched(self, words: Iterable[str]) -> list[str]:
        """The repositories that have all `words` in them."""
        matching = self._names if self._matching is None else self._matching
        for word in words:
            matching = [name for name in matching if word in name or word in name.lower()]
        return matching

    def _place(self) -> None:
        """Finds the cursor's line again; a hidden cursor goes to what is above it, else to the first line."""
        if not self._lines:
            self._line = 0
            return
        name, line = self._cursor, None
        while name and (line := self._line_of(name)) is None:
            name = name.rpartition("/")[0]
        self._line = line or 0
        self._cursor = self._name_at(self._line)

    def _line_of(self, name: str) -> int | None:
        names = self._visible
        at = ordered_names.place(names, name)
        if at == len(names) or not (names[at] == name or names[at].startswith(f"{name}/")):
            return None
        try:
            # In C: much quicker than numbering all lines.
            return self._lines.index(at * _DEPTHS + name.count("/"))
        except ValueError:
            return None


class _Nodes(Sequence[Node]):
    """The lines of a tree, as it is when they are looked at."""

    def __init__(self, tree: RepositoryTree) -> None:
        self._tree = tree

    def __len__(self) -> int:
        return len(self._tree._lines)

    @overload
    def __getitem__(self, at: int) -> Node: ...
    @overload
    def __getitem__(self, at: slice) -> list[Node]: ...
    def __getitem__(self, at: int | slice) -> Node | list[Node]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        node = self._tree.node(self._tree._name_at(at))
        assert node is not None, "a line is of a name that is there"
        return node


class _Layout:
    """Which lines `names` make. `is_empty`: whether nothing is there, None where that is known of no name; those come
    last. `expanded`: what is unfolded, None for all."""

    def __init__(
        self,
        names: Sequence[str],
        is_empty: Callable[[str], bool] | None,
        *,
        expanded: Collection[str] | None = None,
        show_empty: bool = True,
    ) -> None:
        self._names = names
        self._is_empty = is_empty
        self._expanded = expanded
        self._show_empty = show_empty

    def collect(self, lines: "array[int]", low: int, high: int, depth: int = 0, cut: int = 0) -> None:
        """Those of the names from `low` to `high`, which differ from the character `cut` on, their part `depth`."""
        names, late = self._names, array("Q")
        at = low
        while at < high:
            name = names[at]
            slash = name.find("/", cut)
            node = name if slash < 0 else name[:slash]
            end = ordered_names.end(names, node, at, high)
            below = at + (slash < 0)
            is_late = self._is_empty is not None and self._is_empty(node)
            (late if is_late else lines).append(at * _DEPTHS + depth)
            if below < end and (self._expanded is None or node in self._expanded):
                self.collect(lines, below, end, depth + 1, len(node) + 1)
            at = end
        if self._show_empty:
            lines.extend(late)


def _name_at(names: Sequence[str], line: int) -> str:
    at, depth = divmod(line, _DEPTHS)
    name = names[at]
    if name.count("/") == depth:
        return name
    return "/".join(name.split("/", depth + 1)[: depth + 1])
