"""Plans, dry runs and undo lists name tags in the order of their versions, as the list of tags does."""

import random
from collections.abc import Sequence

from regtui.deletion.entry import Entry
from regtui.deletion.request import Request
from regtui.deletion.undo_words import what_of
from regtui.deletion.words import plan_notes, plan_sentences, planned_outcomes

from .worlds import World

REPOSITORY = "team/app"
VERSIONS = ["0.9.0", "0.10.0", "1.2.0-rc1", "1.2.0-rc10", "1.2.0", "v1.9", "1.10", "main"]


async def planned(tags: Sequence[str], chosen: Sequence[str]) -> tuple[World, list[str]]:
    world = World("3.1.1")
    await world.image(REPOSITORY, ["layer"], random.sample(tags, len(tags)))
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, random.sample(chosen, len(chosen))))
    return world, [row.reference.rpartition(":")[2] for row in planned_outcomes(plan)]


async def test_a_plan_is_in_version_order() -> None:
    _, rows = await planned(VERSIONS, VERSIONS)
    assert rows[: len(VERSIONS)] == VERSIONS


async def test_so_are_the_tags_that_stay() -> None:
    world = World("3.1.1")
    await world.image(REPOSITORY, ["layer"], random.sample(VERSIONS, len(VERSIONS)))
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["main"]))
    assert list(plan.staying) == VERSIONS[:-1]
    assert "0.9.0, 0.10.0, 1.2.0-rc1, 1.2.0-rc10 and 3 more" in " ".join(plan_sentences(plan))
    assert plan_notes(plan)[f"{REPOSITORY}:main"] == f"stays as {', '.join(VERSIONS[:-1])}"


async def test_so_is_what_is_put_back_and_what_a_run_was_about() -> None:
    world = World("3.1.1")
    await world.image(REPOSITORY, ["layer"], random.sample(VERSIONS, len(VERSIONS)))
    connection = await world.open()
    deleting = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, VERSIONS)))
    async for _ in deleting.outcomes():
        pass
    entry: Entry | None = await connection.changes.last()
    assert entry is not None
    assert what_of(entry) == "0.9.0, 0.10.0, 1.2.0-rc1, 1.2.0-rc10 and 4 more"
    undo = await connection.changes.plan_undo(entry)
    assert [row.reference.rpartition(":")[2] for row in undo.rows] == VERSIONS
