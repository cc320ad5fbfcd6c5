"""Authentication: what is sent, to whom, how often, and what is said when it isn't enough."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping

import httpx
import pytest

from regtui import bounds
from regtui.oci.digest import Digest
from regtui.registry.auth import Authenticator
from regtui.registry.client import RegistryClient
from regtui.registry.errors import BadAnswer, NotAllowed, NotAuthenticated, RateLimited, RegistryError, Where
from regtui.registry.values import Credential, Keychain
from tests.unit.registry.scripted import Answer, Scripted, by_path, pong, refusal

CI = Credential("ci", "geheim")
BASIC = "Basic " + b64encode(b"ci:geheim").decode()
REALM = "https://auth.example.com/token"
CHALLENGE = f'Bearer realm="{REALM}",service="registry"'
TAGS = httpx.Response(200, json={"name": "a", "tags": ["x"]})


def sent(request: httpx.Request) -> str | None:
    value: str | None = request.headers.get("Authorization")
    return value


def unauthorized(challenge: str, **extra: str) -> httpx.Response:
    more = "".join(f',{name}="{value}"' for name, value in extra.items())
    return refusal(401, "UNAUTHORIZED", WWW_Authenticate=challenge + more)


def basic_registry(request: httpx.Request) -> Answer:
    return pong() if sent(request) == BASIC else unauthorized('Basic realm="Registry Realm"')


async def tags(client: RegistryClient, repository: str = "a") -> list[str]:
    return [name async for page in client.tags(repository) for name in page]


# Basic


async def test_a_password_is_sent_only_after_it_was_asked_for() -> None:
    registry = Scripted(basic_registry)
    async with registry.client(CI) as client:
        await client.ping()
        await client.ping()
        assert client.auth_scheme == "basic"
    assert [sent(request) for request in registry.asked] == [None, BASIC, BASIC]


async def test_an_open_registry_never_gets_the_password() -> None:
    registry = Scripted(lambda request: pong())
    async with registry.client(CI) as client:
        await client.ping()
        assert client.auth_scheme == ""
    assert [sent(request) for request in registry.asked] == [None]


async def test_no_password_is_told_from_a_wrong_one() -> None:
    registry = Scripted(basic_registry)
    async with registry.client() as client:
        with pytest.raises(NotAuthenticated) as caught:
            await client.ping()
    assert str(caught.value) == "Not logged in to registry.example.com. Run: regtui login registry.example.com"
    async with registry.client(Credential("ci", "wrong")) as client:
        with pytest.raises(NotAuthenticated, match="rejects the user name or password") as caught:
            await client.ping()
    assert (caught.value.status, caught.value.codes, caught.value.exit_code) == (401, ("UNAUTHORIZED",), 4)


# Bearer


class TokenService:
    """A registry with a token service: tokens are `SCOPE#NUMBER`, and count for their scope alone."""

    def __init__(self, *, credential: str | None = BASIC, answer: Mapping[str, object] | None = None) -> None:
        self.credential = credential
        self.answer = answer or {}
        self.issued: list[httpx.Request] = []
        self.registry = Scripted(self.script)
        self.revoked: set[str] = set()

    def script(self, request: httpx.Request) -> Answer:
        if request.url.host == "auth.example.com":
            return self.token(request)
        wanted = self.scope(request)
        token = (sent(request) or "").removeprefix("Bearer ")
        if token and token.partition("#")[0] == wanted.replace(" ", "+") and token not in self.revoked:
            return TAGS if "tags" in request.url.path else pong()
        error = {} if not token else {"error": "invalid_token" if token in self.revoked else "insufficient_scope"}
        return unauthorized(CHALLENGE, **({"scope": wanted} if wanted else {}), **error)

    @staticmethod
    def scope(request: httpx.Request) -> str:
        name = request.url.path.removeprefix("/v2/").partition("/")[0]
        if source := request.url.params.get("from"):
            return f"repository:{name}:pull,push repository:{source}:pull"
        return f"repository:{name}:pull" if name else ""

    def token(self, request: httpx.Request) -> Answer:
        self.issued.append(request)
        if self.credential is not None and sent(request) != self.credential:
            return httpx.Response(401)
        token = f"{'+'.join(request.url.params.get_list('scope'))}#{len(self.issued)}"
        return httpx.Response(200, json={"token": token, "expires_in": 300, **self.answer})


async def test_a_token_is_asked_for_service_and_scope_and_kept_for_its_scope() -> None:
    service = TokenService()
    async with service.registry.client(CI) as client:
        await client.ping()
        for repository in ("a", "a", "b", "a", "b"):
            assert await tags(client, repository) == ["x"]
        assert client.auth_scheme == "bearer"
    asked = [dict(request.url.params) for request in service.issued]
    assert asked == [
        {"service": "registry"},
        {"service": "registry", "scope": "repository:a:pull"},
        {"service": "registry", "scope": "repository:b:pull"},
    ]
    assert all(sent(request) == BASIC for request in service.issued)
    assert all("Basic" not in (sent(r) or "") for r in service.registry.asked if r.url.host != "auth.example.com")


async def test_several_scopes_are_several_parameters() -> None:
    service = TokenService()
    async with service.registry.client(CI) as client:
        await client.mount_blob("a", Digest.of(b""), "b")
    assert service.issued[0].url.params.get_list("scope") == ["repository:a:pull,push", "repository:b:pull"]


async def test_twenty_requests_that_wait_for_a_token_share_one() -> None:
    service = TokenService()
    async with service.registry.client(CI) as client:
        await asyncio.gather(*(tags(client) for _ in range(20)))
        assert len(service.issued) == 1
        # Revoked on the other side: again one for all.
        service.revoked.add("repository:a:pull#1")
        await asyncio.gather(*(tags(client) for _ in range(20)))
    assert len(service.issued) == 2


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ({"expires_in": 300}, 280.0),
        ({"expires_in": None}, 45.0),
        ({"expires_in": "soon"}, 45.0),
        ({"expires_in": -5}, 45.0),
        ({"expires_in": 4}, 1.5),
        ({"expires_in": 10**400}, 3600.0),
        ({"access_token": "t", "token": None}, 100.0),
    ],
)
async def test_a_token_is_renewed_before_it_ends(answer: dict[str, object], kept: float) -> None:
    now = 1000.0
    auth = Authenticator(httpx.URL("https://registry.example.com"), lambda: Keychain(CI), clock=lambda: now)
    service = TokenService(answer=answer)

    async def send(request: httpx.Request) -> httpx.Response:
        made = service.token(request)
        assert isinstance(made, httpx.Response)
        return made

    refused = unauthorized(CHALLENGE)
    refused.request = httpx.Request("GET", "https://registry.example.com/v2/")
    where = Where("registry.example.com")
    first = await auth.answer(refused, "s", send, where)
    now += kept
    assert first is not None
    auth.learn("s", first.challenge)
    assert await auth.header("s", send, where) == first.authorization
    assert len(service.issued) == 1
    now += 24 * 3600.0
    await auth.header("s", send, where)
    assert len(service.issued) == 2


async def test_a_scope_that_this_user_never_gets_is_not_allowed() -> None:
    # The service gives a token, but a narrower one, and the registry says so.
    registry = Scripted(
        lambda request: (
            httpx.Response(200, json={"token": "narrow"})
            if request.url.host == "auth.example.com"
            else unauthorized(
                CHALLENGE, scope="repository:a:pull", **({"error": "insufficient_scope"} if sent(request) else {})
            )
        )
    )
    async with registry.client(CI) as client:
        for _ in range(2):
            with pytest.raises(NotAllowed, match="does not allow listing the tags") as caught:
                await tags(client)
        assert (caught.value.exit_code, caught.value.status, caught.value.repository) == (4, 401, "a")
    # Nobody is logged in, and has what anybody gets: logging in may help.
    async with registry.client() as client:
        with pytest.raises(NotAuthenticated, match="Not logged in"):
            await tags(client)


async def test_a_password_that_the_token_service_rejects() -> None:
    service = TokenService()
    async with service.registry.client(Credential("ci", "wrong")) as client:
        with pytest.raises(NotAuthenticated, match="rejects the user name or password"):
            await client.ping()
    async with service.registry.client() as client:
        with pytest.raises(NotAuthenticated, match="Not logged in to registry"):
            await client.ping()


@pytest.mark.parametrize("where", ["the token service", "the registry"])
async def test_a_login_that_was_accepted_is_not_called_wrong_when_a_right_is_missing(where: str) -> None:
    """Some refuse by a plain 403 at the token service, some by a plain 401 at the registry."""

    def script(request: httpx.Request) -> Answer:
        if request.url.path == "/token":
            refused = where == "the token service" and "scope" in request.url.params
            return httpx.Response(403) if refused else httpx.Response(200, json={"token": "given"})
        if "Authorization" in request.headers:
            return pong() if request.url.path == "/v2/" else httpx.Response(401)
        return httpx.Response(401, headers={"WWW-Authenticate": f'Bearer realm="{REALM}",service="x"'})

    async with Scripted(script).client(CI) as client:
        await client.ping()
        with pytest.raises(NotAllowed, match=r"does not allow listing the tags \(team/app\) with this login"):
            [page async for page in client.tags("team/app")]


async def test_anonymous_tokens_need_no_password() -> None:
    service = TokenService(credential=None)
    async with service.registry.client() as client:
        assert await tags(client) == ["x"]


@pytest.mark.parametrize(
    "answer",
    [
        lambda: httpx.Response(200, content=b"<html>"),
        lambda: httpx.Response(200, json=["token"]),
        lambda: httpx.Response(200, json={"token": 5}),
        lambda: httpx.Response(200, json={"token": "two\nlines"}),
        lambda: httpx.Response(200, json={"token": "ключ"}),
        lambda: httpx.Response(200, content=b"[" * 100_000),
        lambda: httpx.Response(500),
    ],
)
async def test_a_token_service_that_gives_no_token(answer: Callable[[], httpx.Response]) -> None:
    registry = Scripted(lambda request: answer() if request.url.host == "auth.example.com" else unauthorized(CHALLENGE))
    async with registry.client(CI) as client:
        with pytest.raises(BadAnswer, match=r"without a token") as caught:
            await client.ping()
    assert "auth.example.com" in caught.value.message


async def test_a_token_service_that_limits_requests_is_told_as_that() -> None:
    registry = Scripted(
        lambda request: (
            refusal(429, "TOOMANYREQUESTS", Retry_After="600")
            if request.url.host == "auth.example.com"
            else unauthorized(CHALLENGE)
        )
    )
    async with registry.client(CI) as client:
        with pytest.raises(RateLimited) as caught:
            await client.ping()
    assert str(caught.value) == (
        "The token service of registry.example.com (auth.example.com) limits the number of requests. "
        "Try again in 10 minutes."
    )


# Where a credential never goes


async def test_a_token_service_without_tls_does_not_get_the_password() -> None:
    registry = Scripted(lambda request: unauthorized('Bearer realm="http://auth.example.com/token"'))
    async with registry.client(CI) as client:
        with pytest.raises(BadAnswer, match="over plain HTTP"):
            await client.ping()
    assert [sent(request) for request in registry.asked] == [None]


@pytest.mark.parametrize(
    "realm",
    ["", "token", "//host/token", "ftp://host", "http://[", "file:///etc/passwd", "http://h:65536/", "http://h:0/"],
)
async def test_a_realm_that_is_no_address(realm: str) -> None:
    registry = Scripted(lambda request: unauthorized(f'Bearer realm="{realm}"'))
    async with registry.client(CI) as client:
        with pytest.raises(RegistryError):
            await client.ping()
    assert len(registry.asked) == 1


BLOB = b"{}"
BLOB_PATH = f"/v2/a/blobs/{Digest.of(BLOB)}"
ELSEWHERE = "https://cdn.example.net/data?X-Amz-Signature=s3cret"


async def test_an_object_store_gets_no_authorization() -> None:
    registry = by_path(
        {
            "/v2/": basic_registry,
            BLOB_PATH: httpx.Response(307, headers={"Location": ELSEWHERE}),
            "/data": httpx.Response(200, content=BLOB),
        }
    )
    async with registry.client(CI) as client:
        await client.ping()
        assert await client.blob("a", Digest.of(BLOB)) == BLOB
    assert [(request.url.host, sent(request)) for request in registry.asked[-2:]] == [
        ("registry.example.com", BASIC),
        ("cdn.example.net", None),
    ]


@pytest.mark.parametrize("challenge", ["Basic realm=x", 'Bearer realm="https://evil.example.net/token"'])
async def test_an_object_store_that_asks_for_a_password_gets_none(challenge: str) -> None:
    registry = by_path(
        {BLOB_PATH: httpx.Response(307, headers={"Location": ELSEWHERE}), "/data": unauthorized(challenge)}
    )
    async with registry.client(CI) as client:
        with pytest.raises(RegistryError, match="redirects, refuses reading the blob: 401"):
            await client.blob("a", Digest.of(BLOB))
    assert {sent(request) for request in registry.asked} == {None}
    assert "evil.example.net" not in {request.url.host for request in registry.asked}


@pytest.mark.parametrize("path", ["/v2/a/tags/list", "/v2/a/manifests/1.0", "/v2/", "/v2/a/blobs/tags/list"])
async def test_from_https_to_plain_http_only_blobs_are_followed(path: str) -> None:
    """Of a list anybody on the way could make what they like; a blob is proved by its digest."""
    plain = {path: httpx.Response(307, headers={"Location": f"http://registry.example.com/plain{path}"})}
    registry = by_path(
        {
            **plain,
            BLOB_PATH: httpx.Response(307, headers={"Location": "http://cdn.example.net/data"}),
            "/data": httpx.Response(200, content=BLOB),
        }
    )
    async with registry.client() as client:
        asks: dict[str, Callable[[], Awaitable[object]]] = {
            "/v2/": client.ping,
            "/v2/a/tags/list": client.tags("a").__anext__,
            # Of a repository that is called so.
            "/v2/a/blobs/tags/list": client.tags("a/blobs").__anext__,
            "/v2/a/manifests/1.0": lambda: client.manifest("a", "1.0"),
        }
        with pytest.raises(
            BadAnswer, match=r"registry\.example\.com redirects .* from HTTPS to plain HTTP, which is not"
        ):
            await asks[path]()
        assert await client.blob("a", Digest.of(BLOB)) == BLOB
    assert {(request.url.scheme, request.url.host) for request in registry.asked} == {
        ("https", "registry.example.com"),
        ("http", "cdn.example.net"),
    }


async def test_a_registry_that_moved_to_https_may_still_ask() -> None:
    def script(request: httpx.Request) -> Answer:
        if request.url.scheme == "http":
            return httpx.Response(301, headers={"Location": "https://registry.example.com/v2/"})
        return basic_registry(request)

    async with Scripted(script).client(CI, address="http://registry.example.com") as client:
        assert (await client.ping()).api_version == "registry/2.0"


async def test_a_token_that_is_too_large_is_the_token_service_s() -> None:
    large = httpx.Response(200, stream=httpx.ByteStream(b" " * (bounds.TOKEN + 1)))
    registry = Scripted(lambda request: large if request.url.host == "auth.example.com" else unauthorized(CHALLENGE))
    async with registry.client(CI) as client:
        with pytest.raises(BadAnswer, match=r"^auth\.example\.com sent more than 1 MiB"):
            await client.tags("a").__anext__()
