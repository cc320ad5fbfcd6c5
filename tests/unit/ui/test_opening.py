"""While a registry is being opened: what is on the screen meanwhile, and what is typed there."""

import asyncio
import threading

import httpx
import pytest
from textual.command import CommandPalette
from textual.widgets import Input

from regtui.demo.sample import sample_storage
from regtui.local.transport import LocalTransport
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.connect import ConnectScreen
from regtui.ui.screens.opening import OpeningScreen
from tests.support.held_host import until
from tests.support.patience import PATIENCE
from tests.support.screens import NOW, app_on, settled, target


class _Late(httpx.AsyncBaseTransport):
    """The sample, or an error, once it may answer."""

    def __init__(self, *, fails: bool) -> None:
        self.answers, self.asked = threading.Event(), threading.Event()
        self.answered = threading.Event()
        self._sample = LocalTransport(sample_storage(NOW), "2.8.2")
        self._fails = fails

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.set()
        await asyncio.to_thread(self.answers.wait, PATIENCE)
        self.answered.set()
        return httpx.Response(401) if self._fails else await self._sample.handle_async_request(request)


@pytest.mark.parametrize("fails", [False, True])
async def test_what_is_typed_into_the_palette_stays_there_when_the_registry_answers(fails: bool) -> None:
    registry = _Late(fails=fails)
    app = app_on(target(registry))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(registry.asked.is_set)
        await pilot.press("ctrl+p")
        await until(lambda: isinstance(app.screen, CommandPalette))
        registry.answers.set()
        await until(registry.answered.is_set)
        for character in "delete":
            await pilot.press(character)
            await pilot.pause(0.05)
        assert isinstance(app.screen, CommandPalette)
        assert app.screen.query_one(Input).value == "delete"
        await pilot.press("escape")
        await until(lambda: not isinstance(app.screen, CommandPalette | OpeningScreen))
        await settled(pilot)
        assert isinstance(app.screen, ConnectScreen if fails else BrowserScreen)
