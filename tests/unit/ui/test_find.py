"""Finding over all repositories: as it is typed, by digest on request, and going there."""

from pathlib import Path

from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.find import FindScreen
from tests.unit.ui.demo_app import browsing, demo_app, settled, transport_of, type_text


def screen(app: RegtuiApp) -> FindScreen:
    assert isinstance(app.screen, FindScreen)
    return app.screen


def hits(app: RegtuiApp) -> list[str]:
    return [f"{hit.repository}:{hit.tag}" for hit in screen(app)._hits._hits]


def standing(app: RegtuiApp) -> str:
    return str(screen(app).query_one("#find").border_subtitle)


async def test_typed_found_and_gone_to(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app) as (pilot, browser):
        await pilot.press("ctrl+f")
        await settled(pilot)
        await type_text(pilot, "common 0.0.31")
        await settled(pilot)
        assert hits(app) == ["fullstack/common:0.0.31"]
        assert standing(app).startswith("1 hit · ")
        # Names alone: not one manifest was asked for.
        assert not [path for path in transport_of(app).asked if "/fullstack/common/manifests/" in path]
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, BrowserScreen)
        assert (browser.repository, browser.table.model.cursor) == ("fullstack/common", "0.0.31")
        assert browser.table.has_focus


async def test_a_tag_of_the_repository_that_is_open_is_gone_to(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, "fullstack/common") as (pilot, browser):
        await pilot.press("ctrl+f")
        await type_text(pilot, "common 0.0.9")
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert browser.table.model.cursor == "0.0.9"


async def test_a_short_digest_is_looked_for_in_all_tags(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, "fullstack/common") as (pilot, browser):
        row = browser.table.model.find("0.0.16")
        assert row is not None
        assert row.summary is not None
        assert row.summary.digest is not None
        await pilot.press("ctrl+f")
        await settled(pilot)
        await type_text(pilot, row.summary.digest.short)
        await settled(pilot)
        assert hits(app) == []
        assert "enter: look for this digest" in screen(app)._hits._said
        await pilot.press("enter")
        await settled(pilot)
        screen(app).match()
        await settled(pilot)
        assert sorted(hits(app)) == ["fullstack/common:0.0.16", "fullstack/common:0.0.17"]


async def test_a_whole_digest_of_a_platform_is_asked_for_alone_where_it_is_not(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, "fullstack/gateway") as (pilot, browser):
        row = browser.table.model.find("latest")
        assert row is not None
        assert row.summary is not None
        child = row.summary.platforms[1].digest
        before = len(transport_of(app).asked)
        await pilot.press("ctrl+f")
        await settled(pilot)
        screen(app)._input.value = str(child)
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        screen(app).match()
        await settled(pilot)
        assert "fullstack/gateway:latest" in hits(app)
        assert {hit.partition(":")[0] for hit in hits(app)} == {"fullstack/gateway"}
        elsewhere = {path for path in transport_of(app).asked[before:] if "/tools/cli/manifests/" in path}
        assert elsewhere == {f"/v2/tools/cli/manifests/{child}"}


async def test_repositories_that_fail_are_told(tmp_path: Path) -> None:
    app = demo_app(tmp_path, failing={"/fullstack/gateway/tags/": 500})
    async with browsing(app) as (pilot, _):
        await pilot.press("ctrl+f")
        await settled(pilot)
        await type_text(pilot, "latest")
        await settled(pilot)
        assert "1 repository not read" in standing(app)
        assert "fullstack/common:latest" in hits(app)
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(app.screen, BrowserScreen)
