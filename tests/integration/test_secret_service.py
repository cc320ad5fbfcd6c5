"""The keyring of a desktop: a real Secret Service on a real D-Bus. libsecret's own client is the witness."""

import os
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backends.SecretService
import pytest

from regtui.session.resolving import resolve_target
from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.connect import ConnectScreen
from tests.integration.test_app import until
from tests.support.commands import Regtui, failed
from tests.support.images import open_registry, push_image
from tests.support.secret_service import SecretService, start_secret_service
from tests.support.servers import RegistryServer, start_registry

PASSWORD = "s3cret-of-the-desktop"
LOGIN = {"(user)": "ci", "ci": PASSWORD}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with start_registry("2.8.2", tmp_path_factory.mktemp("registry"), htpasswd={"ci": PASSWORD}) as started:
        with open_registry(started.url, auth=("ci", PASSWORD)) as client:
            push_image(client, "team/app", "1.0")
        yield started


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretService]:
    with start_secret_service(tmp_path_factory.mktemp("secrets")) as started:
        yield started


@pytest.fixture
def regtui(tmp_path: Path, service: SecretService) -> Regtui:
    """That finds its keyring by itself."""
    made = Regtui(tmp_path)
    del made.environment["PYTHON_KEYRING_BACKEND"]
    made.environment |= service.environment
    return made


def test_commands(server: RegistryServer, service: SecretService, regtui: Regtui, tmp_path: Path) -> None:
    kept = f"regtui:{server.host}"
    failed(regtui("ls", server.url), 4, "Not logged in")
    wrong = regtui("login", server.url, "-u", "ci", "--password-stdin", stdin="wrong")
    failed(wrong, 4, "rejects the user name or password")
    assert service.entries(kept) == {}, "it is checked before it is stored"

    done = regtui("login", server.url, "-u", "ci", "--password-stdin", stdin=PASSWORD)
    assert (done.returncode, done.stdout) == (0, ""), done
    assert service.entries(kept) == LOGIN
    assert not (tmp_path / ".docker").exists()
    assert regtui("ls", server.url).stdout == "team/app\n"
    assert regtui("tags", f"{server.host}/team/app", "--names").stdout == "1.0\n"
    assert "login\tok\tci, from the keyring\t" in regtui("doctor", server.url).stdout
    # Whoever else runs on this machine, without that bus, has no part in it.
    without = regtui("ls", server.url, DBUS_SESSION_BUS_ADDRESS="unix:path=/nowhere/bus")
    failed(without, 4, "Not logged in")

    assert "was removed from the keyring." in regtui("logout", server.url).stderr
    assert service.entries(kept) == {}
    failed(regtui("ls", server.url), 4, "Not logged in")


async def test_the_app(
    server: RegistryServer, service: SecretService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = f"regtui:{server.host}"
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.SecretService.Keyring())  # type: ignore[no-untyped-call]
    try:
        config, credentials = Config(tmp_path / "config.toml"), Credentials({"PATH": os.environ["PATH"]})

        def started() -> RegtuiApp:
            return RegtuiApp(config, credentials, resolve_target(server.url, config, credentials, environment={}))

        app = started()
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await until(pilot, lambda: isinstance(app.screen, ConnectScreen) and app.screen._user.has_focus)
            connect = app.screen
            assert isinstance(connect, ConnectScreen)
            connect._user.value, connect._password.value = "ci", PASSWORD
            connect._remember.value = True
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, BrowserScreen))
            await until(pilot, lambda: not app.workers)
        assert service.entries(kept) == LOGIN
        # The next time nobody is asked; and forgetting it is done in the app, too.
        app = started()
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await until(pilot, lambda: isinstance(app.screen, BrowserScreen))
            assert isinstance(app.screen, BrowserScreen)
            assert app.screen.session.target.login_words == "ci, from the keyring"
            app.forget(app.screen.session.target)
            await until(pilot, lambda: "removed from the keyring" in "".join(n.message for n in app._notifications))
            # Nobody is logged in any more: a login is asked for.
            await until(pilot, lambda: isinstance(app.screen, ConnectScreen) and app.screen._password.has_focus)
        assert service.entries(kept) == {}
    finally:
        keyring.set_keyring(before)
