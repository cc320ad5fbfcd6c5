"""What a repository holds, read for a plan: bounded by what honest manifests are."""

import json

import httpx
import pytest

from regtui import bounds
from regtui.content.store import ContentStore
from regtui.deletion.inventory import read_contents, read_manifests
from regtui.local.transport import LocalTransport
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.errors import BadAnswer
from regtui.registry.settings import HttpSettings
from tests.unit.deletion.worlds import World

REPOSITORY = "team/app"


async def test_large_manifests_are_held_until_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags and what is below them count together, each manifest once."""
    world = World("3.1.1")
    one = await world.image(REPOSITORY, ["one"], ["a", "b", "c"])
    two = await world.image(REPOSITORY, ["two"])
    index = await world.index(REPOSITORY, [one, two], ["multi"])
    client = world.client()
    sizes = [len((await client.manifest(REPOSITORY, digest)).body) for digest in (one, two, index)]
    monkeypatch.setattr(bounds, "MANIFESTS_EACH", 0)
    monkeypatch.setattr(bounds, "MANIFESTS", sum(sizes))
    contents = await read_contents(client, ContentStore(client), REPOSITORY)
    assert set(contents.manifests) == {one, two, index}
    monkeypatch.setattr(bounds, "MANIFESTS", sum(sizes) - 1)
    with pytest.raises(BadAnswer, match="too much for one plan"):
        await read_contents(client, ContentStore(client), REPOSITORY)
    with pytest.raises(BadAnswer, match="too much for one plan"):
        await read_manifests(ContentStore(client), REPOSITORY, [index])


async def test_many_small_ones_are_never_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MANIFESTS", 0)
    world = World("3.1.1")
    for number in range(20):
        await world.image(REPOSITORY, [str(number)], [f"v{number}"])
    client = world.client()
    assert len((await read_contents(client, ContentStore(client), REPOSITORY)).manifests) == 20


class Swapping(httpx.AsyncBaseTransport):
    """Answers each digest of `of` with another index of as many children that nobody has."""

    def __init__(self, world: World, of: set[str]) -> None:
        self.inner, self.of, self.asked = LocalTransport(world.storage, world.version), of, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reference = request.url.path.rpartition("/")[2]
        if reference not in self.of:
            return await self.inner.handle_async_request(request)
        self.asked += 1
        return httpx.Response(200, json={"schemaVersion": 2, "manifests": []}, headers={"Content-Type": mt.OCI_INDEX})


def asking(transport: httpx.AsyncBaseTransport) -> RegistryClient:
    return RegistryClient(Address.parse("http://test.localhost"), settings=HttpSettings(transport=transport))


async def test_a_registry_that_sends_other_manifests_than_it_is_asked_for_is_soon_asked_for_none() -> None:
    """An index of thousands, each answered by a large one, would be read for hours."""
    world = World("3.1.1")
    made = [Digest.of(str(number).encode()) for number in range(5_000)]
    entries = [{"mediaType": mt.OCI_MANIFEST, "digest": digest, "size": 1} for digest in made]
    body = {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": entries}
    world.storage.put_manifest(REPOSITORY, json.dumps(body).encode(), mt.OCI_INDEX, "v1")
    transport = Swapping(world, set(made))
    client = asking(transport)
    contents = await read_contents(client, ContentStore(client), REPOSITORY)
    # Those that were under way as well.
    assert bounds.MISMATCHES <= transport.asked < 200
    assert set(contents.unread_manifests) == set(made), "what they might use stays"


async def test_a_few_that_are_damaged_keep_no_other_from_being_read() -> None:
    world = World("3.1.1")
    good = [await world.image(REPOSITORY, [str(number)]) for number in range(40)]
    bad = {Digest.of(str(number).encode()) for number in range(bounds.MISMATCHES - 1)}
    entries = [{"mediaType": mt.OCI_MANIFEST, "digest": digest, "size": 1} for digest in (*bad, *good)]
    body = {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": entries}
    world.storage.put_manifest(REPOSITORY, json.dumps(body).encode(), mt.OCI_INDEX, "v1")
    client = asking(Swapping(world, set(bad)))
    contents = await read_contents(client, ContentStore(client), REPOSITORY)
    assert set(good) <= set(contents.manifests)
    assert set(contents.unread_manifests) == bad
