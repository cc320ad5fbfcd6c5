"""Deleting where the manifests would take the registry minutes: they are left, and it is said what that means."""

from collections.abc import Callable

import pytest

from regtui.deletion import cost, journal
from tests.support.screens import COMMON, NOW, SIZES, app_on, keys, target

Compare = Callable[..., bool]

MARKED = (*COMMON, "space", "space", "space", "d")
SCREENS = {
    "plan": MARKED,
    # From the button that has the focus to the tick above it.
    "plan_now": (*MARKED, "shift+tab", "space"),
    "result": (*MARKED, "y"),
    "undo": (*MARKED, "y", "U"),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCREENS)
def test_left(name: str, size: tuple[int, int], snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "utc_now", lambda: NOW)
    # A few tags as slow as ten thousand.
    monkeypatch.setattr(cost, "EACH_TAG", 3.0)
    assert snap_compare(app_on(target()), terminal_size=size, run_before=keys(*SCREENS[name]))
