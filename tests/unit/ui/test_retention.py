"""Retention in the app: P marks what the rules select, the palette shows it by repository; nothing is deleted by it."""

from dataclasses import replace

from regtui.retention.policy import RetentionEntry, entry_of
from regtui.retention.settings import InUseSettings
from regtui.session.target import Target
from regtui.ui.screens.delete import DeleteScreen
from regtui.ui.screens.retention import RetentionScreen
from tests.support.screens import COMMON, browsing, keys, palette_offers, settled, target


def entry(*patterns: str, line: int = 7, **texts: str) -> RetentionEntry:
    return entry_of(texts, patterns, flags=(), number=1, line=line)


def with_rules(*entries: RetentionEntry) -> Target:
    return target(retention=entries or (entry("fullstack/*", keep="10", match=r"^\d"),), protect=("0.0.1*",))


async def test_p_marks_what_the_rules_select_as_marks_that_can_be_changed() -> None:
    async with browsing(*COMMON, start=with_rules()) as (pilot, browser):
        model = browser.table.model
        await keys("P")(pilot)
        marked = set(model.marked)
        assert 10 < len(marked) < model.total
        assert not any(tag.startswith("0.0.1") for tag in marked)
        assert "latest" not in marked
        (note,) = [note.message for note in pilot.app._notifications if "marked" in note.message]
        assert note == f"line 7 (fullstack/*): {len(marked)} tags marked."
        # They are marks as any others; the proposal says why each goes.
        await keys("home", "space")(pilot)
        assert set(model.marked) != marked
        await keys("d")(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, DeleteScreen)
        assert screen._proposal is not None
        notes = screen._proposal.notes
        assert sum("line 7: matches" in note for note in notes.values()) >= len(marked) - 1


async def test_where_no_entry_names_the_repository_or_there_are_none_it_says_so() -> None:
    async with browsing(*COMMON, "P", start=with_rules(entry("other", keep="1"))) as (pilot, browser):
        assert not browser.table.model.marked
        assert "No retention entry names fullstack/common" in [n.message for n in pilot.app._notifications][-1]
    async with browsing(*COMMON, "P") as (pilot, browser):
        assert not browser.table.model.marked
        assert "no retention rules for this registry" in [n.message for n in pilot.app._notifications][-1]


async def test_a_source_that_cannot_be_read_marks_nothing() -> None:
    start = replace(with_rules(), in_use=InUseSettings(command="echo gone >&2; exit 3"))
    async with browsing(*COMMON, "P", start=start) as (pilot, browser):
        assert not browser.table.model.marked
        assert "Rules delete nothing as long as that is so." in [n.message for n in pilot.app._notifications][-1]


async def test_the_palette_shows_the_plan_by_repository_and_why() -> None:
    async with browsing(start=with_rules()) as (pilot, browser):
        await keys("ctrl+p", "'would")(pilot)
        await palette_offers(pilot, "retention: what")
        await keys("enter")(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, RetentionScreen)
        lines = screen._lines
        folded = lines.line_count()
        assert "fullstack/common" in lines.line(0, 120).plain
        assert "line 7: matches" in lines.line(0, 120).plain
        await keys("enter")(pilot)
        assert lines.line_count() > folded
        shown = [lines.line(number, 120).plain for number in range(lines.line_count())]
        assert any("goes" in line and "not among the newest 10" in line for line in shown)
        assert any("newest of 10" in line for line in shown)
        assert any("protected by the config file" in line for line in shown)
        await keys("enter")(pilot)
        assert lines.line_count() == folded
        await keys("o")(pilot)
        await settled(pilot)
        assert browser.repository == "fullstack/common"
        assert pilot.app.screen is browser
