"""The garbage screen: the dry run always first, nothing without confirmation, and the truth told in the end."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Button, Static

from regtui.errors import RegtuiError
from regtui.garbage.values import EarlierRun, Forecast, Stage
from regtui.host.errors import CollectionFailed, HostNotAllowed, NotOnHost, Unsafe
from regtui.host.keep_out import KeepOut
from regtui.registry.address import Address
from regtui.ssh.errors import HostUnreachable
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.confirm import ConfirmScreen
from regtui.ui.screens.garbage import GarbageScreen
from regtui.ui.widgets.garbage.lines import LogLines, TextLines
from regtui.ui.widgets.garbage.ways import Ways
from regtui.ui.widgets.tick import Tick
from tests.support.patience import PATIENCE
from tests.support.pilots import resize
from tests.support.screens import app_on, settled, target
from tests.support.scripted_collector import FORECAST, REPORT, SURVEY, ScriptedCollector, collected_by

KEEPING_OUT = 2


@asynccontextmanager
async def garbage(
    collector: ScriptedCollector, size: tuple[int, int] = (120, 40), **changes: object
) -> AsyncIterator[tuple[Pilot[int], GarbageScreen]]:
    """The garbage screen, once it has looked."""
    async with app_on(collected_by(collector, **changes)).run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+g")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, GarbageScreen)
        yield pilot, screen


async def until(pilot: Pilot[int], words: str) -> None:
    """Until the sentences contain `words`."""
    async with asyncio.timeout(PATIENCE):
        while words not in said(pilot):
            await pilot.pause(0.02)


def said(pilot: Pilot[int]) -> str:
    """The sentences of the garbage screen."""
    screen = next(screen for screen in pilot.app.screen_stack if isinstance(screen, GarbageScreen))
    return str(screen.query_one("#found-text", Static).content)


def shown(widget: TextLines | LogLines) -> str:
    return "\n".join(widget.line(number, 200).plain for number in range(widget.line_count()))


def can_collect(screen: GarbageScreen) -> bool:
    return bool(screen.query_one("#collect", Button).display)


async def test_it_looks_and_tries_first_and_collects_nothing_by_itself() -> None:
    collector = ScriptedCollector()
    async with garbage(collector) as (pilot, screen):
        assert collector.calls == ["survey", "forecast"]
        assert "ci@prod-1: the docker container registry" in said(pilot)
        assert "9 blobs can be freed, 180 MB of 12.4 GB" in said(pilot)
        assert "docker stop registry" in shown(screen.query_one(TextLines))
        assert screen.focused is screen.query_one("#cancel")


async def test_enter_on_the_focused_cancel_changes_nothing() -> None:
    collector = ScriptedCollector()
    async with garbage(collector) as (pilot, _):
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(pilot.app.screen, BrowserScreen)
    assert "collect" not in collector.calls


async def test_y_collects_and_the_result_stays() -> None:
    collector = ScriptedCollector()
    async with garbage(collector) as (pilot, screen):
        await pilot.press("y")
        await settled(pilot)
        await until(pilot, "180 MB freed in 9 blobs on ci@prod-1, in 18 s.")
        assert "The registry answers again." in said(pilot)
        assert "640 tags checked: all of them have all their blobs." in said(pilot)
        assert "blob eligible" in shown(screen.query_one(LogLines))
        assert collector.choices is not None
        assert collector.choices.keep_out is KeepOut.STOP
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(pilot.app.screen, BrowserScreen)


async def test_where_nothing_can_be_freed_nothing_is_offered() -> None:
    async with garbage(ScriptedCollector(forecasts=Forecast(7, {}))) as (pilot, screen):
        assert "Nothing can be freed" in said(pilot)
        assert not can_collect(screen)
        # Nor is it said what would be run, nor that the registry would be stopped.
        assert not screen.query_one(Ways).display
        assert screen._board.copyable == ""
        assert "stopped" not in str(screen._board._note.content)
        await pilot.press("y")
        await settled(pilot)
        assert "Nothing can be freed" in said(pilot)


async def test_an_empty_storage_is_nothing_to_collect_and_no_failure() -> None:
    empty = Forecast(0, {}, nothing="There is nothing to collect: the storage is empty.")
    async with garbage(ScriptedCollector(forecasts=empty)) as (pilot, screen):
        assert "There is nothing to collect" in said(pilot)
        assert not screen.query_one("#found-text").has_class("-error")
        assert not can_collect(screen)


async def test_untagged_images_are_a_choice_that_makes_the_dry_run_again() -> None:
    collector = ScriptedCollector()
    async with garbage(collector) as (pilot, screen):
        assert "2 untagged images in 1 repository stay" in said(pilot)
        screen.query_one("#untagged").focus()
        await pilot.press("space")
        await settled(pilot)
        assert collector.calls == ["survey", "forecast", "forecast"]
        assert "are deleted first; until the sweep, undo can put them back" in said(pilot)
        assert screen.focused is screen.query_one("#untagged")
        await pilot.press("y")
        await settled(pilot)
        assert collector.choices is not None
        assert collector.choices.untagged


async def test_untagged_images_that_were_not_looked_for_are_offered_and_stay_so_while_ticked() -> None:
    unsought = replace(FORECAST, blobs={}, untagged=(), unsought=True)
    collector = ScriptedCollector(forecasts=unsought)
    async with garbage(collector) as (pilot, screen):
        tick = screen.query_one("#untagged", Tick)
        assert tick.display
        assert not can_collect(screen)
        collector.forecasts = replace(FORECAST, untagged=())
        tick.focus()
        await pilot.press("space")
        await settled(pilot)
        assert tick.display
        assert can_collect(screen)


async def test_tab_leads_from_the_buttons_to_the_choices_and_then_to_what_scrolls() -> None:
    async with garbage(ScriptedCollector()) as (pilot, screen):
        assert screen.focused is screen.query_one("#cancel")
        met = []
        for _ in screen.focus_chain:
            await pilot.press("tab")
            met.append(screen.focused)
        expected = [screen.query_one("#collect"), screen.query_one("#untagged"), screen.query_one(Ways)]
        assert met[:3] == expected
        assert met[-1] is screen.query_one("#cancel")
        assert len(set(met)) == len(screen.focus_chain)
        await pilot.press("shift+tab")
        assert screen.focused is met[-2]


async def test_untagged_images_arent_offered_where_deletion_is_disabled() -> None:
    async with garbage(ScriptedCollector(found=replace(SURVEY, delete_enabled=False))) as (pilot, screen):
        assert "Deletion is disabled there" in said(pilot)
        assert not screen.query_one("#untagged").display
        assert can_collect(screen)


async def test_staying_online_is_warned_of_and_confirmed_twice() -> None:
    collector = ScriptedCollector()
    async with garbage(collector) as (pilot, screen):
        ways = screen.query_one(Ways)
        ways.focus()
        await pilot.press("left")
        await settled(pilot)
        assert ways.way is KeepOut.ONLINE
        assert "Nothing keeps pushes out" in str(screen.query_one("#note", Static).content)
        assert "docker stop" not in shown(screen.query_one(TextLines))
        await pilot.press("y")
        await settled(pilot)
        assert isinstance(pilot.app.screen, ConfirmScreen)
        await pilot.press("enter")
        await settled(pilot)
        assert "collect" not in collector.calls
        await pilot.press("y")
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        assert collector.choices is not None
        assert collector.choices.keep_out is KeepOut.ONLINE


async def test_ctrl_c_never_confirms_a_collection() -> None:
    collector = ScriptedCollector(found=replace(SURVEY, keep_out=(KeepOut.ONLINE,)))
    async with garbage(collector) as (pilot, screen):
        await pilot.press("y")
        await settled(pilot)
        assert pilot.app.screen is not screen, "it asks"
        await pilot.press("ctrl+c")
        await settled(pilot)
        assert screen.is_current
    assert "collect" not in collector.calls


async def test_only_ways_that_the_host_has_are_offered() -> None:
    found = replace(SURVEY, keep_out=(KeepOut.READ_ONLY, KeepOut.ONLINE))
    collector = ScriptedCollector(found=found)
    async with garbage(collector) as (pilot, screen):
        assert "stop" not in screen.query_one(Ways).render().plain
        await pilot.press("y")
        await settled(pilot)
        assert collector.choices is not None
        assert collector.choices.keep_out is KeepOut.READ_ONLY


async def test_read_only_shows_the_dry_run_and_offers_nothing() -> None:
    collector = ScriptedCollector()
    async with garbage(collector, read_only=True) as (pilot, screen):
        assert "can be freed" in said(pilot)
        assert not can_collect(screen)
        await pilot.press("y")
        await settled(pilot)
    assert "collect" not in collector.calls


# While it runs


async def test_esc_stops_it_at_the_next_safe_point_and_the_result_is_shown() -> None:
    stopped = replace(REPORT, freed=None, blobs=0, verified=None, trouble=("It was stopped before the sweep.",))
    collector = ScriptedCollector(hold=KEEPING_OUT, result=stopped)
    async with garbage(collector) as (pilot, _):
        await pilot.press("y")
        await until(pilot, "Keeping pushes out")
        await pilot.press("escape")
        await until(pilot, "It was stopped before the sweep.")
        assert collector.is_stopped
        assert "Nothing was freed on ci@prod-1." in said(pilot)
        assert "The registry answers again." in said(pilot)


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_quitting_asks_and_goes_on_unless_it_is_confirmed(key: str) -> None:
    collector = ScriptedCollector(hold=KEEPING_OUT)
    async with garbage(collector) as (pilot, _):
        await pilot.press("y")
        await until(pilot, "Keeping pushes out")
        await pilot.press(key)
        await pilot.pause()
        assert isinstance(pilot.app.screen, ConfirmScreen)
        await pilot.press("escape")
        await pilot.pause()
        assert not collector.is_stopped
        assert pilot.app.is_running
        collector.release.set()
        await until(pilot, "180 MB freed")


@pytest.mark.parametrize("keys", [("q", "y"), ("ctrl+c", "ctrl+c")])
async def test_confirmed_it_stops_waits_for_the_end_and_quits(keys: tuple[str, str]) -> None:
    collector = ScriptedCollector(hold=KEEPING_OUT)
    async with garbage(collector) as (pilot, _):
        await pilot.press("y")
        await until(pilot, "Keeping pushes out")
        await pilot.press(*keys)
        async with asyncio.timeout(PATIENCE):
            while pilot.app.return_value is None:
                await pilot.pause(0.02)
    assert collector.is_stopped
    assert pilot.app.return_value == 0


async def test_it_doesnt_quit_while_the_registry_is_down() -> None:
    collector = ScriptedCollector(hold=KEEPING_OUT, result=replace(REPORT, is_up=False, trouble=("Start it by hand.",)))
    async with garbage(collector) as (pilot, _):
        await pilot.press("y")
        await until(pilot, "Keeping pushes out")
        await pilot.press("q", "y")
        await until(pilot, "THE REGISTRY DOESN'T ANSWER.")
        assert "Start it by hand." in said(pilot)
        assert pilot.app.return_value is None


async def test_quitting_asks_nothing_before_and_after() -> None:
    async with garbage(ScriptedCollector()) as (pilot, _):
        await pilot.press("q")
        await pilot.pause()
        assert pilot.app.return_value == 0


# What goes wrong


FAILURES = [
    HostUnreachable("ssh finds no host prod-1.", "Check the name in the config file."),
    HostNotAllowed("ci@prod-1 refuses the key.", "Add it to the agent."),
    NotOnHost("There is no docker on prod-1.", "Name the runtime."),
]


@pytest.mark.parametrize("at", ["survey", "forecast"])
@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
async def test_a_failure_is_one_sentence_with_its_remedy_and_r_tries_again(at: str, error: RegtuiError) -> None:
    collector = ScriptedCollector(failing={at: error})
    async with garbage(collector) as (pilot, screen):
        assert error.message in said(pilot)
        assert error.remedy in said(pilot)
        assert not can_collect(screen)
        collector.failing.clear()
        await pilot.press("r")
        await settled(pilot)
        assert "can be freed" in said(pilot)
        assert can_collect(screen)


async def test_a_failure_midway_is_told_with_what_was_done() -> None:
    error = CollectionFailed("The disk of the storage is full.", "Make some room.")
    collector = ScriptedCollector(failing={"collect": error}, result=replace(REPORT, freed=None))
    async with garbage(collector) as (pilot, screen):
        await pilot.press("y")
        await settled(pilot)
        await until(pilot, "The disk of the storage is full.")
        assert "The registry answers again." in said(pilot)
        assert screen.query_one("#found-text").has_class("-error")


async def test_server_text_cant_reach_the_terminal() -> None:
    error = NotOnHost("no\x1b]52;c;aGk=\x07thing [/]here", "")
    async with garbage(ScriptedCollector(failing={"survey": error})) as (pilot, _):
        assert "\x1b" not in said(pilot)
        assert "[/]here" in said(pilot)


async def test_without_a_host_it_says_what_to_put_into_the_config_file(tmp_path: Path) -> None:
    away = target(address=Address.parse("http://registry.example.com:5000"), name="prod", make_collector=None)
    async with app_on(away, tmp_path / "config.toml").run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+g")
        await settled(pilot)
        assert "nobody said which that is for registry.example.com:5000" in said(pilot)
        screen = pilot.app.screen
        assert "[registries.prod.host]" in shown(screen.query_one(TextLines))
        await pilot.press("c")
        await pilot.pause()
        assert "[registries.prod.host]" in pilot.app.clipboard
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(pilot.app.screen, BrowserScreen)


async def test_where_nothing_is_found_on_a_host_that_nobody_named_it_says_so_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registry at a loopback address is looked for on this machine. As `regtui gc` has it."""
    nothing = ScriptedCollector(failing={"survey": NotOnHost("There is no registry on this machine.", "Say how.")})
    monkeypatch.setattr("regtui.session.session.Session.collector", lambda *_: nothing)
    here = target(address=Address.parse("http://127.0.0.1:5000"), name="prod", make_collector=None)
    async with app_on(here, tmp_path / "config.toml").run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+g")
        await settled(pilot)
        assert "There is no registry on this machine." in said(pilot)
        assert "nobody said which that is for 127.0.0.1:5000" in said(pilot)
        assert "[registries.prod.host]" in shown(pilot.app.screen.query_one(TextLines))


# An earlier run, empty repositories, commands, prompts


async def test_an_earlier_run_that_is_going_on_is_shown_with_its_log() -> None:
    run = EarlierRun("2026-11-23T11:00:00Z", Stage.COLLECT, True, ("marking", "sweeping"))
    collector = ScriptedCollector(earlier_runs=[run])
    async with app_on(collected_by(collector)).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+g")
        await until(pilot, "is still going on, at: collect.")
        async with asyncio.timeout(PATIENCE):
            while "sweeping" not in shown(pilot.app.screen.query_one(LogLines)):
                await pilot.pause(0.02)
        assert collector.calls == []
        await pilot.press("escape")
        await pilot.pause()


async def test_one_that_ended_unheard_is_shown_before_another_dry_run() -> None:
    run = EarlierRun("2026-11-23T11:00:00Z", Stage.BRING_BACK, False, ("started",))
    collector = ScriptedCollector(earlier_runs=[run])
    async with garbage(collector) as (pilot, _):
        assert "ended without regtui hearing, at: bring the registry back." in said(pilot)
        assert collector.calls == []
        await pilot.press("y")
        await settled(pilot)
        assert collector.calls == ["survey", "forecast"]


async def test_one_that_was_killed_is_ended_and_its_registry_started_before_a_dry_run() -> None:
    run = EarlierRun("2026-11-23T11:00:00Z", Stage.COLLECT, False, ("sweeping",), was_killed=True)
    collector = ScriptedCollector(earlier_runs=[run])
    async with garbage(collector) as (pilot, _):
        assert "The registry may be down, and nothing there starts it again." in said(pilot)
        assert collector.calls == []
        await pilot.press("y")
        await until(pilot, "9 blobs can be freed")
        assert collector.calls == ["bring_back", "survey", "forecast"]


async def test_a_registry_that_does_not_come_back_is_said_and_nothing_else_is_tried() -> None:
    run = EarlierRun("2026-11-23T11:00:00Z", Stage.COLLECT, False, was_killed=True)
    result = replace(REPORT, is_up=False, trouble=("It does not answer yet.",))
    collector = ScriptedCollector(earlier_runs=[run], result=result)
    async with garbage(collector) as (pilot, screen):
        await pilot.press("y")
        await until(pilot, "THE REGISTRY DOESN'T ANSWER.")
        assert "It does not answer yet." in said(pilot)
        assert collector.calls == ["bring_back"]
        assert not can_collect(screen)


async def test_empty_repositories_are_listed_and_removed_when_confirmed() -> None:
    collector = ScriptedCollector(result=replace(REPORT, empty_repositories=("old/app", "old/web")))
    async with garbage(collector) as (pilot, screen):
        await pilot.press("y")
        await settled(pilot)
        await until(pilot, "2 repositories are empty")
        await pilot.press("y")
        await settled(pilot)
        question = pilot.app.screen
        assert isinstance(question, ConfirmScreen)
        assert "old/web" in str(question.query_one(Static).content)
        await pilot.press("escape")
        await settled(pilot)
        assert not collector.removed
        await pilot.press("y")
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        assert collector.removed == ("old/app", "old/web")
        assert not can_collect(screen)


async def test_the_commands_can_be_copied() -> None:
    async with garbage(ScriptedCollector()) as (pilot, _):
        await pilot.press("c")
        await pilot.pause()
        assert pilot.app.clipboard.splitlines()[0] == "ssh -- ci@prod-1 docker stop registry"


async def test_long_commands_are_shown_to_their_end() -> None:
    async with garbage(ScriptedCollector(), (80, 24)) as (_, screen):
        lines = screen.query_one(TextLines)
        text = " ".join(lines.line(number, 60).plain.strip() for number in range(len(lines._lines(60))))
        assert "registry:2 garbage-collect /etc/docker/registry/config.yml" in text


async def test_what_ssh_asks_is_asked_on_the_terminal_that_the_app_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    @contextmanager
    def suspend(_: App[int]) -> Iterator[None]:
        order.append("left")
        yield
        order.append("back")

    monkeypatch.setattr(RegtuiApp, "suspend", suspend)
    async with garbage(ScriptedCollector(asks=lambda: order.append("asked"))) as (pilot, _):
        assert order == ["left", "asked", "back"]
        assert "can be freed" in said(pilot)


async def test_where_there_is_no_terminal_to_leave_nothing_is_asked() -> None:
    asked: list[bool] = []
    async with garbage(ScriptedCollector(asks=lambda: asked.append(True))) as (pilot, _):
        assert asked == []
        assert "can be freed" in said(pilot)


async def test_untagged_images_that_cant_be_deleted_leave_the_rest_possible() -> None:
    collector = ScriptedCollector()
    async with garbage(collector) as (pilot, screen):
        collector.failing["untagged"] = Unsafe("registry refuses deletion: it is disabled there.")
        tick = screen.query_one("#untagged", Tick)
        tick.focus()
        await pilot.press("space")
        await settled(pilot)
        assert not tick.value
        assert can_collect(screen)


async def test_too_small_is_said_and_nothing_is_lost_by_it() -> None:
    async with garbage(ScriptedCollector(), (40, 10)) as (pilot, screen):
        assert screen.query_one("#too-small").display
        await resize(pilot, 80, 24)
        await pilot.pause()
        assert not screen.query_one("#too-small").display
        assert "can be freed" in said(pilot)


async def test_on_the_demo_everything_works_to_the_removal_of_what_is_empty() -> None:
    async with app_on(target()).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+g")
        await settled(pilot)
        for key in ("y", "y", "y"):
            await pilot.press(key)
            await settled(pilot)
        assert "508 MB freed in 4 blobs on demo.localhost" in said(pilot)
        await pilot.press("escape")
        await settled(pilot)
        browser = pilot.app.screen
        assert isinstance(browser, BrowserScreen)
        assert "sandbox/empty" not in browser.lines.model.names()


async def test_ctrl_g_does_nothing_over_other_screens() -> None:
    async with app_on(collected_by(ScriptedCollector())).run_test() as pilot:
        await settled(pilot)
        await pilot.press("question_mark")
        await settled(pilot)
        await pilot.press("ctrl+g")
        await settled(pilot)
        assert not isinstance(pilot.app.screen, GarbageScreen)
