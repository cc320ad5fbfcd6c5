"""How tests that run alike in several ways are chosen from: one of them is left, and each way has its part."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.support import alike


@pytest.fixture(autouse=True)
def _chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where all tests run."""
    monkeypatch.setattr(alike, "_ALL", False)


class Item:
    """As pytest's, as far as it is looked at."""

    def __init__(self, name: str, marks: dict[str, SimpleNamespace], ways: dict[str, str] | None) -> None:
        self.nodeid = name
        self.get_closest_marker = marks.get
        self.callspec = SimpleNamespace(params=ways) if ways else None


def item(name: str, *marks: str, ways: dict[str, str] | None = None, names: tuple[str, ...] = ()) -> pytest.Item:
    """One test; `names`: what its mark `alike` names of its `ways`."""
    found = dict.fromkeys(marks, SimpleNamespace(args=())) | ({"alike": SimpleNamespace(args=names)} if names else {})
    return cast("pytest.Item", Item(name, found, ways))


def left(items: list[pytest.Item]) -> list[str]:
    told: list[pytest.Item] = []
    hook = SimpleNamespace(pytest_deselected=lambda items: told.extend(items))
    before = list(items)
    alike.choose(cast("pytest.Config", cast("Any", SimpleNamespace(hook=hook))), items)
    if told:
        assert {id(each) for each in (*items, *told)} == {id(each) for each in before}
    return [each.nodeid for each in items]


@pytest.mark.parametrize("ways", [("podman", "engine"), ("2.8.2", "3.1.1")])
def test_of_two_ways_one_is_left_and_both_have_their_part(ways: tuple[str, str]) -> None:
    items = [
        item(f"tests/integration/a.py::test_{number}[{way}-x]", "integration") for number in range(40) for way in ways
    ]
    names = left(items)
    assert sorted({name.partition("[")[0] for name in names}) == sorted(name.partition("[")[0] for name in names)
    assert len(names) == 40
    assert all(any(way in name for name in names) for way in ways)


def test_it_is_always_the_same_one() -> None:
    def made() -> list[pytest.Item]:
        return [item(f"tests/integration/a.py::test_1[{way}]", "integration") for way in ("2.8.2", "3.1.1")]

    assert left(made()) == left(made())


@pytest.mark.parametrize("mark", ["each_runtime", "each_version"])
def test_those_that_are_marked_run_in_each(mark: str) -> None:
    ways = ("podman", "engine") if mark == "each_runtime" else ("2.8.2", "3.1.1")
    assert len(left([item(f"a.py::test[{way}]", "integration", mark) for way in ways])) == 2


def test_elsewhere_only_what_says_that_it_is_alike_is_chosen_from() -> None:
    assert len(left([item(f"tests/unit/a.py::test[{way}]") for way in ("2.8.2", "3.1.1")])) == 2
    shells = [
        item(f"tests/unit/a.py::test[{shell}-{what}]", ways={"shell": shell, "what": what}, names=("shell",))
        for shell in ("dash", "busybox")
        for what in ("one", "two")
    ]
    names = left(shells)
    assert sorted(name.rpartition("-")[2] for name in names) == ["one]", "two]"]


def test_with_everything_all_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [item(f"a.py::test[{way}]", "integration") for way in ("2.8.2", "3.1.1")]
    monkeypatch.setattr(alike, "_ALL", True)
    assert len(left(items)) == 2
