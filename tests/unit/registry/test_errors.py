"""Errors: each with its sentence, its remedy, its exit code and where it happened; never a secret."""

import logging
import socket
import ssl
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.errors import SettingsError
from regtui.oci.digest import Digest
from regtui.registry import tls as tls_module
from regtui.registry.address import Address
from regtui.registry.answers import error_for
from regtui.registry.errors import (
    BadAnswer,
    CertificateRejected,
    DeletionDisabled,
    NotAllowed,
    NotARegistry,
    NotAuthenticated,
    ReadOnly,
    RegistryError,
    ServerFailed,
    SpeaksHttp,
    SpeaksHttps,
    Unreachable,
    Where,
)
from regtui.registry.tls import TlsSettings
from regtui.registry.unreachable import unreachable
from regtui.registry.values import Credential
from regtui.session.resolving import Options
from regtui.session.target import Target
from tests.unit.registry.scripted import Scripted, by_path, in_turn, pong, refusal

DIGEST = Digest.of(b"{}")
PORT = Address.parse("registry.example.com:5000")


def caused_by(kind: type[httpx.TransportError], cause: BaseException) -> httpx.TransportError:
    error = kind(str(cause))
    error.__cause__ = cause
    return error


def told(error: httpx.TransportError, address: Address = PORT) -> Unreachable:
    return unreachable(error, address, Where(address.name, "listing the tags", "a"))


def tls_error(reason: str, verify_code: int = 0) -> ssl.SSLError:
    error: ssl.SSLError = ssl.SSLCertVerificationError(1, "") if verify_code else ssl.SSLError(1, reason)
    error.reason = reason
    if isinstance(error, ssl.SSLCertVerificationError):
        error.verify_code = verify_code
        error.verify_message = "unsupported purpose"
    return error


# The sentences of docs/interface.md, word for word


async def test_deletion_disabled() -> None:
    registry = in_turn(unsupported())
    async with registry.client() as client:
        with pytest.raises(DeletionDisabled) as caught:
            await client.delete_manifest("a", DIGEST)
    assert str(caught.value) == (
        "registry.example.com refuses deletion: it is disabled there. Set storage.delete.enabled: true in its "
        "config.yml (or REGISTRY_STORAGE_DELETE_ENABLED=true) and restart it."
    )
    assert (caught.value.exit_code, caught.value.affects_all) == (6, True)


def unsupported() -> httpx.Response:
    """As distribution says it."""
    body = b'{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}'
    return httpx.Response(405, content=body)


async def test_a_setting_of_distribution_is_no_remedy_for_other_servers() -> None:
    registry = in_turn(refusal(405, "UNSUPPORTED"))
    async with registry.client() as client:
        with pytest.raises(DeletionDisabled) as caught:
            await client.delete_manifest("a", DIGEST)
    assert str(caught.value) == (
        "registry.example.com refuses deletion. Its documentation says whether and how deletion is enabled."
    )


@pytest.mark.parametrize(
    ("location", "remedy"),
    [
        (
            "https://registry.example.com/v2/a/manifests/x",
            "Use the address that it redirects to: https://registry.example.com",
        ),
        ("https://registry.example.com:8443/v2/", "https://registry.example.com:8443"),
        ("https://elsewhere.example.com/v2/", ""),
        ("/v2/", ""),
    ],
)
async def test_a_change_that_is_redirected_to_https_names_the_address_to_use(location: str, remedy: str) -> None:
    registry = in_turn(httpx.Response(308, headers={"Location": location}))
    async with registry.client(address="http://registry.example.com") as client:
        with pytest.raises(BadAnswer, match="which is not followed") as caught:
            await client.delete_manifest("a", DIGEST)
    assert remedy in caught.value.remedy
    assert bool(remedy) is bool(caught.value.remedy)


def test_plain_http() -> None:
    error = told(caused_by(httpx.ConnectError, tls_error("WRONG_VERSION_NUMBER")))
    assert isinstance(error, SpeaksHttp)
    assert str(error) == (
        "registry.example.com:5000 speaks plain HTTP, not HTTPS. "
        "If that is intended, use http://registry.example.com:5000"
    )


@pytest.fixture
def issued_by(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {
        "issuer": ((("commonName", "Internal CA"),),),
        "notAfter": "Nov 20 09:17:00 2026 GMT",
        "subjectAltName": (("DNS", "registry.corp"), ("IP Address", "10.0.0.1")),
    }
    monkeypatch.setattr(tls_module, "shown_certificate", lambda host, dial: shown)


@pytest.mark.usefixtures("issued_by")
@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (20, "is signed by an unknown authority (CN=Internal CA). Give it with --ca-file."),
        (19, "is signed by an unknown authority (CN=Internal CA). Give it with --ca-file."),
        (18, "is self-signed (CN=Internal CA). Give it with --ca-file."),
        (10, "has expired on 2026-11-20. Renew it there, or use --insecure if you must."),
        (9, "is not valid yet. Compare the clocks, here and there."),
        (62, "is for another name: registry.corp, 10.0.0.1. Use the name that it was issued for."),
        (64, "is for another name: registry.corp, 10.0.0.1. Use the name that it was issued for."),
        (26, "can't be verified: unsupported purpose. It has to be issued anew there."),
    ],
)
def test_certificates(code: int, sentence: str) -> None:
    error = told(caused_by(httpx.ConnectError, tls_error("CERTIFICATE_VERIFY_FAILED", code)))
    assert isinstance(error, CertificateRejected)
    assert str(error) == f"The certificate of registry.example.com:5000 {sentence}"


# No answer


@pytest.mark.parametrize(
    ("error", "said", "dropped"),
    [
        (
            caused_by(httpx.ConnectError, socket.gaierror(-2, "unknown")),
            "There is no host registry.example.com:",
            False,
        ),
        (caused_by(httpx.ConnectError, ConnectionRefusedError(111, "refused")), "Nothing listens at", False),
        (caused_by(httpx.ConnectError, OSError(113, "No route to host")), "no route to host", False),
        (httpx.ConnectTimeout(""), "does not answer on port 5000", False),
        (httpx.ReadTimeout(""), "took too long while listing the tags", False),
        (httpx.RemoteProtocolError(""), "closed the connection while listing the tags", True),
        (httpx.ReadError(""), "closed the connection while listing the tags", True),
    ],
)
def test_no_answer(error: httpx.TransportError, said: str, dropped: bool) -> None:
    made = told(error)
    assert said in made.message
    assert (made.exit_code, made.affects_all, made.dropped) == (3, True, dropped)
    assert made.remedy


def test_a_name_with_several_addresses_that_all_refuse() -> None:
    refused = [ConnectionRefusedError(111, "refused"), ConnectionRefusedError(111, "refused")]
    failed = OSError("All connection attempts failed")
    failed.__cause__ = ExceptionGroup("multiple connection attempts failed", refused)
    assert "Nothing listens at" in told(caused_by(httpx.ConnectError, failed)).message


# Answers


@pytest.mark.parametrize(
    "body",
    ["Client sent an HTTP request to an HTTPS server.\n", "<p>The plain HTTP request was sent to HTTPS port</p>"],
)
async def test_https_where_http_was_spoken(body: str) -> None:
    async with in_turn(httpx.Response(400, text=body)).client(address="http://h:5000") as client:
        with pytest.raises(SpeaksHttps) as caught:
            await client.ping()
    assert str(caught.value) == "h:5000 speaks HTTPS, not plain HTTP. Use https://h:5000"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, text="404 page not found"),
        httpx.Response(200, headers={"Content-Type": "text/html; charset=utf-8"}, text="<h1>It works"),
    ],
)
async def test_what_is_no_registry(answer: httpx.Response) -> None:
    async with in_turn(answer).client() as client:
        with pytest.raises(NotARegistry, match="it is no registry") as caught:
            await client.ping()
    assert caught.value.exit_code == 3


async def test_loopback_falls_back_to_http_and_nobody_else_does() -> None:
    def script(request: httpx.Request) -> httpx.Response | Exception:
        if request.url.scheme == "https":
            return caused_by(httpx.ConnectError, tls_error("WRONG_VERSION_NUMBER"))
        return pong()

    async with Scripted(script).client(address="localhost:5000") as client:
        await client.ping()
        assert str(client.address) == "http://localhost:5000"
    for address in ("https://localhost:5000", "registry.example.com"):
        async with Scripted(script).client(Credential("ci", "x"), address=address) as client:
            with pytest.raises(SpeaksHttp):
                await client.ping()


async def test_read_only() -> None:
    answer = httpx.Response(405, headers={"Allow": "GET, HEAD"}, text="Method not allowed")
    async with in_turn(answer).client() as client:
        with pytest.raises(ReadOnly, match="is read-only"):
            await client.delete_manifest("a", DIGEST)
        with pytest.raises(ReadOnly):
            await client.put_manifest("a", "x", b"{}", "application/json")


async def test_an_error_says_where_it_happened() -> None:
    async with in_turn(refusal(403, "DENIED")).client() as client:
        with pytest.raises(NotAllowed) as caught:
            await client.manifest("team/a", "1.0")
    error = caught.value
    assert (error.host, error.operation) == ("registry.example.com", "reading the manifest")
    assert (error.repository, error.status, error.codes) == ("team/a", 403, ("DENIED",))
    assert (error.where.target, error.exit_code) == ("team/a:1.0", 4)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.Response(502, text="<html>502 Bad Gateway"), "502 Bad Gateway."),
        (httpx.Response(500, json={}), "500 Internal Server Error."),
        (refusal(503, "UNAVAILABLE", "health check failed"), "unavailable (health check failed)."),
        # 3.1.1 writes two documents in a row, zot one without `errors`.
        (httpx.Response(500, content=b'{"errors":[{"code":"A"}]}\n{"errors":[{"code":"B"}]}'), "A."),
        (httpx.Response(500, json={"code": "DENIED", "message": "no."}), "no."),
        (httpx.Response(500, content=b"[" * 100_000), "500 Internal Server Error."),
        (httpx.Response(500, headers={"Content-Type": "application/json; charset=hex"}, json={}), "500 "),
        (httpx.Response(500, json={"errors": "x"}), "500 "),
        (httpx.Response(500, json={"errors": [{"code": {}, "message": ["x"], "detail": 5}]}), ""),
    ],
)
async def test_answers_in_any_form(answer: httpx.Response, reason: str) -> None:
    async with in_turn(answer).client(tries=1) as client:
        with pytest.raises(ServerFailed) as caught:
            await client.ping()
    assert caught.value.message.startswith("registry.example.com failed answering: " + reason)


@given(
    st.integers(300, 599), st.binary() | st.text('{}[]":,errorscode').map(str.encode), st.sampled_from(["GET", "PUT"])
)
def test_any_answer_becomes_an_error(status: int, body: bytes, method: str) -> None:
    response = httpx.Response(status, content=body, request=httpx.Request(method, "https://h/v2/"))
    error = error_for(response, Where("h", "listing the tags", "a"))
    assert isinstance(error, RegistryError)
    assert error.message
    assert error.status == status or status == 405


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Location": "https://registry.example.com/v2/"}, "in a circle"),
        ({"Location": "https://h:port/x"}, "no address"),
    ],
)
async def test_redirects_that_lead_nowhere(headers: dict[str, str], said: str) -> None:
    async with in_turn(httpx.Response(302, headers=headers)).client() as client:
        with pytest.raises(BadAnswer, match=said):
            await client.ping()


async def test_a_body_that_cant_be_decoded() -> None:
    broken = Scripted(
        lambda request: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip"))
    )
    async with broken.client() as client:
        with pytest.raises(BadAnswer, match="can't be decoded"):
            await client.ping()


# Secrets


async def test_no_secret_is_ever_written_down(caplog: pytest.LogCaptureFixture) -> None:
    secret = "s3cret"
    blob = f"/v2/a/blobs/{DIGEST}"
    registry = by_path(
        {
            "/v2/": lambda r: (
                pong()
                if "Bearer" in r.headers.get("Authorization", "")
                else refusal(401, "X", WWW_Authenticate=f'Bearer realm="https://auth.example.com/t?k={secret}"')
            ),
            "/t": httpx.Response(200, json={"token": secret}),
            blob: httpx.Response(307, headers={"Location": f"https://cdn.example.net/data?X-Amz-Signature={secret}"}),
            "/data": httpx.Response(403, text="expired"),
            "POST /v2/a/blobs/uploads/": httpx.Response(202, headers={"Location": f"/v2/a/u?_state={secret}"}),
            "PUT /v2/a/u": httpx.Response(500),
        }
    )
    credential = Credential("ci", secret)
    shown = [
        repr(credential),
        str(credential),
        repr(Target(Address.parse("h"), credential)),
        repr(Options(password=secret)),
    ]
    with caplog.at_level(logging.DEBUG, logger="regtui.requests"):
        async with registry.client(credential, tries=1) as client:
            await client.ping()
            for call in (client.blob("a", DIGEST), client.upload_blob("a", b"x")):
                with pytest.raises(RegistryError) as caught:
                    await call
                shown += [str(caught.value), repr(caught.value)]
            shown += [repr(client), repr(vars(client)), repr(client.log.latest())]
    logged = [record.getMessage() for record in caplog.records if record.name == "regtui.requests"]
    assert len(logged) >= 6
    assert secret not in "\n".join(shown + logged)
    assert logged[0].startswith("GET https://registry.example.com/v2/ 401 ")


def test_certificate_files_that_cant_be_used(tmp_path: Path) -> None:
    missing = tmp_path / "none.pem"
    with pytest.raises(SettingsError, match=r"none\.pem") as caught:
        TlsSettings(ca_file=missing).context()
    assert "no such file" in caught.value.message.lower()


@pytest.mark.parametrize("detail", [{}, "invalid checksum digest format"])
async def test_a_damaged_tag_is_told_with_what_to_do_and_a_damaged_manifest_is_none(detail: object) -> None:
    """As 2.8.2 and 3.1.1 answer where a full disk left a tag's file empty."""
    async with in_turn(refusal(500, "UNKNOWN", detail)).client(tries=1) as client:
        with pytest.raises(ServerFailed) as caught:
            await client.manifest("a", "x")
        assert caught.value.remedy == (
            "The tag may be damaged in the registry's storage: push its image again, or delete it."
        )
        with pytest.raises(ServerFailed) as caught:
            await client.manifest("a", DIGEST)
        assert caught.value.remedy == ""


async def test_a_refused_login_is_explained_behind_the_fall_back_to_http_too() -> None:
    def script(request: httpx.Request) -> httpx.Response | Exception:
        if request.url.scheme == "https":
            return caused_by(httpx.ConnectError, tls_error("WRONG_VERSION_NUMBER"))
        return refusal(401, "UNAUTHORIZED")

    def explain(error: NotAuthenticated) -> NotAuthenticated:
        return NotAuthenticated(error.where, error.message, "Tried: ci, from REGTUI_PASSWORD.")

    async with Scripted(script).client(Credential("ci", "x"), address="localhost:5000", explain=explain) as client:
        with pytest.raises(NotAuthenticated, match="Tried: ci"):
            await client.ping()
