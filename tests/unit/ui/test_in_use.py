"""In the palette: what is in use, where, and what of it is gone."""

from dataclasses import replace
from pathlib import Path

import pytest

from regtui.oci.digest import Digest
from regtui.retention.own_names import OwnImage
from regtui.retention.settings import InUseSettings
from regtui.retention.uses import Use, Uses
from regtui.retention.values import PlaceKind, UnreadSource, UsePlace
from regtui.ui.screens.in_use import InUseScreen
from tests.unit.ui.demo_app import browsing, demo_app, settled

COMMON = "fullstack/common"


def use(tag: str, where: str, digest: Digest | None = None) -> Use:
    return Use(OwnImage(COMMON, tag, digest), UsePlace(where, PlaceKind.CONTAINER))


async def test_what_is_gone_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, browser):
        browser.action_in_use()
        await settled(pilot)
        assert isinstance(app.screen, InUseScreen)
        assert "Nothing says what is in use of demo." in str(app.screen._lines.said)
        await pilot.press("escape")
        gone = Digest("sha256:" + "a" * 64)
        found = Uses(
            (use("0.0.10", "app1 as web"), use("", "app2 as \x1b[2Jold", gone)), (UnreadSource("app3", "It is down."),)
        )

        async def read() -> Uses:
            return found

        monkeypatch.setattr(browser.session, "uses", read)
        browser.session.target = replace(browser.session.target, in_use=InUseSettings(("app1",)))
        browser.action_in_use()
        await settled(pilot)
        assert isinstance(app.screen, InUseScreen)
        lines = [app.screen._lines.line(number, 120).plain for number in range(2)]
        assert "(no tag)" in lines[0]
        assert "gone: runs on app2 as \ufffd[2Jold" in lines[0]
        assert f"{COMMON}:0.0.10" in lines[1]
