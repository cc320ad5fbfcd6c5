"""Which credential goes with which request: by repository, by kind of token, and not before it is wanted."""

import asyncio
import threading
from base64 import b64encode
from collections.abc import Awaitable
from contextlib import suppress
from urllib.parse import parse_qs

import httpx
import pytest

from regtui.registry.auth import Authenticator
from regtui.registry.errors import NotAuthenticated, Where
from regtui.registry.values import Credential, Keychain
from tests.unit.registry.scripted import Answer, Script, Scripted, pong, refusal

GENERAL, TEAM, INNER = Credential("all", "a"), Credential("team", "t"), Credential("inner", "i")
CHAIN = Keychain(GENERAL, (("team", TEAM), ("team/inner", INNER)))
CHALLENGE = 'Bearer realm="https://auth.example.com/token",service="registry"'
IDENTITY = Credential("ci", identity_token="identity-1")
TAGS = httpx.Response(200, json={"name": "a", "tags": ["x"]})


def basic(credential: Credential) -> str:
    return "Basic " + b64encode(f"{credential.username}:{credential.password}".encode()).decode()


def sent(request: httpx.Request) -> str:
    value: str = request.headers.get("Authorization", "")
    return value


async def read(registry: Scripted, keychain: Keychain, *repositories: str) -> list[str]:
    """What `Authorization` was sent last for each repository."""
    async with registry.client_with(lambda: keychain) as client:
        headers = []
        for repository in repositories:
            async for _ in client.tags(repository):
                pass
            headers.append(sent(registry.asked[-1]))
    return headers


def wants_basic(request: httpx.Request) -> Answer:
    return TAGS if sent(request) else refusal(401, "UNAUTHORIZED", WWW_Authenticate="Basic realm=x")


# By repository


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ("", GENERAL),
        ("other", GENERAL),
        ("team", TEAM),
        ("team/app", TEAM),
        ("team-two/app", GENERAL),
        ("teamster", GENERAL),
        ("team/inner", INNER),
        ("team/inner/app", INNER),
        ("team/innermost", TEAM),
        ("other/team", GENERAL),
    ],
)
def test_the_longest_prefix_of_whole_components_wins(repository: str, expected: Credential) -> None:
    assert CHAIN.credential_for(repository) == expected
    # Whatever order they are written in.
    assert Keychain(GENERAL, CHAIN.scoped[::-1]).credential_for(repository) == expected


def test_without_a_general_one_other_repositories_get_none() -> None:
    chain = Keychain(None, CHAIN.scoped)
    assert chain.credential_for("other") is None
    assert chain.credential_for("") == TEAM, "else the registry could not even be asked whether it is there"
    assert Keychain().credential_for("") is None


async def test_each_repository_gets_its_own_password() -> None:
    headers = await read(Scripted(wants_basic), CHAIN, "other", "team/app", "team/inner", "other")
    assert headers == [basic(GENERAL), basic(TEAM), basic(INNER), basic(GENERAL)]


async def test_a_repository_without_a_credential_is_asked_for_without() -> None:
    registry = Scripted(wants_basic)
    async with registry.client_with(lambda: Keychain(None, (("team", TEAM),))) as client:
        async for _ in client.tags("team/app"):
            pass
        with pytest.raises(NotAuthenticated, match="Not logged in"):
            async for _ in client.tags("other"):
                pass
    assert [sent(asked) for asked in registry.asked if asked.url.path.startswith("/v2/other")] == [""]


async def test_tokens_are_fetched_with_the_password_of_the_repository_that_was_asked_for() -> None:
    def script(request: httpx.Request) -> Answer:
        if request.url.host == "auth.example.com":
            return httpx.Response(200, json={"token": sent(request).removeprefix("Basic ")})
        # The registry names a scope of its own choice: that doesn't get it another repository's password.
        return (
            TAGS if sent(request) else refusal(401, "X", WWW_Authenticate=CHALLENGE + ',scope="repository:team:pull"')
        )

    headers = await read(Scripted(script), CHAIN, "other", "team/app")
    assert headers == [basic(c).replace("Basic", "Bearer") for c in (GENERAL, TEAM)]


# Identity tokens, and ready ones


class OAuth:
    """A token service that takes identity tokens by POST, each once, and hands out the next one with its answer."""

    def __init__(self, *, renews: bool = False, refuses: int = 0) -> None:
        self.renews = renews
        self.refuses = refuses
        self.forms: list[dict[str, list[str]]] = []
        self.registry = Scripted(self.script)

    def script(self, request: httpx.Request) -> Answer:
        if request.url.host != "auth.example.com":
            repository = request.url.path.split("/")[2]
            scope = f',scope="repository:{repository}:pull"' if repository else ""
            if sent(request) == f"Bearer for-{repository}":
                return TAGS if repository else pong()
            return refusal(401, "UNAUTHORIZED", WWW_Authenticate=CHALLENGE + scope)
        assert (request.method, request.url.query) == ("POST", b"")
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert sent(request) == ""
        self.forms.append(parse_qs(request.content.decode()))
        if self.refuses:
            return httpx.Response(self.refuses, json={"error": "invalid_grant"})
        wanted = self.forms[-1].get("scope", ["::"])[0].split(":")[1]
        answer = {"access_token": f"for-{wanted}", "expires_in": 300}
        return httpx.Response(200, json=answer | ({"refresh_token": "identity-2"} if self.renews else {}))


async def test_an_identity_token_goes_by_post() -> None:
    service = OAuth()
    async with service.registry.client(IDENTITY) as client:
        await client.ping()
        assert client.username == "ci"
        async for _ in client.tags("a"):
            pass
    common = {
        "grant_type": ["refresh_token"],
        "service": ["registry"],
        "client_id": ["regtui"],
        "refresh_token": ["identity-1"],
    }
    assert service.forms == [common, common | {"scope": ["repository:a:pull"]}]


async def test_a_renewed_identity_token_is_used_from_then_on() -> None:
    service = OAuth(renews=True)
    await read(service.registry, Keychain(IDENTITY), "a", "b", "c")
    assert [form["refresh_token"][0] for form in service.forms] == ["identity-1", "identity-2", "identity-2"]


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_an_identity_token_that_is_refused_is_called_so(status: int) -> None:
    service = OAuth(refuses=status)
    async with service.registry.client(IDENTITY) as client:
        with pytest.raises(NotAuthenticated, match="rejects the identity token") as caught:
            await client.ping()
    assert "identity-1" not in str(caught.value)


async def test_an_identity_token_is_no_password() -> None:
    registry = Scripted(wants_basic)
    async with registry.client(IDENTITY) as client:
        with pytest.raises(NotAuthenticated):
            await client.ping()
    assert {sent(request) for request in registry.asked} == {""}


async def test_a_ready_token_is_sent_as_it_is_and_only_once_when_it_is_refused() -> None:
    registry = Scripted(
        lambda request: (
            TAGS if sent(request) == "Bearer ready" else refusal(401, "UNAUTHORIZED", WWW_Authenticate=CHALLENGE)
        )
    )
    assert await read(registry, Keychain(Credential("", registry_token="ready")), "a", "b") == ["Bearer ready"] * 2
    assert {request.url.host for request in registry.asked} == {"registry.example.com"}
    registry.asked.clear()
    async with registry.client(Credential("", registry_token="old")) as client:
        with pytest.raises(NotAuthenticated):
            await client.ping()
    assert [sent(request) for request in registry.asked] == ["", "Bearer old"]


# When it is looked for


async def test_an_open_registry_is_never_looked_up() -> None:
    def look_up() -> Keychain:
        raise AssertionError("nobody asked for a login")

    async with Scripted(lambda request: pong()).client_with(look_up) as client:
        await client.ping()


async def test_it_is_looked_for_once_and_off_the_event_loop() -> None:
    threads: list[threading.Thread] = []

    def look_up() -> Keychain:
        threads.append(threading.current_thread())
        return CHAIN

    async with Scripted(wants_basic).client_with(look_up) as client:

        async def tags() -> None:
            async for _ in client.tags("team/app"):
                pass

        await asyncio.gather(*(tags() for _ in range(10)))
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()
    assert threads[0].daemon, "one that hangs must not keep regtui"


OLD, NEW = Credential("ci", "of yesterday"), Credential("ci", "of today")


def where_tokens_are_given(request: httpx.Request) -> Answer:
    """A registry and a token service, both of which take the new password alone, and what is made of it."""
    if sent(request) in (basic(NEW), "Bearer for-new"):
        return httpx.Response(200, json={"token": "for-new"}) if request.url.host == "auth.example.com" else TAGS
    return refusal(401, "UNAUTHORIZED", WWW_Authenticate=CHALLENGE)


@pytest.mark.parametrize("service", [wants_basic, where_tokens_are_given])
async def test_a_password_that_ended_is_looked_up_again_but_not_a_wrong_one(service: Script) -> None:
    """Helpers of clouds give passwords for half a day, and the app stays open longer."""
    now, looked = 1000.0, [OLD, NEW]

    def script(request: httpx.Request) -> Answer | Awaitable[Answer]:
        return service(request) if sent(request) != basic(OLD) else refusal(401, "X", WWW_Authenticate="Basic realm=x")

    auth = Authenticator(httpx.URL("https://registry.example.com"), lambda: Keychain(looked.pop(0)), lambda: now)

    async def send(request: httpx.Request) -> httpx.Response:
        answer = script(request)
        assert isinstance(answer, httpx.Response)
        return answer

    async def ask() -> str | None:
        """As the client does it: what is known, and after a refusal what is better."""
        where = Where("registry.example.com")
        request = httpx.Request("GET", "https://registry.example.com/v2/a/tags/list")
        if known := await auth.header("s", send, where):
            request.headers["Authorization"] = known
        response = await send(request)
        if response.status_code != 401:
            return known
        response.request = request
        if (offer := await auth.answer(response, "s", send, where)) is None:
            return None
        auth.learn("s", offer.challenge)
        return offer.authorization

    with suppress(NotAuthenticated):
        # The first answer is what was looked up; where it is refused at once, it is wrong.
        assert await ask() == basic(OLD)
        assert await ask() is None
    assert looked == [NEW]
    now += 3600.0
    assert await ask() in (basic(NEW), "Bearer for-new")
    assert looked == []


async def test_a_password_of_bytes_that_are_no_text_goes_out_as_it_came_in() -> None:
    password = b"p\xff\xe9".decode(errors="surrogateescape")
    headers = await read(Scripted(wants_basic), Keychain(Credential("ci", password)), "a")
    assert headers == ["Basic " + b64encode(b"ci:p\xff\xe9").decode()]


def test_no_secret_is_part_of_a_repr() -> None:
    secret = Credential("ci", "geheim", "geheim", "geheim")
    assert "geheim" not in repr(secret) + repr(Keychain(secret, (("team", secret),)))
