"""Quitting: without a question, but for while something is being deleted or collected (the latter: test_garbage)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from regtui.ui.screens.confirm import ConfirmScreen
from regtui.ui.screens.delete import DeleteScreen
from tests.support.patience import PATIENCE
from tests.unit.ui.demo_app import Scripted, browsing, demo_app, settled, transport_of


@asynccontextmanager
async def deleting(directory: Path) -> AsyncIterator[tuple[Pilot[Any], Scripted]]:
    """A deletion of two tags that has begun, and waits for the registry's answer."""
    app = demo_app(directory)
    transport = transport_of(app)
    async with browsing(app, "fullstack/common") as (pilot, _):
        await pilot.press("space", "space", "d")
        async with asyncio.timeout(PATIENCE):
            while not (isinstance(app.screen, DeleteScreen) and app.screen.query_one("#go").display):
                await pilot.pause(0.02)
        transport.hanging = ("/manifests/",)
        await pilot.press("y")
        await pilot.pause()
        try:
            yield pilot, transport
        finally:
            transport.release.set()


def deletion(pilot: Pilot[Any]) -> DeleteScreen:
    screen = pilot.app.screen
    assert isinstance(screen, DeleteScreen)
    return screen


def exit_code(pilot: Pilot[Any]) -> int | None:
    code: int | None = pilot.app.return_value
    return code


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_while_tags_are_deleted_quitting_asks_and_esc_goes_on(tmp_path: Path, key: str) -> None:
    async with deleting(tmp_path) as (pilot, transport):
        await pilot.press(key)
        await pilot.pause()
        assert isinstance(pilot.app.screen, ConfirmScreen)
        await pilot.press("escape")
        await pilot.pause()
        transport.release.set()
        async with asyncio.timeout(PATIENCE):
            while deletion(pilot).under_way:
                await pilot.pause(0.02)
        assert pilot.app.return_value is None
        assert transport.storage.tag("fullstack/common", "0.0.43") is None


async def test_confirmed_it_stops_after_those_in_flight_and_quits(tmp_path: Path) -> None:
    async with deleting(tmp_path) as (pilot, transport):
        await pilot.press("q")
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()
        assert exit_code(pilot) is None, "it waits for what is in flight"
        transport.release.set()
        async with asyncio.timeout(PATIENCE):
            while exit_code(pilot) is None:
                await pilot.pause(0.02)
        assert exit_code(pilot) == 0


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_before_anything_is_deleted_it_quits_at_once(tmp_path: Path, key: str) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, "fullstack/common") as (pilot, _):
        await pilot.press("d")
        await pilot.pause()
        await pilot.press(key)
        await pilot.pause()
        assert app.return_value == 0
        await settled(pilot)
