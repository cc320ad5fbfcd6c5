"""The way back: what was deleted is there again, digest for digest, and nothing else was touched."""

import json
from collections.abc import Sequence

import httpx
import pytest

from regtui.deletion import cost
from regtui.deletion.entry import Kind
from regtui.deletion.inventory import stored
from regtui.deletion.reasons import Reason
from regtui.deletion.request import Request
from regtui.deletion.undo import StillRunning, Undo, undone
from regtui.deletion.undo_words import undo_sentences
from regtui.deletion.values import Action, Manifests, Report, Status
from regtui.deletion.words import report_sentences
from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.session.changes import RunningChange
from regtui.session.session import Session

from .scripted import Scripted
from .worlds import World

REPOSITORY = "team/app"


@pytest.fixture(params=["2.8.2", "3.1.1"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


async def finished(running: RunningChange) -> Report:
    async for _ in running.outcomes():
        pass
    return running.report


async def delete(connection: Session, *tags: str, digests: Sequence[Digest] = ()) -> Report:
    plan = await connection.plan_deletion(Request(REPOSITORY, tags, digests=digests))
    return await finished(connection.deleting(plan))


async def undo(connection: Session, run: str = "", *, overwrite: bool = False) -> tuple[Undo, Report]:
    changes = connection.changes
    entry = await changes.entry(run) if run else await changes.last()
    assert entry is not None
    plan = await changes.plan_undo(entry, overwrite=overwrite)
    return plan, await finished(changes.undoing(plan))


def revisions(world: World) -> set[str]:
    return set(world.storage.repositories[REPOSITORY].revisions)


async def test_an_index_and_its_children_come_back(world: World) -> None:
    amd, arm = await world.image(REPOSITORY, ["amd"]), await world.image(REPOSITORY, ["arm"], ["arm"])
    inner = await world.index(REPOSITORY, [amd])
    await world.put(
        REPOSITORY,
        {
            "schemaVersion": 2,
            "mediaType": mt.OCI_INDEX,
            "manifests": [
                {"mediaType": mt.OCI_INDEX, "digest": inner, "size": 1},
                {"mediaType": mt.OCI_MANIFEST, "digest": arm, "size": 1},
            ],
        },
        mt.OCI_INDEX,
        ["multi", "latest"],
    )
    before, manifests = await world.tags(REPOSITORY), revisions(world)
    connection = await world.open()
    assert (await delete(connection, "multi", "latest", "arm")).is_complete
    assert await world.tags(REPOSITORY) == {}

    _, report = await undo(connection)
    assert report.is_complete, report
    assert await world.tags(REPOSITORY) == before
    assert revisions(world) == manifests
    assert all([await world.is_whole(REPOSITORY, tag) for tag in before])
    assert {outcome.action for outcome in report.outcomes} == {Action.RESTORE}


async def test_a_tag_that_shared_its_image_comes_back_alone(world: World) -> None:
    await world.image(REPOSITORY, ["layer"], ["a", "b"])
    before = await world.tags(REPOSITORY)
    connection = await world.open()
    await delete(connection, "a")
    plan, report = await undo(connection)
    assert [tag.tag for tag in plan.restoration.tags] == ["a"]
    assert plan.restoration.manifests == ()
    assert report.is_complete
    assert await world.tags(REPOSITORY) == before


async def test_a_tag_whose_manifest_is_there_and_lacks_a_layer_is_not_promised(world: World) -> None:
    digest = await world.image(REPOSITORY, ["layer"], ["a", "b"])
    other = await world.image(REPOSITORY, ["other"], ["c", "d"])
    connection = await world.open()
    await delete(connection, "a", "c")
    (_, layer) = stored(await connection.manifest(REPOSITORY, digest)).needed_blobs
    world.storage.unlink_layer(REPOSITORY, layer)
    plan, report = await undo(connection)
    assert [tag.tag for tag in plan.restoration.tags] == ["c"]
    assert plan.restoration.lost.keys() == {f"{REPOSITORY}:a"}
    assert f"its layer {layer.short} is gone" in plan.restoration.lost[f"{REPOSITORY}:a"]
    assert [o.reference for o in report.outcomes if o.status is Status.DONE] == [f"{REPOSITORY}:c"]
    assert await world.tags(REPOSITORY) == {"b": digest, "c": other, "d": other}


async def test_what_another_window_has_put_back_meanwhile_is_not_said_to_be_done_here(world: World) -> None:
    await world.image(REPOSITORY, ["one"], ["a"])
    await world.image(REPOSITORY, ["two"], ["b"])
    connection = await world.open()
    deleted = await delete(connection, "a", "b")
    entry = await connection.changes.entry(deleted.run)
    plans = [await connection.changes.plan_undo(entry) for _ in range(2)]
    first, second = [await finished(connection.changes.undoing(plan)) for plan in plans]
    assert report_sentences(first)[0] == f"{REPOSITORY}: 2 tags put back."
    assert report_sentences(second)[:2] == [
        f"{REPOSITORY}: 0 tags put back.",
        "2 tags were there already, put back meanwhile.",
    ]
    assert second.is_complete


async def test_untagged_manifests_come_back_by_digest(world: World) -> None:
    digest = await world.image(REPOSITORY, ["left over"])
    await world.image(REPOSITORY, ["stays"], ["stays"])
    connection = await world.open()
    await delete(connection, digests=[digest])
    assert digest not in revisions(world)
    _, report = await undo(connection)
    assert [outcome.reference for outcome in report.outcomes] == [f"{REPOSITORY}@{digest}"]
    assert digest in revisions(world)


async def test_one_undo_after_another_goes_further_back(world: World) -> None:
    for tag in "abc":
        await world.image(REPOSITORY, [tag], [tag])
    connection = await world.open()
    await delete(connection, "a")
    await delete(connection, "b")
    await undo(connection)
    assert set(await world.tags(REPOSITORY)) == {"b", "c"}
    await undo(connection)
    assert set(await world.tags(REPOSITORY)) == {"a", "b", "c"}
    assert await connection.changes.last() is None


@pytest.mark.parametrize("when", ["planned", "checked"])
async def test_what_could_not_be_looked_at_for_a_moment_is_tried_by_the_next_undo(world: World, when: str) -> None:
    """Not so what is lost for good: then the run is undone as far as it goes, and the next goes further back."""
    for tag in "abc":
        await world.image(REPOSITORY, [tag], [tag])
    other = await world.image(REPOSITORY, ["other"], ["other"])
    before = await world.tags(REPOSITORY)
    transport = world.transport = Scripted(world)
    connection = await world.open()
    await delete(connection, "a")
    await delete(connection, "b", "c")
    entry = await connection.changes.last()
    assert entry is not None

    def ails(request: httpx.Request) -> int | None:
        return 502 if request.method in ("GET", "HEAD") and request.url.path.endswith("/manifests/c") else None

    transport.instead = ails if when == "planned" else transport.instead
    plan = await connection.changes.plan_undo(entry)
    world.storage.set_tag(REPOSITORY, "c", other)
    transport.instead = ails
    assert not (await finished(connection.changes.undoing(plan))).is_complete
    transport.instead = lambda _: None
    world.storage.untag(REPOSITORY, "c")
    again = await connection.changes.last()
    assert again is not None
    assert again.name == entry.name
    _, report = await undo(connection)
    assert report.is_complete
    assert await world.tags(REPOSITORY) == {tag: digest for tag, digest in before.items() if tag != "a"}
    last = await connection.changes.last()
    assert last is not None
    assert list(last.tags) == ["a"]


async def test_a_prune_that_goes_on_is_not_put_back_meanwhile(world: World) -> None:
    """Between two of its parts, too: what it deletes next would not come back with them."""
    await world.image(REPOSITORY, ["one"], ["one"])
    connection = await world.open()
    run = connection.journal.begin_prune(connection.identity, "")
    plan = await connection.plan_deletion(Request(REPOSITORY, ["one"]))
    part = await finished(connection.deleting(plan, part_of=run.name))
    prune = await connection.changes.entry(run.name)
    with pytest.raises(StillRunning, match=f"{run.name} is still running"):
        await connection.changes.parts_to_undo(prune)
    run.end((), interrupted=False)
    assert await connection.changes.parts_to_undo(prune) == {part.run: REPOSITORY}


async def test_of_a_prune_what_another_window_has_is_told_and_the_rest_put_back(world: World) -> None:
    repositories = ["r1", "r2", "r3"]
    connection = await world.open()
    run = connection.journal.begin_prune(connection.identity, "")
    for repository in repositories:
        await world.image(repository, ["one"], ["one"])
        plan = await connection.plan_deletion(Request(repository, ["one"]))
        await finished(connection.deleting(plan, part_of=run.name))
    run.end((), interrupted=False)
    changes = connection.changes
    parts = [await changes.entry(name) for name in await changes.parts_to_undo(await changes.entry(run.name))]
    undos = [await changes.plan_undo(part) for part in parts]
    held = connection.journal.hold(parts[1], connection.identity)
    report = await finished(changes.undoing_all(undos))
    held.close()
    told = {outcome.reference: (outcome.status, outcome.error) for outcome in report.outcomes}
    assert told["r1:one"] == told["r3:one"] == (Status.DONE, "")
    assert told["r2:one"] == (Status.FAILED, "not put back: it is being finished or undone in another window")
    assert [len(await world.tags(repository)) for repository in repositories] == [1, 0, 1]


async def test_what_stands_against_every_part_of_a_prune_is_told_of_each(world: World) -> None:
    transport = world.transport = Scripted(world)
    connection = await world.open()
    run = connection.journal.begin_prune(connection.identity, "")
    for repository in ["r1", "r2"]:
        await world.image(repository, ["one"], ["one"])
        plan = await connection.plan_deletion(Request(repository, ["one"]))
        await finished(connection.deleting(plan, part_of=run.name))
    run.end((), interrupted=False)
    changes = connection.changes
    parts = [await changes.entry(name) for name in await changes.parts_to_undo(await changes.entry(run.name))]
    undos = [await changes.plan_undo(part) for part in parts]
    transport.instead = lambda _: 401
    report = await finished(changes.undoing_all(undos))
    assert {outcome.status for outcome in report.outcomes} == {Status.FAILED}
    assert {outcome.reference for outcome in report.outcomes} == {"r1:one", "r2:one"}


async def test_an_undo_is_undone_and_that_undone_again(world: World) -> None:
    one = await world.image(REPOSITORY, ["one"])
    await world.index(REPOSITORY, [one], ["v1", "latest"])
    await world.image(REPOSITORY, ["stays"], ["stays"])
    before, manifests = await world.tags(REPOSITORY), revisions(world)
    connection = await world.open()
    await delete(connection, "v1", "latest")
    deleted, manifests_after = await world.tags(REPOSITORY), revisions(world)

    _, restored = await undo(connection)
    _, again = await undo(connection, restored.run)
    assert again.is_complete, again
    assert await world.tags(REPOSITORY) == deleted
    assert revisions(world) == manifests_after
    assert {outcome.action for outcome in again.outcomes} == {Action.UNTAG, Action.DELETE}

    _, back = await undo(connection)
    assert back.is_complete
    assert (await world.tags(REPOSITORY), revisions(world)) == (before, manifests)


async def test_undoing_an_undo_deletes_no_manifest_that_the_deletion_had_left(world: World) -> None:
    left = await world.image(REPOSITORY, ["left"], ["v1"])
    await world.image(REPOSITORY, ["stays"], ["stays"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["v1"], untagged=Manifests.LEFT))
    await finished(connection.deleting(plan))
    _, restored = await undo(connection)
    assert (await world.tags(REPOSITORY))["v1"] == left
    again, report = await undo(connection, restored.run)
    assert report.is_complete
    assert again.deletion is not None
    assert again.deletion.manifests == ()
    assert set(await world.tags(REPOSITORY)) == {"stays"}
    assert left in revisions(world)


async def test_undoing_an_undo_is_whole_also_where_manifests_would_be_left_by_default(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = await world.image(REPOSITORY, ["gone"], ["v1"])
    inner = await world.image(REPOSITORY, ["inner"])
    outer = await world.index(REPOSITORY, [inner], ["v2"])
    await world.image(REPOSITORY, ["stays"], ["stays"])
    connection = await world.open()
    await delete(connection, "v1", "v2")
    _, restored = await undo(connection)
    monkeypatch.setattr(cost, "EACH_TAG", 1000.0)
    _, report = await undo(connection, restored.run)
    assert report.is_complete
    assert not {gone, inner, outer} & revisions(world)


async def test_a_tag_pushed_anew_is_not_overwritten_unless_that_is_chosen(world: World) -> None:
    old = await world.image(REPOSITORY, ["old"], ["latest"])
    gone = await world.image(REPOSITORY, ["gone"], ["gone"])
    connection = await world.open()
    await delete(connection, "latest", "gone")
    new = await world.image(REPOSITORY, ["new"], ["latest"])

    plan, report = await undo(connection)
    assert plan.restoration.kept == ("latest",)
    assert await world.tags(REPOSITORY) == {"latest": new, "gone": gone}
    assert old in revisions(world)
    told = {outcome.reference: outcome for outcome in report.outcomes}
    assert told[f"{REPOSITORY}:latest"].status is Status.SKIPPED
    assert "pushed anew" in told[f"{REPOSITORY}:latest"].error

    (first,) = [e for e in await connection.changes.entries() if e.kind is Kind.DELETION]
    _, overwritten = await undo(connection, first.name, overwrite=True)
    assert await world.tags(REPOSITORY) == {"latest": old, "gone": gone}
    # Which is undone in its turn: what was pushed meanwhile comes back.
    _, report = await undo(connection, overwritten.run)
    assert report.is_complete
    assert await world.tags(REPOSITORY) == {"latest": new, "gone": gone}


async def test_what_an_undo_had_overwritten_with_goes_again_with_its_tags(world: World) -> None:
    old = await world.image(REPOSITORY, ["old"], ["latest"])
    await world.image(REPOSITORY, ["gone"], ["gone"])
    connection = await world.open()
    deleted = await delete(connection, "latest", "gone")
    await world.image(REPOSITORY, ["new"], ["latest"])
    before = await world.tags(REPOSITORY), revisions(world)
    _, restored = await undo(connection, deleted.run, overwrite=True)
    with_old = await world.tags(REPOSITORY), revisions(world)
    assert old in with_old[1]
    _, report = await undo(connection, restored.run)
    assert report.is_complete
    assert report.doubts == report.notices == ()
    assert (await world.tags(REPOSITORY), revisions(world)) == before
    _, report = await undo(connection, report.run)
    assert report.is_complete
    assert await world.tags(REPOSITORY) == with_old[0]


async def overwritten_and_brought(world: World) -> tuple[Session, Undo, Digest]:
    """A connection, and the plan of undoing an undo that overwrote `latest`, now to come back, and brought `gone`."""
    await world.image(REPOSITORY, ["old"], ["latest"])
    await world.image(REPOSITORY, ["gone"], ["gone"])
    connection = await world.open()
    deleted = await delete(connection, "latest", "gone")
    new = await world.image(REPOSITORY, ["new"], ["latest"])
    _, restored = await undo(connection, deleted.run, overwrite=True)
    return connection, await connection.changes.plan_undo(await connection.changes.entry(restored.run)), new


async def test_what_was_put_over_what_comes_back_goes_too(world: World) -> None:
    connection, plan, new = await overwritten_and_brought(world)
    before = await world.tags(REPOSITORY)
    report = await finished(connection.changes.undoing(plan))
    assert report.is_complete, report
    assert await world.tags(REPOSITORY) == {"latest": new}
    assert revisions(world) == {new}
    # Which is taken back as well.
    _, again = await undo(connection, report.run)
    assert again.is_complete, again
    assert await world.tags(REPOSITORY) == before


async def test_a_tag_that_could_not_be_put_back_is_not_said_to_be_pushed_by_somebody_else(world: World) -> None:
    transport = world.transport = Scripted(world)
    connection, plan, _ = await overwritten_and_brought(world)
    transport.instead = lambda request: (
        403 if request.method == "PUT" and request.url.path.endswith("/latest") else None
    )
    report = await finished(connection.changes.undoing(plan))
    failed = [o.reference for o in report.outcomes if o.action is Action.RESTORE and o.status is Status.FAILED]
    assert failed == [f"{REPOSITORY}:latest"]
    assert "somebody else" not in " ".join(report_sentences(report))


@pytest.mark.parametrize("when", ["before the plan", "after the plan"])
async def test_manifests_come_back_without_the_tags_that_were_pushed_anew(world: World, when: str) -> None:
    await world.image(REPOSITORY, ["one"], ["1.0"])
    children = [await world.image(REPOSITORY, [layer]) for layer in ("amd", "arm")]
    await world.index(REPOSITORY, children, ["multi"])
    old = revisions(world)
    connection = await world.open()
    assert (await delete(connection, "1.0", "multi")).is_complete
    entry = await connection.changes.last()
    assert entry is not None
    plan = await connection.changes.plan_undo(entry)
    await world.image(REPOSITORY, ["one, anew"], ["1.0"])
    await world.image(REPOSITORY, ["multi, anew"], ["multi"])
    pushed, both = await world.tags(REPOSITORY), old | revisions(world)
    if when == "before the plan":
        plan = await connection.changes.plan_undo(entry)
        assert plan.restoration.tags == ()
        assert undo_sentences(plan) == [
            "4 manifests will be stored by digest, without a tag of theirs: children before the index that names them.",
            "1.0, multi were pushed anew since, and stay as pushed.",
        ]
    report = await finished(connection.changes.undoing(plan))
    assert (await world.tags(REPOSITORY), revisions(world)) == (pushed, both)
    assert report.count(Action.RESTORE, Status.DONE) == 4
    assert report.count(Action.RESTORE, Status.SKIPPED) == 2
    # Nothing is left to be put back, unless the tags are overwritten; what came back is what is taken away again.
    assert (await connection.changes.plan_undo(entry)).is_empty
    assert await connection.changes.last() == entry
    assert len((await connection.changes.plan_undo(entry, overwrite=True)).restoration.tags) == 2
    _, report = await undo(connection, report.run)
    assert report.is_complete
    assert (await world.tags(REPOSITORY), revisions(world)) == (pushed, both - old)


async def test_what_somebody_else_deleted_does_not_come_back_without_its_tag(world: World) -> None:
    """It was no part of the run, whose tag shared it."""
    shared = await world.image(REPOSITORY, ["shared"], ["alias", "keep"])
    connection, somebody = await world.open(), await world.open()
    assert (await delete(connection, "alias")).is_complete
    entry = await connection.changes.last()
    assert entry is not None
    await world.image(REPOSITORY, ["anew"], ["alias"])
    assert (await delete(somebody, "keep")).is_complete
    assert shared not in revisions(world)
    assert (await connection.changes.plan_undo(entry)).is_empty


async def test_what_is_put_back_and_what_is_taken_away_are_told_as_one(world: World) -> None:
    connection, plan, new = await overwritten_and_brought(world)
    before = await world.tags(REPOSITORY)
    assert {(row.action, row.reference.rpartition(":")[2]) for row in plan.rows} >= {
        (Action.RESTORE, "latest"),
        (Action.UNTAG, "gone"),
    }
    running = connection.changes.undoing(plan)
    told = [outcome async for batch in running.outcomes() for outcome in batch]
    assert await world.tags(REPOSITORY) == {"latest": new}
    report = running.report
    done = {outcome.action for outcome in report.outcomes if outcome.status is Status.DONE}
    assert done == {Action.RESTORE, Action.UNTAG, Action.DELETE} == {outcome.action for outcome in told}
    assert report.is_complete
    # One run does both: so it is taken back as one.
    newest, *older = await connection.changes.entries()
    assert (report.run, newest.kind, len(older)) == (newest.name, Kind.RESTORE, 2)
    assert newest.undoes in undone([newest, *older])
    again = await connection.changes.plan_undo(newest)
    assert [tag.tag for tag in again.restoration.tags] == ["gone", "latest"]
    assert (await finished(connection.changes.undoing(again))).is_complete
    assert await world.tags(REPOSITORY) == before
    assert newest.undoes not in undone(await connection.changes.entries())


async def test_a_stop_holds_for_what_would_be_taken_away_as_well(world: World) -> None:
    connection, plan, new = await overwritten_and_brought(world)
    running = connection.changes.undoing(plan)
    async for batch in running.outcomes():
        if batch:
            running.stop()
    tags = await world.tags(REPOSITORY)
    assert tags["latest"] == new
    assert "gone" in tags
    assert running.report.interrupted
    untagged = [outcome for outcome in running.report.outcomes if outcome.action is Action.UNTAG]
    assert [(outcome.status, outcome.reason) for outcome in untagged] == [(Status.SKIPPED, Reason.STOPPED)]


async def test_a_tag_pushed_after_the_plan_was_shown_stays(world: World) -> None:
    await world.image(REPOSITORY, ["old"], ["latest"])
    connection = await world.open()
    await delete(connection, "latest")
    entry = await connection.changes.last()
    assert entry is not None
    plan = await connection.changes.plan_undo(entry)
    new = await world.image(REPOSITORY, ["new"], ["latest"])
    report = await finished(connection.changes.undoing(plan))
    assert await world.tags(REPOSITORY) == {"latest": new}
    assert [o.status for o in report.outcomes if o.reference.endswith(":latest")] == [Status.SKIPPED]


async def test_a_manifest_that_went_though_its_tag_was_moved_away_comes_back() -> None:
    world = World("2.8.2")  # where a tag is left to its manifest's DELETE
    old = await world.image(REPOSITORY, ["old"], ["v1"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["v1"]))
    new = await world.image(REPOSITORY, ["new"], ["v1"])
    report = await finished(connection.deleting(plan))
    assert [(o.reference.rpartition("/")[2], o.status) for o in report.outcomes] == [
        ("app:v1", Status.SKIPPED),
        (f"app@{old}", Status.DONE),
    ]
    await undo(connection)
    assert await world.tags(REPOSITORY) == {"v1": new}
    assert old in revisions(world)


async def test_a_tag_that_can_t_be_looked_at_any_more_is_left_alone(world: World) -> None:
    await world.image(REPOSITORY, ["old"], ["latest", "other"])
    connection = await world.open()
    deleted = await delete(connection, "latest")
    entry = await connection.changes.entry(deleted.run)
    pushed = await world.image(REPOSITORY, ["new"], ["latest"])
    transport = world.transport = Scripted(world)
    again = await world.open()
    again.journal = connection.journal
    plan = await again.changes.plan_undo(entry, overwrite=True)
    transport.instead = lambda request: 500 if request.url.path.endswith("/manifests/latest") else None
    report = await finished(again.changes.undoing(plan))
    assert [outcome.status for outcome in report.outcomes] == [Status.FAILED]
    assert "could not be checked" in report.outcomes[0].error
    assert (await world.tags(REPOSITORY))["latest"] == pushed
    assert transport.sent == []


async def test_what_could_not_be_looked_up_is_not_taken_for_gone(world: World) -> None:
    digest = await world.image(REPOSITORY, ["one"], ["one"])
    await world.image(REPOSITORY, ["two"], ["two"])
    connection = await world.open()
    deleted = await delete(connection, "one", "two")
    entry = await connection.changes.entry(deleted.run)
    await world.image(REPOSITORY, ["new"], ["two"])
    transport = world.transport = Scripted(world)
    again = await world.open()
    again.journal = connection.journal
    hidden = (f"/manifests/{digest}", "/manifests/two")
    transport.instead = lambda request: 500 if request.url.path.endswith(hidden) else None
    plan = await again.changes.plan_undo(entry)
    assert plan.is_empty
    assert plan.restoration.lost.keys() == {f"{REPOSITORY}:one", f"{REPOSITORY}:two"}
    assert all("could not be looked up" in reason for reason in plan.restoration.lost.values())


async def test_what_was_put_back_is_in_the_journal_and_nothing_else(world: World) -> None:
    digest = await world.image(REPOSITORY, ["left over"])
    await world.image(REPOSITORY, ["gone"], ["gone"])
    moved = await world.image(REPOSITORY, ["moved"], ["moved"])
    connection = await world.open()
    await delete(connection, "gone", "moved", digests=[digest])
    await world.image(REPOSITORY, ["new"], ["moved"])
    _, report = await undo(connection)
    entry = await connection.changes.entry(report.run)
    done = {outcome for outcome in report.outcomes if outcome.status is Status.DONE}
    assert {outcome.reference.removeprefix(REPOSITORY) for outcome in done} == {":gone", f"@{digest}", f"@{moved}"}
    assert set(entry.results) == done


async def test_what_was_collected_is_named_and_the_rest_comes_back(world: World) -> None:
    lost = await world.image(REPOSITORY, ["lost layer"], ["lost"])
    kept = await world.image(REPOSITORY, ["kept layer"], ["kept"])
    await world.index(REPOSITORY, [lost, kept], ["multi"])
    connection = await world.open()
    await delete(connection, "lost", "kept", "multi")
    layer = Digest.of(b"lost layer")
    world.storage.remove_blob(layer)

    plan, report = await undo(connection)
    assert await world.tags(REPOSITORY) == {"kept": kept}
    assert layer.short in plan.restoration.lost[f"{REPOSITORY}:lost"]
    assert layer.short in plan.restoration.lost[f"{REPOSITORY}:multi"]
    failed = {outcome.reference for outcome in report.outcomes if outcome.status is Status.FAILED}
    assert {f"{REPOSITORY}:lost", f"{REPOSITORY}:multi"} <= failed
    assert not report.is_complete


async def test_layers_that_are_kept_elsewhere_are_not_missed(world: World) -> None:
    """Windows' base layers: a registry that is set up for them takes an image that names where they are."""
    client = world.client()
    config = await client.upload_blob(REPOSITORY, b'{"os": "windows", "architecture": "amd64"}')
    elsewhere = {
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "digest": Digest.of(b"base"),
        "size": 4,
        "urls": ["https://mcr.example.com/base"],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": mt.DOCKER_MANIFEST,
        "config": {"mediaType": mt.DOCKER_CONFIG, "digest": config, "size": 42},
        "layers": [elsewhere],
    }
    world.storage.put_manifest(REPOSITORY, json.dumps(manifest).encode(), mt.DOCKER_MANIFEST, "windows")
    connection = await world.open()
    await delete(connection, "windows")
    entry = await connection.changes.last()
    assert entry is not None
    plan = await connection.changes.plan_undo(entry)
    assert plan.restoration.lost == {}
    assert [tag.tag for tag in plan.restoration.tags] == ["windows"]


async def test_after_a_collection_of_everything_nothing_is_put_back(world: World) -> None:
    await world.image(REPOSITORY, ["layer"], ["a"])
    connection = await world.open()
    await delete(connection, "a")
    world.storage.collect()
    plan, _ = await undo(connection)
    assert plan.is_empty
    assert "its layer" in plan.restoration.lost[f"{REPOSITORY}:a"]
    assert await world.tags(REPOSITORY) == {}


async def test_a_stopped_undo_says_what_it_did_and_the_next_does_the_rest(world: World) -> None:
    for number in range(30):
        await world.image(REPOSITORY, [str(number)], [f"v{number}"])
    before = await world.tags(REPOSITORY)
    connection = await world.open()
    await delete(connection, *before)
    entry = await connection.changes.last()
    assert entry is not None
    running = connection.changes.undoing(await connection.changes.plan_undo(entry))
    async for batch in running.outcomes():
        if batch:
            running.stop()
    assert running.report.interrupted
    back = {o.reference.rpartition(":")[2] for o in running.report.outcomes if o.status is Status.DONE}
    assert set(await world.tags(REPOSITORY)) == back
    assert 0 < len(back) < 30

    _, report = await undo(connection)
    assert report.is_complete, report
    assert await world.tags(REPOSITORY) == before


class Forgetful(httpx.AsyncBaseTransport):
    """A registry that wasn't restarted after a collection: 201, and nothing is there."""

    def __init__(self, inner: LocalTransport[MemoryStorage]) -> None:
        self._inner = inner
        self.put: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT" and "regtui-probe" not in request.url.path:
            self.put.append(request.url.path.rpartition("/")[2])
            return httpx.Response(201)
        return await self._inner.handle_async_request(request)


async def test_a_registry_that_says_201_and_lies_is_found_out(world: World) -> None:
    await world.image(REPOSITORY, ["layer"], ["a"])
    connection = await world.open()
    await delete(connection, "a")
    entry = await connection.changes.last()
    assert entry is not None
    forgetful = world.transport = Forgetful(LocalTransport(world.storage, world.version))
    lying = await world.open()
    lying.journal = connection.journal
    report = await finished(lying.changes.undoing(await lying.changes.plan_undo(entry)))
    assert [outcome.status for outcome in report.outcomes] == [Status.FAILED]
    assert "doesn't have it" in report.outcomes[0].error
    # By its digest alone: a tag would lead to nothing since.
    assert forgetful.put == [str(entry.tags["a"])]


async def test_without_the_right_to_push_it_is_said_before_anything_is_tried(world: World) -> None:
    await world.image(REPOSITORY, ["layer"], ["a"])
    connection = await world.open()
    await delete(connection, "a")
    entry = await connection.changes.last()
    assert entry is not None
    world.transport = LocalTransport(world.storage, world.version, read_only=True)
    refusing = await world.open()
    plan = await refusing.changes.plan_undo(entry)
    assert "read-only" in plan.obstacle


async def test_undoing_an_undo_leaves_a_tag_alone_that_was_pushed_since(world: World) -> None:
    await world.image(REPOSITORY, ["old"], ["v1", "v2"])
    connection = await world.open()
    await delete(connection, "v1", "v2")
    _, restored = await undo(connection)
    pushed = await world.image(REPOSITORY, ["new"], ["v1"])
    await undo(connection, restored.run)
    assert await world.tags(REPOSITORY) == {"v1": pushed}


class Rewriting(httpx.AsyncBaseTransport):
    """As 2.x: while a manifest is put its link is written anew in place, and an index over it is refused."""

    def __init__(self, world: World) -> None:
        self._inner = Scripted(world)
        self._inner.turns = 5
        self._under_way: list[str] = []
        self.refused = 0
        self.elsewhere: list[str] = []
        """Digests that somebody else puts, each for one request."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "PUT" or "/manifests/" not in request.url.path:
            return await self._inner.handle_async_request(request)
        body = request.content
        named = {child["digest"] for child in json.loads(body).get("manifests", ())}
        if missing := named & {*self._under_way, *self.elsewhere}:
            self.elsewhere = [digest for digest in self.elsewhere if digest not in missing]
            self.refused += 1
            errors = [{"code": "MANIFEST_BLOB_UNKNOWN", "message": "blob unknown to registry", "detail": min(missing)}]
            return httpx.Response(400, json={"errors": errors})
        self._under_way.append(Digest.of(body))
        try:
            return await self._inner.handle_async_request(request)
        finally:
            self._under_way.remove(Digest.of(body))


async def nested(world: World) -> list[Digest]:
    """An image, an index over it and an index over that, each with tags."""
    image = await world.image(REPOSITORY, ["layer"], ["a1", "a2"])
    inner = await world.index(REPOSITORY, [image], ["b1", "b2"])
    return [image, inner, await world.index(REPOSITORY, [inner], ["c1", "c2"])]


async def test_tags_of_an_index_come_after_those_of_what_is_below(world: World) -> None:
    await nested(world)
    before = await world.tags(REPOSITORY)
    connection = await world.open()
    await delete(connection, *before)
    transport = world.transport = Rewriting(world)
    connection_ = await world.open()
    entry = await connection.changes.last()
    assert entry is not None
    undoing = connection_.changes.undoing(await connection_.changes.plan_undo(entry))
    report = await finished(undoing)
    assert report.is_complete, report
    assert transport.refused == 0
    assert await world.tags(REPOSITORY) == before


async def test_an_index_is_tried_again_whose_child_somebody_else_is_just_pushing(world: World) -> None:
    image, inner, _ = await nested(world)
    before = await world.tags(REPOSITORY)
    connection = await world.open()
    await delete(connection, *before)
    transport = world.transport = Rewriting(world)
    transport.elsewhere = [image, inner]
    connection_ = await world.open()
    entry = await connection.changes.last()
    assert entry is not None
    report = await finished(connection_.changes.undoing(await connection_.changes.plan_undo(entry)))
    assert report.is_complete, report
    assert transport.refused == 2
    assert await world.tags(REPOSITORY) == before
