"""Retention at two sizes: the plan by repository, with one unfolded."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from regtui.retention.policy import entry_of
from tests.support.screens import SIZES, app_on, keys, palette_offers, target


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_retention(size: tuple[int, int], snap_compare: Callable[..., bool]) -> None:
    entries = (
        entry_of({"keep": "10", "match": r"^\d"}, ["fullstack/*"], flags=(), number=1, line=7),
        entry_of({"older_than": "90d"}, ["*"], flags=(), number=2, line=12),
    )

    async def press(pilot: Pilot[int]) -> None:
        await keys("ctrl+p", "'would")(pilot)
        await palette_offers(pilot, "retention: what")
        await keys("enter", "enter", "j", "j")(pilot)

    app = app_on(target(retention=entries, protect=("0.0.1*",)))
    assert snap_compare(app, terminal_size=size, run_before=press)
