"""One change whose answer is lost: it is looked at, done again where it wasn't done, and never called what it isn't."""

import httpx
import pytest

from regtui.deletion import surely
from regtui.deletion.inventory import stored
from regtui.deletion.surely import NotKept, delete_surely, delete_tag_surely, put_surely, put_tag_surely
from regtui.deletion.values import StoredManifest
from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotAllowed, RegistryError, Unreachable
from regtui.registry.retry import RetryPolicy
from regtui.registry.settings import HttpSettings

from .scripted import NO_ANSWER, SILENCE, Answer, Scripted
from .worlds import World

REPOSITORY = "team/app"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surely, "_PAUSE", 0.0)


@pytest.fixture
def world() -> World:
    return World("2.8.2")


async def scripted(world: World) -> tuple[Scripted, RegistryClient]:
    transport = Scripted(world)
    settings = HttpSettings(transport=transport, retry=RetryPolicy(tries=1))
    return transport, RegistryClient(Address.parse("http://test.localhost"), settings=settings)


def at_first(transport: Scripted, status: int) -> Answer:
    """That answer to the first change alone."""
    return lambda request: status if request.method in ("PUT", "DELETE") and len(transport.sent) == 1 else None


def always(method: str, status: int) -> Answer:
    return lambda request: status if request.method == method else None


async def manifest(world: World, digest: Digest) -> StoredManifest:
    return stored(await world.client().manifest(REPOSITORY, digest))


def is_there(world: World, digest: Digest) -> bool:
    return digest in world.storage.repositories[REPOSITORY].revisions


async def test_what_nobody_could_look_at_and_is_gone_at_the_second_try_is_gone(world: World) -> None:
    digest = await world.image(REPOSITORY, ["layer"])
    transport, client = await scripted(world)
    transport.after = lambda request: (
        502 if request.method == "DELETE" and len(transport.sent) == 1 else 500 if request.method == "GET" else None
    )
    await delete_surely(client, REPOSITORY, digest)
    assert transport.sent == [("DELETE", digest)] * 2
    assert not is_there(world, digest)


async def test_what_is_answered_is_done_once(world: World) -> None:
    digest = await world.image(REPOSITORY, ["layer"])
    image = await manifest(world, digest)
    transport, client = await scripted(world)
    await put_surely(client, REPOSITORY, "v1", image)
    await delete_surely(client, REPOSITORY, digest)
    assert transport.sent == [("PUT", "v1"), ("DELETE", digest)]


async def test_what_is_gone_by_the_look_of_it_is_not_deleted_again(world: World) -> None:
    digest = await world.image(REPOSITORY, ["layer"])
    transport, client = await scripted(world)
    transport.after = at_first(transport, NO_ANSWER)
    await delete_surely(client, REPOSITORY, digest)
    assert transport.sent == [("DELETE", digest)]


@pytest.mark.parametrize("status", [500, 502])
async def test_what_was_not_done_is_done_at_the_second_try(world: World, status: int) -> None:
    digest = await world.image(REPOSITORY, ["layer"])
    image = await manifest(world, digest)
    transport, client = await scripted(world)
    transport.instead = at_first(transport, status)
    await put_surely(client, REPOSITORY, "v1", image)
    assert await world.tags(REPOSITORY) == {"v1": digest}
    transport.sent.clear()
    await delete_surely(client, REPOSITORY, digest)
    assert not is_there(world, digest)


@pytest.mark.parametrize("instead", [500, 502])
async def test_what_is_never_done_is_an_error_after_three_tries(world: World, instead: int) -> None:
    digest = await world.image(REPOSITORY, ["layer"])
    image = await manifest(world, digest)
    transport, client = await scripted(world)
    transport.instead = always("DELETE", instead)
    with pytest.raises(RegistryError):
        await delete_surely(client, REPOSITORY, digest)
    assert transport.sent == [("DELETE", digest)] * 3
    transport.sent.clear()
    transport.instead = always("PUT", instead)
    with pytest.raises(RegistryError) as caught:
        await put_surely(client, REPOSITORY, "v1", image)
    assert not isinstance(caught.value, NotKept)  # It never said that it did.
    assert transport.sent == [("PUT", "v1")] * 3
    assert is_there(world, digest)


async def test_what_was_refused_is_not_tried_again(world: World) -> None:
    digest = await world.image(REPOSITORY, ["layer"])
    image = await manifest(world, digest)
    transport, client = await scripted(world)
    transport.instead = lambda request: 403 if request.method in ("PUT", "DELETE") else None
    with pytest.raises(NotAllowed):
        await delete_surely(client, REPOSITORY, digest)
    with pytest.raises(NotAllowed):
        await put_surely(client, REPOSITORY, "v1", image)
    assert [method for method, _ in transport.sent] == ["DELETE", "PUT"]


async def test_what_was_put_by_the_look_of_it_is_not_put_again(world: World) -> None:
    digest = await world.image(REPOSITORY, ["layer"])
    image = await manifest(world, digest)
    transport, client = await scripted(world)
    transport.after = always("PUT", NO_ANSWER)
    await put_surely(client, REPOSITORY, "v1", image)
    assert transport.sent == [("PUT", "v1")]
    assert await world.tags(REPOSITORY) == {"v1": digest}


async def test_a_tag_that_somebody_else_moved_before_it_could_be_read_is_not_said_to_be_put(world: World) -> None:
    digest, other = await world.image(REPOSITORY, ["layer"]), await world.image(REPOSITORY, ["other"])
    image = await manifest(world, digest)
    transport, client = await scripted(world)

    def meddles(request: httpx.Request) -> None:
        if request.method == "PUT":
            world.storage.repositories[REPOSITORY].tags["v1"] = other

    transport.after = meddles
    with pytest.raises(NotKept):
        await put_surely(client, REPOSITORY, "v1", image)


@pytest.mark.parametrize("status", [500, 502, NO_ANSWER])
async def test_a_tag_whose_removal_failed_is_removed_at_the_second_try(status: int) -> None:
    """3.1.1 takes away the tag's link and fails its directory where somebody pushes the tag at the same time."""
    world = World("3.1.1")
    digest = await world.image(REPOSITORY, ["layer"], ["v1"])
    transport, client = await scripted(world)
    transport.instead = at_first(transport, status or 500)
    await delete_tag_surely(client, REPOSITORY, "v1", digest)
    assert transport.sent == [("DELETE", "v1")] * 2
    assert await world.tags(REPOSITORY) == {}
    assert is_there(world, digest)


@pytest.mark.parametrize("after", [500, NO_ANSWER])
async def test_a_tag_that_went_without_a_word_is_gone(after: int) -> None:
    world = World("3.1.1")
    digest = await world.image(REPOSITORY, ["layer"], ["v1"])
    transport, client = await scripted(world)
    transport.after = lambda request: after if request.method == "DELETE" and len(transport.sent) == 1 else None
    await delete_tag_surely(client, REPOSITORY, "v1", digest)
    assert await world.tags(REPOSITORY) == {}


@pytest.mark.parametrize("after", [500, 504, NO_ANSWER])
async def test_a_tag_that_is_gone_is_gone_however_often_no_answer_comes(after: int) -> None:
    world = World("3.1.1")
    digest = await world.image(REPOSITORY, ["layer"], ["v1"])
    transport, client = await scripted(world)

    def lost(request: httpx.Request) -> int | None:
        return after if request.method == "DELETE" else None

    def from_the_second_on(request: httpx.Request) -> int | None:
        return after or 502 if request.method == "DELETE" and len(transport.sent) > 1 else None

    transport.after, transport.instead = lost, from_the_second_on
    await delete_tag_surely(client, REPOSITORY, "v1", digest)
    assert await world.tags(REPOSITORY) == {}


async def test_a_tag_is_not_put_twice_where_the_first_is_waited_for_in_vain() -> None:
    """The first, carried out late, would be over what somebody pushed after the second."""
    world = World("3.1.1")
    digest = await world.image(REPOSITORY, ["layer"])
    image = await manifest(world, digest)
    transport, client = await scripted(world)
    transport.instead = always("PUT", SILENCE)
    with pytest.raises(Unreachable) as raised:
        await put_tag_surely(client, REPOSITORY, "v1", image, instead_of=[None])
    assert raised.value.unheard
    assert transport.sent == [("PUT", "v1")]


async def test_a_tag_that_is_somebody_elses_after_a_failure_is_left_to_him() -> None:
    world = World("3.1.1")
    digest = await world.image(REPOSITORY, ["layer"], ["v1"])
    other = await world.image(REPOSITORY, ["other"], ["v2"])
    transport, client = await scripted(world)

    def moved(request: httpx.Request) -> int | None:
        if request.method != "DELETE":
            return None
        found = world.storage.manifest(REPOSITORY, other)
        assert found is not None
        world.storage.put_manifest(REPOSITORY, found.data, found.media_type, "v1")
        return 500

    transport.instead = moved
    with pytest.raises(RegistryError):
        await delete_tag_surely(client, REPOSITORY, "v1", digest)
    assert transport.sent == [("DELETE", "v1")]
    assert (await world.tags(REPOSITORY))["v1"] == other


async def test_a_delete_that_is_silent_is_looked_at_and_not_sent_again(world: World) -> None:
    digest = await world.image(REPOSITORY, ["layer"], ["v1"])
    transport, client = await scripted(world)
    transport.instead = always("DELETE", SILENCE)
    with pytest.raises(RegistryError, match="took too long"):
        await delete_surely(client, REPOSITORY, digest)
    assert transport.sent == [("DELETE", digest)]
    transport.sent.clear()
    with pytest.raises(RegistryError, match="took too long"):
        await delete_tag_surely(client, REPOSITORY, "v1", digest)
    assert transport.sent == [("DELETE", "v1")]


async def test_a_delete_that_is_silent_and_done_is_done(world: World) -> None:
    digest = await world.image(REPOSITORY, ["layer"])
    transport, client = await scripted(world)
    transport.after = always("DELETE", SILENCE)
    assert await delete_surely(client, REPOSITORY, digest)
    assert transport.sent == [("DELETE", digest)]
    assert not is_there(world, digest)


async def test_a_tag_that_is_gone_after_a_silent_delete_is_done() -> None:
    world = World("3.1.1")
    digest = await world.image(REPOSITORY, ["layer"], ["v1", "v2"])
    transport, client = await scripted(world)
    transport.after = always("DELETE", SILENCE)
    await delete_tag_surely(client, REPOSITORY, "v1", digest)
    assert transport.sent == [("DELETE", "v1")]
    assert await world.tags(REPOSITORY) == {"v2": digest}
