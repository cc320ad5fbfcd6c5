"""Usage: all repositories are read, what was read is kept, and what wasn't is said."""

from pathlib import Path

import pytest

from regtui import bounds
from regtui.local.memory import MemoryStorage
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.find import FindScreen
from regtui.ui.screens.usage import UsageScreen
from tests.unit.ui.demo_app import SILENCE, browsing, demo_app, settled, transport_of


def screen(app: RegtuiApp) -> UsageScreen:
    assert isinstance(app.screen, UsageScreen)
    app.screen._show()
    return app.screen


def lines(app: RegtuiApp) -> list[str]:
    shown = screen(app)._lines
    return [shown.line(number, 120).plain for number in range(shown.line_count())]


async def test_every_repository_is_read_and_the_largest_is_first(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app) as (pilot, browser):
        await pilot.press("u")
        await settled(pilot)
        usage = screen(app).usage
        assert usage.read == len(usage.standings) == browser.lines.model.total
        rows = usage.rows()
        assert rows[0].size == max(row.size for row in rows)
        assert "15 repositories read · images without a tag are not seen" in str(screen(app)._pane.border_subtitle)
        assert lines(app)[0].startswith("fullstack/ ")


async def test_enter_opens_a_repository_and_what_was_read_is_kept(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app) as (pilot, browser):
        await pilot.press("u")
        await settled(pilot)
        await pilot.press("enter")
        assert isinstance(app.screen, UsageScreen), "a namespace is nothing to open"
        await pilot.press("j")
        name = screen(app)._lines.row
        assert name is not None
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, BrowserScreen)
        assert browser.repository == name.name
        asked = len(transport_of(app).asked)
        await pilot.press("u")
        await settled(pilot)
        assert {path.rpartition("/")[2] for path in transport_of(app).asked[asked:]} == {"_catalog"}


async def test_gaps_are_told(tmp_path: Path) -> None:
    app = demo_app(tmp_path, failing={"/fullstack/gateway/tags/": 500, "/tools/cli/manifests/": 500})
    async with browsing(app) as (pilot, _):
        await pilot.press("u")
        await settled(pilot)
        usage = screen(app).usage
        assert usage.gaps == 2
        assert "2 repositories with gaps" in str(screen(app)._pane.border_subtitle)
        (told,) = (line for line in lines(app) if "fullstack/gateway" in line)
        assert "not read" in told


async def test_a_catalog_that_fails_is_told(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app) as (pilot, _):
        transport_of(app).failing["_catalog"] = 500
        await pilot.press("u")
        await settled(pilot)
        assert "not complete: " in str(screen(app)._pane.border_subtitle)
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(app.screen, BrowserScreen)


async def test_the_cursor_stays_on_its_repository(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app) as (pilot, _):
        await pilot.press("u")
        await settled(pilot)
        await pilot.press("j", "j")
        row = screen(app)._lines.row
        assert row is not None
        screen(app)._lines.show([row, *(each for each in screen(app).usage.rows() if each.name != row.name)])
        assert screen(app)._lines.row == row
        assert screen(app)._lines.cursor_line() == 0


async def test_a_registry_without_repositories_is_said_to_have_none(tmp_path: Path) -> None:
    app = demo_app(tmp_path, storage=MemoryStorage())
    async with browsing(app) as (pilot, _):
        await pilot.press("u")
        await settled(pilot)
        assert screen(app)._lines.said == "demo.localhost has no repositories yet, or lists none."


async def test_what_is_not_read_yet_is_no_zero_and_the_sum_is_of_what_is_read_so_far(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app) as (pilot, _):
        await pilot.press("u")
        await settled(pilot)
        shown = screen(app)
        assert "so far" not in str(shown._pane.border_title)
        shown.usage.expect(["zz/new"])
        shown._changed = True
        assert "so far, each blob once" in str(screen(app)._pane.border_title)
        (told,) = (line for line in lines(app) if "zz/new" in line)
        assert "0 B" not in told
        assert told.split()[1:] == ["…", "…", "…"]


async def test_where_too_much_hangs_the_rest_is_left_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "ALL_SILENCES", 0.0)
    app = demo_app(tmp_path, failing={"/tags/list": SILENCE})
    async with browsing(app, size=(240, 40)) as (pilot, _):
        await pilot.press("u")
        await settled(pilot)
        usage = screen(app).usage
        # Those that were under way at the same time are told, too; the list of tags behind may have hung before them.
        assert usage.gaps <= 4
        assert len(usage.waiting) >= 11
        title = str(screen(app)._pane.border_subtitle)
        assert "not complete: demo.localhost has let requests about its repositories time out for an hour" in title
        assert "repositories were left out, from " in title


async def test_what_hangs_in_a_find_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "ALL_SILENCES", 0.0)
    app = demo_app(tmp_path, failing={"/tags/list": SILENCE})
    async with browsing(app, size=(240, 40)) as (pilot, _):
        await pilot.press("ctrl+f")
        await settled(pilot)
        assert isinstance(app.screen, FindScreen)
        assert "repositories were left out, from " in str(app.screen.query_one("#find").border_subtitle)
