"""Adding a tag at two sizes: before, and where the tag exists already."""

from collections.abc import Callable

import pytest

from tests.support.screens import COMMON, SIZES, app_on, keys, target

STATES = {"empty": (*COMMON, "t"), "taken": (*COMMON, "j", "j", "j", "t", "'latest", "enter")}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
def test_tag(state: str, size: tuple[int, int], snap_compare: Callable[..., bool]) -> None:
    assert snap_compare(app_on(target()), terminal_size=size, run_before=keys(*STATES[state]))
