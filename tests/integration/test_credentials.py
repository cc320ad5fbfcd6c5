"""Whoever can pull with docker or podman opens the registry without being asked: by command and in the app."""

import json
import os
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keyring
import keyring.backend
import pytest
from textual.pilot import Pilot

from regtui.session.resolving import Options, resolve_target
from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.connect import ConnectScreen
from regtui.ui.screens.keep import KeepScreen
from regtui.ui.screens.opening import OpeningScreen
from tests.integration.test_app import until
from tests.support.clients import ClientFailed
from tests.support.commands import Regtui, failed
from tests.support.credential_helpers import make_helper
from tests.support.file_keyring import FILE_KEYRING, FileKeyring
from tests.support.gateway import Asked, Reply, start_gateway
from tests.support.images import open_registry, push_image
from tests.support.programs import find_program
from tests.support.secret_service import silent_bus
from tests.support.servers import RegistryServer, start_registry
from tests.support.terminal import on_terminal
from tests.support.tokens import TokenService, start_token_service

USERS = {"ci": "s3cret:word", "team": "t3am-word"}


def packed(user: str = "ci") -> dict[str, str]:
    return {"auth": b64encode(f"{user}:{USERS[user]}".encode()).decode()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """With passwords, and an image in team/app and in other/app."""
    with start_registry("2.8.2", tmp_path_factory.mktemp("passwords"), htpasswd=USERS) as started:
        with open_registry(started.url, auth=("ci", USERS["ci"])) as client:
            for repository in ("team/app", "other/app"):
                push_image(client, repository, "1.0")
        yield started


class World:
    """A home directory, and the environment that leads to what was put there."""

    def __init__(self, home: Path, host: str) -> None:
        self.home = home
        self.host = host
        self.environment: dict[str, str] = {}

    def write(self, path: str, content: dict[str, Any]) -> Path:
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))
        return file

    def docker(self, auths: dict[str, Any], **more: Any) -> None:
        self.write(".docker/config.json", {"auths": auths, **more})


Case = Callable[[World], str]
"""Puts a credential somewhere; how the doctor calls the place."""


def environment(world: World) -> str:
    world.environment = {"REGTUI_USERNAME": "ci", "REGTUI_PASSWORD": USERS["ci"]}
    return "ci, from REGTUI_USERNAME and REGTUI_PASSWORD"


def keyring_file(world: World) -> str:
    world.environment = FILE_KEYRING
    service = f"regtui:{world.host}"
    world.write("keyring.json", {f"{service}\0(user)": "ci", f"{service}\0ci": USERS["ci"]})
    return "ci, from the keyring"


def docker_login(world: World) -> str:
    world.docker({world.host: packed()})
    return "ci, from ~/.docker/config.json"


def docker_config_elsewhere(world: World) -> str:
    world.docker({world.host: {"auth": "bm8gcGFzc3dvcmQ6eA=="}})
    file = world.write("elsewhere/config.json", {"auths": {world.host: packed()}})
    world.environment = {"DOCKER_CONFIG": str(file.parent)}
    return "ci, from ~/elsewhere/config.json"


def two_hundred_entries(world: World) -> str:
    others = {f"registry-{number}.example.com": {"auth": "eDp5"} for number in range(199)}
    world.docker({**others, f"https://{world.host}/v1/": packed()})
    return "ci, from ~/.docker/config.json"


def kubernetes_secret(world: World) -> str:
    world.docker({world.host: {"username": "ci", "password": USERS["ci"], "email": "ci@example.com"}})
    return "ci, from ~/.docker/config.json"


def wrapped_by_base64(world: World) -> str:
    text = packed()["auth"]
    world.docker({world.host: {"auth": f"{text[:8]}\n{text[8:]}\n"}})
    return "ci, from ~/.docker/config.json"


def helper_of_this_host(world: World) -> str:
    helper = make_helper(world.home / "bin", "own", {world.host: ("ci", USERS["ci"])})
    world.docker({}, credHelpers={world.host: "own"}, credsStore="missing")
    world.environment = {"PATH": helper.path}
    return "ci, from docker-credential-own (named in ~/.docker/config.json)"


def helper_of_all_hosts(world: World) -> str:
    helper = make_helper(world.home / "bin", "own", {world.host: ("ci", USERS["ci"])})
    world.docker({world.host: {}}, credsStore="own")
    world.environment = {"PATH": helper.path}
    return "ci, from docker-credential-own (named in ~/.docker/config.json)"


def podman_login(world: World) -> str:
    world.write("run/containers/auth.json", {"auths": {world.host: packed()}})
    world.environment = {"XDG_RUNTIME_DIR": str(world.home / "run")}
    return "ci, from ~/run/containers/auth.json"


def podman_by_variable(world: World) -> str:
    world.environment = {"REGISTRY_AUTH_FILE": str(world.write("auth.json", {"auths": {world.host: packed()}}))}
    return "ci, from ~/auth.json"


def podman_for_a_repository(world: World) -> str:
    # The general one is wrong: it must not be sent for team/app, nor the other one for what isn't below it.
    auths = {f"{world.host}/team/app": packed("team"), world.host: packed()}
    world.environment = {"REGISTRY_AUTH_FILE": str(world.write("auth.json", {"auths": auths}))}
    return "ci, from ~/auth.json"


def podman_for_a_repository_alone(world: World) -> str:
    auths = {f"{world.host}/team": packed("team")}
    world.environment = {"REGISTRY_AUTH_FILE": str(world.write("auth.json", {"auths": auths}))}
    return "team (for some repositories), from ~/auth.json"


CASES = [
    *(environment, keyring_file, docker_login, docker_config_elsewhere, two_hundred_entries, kubernetes_secret),
    *(wrapped_by_base64, helper_of_this_host, helper_of_all_hosts, podman_login, podman_by_variable),
    *(podman_for_a_repository, podman_for_a_repository_alone),
]


@contextmanager
def app_on(
    url: str, world: World, monkeypatch: pytest.MonkeyPatch, backend: keyring.backend.KeyringBackend | None = None
) -> Iterator[RegtuiApp]:
    """The app as `regtui URL` starts it, in the world's home."""
    monkeypatch.setenv("HOME", str(world.home))
    before = keyring.get_keyring()
    keyring.set_keyring(backend or keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]
    try:
        config = Config(world.home / ".config/regtui/config.toml")
        credentials = Credentials({"PATH": os.environ["PATH"], **world.environment})
        options = Options(environment_login=True)
        yield RegtuiApp(config, credentials, resolve_target(url, config, credentials, options, environment={}))
    finally:
        keyring.set_keyring(before)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_each_source(case: Case, server: RegistryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    world = World(home, server.host)
    words = case(world)
    regtui = Regtui(home)

    tags = regtui("tags", f"{server.host}/team/app", "--names", **world.environment)
    assert (tags.returncode, tags.stdout, tags.stderr) == (0, "1.0\n", "")
    with app_on(server.url, world, monkeypatch, FileKeyring() if case is keyring_file else None) as app:  # type: ignore[no-untyped-call]
        async with app.run_test() as pilot:
            await until(pilot, lambda: isinstance(app.screen, BrowserScreen))
            browser = app.screen
            assert isinstance(browser, BrowserScreen)
            assert browser.session.target.login_words == words
            names = [
                name async for page in browser.registry.thread.stream(browser.session.tags, "team/app") for name in page
            ]
            assert names == ["1.0"]


def test_a_repositorys_credential_goes_nowhere_else(server: RegistryServer, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    world = World(home, server.host)
    podman_for_a_repository_alone(world)
    regtui = Regtui(home)
    failed(regtui("tags", f"{server.host}/other/app", "--names", **world.environment), 4, "Not logged in")


async def test_a_repositorys_credential_goes_nowhere_else_in_the_app(
    server: RegistryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, server.host)
    podman_for_a_repository_alone(world)
    with app_on(server.url, world, monkeypatch) as app:
        async with app.run_test(size=(120, 30)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, BrowserScreen))
            browser = app.screen
            assert isinstance(browser, BrowserScreen)
            # The list is no repository, and the first one in it is somebody else's.
            await until(pilot, lambda: browser.repository == "other/app" and "Not logged in" in browser.table.said)
            browser.open_typed("team/app")
            await until(pilot, lambda: browser.table.model.filled == 1)
            await until(pilot, lambda: not app.workers)


# Tokens in place of passwords


@pytest.fixture(params=["2.8.2", "3.1.1"])
def with_tokens(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[RegistryServer, TokenService]]:
    with (
        start_token_service(tmp_path / "tokens", users=USERS) as tokens,
        start_registry(request.param, tmp_path / "registry", tokens=tokens) as server,
    ):
        tokens.identities["1dentity-of-ci"] = "ci"
        scopes = ("repository:team/app:pull,push,delete", "registry:catalog:*")
        with open_registry(server.url) as client:
            client.headers["Authorization"] = f"Bearer {tokens.token('ci', scopes)}"
            push_image(client, "team/app", "1.0")
        yield server, tokens


def test_an_identity_token(with_tokens: tuple[RegistryServer, TokenService], tmp_path: Path) -> None:
    server, tokens = with_tokens
    world = World(tmp_path, server.host)
    world.docker({server.host: {"auth": b64encode(b"ci:").decode(), "identitytoken": "1dentity-of-ci"}})
    regtui = Regtui(tmp_path)
    assert regtui("ls", server.url).stdout == "team/app\n"
    assert regtui("tags", f"{server.host}/team/app", "--names").stdout == "1.0\n"
    doctor = regtui("doctor", server.url)
    assert "login\tok\tci, from ~/.docker/config.json\t" in doctor.stdout
    assert doctor.returncode == 0, doctor.stdout
    asked = [asked for asked in tokens.gateway.asked if asked.method == "POST"]
    assert {asked.authorization for asked in asked} == {""}
    assert "1dentity" not in "".join(asked.path for asked in tokens.gateway.asked), "in the body, not in any log"

    tokens.identities.clear()
    failed(regtui("ls", server.url), 4, "rejects the identity token. Tried: ci, from ~/.docker/config.json.")


def test_a_helper_that_has_an_identity_token(with_tokens: tuple[RegistryServer, TokenService], tmp_path: Path) -> None:
    server, _ = with_tokens
    helper = make_helper(tmp_path / "bin", "own", {server.host: ("<token>", "1dentity-of-ci")})
    World(tmp_path, server.host).docker({}, credsStore="own")
    regtui = Regtui(tmp_path)
    assert regtui("ls", server.url, PATH=helper.path).stdout == "team/app\n"
    assert "login\tok\ta token, from docker-credential-own" in regtui("doctor", server.url, PATH=helper.path).stdout


def test_a_ready_token(with_tokens: tuple[RegistryServer, TokenService], tmp_path: Path) -> None:
    server, tokens = with_tokens
    before = len(tokens.gateway.asked)
    ready = tokens.token("ci", ("repository:team/app:pull",))
    World(tmp_path, server.host).docker({server.host: {"registrytoken": ready}})
    regtui = Regtui(tmp_path)
    assert regtui("tags", f"{server.host}/team/app", "--names").stdout == "1.0\n"
    assert len(tokens.gateway.asked) == before, "it is used as it stands"
    denied = regtui("ls", server.url)
    assert denied.returncode == 4
    assert ready not in denied.stderr


# The keyring, and D-Bus


_SHOW = """
import json, sys
from regtui.cli.main import main
code = main(sys.argv[1:])
print(json.dumps({"code": code, "keyring": "keyring" in sys.modules}))
"""


def test_an_open_registry_waits_for_no_keyring_and_no_helper(tmp_path: Path, server: RegistryServer) -> None:
    def loaded(url: str) -> dict[str, Any]:
        environment = {**Regtui(tmp_path).environment, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            [sys.executable, "-c", _SHOW, "ls", url], env=environment, capture_output=True, text=True, timeout=120
        )
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    with start_registry("2.8.2", tmp_path / "open") as free:
        helper = make_helper(tmp_path / "bin", "own", {free.host: ("ci", "x"), server.host: ("ci", USERS["ci"])})
        World(tmp_path, free.host).docker({}, credsStore="own")
        assert loaded(free.url) == {"code": 0, "keyring": False}
        assert helper.calls == []
        # The one that asks gets its answer from there.
        assert loaded(server.url) == {"code": 0, "keyring": True}
        assert [call["argv"][1:] for call in helper.calls] == [["get"]]


def test_a_bus_that_hangs_and_one_that_is_not_there(server: RegistryServer, tmp_path: Path) -> None:
    docker_login(World(tmp_path, server.host))
    regtui = Regtui(tmp_path)
    # The real backends, as they are chosen without our say.
    del regtui.environment["PYTHON_KEYRING_BACKEND"]
    with silent_bus(tmp_path) as bus:
        done = regtui("ls", server.url, **bus)
        assert (done.returncode, done.stderr) == (0, "")
    assert regtui("ls", server.url, DBUS_SESSION_BUS_ADDRESS="unix:path=/nowhere/bus").returncode == 0
    assert regtui("ls", server.url).returncode == 0


_HANGING_KEYRING = """
import threading
from keyring.backend import KeyringBackend


class Hanging(KeyringBackend):
    priority = 1

    def get_password(self, *entry):
        threading.Event().wait()

    set_password = delete_password = get_password
"""


def test_a_keyring_that_hangs_keeps_nobody(server: RegistryServer, tmp_path: Path) -> None:
    (tmp_path / "hanging_keyring.py").write_text(_HANGING_KEYRING)
    regtui = Regtui(tmp_path)
    path = os.pathsep.join([str(tmp_path), regtui.environment["PYTHONPATH"]])
    regtui.environment |= {"PYTHONPATH": path, "PYTHON_KEYRING_BACKEND": "hanging_keyring.Hanging"}
    docker_login(World(tmp_path, server.host))
    assert regtui("ls", server.url).returncode == 0
    doctor = regtui("doctor", server.url)
    assert doctor.returncode == 4
    assert "login\tfailed\tThe keyring did not answer within 3 seconds.\tUnlock it, or turn it off" in doctor.stdout
    assert "login\tok\tci, from ~/.docker/config.json" in doctor.stdout
    kept = regtui("login", server.url, "-u", "ci", "--password-stdin", stdin=USERS["ci"])
    failed(kept, 1, "it can't be kept: the keyring did not answer within 3 seconds.")


class Hanging(keyring.backend.KeyringBackend):
    """Until it is let go."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.asked = threading.Event()
        self.let_go = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.set()
        self.let_go.wait(60.0)
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


async def test_the_app_answers_keys_while_the_keyring_hangs(
    server: RegistryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = Hanging()
    with app_on(server.url, World(tmp_path, server.host), monkeypatch, ring) as app:
        app.credentials._keyring._timeout = 60.0
        async with app.run_test() as pilot:
            await until(pilot, ring.asked.is_set)
            assert isinstance(app.screen, OpeningScreen)
            await pilot.press("q")
        assert not ring.let_go.is_set()
        assert app.return_code == 0
    ring.let_go.set()


# Logging in and out


def crane_catalog(home: Path, host: str) -> str:
    """What crane lists with the credentials of that home. Raises ClientFailed."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [find_program("crane"), "catalog", host], env=environment, capture_output=True, text=True, timeout=60
    )
    if done.returncode:
        raise ClientFailed(done.stderr)
    return done.stdout


def test_login_on_a_server_without_a_keyring(server: RegistryServer, tmp_path: Path) -> None:
    regtui = Regtui(tmp_path)
    with on_terminal(["login", server.url, "-u", "ci"], regtui.environment) as terminal:
        terminal.wait_for("Password of ci")
        terminal.type(f"{USERS['ci']}\n")
        terminal.wait_for("this machine has no usable keyring.")
        terminal.wait_for("It can be kept in ~/.docker/config.json, as Docker does: readable by you alone")
        terminal.wait_for("Keep it there? [y/N]")
        terminal.type("y\n")
        assert terminal.end() == 0
        assert USERS["ci"] not in terminal.shown
        assert f"Logged in to {server.host} as ci. The password is in ~/.docker/config.json." in terminal.shown
    # Another client of Docker's files is the witness.
    assert crane_catalog(tmp_path, server.host) == "other/app\nteam/app\n"
    assert (tmp_path / ".docker/config.json").stat().st_mode & 0o777 == 0o600
    assert regtui("ls", server.url).returncode == 0
    assert "was removed from ~/.docker/config.json." in regtui("logout", server.url).stderr
    with pytest.raises(ClientFailed, match="UNAUTHORIZED"):
        crane_catalog(tmp_path, server.host)
    failed(regtui("ls", server.url), 4, "Not logged in")


def test_declined_it_is_not_kept(server: RegistryServer, tmp_path: Path) -> None:
    with on_terminal(["login", server.url, "-u", "ci"], Regtui(tmp_path).environment) as terminal:
        terminal.wait_for("Password of ci")
        terminal.type(f"{USERS['ci']}\n")
        terminal.wait_for("Keep it there? [y/N]")
        terminal.type("\n")
        assert terminal.end() == 1
    assert not (tmp_path / ".docker").exists()


def test_login_from_a_script_without_a_keyring(server: RegistryServer, tmp_path: Path) -> None:
    regtui = Regtui(tmp_path)
    options = ("-u", "ci", "--password-stdin")
    refused = regtui("login", server.url, *options, stdin=USERS["ci"])
    failed(
        refused, 1, "it can't be kept: this machine has no usable keyring. Add --store docker to keep it in ~/.docker"
    )
    wrong = regtui("login", server.url, *options, "--store", "docker", stdin="wrong")
    failed(wrong, 4, "rejects the user name or password")
    assert not (tmp_path / ".docker").exists(), "it is checked before it is stored"
    assert regtui("login", server.url, *options, "--store", "docker", stdin=USERS["ci"]).returncode == 0
    assert crane_catalog(tmp_path, server.host) == "other/app\nteam/app\n"


def test_what_another_client_keeps_is_used_and_left_to_it(server: RegistryServer, tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    login = ["auth", "login", server.host, "-u", "ci", "--password-stdin"]
    subprocess.run(
        [find_program("crane"), *login], input=USERS["ci"], env=environment, text=True, check=True, capture_output=True
    )
    regtui = Regtui(tmp_path)
    assert regtui("ls", server.url).returncode == 0
    said = regtui("logout", server.url).stderr
    assert "There was no credential" in said
    assert "There still is one: ci, from ~/.docker/config.json. It is not regtui's" in said
    assert crane_catalog(tmp_path, server.host) == "other/app\nteam/app\n"


async def connecting(pilot: Pilot[Any]) -> ConnectScreen:
    """The connect screen, once it has said why it is there."""

    def is_there() -> bool:
        screen = pilot.app.screen
        if not isinstance(screen, ConnectScreen) or not str(screen._said.content):
            return False
        # What is missing: who, or only the password of whom was tried.
        return screen._password.has_focus if screen._user.value else screen._user.has_focus

    await until(pilot, is_there)
    assert isinstance(pilot.app.screen, ConnectScreen)
    return pilot.app.screen


async def type_in(pilot: Pilot[Any], *texts: str) -> None:
    for text in texts:
        await pilot.press(*({":": "colon", "/": "slash", ".": "full_stop", "-": "minus"}.get(c, c) for c in text))
        await pilot.press("tab")


@pytest.mark.parametrize("answer", ["session", "docker", "wrong"])
async def test_the_app_asks_where_to_keep_it(
    answer: str, server: RegistryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app_on(server.url, World(tmp_path, server.host), monkeypatch) as app:
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            connect = await connecting(pilot)
            await type_in(pilot, "ci", "wrong" if answer == "wrong" else USERS["ci"])
            await pilot.press("space", "tab", "enter")
            if answer == "wrong":
                await until(pilot, lambda: "rejects the user name" in str(connect._said.content))
                assert not (tmp_path / ".docker").exists()
                assert not (tmp_path / ".config").exists()
                # What is typed next is the right one, in place of the wrong one.
                await until(pilot, lambda: connect._password.has_focus)
                await type_in(pilot, USERS["ci"])
                assert connect._password.value == USERS["ci"]
                return
            await until(pilot, lambda: isinstance(app.screen, KeepScreen))
            await pilot.press(*(("down", "enter") if answer == "docker" else ("escape",)))
            await until(pilot, lambda: isinstance(app.screen, BrowserScreen))
            await until(pilot, lambda: any("The password is" in str(one.message) for one in app._notifications))
            said = "".join(str(notification.message) for notification in app._notifications)
            if answer == "docker":
                assert crane_catalog(tmp_path, server.host) == "other/app\nteam/app\n"
            assert isinstance(app.screen, BrowserScreen)
            app.forget(app.screen.session.target)
            place = "~/.docker/config.json" if answer == "docker" else "this session"
            told = f"The credential for {server.host} was removed from {place}."
            await until(pilot, lambda: told in [str(one.message) for one in app._notifications])
    kept = (tmp_path / ".config/regtui/config.toml").read_text()
    assert 'username = "ci"' in kept
    assert USERS["ci"] not in kept + said
    if answer == "docker":
        assert "The password is in ~/.docker/config.json." in said
        assert Credentials({}).forget(server.host) == []
        assert not json.loads((tmp_path / ".docker/config.json").read_text())["auths"]
    else:
        assert "The password is kept until regtui is closed." in said
        assert not (tmp_path / ".docker").exists()


async def test_the_connect_screen_says_which_credential_was_tried_and_which_was_used(
    server: RegistryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, server.host)
    world.docker({server.host: {"auth": b64encode(b"ci:0ld-word").decode()}})
    with app_on(server.url, world, monkeypatch) as app:
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            connect = await connecting(pilot)
            said = str(connect._said.content)
            assert f"{server.host} rejects the user name or password." in said
            assert "Tried: ci, from ~/.docker/config.json." in said
            assert "0ld-word" not in said
            assert connect._user.value == "ci"
            # docker login, in another window.
            docker_login(world)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, BrowserScreen))
            told = "Logged in as ci, from ~/.docker/config.json."
            await until(pilot, lambda: any(told in str(one.message) for one in app._notifications))


def test_the_order_of_the_sources(server: RegistryServer, tmp_path: Path) -> None:
    """Put in place from the last to the first, each wins over those before."""
    regtui = Regtui(tmp_path)
    world = World(tmp_path, server.host)
    merged: dict[str, str] = {}
    for case in (podman_login, docker_login, keyring_file, environment):
        words = case(world)
        merged |= world.environment
        assert f"login\tok\t{words}\t" in regtui("doctor", server.url, **merged).stdout
    given = regtui("doctor", server.url, "-u", "team", "--password-stdin", stdin=USERS["team"], **merged)
    assert "login\tok\tteam, from -u and --password-stdin\t" in given.stdout


def test_a_login_that_is_refused_later_is_named_with_its_source(tmp_path: Path) -> None:
    """The registry lets anybody look at /v2/, and asks for a login for what is in it."""

    def answer(asked: Asked) -> Reply:
        if asked.path.rstrip("/") == "/v2":
            return Reply(200, {}, b"{}")
        return Reply(401, {"WWW-Authenticate": 'Basic realm="later"'})

    with start_gateway(answer) as gateway:
        auth = b64encode(b"ci:no longer right").decode()
        entry = {"auth": auth}
        auths = tmp_path / "auth.json"
        auths.write_text(json.dumps({"auths": {gateway.host: entry, f"{gateway.host}/team/app": {"auth": auth}}}))
        regtui = Regtui(tmp_path)
        regtui.environment["REGISTRY_AUTH_FILE"] = str(auths)
        refused = "rejects the user name or password. Tried: ci, from ~/auth.json."
        failed(regtui("ls", gateway.url), 4, refused)
        scoped = "Tried: ci (for team/app), from ~/auth.json."
        failed(regtui("tags", f"{gateway.url}/team/app"), 4, scoped)


def test_a_user_that_nobody_asked_for_is_told(tmp_path: Path) -> None:
    with start_registry("3.1.1", tmp_path / "r") as server:
        regtui = Regtui(tmp_path)
        regtui.environment["REGTUI_PASSWORD"] = "not needed"
        done = regtui("ls", server.url, "-u", "ci")
        assert (done.returncode, done.stderr) == (0, f"{server.host} asked for no login: that of ci was not used.\n")
        alone = regtui("ls", server.url)
        nobodys = "REGTUI_PASSWORD is set, but neither REGTUI_USERNAME nor -u says whose it is: it isn't used."
        assert (alone.returncode, alone.stderr) == (0, f"regtui: {nobodys}\n")
        told = "nothing asked for it: that of ci was not used"
        assert told in regtui("doctor", server.url, "-u", "ci").stdout
        assert told not in regtui("doctor", server.url).stdout
