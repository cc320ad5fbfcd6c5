"""Certificates, in the command and the app: whose are trusted, what is shown, what is said of those that are wrong."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from regtui.registry.tls import TlsSettings
from tests.integration.test_app import browses, running, shows, target, until
from tests.support.authority import Authority
from tests.support.commands import Regtui, failed
from tests.support.nginx import start_nginx
from tests.support.programs import find_program
from tests.support.servers import start_registry
from tests.support.sshd import start_sshd
from tests.support.tls import TlsFiles
from tests.support.tokens import start_token_service

PASSWORD = "a password of the token service"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


async def test_the_unknown_authority_is_named(
    version: str, tmp_path: Path, authority: Authority, regtui: Regtui
) -> None:
    with start_registry(version, tmp_path / "r", tls=authority.issue()) as server:
        sentence = f"The certificate of {server.host} is signed by an unknown authority (CN=Internal CA)."
        failed(regtui("ls", server.url), 3, f"{sentence} Give it with --ca-file.")
        assert regtui("ls", server.url, "--ca-file", str(authority.file)).returncode == 0
        assert regtui("ls", server.url, "--insecure").returncode == 0
        async with running(target(server.url), tmp_path) as pilot:
            await until(pilot, shows(pilot, sentence))
        async with running(target(server.url, insecure=True), tmp_path) as pilot:
            await until(pilot, browses(pilot))
            await until(pilot, shows(pilot, "certificate not checked"))
            await until(pilot, lambda: not pilot.app.workers)


async def test_expired_and_for_another_name(version: str, tmp_path: Path, authority: Authority, regtui: Regtui) -> None:
    trusted = ("--ca-file", str(authority.file))
    day = (datetime.now(UTC) - timedelta(days=3)).date()
    with start_registry(version, tmp_path / "old", tls=authority.issue(days=-3)) as server:
        sentence = f"The certificate of {server.host} has expired on {day}."
        failed(regtui("ls", server.url, *trusted), 3, sentence)
        async with running(target(server.url, ca_file=authority.file), tmp_path) as pilot:
            await until(pilot, shows(pilot, sentence))
    with start_registry(version, tmp_path / "other", tls=authority.issue("registry.corp", "10.0.0.1")) as server:
        sentence = f"The certificate of {server.host} is for another name: registry.corp, 10.0.0.1."
        failed(regtui("ls", server.url, *trusted), 3, sentence)
        async with running(target(server.url, ca_file=authority.file), tmp_path) as pilot:
            await until(pilot, shows(pilot, sentence))


def test_what_is_given_is_trusted_beside_the_system_s(tmp_path: Path, authority: Authority, regtui: Regtui) -> None:
    other = Authority(tmp_path / "other", "Other CA")
    with (
        start_registry("3.1.1", tmp_path / "one", tls=authority.issue()) as one,
        start_registry("3.1.1", tmp_path / "two", tls=other.issue()) as two,
    ):
        # In the place of the system's store, as Go and OpenSSL have it.
        system = {"SSL_CERT_FILE": str(authority.file)}
        for server in (one, two):
            assert regtui("ls", server.url, "--ca-file", str(other.file), **system).returncode == 0
        failed(regtui("ls", two.url, **system), 3, "(CN=Other CA)")
        directory = tmp_path / "certs"
        directory.mkdir()
        shutil.copy(other.file, directory / "other.pem")
        subprocess.run(["openssl", "rehash", str(directory)], check=True)
        assert regtui("ls", two.url, SSL_CERT_DIR=str(directory)).returncode == 0


def test_a_server_s_own_certificate_can_be_trusted(tmp_path: Path, authority: Authority, regtui: Regtui) -> None:
    files = authority.issue()
    with start_registry("3.1.1", tmp_path / "r", tls=files) as server:
        assert regtui("ls", server.url, "--ca-file", str(files.cert)).returncode == 0
        # As in Go.
        trusting = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SSL_CERT_FILE": str(files.cert)}
        crane = [str(find_program("crane")), "catalog", server.host]
        assert subprocess.run(crane, env=trusting, capture_output=True).returncode == 0
        failed(regtui("ls", server.url, "--ca-file", str(authority.issue().cert)), 3, "signed by an unknown authority")


def test_authorities_made_by_hand_are_trusted_under_every_python(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = ssl.create_default_context

    def strict() -> ssl.SSLContext:
        """As 3.13 makes it."""
        context = make()
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    context = TlsSettings(ca_file=authority.file).context()
    # OpenSSL's strict mode wants key identifiers and usages, which this authority's certificate doesn't have.
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT


def test_the_system_s_own_store_is_read(authority: Authority) -> None:
    context = TlsSettings(ca_file=authority.file).context("registry.example.com")
    # Debian's ca-certificates, where administrators add theirs by update-ca-certificates.
    assert len(context.get_ca_certs()) > 50
    assert "Internal CA" in str(context.get_ca_certs())


def test_docker_s_directory_of_certificates(version: str, tmp_path: Path, authority: Authority, regtui: Regtui) -> None:
    client = authority.issue(subject="ci")
    with start_registry(version, tmp_path / "r", tls=authority.issue(), client_ca=authority.file) as server:
        placed = Path(regtui.environment["HOME"]) / ".docker/certs.d" / server.host
        placed.mkdir(parents=True)
        failed(regtui("ls", server.url), 3, "signed by an unknown authority")
        shutil.copy(authority.file, placed / "ca.crt")
        failed(regtui("ls", server.url), 3, f"{server.host} wants a client certificate that it knows.")
        shutil.copy(client.cert, placed / "client.cert")
        failed(regtui("ls", server.url), 1, "has no key beside it. Put it into client.key.")
        shutil.copy(client.key, placed / "client.key")
        assert regtui("ls", server.url).returncode == 0
        # What the command says comes on top.
        (placed / "client.cert").unlink()
        given = ("--client-cert", str(client.cert), "--client-key", str(client.key))
        assert regtui("ls", server.url, *given).returncode == 0
        (placed / "ca.crt").write_text("no certificate")
        failed(regtui("ls", server.url), 1, "The certificate files can't be used")


async def test_the_daemon_s_directory_and_the_app(version: str, tmp_path: Path, authority: Authority) -> None:
    with start_registry(version, tmp_path / "r", tls=authority.issue()) as server:
        daemon = tmp_path / "etc/docker/certs.d"
        (daemon / server.host).mkdir(parents=True)
        shutil.copy(authority.file, daemon / server.host / "ca.crt")
        async with running(target(server.url, docker_dirs=(daemon,)), tmp_path) as pilot:
            await until(pilot, browses(pilot))
            await until(pilot, lambda: not pilot.app.workers)


@pytest.fixture
def mutual(tmp_path: Path, authority: Authority) -> Iterator[str]:
    """An nginx that wants a client certificate."""
    lines = f"ssl_client_certificate {authority.file}; ssl_verify_client on;"
    with (
        start_registry("2.8.2", tmp_path / "registry") as upstream,
        start_nginx(upstream, tmp_path / "nginx", tls=authority.issue(), server=lines) as proxy,
    ):
        yield proxy.url


async def test_client_certificates_at_nginx(mutual: str, tmp_path: Path, authority: Authority, regtui: Regtui) -> None:
    trusted = ("--ca-file", str(authority.file))
    client, stranger = authority.issue(subject="ci"), Authority(tmp_path / "other", "Other CA").issue()

    def showing(files: TlsFiles) -> tuple[str, ...]:
        return (*trusted, "--client-cert", str(files.cert), "--client-key", str(files.key))

    assert regtui("ls", mutual, *showing(client)).returncode == 0
    host = mutual.removeprefix("https://")
    for wrong in (trusted, showing(stranger)):
        failed(regtui("ls", mutual, *wrong), 3, f"{host} wants a client certificate that it knows. Give it with")
    start = target(mutual, ca_file=authority.file, client_cert=client.cert, client_key=client.key)
    async with running(start, tmp_path) as pilot:
        await until(pilot, browses(pilot))
        await until(pilot, lambda: not pilot.app.workers)


async def test_a_port_that_speaks_something_else(tmp_path: Path, regtui: Regtui) -> None:
    with start_sshd(tmp_path / "sshd") as sshd:
        host = f"127.0.0.1:{sshd.port}"
        sentence = f"{host} answers, but speaks neither HTTPS nor HTTP: it is no registry."
        for address in (f"https://{host}", f"http://{host}", host):
            failed(regtui("ls", address), 3, sentence)
        async with running(target(f"https://{host}"), tmp_path) as pilot:
            await until(pilot, shows(pilot, sentence))


def test_insecure_is_about_the_registry_alone(
    version: str, tmp_path: Path, authority: Authority, regtui: Regtui
) -> None:
    """Its token service on another host gets the password: whose certificate nobody vouches for gets none."""
    files = authority.issue()
    regtui.environment |= {"REGTUI_USERNAME": "ci", "REGTUI_PASSWORD": PASSWORD}
    with (
        start_token_service(tmp_path / "tokens", users={"ci": PASSWORD}, tls=files) as tokens,
        start_registry(version, tmp_path / "r", tls=files, tokens=tokens) as server,
    ):
        service = tokens.gateway
        failed(
            regtui("ls", server.url, "--insecure"),
            3,
            f"The certificate of {service.host} is signed by an unknown authority (CN=Internal CA). Give it with "
            f"--ca-file, or use --insecure-host {service.host} if you must.",
        )
        assert not service.asked
        assert regtui("ls", server.url, "--insecure", "--insecure-host", service.host).returncode == 0
        assert service.asked
        config = tmp_path / "config.toml"
        config.write_text(
            f'[registries.r]\naddress = "{server.url}"\ninsecure = true\ninsecure_hosts = ["localhost"]\n'
        )
        assert regtui("ls", "r", "--config", str(config)).returncode == 0
        # What is said of another host holds for the registry no more than the other way round.
        failed(
            regtui("ls", server.url, "--insecure-host", service.host), 3, f"The certificate of {server.host} is signed"
        )
