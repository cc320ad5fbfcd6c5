"""A repository that was open before: shown at once as it was, marked while it is checked, then put right."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from regtui.demo.sample import sample_storage
from regtui.local.collection import references
from regtui.local.memory import MemoryStorage
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from tests.support.patience import PATIENCE
from tests.unit.ui.demo_app import MEDIUM, NOW, demo_app, transport_of

REPOSITORY = "fullstack/common"


def cached_app(directory: Path, storage: MemoryStorage, hanging: tuple[str, ...] = ()) -> RegtuiApp:
    app = demo_app(directory, storage=storage, hanging=hanging)
    assert app._start is not None
    app._start = replace(app._start, ephemeral=False)
    return app


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await pilot.pause(0.01)


@asynccontextmanager
async def opened(app: RegtuiApp) -> AsyncIterator[tuple[Pilot[Any], BrowserScreen]]:
    """The repository, opened; nothing is waited for. Details, which follow the cursor, may be under way."""
    async with app.run_test(size=MEDIUM) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowserScreen))
        screen = app.screen
        assert isinstance(screen, BrowserScreen)
        await until(pilot, lambda: screen.lines.model.select(REPOSITORY))
        screen.open_repository(REPOSITORY)
        yield pilot, screen


async def filled(pilot: Pilot[Any], screen: BrowserScreen) -> None:
    model = screen.table.model
    await until(pilot, lambda: model.is_listed and model.filled == model.total)


def lines(screen: BrowserScreen) -> list[str]:
    """What the table shows, and in front of it the mark."""
    table = screen.table
    return [table.line(number, table.size.width).plain for number in range(table.line_count())]


@pytest.fixture
async def storage(tmp_path: Path) -> MemoryStorage:
    """A registry that was seen once."""
    storage = sample_storage(NOW)
    async with opened(cached_app(tmp_path, storage)) as (pilot, screen):
        await filled(pilot, screen)
    return storage


async def test_it_is_there_before_the_registry_answers(tmp_path: Path, storage: MemoryStorage) -> None:
    app = cached_app(tmp_path, storage, hanging=(f"{REPOSITORY}/tags/list",))
    async with opened(app) as (pilot, screen):
        model = screen.table.model
        await until(pilot, lambda: model.total > 40)
        assert model.filled == 0
        assert all(line.startswith("… ") for line in lines(screen))
        assert any("0.0.43" in line and "linux/amd64" in line for line in lines(screen))
        # What isn't known to be so isn't copied.
        await pilot.press("Y")
        assert "The digest of latest isn't known yet." in [toast.message for toast in app._notifications]
        await pilot.press("space")
        assert sum(line.startswith("● ") for line in lines(screen)) == 1
        transport = transport_of(app)
        transport.asked.clear()
        transport.release.set()
        await filled(pilot, screen)
        assert not any(line.startswith("… ") for line in lines(screen))
        # The details ask whether the layers of the image that is looked at are there.
        looked_at = {path for line in (0, 1) for path in blobs_of(storage, model.row(line).tag)}
        assert {path for path in transport.asked if "/blobs/" in path} <= looked_at
        assert len(model.marked) == 1


def blobs_of(storage: MemoryStorage, tag: str) -> list[str]:
    manifest = storage.manifest(REPOSITORY, storage.tag(REPOSITORY, tag) or "")
    assert manifest is not None
    return [f"/v2/{REPOSITORY}/blobs/{digest}" for digest in references(manifest.data)]


async def test_what_is_gone_meanwhile_goes_when_the_registry_says_so(tmp_path: Path, storage: MemoryStorage) -> None:
    storage.repositories[REPOSITORY].tags.pop("0.0.43")
    async with opened(cached_app(tmp_path, storage)) as (pilot, screen):
        await filled(pilot, screen)
        model = screen.table.model
        assert model.find("0.0.43") is None
        assert model.find("0.0.42") is not None
        assert model.remembered_count == 0


async def test_a_reload_reads_everything_again(tmp_path: Path, storage: MemoryStorage) -> None:
    app = cached_app(tmp_path, storage)
    async with opened(app) as (pilot, screen):
        await filled(pilot, screen)
        asked = transport_of(app).asked

        def configs() -> int:
            return sum("/blobs/" in path for path in asked if REPOSITORY in path)

        before = configs()
        images = len({row.summary.digest for row in screen.table.model.shown if row.summary})
        await pilot.press("r")
        await until(pilot, lambda: configs() >= before + images)
