"""Usage at two sizes: the demo, read as a whole; and a registry that lists nothing."""

from collections.abc import Callable

import pytest

from tests.support.screens import SIZES, app_on, keys, target


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_usage(size: tuple[int, int], snap_compare: Callable[..., bool]) -> None:
    assert snap_compare(app_on(target()), terminal_size=size, run_before=keys("u", "j", "j"))
