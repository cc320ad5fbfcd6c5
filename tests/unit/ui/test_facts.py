"""Where a tag is in use, and when it was pulled: in the table and in the details, once it is known."""

from datetime import timedelta
from pathlib import Path

import pytest

from regtui.listing.columns import SortColumn
from regtui.retention.tag_facts import TagFacts
from regtui.retention.values import InUse, PlaceKind, Pulls, UsePlace
from tests.unit.ui.demo_app import browsing, demo_app, settled

COMMON = "fullstack/common"
WEB = UsePlace("app1 as \x1b[2Jweb", PlaceKind.CONTAINER)


async def test_they_are_shown_and_sorted_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, browser):
        assert "IN USE" not in browser.table.header(100).plain
        pulled = app.clock() - timedelta(days=12)
        facts = TagFacts(COMMON, InUse({}, {(COMMON, "0.0.10"): (WEB, WEB)}), Pulls({"0.0.11": pulled}, {}))

        async def known(repository: str) -> TagFacts:
            return facts

        monkeypatch.setattr(browser.session, "tag_facts", known)
        browser.load_facts()
        await settled(pilot)
        header = browser.table.header(100).plain
        assert "IN USE" in header
        assert "PULLED" in header
        browser.table.sort_by(SortColumn.IN_USE)
        await settled(pilot)
        assert browser.table.model.shown[0].tag == "0.0.10"
        assert " 2 " in browser.table.line(0, 100).plain
        assert "by use, most used first" in str(browser.tags_pane.border_title)
        browser.table.sort_by(SortColumn.PULLED)
        await settled(pilot)
        assert browser.table.model.shown[0].tag == "0.0.11"
        assert " 12d " in browser.table.line(0, 100).plain
        browser.go_to(COMMON, "0.0.10")
        await pilot.pause(0.5)
        await settled(pilot)
        shown = "\n".join(line.plain for line in browser.view._lines)
        assert "in use" in shown
        assert "runs on app1 as \ufffd[2Jweb" in shown
