"""The repository tree: folds, filter, and a cursor that stays on its name."""

from hypothesis import given
from hypothesis import strategies as st

from regtui.listing.repositories import RepositoryTree

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


PART = st.sampled_from(["a", "b", "c0", "1d"])


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
    assert not tree.shown or tree.shown[tree.line] is tree.cursor
