"""What the list showed, or was marked, is what goes: what was pushed anew since stays, and is shown as it is now."""

import pytest

from regtui.deletion.values import Status
from regtui.demo.sample import sample_storage
from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport
from regtui.oci.digest import Digest
from regtui.retention.policy import entry_of
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.delete import DeleteScreen
from regtui.ui.screens.plan import Proposal
from tests.support.screens import COMMON, NOW, browsing, keys, settled, target

REPOSITORY = "fullstack/common"
TAG, OTHER = "0.0.10", "0.0.11"


@pytest.fixture
def storage() -> MemoryStorage:
    return sample_storage(NOW)


def push_anew(storage: MemoryStorage, tag: str) -> Digest:
    fresh = storage.tag(REPOSITORY, "latest")
    assert fresh is not None
    storage.set_tag(REPOSITORY, tag, fresh)
    return Digest(fresh)


def proposed(screen: object) -> Proposal:
    assert isinstance(screen, DeleteScreen)
    assert screen._proposal is not None
    return screen._proposal


def shown(browser: BrowserScreen, tag: str) -> Digest | None:
    row = browser.table.model.find(tag)
    assert row is not None
    assert row.summary is not None
    return row.summary.digest


async def test_a_tag_that_was_pushed_anew_since_it_was_listed_stays_and_is_read_again(storage: MemoryStorage) -> None:
    async with browsing(*COMMON, start=target(LocalTransport(storage, "2.8.2"))) as (pilot, browser):
        browser.table.model.select(TAG)
        browser.table.was_touched = True
        listed, fresh = shown(browser, TAG), push_anew(storage, TAG)
        await keys("d")(pilot)
        proposal = proposed(pilot.app.screen)
        assert proposal.sentences == ["Nothing to delete.", f"{TAG} was pushed anew since it was listed: it stays."]
        assert [(row.digest, row.status) for row in proposal.rows] == [(fresh, Status.SKIPPED)]
        assert not proposal.is_possible
        assert listed is not None
        assert listed.short not in "".join(proposal.notes.values())
        await keys("y", "escape")(pilot)
        assert storage.tag(REPOSITORY, TAG) == fresh
        assert shown(browser, TAG) == fresh
        assert browser.table.model.cursor == TAG
        # Now that it was seen it can be deleted.
        await keys("d")(pilot)
        proposal = proposed(pilot.app.screen)
        assert f"MB  {fresh.short}" in proposal.notes[f"{REPOSITORY}:{TAG}"]
        await keys("y")(pilot)
        assert storage.tag(REPOSITORY, TAG) is None


async def test_the_other_marked_tags_go(storage: MemoryStorage) -> None:
    async with browsing(*COMMON, start=target(LocalTransport(storage, "2.8.2"))) as (pilot, browser):
        browser.table.mark([TAG, OTHER])
        fresh = push_anew(storage, TAG)
        await keys("d")(pilot)
        proposal = proposed(pilot.app.screen)
        assert f"{TAG} was pushed anew since it was listed: it stays." in proposal.sentences
        digest = shown(browser, OTHER)
        assert digest is not None
        assert digest.short in proposal.notes[f"{REPOSITORY}:{OTHER}"]
        await keys("y", "escape")(pilot)
        assert (storage.tag(REPOSITORY, TAG), storage.tag(REPOSITORY, OTHER)) == (fresh, None)
        assert shown(browser, TAG) == fresh


async def test_a_mark_means_what_was_marked_also_where_the_list_was_read_again_since(storage: MemoryStorage) -> None:
    async with browsing(*COMMON, start=target(LocalTransport(storage, "2.8.2"))) as (pilot, browser):
        browser.table.mark([TAG])
        fresh = push_anew(storage, TAG)
        await keys("r", "d")(pilot)
        assert not proposed(pilot.app.screen).is_possible
        await keys("escape")(pilot)
        assert (shown(browser, TAG), browser.table.model.marked) == (fresh, [])


async def test_what_the_rules_judged_is_what_goes(storage: MemoryStorage) -> None:
    entry = entry_of({"match": r"^0\.0\.1[01]$"}, ["fullstack/*"], flags=(), number=1, line=7)
    start = target(LocalTransport(storage, "2.8.2"), retention=(entry,))
    async with browsing(*COMMON, "P", start=start) as (pilot, browser):
        assert set(browser.table.model.marked) == {TAG, OTHER}
        push_anew(storage, TAG)
        await keys("d")(pilot)
        notes = proposed(pilot.app.screen).notes
        assert "line 7: matches" in notes[f"{REPOSITORY}:{OTHER}"]
        assert "line 7" not in notes.get(f"{REPOSITORY}:{TAG}", "")
        await keys("y", "escape")(pilot)
        assert storage.tag(REPOSITORY, OTHER) is None


async def test_rules_mark_nothing_that_the_list_shows_otherwise(storage: MemoryStorage) -> None:
    entry = entry_of({"match": r"^0\.0\.1[01]$"}, ["fullstack/*"], flags=(), number=1, line=7)
    start = target(LocalTransport(storage, "2.8.2"), retention=(entry,))
    async with browsing(*COMMON, start=start) as (pilot, browser):
        fresh = push_anew(storage, TAG)
        await keys("P")(pilot)
        await settled(pilot)
        assert browser.table.model.marked == [OTHER]
        assert shown(browser, TAG) == fresh
        (note,) = [note.message for note in pilot.app._notifications if "marked" in note.message]
        assert note.endswith(f"1 tag marked. {TAG} was pushed anew since it was listed: not marked.")
        await keys("P")(pilot)
        assert set(browser.table.model.marked) == {TAG, OTHER}


async def test_a_tag_that_moves_while_the_question_stands_is_planned_anew_as_what_it_is(storage: MemoryStorage) -> None:
    async with browsing(*COMMON, start=target(LocalTransport(storage, "2.8.2"))) as (pilot, browser):
        browser.table.mark([TAG, OTHER])
        await keys("d")(pilot)
        fresh = push_anew(storage, TAG)
        await keys("y", "p")(pilot)
        proposal = proposed(pilot.app.screen)
        assert proposal.notes[f"{REPOSITORY}:{TAG}"].startswith(f"leads to {fresh.short}  stays as 0.0.43, latest")
        await keys("escape")(pilot)
        assert shown(browser, TAG) == fresh
