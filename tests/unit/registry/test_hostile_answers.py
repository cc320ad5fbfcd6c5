"""Whatever a registry answers, in every header and body: the client returns, or raises an error of its own."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regtui import bounds
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import BadAnswer, RegistryError
from regtui.registry.probing import check_push, deletion_support
from regtui.registry.values import Credential, Resolved
from tests.support.alike import examples
from tests.unit.registry.scripted import Answer, Scripted, in_turn, refusal

DIGEST = Digest.of(b"{}")
LONG = "x" * 70_000
NUMBERS = st.sampled_from([0, -1, 1.5, 2**63, 10**400, 1e308, True])
TEXTS = st.sampled_from(
    ["", DIGEST, "sha256:x", f"sha999:{LONG}", LONG, "\ud800", "a\r\nb", "../..", "\x1b[2J", "a/b", "x"]
)
VALUES = st.recursive(
    st.none() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        *("repositories", "tags", "name", "errors", "code", "message", "detail", "token", "access_token", "expires_in"),
        *("mediaType", "manifests", "config", "layers", "digest", "size", "urls", "platform", "annotations", "subject"),
        *("refresh_token", "signatures", "protected", "fsLayers", "history", "schemaVersion", "Revision"),
    ]
)
DOCUMENTS = st.dictionaries(KEYS, VALUES | st.dictionaries(KEYS, VALUES, max_size=3) | st.lists(VALUES, max_size=3))
DEEP = b"[" * 100_000
# About as deep as Python's stack: what one call can still read another one, further up, can't.
NESTED = st.integers(850, 1_000).map(
    lambda depth: b'{"errors":[{"code":"X","message":' + b"[" * depth + b"]" * depth + b',"detail":{"a":[]}}]}'
)
ODD = [
    *(
        b"",
        b"{}",
        b"[]",
        b"null",
        b"{}{}",
        b'{"tags":1e309}',
        b"NaN",
        b'{"size":1e309}',
        DEEP,
        b"\xff\xfe{}",
        b"<html>",
    ),
    *(b"\0" * 9, b'{"tags":["' + b"x" * 70_000 + b'"]}', b"9" * 5_000, b'{"errors":[{"code":' + DEEP),
]
BODIES = st.one_of(
    DOCUMENTS.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(ODD),
    NESTED,
    st.binary(max_size=20),
)
HEADERS: dict[str, list[str]] = {
    "Link": [
        f"<?last={LONG}>; rel=next",
        "<?last=x>; rel=next",
        "<" * 99,
        '<?a=b>; rel="next',
        "<?last=%00%zz>;rel=next",
        ",;,",
    ],
    "Location": [
        "",
        "/v2/x",
        "https://h:port/",
        "http://[::1",
        f"/{LONG}",
        "//other/x",
        "?a=b",
        "/\x7f",
        "javascript:x",
        "x:.evil.example/y",
        "x:@evil.example/y",
    ],
    "WWW-Authenticate": [
        "",
        "Basic",
        "Bearer",
        'Bearer realm="https://auth/t"',
        f'Bearer realm="https://auth/t",scope="{LONG}"',
        f'Bearer realm="https://auth/{LONG}"',
        'Bearer realm="https://au th:x/t"',
        'Bearer realm="https://auth/t",service="\\"',
        "Bearer realm=,,,=",
        'Bearer realm="file:///etc/passwd"',
    ],
    "Docker-Content-Digest": ["", DIGEST, "sha256:0", f"sha999:{LONG}", "x"],
    "Content-Type": ["", mt.OCI_INDEX, "text/html", mt.DOCKER_SCHEMA1_SIGNED, ";;;", "a/b;charset=rot13", "\xff"],
    "Content-Encoding": ["", "gzip", "br", "gzip, gzip"],
    "Content-Length": ["0", "-1", "9" * 5_000, "٣", "1e9"],
    "Retry-After": ["0", "-1", "9" * 50, "Mon, 99 Foo 2026"],
    "Set-Cookie": ["a=b", "=;;=", "a=b; expires=Mon, 99 Foo 0000", f"a={LONG}"],
    "Docker-Distribution-Api-Version": ["registry/2.0", "\x1b[2J"],
    "Date": ["", "Mon, 01 Jan 0000 00:00:00 GMT"],
    "Allow": ["", "GET, HEAD"],
}
STATUSES = [
    200,
    200,
    200,
    201,
    202,
    204,
    206,
    301,
    302,
    307,
    304,
    400,
    401,
    403,
    404,
    405,
    416,
    429,
    500,
    503,
    599,
    600,
    999,
]


@st.composite
def answers(draw: st.DrawFn) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    names = draw(st.lists(st.sampled_from(sorted(HEADERS)), max_size=4))
    headers = [(name.encode(), draw(st.sampled_from(HEADERS[name])).encode("utf-8", "replace")) for name in names]
    return draw(st.sampled_from(STATUSES)), headers, draw(BODIES)


async def catalog(client: RegistryClient) -> object:
    return [page async for page in client.catalog()]


async def tags(client: RegistryClient) -> object:
    return [page async for page in client.tags("a")]


CALLS: dict[str, Callable[[RegistryClient], Awaitable[Any]]] = {
    "ping": lambda client: client.ping(),
    "catalog": catalog,
    "tags": tags,
    "resolve": lambda client: client.resolve("a", "x"),
    "manifest": lambda client: client.manifest("a", "x"),
    "manifest by digest": lambda client: client.manifest("a", DIGEST),
    "blob": lambda client: client.blob("a", DIGEST),
    "has_blob": lambda client: client.has_blob("a", DIGEST),
    "referrers": lambda client: client.referrers("a", DIGEST),
    "delete_manifest": lambda client: client.delete_manifest("a", DIGEST),
    "delete_tag": lambda client: client.delete_tag("a", "x"),
    "put_manifest": lambda client: client.put_manifest("a", "x", b"{}", mt.OCI_INDEX),
    "upload_blob": lambda client: client.upload_blob("a", b"x"),
    "mount_blob": lambda client: client.mount_blob("a", DIGEST, "b"),
    "check_push": lambda client: check_push(client, "a"),
    "deletion_support": lambda client: deletion_support(client, "a"),
}


@pytest.mark.parametrize("call", sorted(CALLS))
@settings(max_examples=examples(60))
@given(st.lists(answers(), min_size=1, max_size=4), st.booleans())
def test_every_call_ends_with_a_value_or_an_error_of_ours(
    call: str, made: list[tuple[int, list[tuple[bytes, bytes]], bytes]], logged_in: bool
) -> None:
    left = list(made)

    def script(request: httpx.Request) -> httpx.Response:
        status, headers, body = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))

    async def run() -> None:
        registry = Scripted(script)
        async with registry.client(Credential("ci", "secret") if logged_in else None, tries=2) as client:
            client._http._settings.waiting.begin = lambda seconds: None  # type: ignore[method-assign]
            value: object = None
            try:
                value = await CALLS[call](client)
            except RegistryError as error:
                said = str(error)
            else:
                said = ""
        assert len(said) < 100_000
        assert not isinstance(value, Resolved) or value.size is None or 0 <= value.size < 10**20
        assert len(registry.asked) < 100

    asyncio.run(run())


@pytest.mark.parametrize(
    "location",
    ["x:.evil.example/y", "x:@evil.example/y", "javascript:y", "x:80/y", "", "http://[::1", "https://h:port/"],
)
async def test_an_upload_that_goes_on_nowhere_is_not_gone_on_with(location: str) -> None:
    registry = Scripted(lambda request: httpx.Response(202, headers={"Location": location}))
    async with registry.client(Credential("ci", "secret")) as client:
        with pytest.raises(BadAnswer, match="without saying where it goes on"):
            await client.upload_blob("a", b"x")
    assert {request.url.host for request in registry.asked} == {"registry.example.com"}


ELSEWHERE = st.sampled_from(["//evil.example/x", "https://evil.example/x", "\\\\evil.example", "/../../x"])


@given(st.text(max_size=40) | ELSEWHERE)
def test_an_upload_goes_on_at_the_registry_alone(location: str) -> None:
    async def run() -> set[str]:
        registry = Scripted(
            lambda request: httpx.Response(202, headers=[(b"Location", location.encode("utf-8", "replace"))])
        )
        async with registry.client(Credential("ci", "secret")) as client:
            with suppress(BadAnswer):
                await client.upload_blob("a", b"x")
        return {request.url.host for request in registry.asked}

    assert asyncio.run(run()) == {"registry.example.com"}


async def test_of_cookies_a_few_are_kept_and_of_answers_with_hundreds_none() -> None:
    few = [(b"Set-Cookie", b"c%d=%s; Path=/" % (number, b"x" * 400)) for number in range(15)]
    hundreds = [(b"Set-Cookie", b"h%d=v; Path=/" % number) for number in range(3_000)]
    registry = in_turn(
        httpx.Response(200, headers=hundreds, json={}),
        httpx.Response(200, headers=few, json={}),
        *(httpx.Response(200, headers=[(b"Set-Cookie", b"n%d=v; Path=/" % n)], json={}) for n in range(40)),
    )
    async with registry.client() as client:
        for _ in range(45):
            await client.ping()
    sent = [request.headers.get("Cookie", "") for request in registry.asked]
    assert sent[:2] == ["", ""]
    assert all(len(line) < 5_000 for line in sent)
    assert all(line.count("=") <= 20 for line in sent)
    assert "c0=" in sent[-1]


async def test_tokens_are_bounded_in_length_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "TOKENS", 3)
    length = 100

    def script(request: httpx.Request) -> Answer:
        if request.url.host == "auth.example.com":
            return httpx.Response(200, json={"token": "t" * length})
        if "Authorization" in request.headers:
            return httpx.Response(200, json={"tags": []})
        challenge = 'Bearer realm="https://auth.example.com/token",service="x"'
        return refusal(401, "UNAUTHORIZED", WWW_Authenticate=challenge)

    async with Scripted(script).client() as client:
        for number in range(10):
            [page async for page in client.tags(f"r{number}")]
        assert len(client._http._auth._tokens) <= 3
        length = bounds.TOKEN_LENGTH + 1
        with pytest.raises(BadAnswer, match="without a token"):
            [page async for page in client.tags("another")]


@pytest.mark.parametrize("cookie", ["a=\u202epwned", "a=\x1b[2J", f"a={LONG}", "\u202e=b", "a=\x9b"])
async def test_a_cookie_that_cant_be_sent_is_not_kept(cookie: str) -> None:
    headers = [(b"Set-Cookie", cookie.encode()), (b"Set-Cookie", b"kept=1; Path=/")]
    registry = Scripted(lambda request: httpx.Response(200, headers=headers, content=b'{"tags":["x"]}'))
    async with registry.client() as client:
        for _ in range(2):
            assert await tags(client) == [("x",)]
        await client.put_manifest("a", "x", b"{}", mt.OCI_INDEX)
    assert [request.headers.get("Cookie") for request in registry.asked] == [None, "kept=1", "kept=1"]
