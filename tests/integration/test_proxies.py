"""Proxies from the environment, with a real one in between: the registry is known by name to the proxy alone."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import pytest

from tests.integration.test_app import browses, running, shows, target, until
from tests.support.authority import Authority
from tests.support.commands import Regtui, failed
from tests.support.connect_proxy import ConnectProxy, start_connect_proxy
from tests.support.images import open_registry, push_image
from tests.support.servers import RegistryServer, start_registry
from tests.support.sshd import start_sshd

NAME = "registry.internal.test"


@dataclass
class Place:
    proxy: ConnectProxy
    plain: RegistryServer
    secure: RegistryServer
    authority: Authority

    def url(self, server: RegistryServer) -> str:
        return f"{server.url.partition('://')[0]}://{NAME}:{server.port}"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    authority = Authority(tmp_path / "ca")
    with ExitStack() as stack:
        plain = stack.enter_context(start_registry("2.8.2", tmp_path / "plain"))
        secure = stack.enter_context(start_registry("3.1.1", tmp_path / "secure", tls=authority.issue(NAME)))
        proxy = stack.enter_context(start_connect_proxy())
        proxy.names[NAME] = "127.0.0.1"
        with open_registry(plain.url) as writer:
            push_image(writer, "team/app", "1.0")
        yield Place(proxy, plain, secure, authority)


def test_each_scheme_takes_its_proxy(place: Place, regtui: Regtui) -> None:
    proxy, ca = place.proxy, ("--ca-file", str(place.authority.file))
    environment = {"HTTP_PROXY": proxy.url(), "https_proxy": proxy.host}
    assert regtui("ls", place.url(place.plain), **environment).stdout == "team/app\n"
    assert regtui("ls", place.url(place.secure), *ca, **environment).returncode == 0
    assert f"GET {place.url(place.plain)}/v2/ HTTP/1.1" in proxy.asked
    assert f"CONNECT {NAME}:{place.secure.port} HTTP/1.1" in proxy.asked
    # Without: nobody here knows the name.
    failed(regtui("ls", place.url(place.plain)), 3, f"There is no host {NAME}")
    excepted = regtui("ls", place.url(place.plain), **environment, NO_PROXY=".test")
    failed(excepted, 3, f"There is no host {NAME}")


def test_this_machine_itself_is_never_asked_for_at_a_proxy(place: Place, regtui: Regtui) -> None:
    assert regtui("ls", place.plain.url, HTTP_PROXY=place.proxy.url()).returncode == 0
    assert place.proxy.asked == []


def test_a_certificate_is_the_registry_s_also_behind_a_proxy(place: Place, regtui: Regtui) -> None:
    proxied = {"HTTPS_PROXY": place.proxy.url()}
    name = f"{NAME}:{place.secure.port}"
    failed(
        regtui("ls", place.url(place.secure), **proxied),
        3,
        f"The certificate of {name} is signed by an unknown authority (CN=Internal CA).",
    )
    failed(
        regtui("ls", f"https://{NAME}:{place.plain.port}", **proxied),
        3,
        f"{NAME}:{place.plain.port} speaks plain HTTP, not HTTPS.",
    )


def test_the_doctor_says_who_can_read_along(place: Place, regtui: Regtui, tmp_path: Path) -> None:
    def tls(address: str, **environment: str) -> list[str]:
        lines = (line.split("\t") for line in regtui("doctor", address, **environment).stdout.splitlines())
        return next(line for line in lines if line[0] == "TLS")

    read, remedy = "passwords and images can be read on the way", "Put TLS in front of it."
    # What a proxy hands on is as plain as what it got.
    assert tls(place.url(place.plain), HTTP_PROXY=place.proxy.url())[1:] == ["skipped", f"plain HTTP: {read}", remedy]
    assert tls(place.plain.url)[2] == "plain HTTP, which does not leave this machine"
    with start_sshd(tmp_path / "sshd") as sshd:
        config = Path(regtui.environment["HOME"]) / ".config/regtui/config.toml"
        config.parent.mkdir(parents=True)
        beyond = f" from {sshd.destination} on: {read}"
        # The second address is none of loopback's, though it leads there.
        for host, told in (("127.0.0.1", ", inside the SSH tunnel"), ("0.0.0.0", beyond)):
            address = f"http://{host}:{place.plain.port}"
            config.write_text(f'[registries.lab]\naddress = "{address}"\nvia = "{sshd.destination}"\n')
            assert tls("lab", PATH=sshd.path)[2] == f"plain HTTP{told}"


def test_the_proxy_s_password_is_for_the_proxy(place: Place, regtui: Regtui, tmp_path: Path) -> None:
    proxy, log = place.proxy, tmp_path / "log"
    proxy.login = "user:s3cret"
    arguments = ("ls", place.url(place.secure), "--ca-file", str(place.authority.file), "--log-file", str(log))
    assert regtui(*arguments, HTTPS_PROXY=proxy.url("user:s3cret")).returncode == 0
    assert "s3cret" not in log.read_text()
    wrong = regtui(*arguments, HTTPS_PROXY=proxy.url("user:wr0ng"))
    failed(wrong, 3, f"The proxy {proxy.host} refuses the way to {NAME}:{place.secure.port}: 407")
    assert "wr0ng" not in wrong.stderr
    failed(regtui("ls", place.url(place.secure), ALL_PROXY="socks5://u:s3cret@host"), 1, "SOCKS is not supported")


async def test_a_proxy_that_is_not_there_and_the_app(
    place: Place, regtui: Regtui, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = f"127.0.0.1:{closed.getsockname()[1]}"
        sentence = f"The proxy {gone}, on the way to {NAME}:{place.plain.port}, can't be reached: connection refused."
        failed(regtui("ls", place.url(place.plain), HTTP_PROXY=gone), 3, sentence)
        monkeypatch.setenv("HTTP_PROXY", gone)
        async with running(target(place.url(place.plain)), tmp_path) as pilot:
            await until(pilot, shows(pilot, sentence))
    monkeypatch.setenv("HTTP_PROXY", place.proxy.url())
    async with running(target(place.url(place.plain)), tmp_path) as pilot:
        await until(pilot, browses(pilot))
        await until(pilot, lambda: any("tags/list" in line for line in place.proxy.asked))
        await until(pilot, lambda: not pilot.app.workers)
