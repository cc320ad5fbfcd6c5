"""Help for what is on the screen: other screens give some keys another meaning than the browser does."""

import pytest

from regtui.ui.screens.help import HelpScreen, KeyLines
from tests.support.screens import COMMON, browsing, settled


@pytest.mark.parametrize(
    ("way", "told"),
    [
        (("ctrl+g",), {"copy the commands", "collect"}),
        (("u",), {"open", "back", "read again"}),
        (("exclamation_mark",), {"filter", "close"}),
        ((*COMMON, "space", "down", "equals_sign"), {"swap the sides", "back"}),
    ],
)
async def test_each_screen_tells_its_own_keys(way: tuple[str, ...], told: set[str]) -> None:
    async with browsing(*way) as (pilot, browser):
        screen = pilot.app.screen
        assert screen is not browser
        await pilot.press("question_mark")
        await settled(pilot)
        assert isinstance(pilot.app.screen, HelpScreen)
        keys = pilot.app.screen.query_one(KeyLines)
        lines = [keys.line(number, 80).plain for number in range(keys.line_count())]
        here = lines[1 : lines.index("Everywhere")]
        assert lines[0] == "Here"
        assert told <= {line[28:] for line in here}
        assert not any("switch registry" in line for line in lines)
        await pilot.press("escape")
        assert pilot.app.screen is screen
