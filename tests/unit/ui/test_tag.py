"""Another tag for an image: the same bytes, and never in place of another image without a word."""

import json
from pathlib import Path

import pytest

from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.tag import TagScreen
from tests.unit.ui.demo_app import browsing, demo_app, settled, transport_of, type_text

COMMON = "fullstack/common"


def said(app: RegtuiApp) -> str:
    assert isinstance(app.screen, TagScreen)
    return str(app.screen._said.content)


def tags(app: RegtuiApp) -> dict[str, str]:
    return dict(transport_of(app).storage.repositories[COMMON].tags)


async def test_a_new_tag_is_the_same_image(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, browser):
        before = tags(app)
        browser.go_to(COMMON, "0.0.31")
        await pilot.press("t")
        await settled(pilot)
        await type_text(pilot, "keep-this")
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, BrowserScreen)
        assert tags(app) == {**before, "keep-this": before["0.0.31"]}
        assert "0.0.31" in browser.table.model.same_image("keep-this")
        assert browser.table.model.cursor == "0.0.31"


async def test_an_existing_tag_is_moved_only_after_a_question(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, browser):
        before = tags(app)
        browser.go_to(COMMON, "0.0.31")
        await pilot.press("t")
        await settled(pilot)
        await type_text(pilot, "latest")
        await pilot.press("enter")
        await settled(pilot)
        assert "latest exists, and is another image: " in said(app)
        assert "Moved, that image stays as 0.0.43." in said(app)
        assert tags(app) == before
        # What has the focus changes nothing.
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, BrowserScreen)
        assert tags(app) == before
        await pilot.press("t")
        await type_text(pilot, "latest")
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("tab", "enter")
        await settled(pilot)
        assert tags(app) == {**before, "latest": before["0.0.31"]}
        row = browser.table.model.find("latest")
        assert row is not None
        assert row.summary is not None
        assert row.summary.digest == before["0.0.31"]


async def test_the_last_tag_of_an_image_is_said_to_be_it(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, browser):
        browser.go_to(COMMON, "0.0.31")
        await pilot.press("t")
        await type_text(pilot, "0.0.9")
        await pilot.press("enter")
        await settled(pilot)
        assert "Moved, that image has no tag left" in said(app)


async def test_a_tag_that_moved_while_the_question_stood_is_left_alone(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, browser):
        browser.go_to(COMMON, "0.0.31")
        await pilot.press("t")
        await type_text(pilot, "latest")
        await pilot.press("enter")
        await settled(pilot)
        transport_of(app).storage.set_tag(COMMON, "latest", tags(app)["0.0.9"])
        before = tags(app)
        await pilot.press("tab", "enter")
        await settled(pilot)
        assert "latest exists, and is another image: " + before["0.0.9"][7:19] in said(app)
        assert tags(app) == before


async def test_what_no_undo_moves_back_is_moved_only_for_a_typed_word(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, browser):
        before, storage = tags(app), transport_of(app).storage
        manifest = storage.manifest(COMMON, before["latest"])
        assert manifest is not None
        storage.remove_blob(json.loads(manifest.data)["layers"][-1]["digest"])
        browser.go_to(COMMON, "0.0.31")
        await pilot.press("t")
        await type_text(pilot, "latest")
        await pilot.press("enter")
        await settled(pilot)
        assert "Undo can't move it back, as its layer " in said(app)
        assert "To move it for good, type forever:" in said(app)
        screen = app.screen
        assert isinstance(screen, TagScreen)
        screen._move.press()
        await settled(pilot)
        assert tags(app) == before
        await type_text(pilot, "forever")
        await pilot.press("enter")
        await settled(pilot)
        assert tags(app) == {**before, "latest": before["0.0.31"]}


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "A tag has letters"),
        ("-x", "'-x' is no tag: "),
        ("a:b", "is no tag: "),
        ("0.0.31", "is this image already"),
    ],
)
async def test_what_is_no_new_tag_is_refused(tmp_path: Path, typed: str, sentence: str) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, browser):
        before = tags(app)
        browser.go_to(COMMON, "0.0.31")
        await pilot.press("t")
        await settled(pilot)
        assert isinstance(app.screen, TagScreen)
        app.screen._field.value = typed
        await pilot.press("enter")
        await settled(pilot)
        assert sentence in said(app)
        assert tags(app) == before


async def test_read_only_offers_nothing(tmp_path: Path) -> None:
    app = demo_app(tmp_path, read_only=True)
    async with browsing(app, COMMON) as (pilot, _):
        await pilot.press("t")
        await settled(pilot)
        assert isinstance(app.screen, BrowserScreen)
        assert "PUT" not in {each.method for each in app._opened.current.session.requests.latest()}


async def test_a_refusal_is_told(tmp_path: Path) -> None:
    app = demo_app(tmp_path, failing={"/manifests/new": 403})
    async with browsing(app, COMMON) as (pilot, _):
        await pilot.press("t")
        await type_text(pilot, "new")
        await pilot.press("enter")
        await settled(pilot)
        assert "does not allow" in said(app)
