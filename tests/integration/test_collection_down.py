"""The app at a registry that is down, since its collection was killed: its host is asked, and it is brought back."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from regtui.garbage.values import Choices, Stage, StageStatus
from regtui.session.resolving import resolve_target
from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.connect import ConnectScreen
from regtui.ui.screens.garbage import GarbageScreen
from regtui.ui.widgets.garbage.board import Board, Phase
from tests.support.collecting import all_pull, connected, delete_half, fill, target
from tests.support.containers import write_program
from tests.support.held_host import until
from tests.support.patience import PATIENCE
from tests.support.programs import find_program
from tests.support.servers import PROGRAMS
from tests.support.systemd import RegistryService, start_service

FEW = 4


async def kill_a_collection_of(service: RegistryService, state: Path, collector: Path) -> None:
    """With what watches over it, while the collector is at work."""
    session = await connected(target(service, runtime="systemd", binary=str(collector)))
    await delete_half(session, images=FEW)
    collecting = session.collector()
    await collecting.forecast(Choices())
    async for event in collecting.collect(Choices()):
        if (event.stage, event.status) == (Stage.COLLECT, StageStatus.STARTED):
            await until(lambda: any(file.read_text() for file in state.rglob("guard")))
            kill(state, "guard", "pid")
            break
    await session.close()


def kill(state: Path, *names: str) -> None:
    """The run's processes, by its files."""
    for name in names:
        os.kill(int(next(state.rglob(name)).read_text()), signal.SIGKILL)


async def shown(pilot: Pilot[int], screen: type, phase: Phase | None = None) -> None:
    """Waits for a screen of this kind, and of the garbage screen for this phase."""
    while not isinstance(pilot.app.screen, screen) or (phase is not None and phase not in phases(pilot)):
        await pilot.pause(0.05)


def phases(pilot: Pilot[int]) -> list[Phase]:
    """The garbage screen's, once it is composed."""
    return [board.phase for board in pilot.app.screen.query(Board)]


def says(pilot: Pilot[int], words: str) -> bool:
    """Whether the connect screen does, once it is composed."""
    return any(words in str(said.content) for said in pilot.app.screen.query("#said").results(Static))


async def answerable(pilot: Pilot[int]) -> None:
    """Waits until a key would answer what the garbage screen asks: not before it stood there for a moment."""
    screen = pilot.app.screen
    assert isinstance(screen, GarbageScreen)
    while time.monotonic() < screen.question.counts_from:
        await pilot.pause(0.05)


async def test_the_app_asks_the_host_and_brings_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    real = find_program(PROGRAMS["2.8.2"])
    collector = tmp_path / "collector"
    write_program(collector, f'case "$*" in "garbage-collect /"*) sleep 600 ;; *) exec {real} "$@" ;; esac')
    with start_service("2.8.2", tmp_path / "service") as service:
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        fill(service.url, images=FEW)
        await kill_a_collection_of(service, state, collector)
        assert not service.is_running()
        file = tmp_path / "config.toml"
        where = f"[registries.lab.host]\nruntime = 'systemd'\nbinary = '{collector}'\n"
        file.write_text(f"[registries.lab]\naddress = '{service.url}'\n{where}")
        config, credentials = Config.load(file), Credentials(environment={}, keyring_timeout=PATIENCE)
        app = RegtuiApp(config, credentials, resolve_target("lab", config, credentials))
        app.animation_level = "none"
        async with app.run_test(size=(120, 40)) as pilot, asyncio.timeout(PATIENCE):
            await shown(pilot, ConnectScreen)
            await until(lambda: says(pilot, "ctrl+g: what its host says"))
            await pilot.press("ctrl+g")
            await shown(pilot, GarbageScreen, Phase.EARLIER)
            assert "was killed on the host" in str(app.screen.query_one("#found-text", Static).content)
            await answerable(pilot)
            await pilot.press("y")
            await shown(pilot, GarbageScreen, Phase.READY)
            await pilot.press("escape")
            await shown(pilot, BrowserScreen)
        all_pull(service.host, images=FEW)
