"""The log of a collection: its end is what is looked at, until somebody scrolls away from it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from regtui.ui.widgets.garbage.lines import LogLines
from tests.support.pilots import resize


class _App(App[None]):
    def compose(self) -> ComposeResult:
        yield LogLines()


@asynccontextmanager
async def log_of(lines: int) -> AsyncIterator[tuple[Pilot[None], LogLines]]:
    async with _App().run_test(size=(40, 20)) as pilot:
        log = pilot.app.query_one(LogLines)
        log.show([f"line {number}" for number in range(lines)])
        await pilot.pause()
        yield pilot, log


async def test_its_end_stays_visible_as_it_grows_and_where_its_place_gets_smaller() -> None:
    async with log_of(50) as (pilot, log):
        assert log.visible_lines[-1] == 49
        log.show([f"line {number}" for number in range(60)])
        assert log.visible_lines[-1] == 59
        await resize(pilot, 40, 8)
        await pilot.pause()
        assert len(log.visible_lines) < 10
        assert log.visible_lines[-1] == 59


async def test_whoever_scrolled_away_stays_there_and_follows_again_from_the_end() -> None:
    async with log_of(50) as (pilot, log):
        log.focus()
        await pilot.press("g")
        log.show([f"line {number}" for number in range(60)])
        await resize(pilot, 40, 8)
        await pilot.pause()
        assert log.visible_lines[0] == 0
        await pilot.press("G")
        log.show([f"line {number}" for number in range(70)])
        assert log.visible_lines[-1] == 69
