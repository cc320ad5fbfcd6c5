"""A deletion, or an undo, that is killed at any of its steps, before or after the registry did it: the next start
finishes or reverts it, and each leaves the repository exactly as it should be."""

from collections.abc import Sequence
from contextlib import suppress

import httpx
import pytest

from regtui.deletion.entry import Entry, Kind
from regtui.deletion.journal import RunInUse
from regtui.deletion.request import Request
from regtui.deletion.undo import StillRunning, shown_rest, undone
from regtui.deletion.undo_words import rest_sentences, result_of, undo_sentences
from regtui.deletion.values import Action, Report, Status
from regtui.deletion.words import planned_outcomes
from regtui.local.dialect import Version
from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport
from regtui.oci.digest import Digest
from regtui.session.changes import RunningChange
from regtui.session.session import Session

from .scripted import Scripted
from .worlds import World

# Each of the ways to be killed with one of the versions.
pytestmark = pytest.mark.alike("version")

REPOSITORY = "team/app"
FEW = ["shared-1", "alone", "multi"]
# More than a DELETE by digest each is worth.
MANY = [*FEW, *(f"v{number}" for number in range(7))]


class Killed(Exception):
    """No error of a registry: the process is gone."""


class Killing(httpx.AsyncBaseTransport):
    """Ends everything at the change numbered `at`, before or after it is done. `changes`: how many there were."""

    def __init__(self, world: World, at: int, *, does_it: bool, inner: httpx.AsyncBaseTransport | None = None) -> None:
        self._inner = inner or LocalTransport(world.storage, world.version)
        self._at = at
        self._does_it = does_it
        self.changes = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method in ("PUT", "DELETE") and "regtui-probe" not in path and "sha256:0000" not in path:
            self.changes += 1
            if self.changes == self._at and self._does_it:
                await self._inner.handle_async_request(request)
        if self.changes >= self._at:
            raise Killed
        return await self._inner.handle_async_request(request)


_filled: dict[Version, MemoryStorage] = {}


async def filled(version: Version) -> World:
    """Filled once: hundreds of runs begin with one that is alike."""
    if version not in _filled:
        _filled[version] = (await _fill(version)).storage
    return World(version, storage=_filled[version].copy())


async def _fill(version: Version) -> World:
    world = World(version)
    await world.image(REPOSITORY, ["shared"], ["shared-1", "shared-2"])
    await world.image(REPOSITORY, ["alone"], ["alone"])
    await world.index(
        REPOSITORY, [await world.image(REPOSITORY, ["amd"]), await world.image(REPOSITORY, ["arm"])], ["multi"]
    )
    for number in range(7):
        await world.image(REPOSITORY, [str(number)], [f"v{number}"])
    return world


def revisions(world: World) -> set[str]:
    return set(world.storage.repositories[REPOSITORY].revisions)


async def finished(running: RunningChange) -> Report:
    async for _ in running.outcomes():
        pass
    return running.report


async def killed(world: World, tags: Sequence[str], at: int, *, does_it: bool) -> tuple[Session, Entry] | None:
    """A connection of the next start, with what it finds; None where the deletion ended before that change."""
    transport = world.transport = Killing(world, at, does_it=does_it)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, tags))
    with suppress(Killed):
        await finished(connection.deleting(plan))
    world.transport = None
    if transport.changes < at:
        return None
    again = await world.open()
    again.journal = connection.journal
    (entry,) = await again.changes.unfinished()
    return again, entry


async def deleted(version: Version, tags: Sequence[str]) -> tuple[dict[str, Digest], set[str]]:
    """What is left where nothing comes between."""
    world = await filled(version)
    connection = await world.open()
    report = await finished(connection.deleting(await connection.plan_deletion(Request(REPOSITORY, tags))))
    assert report.is_complete
    return await world.tags(REPOSITORY), revisions(world)


@pytest.mark.parametrize("does_it", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("tags", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
async def test_it_is_finished(version: Version, tags: list[str], does_it: bool) -> None:
    expected = await deleted(version, tags)
    at = 0
    while True:
        at += 1
        world = await filled(version)
        before = await world.tags(REPOSITORY), revisions(world)
        found = await killed(world, tags, at, does_it=does_it)
        if found is None:
            break
        connection, entry = found
        plan = await connection.changes.plan_rest(entry)
        shown = shown_rest(entry, plan)
        assert {m.digest for m in shown.manifests} <= set(entry.manifests_changed)
        assert all(tag.digest == entry.tags[tag.tag] for tag in shown.removed)
        report = await finished(connection.changes.finishing(entry, plan))
        assert report.is_complete, (at, report)
        # Of the run's own empty indexes nothing is told, neither now nor in the journal.
        confirmed = {*entry.tags.values(), *entry.manifests_changed}
        (ended,) = await connection.changes.entries()
        assert {o.digest for o in (*report.outcomes, *ended.results)} <= confirmed, at
        assert [
            o for o in report.outcomes if entry.tags.get(o.reference.rpartition(":")[2], o.digest) != o.digest
        ] == []
        assert (await world.tags(REPOSITORY), revisions(world)) == expected, at
        assert {o.reference for o in report.outcomes} >= {f"{REPOSITORY}:{tag}" for tag in tags}
        assert await connection.changes.unfinished() == []
        # All of it is one run, and is undone as one.
        (whole,) = await connection.changes.entries()
        assert whole.is_complete
        assert whole.standing == ()
        undone = await finished(connection.changes.undoing(await connection.changes.plan_undo(whole)))
        assert undone.is_complete, (at, undone)
        assert (await world.tags(REPOSITORY), revisions(world)) == before, at
    assert at > 4


@pytest.mark.parametrize("does_it", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("tags", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
async def test_it_is_reverted(version: Version, tags: list[str], does_it: bool) -> None:
    at = 0
    while True:
        at += 1
        world = await filled(version)
        before = await world.tags(REPOSITORY), revisions(world)
        found = await killed(world, tags, at, does_it=does_it)
        if found is None:
            break
        connection, entry = found
        report = await finished(connection.changes.undoing(await connection.changes.plan_undo(entry)))
        assert report.is_complete, (at, report)
        assert (await world.tags(REPOSITORY), revisions(world)) == before, at
        assert await connection.changes.unfinished() == []
        assert (await connection.changes.entry(entry.name)).standing == ()
    assert at > 4


async def test_an_empty_index_of_the_run_is_not_told_of_as_if_it_were_the_users() -> None:
    world = await filled("2.8.2")
    found = await killed(world, FEW, 1, does_it=True)
    assert found is not None
    connection, entry = found
    plan = await connection.changes.plan_rest(entry)
    assert not plan.has_losses  # What it stands in for is in this journal.
    told = rest_sentences(entry, plan)
    # As it was said before the run began, but for what it did until then.
    assert (
        "2 manifests, and 2 manifests below them, that nothing else in the repository uses will be deleted by digest."
        in told
    )
    assert "shared-2 is the same image, and stays." in told
    rows = {o.reference: o.digest for o in planned_outcomes(shown_rest(entry, plan))}
    assert rows[f"{REPOSITORY}:shared-1"] == entry.tags["shared-1"]
    assert len(rows) == 3 + 4
    report = await finished(connection.changes.finishing(entry, plan))
    assert report.is_complete
    assert (report.count(Action.UNTAG, Status.DONE), report.count(Action.DELETE, Status.DONE)) == (3, 4)
    assert {o.reference: o.digest for o in report.outcomes} == rows


async def test_a_tag_that_was_pushed_before_it_is_finished_stays() -> None:
    world = await filled("2.8.2")
    found = await killed(world, FEW, 1, does_it=False)
    assert found is not None
    connection, entry = found
    pushed = await world.image(REPOSITORY, ["pushed"], ["alone"])
    report = await finished(connection.changes.finishing(entry, await connection.changes.plan_rest(entry)))
    assert (await world.tags(REPOSITORY))["alone"] == pushed
    assert await world.is_whole(REPOSITORY, "alone")
    assert report.doubts == ()


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_finished_beside_a_tag_that_can_t_be_read_it_has_come_to_its_end(at: int) -> None:
    """No manifest of the plan goes beside such a tag: an earlier part's empty index isn't left for all that."""
    world = await filled("2.8.2")
    await world.image(REPOSITORY, ["damaged"], ["damaged"])
    before = await world.tags(REPOSITORY), revisions(world)

    def damaged(request: httpx.Request) -> int | None:
        return 500 if request.method in ("GET", "HEAD") and request.url.path.endswith("/damaged") else None

    killing = Killing(world, at, does_it=True, inner=Scripted(world, instead=damaged))
    world.transport = killing
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["alone", "shared-1"]))
    with suppress(Killed):
        await finished(connection.deleting(plan))
    assert killing.changes == at
    world.transport = Scripted(world, instead=damaged)
    again = await world.open()
    again.journal = connection.journal
    (entry,) = await again.changes.unfinished()
    report = await finished(again.changes.finishing(entry, await again.changes.plan_rest(entry)))
    assert report.is_complete, report
    assert report.notices == ()
    assert await again.changes.unfinished() == []
    tags = {tag: digest for tag, digest in before[0].items() if tag not in ("alone", "shared-1")}
    assert (await world.tags(REPOSITORY), revisions(world)) == (tags, before[1])


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
@pytest.mark.parametrize("at", [1, 2, 3])
async def test_a_tag_that_could_not_be_read_goes_when_it_is_finished_as_was_confirmed(
    version: Version, at: int
) -> None:
    world = await filled(version)
    await world.image(REPOSITORY, ["damaged"], ["damaged"])
    writes: list[str] = []

    def damaged(request: httpx.Request) -> int | None:
        """Until it is written anew."""
        if not request.url.path.endswith("/damaged"):
            return None
        if request.method in ("PUT", "DELETE"):
            writes.append(request.method)
        return 500 if not writes else None

    killing = Killing(world, at, does_it=True, inner=Scripted(world, instead=damaged))
    world.transport = killing
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["damaged", "alone", "shared-1"]))
    with suppress(Killed):
        await finished(connection.deleting(plan))
    world.transport = Scripted(world, instead=damaged)
    again = await world.open()
    again.journal = connection.journal
    (entry,) = await again.changes.unfinished()
    rest = await again.changes.plan_rest(entry)
    said = " ".join(rest_sentences(entry, rest))
    assert "changed since" not in said
    report = await finished(again.changes.finishing(entry, rest))
    assert report.is_complete, report
    assert {"damaged", "alone", "shared-1"}.isdisjoint(await world.tags(REPOSITORY)), report


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
async def test_a_run_that_goes_on_is_neither_put_back_nor_finished(version: Version) -> None:
    """What it does next would take away again what was put back, and nobody would know."""
    world = await filled(version)
    refused: list[str] = []

    async def another(name: str) -> None:
        again = await world.open()
        again.journal = connection.journal
        entry = await again.changes.entry(name)
        for plan in (again.changes.plan_undo(entry), again.changes.plan_rest(entry)):
            with pytest.raises(StillRunning) as caught:
                await plan
            refused.append(str(caught.value))

    connection = await world.open()
    running = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, ["alone", "multi"])))
    async for _ in running.outcomes():
        if running.report.run and not refused:
            await another(running.report.run)
    assert set(refused) == {
        f"{running.report.run} is still running, or being finished or undone in another window: "
        "nothing of it is put back or finished meanwhile. Wait for its end, or stop it where it runs."
    }
    assert running.report.is_complete
    assert (await connection.changes.plan_undo(await connection.changes.entry(running.report.run))).restoration.tags


async def _ending(session: Session, entry: Entry, how: str) -> RunningChange:
    if how == "undo":
        return session.changes.undoing(await session.changes.plan_undo(entry))
    return session.changes.finishing(entry, await session.changes.plan_rest(entry))


@pytest.mark.parametrize("at", [0, 1, 2, None])
@pytest.mark.parametrize(("first", "second"), [("undo", "finish"), ("finish", "undo"), ("undo", "undo")])
async def test_an_interrupted_run_is_ended_once(first: str, second: str, at: int | None) -> None:
    """Both are planned before either begins; the second comes after so many batches of the first, or after its end. The
    one would put back what the other deletes, or the journal would say of what the other deleted that it is undone."""
    world = await filled("2.8.2")
    tags, whole = await world.tags(REPOSITORY), revisions(world)
    found = await killed(world, ["shared-1", "alone", "multi"], 1, does_it=False)
    assert found is not None
    connection, entry = found
    other = await world.open()
    other.journal = connection.journal
    one, two = await _ending(connection, entry, first), await _ending(other, entry, second)
    did: list[str] = []

    async def second_one() -> None:
        with suppress(RunInUse):
            await finished(two)
            did.append(second)

    batches = 0
    with suppress(RunInUse):
        async for _ in one.outcomes():
            if batches == at:
                await second_one()
            batches += 1
        did.append(first)
    if at is None or at >= batches:
        await second_one()
    assert len(did) == 1
    assert await connection.changes.unfinished() == []
    undoing = await connection.changes.last()
    assert (undoing is None) == (did == ["undo"])
    if undoing is not None:
        assert not {"shared-1", "alone", "multi"} & set(await world.tags(REPOSITORY))
        await finished(connection.changes.undoing(await connection.changes.plan_undo(undoing)))
    assert (await world.tags(REPOSITORY), revisions(world)) == (tags, whole)


@pytest.mark.parametrize("how", ["undo", "finish"])
async def test_what_another_window_is_ending_is_refused_with_the_reason(how: str) -> None:
    world = await filled("2.8.2")
    found = await killed(world, ["shared-1", "alone", "multi"], 1, does_it=True)
    assert found is not None
    connection, entry = found
    ending = await _ending(connection, entry, how)
    before = await world.tags(REPOSITORY)
    held = connection.journal.hold(entry, connection.identity)
    with pytest.raises(RunInUse, match="is being finished or undone in another window: nothing was changed") as caught:
        await finished(ending)
    assert caught.value.reason
    assert await world.tags(REPOSITORY) == before
    assert [run.name for run in await connection.changes.unfinished()] == []
    held.close()
    assert [run.name for run in await connection.changes.unfinished()] == [entry.name]


async def test_a_tag_that_somebody_put_onto_the_empty_index_gets_the_image_when_it_is_put_back() -> None:
    world = await filled("2.8.2")
    found = await killed(world, ["shared-1"], 1, does_it=True)
    assert found is not None
    connection, entry = found
    (placeholder,) = entry.placeholders
    manifest = world.storage.manifest(REPOSITORY, placeholder)
    assert manifest is not None
    world.storage.put_manifest(REPOSITORY, manifest.data, manifest.media_type, "stable")
    before = await world.tags(REPOSITORY)
    assert before["stable"] == before["shared-1"] == placeholder
    report = await finished(connection.changes.undoing(await connection.changes.plan_undo(entry)))
    after = await world.tags(REPOSITORY)
    assert after["stable"] == after["shared-1"] == after["shared-2"]
    assert report.is_complete, report
    assert "stable was put meanwhile onto the empty index" in " ".join(report.notices)
    assert world.storage.manifest(REPOSITORY, placeholder) is None


async def test_a_tag_that_can_t_be_read_any_more_is_not_called_removed() -> None:
    """It was read when it was chosen: nobody knows what it is by now."""
    world = await filled("2.8.2")
    found = await killed(world, ["shared-1", "alone"], 1, does_it=True)
    assert found is not None
    connection, entry = found
    world.transport = Scripted(
        world,
        instead=lambda request: (
            500 if request.method in ("GET", "HEAD") and request.url.path.endswith("/shared-1") else None
        ),
    )
    again = await world.open()
    again.journal = connection.journal
    rest = await again.changes.plan_rest(entry)
    said = " ".join(rest_sentences(entry, rest))
    assert "shared-1 can't be read now, and stays." in said
    assert "changed since" not in said
    report = await finished(again.changes.finishing(entry, rest))
    done = {o.reference for o in report.outcomes if o.status is Status.DONE}
    assert f"{REPOSITORY}:shared-1" not in done
    assert "shared-1" in await world.tags(REPOSITORY)


async def test_a_placeholder_that_may_still_stand_keeps_a_run_unfinished() -> None:
    """Its tag can't be looked at: nothing says that it is gone."""
    world = await filled("2.8.2")
    found = await killed(world, FEW, 1, does_it=True)
    assert found is not None
    connection, entry = found
    world.transport = Scripted(
        world,
        instead=lambda request: (
            500
            if request.method == "DELETE" or (request.method == "HEAD" and request.url.path.endswith("/alone"))
            else None
        ),
    )
    again = await world.open()
    again.journal = connection.journal
    report = await finished(again.changes.finishing(entry, await connection.changes.plan_rest(entry)))
    assert not report.is_complete
    assert [one.name for one in await again.changes.unfinished()] == [entry.name]


async def test_what_could_not_be_reverted_whole_stays_to_be_reverted() -> None:
    world = await filled("2.8.2")
    before = await world.tags(REPOSITORY)
    # All placeholders are gone, and a manifest.
    found = await killed(world, MANY, len(MANY) + 2, does_it=True)
    assert found is not None
    connection, entry = found
    refusing = world.transport = Scripted(world)
    refusing.instead = lambda request: 403 if request.method == "PUT" and request.url.path.endswith("/v3") else None
    again = await world.open()
    again.journal = connection.journal
    report = await finished(again.changes.undoing(await again.changes.plan_undo(entry)))
    assert not report.is_complete
    assert "v3" not in await world.tags(REPOSITORY)
    assert entry.name in {one.name for one in await again.changes.unfinished()}

    refusing.instead = lambda _: None
    report = await finished(again.changes.undoing(await again.changes.plan_undo(entry)))
    assert report.is_complete
    assert await world.tags(REPOSITORY) == before
    assert await again.changes.unfinished() == []


@pytest.mark.parametrize("pushed", [["v3"], MANY], ids=["one", "all"])
@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
async def test_what_was_pushed_anew_and_not_put_back_can_be_overwritten_afterwards(
    version: Version, pushed: list[str]
) -> None:
    """The run that was killed is over for all that: nothing asks about it any more."""
    world = await filled(version)
    before = await world.tags(REPOSITORY)
    found = await killed(world, MANY, len(MANY) + 2, does_it=True)
    assert found is not None
    connection, entry = found
    for tag in pushed:
        await world.image(REPOSITORY, [f"{tag} anew"], [tag])
    changes = connection.changes
    await finished(changes.undoing(await changes.plan_undo(entry)))
    assert await changes.unfinished() == []
    again = await changes.entry(entry.name)
    assert set((await changes.plan_undo(again)).restoration.kept) == set(pushed)
    assert result_of(again, undone(await changes.entries())) == ("reverted, undone" if pushed != MANY else "reverted")
    last = await changes.last()
    assert (last.name if last else "") == (entry.name if pushed == MANY else "")
    report = await finished(changes.undoing(await changes.plan_undo(again, overwrite=True)))
    assert report.is_complete
    assert await world.tags(REPOSITORY) == before


async def test_what_lacked_something_when_the_run_was_put_back_can_be_put_back_once_it_does_not() -> None:
    world = await filled("3.1.1")
    before = await world.tags(REPOSITORY)
    found = await killed(world, FEW, 6, does_it=True)
    assert found is not None
    connection, entry = found
    layer = Digest.of(b"alone")
    data = world.storage.blobs[layer]
    world.storage.remove_blob(layer)
    changes = connection.changes
    await finished(changes.undoing(await changes.plan_undo(entry)))
    assert await world.tags(REPOSITORY) == {tag: digest for tag, digest in before.items() if tag != "alone"}
    assert await changes.unfinished() == []
    world.storage.blobs[layer] = data
    await world.client().upload_blob(REPOSITORY, b"alone")
    report = await finished(changes.undoing(await changes.plan_undo(await changes.entry(entry.name))))
    assert report.is_complete
    assert await world.tags(REPOSITORY) == before


async def killed_undo(
    world: World, connection: Session, entry: Entry, at: int, *, does_it: bool
) -> tuple[Session, Entry] | None:
    """The same of an undo of `entry`."""
    transport = world.transport = Killing(world, at, does_it=does_it)
    undoing = await world.open()
    undoing.journal = connection.journal
    undo = await undoing.changes.plan_undo(entry)
    with suppress(Killed):
        await finished(undoing.changes.undoing(undo))
    world.transport = None
    if transport.changes < at:
        return None
    again = await world.open()
    again.journal = connection.journal
    (found,) = await again.changes.unfinished()
    assert (found.kind, found.undoes) == (Kind.RESTORE, entry.name)
    return again, found


async def is_finished(world: World, connection: Session, entry: Entry, before: object, at: int) -> None:
    rest = await connection.changes.plan_rest_of_undo(entry)
    report = await finished(connection.changes.undoing(rest))
    assert report.is_complete, (at, report)
    assert (await world.tags(REPOSITORY), revisions(world)) == before, at
    assert await connection.changes.unfinished() == []
    assert (await connection.changes.entry(entry.name)).is_complete
    assert entry.undoes in undone(await connection.changes.entries())
    # All of it is one run, which tells of every tag.
    assert report.run == entry.name
    assert {o.reference for o in report.outcomes} >= {f"{REPOSITORY}:{tag}" for tag in entry.tags}


@pytest.mark.parametrize("does_it", [False, True], ids=["before", "after"])
async def test_an_undo_is_finished(does_it: bool) -> None:
    at = 0
    while True:
        at += 1
        world = await filled("2.8.2")
        before = await world.tags(REPOSITORY), revisions(world)
        connection = await world.open()
        plan = await connection.plan_deletion(Request(REPOSITORY, FEW))
        await finished(connection.deleting(plan))
        after = await world.tags(REPOSITORY), revisions(world)
        (deletion,) = await connection.changes.entries()
        found = await killed_undo(world, connection, deletion, at, does_it=does_it)
        if found is None:
            break
        await is_finished(world, *found, before, at)
        # And is taken back as one.
        (restore,) = [entry for entry in await found[0].changes.entries() if entry.kind is Kind.RESTORE]
        await finished(found[0].changes.undoing(await found[0].changes.plan_undo(restore)))
        assert (await world.tags(REPOSITORY), revisions(world)) == after, at
    assert at > 4


@pytest.mark.parametrize("does_it", [False, True], ids=["before", "after"])
async def test_an_undo_of_an_interrupted_deletion_is_finished_and_ends_both(does_it: bool) -> None:
    at = 0
    while True:
        at += 1
        world = await filled("2.8.2")
        before = await world.tags(REPOSITORY), revisions(world)
        found = await killed(world, MANY, 5, does_it=does_it)
        assert found is not None
        connection, deletion = found
        killed_again = await killed_undo(world, connection, deletion, at, does_it=does_it)
        if killed_again is None:
            break
        await is_finished(world, *killed_again, before, at)
        assert (await killed_again[0].changes.entry(deletion.name)).standing == ()
    assert at > 4


@pytest.mark.parametrize("back", [False, True], ids=["finished", "taken back"])
@pytest.mark.parametrize("does_it", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
async def test_an_undo_that_puts_back_and_deletes_is_one_run_wherever_it_is_killed(
    version: Version, does_it: bool, back: bool
) -> None:
    at = 0
    while True:
        at += 1
        world = await filled(version)
        connection = await world.open()
        changes = connection.changes
        plan = await connection.plan_deletion(Request(REPOSITORY, [*FEW, "v1"]))
        run = (await finished(connection.deleting(plan))).run
        await world.image(REPOSITORY, ["anew"], ["alone"])
        wanted = await world.tags(REPOSITORY)
        undo = await changes.plan_undo(await changes.entry(run), overwrite=True)
        run = (await finished(changes.undoing(undo))).run
        before = await world.tags(REPOSITORY)
        found = await killed_undo(world, connection, await changes.entry(run), at, does_it=does_it)
        if found is None:
            break
        again, entry = found
        assert run not in undone(await changes.entries()), at
        if back:
            report = await finished(again.changes.undoing(await again.changes.plan_undo(entry)))
        else:
            rest = await again.changes.plan_rest_of_undo(entry)
            assert undo_sentences(rest)
            report = await finished(again.changes.undoing(rest))
            assert report.run == entry.name
        assert report.is_complete, (at, report)
        assert await world.tags(REPOSITORY) == (before if back else wanted), at
        assert await changes.unfinished() == []
        assert (run in undone(await changes.entries())) is not back, at
    assert at > 3
    assert await world.tags(REPOSITORY) == wanted


async def test_what_was_pushed_before_an_undo_is_finished_stays() -> None:
    world = await filled("2.8.2")
    connection = await world.open()
    await finished(connection.deleting(await connection.plan_deletion(Request(REPOSITORY, FEW))))
    (deletion,) = await connection.changes.entries()
    found = await killed_undo(world, connection, deletion, 1, does_it=False)
    assert found is not None
    pushed = await world.image(REPOSITORY, ["pushed"], ["alone"])
    rest = await found[0].changes.plan_rest_of_undo(found[1])
    assert rest.restoration.kept == ("alone",)
    report = await finished(found[0].changes.undoing(rest))
    assert (await world.tags(REPOSITORY))["alone"] == pushed
    assert report.doubts == ()
    assert {"shared-1", "multi"} <= (await world.tags(REPOSITORY)).keys()


async def test_what_an_undo_was_to_overwrite_is_overwritten_when_it_is_finished() -> None:
    world = await filled("2.8.2")
    before = await world.tags(REPOSITORY)
    connection = await world.open()
    await finished(connection.deleting(await connection.plan_deletion(Request(REPOSITORY, FEW))))
    (deletion,) = await connection.changes.entries()
    await world.image(REPOSITORY, ["pushed"], ["alone"])
    transport = world.transport = Killing(world, 1, does_it=False)
    undoing = await world.open()
    undoing.journal = connection.journal
    undo = await undoing.changes.plan_undo(deletion, overwrite=True)
    with suppress(Killed):
        await finished(undoing.changes.undoing(undo))
    assert transport.changes
    world.transport = None
    again = await world.open()
    again.journal = connection.journal
    (entry,) = await again.changes.unfinished()
    report = await finished(again.changes.undoing(await again.changes.plan_rest_of_undo(entry)))
    assert report.is_complete
    assert await world.tags(REPOSITORY) == before
