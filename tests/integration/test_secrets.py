"""Where a secret goes: every request of a run is looked at, and everything that the run leaves behind or shows."""

import asyncio
import json
import os
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from regtui.session.resolving import Options, resolve_target
from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from tests.support.commands import Regtui
from tests.support.credential_helpers import make_program
from tests.support.gateway import Asked, Gateway, Reply, start_gateway
from tests.support.images import open_registry, push_image
from tests.support.patience import PATIENCE
from tests.support.screens import settled
from tests.support.servers import RegistryServer, start_registry
from tests.support.terminal import on_terminal
from tests.support.tokens import TokenService, start_token_service
from tests.support.watch import SITE_CUSTOMIZE

PASSWORD, IDENTITY = "s3cret:wörd", "1dentity-t0ken"
BASIC = b64encode(f"ci:{PASSWORD}".encode()).decode()


@dataclass
class Origins:
    """Three of them, as behind a cloud's registry: the registry, its token service, the store of its blobs."""

    registry: Gateway
    tokens: TokenService
    store: Gateway
    server: RegistryServer

    def secrets(self) -> set[str]:
        """Everything that must not be seen: passwords, and the tokens that were given for them."""
        given = {asked.authorization.partition(" ")[2] for asked in self.registry.asked}
        return {PASSWORD, IDENTITY, BASIC, *(part for token in given for part in (token, token.rpartition(".")[2]))} - {
            ""
        }


@contextmanager
def origins(folder: Path) -> Iterator[Origins]:
    with (
        start_token_service(folder / "tokens", users={"ci": PASSWORD}) as tokens,
        start_registry("2.8.2", folder / "registry", tokens=tokens) as server,
        start_gateway(lambda asked: Reply(200, {}, blob(server, asked)), name="localhost") as store,
    ):

        def script(asked: Asked) -> Reply | None:
            if asked.method == "GET" and "/blobs/sha256:" in asked.path and asked.authorization:
                return Reply(307, {"Location": f"{store.url}{asked.path}?X-Amz-Signature=signed"})
            return None

        with start_gateway(script, upstream=server.host) as registry:
            registry.passes_logins = True
            tokens.identities[IDENTITY] = "ci"
            yield Origins(registry, tokens, store, server)


def blob(server: RegistryServer, asked: Asked) -> bytes:
    match = re.search(r"sha256:([0-9a-f]{64})", asked.path)
    assert match is not None
    digest = match[1]
    return (server.storage / "docker/registry/v2/blobs/sha256" / digest[:2] / digest / "data").read_bytes()


@pytest.fixture
def clouds(tmp_path: Path) -> Iterator[Origins]:
    with origins(tmp_path) as made:
        scope = ("repository:team/app:pull,push,delete",)
        with open_registry(made.server.url) as client:
            client.headers["Authorization"] = f"Bearer {made.tokens.token('ci', scope)}"
            for tag in ("1.0", "1.1", "1.2"):
                push_image(client, "team/app", tag)
        yield made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def everything(regtui: Regtui, host: str, log: Path, stdin: str = "", *options: str) -> str:
    """Runs every command that talks to a registry; all that was shown."""
    shown = ""
    for command in (
        ["ls", host],
        ["tags", f"{host}/team/app"],
        ["inspect", f"{host}/team/app:1.0", "--json"],
        ["rm", f"{host}/team/app:1.0", "--dry-run"],
        ["rm", f"{host}/team/app:1.1", "--yes", "--json"],
        ["undo", host, "--yes"],
        ["doctor", host],
        ["ls", host, "-u", "nobody"],
        ["tags", f"{host}/team/none"],
    ):
        done = regtui(*command, "--log-file", str(log), *options, stdin=stdin)
        assert "internal error" not in done.stderr
        shown += done.stdout + done.stderr
    return shown


def nothing_leaked(clouds: Origins, home: Path, *shown: str, may: tuple[str, ...] = ()) -> None:
    written = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name not in may}
    assert {path.name for path in written} >= {"log"}
    for secret in clouds.secrets():
        assert [path for path, content in written.items() if secret.encode() in content] == []
        assert all(secret not in text for text in shown)


def each_origin_got_its_own(clouds: Origins, kinds: set[str]) -> None:
    assert {asked.authorization for asked in clouds.store.asked} == {""}
    assert {asked.authorization.partition(" ")[0] for asked in clouds.registry.asked} == {"", "Bearer"}
    assert {asked.authorization.partition(" ")[0] for asked in clouds.tokens.gateway.asked} == kinds
    for asked in (*clouds.store.asked, *clouds.registry.asked, *clouds.tokens.gateway.asked):
        assert not any(secret in asked.path for secret in (PASSWORD, IDENTITY, BASIC)), "addresses end up in logs"
    for asked in (*clouds.store.asked, *clouds.registry.asked):
        assert IDENTITY.encode() not in asked.body


def test_a_password_goes_to_the_token_service_alone(clouds: Origins, home: Path) -> None:
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text(json.dumps({"auths": {clouds.registry.host: {"auth": BASIC}}}))
    shown = everything(Regtui(home), clouds.registry.url, home / "log")
    assert "1.2" in shown
    assert clouds.store.asked, "blobs were read from there"
    each_origin_got_its_own(clouds, {"Basic"})
    nothing_leaked(clouds, home, shown, may=("config.json",))


def test_an_identity_token_goes_to_the_token_service_alone(clouds: Origins, home: Path) -> None:
    program = make_program(
        home / "bin",
        "seen",
        # What every process of this machine shows of itself while it runs.
        "#!/bin/sh\nfor file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$file; echo; done >>\"$0.ps\" 2>/dev/null\n"
        f'echo \'{{"Username": "<token>", "Secret": "{IDENTITY}"}}\'\n',
    )
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text('{"credsStore": "seen"}')
    regtui = Regtui(home)
    regtui.environment["PATH"] = program.path
    shown = everything(regtui, clouds.registry.url, home / "log")
    assert "1.2" in shown
    each_origin_got_its_own(clouds, {""})
    assert "docker-credential-seen get" in (home / "bin/docker-credential-seen.ps").read_text()
    nothing_leaked(clouds, home, shown, may=("docker-credential-seen",))


def test_a_password_on_standard_input(clouds: Origins, home: Path) -> None:
    shown = everything(Regtui(home), clouds.registry.url, home / "log", PASSWORD, "-u", "ci", "--password-stdin")
    each_origin_got_its_own(clouds, {"Basic"})
    nothing_leaked(clouds, home, shown)


async def test_the_app(clouds: Origins, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    environment = {"REGTUI_USERNAME": "ci", "REGTUI_PASSWORD": PASSWORD}
    (home / "log").touch()
    config, credentials = Config(home / "config.toml"), Credentials(environment)
    url = clouds.registry.url
    app = RegtuiApp(
        config, credentials, resolve_target(url, config, credentials, Options(environment_login=True), environment={})
    )
    async with app.run_test(size=(120, 40)) as pilot:
        async with asyncio.timeout(PATIENCE):
            while not isinstance(app.screen, BrowserScreen):
                await pilot.pause(0.02)
        for key in ("enter", "enter", "right_square_bracket", "exclamation_mark"):
            await settled(pilot)
            await pilot.press(key)
            await settled(pilot)
            shown = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
            nothing_leaked(clouds, home, shown)
    assert clouds.store.asked
    each_origin_got_its_own(clouds, {"Basic"})


# When something that nobody expected goes wrong, the credential is in the variables of what was running.


_BREAKS_THE_COMMAND = """
from regtui.registry.http import RegistryHttp
async def broken(self, request, *rest):
    password = self._auth.credential()
    raise ZeroDivisionError(f"while {request.method} was sent")
RegistryHttp._once = broken
"""
_BREAKS_THE_APP = """
from regtui.ui.screens.browser import BrowserScreen
def broken(self):
    credential = self.session.target.lookup.found.credential
    assert credential.password
    raise ZeroDivisionError("nobody expected this")
BrowserScreen.action_zoom = broken
"""


def breaking(regtui: Regtui, home: Path, code: str) -> None:
    (home / "python").mkdir()
    # In place of the one that watches, which is therefore run by it.
    watching = f"import runpy; runpy.run_path({str(SITE_CUSTOMIZE)!r})"
    (home / "python/sitecustomize.py").write_text(f"{watching}\n{code}")
    path = os.pathsep.join([str(home / "python"), regtui.environment["PYTHONPATH"]])
    regtui.environment |= {"PYTHONPATH": path, "REGTUI_USERNAME": "ci", "REGTUI_PASSWORD": PASSWORD}


def test_a_command_that_crashes(clouds: Origins, home: Path) -> None:
    regtui = Regtui(home)
    breaking(regtui, home, _BREAKS_THE_COMMAND)
    done = regtui("ls", clouds.registry.url, "--log-file", str(home / "log"))
    assert done.returncode == 1
    assert "internal error: ZeroDivisionError" in done.stderr
    crash = home / ".local/state/regtui/crash.log"
    assert "ZeroDivisionError" in crash.read_text()
    assert crash.stat().st_mode & 0o077 == 0
    nothing_leaked(clouds, home, done.stdout, done.stderr)


def test_an_app_that_crashes(clouds: Origins, home: Path) -> None:
    regtui = Regtui(home)
    breaking(regtui, home, _BREAKS_THE_APP)
    regtui.environment |= {"TERM": "xterm-256color", "LINES": "30", "COLUMNS": "100"}
    with on_terminal([clouds.registry.url, "--log-file", str(home / "log")], regtui.environment) as terminal:
        terminal.wait_for("team")
        terminal.type("z")
        assert terminal.end() == 1
    assert "it ended by an internal error" in terminal.shown
    crash = home / ".local/state/regtui/crash.log"
    assert "nobody expected this" in crash.read_text()
    nothing_leaked(clouds, home, terminal.shown)
