"""`regtui REGISTRY/REPOSITORY[:TAG|@DIGEST]` opens the app there; where there is no such thing, it says so."""

from pathlib import Path

import pytest

from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from tests.support.held_host import until
from tests.unit.ui.demo_app import MEDIUM, browsing, demo_app, settled, shown, transport_of

COMMON = "fullstack/common"
ALL = 15
NOWHERE = f"sha256:{'0' * 64}"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    words: list[str] = []
    monkeypatch.setattr(RegtuiApp, "notify", lambda _, message, **__: words.append(message))
    return words


async def test_at_a_tag(tmp_path: Path, said: list[str]) -> None:
    async with browsing(demo_app(tmp_path, opens_at=(COMMON, "0.0.31"))) as (_, screen):
        assert (screen.repository, screen.table.model.cursor) == (COMMON, "0.0.31")
        assert screen.lines.model.total == ALL
        assert said == []


async def test_at_a_tag_that_is_hidden(tmp_path: Path, said: list[str]) -> None:
    async with browsing(demo_app(tmp_path), "platform/auth") as (_, screen):
        hidden = next(row.tag for row in screen.table.model.rows if row.is_digest_tag)
    async with browsing(demo_app(tmp_path, opens_at=("platform/auth", hidden))) as (_, screen):
        assert screen.table.model.cursor == hidden
        assert said == []


async def test_at_a_digest_the_cursor_is_on_a_tag_that_leads_there(tmp_path: Path, said: list[str]) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (_, screen):
        row = screen.table.model.find("0.0.31")
        assert row is not None
        assert row.summary is not None
        digest = str(row.summary.digest)
    async with browsing(demo_app(tmp_path, opens_at=(COMMON, digest))) as (_, screen):
        model = screen.table.model
        assert model.cursor in ("0.0.31", *model.same_image("0.0.31"))
        assert said == []


async def test_a_tag_that_isn_t_there_is_said_to_be_so_with_those_that_are_near(
    tmp_path: Path, said: list[str]
) -> None:
    async with browsing(demo_app(tmp_path, opens_at=(COMMON, "0.0.99"))) as (_, screen):
        assert screen.repository == COMMON
        assert shown(screen)
        (words,) = said
        assert words.startswith(f"{COMMON} has no tag 0.0.99. Nearest: 0.0.")


async def test_a_digest_that_no_tag_leads_to_is_said_to_be_so(tmp_path: Path, said: list[str]) -> None:
    async with browsing(demo_app(tmp_path, opens_at=(COMMON, NOWHERE))):
        assert said == [f"No tag of {COMMON} leads to {NOWHERE}. regtui inspect shows it, if it is there."]


@pytest.mark.parametrize("tag", ["", "1.0"])
async def test_an_unknown_repository_is_said_to_be_so_and_counted_nowhere(
    tmp_path: Path, said: list[str], tag: str
) -> None:
    async with browsing(demo_app(tmp_path, opens_at=("no/such", tag))) as (pilot, screen):
        assert screen.table.said == "demo.localhost has no repository no/such."
        assert screen.lines.model.total == ALL
        assert screen.lines.model.node("no") is None
        assert screen._standing.repositories == ALL
        # Neither does it come back with what is read again.
        screen.lines.focus()
        await pilot.press("r")
        await settled(pilot)
        assert screen.lines.model.total == ALL
        assert said == []


async def test_it_goes_while_the_list_is_still_read(tmp_path: Path) -> None:
    app = demo_app(tmp_path, opens_at=("no/such", ""), hanging=("_catalog",))
    async with app.run_test(size=MEDIUM) as pilot:
        await until(lambda: isinstance(app.screen, BrowserScreen) and "has no repository" in app.screen.table.said)
        screen = app.screen
        assert isinstance(screen, BrowserScreen)
        assert (screen.lines.model.total, screen._standing.repositories) == (0, 0)
        transport_of(app).release.set()
        await settled(pilot)
        assert screen.lines.model.total == screen._standing.repositories == ALL


async def test_one_that_is_listed_and_has_no_tags_stays(tmp_path: Path, said: list[str]) -> None:
    async with browsing(demo_app(tmp_path, opens_at=("sandbox/empty", ""))) as (_, screen):
        assert screen.table.said == "sandbox/empty has no tags."
        assert screen.lines.model.total == ALL
        assert screen.lines.model.node("sandbox/empty") is not None


async def test_what_was_typed_and_isn_t_there_goes_too(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path)) as (pilot, screen):
        screen.open_typed("no/such")
        await settled(pilot)
        assert screen.lines.model.total == ALL
        screen.open_typed(COMMON)
        await settled(pilot)
        assert screen.lines.model.total == ALL
        assert shown(screen)
