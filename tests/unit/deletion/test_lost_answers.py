"""What the registry doesn't say, or says wrongly: the result is what is there, and what isn't known is told so."""

from collections import Counter

import httpx
import pytest

from regtui import bounds
from regtui.deletion.request import Request
from regtui.deletion.values import Action, Plan, Report, Status
from regtui.deletion.work import IN_FLIGHT
from regtui.local.dialect import Version
from regtui.oci.digest import Digest
from regtui.session.session import Session

from .scripted import NO_ANSWER, SILENCE, Answer, Scripted
from .worlds import World

REPOSITORY = "team/app"


@pytest.fixture
def world() -> World:
    """That which takes the most steps."""
    return World("2.8.2")


def scripted(world: World) -> Scripted:
    transport = world.transport = Scripted(world)
    return transport


async def execute(connection: Session, plan: Plan) -> Report:
    running = connection.deleting(plan)
    async for _ in running.outcomes():
        pass
    return running.report


def status_of(report: Report, action: Action) -> list[Status]:
    return [outcome.status for outcome in report.outcomes if outcome.action is action]


@pytest.mark.parametrize("answer", [502, NO_ANSWER])
async def test_a_delete_that_was_done_and_not_said_to_be_is_done(world: World, answer: int) -> None:
    transport = scripted(world)
    await world.image(REPOSITORY, ["layer"], ["a"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["a"]))
    transport.after = lambda request: answer if request.method == "DELETE" else None
    report = await execute(connection, plan)
    assert report.is_complete, report
    assert await world.tags(REPOSITORY) == {}


async def test_a_delete_of_which_nothing_can_be_learnt_is_not_called_done(world: World) -> None:
    transport = scripted(world)
    digest = await world.image(REPOSITORY, ["left over"])
    await world.image(REPOSITORY, ["stays"], ["stays"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, [], digests=[digest]))
    transport.instead = lambda request: 500 if request.url.path.endswith(digest) else None
    report = await execute(connection, plan)
    assert status_of(report, Action.DELETE) == [Status.FAILED]
    assert not report.is_complete


async def test_a_tag_shares_the_fate_of_the_manifest_that_it_was_left_to(world: World) -> None:
    transport = scripted(world)
    digest = await world.image(REPOSITORY, ["layer"], ["a"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["a"]))
    transport.instead = lambda request: 403 if request.method == "DELETE" else None
    report = await execute(connection, plan)
    assert await world.tags(REPOSITORY) == {"a": digest}
    assert status_of(report, Action.UNTAG) == [Status.FAILED] == status_of(report, Action.DELETE)
    # Why, and not only that it is still there.
    assert {outcome.error for outcome in report.outcomes} == {report.outcomes[0].error}
    assert "does not allow" in report.outcomes[0].error


async def test_a_placeholder_that_was_put_without_a_word_is_taken_away_too(world: World) -> None:
    transport = scripted(world)
    digest = await world.image(REPOSITORY, ["layer"], ["a", "b"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["a"]))
    transport.after = lambda request: 502 if request.method == "PUT" else None
    report = await execute(connection, plan)
    assert await world.tags(REPOSITORY) == {"b": digest}
    assert report.is_complete, report
    assert await connection.changes.unfinished() == []


async def test_many_tags_go_with_one_delete_before_any_manifest_is_searched_for(world: World) -> None:
    transport = scripted(world)
    names = [f"v{number}" for number in range(12)]
    for name in names:
        await world.image(REPOSITORY, [name], [name])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, names))
    report = await execute(connection, plan)
    assert report.is_complete
    puts, deletes = transport.sent[:12], transport.sent[12:]
    assert sorted(puts) == sorted(("PUT", name) for name in names)
    assert deletes[0] not in [("DELETE", manifest.digest) for manifest in plan.manifests]
    assert sorted(deletes[1:]) == sorted(("DELETE", str(manifest.digest)) for manifest in plan.manifests)


async def test_the_right_to_push_that_went_meanwhile_leaves_nothing_to_finish(world: World) -> None:
    transport = scripted(world)
    digest = await world.image(REPOSITORY, ["layer"], ["a", "b"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["a"]))
    transport.instead = lambda request: 403 if request.method == "PUT" else None
    report = await execute(connection, plan)
    assert await world.tags(REPOSITORY) == {"a": digest, "b": digest}
    assert "not push" in report.outcomes[0].error
    assert await connection.changes.unfinished() == []


async def test_tags_that_could_not_be_put_back_are_left_to_the_next_start(world: World) -> None:
    transport = scripted(world)
    digest = await world.image(REPOSITORY, ["layer"], ["a", "b"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["a"]))

    def refuses(request: httpx.Request) -> int | None:
        # The first PUT goes through: that of the placeholder.
        if request.method == "DELETE" or (request.method == "PUT" and len(transport.sent) > 1):
            return 500
        return None

    transport.instead = refuses
    report = await execute(connection, plan)
    assert status_of(report, Action.UNTAG) == [Status.FAILED]
    assert "regtui undo finishes or reverts it" in report.outcomes[0].error
    (entry,) = await connection.changes.unfinished()
    assert len(entry.standing) == 1

    transport.instead = lambda _: None
    running = connection.changes.undoing(await connection.changes.plan_undo(entry))
    async for _ in running.outcomes():
        pass
    assert await world.tags(REPOSITORY) == {"a": digest, "b": digest}
    assert await connection.changes.unfinished() == []


async def test_a_stop_does_not_keep_a_tag_from_being_put_back(world: World) -> None:
    transport = scripted(world)
    digest = await world.image(REPOSITORY, ["layer"], ["a", "b"])
    connection = await world.open()
    running = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, ["a"])))

    def stops(request: httpx.Request) -> int | None:
        if request.method != "DELETE":
            return None
        running.stop()
        return 500

    transport.instead = stops
    async for _ in running.outcomes():
        pass
    assert await world.tags(REPOSITORY) == {"a": digest, "b": digest}
    assert "put back" in running.report.outcomes[0].error
    [entry] = await connection.changes.unfinished()
    assert entry.only_leaves_placeholders


async def test_only_manifests_whose_tags_are_really_gone_are_said_to_be_left(world: World) -> None:
    transport = scripted(world)
    await world.image(REPOSITORY, ["one"], ["one"])
    two = await world.image(REPOSITORY, ["two"], ["two"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["one", "two"], patience=-1))
    assert len(plan.left) == 2
    transport.instead = lambda request: 500 if request.method == "PUT" and request.url.path.endswith("/two") else None
    report = await execute(connection, plan)
    assert await world.tags(REPOSITORY) == {"two": two}
    left = [outcome.digest for outcome in report.outcomes if outcome.action is Action.DELETE]
    assert left == [tag.digest for tag in plan.removed if tag.tag == "one"]
    assert report.left_bytes < plan.left_bytes


async def test_an_index_is_gone_before_its_children_are_asked_to_go(world: World) -> None:
    transport = scripted(world)
    children = [await world.image(REPOSITORY, [name]) for name in ("one", "two", "three")]
    inner = await world.index(REPOSITORY, children[:2])
    outer = await world.index(REPOSITORY, [inner, children[2]], ["v1"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["v1"]))
    there: dict[str, set[str]] = {}

    def noted(request: httpx.Request) -> None:
        reference = request.url.path.rpartition("/")[2]
        there[reference] = set(world.storage.repositories[REPOSITORY].revisions)

    transport.instead = lambda request: noted(request) if request.method == "DELETE" else None
    transport.turns = 100
    report = await execute(connection, plan)
    assert report.is_complete
    assert outer not in there[inner] | there[children[2]]
    assert not {outer, inner} & (there[children[0]] | there[children[1]])
    assert Digest(transport.sent[0][1]) == outer


async def test_a_tag_that_nobody_could_look_at_is_left_to_the_next_start(world: World) -> None:
    transport = scripted(world)
    await world.image(REPOSITORY, ["layer"], ["a", "b"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["a"]))

    def fails(request: httpx.Request) -> int | None:
        is_look = request.method in ("HEAD", "GET") and request.url.path.endswith("/a")
        return 500 if request.method == "DELETE" or (is_look and transport.sent) else None

    transport.instead = fails
    report = await execute(connection, plan)
    assert status_of(report, Action.UNTAG) == [Status.FAILED]
    assert "can't be told" in report.outcomes[0].error
    (entry,) = await connection.changes.unfinished()
    assert len(entry.standing) == 1


async def test_a_registry_that_says_202_and_keeps_the_tag_is_found_out() -> None:
    world = World("3.1.1")
    transport = scripted(world)
    digest = await world.image(REPOSITORY, ["layer"], ["a", "b"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["a"]))
    transport.instead = lambda request: 202 if request.method == "DELETE" else None
    report = await execute(connection, plan)
    assert await world.tags(REPOSITORY) == {"a": digest, "b": digest}
    assert [(o.status, o.error) for o in report.outcomes] == [(Status.FAILED, "the registry still lists it")]
    assert not report.is_complete


async def test_what_happened_to_tags_that_were_to_stay_is_told(world: World) -> None:
    transport = scripted(world)
    await world.image(REPOSITORY, ["layer"], ["a", "same"])
    other = await world.image(REPOSITORY, ["other"], ["innocent", "moved-to"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["a"]))

    def meddles(request: httpx.Request) -> None:
        if request.method == "DELETE":
            repository = world.storage.repositories[REPOSITORY]
            repository.tags.pop("innocent", None)
            repository.tags["same"] = other

    transport.instead = meddles
    report = await execute(connection, plan)
    assert report.doubts == (
        "innocent is gone, though it was to stay.",
        f"same was to stay, and points at another manifest than before ({other.short}).",
    )
    assert not report.is_complete


def silent_for(*references: str) -> Answer:
    return lambda request: SILENCE if request.method == "DELETE" and request.url.path.endswith(references) else None


async def three(world: World) -> dict[str, Digest]:
    return {name: await world.image(REPOSITORY, [name], [name]) for name in ("a", "b", "c")}


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
async def test_one_manifest_whose_delete_is_silent_fails_alone_and_is_asked_to_go_once(version: Version) -> None:
    world = World(version)
    transport = scripted(world)
    digests = await three(world)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, list(digests)))
    transport.instead = silent_for(digests["b"])
    report = await execute(connection, plan)
    deleted = {o.digest: o.status for o in report.outcomes if o.action is Action.DELETE}
    assert deleted == {digest: Status.DONE if name != "b" else Status.FAILED for name, digest in digests.items()}
    assert transport.sent.count(("DELETE", digests["b"])) == 1
    assert any("took too long" in outcome.error for outcome in report.outcomes)

    transport.instead = lambda _: None
    [entry] = [entry for entry in await connection.changes.entries() if entry.name == report.run]
    running = connection.changes.undoing(await connection.changes.plan_undo(entry))
    async for _ in running.outcomes():
        pass
    assert running.report.is_complete, running.report
    assert await world.tags(REPOSITORY) == digests


async def test_a_silent_delete_that_is_done_later_is_told_as_done(world: World) -> None:
    transport = scripted(world)
    digests = await three(world)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, list(digests)))

    def later(request: httpx.Request) -> int | None:
        if request.method == "DELETE" and request.url.path.endswith(digests["c"]):
            repository = world.storage.repositories[REPOSITORY]
            world.storage.delete_manifest(REPOSITORY, digests["b"])
            assert repository.tags.pop("b", None) in (digests["b"], None)
        return silent_for(digests["b"])(request)

    # Those that go: one after the other, in the order of the plan.
    assert [manifest.digest for manifest in plan.manifests].index(digests["b"]) < 2
    transport.instead = later
    report = await execute(connection, plan)
    assert report.is_complete, report
    assert transport.sent.count(("DELETE", digests["b"])) == 1


async def test_of_a_repository_whose_deletes_are_all_silent_no_more_than_a_few_are_waited_for(world: World) -> None:
    transport = scripted(world)
    digests = {await world.image(REPOSITORY, [f"layer {n}"]): n for n in range(30)}
    await world.image(REPOSITORY, ["stays"], ["stays"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, [], digests=list(digests)))
    transport.instead = silent_for(*digests)
    report = await execute(connection, plan)
    assert set(status_of(report, Action.DELETE)) == {Status.FAILED}
    assert len(transport.sent) == bounds.SILENT_CHANGES
    assert report.outcomes[-1].error == (
        f"test.localhost took too long for {bounds.SILENT_CHANGES} changes of team/app, one after the other: "
        "no more of them are made. Try again."
    )


async def test_of_many_silent_changes_at_once_the_rest_is_not_begun() -> None:
    world = World("3.1.1")
    transport = scripted(world)
    names = [f"v{number}" for number in range(40)]
    digest = await world.image(REPOSITORY, ["layer"], [*names, "stays"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, names))
    transport.instead = silent_for(*names)
    report = await execute(connection, plan)
    assert set(status_of(report, Action.UNTAG)) == {Status.FAILED}
    # Two may have ended so before the rest of the first eight has.
    assert len(transport.sent) < IN_FLIGHT + bounds.SILENT_CHANGES
    assert (await world.tags(REPOSITORY)) == dict.fromkeys([*names, "stays"], digest)


async def test_silent_changes_between_others_are_not_one_after_the_other(world: World) -> None:
    transport = scripted(world)
    digests = [await world.image(REPOSITORY, [f"layer {n}"]) for n in range(20)]
    await world.image(REPOSITORY, ["stays"], ["stays"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, [], digests=digests))
    transport.instead = silent_for(*[manifest.digest for manifest in plan.manifests[::2]])
    report = await execute(connection, plan)
    assert Counter(status_of(report, Action.DELETE)) == {Status.DONE: 10, Status.FAILED: 10}


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
@pytest.mark.parametrize("others", [[], ["same"]])
async def test_a_silent_delete_that_is_done_after_all_was_told_is_found_by_undo(
    version: Version, others: list[str]
) -> None:
    world = World(version)
    transport = scripted(world)
    digest = await world.image(REPOSITORY, ["layer"], ["a", *others])
    before = await world.tags(REPOSITORY)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["a"], whole_manifests=bool(others)))
    late: list[httpx.Request] = []

    def silent(request: httpx.Request) -> int | None:
        if request.method != "DELETE":
            return None
        late.append(request)
        return SILENCE

    transport.instead = silent
    report = await execute(connection, plan)
    assert not report.is_complete
    assert report.leaves_something
    assert {outcome.error for outcome in report.outcomes if outcome.status is Status.FAILED} == {
        "test.localhost took too long while deleting the manifest. The registry may do it yet: regtui undo puts back "
        "what goes then"
    }
    transport.instead = lambda _: None
    for request in late:
        await transport.handle_async_request(request)
    assert "a" not in await world.tags(REPOSITORY)
    entry = await connection.changes.last()
    assert entry is not None
    running = connection.changes.undoing(await connection.changes.plan_undo(entry))
    async for _ in running.outcomes():
        pass
    assert running.report.is_complete, running.report
    assert await world.tags(REPOSITORY) == before
    assert (await world.client().manifest(REPOSITORY, "a")).digest == digest
