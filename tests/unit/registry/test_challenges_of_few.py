"""What one repository, or one tag, asks for is asked of no other."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from regtui.registry.errors import BadAnswer, NotAuthenticated, RegistryError, Unreachable
from regtui.registry.values import Credential
from tests.unit.registry.scripted import Answer, Script, Scripted, pong, refusal

CI = Credential("ci", "geheim")
MANIFEST = httpx.Response(200, json={"schemaVersion": 2, "manifests": []})
DEAD = 'Bearer realm="https://dead.example.com/token"'
USELESS = 'Bearer realm="file:///etc/passwd"'
GOOD = 'Bearer realm="https://auth.example.com/token",service="registry"'


def asking(challenges: Mapping[str, str]) -> Script:
    """By the repository, or the path's end, that wants one. Tokens are `good`, passwords `Basic …`."""

    def script(request: httpx.Request) -> Answer:
        path = request.url.path
        if request.url.host == "dead.example.com":
            return httpx.ConnectError("refused")
        if request.url.host == "auth.example.com":
            return httpx.Response(200, json={"token": "good"})
        challenge = next((text for end, text in challenges.items() if path.endswith(end) or f"/v2/{end}/" in path), "")
        sent = request.headers.get("Authorization", "")
        if challenge and not (
            (sent == "Bearer good" and "auth." in challenge) or (sent[:5] == "Basic" and sent[:5] in challenge)
        ):
            return refusal(401, "UNAUTHORIZED", WWW_Authenticate=challenge)
        return pong() if path == "/v2/" else MANIFEST

    return script


def sent(registry: Scripted, path: str) -> list[str]:
    """The `Authorization` of each request for it; empty for none."""
    return [each.headers.get("Authorization", "") for each in registry.asked if each.url.path == path]


@pytest.mark.parametrize("challenge", [DEAD, USELESS])
async def test_what_one_tag_asks_in_vain_changes_nothing_for_the_others(challenge: str) -> None:
    registry = Scripted(asking({"odd": challenge}))
    async with registry.client() as client:
        for _ in range(2):
            with pytest.raises(RegistryError) as caught:
                await client.manifest("team/app", "odd")
            assert not caught.value.affects_all
            await client.manifest("team/app", "whole")
            await client.ping()
    assert set(sent(registry, "/v2/")) == set(sent(registry, "/v2/team/app/manifests/whole")) == {""}


async def test_what_one_repository_wants_no_other_is_sent_until_a_second_one_wants_it() -> None:
    registry = Scripted(asking({"one": GOOD, "two": GOOD}))
    async with registry.client() as client:
        for repository in ("one", "one", "open", "two", "three"):
            await client.manifest(repository, "x")
    given = {name: sent(registry, f"/v2/{name}/manifests/x") for name in ("one", "open", "two", "three")}
    token = "Bearer good"
    assert given == {"one": ["", token, token], "open": [""], "two": ["", token], "three": [token]}


async def test_what_the_registry_itself_wants_all_are_sent() -> None:
    registry = Scripted(asking({"/v2/": GOOD, "one": GOOD}))
    async with registry.client() as client:
        await client.ping()
        await client.manifest("one", "x")
    assert sent(registry, "/v2/one/manifests/x") == ["Bearer good"]


@pytest.mark.parametrize("first", [DEAD, USELESS])
@pytest.mark.parametrize("second", [GOOD, 'Basic realm="x"'])
async def test_of_several_challenges_one_that_can_be_met_is_met(first: str, second: str) -> None:
    async with Scripted(asking({"one": f"{first}, {second}"})).client(CI) as client:
        await client.manifest("one", "x")


@pytest.mark.parametrize(
    ("challenge", "credential", "error"),
    [
        (f"{USELESS}, {DEAD}", CI, BadAnswer),
        (f"{DEAD}, {USELESS}", CI, Unreachable),
        (f"{DEAD}, Basic", None, Unreachable),
        # A login would help.
        (f"{USELESS}, Basic", None, NotAuthenticated),
    ],
)
async def test_where_none_can_be_met_the_first_is_told(
    challenge: str, credential: Credential | None, error: type[RegistryError]
) -> None:
    async with Scripted(asking({"one": challenge})).client(credential) as client:
        with pytest.raises(error):
            await client.manifest("one", "x")


async def test_a_token_service_that_fails_is_asked_once_for_all_that_wait() -> None:
    registry = Scripted(asking({"one": DEAD}))
    async with registry.client(tries=1) as client:
        told = await asyncio.gather(*(client.manifest("one", f"t{n}") for n in range(4)), return_exceptions=True)
    assert [type(error) for error in told] == [Unreachable] * 4
    assert sum(request.url.host == "dead.example.com" for request in registry.asked) == 1
