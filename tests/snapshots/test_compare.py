"""Comparing two images at two sizes: of one platform, and indexes."""

from collections.abc import Callable

import pytest

from tests.support.screens import COMMON, SIZES, app_on, keys, target

STATES = {
    "images": (*COMMON, "j", "j", "space", "space", "equals_sign"),
    "indexes": ("slash", "'gateway", "enter", "G", "enter", "space", "G", "space", "equals_sign"),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
def test_compare(state: str, size: tuple[int, int], snap_compare: Callable[..., bool]) -> None:
    assert snap_compare(app_on(target()), terminal_size=size, run_before=keys(*STATES[state]))
