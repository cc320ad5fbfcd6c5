"""What fails for one manifest alone is told there: the rest of a list is read."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regtui import bounds
from regtui.content.store import ContentStore
from regtui.deletion.inventory import read_contents
from regtui.listing.filler import Filler
from regtui.listing.summary import Summary
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotAuthenticated, RegistryError, Unreachable
from regtui.registry.pace import START
from tests.support.virtual_time import in_virtual_time, now
from tests.unit.registry.scripted import Answer, Script, Scripted, pong, refusal

MANIFEST = httpx.Response(200, json={"schemaVersion": 2, "manifests": []})
TAGS = httpx.Response(200, json={"tags": []})
TLS_PORT = httpx.Response(400, content=b"Client sent an HTTP request to an HTTPS server.\n")
NOWHERE = "https://storage.example.com/token"
ELSEWHERE = httpx.Response(307, headers={"Location": "https://storage.example.com/blob"})

HANGING = [f"t{n}" for n in range(1_000)]

# Each as if nothing more could be asked there.
FAULTS: Mapping[str, Answer] = {
    "breaks off": httpx.ReadError("reset"),
    "closes": httpx.RemoteProtocolError("Server disconnected without sending a response."),
    "is no HTTP": httpx.RemoteProtocolError("malformed answer: invalid header value char"),
    "is no HTTP at all": httpx.RemoteProtocolError("malformed answer: illegal status line"),
    "is silent": httpx.ReadTimeout(""),
    "is elsewhere": ELSEWHERE,
    "wants a login": refusal(401, "UNAUTHORIZED"),
    "wants a token of nobody": refusal(401, "UNAUTHORIZED", WWW_Authenticate=f'Bearer realm="{NOWHERE}"'),
    "wants a token of no address": refusal(401, "UNAUTHORIZED", WWW_Authenticate='Bearer realm="file:///etc"'),
}


def with_faults(faults: Mapping[str, Answer], ping: Answer | None = None) -> Script:
    """By the last part of the path: a tag's name. All others are answered."""

    def script(request: httpx.Request) -> Answer:
        if request.url.host == "storage.example.com":
            return httpx.ConnectTimeout("nobody there")
        if request.url.path == "/v2/":
            return ping or pong()
        return faults.get(request.url.path.rpartition("/")[2], MANIFEST)

    return script


async def rows(client: RegistryClient, names: list[str]) -> dict[str, Summary]:
    filler = Filler(ContentStore(client), "team/app", names, interval=0)
    return dict([pair async for batch in filler.run() for pair in batch])


async def planned(client: RegistryClient) -> Collection[str]:
    """The tags that weren't read."""
    return (await read_contents(client, ContentStore(client), "team/app")).unread


async def failure(client: RegistryClient, tag: str) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        await client.manifest("team/app", tag)
    return caught.value


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from([f"t{n}" for n in range(30)]), st.sampled_from(sorted(FAULTS)), max_size=8))
def test_every_tag_has_its_row_whatever_some_are_answered(faulty: dict[str, str]) -> None:
    names = [f"t{n}" for n in range(30)]

    async def read() -> dict[str, Summary]:
        answers = {tag: FAULTS[fault] for tag, fault in faulty.items()}
        async with Scripted(with_faults(answers)).client() as client:
            return await rows(client, names)

    found = asyncio.run(read())
    assert set(found) == set(names)
    assert {tag for tag, summary in found.items() if summary.error} == set(faulty)


@pytest.mark.parametrize("fault", sorted(FAULTS))
async def test_a_tag_alone_that_fails_as_if_for_all_does_so_alone(fault: str) -> None:
    async with Scripted(with_faults({"odd": FAULTS[fault]})).client() as client:
        assert not (await failure(client, "odd")).affects_all


@pytest.mark.parametrize("ping", [httpx.ConnectError("gone"), refusal(401, "UNAUTHORIZED")])
async def test_where_the_registry_does_not_answer_either_all_are_affected(ping: Answer) -> None:
    async with Scripted(with_faults({"odd": FAULTS["breaks off"]}, ping)).client() as client:
        error = await failure(client, "odd")
    assert isinstance(error, Unreachable)
    assert error.affects_all


async def test_what_fails_again_and_again_in_one_repository_is_asked_no_more_there() -> None:
    registry = Scripted(with_faults({"odd": FAULTS["wants a login"], "list": TAGS}))
    async with registry.client() as client:
        told = [await failure(client, "odd") for _ in range(bounds.FAILURES + 5)]
        assert not any(error.affects_all for error in told)
        assert sum("manifests" in line for line in registry.lines) == bounds.FAILURES
        assert {error.message for error in told} == {
            "Not logged in to registry.example.com.",
            f"{bounds.FAILURES} requests about team/app at registry.example.com failed one after the other: no more of "
            "them are made.",
        }
        await client.manifest("team/other", "whole")
        _ = [page async for page in client.tags("team/app")]
        assert "Not logged in" in (await failure(client, "odd")).message


async def test_failures_between_answers_are_not_in_a_row() -> None:
    async with Scripted(with_faults({"odd": FAULTS["wants a login"]})).client() as client:
        for _ in range(2 * bounds.FAILURES):
            assert "Not logged in" in (await failure(client, "odd")).message
            await client.manifest("team/app", "whole")


async def test_whatever_breaks_off_is_looked_at_each_time() -> None:
    """A registry of which a hundred blobs were collected breaks off for each of them."""
    async with Scripted(with_faults({"odd": FAULTS["closes"]})).client() as client:
        told = {(await failure(client, "odd")).affects_all for _ in range(3 * bounds.FAILURES)}
    assert told == {False}


async def test_a_silence_that_repeats_itself_is_no_reason_to_ask_twice_again() -> None:
    faults = {name: httpx.ReadTimeout("") for name in ("odd", "mute")}
    registry = Scripted(with_faults(faults))
    async with registry.client() as client:
        await client.manifest("team/app", "whole")
        for tag in faults:
            assert not (await failure(client, tag)).affects_all
    assert registry.lines[1:] == [
        *["GET /v2/team/app/manifests/odd"] * 2,
        "GET /v2/",
        "GET /v2/team/app/manifests/mute",
        "GET /v2/",
    ]


async def test_silences_have_a_bound_until_the_tags_are_listed_again() -> None:
    names = [f"t{n}" for n in range(3 * bounds.SILENCES)]
    registry = Scripted(with_faults({**dict.fromkeys(names, httpx.ReadTimeout("")), "list": TAGS}))
    async with registry.client() as client:
        found = await rows(client, names)
        assert set(found) == set(names)
        # Those that were under way are waited for, too.
        assert bounds.SILENCES <= len({line for line in registry.lines if "manifests" in line}) < 2 * bounds.SILENCES
        told = await failure(client, "t0")
        assert (told.affects_all, told.message) == (
            False,
            f"registry.example.com took too long for {bounds.SILENCES} requests about team/app: no more of them are "
            "made.",
        )
        await client.manifest("team/other", "whole")
        _ = [page async for page in client.tags("team/app")]
        await client.manifest("team/app", "whole")


@pytest.mark.parametrize("read", [lambda client: rows(client, HANGING), lambda client: planned(client)])
def test_tags_that_hang_do_so_side_by_side_and_not_for_ever(
    read: Callable[[RegistryClient], Awaitable[Collection[str]]],
) -> None:
    """One time-out each, the first ones two; four at a time, as many as a registry is asked for at first."""

    async def hang() -> Answer:
        await asyncio.sleep(bounds.TIMEOUT)
        return httpx.ReadTimeout("")

    answer = with_faults({"list": httpx.Response(200, json={"tags": HANGING})})

    async def script(request: httpx.Request) -> Answer:
        made = await hang() if "manifests" in request.url.path else answer(request)
        assert not isinstance(made, Awaitable)
        return made

    async def work() -> float:
        async with Scripted(script).client() as client:
            assert set(await read(client)) == set(HANGING)
        return now()

    assert in_virtual_time(work()) <= (bounds.SILENCES / START + 2) * bounds.TIMEOUT


async def test_what_fails_at_the_same_time_asks_the_registry_once() -> None:
    registry = Scripted(with_faults(dict.fromkeys(["a", "b", "c"], httpx.ReadError("reset"))))
    async with registry.client(tries=1) as client:
        told = await asyncio.gather(*(failure(client, tag) for tag in "abc"))
    assert {error.affects_all for error in told} == {False}
    assert registry.lines.count("GET /v2/") == 1


async def test_the_registry_is_asked_though_every_slot_is_taken_and_not_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounds, "PING", 0.0)

    def script(request: httpx.Request) -> Answer | Awaitable[Answer]:
        tag = request.url.path.rpartition("/")[2]
        return httpx.ReadTimeout("") if tag == "odd" else asyncio.get_running_loop().create_future()

    registry = Scripted(script)
    async with registry.client() as client:
        hanging = [asyncio.create_task(client.manifest("team/app", f"h{n}")) for n in range(client.in_flight - 1)]
        odd = asyncio.create_task(failure(client, "odd"))
        queued = asyncio.create_task(client.manifest("team/app", "queued"))
        # The registry doesn't answer the ping either.
        assert (await odd).affects_all
        for task in (*hanging, queued):
            task.cancel()
        await asyncio.gather(*hanging, queued, return_exceptions=True)
    assert "GET /v2/" in registry.lines


@pytest.mark.parametrize("fault", [httpx.RemoteProtocolError("malformed answer: illegal status line"), TLS_PORT])
async def test_a_registry_that_answers_is_one_whatever_it_sends_for_one_tag(fault: Answer) -> None:
    async with Scripted(with_faults({"odd": fault})).client(tries=1, address="http://registry.example.com") as client:
        told = await failure(client, "odd")
    assert type(told) is Unreachable
    assert (told.affects_all, told.message) == (
        False,
        "registry.example.com sent an answer that isn't valid HTTP while reading the manifest.",
    )


async def test_a_registry_that_never_said_a_word_is_waited_for_once() -> None:
    registry = Scripted(lambda _: httpx.ReadTimeout(""))
    async with registry.client() as client:
        with pytest.raises(Unreachable, match="took too long while answering"):
            await client.ping()
    assert registry.lines == ["GET /v2/"]


async def test_a_silence_of_one_while_others_are_answered_is_its_own() -> None:
    others = asyncio.Event()

    async def silent() -> Answer:
        await others.wait()
        return httpx.ReadTimeout("")

    answer = with_faults({})
    registry = Scripted(lambda request: silent() if request.url.path.endswith("odd") else answer(request))
    async with registry.client() as client:
        odd = asyncio.create_task(failure(client, "odd"))
        await asyncio.sleep(0)
        await client.manifest("team/app", "whole")
        others.set()
        assert not (await odd).affects_all


async def test_a_storage_elsewhere_that_refuses_is_told_as_such_and_no_login_of_ours_is_blamed() -> None:
    def script(request: httpx.Request) -> Answer:
        if request.url.host == "storage.example.com":
            return httpx.Response(403, content=b"<Error>SignatureDoesNotMatch</Error>")
        return pong() if request.url.path == "/v2/" else ELSEWHERE

    async with Scripted(script).client() as client:
        error = await failure(client, "odd")
    assert not isinstance(error, NotAuthenticated)
    assert error.message == (
        "storage.example.com, where registry.example.com redirects, refuses reading the manifest: 403."
    )


Change = Callable[[RegistryClient, str], Awaitable[object]]
CHANGES: Mapping[str, Change] = {
    "DELETE": lambda client, tag: client.delete_tag("team/app", tag),
    "PUT": lambda client, tag: client.put_manifest("team/app", tag, b"{}", "application/json"),
}


async def failed_change(client: RegistryClient, method: str) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        await CHANGES[method](client, "odd")
    return caught.value


@pytest.mark.parametrize("method", CHANGES)
@pytest.mark.parametrize("fault", ["is silent", "breaks off"])
async def test_a_change_that_fails_as_if_for_all_does_so_alone_and_is_sent_once(method: str, fault: str) -> None:
    registry = Scripted(with_faults({"odd": FAULTS[fault]}))
    async with registry.client() as client:
        before = client.in_flight
        assert not (await failed_change(client, method)).affects_all
        # The registry isn't asked for less because of it.
        assert client.in_flight == before
    assert registry.lines == [f"{method} /v2/team/app/manifests/odd", "GET /v2/"]


@pytest.mark.parametrize("method", CHANGES)
async def test_a_change_at_a_registry_that_is_silent_itself_affects_all(method: str) -> None:
    async with Scripted(with_faults({"odd": FAULTS["is silent"]}, httpx.ReadTimeout(""))).client() as client:
        assert (await failed_change(client, method)).affects_all


@pytest.mark.parametrize("method", CHANGES)
async def test_what_a_change_is_refused_for_all_is_not_taken_back(method: str) -> None:
    registry = Scripted(with_faults({"odd": refusal(405, "UNSUPPORTED")}))
    async with registry.client() as client:
        assert (await failed_change(client, method)).affects_all == (method == "DELETE")
    assert registry.lines == [f"{method} /v2/team/app/manifests/odd"]


async def test_a_silent_change_is_no_reason_to_read_less() -> None:
    names = [f"t{n}" for n in range(bounds.SILENCES + 1)]
    answer = with_faults({})
    registry = Scripted(lambda asked: httpx.ReadTimeout("") if asked.method == "DELETE" else answer(asked))
    async with registry.client() as client:
        for tag in names:
            with pytest.raises(Unreachable):
                await client.delete_tag("team/app", tag)
        await client.manifest("team/app", "whole")
