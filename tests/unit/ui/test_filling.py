"""A long list while it is filled in: what is seen first, in order in the end, and calm in between."""

import asyncio
import random
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from regtui.demo.images import DemoStep, Image, Publisher
from regtui.listing.filler import INTERVAL
from regtui.local.memory import MemoryStorage
from regtui.ui.browsing.tags import TagsReader
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.widgets.tags.table import TagTable
from tests.support.patience import PATIENCE
from tests.unit.ui.demo_app import NOW, demo_app, settled, shown, transport_of

_REPOSITORY = "team/app"
_NAMES = [f"1.{number}" for number in range(300)]
_HANGING = (f"{_REPOSITORY}/manifests/",)


@pytest.fixture
def storage() -> MemoryStorage:
    """300 tags, built in another order than their versions."""
    storage = MemoryStorage()
    to, chance = Publisher(storage, _REPOSITORY), random.Random(0)
    days = chance.sample(range(3000), len(_NAMES))
    for name, day in zip(_NAMES, days, strict=True):
        to.image(Image((DemoStep("RUN", 1_000, name),), NOW - timedelta(days=day)), name)
    return storage


async def opened(pilot: Pilot[Any]) -> BrowserScreen:
    """With all names there, and no answer for any of them."""
    app = pilot.app
    async with asyncio.timeout(PATIENCE):
        while not isinstance(app.screen, BrowserScreen) or app.screen.table.model.total < len(_NAMES):
            await pilot.pause(0.02)
    app.screen.table.focus()
    return app.screen


async def test_what_is_seen_is_asked_for_first_and_the_end_is_in_order(tmp_path: Path, storage: MemoryStorage) -> None:
    app = demo_app(tmp_path, storage=storage, hanging=_HANGING)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await pilot.press("G")
        seen = {screen.table.model.row(line).tag for line in screen.table.visible_lines}
        await pilot.pause()
        transport = transport_of(app)
        under_way = len(transport.asked)
        transport.release.set()
        await settled(pilot)
        asked = [path.rpartition("/")[2] for path in transport.asked[under_way:] if "/manifests/1." in path]
        # But for some tags that were begun before: more of them on a busy machine, and never many of the 300.
        assert seen < set(asked[: len(seen) + 40])
        model = screen.table.model
        rows = [model.find(name) for name in _NAMES]
        created = {row.tag: row.summary.created for row in rows if row and row.summary and row.summary.created}
        assert len(created) == len(_NAMES)
        assert shown(screen) == sorted(created, key=created.__getitem__, reverse=True)


async def test_the_rest_moves_once_a_second_and_never_the_cursor(
    tmp_path: Path, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = 0
    # The cursor's line on the screen after rows moved; at the ends of the list that can't follow it.
    places: list[tuple[int, bool]] = []
    show_change, hold = TagsReader._show_change, TagTable.hold

    def shown_change(*args: Any) -> None:
        nonlocal changes
        changes += 1
        show_change(*args)

    def held(*args: Any) -> None:
        hold(*args)
        places.append((place(), table.scroll_offset.y in (0, table.max_scroll_y)))

    def place() -> int:
        return table.model.line - table.scroll_offset.y

    app = demo_app(tmp_path, storage=storage, hanging=_HANGING)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        table = screen.table
        await pilot.press(*["j"] * 5, "space")
        tag, before = table.model.cursor, place()
        monkeypatch.setattr(TagsReader, "_show_change", shown_change)
        monkeypatch.setattr(TagTable, "hold", held)
        start = time.monotonic()
        transport_of(app).release.set()
        await settled(pilot)
        elapsed = time.monotonic() - start
        assert table.model.filled == len(_NAMES)
        assert table.model.cursor == tag
        assert table.model.marked == ["1.294"]
        assert places
        for now, is_at_end in places:
            assert now == before or is_at_end
            before = now
        assert place() == before
        # However slow this machine is: the first ones and those that are seen at once, all others once a second.
        visible = len(table.visible_lines)
        assert changes <= 2 + visible + elapsed / (5 * INTERVAL)
