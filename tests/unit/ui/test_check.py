"""Checking a tag from the palette: what is lost is put back only after a question, and looked at again."""

import json
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from regtui.local.memory import MemoryStorage
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.check import CheckScreen
from tests.support.screens import palette_offers
from tests.unit.ui.demo_app import browsing, demo_app, settled, transport_of, type_text

COMMON, TAG = "fullstack/common", "0.0.43"


def said(app: RegtuiApp) -> str:
    assert isinstance(app.screen, CheckScreen)
    return str(app.screen._said.content)


def lose_layer(storage: MemoryStorage, *, spare: bool = True) -> str:
    """The last one, gone from the repository; with `spare`, another one has it still."""
    manifest = storage.manifest(COMMON, storage.repositories[COMMON].tags[TAG])
    assert manifest is not None
    layer: str = json.loads(manifest.data)["layers"][-1]["digest"]
    if spare:
        storage.link_layer("spare/common", layer)
    storage.unlink_layer(COMMON, layer)
    return layer


async def check(pilot: Pilot[Any], browser: BrowserScreen) -> None:
    browser.go_to(COMMON, TAG)
    await settled(pilot)
    await pilot.press("ctrl+p")
    await pilot.pause()
    await type_text(pilot, "check whether")
    await palette_offers(pilot, "check whether")
    await pilot.press("enter")
    await settled(pilot)


async def test_a_tag_that_is_whole(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, browser):
        await check(pilot, browser)
        assert said(app) == f"{COMMON}:{TAG} can be pulled: the registry has all of its blobs."
        await pilot.press("y")
        await settled(pilot)
        assert not {"PUT", "POST"} & {each.method for each in app._opened.current.session.requests.latest()}
        await pilot.press("escape")
        assert isinstance(app.screen, BrowserScreen)


async def test_a_lost_layer_is_put_back_after_a_question(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, browser):
        storage = transport_of(app).storage
        layer = lose_layer(storage)
        await check(pilot, browser)
        assert said(app).count("can't be pulled") == 1
        assert "will be mounted from spare/common." in said(app)
        # What has the focus changes nothing.
        await pilot.press("enter")
        await settled(pilot)
        assert storage.layer(COMMON, layer) is None
        await check(pilot, browser)
        await pilot.press("y")
        await settled(pilot)
        assert "was put back" in said(app)
        assert "can be pulled" in said(app)
        assert storage.layer(COMMON, layer) is not None
        await pilot.press("escape")
        await settled(pilot)
        assert browser.view.details is not None
        assert browser.view.details.error == ""


async def test_read_only_offers_nothing(tmp_path: Path) -> None:
    app = demo_app(tmp_path, read_only=True)
    async with browsing(app, COMMON) as (pilot, browser):
        layer = lose_layer(transport_of(app).storage)
        await check(pilot, browser)
        assert "can be mounted from spare/common" in said(app)
        assert "was opened read-only" in said(app)
        await pilot.press("y")
        await settled(pilot)
        assert transport_of(app).storage.layer(COMMON, layer) is None


async def test_what_is_found_nowhere_is_said_to_be_that(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, browser):
        lose_layer(transport_of(app).storage, spare=False)
        await check(pilot, browser)
        assert "push the image again, or delete it" in said(app)


async def test_a_failure_is_told_there(tmp_path: Path) -> None:
    app = demo_app(tmp_path, failing={"/blobs/": 403})
    async with browsing(app, COMMON) as (pilot, browser):
        await check(pilot, browser)
        assert "does not allow" in said(app)
