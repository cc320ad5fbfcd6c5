"""Help for what is on the screen: other screens give some keys another meaning than the browser does."""

import pytest
from textual.binding import Binding

from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.help import HelpScreen, KeyLines, browser_keys
from regtui.ui.widgets.details.view import DetailsView
from regtui.ui.widgets.tags.table import TagTable
from tests.support.screens import COMMON, browsing, settled


def test_every_key_of_the_browser_is_told() -> None:
    told = {key for _, keys in browser_keys("tags") for shown, _ in keys for key in shown.split()}
    bindings = [b for screen in (BrowserScreen, TagTable, DetailsView) for b in Binding.make_bindings(screen.BINDINGS)]
    signs = {"slash": "/", "full_stop": ".", "asterisk": "*", "equals_sign": "=", "left_square_bracket": "["}
    signs |= {"right_square_bracket": "]", "exclamation_mark": "!", "escape": "esc", "delete": "del", "left": "←"}
    signs |= {"right": "→", "up": "↑", "down": "↓", "pageup": "pgup", "pagedown": "pgdn", "f5": "F5"}
    signs |= {"shift+up": "shift+↑", "shift+down": "↓"}
    missing = {b.key: b.description for b in bindings if signs.get(b.key, b.key) not in told}
    assert missing == {}


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
