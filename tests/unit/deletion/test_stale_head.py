"""A cache before the registry answers HEAD as it was: where that isn't what was planned, GET decides."""

import httpx
import pytest

from regtui.deletion.request import Request
from regtui.deletion.values import Action, Report, Status
from regtui.local.dialect import Version
from regtui.local.transport import LocalTransport
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.settings import HttpSettings
from regtui.session.changes import RunningChange

from .worlds import World

REPOSITORY = "team/app"


class CachingHead(httpx.AsyncBaseTransport):
    """Answers the HEAD of each manifest as it did the first time. `heads`: how often it was asked."""

    def __init__(self, world: World) -> None:
        self._inner = LocalTransport(world.storage, world.version)
        self._kept: dict[str, httpx.Headers] = {}
        self.heads = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method != "HEAD" or "/manifests/" not in path:
            return await self._inner.handle_async_request(request)
        self.heads += 1
        if path not in self._kept:
            response = await self._inner.handle_async_request(request)
            if response.status_code != 200:
                return response
            self._kept[path] = response.headers
        return httpx.Response(200, headers=self._kept[path])


async def finished(running: RunningChange) -> Report:
    async for _ in running.outcomes():
        pass
    return running.report


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
async def test_what_was_planned_is_done_where_get_says_so(version: Version) -> None:
    world = World(version)
    for tag in ("1.0", "2.0", "other"):
        await world.image(REPOSITORY, [tag], [tag])
    await world.image(REPOSITORY, ["other"], ["zz"])
    transport = world.transport = CachingHead(world)
    somebody = RegistryClient(Address.parse("http://test.localhost"), settings=HttpSettings(transport=transport))
    for tag in ("1.0", "2.0", "zz"):
        await somebody.resolve(REPOSITORY, tag)
    # Promoted and pushed since: what HEAD says of those is what they were.
    await world.image(REPOSITORY, ["1.0"], ["zz"])
    await world.image(REPOSITORY, ["2.0, anew"], ["2.0"])
    before = await world.tags(REPOSITORY)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["1.0", "2.0"]))
    report = await finished(connection.deleting(plan))
    assert report.is_complete, report
    assert report.looked is not None
    assert report.looked.changed == ()
    assert await world.tags(REPOSITORY) == {tag: before[tag] for tag in ("other", "zz")}
    asked = transport.heads
    entry = await connection.changes.last()
    assert entry is not None
    report = await finished(connection.changes.undoing(await connection.changes.plan_undo(entry)))
    assert report.is_complete, report
    assert await world.tags(REPOSITORY) == before
    # Not once more: it isn't trusted any longer here.
    assert transport.heads == asked


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
async def test_a_tag_that_is_somebody_else_s_by_now_stays_for_get_says_so_too(version: Version) -> None:
    world = World(version)
    for tag in ("1.0", "2.0"):
        await world.image(REPOSITORY, [tag], [tag])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["1.0", "2.0"]))
    anew = await world.image(REPOSITORY, ["2.0, anew"], ["2.0"])
    report = await finished(connection.deleting(plan))
    assert report.count(Action.UNTAG, Status.DONE) == 1
    assert report.moved == ("2.0",)
    assert await world.tags(REPOSITORY) == {"2.0": anew}
