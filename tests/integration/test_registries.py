"""Registries in the app: those that list nothing, several open at once, and how each was left."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from regtui.listing.columns import SortColumn
from regtui.registry.errors import NotAuthenticated
from regtui.session.opening import is_registry, open_session
from regtui.session.place import place_of
from regtui.session.resolving import Options, resolve_target
from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.choose import ChooseScreen
from tests.integration.test_app import on_screen, until
from tests.support.gateway import Asked, Gateway, Reply, start_gateway
from tests.support.images import open_registry, push_image
from tests.support.patience import PATIENCE
from tests.support.servers import VERSIONS, RegistryServer, start_registry


@pytest.fixture(scope="module", params=VERSIONS)
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with start_registry(request.param, tmp_path_factory.mktemp("registries")) as server:
        with open_registry(server.url) as writer:
            for name in ("team/app", "team/web", "tools"):
                for tag in ("1.0", "1.1", "2.0"):
                    push_image(writer, name, tag)
        yield server


def without_catalog(answer: Reply) -> Callable[[Asked], Reply | None]:
    return lambda asked: answer if "_catalog" in asked.path else None


NO_CATALOGS = {
    "404": Reply(404, {"Content-Type": "text/plain"}, b"404 page not found"),
    "403": Reply(403, {}, b'{"errors":[{"code":"DENIED"}]}'),
    "401": Reply(401, {"WWW-Authenticate": 'Basic realm="x"'}, b'{"errors":[{"code":"UNAUTHORIZED"}]}'),
    "405": Reply(405, {}, b'{"errors":[{"code":"UNSUPPORTED"}]}'),
    "empty": Reply(200, {}, b'{"repositories":[]}'),
}


@pytest.fixture
def gateway(registry: RegistryServer) -> Iterator[Gateway]:
    with start_gateway(upstream=registry.host) as front:
        yield front


@asynccontextmanager
async def opened(directory: Path, config: str, name: str = "lab") -> AsyncIterator[tuple[Pilot[int], BrowserScreen]]:
    file = directory / "config.toml"
    file.write_text(config)
    settings, credentials = Config.load(file), Credentials({}, keyring_timeout=PATIENCE)
    app = RegtuiApp(settings, credentials, resolve_target(name, settings, credentials))
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowserScreen))
        screen = app.screen
        assert isinstance(screen, BrowserScreen)
        yield pilot, screen
        # What is cut off in the middle leaves its connection to the garbage collector, which warns of it.
        await until(pilot, lambda: not app.workers)


def profile(address: str, more: str = "") -> str:
    return f'[registries.lab]\naddress = "{address}"\n{more}\n'


def current(pilot: Pilot[int]) -> BrowserScreen:
    screen = pilot.app.screen
    assert isinstance(screen, BrowserScreen)
    return screen


@pytest.mark.parametrize("kind", NO_CATALOGS)
async def test_a_registry_without_a_list_opens_with_what_the_profile_names(
    kind: str, gateway: Gateway, tmp_path: Path
) -> None:
    gateway.script = without_catalog(NO_CATALOGS[kind])
    named = 'repositories = ["team/app", "tools"]'
    async with opened(tmp_path, profile(gateway.url, named)) as (pilot, browser):
        await until(pilot, lambda: browser.table.model.total == 3)
        assert browser.lines.model.names() == ["team/app", "tools"]
        assert browser.repository == "team/app"
        await until(pilot, lambda: "listed by it" in on_screen(pilot))
        await until(pilot, lambda: browser.deletion.is_possible)


@pytest.mark.parametrize("kind", ["404", "empty"])
async def test_a_name_is_typed_and_is_there_the_next_time(kind: str, gateway: Gateway, tmp_path: Path) -> None:
    gateway.script = without_catalog(NO_CATALOGS[kind])
    async with opened(tmp_path, profile(gateway.url)) as (pilot, browser):
        await until(pilot, lambda: "/ and enter" in browser.lines.said)
        await pilot.press("slash", *"team/web")
        await until(pilot, lambda: "enter: open team/web" in on_screen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: browser.table.model.total == 3)
        assert (browser.repository, browser.lines.model.names()) == ("team/web", ["team/web"])
        # One that isn't there is said to be missing, and not kept.
        browser.lines.focus()
        await pilot.press("slash", *"team/none", "enter")
        await until(pilot, lambda: "has no repository team/none" in on_screen(pilot))
        assert browser.lines.model.names() == ["team/web"]
    async with opened(tmp_path, profile(gateway.url)) as (pilot, browser):
        await until(pilot, lambda: browser.table.model.total == 3)
        assert browser.lines.model.names() == ["team/web"]


async def test_a_list_that_is_read_keeps_its_filter_on_enter(gateway: Gateway, tmp_path: Path) -> None:
    async with opened(tmp_path, profile(gateway.url)) as (pilot, browser):
        await until(pilot, lambda: browser.lines.model.total == 3)
        await pilot.press("slash", *"other", "enter")
        assert "No repository matches." in on_screen(pilot)
        assert browser.repository != "other"


async def test_repository_and_order_are_as_they_were_left(gateway: Gateway, tmp_path: Path) -> None:
    async with opened(tmp_path, profile(gateway.url)) as (pilot, browser):
        await until(pilot, lambda: browser.table.model.total == 3)
        await pilot.press("end", "enter")
        await until(pilot, lambda: browser.repository == "tools" and browser.table.model.total == 3)
        await pilot.press("s", "S")
    async with opened(tmp_path, profile(gateway.url)) as (pilot, browser):
        await until(pilot, lambda: browser.table.model.total == 3)
        assert browser.repository == "tools"
        model = browser.table.model
        assert (model.column, model.reverse) == (SortColumn.SIZE, False)
        # Also in the next one.
        browser.open_repository("team/app")
        assert browser.table.model.column is SortColumn.SIZE


async def test_several_registries_are_open_and_each_is_as_it_was_left(
    gateway: Gateway, registry: RegistryServer, tmp_path: Path
) -> None:
    config = profile(gateway.url) + f'[registries.other]\naddress = "{registry.url}"\n'
    async with opened(tmp_path, config) as (pilot, browser):
        await until(pilot, lambda: browser.table.model.total == 3)
        await pilot.press("end", "enter")
        await until(pilot, lambda: browser.repository == "tools" and browser.table.model.total == 3)
        await pilot.press("space")
        marked = browser.table.model.marked
        assert len(marked) == 1
        # Typing narrows the list.
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChooseScreen))
        await pilot.press(*"oth", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, BrowserScreen) and pilot.app.screen is not browser)
        second = current(pilot)
        assert second.session.name == "other"
        await until(pilot, lambda: second.table.model.total == 3)
        assert second.repository == "team/app"
        # And back: nothing is asked again.
        asked = len(gateway.asked)
        await pilot.press("c")
        await until(pilot, lambda: "● lab" in on_screen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is browser)
        assert (browser.repository, browser.table.model.marked) == ("tools", marked)
        assert len(gateway.asked) == asked
        await until(pilot, lambda: "tools" in on_screen(pilot))
        # The marked tag can still be worked with: its connection is open.
        browser.load_repositories()
        await until(pilot, lambda: len(gateway.asked) > asked)
        # esc in the list changes nothing.
        await pilot.press("c", "x", "escape", "escape")
        await until(pilot, lambda: pilot.app.screen is browser)


async def test_what_is_kept_is_no_secret_and_can_be_damaged(gateway: Gateway, tmp_path: Path, home: Path) -> None:
    async with opened(tmp_path, profile(gateway.url)) as (pilot, browser):
        await until(pilot, lambda: browser.table.model.total == 3)
    file = home / ".local/state/regtui/history.json"
    # By what the registry is, whatever its profile is called.
    assert json.loads(file.read_text()) == {
        gateway.host: {"repository": "team/app", "sort": "created", "reverse": True, "typed": [], "deletion": ""}
    }
    assert file.stat().st_mode & 0o777 == 0o600
    for damaged in ("", "[]", '{"HOST": 5}', '{"HOST": {"repository": 5, "sort": "x", "typed": [5, "../x"]}}', "\0"):
        file.write_text(damaged.replace("HOST", gateway.host))
        async with opened(tmp_path, profile(gateway.url)) as (pilot, browser):
            await until(pilot, lambda: browser.table.model.total == 3)


async def test_a_password_in_the_environment_is_for_the_registry_of_the_command_alone(tmp_path: Path) -> None:
    """Another one that is opened later, and asks, doesn't get it."""
    asked: list[str] = []

    def wants_login(request: Asked) -> Reply:
        asked.append(request.authorization)
        return Reply(401, {"WWW-Authenticate": 'Basic realm="other"'})

    users = {"ci": "secret-of-the-first"}
    with (
        start_registry("3.1.1", tmp_path / "r", htpasswd=users) as server,
        start_gateway(wants_login, name="localhost") as other,
    ):
        config = Config(tmp_path / "config.toml")
        credentials = Credentials({"REGTUI_USERNAME": "ci", "REGTUI_PASSWORD": users["ci"]}, keyring_timeout=PATIENCE)
        options = Options(environment_login=True)
        first = resolve_target(server.url, config, credentials, options)
        connection = await open_session(first)
        assert connection.username == "ci"
        await connection.close()
        later = resolve_target(other.url, config, credentials, options.of_the_run)
        with pytest.raises(NotAuthenticated):
            await open_session(later)
        assert asked
        assert set(asked) == {""}


async def test_it_opens_at_the_repository_and_tag_that_were_named(registry: RegistryServer, tmp_path: Path) -> None:
    config, credentials = Config(tmp_path / "config.toml"), Credentials({}, keyring_timeout=PATIENCE)
    place = place_of(f"{registry.url}/team/web:1.1", config)
    target = place.on(resolve_target(place.registry, config, credentials))
    app = RegtuiApp(config, credentials, target)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowserScreen) and app.screen.table.model.cursor == "1.1")
        assert isinstance(app.screen, BrowserScreen)
        assert app.screen.repository == "team/web"
        # All others are there, too.
        await until(pilot, lambda: "tools" in on_screen(pilot))


async def test_a_path_is_a_prefix_where_a_registry_answers_there(tmp_path: Path) -> None:
    config, credentials = Config(tmp_path / "config.toml"), Credentials({}, keyring_timeout=PATIENCE)
    with start_registry("3.1.1", tmp_path / "r", prefix="/reg") as server:
        assert await is_registry(resolve_target(server.url, config, credentials))
        assert not await is_registry(resolve_target(f"{server.url}/team/app", config, credentials))
    with start_registry("2.8.2", tmp_path / "plain") as server:
        assert not await is_registry(resolve_target(f"{server.url}/team/app", config, credentials))
