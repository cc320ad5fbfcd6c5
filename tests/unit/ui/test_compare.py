"""Comparing two images on the screen."""

from pathlib import Path

from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.compare import CompareScreen
from tests.unit.ui.demo_app import browsing, demo_app, settled

COMMON = "fullstack/common"


def lines(app: RegtuiApp) -> list[str]:
    assert isinstance(app.screen, CompareScreen)
    shown = app.screen._lines
    return [shown.line(number, 120).plain for number in range(shown.line_count())]


async def test_two_marked_and_back(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, browser):
        browser.table.model.mark(["0.0.42", "0.0.41"])
        await pilot.press("equals_sign")
        await settled(pilot)
        shown = lines(app)
        assert shown[0].split() == ["-", "0.0.41", "+", "0.0.42"]
        assert any(line.startswith("= ") and "shared" in line for line in shown)
        assert any(line.startswith("- ") for line in shown[1:])
        assert any(line.startswith("+ ") for line in shown[1:])
        await pilot.press("s")
        await settled(pilot)
        assert lines(app)[0].split() == ["-", "0.0.42", "+", "0.0.41"]
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(app.screen, BrowserScreen)
        assert browser.table.model.marked_count == 2


async def test_marked_with_current_and_the_same_image(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, browser):
        browser.table.model.mark(["latest"])
        browser.go_to(COMMON, "0.0.43")
        await pilot.press("equals_sign")
        await settled(pilot)
        assert lines(app)[-1] == "They are the same manifest, to the byte."


async def test_nothing_to_compare_is_said(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, _):
        await pilot.press("equals_sign")
        await settled(pilot)
        assert isinstance(app.screen, BrowserScreen)
        assert [notice.message for notice in app._notifications] == ["Mark two tags, or one and move to another."]


async def test_an_image_that_can_not_be_read_is_said(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, "legacy/billing") as (pilot, browser):
        browser.table.model.mark_shown()
        broken = [row.tag for row in browser.table.model.rows if row.error]
        whole = [row.tag for row in browser.table.model.rows if not row.error]
        browser.table.model.clear_marks()
        browser.table.model.mark([broken[0], whole[0]])
        await pilot.press("equals_sign")
        await settled(pilot)
        assert isinstance(app.screen, CompareScreen)
        assert "r: try again" in app.screen._lines._said
