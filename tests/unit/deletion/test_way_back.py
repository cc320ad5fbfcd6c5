"""Whatever a repository holds, damaged and odd things too: what the plan doesn't name as lost is put back by undo, byte
for byte, and what it names doesn't take anything else down with it."""

import asyncio
import json
from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regtui.deletion import Action, Status
from regtui.demo import Version
from regtui.oci import Digest
from regtui.oci import media_type as mt

from .worlds import World

REPOSITORY = "any/thing"
LAYERS = [f"layer {number}" for number in range(5)]
Kind = Literal["image", "unnamed", "cache", "schema 1", "unknown"]
KINDS: tuple[Kind, ...] = ("image", "image", "image", "unnamed", "cache", "schema 1", "unknown")
SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
# What registries answer that don't know what they have.
CONTENT_TYPES = (None, None, "", "application/json", "application/octet-stream", "text/plain")


@dataclass(frozen=True)
class Piece:
    """One manifest that is no index of manifests. `content_type`: in place of its own."""

    kind: Kind
    layers: list[str]
    content_type: str | None
    number: int


@dataclass(frozen=True)
class Shape:
    """A repository: pieces, indexes over pieces and earlier indexes, tags by what they point at, and the damage.

    `unlinked`: blobs that can't be had, `dropped`: manifests that are gone, by number. `taken`: whether the configs are
    gone by the time of the undo.
    """

    pieces: list[Piece]
    indexes: list[list[int]]
    tags: list[int]
    marked: list[bool]
    unlinked: list[int]
    dropped: list[int]
    taken: bool
    whole: bool


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    pieces = [
        Piece(
            draw(st.sampled_from(KINDS)),
            draw(st.lists(st.sampled_from(LAYERS), max_size=3)),
            draw(st.sampled_from(CONTENT_TYPES)),
            number,
        )
        for number in range(draw(st.integers(1, 6)))
    ]
    indexes = [
        draw(st.lists(st.integers(0, len(pieces) + number - 1), max_size=3))
        for number in range(draw(st.integers(0, 4)))
    ]
    count = len(pieces) + len(indexes)
    tags = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=10))
    some = st.lists(st.integers(0, 20), max_size=2)
    return Shape(
        pieces,
        indexes,
        tags,
        marked=draw(st.lists(st.booleans(), min_size=len(tags), max_size=len(tags))),
        unlinked=draw(some),
        dropped=draw(st.lists(st.integers(0, count - 1), max_size=2)),
        taken=draw(st.booleans()),
        whole=draw(st.booleans()),
    )


def manifest_of(world: World, piece: Piece) -> tuple[bytes, str]:
    """Its bytes and its media type; the blobs are stored."""

    def blob(text: str, media_type: str) -> dict[str, object]:
        digest = world.storage.add_blob(text.encode())
        world.storage.link_layer(REPOSITORY, digest)
        return {"mediaType": media_type, "digest": digest, "size": len(text)}

    layers = [blob(layer, "application/x") for layer in piece.layers]
    match piece.kind:
        case "cache":
            value: dict[str, object] = {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": layers}
            media_type = mt.OCI_INDEX
        case "schema 1":
            sums = [{"blobSum": layer["digest"]} for layer in layers]
            value = {"schemaVersion": 1, "name": REPOSITORY, "fsLayers": sums, "history": []}
            media_type = SCHEMA1
        case "unknown":
            value, media_type = {"schemaVersion": 2, "what": "nobody knows"}, "application/json"
        case _:
            config = blob(json.dumps({"os": "linux", "number": piece.number}), mt.OCI_CONFIG)
            value = {"schemaVersion": 2, "config": config, "layers": layers}
            value |= {"mediaType": mt.OCI_MANIFEST} if piece.kind == "image" else {}
            media_type = mt.OCI_MANIFEST
    return json.dumps(value).encode(), media_type


def build(world: World, shape: Shape) -> None:
    """As only a damaged registry has it: nothing is checked."""
    storage = world.storage
    made: list[tuple[bytes, str, str]] = []
    for piece in shape.pieces:
        body, media_type = manifest_of(world, piece)
        made.append((body, media_type, media_type if piece.content_type is None else piece.content_type))
    for index in shape.indexes:
        entries = [
            {"mediaType": media_type, "digest": Digest.of(body), "size": len(body)}
            for body, media_type, _ in (made[number] for number in index)
        ]
        value = {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": entries}
        made.append((json.dumps(value).encode(), mt.OCI_INDEX, mt.OCI_INDEX))
    digests = [storage.put_manifest(REPOSITORY, body, shown) for body, _, shown in made]
    for number, target in enumerate(shape.tags):
        storage.set_tag(REPOSITORY, f"t{number}", digests[target])
    for number in shape.dropped:
        storage.repositories[REPOSITORY].revisions.pop(digests[number], None)
    blobs = sorted(storage.repositories[REPOSITORY].layers)
    for number in shape.unlinked:
        if blobs:
            storage.unlink_layer(REPOSITORY, blobs[number % len(blobs)])


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
@settings(max_examples=150, deadline=None)
@given(shape=shapes())
def test_what_is_not_named_as_lost_comes_back_byte_for_byte(version: Version, shape: Shape) -> None:
    asyncio.run(check(version, shape))


async def check(version: Version, shape: Shape) -> None:
    world = World(version)
    build(world, shape)
    repository = world.storage.repositories[REPOSITORY]
    tags, revisions = dict(repository.tags), dict(repository.revisions)
    blobs = {digest: blob.data for digest, blob in world.storage.blobs.items()}
    marked = [f"t{number}" for number, is_marked in enumerate(shape.marked) if is_marked]
    connection = await world.open()
    plan = await connection.plan_deletion(REPOSITORY, marked, whole_manifests=shape.whole)
    if plan.obstacle or plan.is_empty:
        return
    running = connection.deleting(plan)
    async for _ in running.outcomes():
        pass
    assert running.report.is_complete, running.report
    if shape.taken:
        for digest in plan.contents.blobs.kept:
            world.storage.unlink_layer(REPOSITORY, digest)
    entry = await connection.changes.entry(running.report.run)
    undo = await connection.changes.plan_undo(entry)
    undoing = connection.changes.undoing(undo)
    async for _ in undoing.outcomes():
        pass
    await connection.close()
    report = undoing.report
    expected = {tag.tag: tag.digest for tag in plan.removed if tag.digest and not tag.loss}
    assert {tag: repository.tags.get(tag) for tag in expected} == expected, report
    back = {manifest.digest for manifest in plan.manifests if not manifest.loss}
    assert back <= repository.revisions.keys(), report
    for digest in (*back, *expected.values()):
        assert world.storage.blobs[digest].data == blobs[digest]
    named = {f"{REPOSITORY}:{tag.tag}" for tag in plan.lost_tags}
    named |= {f"{REPOSITORY}@{manifest.digest}" for manifest in plan.manifests if manifest.loss}
    failed = {o.reference for o in report.outcomes if o.action is Action.RESTORE and o.status is Status.FAILED}
    assert failed <= named, report
    # Nothing that wasn't there before, and of the rest nothing is missing.
    assert repository.tags.items() <= tags.items()
    assert tags.keys() - repository.tags.keys() <= {tag.tag for tag in plan.removed if tag.loss or not tag.digest}
    assert repository.revisions.keys() <= revisions.keys()
