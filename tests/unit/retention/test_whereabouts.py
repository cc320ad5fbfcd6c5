"""What runs, and isn't in the registry any more: the run that brings it back is named, and no other."""

import pytest

from regtui.deletion.request import Request
from regtui.retention.own_names import OwnImage
from regtui.retention.uses import Use
from regtui.retention.values import PlaceKind, UsePlace
from regtui.retention.whereabouts import locate
from regtui.session.session import Session
from tests.unit.deletion.worlds import World

REPOSITORY = "team/app"


async def run_that_brings_back(connection: Session, image: OwnImage) -> str:
    entries = await connection.changes.entries()
    (found,) = await locate(
        connection._client, connection._content, [Use(image, UsePlace("app1", PlaceKind.CONTAINER))], entries
    )
    assert found.is_gone
    return found.run


async def delete(connection: Session, tag: str) -> str:
    running = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, [tag])))
    async for _ in running.outcomes():
        pass
    return running.report.run


@pytest.mark.parametrize("by_tag", [True, False])
async def test_a_run_that_has_all_of_it_is_offered_and_one_that_lacks_a_child_is_not(by_tag: bool) -> None:
    world = World("2.8.2")
    amd, arm = await world.image(REPOSITORY, ["amd"]), await world.image(REPOSITORY, ["arm"])
    whole = await world.index(REPOSITORY, [amd], ["whole"])
    broken = await world.index(REPOSITORY, [amd, arm], ["broken"])
    world.storage.repositories[REPOSITORY].revisions.pop(arm)
    connection = await world.open()
    names = {"broken": broken, "whole": whole}
    runs = {tag: await delete(connection, tag) for tag in names}
    images = {tag: OwnImage(REPOSITORY, tag) if by_tag else OwnImage(REPOSITORY, "", names[tag]) for tag in names}
    assert await run_that_brings_back(connection, images["whole"]) == runs["whole"]
    assert await run_that_brings_back(connection, images["broken"]) == ""
