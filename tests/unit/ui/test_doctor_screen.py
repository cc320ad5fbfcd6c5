"""The doctor as a screen: from the palette, over the browser and over the connect screen that could not connect."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from regtui.demo.sample import sample_storage
from regtui.local.transport import LocalTransport
from regtui.ui.screens.connect import ConnectScreen
from regtui.ui.screens.doctor import CheckLines, DoctorScreen
from tests.support.screens import NOW, app_on, keys, palette_offers, settled, target


def lines(pilot: Pilot[Any]) -> list[str]:
    shown = pilot.app.screen.query_one(CheckLines)
    return [shown.line(number, 100).plain for number in range(shown.line_count())]


async def open_from_palette(pilot: Pilot[Any]) -> None:
    await keys("ctrl+p", "'doctor")(pilot)
    await palette_offers(pilot, "doctor")
    await keys("enter")(pilot)
    assert isinstance(pilot.app.screen, DoctorScreen)
    await settled(pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (200, 50)])
async def test_it_says_what_the_command_says(size: tuple[int, int]) -> None:
    transport = LocalTransport(sample_storage(NOW), "2.8.2", delete_enabled=False)
    async with app_on(target(transport)).run_test(size=size) as pilot:
        await open_from_palette(pilot)
        told = " ".join(" ".join(lines(pilot)).split())
        assert "✓ catalog 15 repositories on the first page" in told
        assert "✗ deletion demo.localhost refuses deletion: it is disabled there. Set storage.delete" in told
        assert "1 thing to put right" in str(pilot.app.screen.query_one("#doctor").border_subtitle)
        # Its administrator has done what was said.
        transport._service = replace(transport._service, delete_enabled=True)
        await pilot.press("r")
        await settled(pilot)
        assert "✓ deletion" in " ".join(lines(pilot))
        assert "nothing is wrong" in str(pilot.app.screen.query_one("#doctor").border_subtitle)
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, DoctorScreen)


async def test_where_nothing_could_be_opened() -> None:
    transport = LocalTransport(sample_storage(NOW), "2.8.2", htpasswd={"ci": "right"})
    async with app_on(target(transport), Path("/nowhere/config.toml")).run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert isinstance(pilot.app.screen, ConnectScreen)
        await open_from_palette(pilot)
        assert any(line.startswith(" ✗ login") and "Not logged in" in line for line in lines(pilot))
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, ConnectScreen)
