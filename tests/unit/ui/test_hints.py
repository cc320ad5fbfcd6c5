"""The last line: as many keys as fit, and how to see the others."""

from textual.app import App, ComposeResult

from regtui.ui.browsing.words import ALWAYS, HINTS
from regtui.ui.widgets.hints import Hints
from tests.support.pilots import resize


class HintsApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Hints(*HINTS["tags"], *ALWAYS)


async def test_where_not_all_keys_fit_the_one_that_tells_them_does() -> None:
    app = HintsApp()
    async with app.run_test(size=(80, 5)) as pilot:
        hints = app.query_one(Hints)
        assert hints.render().plain.rstrip().endswith("? help  q quit")
        for width in (70, 60, 50, 30):
            await resize(pilot, width, 5)
            await pilot.pause()
            told = hints.render()
            assert told.cell_len <= width
            assert width == 30 or told.plain.startswith(" enter details  ")
            assert "? help" in told.plain
