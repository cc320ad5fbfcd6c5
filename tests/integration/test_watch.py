"""The watch over all tests sees what it is there for: each test here breaks the product, and would be failed by that
watch if it didn't ask it first."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.registry.auth import Authenticator
from regtui.registry.client import RegistryClient
from regtui.registry.settings import HttpSettings
from regtui.registry.values import Credential
from tests.support import watch
from tests.support.commands import Regtui
from tests.support.connect_proxy import start_connect_proxy
from tests.support.gateway import Asked, Gateway, Reply, start_gateway
from tests.support.terminal import on_command
from tests.support.watch import passwords
from tests.support.watch.logins import Watching

PASSWORD = "s3cret-of-the-watch"
CI = Credential("ci", PASSWORD)
ELSEWHERE = "to an origin that it doesn't belong to"


@pytest.fixture
def store() -> Iterator[Gateway]:
    with start_gateway(lambda asked: Reply(200, {}, b"{}"), name="localhost") as made:
        yield made


@pytest.fixture
def registry(store: Gateway) -> Iterator[Gateway]:
    """Asks for a password, and redirects what it is asked for."""

    def script(asked: Asked) -> Reply:
        if not asked.authorization:
            return Reply(401, {"WWW-Authenticate": 'Basic realm="x"'})
        return Reply(200, {}, b"{}") if asked.path == "/v2/" else Reply(307, {"Location": f"{store.url}{asked.path}"})

    with start_gateway(script) as made:
        yield made


async def test_a_login_that_follows_a_redirect(
    registry: Gateway, store: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look() -> None:
        async with RegistryClient(Address.parse(registry.url), CI) as client:
            await client.blob("team/app", Digest.of(b"{}"))

    await look()
    assert [asked.authorization for asked in store.asked] == [""]
    watch.check()
    monkeypatch.setattr(httpx.AsyncClient, "_redirect_headers", lambda self, request, url, method: request.headers)
    await look()
    assert store.asked[-1].authorization
    with pytest.raises(AssertionError, match=ELSEWHERE):
        watch.check()


@pytest.mark.parametrize(
    ("base", "realm", "wrong"),
    [
        ("https://registry.example.com", "http://tokens.example.com/token", "in plain text"),
        ("https://registry.example.com", "https://tokens.example.com/token", ""),
        ("http://registry.example.com", "http://tokens.example.com/token", ""),
    ],
)
async def test_the_token_service(base: str, realm: str, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json={"token": "given"})
        if "Authorization" in request.headers:
            return httpx.Response(200, json={})
        return httpx.Response(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}",service="x"'})

    # It would refuse the first one.
    monkeypatch.setattr(Authenticator, "_realm", lambda self, challenge, *_: httpx.URL(challenge.get("realm")))
    settings = HttpSettings(transport=httpx.MockTransport(answer))
    for credential in (CI, Credential("ci", "", identity_token="1dentity")):
        async with RegistryClient(Address.parse(base), credential, settings) as client:
            await client.ping()
        _checked(wrong)


def _checked(wrong: str) -> None:
    if not wrong:
        return watch.check()
    with pytest.raises(AssertionError, match=wrong):
        watch.check()
    return None


def test_a_command(registry: Gateway, store: Gateway, tmp_path: Path) -> None:
    regtui = Regtui(tmp_path)
    regtui.environment |= {"REGTUI_USERNAME": "ci", "REGTUI_PASSWORD": PASSWORD}
    regtui("tags", "-r", registry.url, "team/app")
    assert store.asked
    watch.check()
    breaking = tmp_path / "sitecustomize.py"
    breaking.write_text(
        f"import runpy; runpy.run_path({str(watch.SITE_CUSTOMIZE)!r})\n"
        "import httpx\n"
        "httpx.AsyncClient._redirect_headers = lambda self, request, url, method: request.headers\n"
    )
    path = os.pathsep.join([str(tmp_path), regtui.environment["PYTHONPATH"]])
    regtui("tags", "-r", registry.url, "team/app", PYTHONPATH=path)
    assert store.asked[-1].authorization
    with pytest.raises(AssertionError, match=ELSEWHERE):
        watch.check()


async def test_a_proxy_s_login_that_goes_further() -> None:
    request = httpx.Request("GET", "http://registry.example.com/v2/", headers={"Proxy-Authorization": "Basic eDp5"})
    answering = httpx.MockTransport(lambda _: httpx.Response(200))
    await Watching(answering, "http://registry.example.com", watch.tell).handle_async_request(request)
    with pytest.raises(AssertionError, match="a proxy's"):
        watch.check()


def test_a_proxy_s_login_that_came_to_a_server(registry: Gateway) -> None:
    httpx.get(f"{registry.url}/v2/", headers={"Proxy-Authorization": "Basic eDp5"}, trust_env=False)
    with pytest.raises(AssertionError, match="a proxy's login came to"):
        watch.check()


def test_a_registry_s_login_that_a_proxy_is_shown() -> None:
    with start_connect_proxy() as proxy, socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        connection.sendall(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nAuthorization: Basic eDp5\r\n\r\n")
        connection.recv(1)
    with pytest.raises(AssertionError, match="was shown to the proxy"):
        watch.check()


# Passwords


def in_short(home: Path) -> None:
    watch.keep_secret({"robot": "pw"})
    passwords.look_at("something else", "pw, which is found everywhere")
    watch.check()
    passwords.look_at("what was printed", "http://robot:pw@proxy.example.com was refused")


def on_a_terminal(home: Path) -> None:
    with on_command([sys.executable, "-c", f"print({PASSWORD!r})"], {"PATH": os.environ["PATH"]}) as terminal:
        terminal.end()


def in_a_file(home: Path) -> None:
    file = home / ".local/state/regtui/crash.log"
    file.parent.mkdir(parents=True)
    file.write_text(f"credential = {PASSWORD}")
    passwords.look_at_files(home)


def in_what_is_shown(home: Path) -> None:
    passwords.look_at("what was printed", f"regtui: {PASSWORD} was refused")


def in_this_process(home: Path) -> None:
    start = {
        "__name__": "regtui.ssh.process",
        "subprocess": subprocess,
        "command": [sys.executable, "-c", "", PASSWORD],
    }
    exec("subprocess.run(command)", start)


def in_a_command(home: Path) -> None:
    code = (
        "import regtui.registry.http, subprocess, sys\n"
        "start = {'__name__': 'regtui.ssh.process', 'subprocess': subprocess, 'sys': sys}\n"
        f"exec(\"subprocess.run([sys.executable, '-c', '', {PASSWORD!r}])\", start)"
    )
    subprocess.run([sys.executable, "-c", code], env=Regtui(home).environment, check=True)


PLACES = [in_short, on_a_terminal, in_a_file, in_what_is_shown, in_this_process, in_a_command]


@pytest.mark.parametrize("put", PLACES, ids=lambda f: f.__name__)
def test_a_password(put: Callable[[Path], None], tmp_path: Path) -> None:
    watch.keep_secret({"ci": PASSWORD})
    # The tests' own programs may be given one.
    subprocess.run([sys.executable, "-c", "", PASSWORD], check=True)
    watch.check()
    put(tmp_path)
    with pytest.raises(AssertionError, match="a password is in"):
        watch.check()
