"""The app on the demo registry at a fixed time, for tests that look at it and for screenshots."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
from textual.command import Command, CommandList, CommandPalette
from textual.pilot import Pilot

from regtui.demo.collector import DemoCollector
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
SIZES = [(80, 24), (120, 30)]
EVERY_SIZE = [(80, 24), (100, 30), (120, 30), (160, 45), (200, 50)]
"""For the screens that lay themselves out by the terminal's width: a picture costs a second."""


def target(transport: httpx.AsyncBaseTransport | None = None, **changes: object) -> Target:
    """The sample as it is at NOW, with its collector, which takes no time; or another transport."""
    transport = transport or LocalTransport(sample_storage(NOW), "2.8.2")
    settings = HttpSettings(transport=transport, retry=RetryPolicy(tries=1))
    made = Target(Address.parse("http://demo.localhost"), http=settings, name="demo", ephemeral=True)
    if isinstance(transport, LocalTransport):
        made = replace(made, make_collector=lambda _: DemoCollector(transport.storage, "2.8.2", _at_once))
    return replace(made, **changes)  # type: ignore[arg-type]


async def _at_once(_: float) -> None:
    """Nobody watches."""


def app_on(start: Target | None, config: Path = Path("/nowhere/config.toml")) -> RegtuiApp:
    return RegtuiApp(Config(config), Credentials(environment={}, keyring_timeout=PATIENCE), start, clock=lambda: NOW)


def empty_registry() -> LocalTransport[MemoryStorage]:
    return LocalTransport(MemoryStorage(), "2.8.2")


async def settled(pilot: Pilot[int]) -> None:
    """Until all keys are carried out, nothing is being read and the screen is painted."""
    assert isinstance(pilot.app, RegtuiApp)
    quiet = 0
    while quiet < 3:
        await pilot.pause()
        await pilot.app.key_queue._settled()
        quiet = 0 if pilot.app.key_queue.is_waiting or _is_at_work(pilot.app) else quiet + 1
    await pilot.pause()


# Workers that wait for an answer on a screen, once they have opened it.
_ASKING = frozenset(("ask", "cut off", "interrupted", "delete", "switch", "garbage", "confirm", "leave", "undo"))


def _is_at_work(app: RegtuiApp) -> bool:
    """Whether more is going on than waits for an answer on a screen."""
    pending = [one for one in app.workers if not one.is_finished]
    asking = [one for one in pending if one.group in _ASKING]
    asked = [one.future for screen in app.screen_stack for one in screen._result_callbacks if one.future is not None]
    return len(asking) < len(pending) or len(asking) > sum(not future.done() for future in asked)


async def palette_offers(pilot: Pilot[int], words: str) -> None:
    """Until the palette, which looks in the background, has found what contains `words`, and nothing else comes."""
    palette = pilot.app.screen
    assert isinstance(palette, CommandPalette)
    offered = palette.query_one(CommandList)
    async with asyncio.timeout(PATIENCE):
        while True:
            await pilot.pause(0.02)
            found = any(words in str(one.hit.text).casefold() for one in offered.options if isinstance(one, Command))
            if found and not any(worker.node is palette for worker in pilot.app.workers):
                return


def keys(*pressed: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    """Presses keys, each on a settled screen; a word is typed letter by letter."""

    async def press(pilot: Pilot[int]) -> None:
        await settled(pilot)
        for key in pressed:
            await pilot.press(*(key[1:] if key.startswith("'") else [key]))
            await settled(pilot)

    return press


@asynccontextmanager
async def browsing(
    *pressed: str, start: Target | None = None, size: tuple[int, int] = (120, 30)
) -> AsyncIterator[tuple[Pilot[int], BrowserScreen]]:
    """The browser after these keys."""
    app = app_on(start or target())
    async with app.run_test(size=size) as pilot:
        await keys(*pressed)(pilot)
        browser = next(screen for screen in app.screen_stack if isinstance(screen, BrowserScreen))
        yield pilot, browser


COMMON = ("slash", "'common", "enter", "enter")
"""Opens fullstack/common: 42 tags."""
