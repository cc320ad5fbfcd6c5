"""The disk fills up while something is changed: what was done by then is never denied."""

import errno
import io
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from regtui.deletion.journal import Journal, JournalFailed
from regtui.deletion.request import Request
from regtui.deletion.values import Action, Status
from regtui.deletion.words import report_sentences
from regtui.local.transport import LocalTransport
from regtui.registry.identity import RegistryId

from .worlds import World

REPOSITORY = "team/app"


class Disk:
    """Takes what is written to the journal until it is full."""

    is_full = False


class File(io.FileIO):
    disk = Disk

    def write(self, data: Any) -> int:
        if self.disk.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


class Filling(httpx.AsyncBaseTransport):
    """The disk is full from the first real change on."""

    def __init__(self, world: World) -> None:
        self._inner = LocalTransport(world.storage, world.version)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reference = request.url.path.rpartition("/")[2]
        is_probe = "regtui-probe" in reference or reference.startswith("sha256:0000")
        Disk.is_full = Disk.is_full or (request.method in ("PUT", "DELETE") and not is_probe)
        return await self._inner.handle_async_request(request)


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    fdopen = os.fdopen

    def opened(handle: int, mode: str, encoding: str | None = None, errors: str | None = None) -> Any:
        if "b" in mode:
            return fdopen(handle, mode)
        return io.TextIOWrapper(io.BufferedWriter(File(handle, mode)), encoding, errors)

    monkeypatch.setattr("regtui.deletion.journal_storage.os.fdopen", opened)
    monkeypatch.setattr(Disk, "is_full", False)


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
async def test_what_was_deleted_is_told_and_so_is_that_its_end_is_not_recorded(version: Any, tmp_path: Path) -> None:
    world = World(version)
    await world.image(REPOSITORY, ["one"], ["one"])
    await world.image(REPOSITORY, ["shared"], ["a", "b"])
    world.transport = Filling(world)
    connection = await world.open()
    connection.journal = Journal(tmp_path)
    deleting = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, ["one", "a"])))
    async for _ in deleting.outcomes():
        pass
    report = deleting.report
    assert report.count(Action.UNTAG, Status.DONE) == 2
    assert set(await world.tags(REPOSITORY)) == {"b"}
    assert not report.is_complete
    told = " ".join(report_sentences(report))
    assert "can't be recorded in the journal (no space left on device)" in told
    assert "Nothing was changed" not in told
    # When there is room again, it can be ended or taken back, as after a crash.
    Disk.is_full, world.transport = False, None
    connection = await world.open()
    connection.journal = Journal(tmp_path)
    (entry,) = await connection.changes.unfinished()
    undoing = connection.changes.undoing(await connection.changes.plan_undo(entry))
    async for _ in undoing.outcomes():
        pass
    assert undoing.report.is_complete
    assert set(await world.tags(REPOSITORY)) == {"one", "a", "b"}
    assert await connection.changes.unfinished() == []


async def test_what_was_put_back_is_told(tmp_path: Path) -> None:
    world = World("3.1.1")
    await world.image(REPOSITORY, ["one"], ["one"])
    connection = await world.open()
    connection.journal = Journal(tmp_path)
    deleting = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, ["one"])))
    async for _ in deleting.outcomes():
        pass
    world.transport = Filling(world)
    connection = await world.open()
    connection.journal = Journal(tmp_path)
    entry = await connection.changes.last()
    assert entry is not None
    undoing = connection.changes.undoing(await connection.changes.plan_undo(entry))
    async for _ in undoing.outcomes():
        pass
    assert set(await world.tags(REPOSITORY)) == {"one"}
    assert "can't be recorded in the journal" in " ".join(report_sentences(undoing.report))


async def test_what_can_t_be_recorded_midway_stays_and_the_rest_is_told_row_by_row(tmp_path: Path) -> None:
    """Signatures take a placeholder of their own, which has to be recorded before it is used."""
    world = World("2.8.2")
    tags = [f"v{number}" for number in range(12)]
    signatures = []
    for tag in tags:
        image = await world.image(REPOSITORY, [tag], [tag])
        signatures.append(f"{image.replace(':', '-')}.sig")
        await world.image(REPOSITORY, [f"signature of {tag}"], [signatures[-1]])
    before = await world.tags(REPOSITORY)
    world.transport = Filling(world)
    connection = await world.open()
    connection.journal = Journal(tmp_path)
    deleting = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, [*tags, *signatures])))
    async for _ in deleting.outcomes():
        pass
    report = deleting.report
    rows = {
        outcome.reference.rpartition(":")[2]: outcome for outcome in report.outcomes if "@" not in outcome.reference
    }
    now = await world.tags(REPOSITORY)
    assert {tag for tag, row in rows.items() if row.status is Status.DONE} == before.keys() - now.keys()
    assert {tag for tag in tags if rows[tag].status is Status.DONE} == set(tags)
    refused = [row.error for row in rows.values() if row.status is Status.FAILED]
    assert refused == ["not done, as it can't be recorded in the journal: no space left on device"] * len(now)
    assert report.run
    assert "Nothing was changed" not in " ".join(report_sentences(report))
    Disk.is_full, world.transport = False, None
    connection = await world.open()
    connection.journal = Journal(tmp_path)
    undoing = connection.changes.undoing(await connection.changes.plan_undo(await connection.changes.entry(report.run)))
    async for _ in undoing.outcomes():
        pass
    assert undoing.report.is_complete
    assert await world.tags(REPOSITORY) == before


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
async def test_where_it_can_t_be_begun_each_row_says_so_and_nothing_was_changed(version: Any, tmp_path: Path) -> None:
    world = World(version)
    await world.image(REPOSITORY, ["one"], ["one"])
    await world.image(REPOSITORY, ["shared"], ["a", "b"])
    before = await world.tags(REPOSITORY)
    connection = await world.open()
    connection.journal = Journal(tmp_path)
    deleting = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, ["one", "a"])))
    Disk.is_full = True
    async for _ in deleting.outcomes():
        pass
    report = deleting.report
    assert len(report.outcomes) == 3
    assert {(o.status, o.error) for o in report.outcomes if o.action is Action.UNTAG} == {
        (Status.FAILED, "not done, as it can't be recorded in the journal: no space left on device")
    }
    assert not any(outcome.status is Status.DONE for outcome in report.outcomes)
    assert report_sentences(report)[-1] == (
        "What would go can't be recorded in the journal (no space left on device). "
        "Make room or set XDG_STATE_HOME to a directory that can be written."
    )
    assert not report.run
    assert await world.tags(REPOSITORY) == before


async def test_an_undo_that_puts_back_and_deletes_tells_both(tmp_path: Path) -> None:
    world = World("3.1.1")
    await world.image(REPOSITORY, ["one"], ["a"])
    await world.image(REPOSITORY, ["two"], ["b"])
    connection = await world.open()
    connection.journal = Journal(tmp_path)

    async def undone(run: str, *, overwrite: bool = False) -> Any:
        entry = await connection.changes.entry(run)
        undoing = connection.changes.undoing(await connection.changes.plan_undo(entry, overwrite=overwrite))
        async for _ in undoing.outcomes():
            pass
        return undoing.report

    deleting = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, ["a", "b"])))
    async for _ in deleting.outcomes():
        pass
    newer = await world.image(REPOSITORY, ["newer"], ["a"])
    restored = await undone(deleting.report.run, overwrite=True)
    before = await world.tags(REPOSITORY)
    Disk.is_full = True
    report = await undone(restored.run)
    assert await world.tags(REPOSITORY) == before
    assert {outcome.status for outcome in report.outcomes} <= {Status.FAILED, Status.SKIPPED}
    said = report_sentences(report)
    assert [line.startswith("What would go can't be recorded in ") for line in said].count(True) == 1
    # The one record of both has all that is needed.
    Disk.is_full, world.transport = False, Filling(world)
    connection = await world.open()
    connection.journal = Journal(tmp_path)
    report = await undone(restored.run)
    assert await world.tags(REPOSITORY) == {"a": newer}
    rows = {(o.action, o.reference): o.status for o in report.outcomes}
    assert rows[Action.RESTORE, f"{REPOSITORY}:a"] is rows[Action.UNTAG, f"{REPOSITORY}:b"] is Status.DONE
    assert "Nothing was changed" not in " ".join(report_sentences(report))
    assert report.run


def test_a_collection_that_can_t_be_recorded_is_not_called_undone(tmp_path: Path) -> None:
    Disk.is_full = True
    with pytest.raises(JournalFailed) as caught:
        Journal(tmp_path).record_collection(
            RegistryId("a"), host="here", stages=[], blobs=1, freed=1, seconds=1.0, result="done"
        )
    assert caught.value.message == (
        "The collection can't be recorded in the journal (no space left on device): regtui log will not tell of it."
    )
