"""Untagged manifests are deleted by their digests, and only those that still nothing reaches by then."""

from collections.abc import Sequence

import httpx
import pytest

from regtui.content.store import ContentStore
from regtui.deletion.entry import Kind
from regtui.deletion.journal import Journal
from regtui.garbage.leftovers import Leftovers
from regtui.garbage.values import UntaggedManifest
from regtui.local.transport import LocalTransport
from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.retry import RetryPolicy
from regtui.registry.settings import HttpSettings
from tests.unit.deletion.scripted import Scripted
from tests.unit.deletion.worlds import World

REPOSITORY = "team/app"


@pytest.fixture(params=["2.8.2", "3.1.1"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


def client_of(world: World, transport: httpx.AsyncBaseTransport | None = None) -> RegistryClient:
    transport = transport or LocalTransport(world.storage, world.version)
    settings = HttpSettings(transport=transport, retry=RetryPolicy(tries=1))
    return RegistryClient(Address.parse("http://test.localhost"), settings=settings)


async def delete(client: RegistryClient, digests: Sequence[Digest]) -> tuple[Leftovers, list[str], Journal]:
    journal = Journal(None)
    leftovers = Leftovers(client, ContentStore(client), journal, "ci")
    told = [line async for line in leftovers.delete(UntaggedManifest(REPOSITORY, digest) for digest in digests)]
    return leftovers, told, journal


def revisions(world: World) -> set[str]:
    return set(world.storage.repositories[REPOSITORY].revisions)


async def test_they_go_and_are_in_the_journal(world: World) -> None:
    child = await world.image(REPOSITORY, ["child"])
    index = await world.index(REPOSITORY, [child])
    stays = await world.image(REPOSITORY, ["stays"], ["stays"])
    leftovers, told, journal = await delete(client_of(world), [index, child])
    assert revisions(world) == {stays}
    assert {manifest.digest for manifest in leftovers.deleted} == {index, child}
    assert leftovers.trouble == []
    assert {f"done {REPOSITORY}@{index}", f"done {REPOSITORY}@{child}"} <= set(told)
    (entry,) = journal.entries()
    assert (entry.kind, set(entry.manifests_changed), entry.user) == (Kind.DELETION, {index, child}, "ci")


async def test_what_was_tagged_since_stays_and_so_does_all_below_it(world: World) -> None:
    child = await world.image(REPOSITORY, ["child"])
    index = await world.index(REPOSITORY, [child])
    left = await world.image(REPOSITORY, ["left"])
    await world.index(REPOSITORY, [child], ["since"])
    leftovers, _, _ = await delete(client_of(world), [index, child, left])
    # The index is the one that got the tag.
    assert revisions(world) == {index, child}
    assert await world.is_whole(REPOSITORY, "since")
    assert [manifest.digest for manifest in leftovers.deleted] == [left]


async def test_what_an_index_needs_that_was_pushed_meanwhile_is_put_back(world: World) -> None:
    child = await world.image(REPOSITORY, ["child"])
    await world.image(REPOSITORY, ["stays"], ["stays"])
    transport = Scripted(world)
    pushed: list[Digest] = []

    async def push() -> None:
        pushed.append(await world.index(REPOSITORY, {"amd64": child}, ["new"]))

    class Pushing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "DELETE" and request.url.path.endswith(child) and not pushed:
                await push()
            return await transport.handle_async_request(request)

    leftovers, told, _ = await delete(client_of(world, Pushing()), [child])
    assert ("DELETE", child) in transport.sent
    # By the deletion itself, which looks once more in the end.
    assert told[-1] == f"skipped {REPOSITORY}@{child}"
    assert leftovers.deleted == []
    assert await world.is_whole(REPOSITORY, "new")


async def test_what_could_not_be_deleted_is_told(world: World) -> None:
    left = await world.image(REPOSITORY, ["left"])
    await world.image(REPOSITORY, ["stays"], ["stays"])
    transport = Scripted(world)
    transport.instead = lambda request: 403 if request.method == "DELETE" else None
    leftovers, _, _ = await delete(client_of(world, transport), [left])
    assert leftovers.deleted == []
    (sentence,) = leftovers.trouble
    assert sentence.startswith(f"{REPOSITORY}@{left} could not be deleted: ")
    assert left in revisions(world)
