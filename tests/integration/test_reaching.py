"""The way to real registries: passwords, certificates, schemes, ports, proxies and prefixes."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from regtui.errors import SettingsError
from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.errors import (
    CertificateRejected,
    NotARegistry,
    NotAuthenticated,
    SpeaksHttp,
    SpeaksHttps,
    Unreachable,
)
from regtui.registry.retry import RetryPolicy
from regtui.registry.settings import HttpSettings
from regtui.registry.tls import TlsSettings
from regtui.registry.values import Credential
from tests.integration.test_app import on_screen, running, shows, target, until
from tests.support.commands import Regtui
from tests.support.nginx import start_nginx
from tests.support.servers import RegistryServer, start_registry
from tests.support.tls import TlsFiles

pytestmark = pytest.mark.integration

USERS = {"ci": "correct horse"}
CI = Credential("ci", "correct horse")


@pytest.fixture
def plain(version: str, tmp_path: Path) -> Iterator[RegistryServer]:
    with start_registry(version, tmp_path / "plain") as server:
        yield server


def opened(url: str, credential: Credential | None = None, tls: TlsSettings | None = None) -> RegistryClient:
    settings = HttpSettings(tls=tls or TlsSettings(), retry=RetryPolicy(tries=2, base=0.01))
    return RegistryClient(Address.parse(url), credential, settings)


async def round_trip(client: RegistryClient) -> None:
    """Everything that a way in between can break: paths, Links, Locations, methods."""
    await client.ping()
    digest = await client.upload_blob("team/app", b"content")
    assert await client.blob("team/app", digest) == b"content"
    body = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
    for tag in ("a", "b"):
        await client.put_manifest("team/app", tag, body, "application/vnd.oci.image.index.v1+json")
    assert (await client.resolve("team/app", "a")).digest == Digest.of(body)
    assert sorted([tag async for page in client.tags("team/app") for tag in page]) == ["a", "b"]
    assert [name async for page in client.catalog() for name in page.repositories] == ["team/app"]
    await client.delete_manifest("team/app", Digest.of(body))


# Passwords


async def test_passwords(version: str, tmp_path: Path) -> None:
    with start_registry(version, tmp_path, htpasswd=USERS) as server:
        async with opened(server.url, CI) as client:
            await round_trip(client)
            assert client.auth_scheme == "basic"
        async with opened(server.url, Credential("ci", "wrong")) as client:
            with pytest.raises(NotAuthenticated, match="rejects the user name or password"):
                await client.ping()
        async with opened(server.url) as client:
            with pytest.raises(NotAuthenticated) as caught:
                await client.ping()
        assert str(caught.value) == f"Not logged in to {server.host}. Run: regtui login {server.host}"


# TLS


async def test_an_authority_of_our_own(version: str, tmp_path: Path, tls_files: TlsFiles) -> None:
    with start_registry(version, tmp_path, tls=tls_files) as server:
        async with opened(server.url, tls=TlsSettings(ca_file=tls_files.ca)) as client:
            await round_trip(client)
        async with opened(server.url, tls=TlsSettings(insecure=True)) as client:
            await client.ping()
        # Loopback without a scheme: https is spoken, so nothing falls back.
        async with opened(server.host, tls=TlsSettings(ca_file=tls_files.ca)) as client:
            await client.ping()
            assert client.address.scheme == ""


def internal_tls(directory: Path) -> TlsFiles:
    """As an administrator makes them: an authority called "Internal CA", and a certificate for 127.0.0.1."""
    now = datetime.now(UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    subjects = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Internal CA", "registry")]
    paths = TlsFiles(directory / "ca.pem", directory / "cert.pem", directory / "key.pem")
    for subject, key, path in zip(subjects, keys, (paths.ca, paths.cert), strict=True):
        is_ca = path == paths.ca
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subjects[0])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
            .sign(keys[0], hashes.SHA256())
        )
        path.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    encryption = serialization.NoEncryption()
    paths.key.write_bytes(
        keys[1].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    )
    (directory / "locked.pem").write_bytes(
        keys[1].private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    return paths


async def test_an_unknown_authority_is_named(version: str, tmp_path: Path) -> None:
    with start_registry(version, tmp_path / "r", tls=internal_tls(tmp_path)) as server:
        async with opened(server.url, CI) as client:
            with pytest.raises(CertificateRejected) as caught:
                await client.ping()
    assert str(caught.value) == (
        f"The certificate of {server.host} is signed by an unknown authority (CN=Internal CA). Give it with --ca-file."
    )


def test_a_key_with_a_password_is_refused_instead_of_asked_for(tmp_path: Path) -> None:
    files = internal_tls(tmp_path)
    with pytest.raises(SettingsError, match=r"locked\.pem"):
        TlsSettings(client_cert=files.cert, client_key=tmp_path / "locked.pem").context()
    assert isinstance(TlsSettings(client_cert=files.cert, client_key=files.key).context(), ssl.SSLContext)


async def test_http_and_https_taken_for_each_other(
    version: str, tmp_path: Path, plain: RegistryServer, tls_files: TlsFiles
) -> None:
    async with opened(f"https://{plain.host}") as client:
        with pytest.raises(SpeaksHttp, match="speaks plain HTTP, not HTTPS"):
            await client.ping()
    async with opened(plain.host) as client:
        await client.ping()
        assert client.address.scheme == "http"
    with start_registry(version, tmp_path / "tls", tls=tls_files) as server:
        async with opened(f"http://{server.host}") as client:
            with pytest.raises(SpeaksHttps) as caught:
                await client.ping()
    assert str(caught.value) == f"{server.host} speaks HTTPS, not plain HTTP. Use https://{server.host}"


# Ports and names


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
@pytest.mark.parametrize("scheme", ["http://", "https://", ""])
async def test_a_closed_port(scheme: str, host: str) -> None:
    with socket.socket() as taken:
        # Bound, but not listening: nobody else gets it meanwhile.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with opened(f"{scheme}{host}:{port}") as client:
            with pytest.raises(Unreachable) as caught:
                await client.ping()
    if host != "[::1]":
        assert caught.value.message == f"Nothing listens at {host}:{port}: the connection was refused."
    assert caught.value.exit_code == 3


async def test_an_ipv6_literal(version: str, tmp_path: Path) -> None:
    with start_registry(version, tmp_path / "registry", interface="[::1]", htpasswd=USERS) as server:
        # Without a scheme too: it is a loopback address as any other.
        for address in (server.url, server.host):
            async with opened(address, CI) as client:
                await round_trip(client)
        (tmp_path / "home").mkdir()
        regtui = Regtui(tmp_path / "home")
        login = {"REGTUI_USERNAME": "ci", "REGTUI_PASSWORD": CI.password}
        assert regtui("ls", server.host, **login).stdout == "team/app\n"
        assert regtui("tags", f"{server.host}/team/app", **login).returncode == 0
        assert "port\tok\t" in regtui("doctor", server.url, **login).stdout
        async with running(target(server.url, CI), tmp_path) as pilot:
            await until(pilot, shows(pilot, "team"))
            assert server.host in on_screen(pilot)
            await until(pilot, lambda: not pilot.app.workers)


# What stands in front


async def test_nginx_with_tls_passwords_and_a_sub_path(version: str, tmp_path: Path, tls_files: TlsFiles) -> None:
    tls = TlsSettings(ca_file=tls_files.ca)
    for prefix in (None, "/hub"):
        # Handed through, and cut off before a registry that doesn't know of it.
        for known in {None, prefix}:
            directory = tmp_path / f"{prefix}-{known}".replace("/", "")
            with (
                start_registry(version, directory / "registry", prefix=known) as upstream,
                start_nginx(upstream, directory / "nginx", tls=tls_files, prefix=prefix, htpasswd=USERS) as proxy,
            ):
                async with opened(proxy.url, CI, tls) as client:
                    await round_trip(client)
                async with opened(proxy.url, Credential("ci", "wrong"), tls) as client:
                    with pytest.raises(NotAuthenticated):
                        await client.ping()
                async with opened(f"http://{proxy.host}", CI) as client:
                    with pytest.raises(SpeaksHttps):
                        await client.ping()


async def test_nginx_without_a_registry_behind_it(tmp_path: Path) -> None:
    with (
        start_registry("3.1.1", tmp_path / "registry") as upstream,
        start_nginx(upstream, tmp_path / "nginx", prefix="/hub") as proxy,
    ):
        async with opened(f"http://{proxy.host}") as client:
            with pytest.raises(NotARegistry, match="it is no registry"):
                await client.ping()


async def test_a_prefix(version: str, tmp_path: Path) -> None:
    with start_registry(version, tmp_path, prefix="/reg", maxentries=1) as server:
        async with opened(server.url) as client:
            await round_trip(client)
        async with opened(server.url.removesuffix("/reg")) as client:
            with pytest.raises(NotARegistry, match="path prefix"):
                await client.ping()
