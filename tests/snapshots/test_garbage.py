"""The garbage screen in each of its states, at two sizes."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
from textual.pilot import Pilot

from regtui.garbage.values import EarlierRun, Stage, TagsVerified
from regtui.host.errors import HostNotAllowed
from regtui.registry.address import Address
from regtui.ui.screens import garbage
from tests.support.screens import SIZES, app_on, keys, target
from tests.support.scripted_collector import REPORT, ScriptedCollector, collected_by

Compare = Callable[..., bool]
Before = Callable[[Pilot[int]], Awaitable[None]]

at_each_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


@pytest.fixture(autouse=True)
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "time", SimpleNamespace(monotonic=lambda: 0.0))


@at_each_size
def test_ready(size: tuple[int, int], snap_compare: Compare) -> None:
    app = app_on(collected_by(ScriptedCollector()))
    assert snap_compare(app, terminal_size=size, run_before=keys("ctrl+g"))


def test_online(snap_compare: Compare) -> None:
    app = app_on(collected_by(ScriptedCollector()))
    assert snap_compare(
        app, terminal_size=(80, 24), run_before=keys("ctrl+g", "tab", "tab", "tab", "left", "left", "right", "y")
    )


def _until(words: str, *pressed: str) -> Before:
    """Presses keys, and waits until the screen says `words`: of a run that is held, nothing else ever ends."""

    async def press(pilot: Pilot[int]) -> None:
        await keys("ctrl+g")(pilot)
        screen = pilot.app.screen
        await pilot.press("y")
        while words not in str(screen.query_one("#found-text").render()):
            await pilot.pause(0.02)
        await pilot.pause(0.6)  # Longer than the screen waits between two paintings.
        for key in pressed:
            await pilot.press(key)
            await pilot.pause()

    return press


@at_each_size
def test_collecting(size: tuple[int, int], snap_compare: Compare) -> None:
    app = app_on(collected_by(ScriptedCollector(hold=9)))
    assert snap_compare(app, terminal_size=size, run_before=_until("5 blobs freed, 100 MB of 180 MB, 0 s"))


def test_quitting_while_it_collects(snap_compare: Compare) -> None:
    app = app_on(collected_by(ScriptedCollector(hold=9)))
    assert snap_compare(app, terminal_size=(80, 24), run_before=_until("5 blobs freed", "q"))


@at_each_size
def test_done(size: tuple[int, int], snap_compare: Compare) -> None:
    app = app_on(collected_by(ScriptedCollector(result=replace(REPORT, empty_repositories=("old/app", "old/web")))))
    assert snap_compare(app, terminal_size=size, run_before=keys("ctrl+g", "y"))


def test_done_badly(snap_compare: Compare) -> None:
    bad = replace(
        REPORT,
        is_up=False,
        verified=TagsVerified(640, 640, ("team/app:1.0 (sha256:0a1b…)",)),
        trouble=("registry.example.com does not answer yet. On the host, see what keeps it: docker start registry",),
    )
    app = app_on(collected_by(ScriptedCollector(result=bad)))
    assert snap_compare(app, terminal_size=(80, 24), run_before=keys("ctrl+g", "y"))


@at_each_size
def test_a_failure(size: tuple[int, int], snap_compare: Compare) -> None:
    error = HostNotAllowed(
        "The login may not use docker on ci@prod-1: its socket refuses.",
        "Add sudo = true to the profile, or put the user into the group that may.",
    )
    app = app_on(collected_by(ScriptedCollector(failing={"survey": error})))
    assert snap_compare(app, terminal_size=size, run_before=keys("ctrl+g"))


@at_each_size
def test_nobody_said_where_it_runs(size: tuple[int, int], snap_compare: Compare) -> None:
    away = target(address=Address.parse("https://registry.example.com"), name="prod", make_collector=None)
    assert snap_compare(app_on(away), terminal_size=size, run_before=keys("ctrl+g"))


@at_each_size
def test_an_earlier_run(size: tuple[int, int], snap_compare: Compare) -> None:
    log = tuple(f"blob eligible for deletion: sha256:{number:064x}" for number in range(60))
    run = EarlierRun("2026-11-23T11:00:00Z", Stage.BRING_BACK, is_running=False, log=log)
    app = app_on(collected_by(ScriptedCollector(earlier_runs=[run])))
    assert snap_compare(app, terminal_size=size, run_before=keys("ctrl+g"))
