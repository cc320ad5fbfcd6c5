"""Thousands of tags are looked at before a manifest goes: how far that is can be heard, it can be stopped, and what it
takes is part of what the plan says."""

import pytest

from regtui.deletion import watch
from regtui.deletion.cost import seconds_to_delete
from regtui.deletion.reasons import Reason
from regtui.deletion.request import Request
from regtui.deletion.values import Action, Status

from .worlds import World

REPOSITORY = "team/app"


async def filled() -> World:
    world = World("2.8.2")
    await world.image(REPOSITORY, ["alone"], ["alone"])
    await world.image(REPOSITORY, ["many"], [f"v{number}" for number in range(20)])
    return world


async def test_it_is_heard_how_far_a_look_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_MANY", 10)
    connection = await (await filled()).open()
    running = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, ["alone"])))
    heard: list[tuple[int, int]] = []
    running.tell_looks(lambda done, total: heard.append((done, total)))
    async for _ in running.outcomes():
        pass
    assert running.report.is_complete
    # Before its manifest goes also the tag that goes with it.
    assert {total for _, total in heard} == {20, 21}
    assert heard[-1] == (20, 20)
    assert len(heard) > 2


async def test_a_stop_ends_the_look_and_deletes_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_MANY", 10)
    world = await filled()
    before = await world.tags(REPOSITORY), set(world.storage.repositories[REPOSITORY].revisions)
    connection = await world.open()
    running = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, ["alone"])))
    running.tell_looks(lambda _done, _total: running.stop())
    async for _ in running.outcomes():
        pass
    assert (await world.tags(REPOSITORY), set(world.storage.repositories[REPOSITORY].revisions)) == before
    (manifest,) = (o for o in running.report.outcomes if o.action is Action.DELETE)
    assert (manifest.status, manifest.reason) == (Status.SKIPPED, Reason.STOPPED)
    assert running.report.interrupted


async def test_an_undo_tells_of_its_look_too() -> None:
    world = await filled()
    connection = await world.open()
    tags = [f"v{number}" for number in range(19)]
    running = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, tags)))
    async for _ in running.outcomes():
        pass
    await world.image(REPOSITORY, ["other"], tags)
    undo = await connection.changes.plan_undo(await connection.changes.entry(running.report.run), overwrite=True)
    undoing = connection.changes.undoing(undo)
    heard: list[tuple[int, int]] = []
    undoing.tell_looks(lambda done, total: heard.append((done, total)))
    async for _ in undoing.outcomes():
        pass
    assert heard[-1] == (19, 19)


@pytest.mark.parametrize(
    ("manifests", "tags", "least", "most"),
    [(0, 10_000, 0, 0), (1, 0, 0, 0.1), (1, 10_000, 10, 11), (100, 10_000, 50, 60), (20, 300, 6, 7)],
)
def test_looks_are_part_of_what_a_deletion_takes(manifests: int, tags: int, least: float, most: float) -> None:
    assert least <= seconds_to_delete(manifests, tags) <= most
