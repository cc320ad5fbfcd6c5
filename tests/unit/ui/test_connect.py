"""The connect screen's form."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from textual import events

from regtui.errors import NOT_ALLOWED
from regtui.registry.errors import NotAuthenticated, Where
from regtui.registry.values import Credential
from regtui.session.resolving import Options
from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.connect import ConnectScreen
from regtui.ui.screens.keep import KeepScreen
from regtui.ui.widgets.hints import Hints
from tests.support.held_host import until
from tests.support.patience import PATIENCE
from tests.support.screens import app_on, browsing, keys, settled, target


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
        assert browser.session.read_only


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
        assert browser.session.name == "demo"
        assert browser.session.read_only


async def test_what_is_typed_may_go_on_with_a_repository_and_is_opened_there() -> None:
    app = app_on(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, ConnectScreen)
        screen._target_of = lambda profile: replace(target(_Refusing()), name=profile.name)  # type: ignore[method-assign]
        typed = {
            "registry.example.com/team/app:1.0": ("registry.example.com", ("team/app", "1.0")),
            # It may be the registry's own path: an address is what is asked for.
            "registry.example.com/team/app": ("registry.example.com/team/app", ("", "")),
        }
        for text, (name, opens_at) in typed.items():
            screen._address.value = text
            await pilot.press("enter")
            await settled(pilot)
            assert screen.target is not None
            assert (screen.target.name, screen.target.opens_at) == (name, opens_at)


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


async def test_where_a_user_is_known_without_a_password_the_password_is_asked_for(tmp_path: Path) -> None:
    """Else it would be typed into the user's field: in clear, and sent as the user's name."""
    path = tmp_path / "config.toml"
    path.write_text('[registries.demo]\naddress = "http://demo.localhost"\nusername = "ci"\n')
    app = RegtuiApp(Config.load(path), Credentials(environment={}, keyring_timeout=PATIENCE), target(_Refusing()))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, ConnectScreen)
        await pilot.press(*"secret")
        await settled(pilot)
        assert (screen._user.value, screen._password.value) == ("ci", "secret")


async def test_esc_stops_what_connects_and_never_quits() -> None:
    transport = _Refusing()
    app = app_on(target(transport))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, ConnectScreen)
        assert "esc" not in screen.query_one(Hints).render_line(0).text
        screen._target_of = lambda profile: target(transport)  # type: ignore[method-assign]
        transport.answers.clear()
        before = transport.asked
        await pilot.press("enter")
        await until(lambda: transport.asked > before)
        await pilot.press("escape")
        transport.answers.set()
        await settled(pilot)
        assert str(screen._said.content) == "Stopped."
        await pilot.press("escape", "escape")
        await settled(pilot)
        assert app.screen is screen
        await pilot.press("ctrl+q")
        await settled(pilot)
    # As a command that couldn't log in.
    assert app.return_value == NOT_ALLOWED


async def test_esc_leads_back_to_what_is_open() -> None:
    app = app_on(target())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        browser = app.screen
        await keys("c", "'quay", "enter")(pilot)
        assert isinstance(app.screen, ConnectScreen)
        assert "esc" in app.screen.query_one(Hints).render_line(0).text
        await pilot.press("escape")
        await settled(pilot)
        assert app.screen is browser


async def test_the_next_password_replaces_the_wrong_one() -> None:
    app = app_on(target(_Refusing()))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, ConnectScreen)
        screen._target_of = lambda profile: target(_Refusing())  # type: ignore[method-assign]
        await pilot.press(*"ci", "tab", *"wrong", "enter")
        await settled(pilot)
        assert screen._password.has_focus
        await pilot.press(*"right")
        await settled(pilot)
        assert screen._password.value == "right"


async def test_enter_on_a_tick_connects_as_the_hints_say_and_space_toggles() -> None:
    app = app_on(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, ConnectScreen)
        await pilot.press("tab", "tab", "tab", "space")
        await settled(pilot)
        assert screen._remember.has_focus
        assert screen._remember.value
        await pilot.press("enter")
        await settled(pilot)
        assert screen._remember.value
        assert "No address" in str(screen._said.content)


async def test_an_address_that_was_typed_to_choose_a_registry_is_not_lost() -> None:
    app = app_on(target())
    async with app.run_test(size=(80, 24)) as pilot:
        await keys("c", "'quay", "full_stop", "'io", "enter")(pilot)
        screen = app.screen
        assert isinstance(screen, ConnectScreen)
        assert screen._address.value == "quay.io"


async def test_where_to_keep_a_password_is_chosen_by_j_and_k_too() -> None:
    app = app_on(target())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        answers: list[bool | None] = []
        app.push_screen(KeepScreen("it is locked", "in a file"), answers.append)
        await settled(pilot)
        await keys("j", "j", "k", "j", "enter")(pilot)
        assert answers == [True]


async def test_a_login_that_is_forgotten_is_not_used_any_more() -> None:
    """The registry that was opened with it is closed; connecting starts anew."""
    logged_in = target(credential=Credential("ci", "secret-of-ci"))
    app = app_on(logged_in)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        browser = app.screen
        assert isinstance(browser, BrowserScreen)
        app.forget(browser.session.target)
        while not isinstance(app.screen, ConnectScreen):
            await pilot.pause(0.02)
        assert browser not in app.screen_stack
        assert (app.screen._user.value, app.screen._password.value) == ("ci", "")


async def test_where_nobody_is_logged_in_what_is_open_stays() -> None:
    app = app_on(target())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        browser = app.screen
        assert isinstance(browser, BrowserScreen)
        await app.forget(browser.session.target).wait()
        await settled(pilot)
        assert app.screen is browser


async def test_a_user_that_nobody_asked_for_is_told_once() -> None:
    async with browsing(start=target(given_user="ci")) as (pilot, _):
        words = "demo.localhost asked for no login: that of ci was not used."
        assert [notice.message for notice in pilot.app._notifications] == [words]
        await keys("r")(pilot)
        assert len(pilot.app._notifications) == 1
    async with browsing() as (pilot, browser):
        assert not browser.session.unused_login
        assert len(pilot.app._notifications) == 0


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "registry"]


async def test_going_back_while_the_keyring_takes_its_time_leaves_nothing_open(tmp_path: Path) -> None:
    asked, answers = threading.Event(), threading.Event()

    class Slow(Credentials):
        def store(self, host: str, credential: Credential) -> Any:
            asked.set()
            answers.wait(PATIENCE)
            return super().store(host, credential)

    app = RegtuiApp(Config(tmp_path / "config.toml"), Slow(environment={}, keyring_timeout=PATIENCE), None)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, ConnectScreen)
        given = replace(target(), credential=Credential("ci", "a long password"))
        screen._target_of = lambda profile: given  # type: ignore[method-assign]
        screen._address.value = "registry.example.com"
        screen._remember.value = True
        screen.connect()
        await until(asked.is_set)
        assert _threads()
        await pilot.press("escape")
        await until(lambda: not _threads())
        answers.set()


async def test_what_is_known_already_stands_above_the_fields_and_enter_opens_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.mkdir()
    (docker / "config.json").write_text('{"auths": {"registry.example.com": {}, "https://index.docker.io/v1/": {}}}')
    config = tmp_path / "config.toml"
    config.write_text('[registries.prod]\naddress = "prod.example.com"\n')
    environment = {"DOCKER_CONFIG": str(docker), "XDG_CONFIG_HOME": str(tmp_path), "REGISTRY_AUTH_FILE": ""}
    app = RegtuiApp(Config.load(config), Credentials(environment=environment), None)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, ConnectScreen)
        names = [known.name for known in screen._known]
        assert (names[0], names[-1]) == ("prod", "demo")
        assert "registry.example.com" in names
        assert "docker.io" not in names
        assert screen._list.has_focus
        await pilot.press(*["down"] * (len(names) - 1), "enter")
        await settled(pilot)
        assert isinstance(app.screen, BrowserScreen)
        assert app.screen.session.name == "demo"


async def test_a_letter_on_the_list_of_known_registries_begins_an_address(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[registries.prod]\naddress = "prod.example.com"\n')
    app = RegtuiApp(Config.load(config), Credentials(environment={}), None)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press(*"host")
        await settled(pilot)
        assert isinstance(app.screen, ConnectScreen)
        assert app.screen._address.value == "host"
