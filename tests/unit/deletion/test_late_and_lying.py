"""Registries that show what they did some reads later, and such that say they did what they didn't: what is told is
what is there, nothing is left half done, and a run that changed anything is found by undo."""

from collections import deque
from collections.abc import Sequence

import httpx
import pytest

from regtui.deletion.reasons import Reason
from regtui.deletion.request import Request
from regtui.deletion.undo_words import interrupted_sentence
from regtui.deletion.values import Action, Report, Status
from regtui.local.transport import LocalTransport
from regtui.oci.digest import Digest
from regtui.session.session import Session

from .scripted import Scripted
from .test_deletion import execute
from .worlds import World

REPOSITORY = "team/app"
FEW = ["shared", "alone", "multi"]
MANY = [*FEW, *(f"v{number}" for number in range(12))]


@pytest.fixture(params=["2.8.2", "3.1.1"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


class Late(httpx.AsyncBaseTransport):
    """Every change is accepted at once, and done before the read that comes `reads` later. In their order."""

    def __init__(self, world: World, reads: int) -> None:
        self._inner = LocalTransport(world.storage, world.version)
        self._reads = reads
        self._read = 0
        self._changes: deque[tuple[int, httpx.Request]] = deque()
        self.is_late = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        probe = "regtui-probe" in request.url.path or "sha256:0000" in request.url.path
        if self.is_late and not probe and request.method in ("PUT", "DELETE") and "/manifests/" in request.url.path:
            await request.aread()
            self._changes.append((self._read + self._reads, request))
            return httpx.Response(202 if request.method == "DELETE" else 201)
        if request.method in ("GET", "HEAD"):
            self._read += 1
        await self.catch_up(self._read)
        return await self._inner.handle_async_request(request)

    async def catch_up(self, read: int) -> None:
        while self._changes and self._changes[0][0] <= read:
            await self._inner.handle_async_request(self._changes.popleft()[1])


async def fill(world: World) -> None:
    await world.image(REPOSITORY, ["shared"], ["shared", "stays"])
    await world.image(REPOSITORY, ["alone"], ["alone"])
    children = [await world.image(REPOSITORY, ["amd"]), await world.image(REPOSITORY, ["arm"])]
    await world.index(REPOSITORY, children, ["multi"])
    for number in range(12):
        await world.image(REPOSITORY, [str(number)], [f"v{number}"])


def revisions(world: World) -> set[str]:
    return set(world.storage.repositories[REPOSITORY].revisions)


async def undone(connection: Session) -> Report:
    entry = await connection.changes.last()
    assert entry is not None
    running = connection.changes.undoing(await connection.changes.plan_undo(entry))
    async for _ in running.outcomes():
        pass
    return running.report


@pytest.mark.parametrize("reads", [1, 3])
@pytest.mark.parametrize("tags", [FEW, MANY], ids=["few", "many"])
async def test_what_is_shown_late_is_waited_for(world: World, tags: Sequence[str], reads: int) -> None:
    await fill(world)
    before, had = await world.tags(REPOSITORY), revisions(world)
    transport = world.transport = Late(world, reads)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, tags))
    transport.is_late = True
    report = await execute(connection, plan)
    await transport.catch_up(1_000_000)
    assert report.is_complete, report
    assert await world.tags(REPOSITORY) == {tag: digest for tag, digest in before.items() if tag not in tags}
    assert not revisions(world) & {manifest.digest for manifest in plan.manifests}

    report = await undone(connection)
    await transport.catch_up(1_000_000)
    assert report.is_complete, report
    assert (await world.tags(REPOSITORY), revisions(world)) == (before, had)


@pytest.mark.parametrize("tags", [FEW, MANY], ids=["few", "many"])
async def test_where_nothing_is_done_nothing_is_said_to_be_and_all_is_as_it_was(
    world: World, tags: Sequence[str]
) -> None:
    await fill(world)
    before, had = await world.tags(REPOSITORY), revisions(world)
    transport = world.transport = Scripted(world)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, tags))
    transport.instead = lambda request: 202 if request.method == "DELETE" else None
    report = await execute(connection, plan)
    assert await world.tags(REPOSITORY) == before
    assert revisions(world) >= had
    assert all(outcome.status is not Status.DONE for outcome in report.outcomes), report.outcomes
    assert {o.reason for o in report.outcomes if o.action is Action.UNTAG} <= {Reason.PUT_BACK, Reason.NOT_DONE}
    assert not report.is_complete
    assert await connection.changes.last() is None
    left = revisions(world) - had
    unfinished = await connection.changes.unfinished()
    assert bool(left) == bool(unfinished) == (world.version == "2.8.2")
    if not unfinished:
        return
    # The empty index is told by its digest, and goes once the registry deletes.
    [digest] = left
    assert any(Digest(digest).short in doubt for doubt in report.doubts), report.doubts
    assert "an empty index of its own is left" in interrupted_sentence(unfinished[0])
    undoing = connection.changes.undoing(await connection.changes.plan_undo(unfinished[0]))
    async for _ in undoing.outcomes():
        pass
    assert any(Digest(digest).short in doubt for doubt in undoing.report.doubts), "it isn't said to be gone"
    [entry] = await connection.changes.unfinished()
    transport.instead = lambda _: None
    undoing = connection.changes.undoing(await connection.changes.plan_undo(entry))
    async for _ in undoing.outcomes():
        pass
    assert undoing.report.doubts == ()
    assert (await world.tags(REPOSITORY), revisions(world)) == (before, had)
    assert await connection.changes.unfinished() == []


async def test_a_manifest_that_is_there_still_is_not_said_to_be_deleted(world: World) -> None:
    await fill(world)
    digest = (await world.tags(REPOSITORY))["alone"]
    transport = world.transport = Scripted(world)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, [], digests=[await untagged(world)]))
    assert len(plan.manifests) == 1
    transport.instead = lambda request: 202 if request.method == "DELETE" else None
    report = await execute(connection, plan)
    assert [(o.status, o.reason) for o in report.outcomes] == [(Status.FAILED, Reason.STILL_THERE)]
    assert digest in revisions(world)


async def untagged(world: World) -> Digest:
    return await world.image(REPOSITORY, ["left over"])


async def test_what_stands_on_a_placeholder_is_found_by_undo() -> None:
    world = World("2.8.2")
    await fill(world)
    before, had = await world.tags(REPOSITORY), revisions(world)
    transport = world.transport = Scripted(world)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, MANY))

    def lies(request: httpx.Request) -> int | None:
        if request.method == "DELETE":
            return 202
        # Each tag's placeholder is taken, and nothing after that.
        return 403 if request.method == "PUT" and len(transport.sent) > len(MANY) else None

    transport.instead = lies
    report = await execute(connection, plan)
    told = {o.reason for o in report.outcomes if o.action is Action.UNTAG}
    assert told == {Reason.ON_PLACEHOLDER}
    assert revisions(world) >= had
    transport.instead = lambda _: None
    assert (await undone(connection)).is_complete
    assert (await world.tags(REPOSITORY), revisions(world)) == (before, had)


async def test_a_run_that_failed_and_left_its_tags_leading_to_nothing_is_found_by_undo() -> None:
    world = World("2.8.2")
    await fill(world)
    before = await world.tags(REPOSITORY)
    transport = world.transport = Scripted(world)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["alone"]))

    def damaged(request: httpx.Request) -> int | None:
        """As 2.8.2 does with a damaged tag: the manifest goes, its tags stay, and the answer is 500; for ever."""
        if request.method == "DELETE":
            world.storage.repositories[REPOSITORY].revisions.pop(request.url.path.rpartition("/")[2], None)
            return 500
        return 403 if request.method == "PUT" else None

    transport.instead = damaged
    report = await execute(connection, plan)
    (told,) = [o for o in report.outcomes if o.action is Action.UNTAG]
    assert (told.status, told.reason) == (Status.FAILED, Reason.DANGLING)
    assert not report.is_complete
    transport.instead = lambda _: None
    assert (await undone(connection)).is_complete
    assert await world.tags(REPOSITORY) == before
    assert await world.is_whole(REPOSITORY, "alone")
