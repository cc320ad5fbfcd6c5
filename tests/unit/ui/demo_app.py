"""The app on the demo registry, at a fixed time, with what a test wants to go wrong."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from regtui.demo.sample import sample_storage
from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport
from regtui.registry.address import Address
from regtui.registry.retry import RetryPolicy
from regtui.registry.settings import HttpSettings
from regtui.session.target import Target
from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from tests.support.patience import PATIENCE

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MEDIUM = (120, 40)
SILENCE = 0
"""In place of a status: it is waited for in vain."""


class Scripted(httpx.AsyncBaseTransport):
    """The demo, but for paths that contain one of `failing` (answered by that status, or not in time), and one of
    `hanging`.

    Answers of `hanging` wait until `release` is set. `asked` has every path, in order.
    """

    def __init__(self, inner: LocalTransport[MemoryStorage], failing: dict[str, int], hanging: tuple[str, ...]) -> None:
        self._inner = inner
        self.storage = inner.storage
        self.failing = failing
        self.hanging = hanging
        self.release = threading.Event()
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        if any(part in path for part in self.hanging):
            # Set from the test's thread, waited for on the connection's.
            await asyncio.to_thread(self.release.wait, PATIENCE)
        for part, status in self.failing.items():
            if part in path and status == SILENCE:
                raise httpx.ReadTimeout("")
            if part in path:
                return httpx.Response(status, json={"errors": [{"code": "UNKNOWN", "message": "no"}]})
        return await self._inner.handle_async_request(request)


def demo_app(
    directory: Path,
    *,
    storage: MemoryStorage | None = None,
    failing: dict[str, int] | None = None,
    hanging: tuple[str, ...] = (),
    delete_enabled: bool = True,
    read_only: bool = False,
    opens_at: tuple[str, str] = ("", ""),
) -> RegtuiApp:
    """An app with its config in `directory`; its transport is `transport_of(app)`."""
    inner = LocalTransport(storage or sample_storage(NOW), "2.8.2", delete_enabled=delete_enabled)
    transport = Scripted(inner, failing or {}, hanging)
    target = Target(
        Address.parse("http://demo.localhost"),
        http=HttpSettings(transport=transport, retry=RetryPolicy(tries=1)),
        name="demo",
        read_only=read_only,
        ephemeral=True,
        opens_at=opens_at,
    )
    app = RegtuiApp(Config(directory / "config.toml"), Credentials(environment={}), target, clock=lambda: NOW)
    app.animation_level = "none"
    return app


def transport_of(app: RegtuiApp) -> Scripted:
    assert app._start is not None
    transport = app._start.http.in_memory()
    assert isinstance(transport, Scripted)
    return transport


@asynccontextmanager
async def browsing(
    app: RegtuiApp, repository: str = "", size: tuple[int, int] = MEDIUM
) -> AsyncIterator[tuple[Pilot[Any], BrowserScreen]]:
    """The app, running; with `repository` opened, filled in, and its tags in focus where one is named."""
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, BrowserScreen)
        if repository:
            screen.lines.model.select(repository)
            screen.lines.changed()
            await pilot.press("enter")
            await settled(pilot)
        yield pilot, screen


async def settled(pilot: Pilot[Any]) -> None:
    """Everything that was asked for has been answered and drawn."""
    async with asyncio.timeout(PATIENCE):
        for _ in range(3):
            await pilot.pause()
            while isinstance(pilot.app, RegtuiApp) and pilot.app.key_queue.is_waiting:
                await pilot.pause()
            # One that was cancelled was replaced by another: the cursor moved on.
            with contextlib.suppress(WorkerCancelled):
                await pilot.app.workers.wait_for_complete()
        await pilot.pause()


async def type_text(pilot: Pilot[Any], text: str) -> None:
    names = {"/": "slash", ".": "full_stop", "-": "minus", " ": "space"}
    await pilot.press(*(names.get(character, character) for character in text))
    await pilot.pause()


def shown(screen: BrowserScreen) -> list[str]:
    return [row.tag for row in screen.table.model.shown]
