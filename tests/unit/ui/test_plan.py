"""How far a change is, on the screen of its plan."""

from collections.abc import Mapping

import pytest

from regtui.deletion.values import Action, Outcome, Report, Status
from regtui.errors import RegtuiError
from regtui.ui.screens.delete import DeleteScreen
from regtui.ui.screens.plan import Progress, Progressing, Proposal
from tests.support.screens import COMMON, browsing, settled


def outcome(tag: str, status: Status, action: Action = Action.UNTAG) -> Outcome:
    return Outcome(f"team/app:{tag}", None, action, status)


def test_only_what_was_planned_is_counted_and_each_of_it_once() -> None:
    """The rest of an interrupted deletion tells what was done before, and why some of it is left alone."""
    progress = Progressing([outcome("a", Status.PLANNED), outcome("b", Status.PLANNED), outcome("c", Status.SKIPPED)])
    assert (progress.done, progress.total, progress.is_new) == (0, 2, False)
    progress.take([outcome("a", Status.DONE), outcome("before", Status.DONE)])
    progress.take([outcome("a", Status.FAILED)])
    assert (progress.done, progress.total, progress.is_new) == (1, 2, True)
    progress.take([outcome("b", Status.PLANNED)])
    assert progress.done == 1
    progress.take([outcome("b", Status.SKIPPED)])
    assert progress.done == 2


def test_rows_stand_in_the_order_of_the_plan_each_as_it_was_told_last() -> None:
    progress = Progressing([outcome("a", Status.PLANNED), outcome("b", Status.PLANNED)])
    progress.take([outcome("b", Status.DONE)])
    assert progress.rows() == [outcome("a", Status.PLANNED), outcome("b", Status.DONE)]
    assert not progress.is_new


async def test_why_something_failed_is_said_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its row has no room for it."""
    why = f"prod refuses storing the manifest: {'word ' * 20}end"
    failed = Outcome("team/app:v2", None, Action.RESTORE, Status.FAILED, why)
    monkeypatch.setattr(DeleteScreen, "make_plan", lambda screen: None)
    async with browsing(*COMMON, "d", size=(80, 24)) as (pilot, _):
        screen = pilot.app.screen
        assert isinstance(screen, DeleteScreen)
        proposal = Proposal([], [failed], {}, "Delete", lambda: pytest.fail("nothing"), True)
        screen._show_result(proposal, Report("team/app", (failed,)), [])
        assert f"v2: {why}" in screen._sentences.content


@pytest.mark.parametrize("rows", [1, 40])
async def test_all_that_is_said_can_be_read_on_a_small_terminal(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    said = [f"Sentence {number} of many, {'long ' * 12}." for number in range(12)]

    async def propose(screen: DeleteScreen, *_: object) -> Proposal:
        planned = [outcome(f"t{number}", Status.PLANNED) for number in range(rows)]
        return Proposal(said, planned, {}, "Delete", lambda: pytest.fail("nothing was confirmed"), True, "forever")

    monkeypatch.setattr(DeleteScreen, "propose", propose)
    async with browsing(*COMMON, "d", size=(80, 24)) as (pilot, _):
        screen = pilot.app.screen
        assert isinstance(screen, DeleteScreen)
        shown = screen._sentences
        assert shown.has_more
        assert "pgdn" in screen._hints.render_line(0).text
        for _ in range(4):
            await pilot.press("pagedown")
        await settled(pilot)
        assert shown.scroll_y == shown.max_scroll_y
        # The rest keeps its room.
        assert screen._table.size.height >= 1
        assert screen._typed.region.bottom <= screen._go.region.y <= 23
        await pilot.press("pageup", "pageup", "pageup", "pageup")
        assert shown.scroll_y == 0


async def test_a_short_list_of_rows_leaves_its_room_to_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [f"Sentence {number}." for number in range(13)]

    async def propose(screen: DeleteScreen, *_: object) -> Proposal:
        return Proposal(said, [outcome("t", Status.PLANNED)], {}, "Delete", lambda: pytest.fail("nothing"), True)

    monkeypatch.setattr(DeleteScreen, "propose", propose)
    async with browsing(*COMMON, "d", size=(80, 24)) as (pilot, _):
        screen = pilot.app.screen
        assert isinstance(screen, DeleteScreen)
        assert not screen._sentences.has_more
        assert screen._sentences.size.height == 13
        assert screen._table.size.height >= 1


async def test_how_far_a_plan_is_that_was_closed_meanwhile_is_told_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Progress] = []

    async def propose(screen: DeleteScreen, chosen: Mapping[str, bool], on_progress: Progress) -> Proposal:
        told.append(on_progress)
        raise RegtuiError("It can't be planned.")

    monkeypatch.setattr(DeleteScreen, "propose", propose)
    async with browsing(*COMMON) as (pilot, browser):
        await pilot.press("d")
        await settled(pilot)
        await pilot.press("escape")
        told[0](100, 100)
        await settled(pilot)
        assert pilot.app.screen is browser
