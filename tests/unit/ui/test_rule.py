"""Marking by rule: what is typed is previewed, enter marks it, and nothing is deleted."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from regtui.retention.values import InUse, PlaceKind, UnreadSource, UsePlace
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.rule import RuleScreen
from tests.support.patience import PATIENCE
from tests.support.screens import palette_offers
from tests.unit.ui.demo_app import browsing, demo_app, settled, transport_of, type_text

COMMON = "fullstack/common"


@pytest.fixture
def app(tmp_path: Path) -> RegtuiApp:
    return demo_app(tmp_path)


def said(app: RegtuiApp) -> str:
    assert isinstance(app.screen, RuleScreen)
    return str(app.screen._said.content)


def previewed(app: RegtuiApp) -> list[str]:
    assert isinstance(app.screen, RuleScreen)
    return [row.tag for row in app.screen._chosen._rows]


def asked_for_changes(app: RegtuiApp) -> list[str]:
    return [path for path in transport_of(app).asked if "regtui-probe" not in path and "sha256:000000" not in path]


async def test_what_is_typed_is_previewed_and_enter_marks_it(app: RegtuiApp) -> None:
    async with browsing(app, COMMON) as (pilot, browser):
        before = set(transport_of(app).storage.repositories[COMMON].tags)
        await pilot.press("asterisk")
        await settled(pilot)
        assert "nothing is marked yet" in said(app)
        await type_text(pilot, "0.0.1")
        await settled(pilot)
        assert previewed(app) == [f"0.0.{patch}" for patch in range(19, 9, -1)]
        assert said(app) == "10 of 42 tags. Deleting them makes up to 705 MB collectable."
        assert browser.table.model.marked_count == 0
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, BrowserScreen)
        assert set(browser.table.model.marked) == {f"0.0.{patch}" for patch in range(10, 20)}
        # The preview's number is what the table says of the marks.
        assert "10 marked · frees up to 705 MB" in str(browser.tags_pane.border_subtitle)
        assert set(transport_of(app).storage.repositories[COMMON].tags) == before


async def test_marks_are_added_to_those_that_are_there(app: RegtuiApp) -> None:
    async with browsing(app, COMMON) as (pilot, browser):
        await pilot.press("space")
        first = browser.table.model.marked
        await pilot.press("asterisk")
        await settled(pilot)
        await type_text(pilot, "^0.0.9$")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, RuleScreen)
        # And what goes with them isn't said to stay.
        assert f"{first[0]}: marked already, and stays so." in str(screen._said.content)
        assert first[0] not in {row.tag for row in screen._staying._rows}
        await pilot.press("enter")
        await settled(pilot)
        assert set(browser.table.model.marked) == {*first, "0.0.9"}


async def test_esc_marks_nothing(app: RegtuiApp) -> None:
    async with browsing(app, COMMON) as (pilot, browser):
        await pilot.press("asterisk")
        await type_text(pilot, ".")
        await settled(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(app.screen, BrowserScreen)
        assert browser.table.model.marked_count == 0


async def test_enter_at_once_marks_what_was_typed_not_what_was_shown(app: RegtuiApp) -> None:
    async with browsing(app, COMMON) as (pilot, browser):
        await pilot.press("asterisk")
        await settled(pilot)
        await pilot.press(*"^0", "full_stop", *"0", "full_stop", *"9", "dollar_sign", "enter")
        await settled(pilot)
        assert browser.table.model.marked == ["0.0.9"]


async def test_keys_typed_ahead_go_where_they_were_meant(app: RegtuiApp) -> None:
    """All at once, as they come over a slow line."""
    async with browsing(app, COMMON) as (pilot, browser):
        await pilot.press("asterisk")
        await settled(pilot)
        for key in ("0", "full_stop", "0", "full_stop", "1", "tab", "1", "1", "m", "enter"):
            app.post_message(events.Key(key, {"full_stop": "."}.get(key, key if len(key) == 1 else None)))
        await settled(pilot)
        assert isinstance(app.screen, BrowserScreen)
        assert browser.table.model.marked == ["0.0.13", "0.0.12", "0.0.11", "0.0.10"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("1.(", "Name matches: '1.(' is no valid expression: missing )."),
        ("^(?!x)", "There is no look-around"),
        ("nothing-is-called-so", "No tag matches."),
        ("", "nothing is marked yet"),
    ],
)
async def test_enter_stays_where_nothing_is_selected(app: RegtuiApp, typed: str, sentence: str) -> None:
    async with browsing(app, COMMON) as (pilot, browser):
        await pilot.press("asterisk")
        await settled(pilot)
        assert isinstance(app.screen, RuleScreen)
        app.screen._match.value = typed
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert sentence in said(app)
        assert browser.table.model.marked_count == 0


async def test_all_fields_together(app: RegtuiApp) -> None:
    async with browsing(app, COMMON) as (pilot, browser):
        await pilot.press("asterisk")
        await settled(pilot)
        assert isinstance(app.screen, RuleScreen)
        await type_text(pilot, "^0.0.1")
        await pilot.press("tab", *"11m", "tab", *"5", "tab", "tab", "tab")
        await type_text(pilot, "0.0.12")
        await settled(pilot)
        assert previewed(app) == ["0.0.13", "0.0.11", "0.0.10"]
        await pilot.press("enter")
        await settled(pilot)
        assert browser.table.model.marked == ["0.0.13", "0.0.11", "0.0.10"]


async def test_the_newest_images_with_all_their_names(app: RegtuiApp) -> None:
    async with browsing(app, COMMON) as (pilot, browser):
        await pilot.press("asterisk")
        await settled(pilot)
        await pilot.press("tab", "tab", *"38", "tab", "tab")
        await settled(pilot)
        # Counted as tags; as images, latest and stable are names of those that have another, and there are 38 of them.
        tags = len(previewed(app))
        await pilot.press("space")
        await settled(pilot)
        assert (tags, len(previewed(app))) == (4, 0)
        await pilot.press("shift+tab", "shift+tab", "backspace", "backspace", *"36")
        await settled(pilot)
        assert previewed(app) == ["0.0.5", "0.0.4"]
        await pilot.press("enter")
        await settled(pilot)
        assert browser.table.model.marked == ["0.0.5", "0.0.4"]


async def test_duplicates_and_the_rule_of_the_last_time(app: RegtuiApp) -> None:
    async with browsing(app, COMMON) as (pilot, _):
        await pilot.press("asterisk")
        await settled(pilot)
        await pilot.press("shift+tab", "shift+tab", "shift+tab", "space")
        await settled(pilot)
        assert set(previewed(app)) == {"latest", "stable", "0.0.16", "0.0.30"}
        assert said(app) == "4 of 42 tags. Other tags use all of their layers: deleting them frees nothing."
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("asterisk")
        await settled(pilot)
        assert set(previewed(app)) == {"latest", "stable", "0.0.16", "0.0.30"}


async def test_protected_tags_are_never_marked(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    assert app._start is not None
    app._start = replace(app._start, protect=("latest", "0.0.1?"))
    async with browsing(app, COMMON) as (pilot, _):
        await pilot.press("asterisk")
        await type_text(pilot, "^(latest|0.0.9|0.0.10)$")
        await settled(pilot)
        assert previewed(app) == ["0.0.9"]
        assert "latest, 0.0.10: protected, never marked." in said(app)


async def test_the_filter_does_not_count(app: RegtuiApp) -> None:
    async with browsing(app, COMMON) as (pilot, browser):
        browser.table.model.filter("latest")
        await pilot.press("asterisk")
        await type_text(pilot, "0.0.9")
        await pilot.press("enter")
        await settled(pilot)
        assert browser.table.model.marked == ["0.0.9"]


async def test_while_tags_are_read_it_says_how_many_are_not(tmp_path: Path) -> None:
    app = demo_app(tmp_path, hanging=tuple(f"/manifests/0.0.{patch}" for patch in (10, 11, 12)))
    async with app.run_test(size=(120, 40)) as pilot:
        # Not settled: it hangs until it is released.
        await _open(app, pilot)
        browser = app.screen
        assert isinstance(browser, BrowserScreen)
        await _until(pilot, lambda: browser.table.model.filled == 39)
        await pilot.press("asterisk")
        await type_text(pilot, "^0.0")
        await pilot.press("tab", *"1h")
        await _until(pilot, lambda: "3 tags not read yet: not marked." in said(app) and "so far" in said(app))
        assert "2.83 GB; what of it only they use is known when all are read" in said(app)
        transport_of(app).release.set()
        await _until(pilot, lambda: "collectable" in said(app))
        assert len(previewed(app)) == 40


async def _open(app: RegtuiApp, pilot: Pilot[Any]) -> None:
    await _until(pilot, lambda: isinstance(app.screen, BrowserScreen) and app.screen.lines.model.total > 10)
    assert isinstance(app.screen, BrowserScreen)
    app.screen.lines.model.select(COMMON)
    app.screen.open_repository(COMMON)


async def _until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await pilot.pause(0.05)


async def test_the_palette_has_it_and_repositories_don_t(app: RegtuiApp) -> None:
    async with browsing(app, COMMON) as (pilot, browser):
        browser.lines.focus()
        await pilot.press("asterisk")
        await pilot.pause()
        assert isinstance(app.screen, BrowserScreen)
        await pilot.press("ctrl+p")
        await type_text(pilot, "mark by rule")
        await palette_offers(pilot, "mark by rule")
        await pilot.press("enter", "enter")
        await settled(pilot)
        assert isinstance(app.screen, RuleScreen)


async def test_what_is_in_use_is_never_marked_and_nothing_is_before_that_is_known(app: RegtuiApp) -> None:
    async with browsing(app, COMMON) as (pilot, browser):
        place = (UsePlace("app1 as web", PlaceKind.CONTAINER),)
        row = browser.table.model.find("0.0.10")
        assert row is not None
        assert row.summary is not None
        assert row.summary.digest is not None
        browser.uses.in_use = None
        await pilot.press("asterisk")
        await type_text(pilot, "0.0.1")
        await settled(pilot)
        assert "is being read" in said(app)
        assert previewed(app) == []
        browser.uses.in_use = InUse(unread=(UnreadSource("app1", "It is down."),))
        await pilot.press("9")
        await settled(pilot)
        assert "app1 could not be read: It is down." in said(app)
        browser.uses.in_use = InUse({row.summary.digest: place}, {(COMMON, "0.0.11"): place})
        await pilot.press("backspace")
        await settled(pilot)
        assert previewed(app) == [f"0.0.{patch}" for patch in range(19, 11, -1)]
        assert "0.0.11, 0.0.10: in use, never marked." in said(app)
