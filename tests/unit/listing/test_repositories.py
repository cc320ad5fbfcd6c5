"""The repository tree: folds, filter, and a cursor that stays on its name."""

import tracemalloc
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from regtui.listing.repositories import Node, RepositoryTree

NAMES = ["a/b/c", "a/b", "node", "node/18", "z", "a/x"]


def lines(tree: RepositoryTree) -> list[str]:
    return [node.name for node in tree.shown]


def test_a_name_can_be_repository_and_namespace_at_once() -> None:
    tree = RepositoryTree()
    tree.add(NAMES)
    assert lines(tree) == ["a", "a/b", "a/b/c", "a/x", "node", "node/18", "z"]
    assert tree.total == 6
    node, namespace = tree.node("node"), tree.node("a")
    assert node is not None
    assert namespace is not None
    assert node.is_repository
    assert not namespace.is_repository


def test_a_large_tree_begins_folded_and_a_small_one_open() -> None:
    tree = RepositoryTree()
    tree.add([f"space{number}/repository" for number in range(100)])
    assert len(tree.shown) == 100
    tree.toggle("space7")
    assert len(tree.shown) == 101


def test_the_cursor_stays_on_its_name_while_pages_arrive_and_while_folding() -> None:
    tree = RepositoryTree()
    tree.add(["m/one", "m/two"])
    tree.select("m/two")
    tree.add(["a", "b", "m/a"])
    assert tree.cursor is not None
    assert (tree.cursor.name, tree.shown[tree.line].name) == ("m/two", "m/two")
    tree.toggle("m")
    assert tree.shown[tree.line].name == "m"


def test_the_filter_unfolds_what_matches_and_goes_to_the_first_repository() -> None:
    tree = RepositoryTree()
    tree.add(NAMES)
    tree.toggle("a")
    tree.filter("B c")
    assert lines(tree) == ["a", "a/b", "a/b/c"]
    assert tree.cursor is not None
    assert tree.cursor.name == "a/b"
    tree.filter("")
    assert "z" in lines(tree)


def test_repositories_without_tags_come_last_and_can_be_hidden() -> None:
    tree = RepositoryTree()
    tree.add(["a", "b", "c"])
    tree.set_count("a", 0)
    assert lines(tree) == ["b", "c", "a"]
    tree.set_show_hidden(False)
    assert lines(tree) == ["b", "c"]


def test_selecting_unfolds_what_is_above() -> None:
    tree = RepositoryTree()
    tree.add([f"space{number}/deep/repository" for number in range(50)])
    assert tree.select("space9/deep/repository")
    assert not tree.select("nowhere")
    assert tree.shown[tree.line].name == "space9/deep/repository"


@dataclass
class Plain:
    """A node of a tree that is made of nodes: what the lines of the other one should be."""

    name: str = ""
    is_repository: bool = False
    below: dict[str, "Plain"] = field(default_factory=dict)

    def lines(self, tree: RepositoryTree, sought: Collection[str] | None, empty: Collection[str]) -> list[Node]:
        found: list[Node] = []
        ordered = sorted(self.below.items(), key=lambda one: (one[1].name in empty and not one[1].below, one[0]))
        for label, node in ordered:
            if sought is not None and not any(name == node.name or name.startswith(f"{node.name}/") for name in sought):
                continue
            made = tree.node(node.name)
            assert made is not None
            assert (made.label, made.depth) == (label, node.name.count("/"))
            assert (made.is_repository, made.has_children) == (node.is_repository, bool(node.below))
            if tree.show_hidden or not made.is_empty:
                found.append(made)
            if sought is not None or made.is_expanded:
                found += node.lines(tree, sought, empty)
        return found


def plain(names: Iterable[str]) -> Plain:
    root = Plain()
    for name in names:
        node = root
        for label in name.split("/"):
            node = node.below.setdefault(label, Plain(f"{node.name}/{label}".lstrip("/")))
        node.is_repository = True
    return root


PART = st.sampled_from(["a", "b", "a-b", "a.b", "a0", "c0", "1d"])
NAME = st.lists(PART, min_size=1, max_size=4).map("/".join)
STEP = st.one_of(
    st.tuples(st.just("add"), st.lists(NAME, max_size=15)),
    st.tuples(st.just("keep"), st.lists(NAME, max_size=15)),
    st.tuples(st.sampled_from(["toggle", "select", "empty", "full"]), NAME),
    st.tuples(st.just("filter"), st.text("ab01d/- ", max_size=4)),
    st.tuples(st.just("hidden"), st.booleans()),
)


@example(steps=[("add", ["a"]), ("filter", "0"), ("select", "a")])
@given(st.lists(STEP, max_size=12))
def test_the_lines_are_those_of_a_tree_made_of_nodes(steps: list[tuple[str, Any]]) -> None:
    tree = RepositoryTree()
    names: set[str] = set()
    empty: set[str] = set()
    for step, value in steps:
        cursor = tree.cursor
        match step:
            case "add":
                tree.add(value)
                names |= set(value)
            case "keep":
                assert tree.keep(value) == bool(names - set(value))
                names &= set(value)
                empty &= names
            case "filter":
                tree.filter(value)
            case "hidden":
                tree.set_show_hidden(value)
            case "toggle":
                tree.toggle(value)
            case "select":
                assert not tree.select(value) or (tree.cursor is not None and tree.cursor.name == value)
            case "empty" | "full" if value in names:
                tree.set_count(value, step == "full")
                (empty.add if step == "empty" else empty.discard)(value)
        words = tree.filter_text.split()
        sought = {name for name in names if all(word in name for word in words)} if words else None
        assert list(tree.shown) == plain(names).lines(tree, sought, empty)
        assert sorted(tree.names()) == sorted(names)
        assert tree.total == len(names)
        firsts = [line for line, node in enumerate(tree.shown) if node.is_repository]
        assert tree.first_repository == next(iter(firsts), None)
        assert not tree.shown or tree.shown[tree.line] == tree.cursor
        still = tree.node(cursor.name) if cursor is not None else None
        if step in ("add", "empty", "full", "hidden") and still is not None and still in list(tree.shown):
            assert tree.cursor == still


def test_namespaces_cost_next_to_nothing_besides_their_names() -> None:
    names = [f"{number:05d}/b/c/d/e/f/g/h/i/j" for number in range(5_000)]
    tracemalloc.start()
    try:
        tree = RepositoryTree()
        for start in range(0, len(names), 1_000):
            tree.add(names[start : start + 1_000])
        assert len(tree.shown) == len(names)
        tree.filter("j")
        assert len(tree.shown) == 10 * len(names)
        assert tracemalloc.get_traced_memory()[1] < 200 * len(names)
    finally:
        tracemalloc.stop()


@given(st.lists(st.lists(PART, min_size=1, max_size=4).map("/".join), max_size=30), st.text("abc01d/ ", max_size=4))
def test_every_repository_is_listed_once_whatever_the_order_and_the_filter(names: list[str], text: str) -> None:
    tree = RepositoryTree()
    for name in names:
        tree.add([name])
    assert sorted(tree.names()) == sorted(set(names))
    assert tree.total == len(set(names))
    tree.filter(text)
    words = text.split()
    shown = {node.name for node in tree.shown if node.is_repository}
    assert shown >= {name for name in names if words and all(word in name for word in words)}
    assert not tree.shown or tree.shown[tree.line] == tree.cursor
