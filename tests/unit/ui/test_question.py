"""Nothing is confirmed by a key that was typed before what it confirms stood on the terminal. In given time."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Button, Input

from regtui.host.keep_out import KeepOut
from regtui.ui import question, unseen
from regtui.ui.app import RegtuiApp
from regtui.ui.question import Asking, Question
from regtui.ui.screens.confirm import ConfirmScreen
from regtui.ui.screens.delete import DeleteScreen
from regtui.ui.screens.garbage import GarbageScreen
from regtui.ui.screens.help import HelpScreen
from regtui.ui.screens.keep import KeepScreen
from regtui.ui.screens.plan import PlanScreen, Progress, Proposal
from regtui.ui.screens.tag import TagScreen
from regtui.ui.screens.undo import UndoScreen
from regtui.ui.shown import Forget, Told
from regtui.ui.widgets.bottom_line import BottomLine
from regtui.ui.widgets.garbage.board import Board, Phase
from tests.support import pilots
from tests.support.screens import COMMON, browsing, settled


class Clock:
    """When frames are shown, as a test says. Keys are typed at times of the test's choice."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waiting: list[Told] = []

    def when_shown(self, told: Told) -> Forget:
        self.waiting.append(told)
        return lambda: None

    async def show(self, pilot: Pilot[int]) -> None:
        """What was painted last is on the terminal now."""
        await settled(pilot)
        told, self.waiting = self.waiting, []
        for one in told:
            one(self.now)
        await settled(pilot)

    async def type(self, pilot: Pilot[int], *names: str, after: float = 0.0) -> None:
        """Keys, so many seconds from now."""
        for name in names:
            key = events.Key(name, name if len(name) == 1 else None)
            key.time = self.now + after
            pilot.app.post_message(key)
        await pilot.pause()
        await settled(pilot)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(question, "MOMENT", 0.35)
    monkeypatch.setattr(pilots, "answerable_within", 0.0)
    monkeypatch.setattr(RegtuiApp, "when_shown", lambda _, told: clock.when_shown(told))
    return clock


async def test_a_key_counts_from_a_moment_after_the_plan_was_seen(clock: Clock) -> None:
    async with browsing(*COMMON) as (pilot, _):
        await clock.type(pilot, "d")
        await clock.type(pilot, "y", "y", "enter", "space")
        screen = pilot.app.screen
        assert isinstance(screen, DeleteScreen)
        # Painted, but on its way to the terminal.
        await clock.type(pilot, "y", after=60)
        assert screen.under_way == ""
        assert screen._report is None
        clock.now += 60
        await clock.show(pilot)
        await clock.type(pilot, "y", "enter", after=0.34)
        assert screen._change is None
        # Read long after it was typed: queued behind.
        await clock.type(pilot, "y", after=-30)
        assert screen._change is None
        await clock.type(pilot, "y", after=0.36)
        assert screen._report is not None


async def test_a_key_that_was_on_its_way_through_the_app_when_the_plan_came_up(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Handed on while there was nothing to confirm; a key goes from widget to widget before it means anything."""
    gate, propose = asyncio.Event(), DeleteScreen.propose

    async def held_back(screen: DeleteScreen, chosen: Mapping[str, bool], on_progress: Progress) -> Proposal:
        proposal = await propose(screen, chosen, on_progress)
        await gate.wait()
        return proposal

    monkeypatch.setattr(DeleteScreen, "propose", held_back)
    async with browsing(*COMMON) as (pilot, _):
        app = pilot.app
        assert isinstance(app, RegtuiApp)
        app.post_message(events.Key("d", "d"))
        while not isinstance(app.screen, DeleteScreen) or not app.screen.query("#cancel:focus"):
            await pilot.pause(0.02)
        await pilot.pause(0.2)
        screen, hand_on = app.screen, app.key_queue._dispatch

        async def then_the_plan(event: events.Key | events.Paste) -> None:
            await hand_on(event)
            gate.set()

        app.key_queue._dispatch = then_the_plan
        early = events.Key("y", "y")
        early.time = clock.now
        app.post_message(early)
        while screen._proposal is None:
            await pilot.pause(0.02)
        await settled(pilot)
        assert screen._change is None


async def test_the_way_out_is_open_from_the_start(clock: Clock) -> None:
    async with browsing(*COMMON) as (pilot, browser):
        await clock.type(pilot, "d")
        await clock.type(pilot, "escape")
        assert pilot.app.screen_stack[-1] is browser


@pytest.mark.parametrize("key", ["d", "ctrl+g"])
async def test_a_key_of_the_app_answers_nothing_and_is_not_dropped(clock: Clock, key: str) -> None:
    """Quitting is a way out of every question, however quickly it follows on it; so is the help a look aside."""
    async with browsing(*COMMON) as (pilot, _):
        await clock.type(pilot, key)
        screens = [*pilot.app.screen_stack]
        assert isinstance(screens[-1], Asking)
        await clock.type(pilot, "question_mark")
        assert isinstance(pilot.app.screen_stack[-1], HelpScreen)
        await clock.type(pilot, "escape")
        assert pilot.app.screen_stack == screens
        await clock.type(pilot, "q")
        assert not pilot.app.is_running


@pytest.mark.parametrize("was_seen", [False, True])
async def test_a_plan_that_was_covered_is_seen_anew(clock: Clock, was_seen: bool) -> None:
    """What is on the terminal meanwhile is the help, whether the plan was there before or not."""
    async with browsing(*COMMON) as (pilot, _):
        await clock.type(pilot, "d")
        screen = pilot.app.screen
        assert isinstance(screen, DeleteScreen)
        if was_seen:
            await clock.show(pilot)
        await clock.type(pilot, "question_mark", after=1)
        await clock.show(pilot)
        await clock.type(pilot, "escape", "y", after=2)
        assert pilot.app.screen_stack[-1:] == [screen]
        assert screen._change is None
        await clock.show(pilot)
        await clock.type(pilot, "y", after=3)
        assert screen._report is not None


async def test_after_the_app_had_left_the_terminal_the_plan_is_seen_anew(clock: Clock) -> None:
    """By ctrl+z, or for what ssh asks."""
    async with browsing(*COMMON) as (pilot, _):
        await clock.type(pilot, "d")
        await clock.show(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, DeleteScreen)
        pilot.app.app_resume_signal.publish(pilot.app)
        await clock.type(pilot, "y", after=60)
        assert screen._change is None
        await clock.show(pilot)
        await clock.type(pilot, "y", after=61)
        assert screen._report is not None


async def test_a_letter_that_quits_elsewhere_is_text_where_text_is_typed(clock: Clock) -> None:
    async with browsing(*COMMON) as (pilot, _):
        await clock.type(pilot, "a", "d")
        await clock.type(pilot, "q")
        screen = pilot.app.screen
        assert isinstance(screen, DeleteScreen)
        assert pilot.app.is_running
        assert screen.query_one("#typed", Input).value == ""


async def test_a_plan_that_changed_meanwhile_is_another_question(clock: Clock) -> None:
    async with browsing(*COMMON) as (pilot, _):
        await clock.type(pilot, "d")
        await clock.show(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, DeleteScreen)
        screen.make_plan()
        await clock.type(pilot, "y", after=1)
        assert screen._change is None
        await clock.show(pilot)
        await clock.type(pilot, "y", after=0.2)
        assert screen._change is None
        await clock.type(pilot, "y", after=0.4)
        assert screen._report is not None


async def test_a_word_that_was_typed_before_does_not_stand_there(clock: Clock) -> None:
    """Ten tags or more: their number is typed."""
    async with browsing(*COMMON) as (pilot, _):
        await clock.type(pilot, "a", "d")
        await clock.type(pilot, "4", "2", "enter")
        screen = pilot.app.screen
        assert isinstance(screen, DeleteScreen)
        paste = events.Paste("42")
        paste.time = clock.now
        pilot.app.post_message(paste)
        await clock.type(pilot, "4", "2", "enter", after=60)
        await clock.show(pilot)
        assert screen.query_one("#typed", Input).value == ""
        await clock.type(pilot, "enter", after=1)
        assert screen._change is None
        await clock.type(pilot, "4", "2", "enter", after=1)
        assert screen._report is not None


async def test_the_hints_show_it_from_when_on_it_counts(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    async with browsing(*COMMON) as (pilot, _):
        await clock.type(pilot, "d")
        screen = pilot.app.screen
        assert isinstance(screen, PlanScreen)
        assert "y" not in [key for key, _ in screen._hints._hints]
        monkeypatch.setattr(question, "MOMENT", 0.0)
        await clock.show(pilot)
        assert ("y", "delete 1 tag") in screen._hints._hints


async def test_while_it_waits_it_says_so_and_keeps_no_key(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute and longer: nothing but the terminal's answer ends it. The way out stays open."""
    monkeypatch.setattr(unseen, "_SAY_SO", 0.001)
    async with browsing(*COMMON) as (pilot, browser):
        for is_answered in (False, True):
            await clock.type(pilot, "d")
            screen = pilot.app.screen
            assert isinstance(screen, DeleteScreen)
            while not screen.query(BottomLine):
                await pilot.pause(0.01)
            assert "Waiting for the terminal" in str(screen.query_one(BottomLine).content)
            assert screen.query_one(BottomLine).region.bottom == screen.size.height
            clock.now += 3_600
            await clock.type(pilot, "y", "enter", after=60)
            assert screen._change is None
            if is_answered:
                await clock.show(pilot)
                assert not screen.query(BottomLine)
                assert screen._change is None
            await clock.type(pilot, "escape", after=0.1)
            assert pilot.app.screen is browser


async def test_the_number_that_stands_beside_it_was_read(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a terminal that never answered: whoever types it has seen what is on it. Nothing else is taken for it."""
    monkeypatch.setattr(RegtuiApp, "is_terminal_silent", True)
    async with browsing(*COMMON) as (pilot, _):
        await clock.type(pilot, "d")
        await clock.type(pilot, "y", "enter", after=3_600)
        screen = pilot.app.screen
        assert isinstance(screen, DeleteScreen)
        word, number, *_ = str(screen.query_one(BottomLine).content).split()
        assert (word, len(number)) == ("Type", 4)
        other = str(int(number) % 9_000 + 1_000)
        for wrong in (number[:3], number[1:], number[:2] + "y" + number[2:], other):
            await clock.type(pilot, *wrong, "y", after=3_600)
            assert screen._change is None
        await clock.type(pilot, *number, after=3_600)
        assert not screen.query(BottomLine)
        # Each key by its own time: this one was typed before.
        await clock.type(pilot, "y", after=3_599)
        assert screen._change is None
        await clock.type(pilot, "y", after=3_600)
        assert screen._report is not None


async def test_the_number_of_one_plan_is_not_that_of_the_next(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RegtuiApp, "is_terminal_silent", True)
    numbers = iter((0, 1))
    monkeypatch.setattr(unseen, "secrets", SimpleNamespace(randbelow=lambda _: next(numbers)))
    async with browsing(*COMMON) as (pilot, _):
        await clock.type(pilot, "d")
        screen = pilot.app.screen
        assert isinstance(screen, DeleteScreen)
        await clock.type(pilot, *"100")
        screen.make_plan()
        await settled(pilot)
        assert "Type 1001 " in str(screen.query_one(BottomLine).content)
        await clock.type(pilot, *"0", *"1000", "y", after=1)
        assert screen._change is None
        await clock.type(pilot, *"1001", "y", after=2)
        assert screen._report is not None


async def test_clicks_count_no_sooner(clock: Clock) -> None:
    async with browsing(*COMMON) as (pilot, _):
        await clock.type(pilot, "d")
        screen = pilot.app.screen
        assert isinstance(screen, DeleteScreen)
        await settled(pilot)
        x, y = screen.query_one("#go", Button).region.center
        for after in (0.0, 1.0):
            for kind in (events.MouseDown, events.MouseUp):
                event = kind(None, int(x), int(y), 0, 0, 1, False, False, False, int(x), int(y))
                event.time = clock.now + after
                pilot.app.post_message(event)
            await settled(pilot)
            assert (screen._report is not None) == (after > 0)
            await clock.show(pilot)


async def test_undo(clock: Clock) -> None:
    async with browsing(*COMMON) as (pilot, _):
        await clock.type(pilot, "d")
        await clock.show(pilot)
        await clock.type(pilot, "y", after=1)
        await clock.type(pilot, "U", "y", "y", "enter", after=2)
        while not isinstance(pilot.app.screen, UndoScreen):
            await pilot.pause(0.02)
        screen = pilot.app.screen
        assert screen._change is None
        await clock.show(pilot)
        await clock.type(pilot, "y", after=1)
        assert screen._report is not None


async def test_moving_a_tag(clock: Clock) -> None:
    async with browsing(*COMMON) as (pilot, browser):
        model = browser.table.model
        assert model.cursor is not None
        other = next(row.tag for row in model.rows if model.cursor not in (row.tag, *model.same_image(row.tag)))
        await clock.type(pilot, "t", *(other.replace(".", "|")).replace("|", "."), "enter", "right", "enter")
        screen = pilot.app.screen
        assert isinstance(screen, TagScreen)
        assert screen.query_one("#move", Button).display
        await clock.show(pilot)
        await clock.type(pilot, "right", "enter", after=0.3)
        assert pilot.app.screen is screen
        assert screen.query_one("#keep", Button).has_focus
        await clock.type(pilot, "right", "enter", after=1)
        assert pilot.app.screen_stack[-1] is browser


async def test_collecting(clock: Clock) -> None:
    async with browsing(*COMMON) as (pilot, _):
        await clock.type(pilot, "ctrl+g")
        await clock.type(pilot, "y", "enter")
        await clock.type(pilot, "y", after=60)
        screen = pilot.app.screen
        assert isinstance(screen, GarbageScreen)
        board = screen.query_one(Board)
        assert board.phase is Phase.READY
        await clock.show(pilot)
        # Another way to keep pushes out, and other commands: asked anew.
        screen._choices = replace(screen._choices, keep_out=KeepOut.STOP)
        screen._way_changed(type("Changed", (), {"way": KeepOut.STOP})())
        await clock.type(pilot, "y", after=1)
        assert board.phase is Phase.READY
        await clock.show(pilot)
        await clock.type(pilot, "y", after=1)
        assert board.phase is not Phase.READY


async def test_every_question_of_yes_or_no(clock: Clock) -> None:
    async with browsing() as (pilot, browser):
        for screen in (ConfirmScreen("Really?", ["It is gone then."], yes="Go"), KeepScreen("none", "there")):
            answers: list[bool | None] = []
            pilot.app.push_screen(screen, answers.append)
            await clock.type(pilot, "y", "enter", after=60)
            assert answers == []
            await clock.show(pilot)
            await clock.type(pilot, "down", "enter", after=0.3)
            assert answers == []
            await clock.type(pilot, "escape", after=0.0)
            assert answers == [False]
            assert pilot.app.screen_stack[-1] is browser


async def test_a_question_before_is_no_question_any_more(clock: Clock) -> None:
    """Its frame is shown after the next one was asked."""
    async with browsing() as (pilot, browser):
        asked = Question(browser)
        asked.ask()
        await settled(pilot)
        asked.ask()
        first = clock.waiting.pop(0)
        first(clock.now)
        assert asked.counts_from == float("inf")
        await clock.show(pilot)
        assert asked.counts_from == clock.now + 0.35


def test_every_screen_that_changes_something_asks() -> None:
    from regtui.ui.screens.interrupted_runs import InterruptedScreen

    registry = SimpleNamespace(session=SimpleNamespace(host=""), thread=None)
    for made in (
        ConfirmScreen("", [], yes=""),
        KeepScreen("", ""),
        InterruptedScreen(None),  # type: ignore[arg-type]
        DeleteScreen(registry, "", []),  # type: ignore[arg-type]
        UndoScreen(registry, None),  # type: ignore[arg-type]
        TagScreen(registry, "", "", None, None),  # type: ignore[arg-type]
        GarbageScreen(registry, None),  # type: ignore[arg-type]
    ):
        assert isinstance(made, Asking)
