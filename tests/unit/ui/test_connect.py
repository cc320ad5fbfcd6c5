"""The connect screen's form."""

import asyncio
import threading
from dataclasses import replace

import httpx
from textual import events

from regtui.connection.resolving import Options
from regtui.registry import NotAuthenticated, Where
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.connect import ConnectScreen
from tests.support.screens import app_on, settled, target


async def test_what_is_typed_ahead_goes_into_the_field_that_it_was_meant_for() -> None:
    """On a slow line many keys arrive at once: a password must not be shown in the field before its own, nor must what
    was ticked be lost."""
    app = app_on(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, ConnectScreen)
        names = {"\t": "tab", " ": "space"}
        for character in "host\tci\tsecret\t \t":
            app.post_message(events.Key(names.get(character, character), character))
        await settled(pilot)
        fields = (screen._address, screen._user, screen._password)
        assert [field.value for field in fields] == ["host", "ci", "secret"]
        assert screen._remember.value
        assert screen._connect.has_focus


class _Refusing(httpx.AsyncBaseTransport):
    """Knows nobody, and answers while it may."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.answers.set()
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        # Set from the test's thread, waited for on the connection's.
        await asyncio.to_thread(self.answers.wait, 30.0)
        return httpx.Response(401, headers={"WWW-Authenticate": 'Basic realm="x"'})


async def test_a_refused_login_never_takes_the_cursor_from_who_went_on() -> None:
    transport = _Refusing()
    app = app_on(target(transport))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, ConnectScreen)
        assert screen._user.has_focus
        screen._target_of = lambda profile: target(transport)  # type: ignore[method-assign]
        screen._user.value = "ci"
        transport.answers.clear()
        before = transport.asked
        await pilot.press("enter")
        while transport.asked == before:
            await pilot.pause(0.005)
        await pilot.press("up")
        transport.answers.set()
        await settled(pilot)
        assert "Not logged in" in str(screen._said.content)
        assert screen._address.has_focus
        await pilot.press("enter")
        await settled(pilot)
        assert screen._password.has_focus


def test_of_the_command_line_what_is_about_the_run_holds_for_other_registries() -> None:
    given = Options(username="ci", password="secret", plain_http=True, timeout=3.0, read_only=True, no_cache=True)
    assert given.of_the_run == Options(timeout=3.0, read_only=True, no_cache=True)


async def test_a_registry_that_is_typed_is_opened_read_only_where_the_command_line_says_so() -> None:
    app = app_on(None)
    app.options = Options(read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert isinstance(app.screen, ConnectScreen)
        await pilot.press(*"demo", "enter")
        await settled(pilot)
        browser = app.screen_stack[-1]
        assert isinstance(browser, BrowserScreen)
        assert browser.connection.read_only


async def test_a_registry_that_is_switched_to_is_opened_read_only_where_the_command_line_says_so() -> None:
    app = app_on(replace(target(), name="lab"))
    app.options = Options(read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("c")
        await settled(pilot)
        await pilot.press(*"demo", "enter")
        await settled(pilot)
        browser = app.screen_stack[-1]
        assert isinstance(browser, BrowserScreen)
        assert browser.connection.name == "demo"
        assert browser.connection.read_only


async def test_what_is_missing_is_asked_for_here_and_not_on_the_command_line() -> None:
    app = app_on(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, ConnectScreen)
        await pilot.press("enter")
        await settled(pilot)
        assert str(screen._said.content).startswith("No address.\nType the registry's")
        screen._target_of = lambda profile: target(_Refusing())  # type: ignore[method-assign]
        await pilot.press(*"demo", "enter")
        await settled(pilot)
        assert str(screen._said.content) == "Not logged in to demo.localhost.\nType its user and password above."
        screen._tell(NotAuthenticated(Where("demo.localhost"), "It rejects them.", "Correct REGTUI_PASSWORD."))
        assert str(screen._said.content).splitlines()[1:] == [
            "Correct REGTUI_PASSWORD.",
            "Type its user and password above.",
        ]
        assert screen._user.has_focus
