"""The log of requests on the screen."""

from pathlib import Path

import pytest

from regtui.registry.exchanges import Exchange
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.requests import RequestsScreen, duration, matching
from tests.unit.ui.demo_app import browsing, demo_app, settled, type_text

BASE = "https://registry.example.com"


def exchange(path: str, status: int | None = 200, method: str = "GET") -> Exchange:
    return Exchange(1_790_000_000.125, method, BASE + path, status, 2_048, 0.0123)


LOG = [exchange("/v2/"), exchange("/v2/a/manifests/1", 404), exchange("/v2/a/manifests/sha256:0", None, "DELETE")]


@pytest.mark.parametrize(
    ("text", "found"),
    [("", [0, 1, 2]), ("manifests", [1, 2]), ("404", [1]), ("delete failed", [2]), ("GET A/", [1]), ("nothing", [])],
)
def test_filtering(text: str, found: list[int]) -> None:
    assert matching(LOG, text) == [LOG[number] for number in found]


def test_durations() -> None:
    assert [duration(seconds) for seconds in (0.0, 0.0034, 0.9994, 1.0, 73.456)] == [
        "0 ms",
        "3 ms",
        "999 ms",
        "1.00 s",
        "73.46 s",
    ]


def lines(app: RegtuiApp) -> list[str]:
    assert isinstance(app.screen, RequestsScreen)
    shown = app.screen._lines
    return [shown.line(number, 120).plain for number in range(shown.line_count())]


async def test_it_opens_filters_and_closes(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, "fullstack/gateway") as (pilot, _):
        await pilot.press("exclamation_mark")
        await settled(pilot)
        first = lines(app)
        assert first[0].split()[1:3] == ["GET", "200"]
        assert first[0].endswith("  /v2/")
        assert any("/v2/fullstack/gateway/tags/list" in line for line in first)
        # Whether deletion is on is asked when somebody wants it: a DELETE at each opening would alarm who reads a log.
        assert not any(" DELETE " in line for line in first)
        await pilot.press("slash")
        await type_text(pilot, "tags/list")
        await settled(pilot)
        assert lines(app)
        assert all("/tags/list" in line for line in lines(app))
        await pilot.press("escape")
        await settled(pilot)
        assert len(lines(app)) >= len(first)
        await pilot.press("exclamation_mark")
        await settled(pilot)
        assert isinstance(app.screen, BrowserScreen)


async def test_it_goes_on_at_the_end_and_stands_still_above(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, "fullstack/common") as (pilot, browser):
        await pilot.press("exclamation_mark")
        await settled(pilot)
        assert isinstance(app.screen, RequestsScreen)
        screen, log = app.screen, browser.session.requests
        count = len(lines(app))
        log.add(exchange("/v2/new"))
        screen._look()
        await settled(pilot)
        assert len(lines(app)) == count + 1
        assert screen._lines.follows
        await pilot.press("home")
        await settled(pilot)
        top = screen._lines.scroll_offset.y
        log.add(exchange("/v2/newer"))
        screen._look()
        await settled(pilot)
        assert (len(lines(app)), screen._lines.scroll_offset.y) == (count + 1, top)
        assert "1 new one: G shows them" in str(screen._pane.border_subtitle)
        await pilot.press("G")
        await settled(pilot)
        screen._look()
        assert len(lines(app)) == count + 2


async def test_what_a_server_says_is_harmless(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app) as (pilot, browser):
        browser.session.requests.add(exchange("/v2/\x1b[2J[red]\u202e"))
        await pilot.press("exclamation_mark")
        await settled(pilot)
        assert lines(app)[-1].endswith("/v2/\ufffd[2J[red]\ufffd")
