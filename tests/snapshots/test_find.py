"""Finding at two sizes: hits, and what is said before and where there are none."""

from collections.abc import Callable

import pytest

from tests.support.screens import SIZES, app_on, keys, target

STATES = {
    "empty": ("ctrl+f",),
    "hits": ("ctrl+f", "'latest", "down", "down"),
    "digest": ("ctrl+f", "'0123456789ab"),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
def test_find(state: str, size: tuple[int, int], snap_compare: Callable[..., bool]) -> None:
    assert snap_compare(app_on(target()), terminal_size=size, run_before=keys(*STATES[state]))
