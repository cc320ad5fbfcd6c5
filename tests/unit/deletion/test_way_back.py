"""Whatever a repository holds, damaged and odd things too: what the plan doesn't name as lost is put back by undo, byte
for byte, and what it names doesn't take anything else down with it."""

import asyncio

import pytest
from hypothesis import given, settings

from regtui.deletion.request import Request
from regtui.deletion.values import Action, Status
from regtui.local.dialect import Version
from tests.support.alike import examples
from tests.support.odd_repositories import OddRepository, laid_out, odd_repositories

from .worlds import World

REPOSITORY = "any/thing"


def build(world: World, odd: OddRepository) -> None:
    """As only a damaged registry has it: nothing is checked."""
    layout = laid_out(odd, REPOSITORY)
    for blob in layout.blobs.values():
        world.storage.add_blob(blob)
    for digest in layout.links:
        world.storage.link_layer(REPOSITORY, digest)
    for body, content_type in layout.manifests.values():
        world.storage.put_manifest(REPOSITORY, body, content_type)
    for tag, digest in layout.tags.items():
        world.storage.set_tag(REPOSITORY, tag, digest)


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
@settings(max_examples=examples(150))
@given(odd=odd_repositories())
def test_what_is_not_named_as_lost_comes_back_byte_for_byte(version: Version, odd: OddRepository) -> None:
    asyncio.run(check(version, odd))


async def check(version: Version, odd: OddRepository) -> None:
    world = World(version)
    build(world, odd)
    repository = world.storage.repositories[REPOSITORY]
    tags, revisions = dict(repository.tags), dict(repository.revisions)
    blobs = {digest: blob.data for digest, blob in world.storage.blobs.items()}
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, odd.chosen, whole_manifests=odd.whole))
    if plan.obstacle or plan.is_empty:
        return
    running = connection.deleting(plan)
    async for _ in running.outcomes():
        pass
    assert running.report.is_complete, running.report
    if odd.taken:
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
