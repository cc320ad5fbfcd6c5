"""Whatever the repository and whatever is marked: the unmarked tags survive whole, the marked ones are gone."""

import asyncio
import json
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regtui.deletion.request import Request
from regtui.local.dialect import Version
from regtui.oci.digest import Digest
from regtui.session.session import Session
from tests.support.alike import examples

from .test_deletion import execute
from .worlds import World

REPOSITORY = "any/thing"
LAYERS = [f"layer {number}" for number in range(6)]


@dataclass(frozen=True)
class Shape:
    """A repository: images by their layers, indexes by their images, tags by what they point at."""

    images: list[list[str]]
    indexes: list[list[int]]
    tags: list[int]
    marked: list[bool]
    signed: list[int]
    with_attached: bool
    whole: bool


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    images = draw(st.lists(st.lists(st.sampled_from(LAYERS), max_size=3), min_size=1, max_size=6))
    some_images = st.lists(st.integers(0, len(images) - 1), max_size=3)
    indexes = draw(st.lists(some_images, max_size=4))
    tags = draw(st.lists(st.integers(0, len(images) + len(indexes) - 1), min_size=1, max_size=14))
    return Shape(
        images=images,
        indexes=indexes,
        tags=tags,
        marked=draw(st.lists(st.booleans(), min_size=len(tags), max_size=len(tags))),
        signed=draw(st.lists(st.integers(0, len(images) - 1), max_size=2)),
        with_attached=draw(st.booleans()),
        whole=draw(st.booleans()),
    )


async def build(world: World, shape: Shape) -> dict[str, Digest]:
    digests = [await world.image(REPOSITORY, layers) for layers in shape.images]
    digests += [await world.index(REPOSITORY, [digests[i] for i in index]) for index in shape.indexes]
    for number, target in enumerate(shape.tags):
        if target < len(shape.images):
            await world.image(REPOSITORY, shape.images[target], [f"t{number}"])
        else:
            await world.index(
                REPOSITORY, [digests[i] for i in shape.indexes[target - len(shape.images)]], [f"t{number}"]
            )
    for image in shape.signed:
        await world.image(REPOSITORY, ["signature"], [f"sha256-{digests[image].encoded}.sig"])
    return await world.tags(REPOSITORY)


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
@settings(max_examples=examples(60))
@given(shape=shapes())
def test_exactly_the_marked_tags_go_and_all_others_stay_whole(version: Version, shape: Shape) -> None:
    asyncio.run(check(version, shape))


async def check(version: Version, shape: Shape) -> None:
    world = World(version)
    before = await build(world, shape)
    marked = [f"t{number}" for number, is_marked in enumerate(shape.marked) if is_marked]
    connection = await world.open()
    plan = await connection.plan_deletion(
        Request(REPOSITORY, marked, with_attached=shape.with_attached, whole_manifests=shape.whole)
    )
    shown = {tag.tag for tag in plan.removed}
    assert shown >= set(marked)
    if not shape.whole and not shape.with_attached:
        assert shown == set(marked)
    used_before, revisions = set(world.storage.blobs), _revisions(world)

    report = await execute(connection, plan)

    assert report.is_complete or plan.is_empty
    after = await world.tags(REPOSITORY)
    assert after == {tag: digest for tag, digest in before.items() if tag not in shown}
    for tag in after:
        assert await world.is_whole(REPOSITORY, tag)
    assert not world.storage.repositories[REPOSITORY].revisions.keys() & {m.digest for m in plan.manifests}
    freed = sum(
        world.storage.blobs[d].size for d in used_before & _collectable(world, {str(m.digest) for m in plan.manifests})
    )
    assert freed == plan.freed
    await check_the_way_back(world, connection, before, revisions)


async def check_the_way_back(
    world: World, connection: Session, before: dict[str, Digest], revisions: dict[str, str]
) -> None:
    """Undone, the repository is as it was; that undone, as it was after the deletion; and so on."""
    after = (await world.tags(REPOSITORY), _revisions(world))
    run = ""
    for expected in ((before, revisions), after, (before, revisions)):
        entry = await connection.changes.entry(run) if run else await connection.changes.last()
        if entry is None:  # nothing was marked, so nothing was done
            assert before == after[0]
            return
        undo = await connection.changes.plan_undo(entry)
        assert undo.obstacle == ""
        running = connection.changes.undoing(undo)
        async for _ in running.outcomes():
            pass
        assert running.report.is_complete, running.report
        assert (await world.tags(REPOSITORY), _revisions(world)) == expected
        assert all([await world.is_whole(REPOSITORY, tag) for tag in expected[0]])
        run = running.report.run


def _revisions(world: World) -> dict[str, str]:
    return dict(world.storage.repositories[REPOSITORY].revisions)


def _collectable(world: World, deleted: set[str]) -> set[str]:
    """The blobs that only the deleted manifests used, by a count of its own: over all revisions, before a sweep."""
    used: set[str] = set()
    of_deleted: set[str] = set(deleted)
    for digest, blob in world.storage.blobs.items():
        assert blob.data is not None
        try:
            value = json.loads(blob.data)
        except ValueError:
            continue
        if "schemaVersion" not in value or value.get("annotations"):
            continue
        named = {b["digest"] for b in ([value["config"], *value["layers"]] if "config" in value else [])}
        if digest in deleted:
            of_deleted |= named
        elif digest in _known_to_plan(world):
            used |= named | {digest}
    return of_deleted - used


def _known_to_plan(world: World) -> set[str]:
    """What any tag reaches now: an untagged leftover of the repository is invisible to the API."""
    repository = world.storage.repositories[REPOSITORY]
    seen: set[str] = set()
    waiting = list(repository.tags.values())
    while waiting:
        digest = waiting.pop()
        if digest in seen:
            continue
        seen.add(digest)
        data = world.storage.blobs[digest].data
        waiting += [child["digest"] for child in json.loads(data or b"{}").get("manifests", [])]
    return seen
