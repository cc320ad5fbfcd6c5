"""The demo's garbage collection: what it says it frees is what goes, and nothing that is tagged is harmed."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from regtui.deletion.request import Request
from regtui.demo.collector import DemoCollector
from regtui.demo.reachable import missing_blobs
from regtui.demo.sample import sample_storage
from regtui.garbage.values import Choices, CollectionReport, Event, Stage, StageStatus
from regtui.host.keep_out import KeepOut
from regtui.local.dialect import Version
from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport
from regtui.registry.settings import HttpSettings
from regtui.session.opening import open_session
from regtui.session.target import demo_target
from tests.unit.local.test_memory import index, publish

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
VERSIONS: list[Version] = ["2.8.2", "3.1.1"]


async def at_once(_: float) -> None:
    """No waiting: nobody watches."""


def collector(storage: MemoryStorage, version: Version = "2.8.2") -> DemoCollector:
    return DemoCollector(storage, version, at_once)


async def collected(made: DemoCollector, choices: Choices) -> tuple[CollectionReport, list[Event]]:
    await made.survey()
    await made.forecast(choices)
    return made.report, [event async for event in made.collect(choices)]


def bytes_in(storage: MemoryStorage) -> int:
    return sum(blob.size for blob in storage.blobs.values())


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("untagged", [False, True])
async def test_the_forecast_is_what_is_freed_to_the_byte(version: Version, untagged: bool) -> None:
    storage = sample_storage(NOW)
    made, choices = collector(storage, version), Choices(untagged=untagged)
    forecast = await made.forecast(choices)
    before = bytes_in(storage)
    async for _ in made.collect(choices):
        pass
    assert forecast.bytes == made.report.freed == before - bytes_in(storage) > 0
    assert len(forecast.blobs) == made.report.blobs
    assert made.report.is_complete


async def test_a_forecast_changes_nothing() -> None:
    storage = sample_storage(NOW)
    before = (dict(storage.blobs), {name: list(r.revisions) for name, r in storage.repositories.items()})
    await collector(storage).forecast(Choices(untagged=True))
    assert before == (dict(storage.blobs), {name: list(r.revisions) for name, r in storage.repositories.items()})


@pytest.mark.parametrize("version", VERSIONS)
async def test_untagged_images_go_and_every_tag_keeps_all_its_blobs(version: Version) -> None:
    storage = MemoryStorage()
    digest, children = index(storage, "team/app", "1.0")
    left_over = publish(storage, "team/app", "old")
    made = collector(storage, version)
    await collected(made, Choices(untagged=True))
    assert left_over not in storage.blobs
    assert missing_blobs(storage, [digest]) == []
    assert all(child in storage.blobs for child in children)
    assert made.report.verified is not None
    assert (made.report.verified.checked, made.report.verified.broken) == (1, ())


async def test_only_2_x_puts_the_children_of_tagged_indexes_at_risk() -> None:
    storage = MemoryStorage()
    index(storage, "team/app", "1.0")
    assert (await collector(storage, "2.8.2").forecast(Choices())).at_risk == (
        "team/app: 2 platform images of tagged indexes",
    )
    assert (await collector(storage, "3.1.1").forecast(Choices())).at_risk == ()


async def test_stages_come_in_order_each_with_its_end() -> None:
    _, events = await collected(collector(sample_storage(NOW)), Choices(untagged=True))
    ended = [event.stage for event in events if event.status is StageStatus.DONE]
    assert ended == [Stage.UNTAGGED, Stage.KEEP_OUT, Stage.COLLECT, Stage.BRING_BACK, Stage.VERIFY]
    assert all(later.bytes >= sooner.bytes for sooner, later in itertools.pairwise(events))


async def test_online_stops_nothing_and_restarts_in_the_end() -> None:
    made = collector(sample_storage(NOW))
    _, events = await collected(made, Choices(keep_out=KeepOut.ONLINE))
    assert (Stage.KEEP_OUT, StageStatus.SKIPPED) in made.report.stages
    assert any("restarted" in event.text for event in events if event.stage is Stage.BRING_BACK)
    assert not any("docker stop" in line for line in made.commands(Choices(keep_out=KeepOut.ONLINE)))


async def test_stopped_before_the_sweep_frees_nothing_and_brings_the_registry_back() -> None:
    storage = sample_storage(NOW)
    made = collector(storage)
    before = bytes_in(storage)
    await made.forecast(Choices())
    async for event in made.collect(Choices()):
        if event.stage is Stage.KEEP_OUT:
            made.stop()
    assert bytes_in(storage) == before
    assert made.report.freed is None
    assert made.report.is_up
    assert not made.report.is_complete


async def test_empty_repositories_are_found_and_removed_only_while_they_are_empty() -> None:
    storage = sample_storage(NOW)
    made = collector(storage)
    await collected(made, Choices())
    assert made.report.empty_repositories == ("sandbox/empty",)
    assert await made.remove_empty(("sandbox/empty", "fullstack/common")) == ("sandbox/empty",)
    assert "sandbox/empty" not in storage.repositories
    assert "fullstack/common" in storage.repositories


async def test_an_upload_in_progress_keeps_its_repository() -> None:
    storage = sample_storage(NOW)
    storage.start_upload("sandbox/empty")
    made = collector(storage)
    await collected(made, Choices())
    assert made.report.empty_repositories == ()
    assert (await made.survey()).uploads == 1


async def test_after_a_collection_undo_says_what_is_lost() -> None:
    transport = LocalTransport(sample_storage(NOW), "2.8.2")
    made = replace(demo_target(), http=HttpSettings(transport=transport))
    connection = await open_session(made)
    deleting = connection.deleting(await connection.plan_deletion(Request("fullstack/common", ["0.0.9"])))
    async for _ in deleting.outcomes():
        pass
    entry = await connection.changes.last()
    assert entry is not None
    before = await connection.changes.plan_undo(entry)
    assert before.restoration.lost == {}
    await collected(collector(transport.storage), Choices())
    after = await connection.changes.plan_undo(entry)
    assert "are gone from the registry" in after.restoration.lost["fullstack/common:0.0.9"]
    await connection.close()
