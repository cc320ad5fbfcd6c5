"""Marks that can't be seen are told of: in the border, in the plan, and when another repository is opened."""

from regtui.deletion.request import Request
from regtui.ui.screens.delete import DeleteScreen
from tests.support.screens import COMMON, browsing, keys, settled


async def test_marks_that_the_filter_hides_are_told_in_the_border_and_in_the_plan() -> None:
    async with browsing(*COMMON, "a") as (pilot, browser):
        assert "42 marked · frees" in str(browser.tags_pane.border_subtitle)
        await keys("slash", "'none-of-them", "enter")(pilot)
        assert "42 marked, none of them shown" in str(browser.tags_pane.border_subtitle)
        await keys("escape", "slash", "'0.0.1", "enter")(pilot)
        shown = len(browser.table.model.shown)
        assert 0 < shown < 42
        assert f"42 marked, only {shown} of them shown" in str(browser.tags_pane.border_subtitle)
        await pilot.press("d")
        await settled(pilot)
        assert isinstance(pilot.app.screen, DeleteScreen)
        assert f"The filter hides {42 - shown} of 42 marked tags" in pilot.app.screen._sentences.content


async def test_nothing_of_it_where_all_are_seen() -> None:
    async with browsing(*COMMON, "space", "space", "d") as (pilot, _):
        assert isinstance(pilot.app.screen, DeleteScreen)
        assert "filter" not in pilot.app.screen._sentences.content


async def test_marks_that_another_repository_drops_are_told() -> None:
    async with browsing(*COMMON, "space", "space") as (pilot, browser):
        browser.open_repository("fullstack/gateway")
        await settled(pilot)
        told = [notification.message for notification in pilot.app._notifications]
        assert told == ["2 marks in fullstack/common were dropped."]


async def test_what_is_found_is_shown_in_the_tree_though_a_filter_hid_it() -> None:
    async with browsing(*COMMON) as (pilot, browser):
        assert browser.lines.model.filter_text == "common"
        browser.go_to("fullstack/gateway", "latest")
        await settled(pilot)
        assert browser.lines.model.cursor is not None
        assert browser.lines.model.cursor.name == "fullstack/gateway"
        assert browser.repositories_pane.filter_text == ""
        assert browser.table.has_focus


async def test_what_marks_free_is_what_their_plan_says() -> None:
    """To the byte: with the manifests themselves."""
    async with browsing(*COMMON) as (pilot, browser):
        model = browser.table.model
        for tags in (["0.0.9"], ["0.0.43", "0.0.42", "latest"], [row.tag for row in model.shown]):
            model.clear_marks()
            model.mark(tags)
            request = Request("fullstack/common", tags)
            plan = await browser.registry.thread.call(browser.session.plan_deletion, request)
            assert model.marked_free_up_to() == plan.freed > 0
        await settled(pilot)
