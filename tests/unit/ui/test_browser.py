"""The browser's keys, pressed on the demo registry."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from regtui.demo.sample import sample_storage
from regtui.listing.columns import SortColumn
from regtui.local.transport import LocalTransport
from regtui.settings.config import Config
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.connect import ConnectScreen
from regtui.ui.screens.delete import DeleteScreen
from tests.support.screens import COMMON, NOW, app_on, browsing, settled, target


async def test_space_marks_and_moves_down() -> None:
    async with browsing(*COMMON, "home", "space", "space") as (_, browser):
        model = browser.table.model
        assert model.marked == [model.row(0).tag, model.row(1).tag]
        assert model.line == 2


async def test_v_marks_a_range_to_the_next_v_in_either_direction() -> None:
    async with browsing(*COMMON, "home", "j", "j", "j", "v", "k", "k", "v") as (_, browser):
        assert len(browser.table.model.marked) == 3


async def test_a_marks_what_the_filter_shows_and_i_inverts() -> None:
    async with browsing(*COMMON, "slash", "'0.0.1", "enter", "a") as (pilot, browser):
        model = browser.table.model
        assert set(model.marked) == {f"0.0.{n}" for n in range(10, 20)}
        await pilot.press("i")
        assert model.marked == []


async def test_esc_goes_back_one_step_at_a_time_and_never_quits() -> None:
    async with browsing(*COMMON, "space", "slash", "'0.0.4", "enter", "v", "z") as (pilot, browser):
        assert browser.has_class("-zoomed")
        table, states = browser.table, []
        for _ in range(6):
            states.append(
                (
                    bool(browser.tags_pane.filter_text),
                    table.range_from is not None,
                    browser.has_class("-zoomed"),
                    table.model.marked_count > 0,
                    browser.tags_pane.has_focus_within,
                )
            )
            await pilot.press("escape")
        for before, after in pairwise(states):
            assert sum(before) - sum(after) in (0, 1)
        assert states[-1] == (False, False, False, False, False)
        assert isinstance(pilot.app.screen, BrowserScreen)


async def test_sorting_is_over_all_tags_and_keeps_the_cursor_on_its_tag() -> None:
    async with browsing(*COMMON, "home", "j", "j", "j") as (pilot, browser):
        model = browser.table.model
        before = model.cursor
        await pilot.press("s")
        assert model.column is SortColumn.SIZE
        assert model.cursor == before
        sizes = [row.summary.size for row in model.shown if row.summary and row.summary.size is not None]
        assert sizes == sorted(sizes, reverse=True)
        assert len(sizes) >= 40
        await pilot.press("S")
        known = [row.summary.size for row in model.shown if row.summary and row.summary.size is not None]
        assert known == sorted(known)


async def test_at_the_top_sorting_shows_what_is_first_now() -> None:
    async with browsing(*COMMON, "home") as (pilot, browser):
        model = browser.table.model
        for key in ("s", "S", "s"):
            await pilot.press(key)
            assert model.line == 0
            assert browser.table.visible_lines[0] == 0


async def test_copying_takes_the_tag_or_the_digest() -> None:
    async with browsing(*COMMON, "y") as (pilot, browser):
        tag = browser.table.model.cursor
        assert pilot.app.clipboard == f"demo.localhost/fullstack/common:{tag}"
        await pilot.press("Y")
        assert pilot.app.clipboard.startswith("demo.localhost/fullstack/common@sha256:")


async def test_tags_are_not_deleted_from_among_the_repositories() -> None:
    async with browsing("d") as (pilot, browser):
        assert browser.lines.has_focus
        assert pilot.app.screen is browser


async def test_deletion_removes_the_marked_tags_and_the_list_shows_it() -> None:
    async with browsing(*COMMON, "home", "space", "space", "d") as (pilot, browser):
        gone = set(browser.table.model.marked)
        assert pilot.app.screen.query("#cancel:focus")
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.screen == browser, "enter on Cancel goes back"
        assert set(browser.table.model.marked) == gone, "and nothing is lost"
        for key in ("d", "y", "escape"):
            await pilot.press(key)
            await settled(pilot)
        names = {row.tag for row in browser.table.model.shown}
        assert not names & gone
        assert browser.table.model.marked == []


async def test_ten_tags_want_their_number_typed() -> None:
    async with browsing(*COMMON, "slash", "'0.0.1", "enter", "a", "d") as (pilot, browser):
        for key in ("y", "enter", "1", "1", "enter"):
            await pilot.press(key)
            await settled(pilot)
        assert isinstance(pilot.app.screen, DeleteScreen)

        async def names() -> list[str]:
            pages = browser.registry.thread.stream(browser.session.tags, "fullstack/common")
            return [name async for page in pages for name in page]

        assert "0.0.10" in await names()
        await pilot.press("home", "delete", "delete", "delete", "delete", "1", "0", "enter")
        await settled(pilot)
        left = await names()
        assert "0.0.10" not in left
        assert "0.0.20" in left


async def test_nothing_can_be_confirmed_while_a_new_plan_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    async with browsing(*COMMON, "space", "d") as (pilot, browser):
        screen = pilot.app.screen
        assert isinstance(screen, DeleteScreen)
        never = asyncio.Event()

        async def hanging(*_: object, **__: object) -> None:
            await never.wait()

        monkeypatch.setattr(browser.session, "plan_deletion", hanging)
        screen.make_plan()
        await pilot.pause()
        await pilot.press("y")
        assert screen._change is None
        await pilot.press("escape")
        assert pilot.app.screen == browser


async def test_a_registry_that_refuses_says_so_before_any_plan() -> None:
    transport = LocalTransport(sample_storage(NOW), "2.8.2", delete_enabled=False)
    async with browsing(*COMMON, "d", start=target(transport)) as (pilot, browser):
        assert pilot.app.screen is browser
        said = [str(notification.message) for notification in pilot.app._notifications]
        assert any("storage.delete.enabled: true" in message for message in said)


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (200, 50)])
async def test_hostile_text_is_shown_as_text_in_every_tab(size: tuple[int, int]) -> None:
    keys = ("slash", "'hostile", "enter", "enter", "enter")
    async with browsing(*keys, size=size) as (pilot, _):
        for _ in range(5):
            await pilot.press("right_square_bracket")
            await settled(pilot)
            view = pilot.app.focused
            assert view is not None
            for y in range(view.size.height):
                line = view.render_line(y)
                assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in line.text)
                assert not any(segment.style and segment.style.meta for segment in line)


async def test_a_wrong_login_is_told_on_the_connect_screen() -> None:
    transport = LocalTransport(sample_storage(NOW), "2.8.2", htpasswd={"ci": "right"})
    app = app_on(target(transport))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, ConnectScreen)
        assert "Not logged in to demo.localhost" in str(screen._said.content)
        assert pilot.app.focused is screen._user


async def test_a_theme_that_was_chosen_is_remembered() -> None:
    path = Path.home() / "config.toml"
    app = app_on(target(), path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.theme = "nord"
        await settled(pilot)
    assert Config.load(path).theme == "nord"
