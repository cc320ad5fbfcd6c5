"""When a request is sent again: reads always, changes only where the first certainly did nothing."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.errors import RateLimited, RegistryError, ServerFailed, Unreachable
from regtui.registry.retry import RetryPolicy, Waiting, asked_to_wait
from regtui.registry.settings import HttpSettings
from tests.unit.registry.scripted import ADDRESS, Answer, Scripted, in_turn, pong, refusal

DIGEST = Digest.of(b"x")
ACCEPTED = httpx.Response(202)


def waited(value: str) -> float | None:
    return asked_to_wait(httpx.Response(503, headers={"Retry-After": value}))


def test_retry_after_in_seconds_counts_up_to_a_day() -> None:
    assert waited("7") == 7.0
    assert waited(" 3600 ") == 3600.0
    assert waited("86400") == 86400.0


def test_a_moment_in_unix_time_is_one() -> None:
    assert 15.0 < (waited(str(int(time.time()) + 20)) or 0.0) <= 20.0


@pytest.mark.parametrize(
    "value",
    [
        *("0", "00", "-5", "", "soon", "1.5", "1e3", "86401", "9" * 500),
        *("1000000000", "99999999999", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 -0000"),
    ],
)
def test_what_asks_for_no_time_that_makes_sense_says_nothing(value: str) -> None:
    assert waited(value) is None


def test_retry_after_as_a_date() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=20)
    assert 15.0 < (waited(format_datetime(soon, usegmt=True)) or 0.0) <= 20.0


@given(st.text() | st.builds("Mon, 01 Jan {} 00:00:00 +{}".format, st.integers(), st.integers()))
def test_a_retry_after_that_makes_no_sense_is_none(value: str) -> None:
    try:
        response = httpx.Response(503, headers={"Retry-After": value})
    except UnicodeEncodeError:
        return
    asked = asked_to_wait(response)
    assert asked is None or 0.0 < asked <= 86400.0


def test_waits_grow_and_are_shortened_by_chance() -> None:
    policy = RetryPolicy(base=1.0)
    for attempt, longest in ((1, 1.0), (2, 2.0), (3, 4.0), (20, 30.0)):
        assert longest / 2 <= policy.wait(attempt) <= longest


async def get(client: RegistryClient) -> object:
    return await client.ping()


async def delete(client: RegistryClient) -> None:
    await client.delete_manifest("a", DIGEST)


async def put(client: RegistryClient) -> object:
    return await client.put_manifest("a", "x", b"{}", mt.OCI_INDEX)


async def post(client: RegistryClient) -> object:
    return await client.mount_blob("a", DIGEST, "b")


CHANGES = [delete, put, post]
LOST = [httpx.ReadError("reset"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("gone"), httpx.WriteError("x")]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
async def test_a_change_that_may_have_been_heard_is_not_sent_twice(change: object, error: Exception) -> None:
    registry = in_turn(error, ACCEPTED)
    async with registry.client() as client:
        with pytest.raises(Unreachable):
            await change(client)  # type: ignore[operator]
    # And whether the registry is there at all.
    assert [asked.url.path == "/v2/" for asked in registry.asked] == [False, True]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "first",
    [httpx.ConnectError("refused"), httpx.PoolTimeout("full"), refusal(429, "TOOMANYREQUESTS"), refusal(503, "X")],
    ids=["no connection", "no place in the pool", "429", "503"],
)
async def test_a_change_that_was_not_done_is_sent_again(change: object, first: Answer) -> None:
    registry = in_turn(first, ACCEPTED)
    async with registry.client() as client:
        await change(client)  # type: ignore[operator]
    assert len(registry.asked) == 2
    assert registry.asked[0].content == registry.asked[1].content


@pytest.mark.parametrize("status", [500, 502, 504])
@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_that_failed_there_may_be_half_done(change: object, status: int) -> None:
    registry = in_turn(refusal(status, "UNKNOWN"), ACCEPTED)
    async with registry.client() as client:
        with pytest.raises(ServerFailed):
            await change(client)  # type: ignore[operator]
    assert len(registry.asked) == 1


@pytest.mark.parametrize("first", [*LOST, httpx.ConnectError("refused"), *(refusal(s, "X") for s in (429, 500, 502))])
async def test_reads_are_sent_again(first: Answer) -> None:
    registry = in_turn(pong(), first, pong())
    async with registry.client() as client:
        await get(client)
        await get(client)
    assert len(registry.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
async def test_what_wont_change_is_not_asked_again(status: int) -> None:
    registry = in_turn(refusal(status, "X"))
    async with registry.client() as client:
        with pytest.raises(RegistryError):
            await get(client)
    assert len(registry.asked) == 1


async def test_it_gives_up_in_the_end() -> None:
    registry = in_turn(refusal(429, "TOOMANYREQUESTS"))
    async with registry.client(tries=4) as client:
        with pytest.raises(RateLimited) as caught:
            await get(client)
    assert len(registry.asked) == 4
    assert caught.value.status == 429


class Told(Waiting):
    """What would be waited for, without waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def begin(self, seconds: float) -> None:
        self.pauses.append(seconds)


def client_that_is_told(registry: Scripted, told: Told, tries: int, base: float) -> RegistryClient:
    retry = RetryPolicy(tries=tries, base=base)
    settings = HttpSettings(transport=httpx.MockTransport(registry), retry=retry, waiting=told)
    return RegistryClient(Address.parse(ADDRESS), settings=settings)


async def test_who_is_told_to_wait_does_so_more_often_than_it_tries() -> None:
    answers = [refusal(429, "TOOMANYREQUESTS", Retry_After="2") for _ in range(10)]
    registry, told = in_turn(*answers, pong()), Told()
    async with client_that_is_told(registry, told, tries=2, base=0.0) as client:
        await get(client)
    assert told.pauses == [2.0] * 10


async def test_a_registry_that_says_one_second_for_ever_is_asked_ever_more_seldom() -> None:
    registry, told = in_turn(refusal(429, "TOOMANYREQUESTS", Retry_After="1")), Told()
    async with client_that_is_told(registry, told, tries=4, base=0.25) as client:
        with pytest.raises(RateLimited):
            await get(client)
    assert len(registry.asked) < 20
    assert 60.0 < sum(told.pauses) <= 120.0
    assert told.pauses[0] == 1.0
    assert told.pauses[-1] >= 15.0


@pytest.mark.parametrize("value", ["0", "Wed, 21 Oct 2015 07:28:00 GMT", "nonsense", "99999999999"])
async def test_who_is_told_nothing_that_makes_sense_counts_its_tries(value: str) -> None:
    registry, told = in_turn(refusal(429, "TOOMANYREQUESTS", Retry_After=value)), Told()
    async with client_that_is_told(registry, told, tries=4, base=0.0) as client:
        with pytest.raises(RateLimited, match="Wait a little"):
            await get(client)
    assert len(registry.asked) == 4
    assert told.pauses == []


def test_a_wait_is_told_once_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, now = Waiting(), 1000.0
    told: list[float] = []
    waiting.tell = told.append
    monkeypatch.setattr("time.monotonic", lambda: now)
    # Many requests are told at the same time.
    for seconds in (20.0, 5.0, 20.5):
        waiting.begin(seconds)
    assert (waiting.left, told) == (20.5, [20.0])
    now += 21.0
    assert waiting.left == 0.0


async def test_what_is_too_long_to_wait_for_is_told() -> None:
    registry = in_turn(refusal(429, "TOOMANYREQUESTS", Retry_After="3600"))
    async with registry.client(tries=4) as client:
        with pytest.raises(RateLimited, match=r"limits the number of requests\. Try again in 60 minutes\."):
            await get(client)
    assert len(registry.asked) == 1
