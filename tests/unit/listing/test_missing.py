"""Blobs that are gone are named, asked for once, and asked again after a reload."""

import json

from regtui.content.store import ContentStore
from regtui.deletion.placeholder import Placeholder
from regtui.listing.details import load_details
from regtui.listing.missing import BlobCheck
from regtui.oci.digest import Digest
from regtui.registry.values import BlobState
from tests.unit.deletion.worlds import World

REPOSITORY = "team/app"


class Counting:
    """The client, and how often it was asked for which blob."""

    def __init__(self, world: World) -> None:
        self._client = world.client()
        self.asked: list[Digest] = []

    async def blob_state(self, repository: str, digest: Digest, size: int | None = None) -> BlobState:
        self.asked.append(digest)
        return await self._client.blob_state(repository, digest, size)


async def test_what_is_gone_is_named_once_asked_and_asked_again_after_a_reload() -> None:
    world = World("2.8.2")
    one = await world.image(REPOSITORY, ["shared", "own"])
    two = await world.image(REPOSITORY, ["shared"])
    await world.index(REPOSITORY, {"amd64": one, "arm64": two}, ["multi"])
    counting = Counting(world)
    check = BlobCheck(counting)
    details = await load_details(ContentStore(world.client()), REPOSITORY, "multi")
    assert await check.checked(details) is details
    # Two configs, and each layer once.
    assert len(counting.asked) == len(set(counting.asked)) == 4

    layer = Digest.of(b"own")
    world.storage.unlink_layer(REPOSITORY, layer)
    assert await check.checked(details) is details
    assert len(counting.asked) == 4

    check.forget(REPOSITORY)
    checked = await check.checked(details)
    assert checked.error == f"the layer {layer.short} of linux/amd64 is gone: it can't be pulled"
    assert [bool(image.error) for image in checked.platforms] == [True, False]


async def test_a_config_that_is_gone_is_named_once() -> None:
    world = World("2.8.2")
    image = await world.image(REPOSITORY, ["own"], ["1.0"])
    assert image
    body = world.storage.blobs[world.storage.repositories[REPOSITORY].tags["1.0"]].data
    config = Digest(json.loads(body or b"")["config"]["digest"])
    world.storage.unlink_layer(REPOSITORY, config)
    details = await load_details(ContentStore(world.client()), REPOSITORY, "1.0")
    checked = await BlobCheck(Counting(world)).checked(details)
    assert checked.error.count(config.short) == 1
    assert "push the image again" in checked.error


async def test_what_a_deletion_that_was_interrupted_left_is_said_to_be_that() -> None:
    world = World("2.8.2")
    placeholder = Placeholder.new()
    await world.client().put_manifest(REPOSITORY, "left", placeholder.body, placeholder.media_type)
    details = await load_details(ContentStore(world.client()), REPOSITORY, "left")
    assert details.error == ("an empty index of a deletion that isn't over: where that was begun, regtui undo ends it")
