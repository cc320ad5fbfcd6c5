"""Exactly what was confirmed goes: on a registry that deletes tags alone (3.1.1), and on one that can't (2.8.2)."""

from collections.abc import Sequence

import httpx
import pytest

from regtui.deletion.plan import make_plan
from regtui.deletion.request import Request
from regtui.deletion.values import Action, Contents, Manifests, Method, Outcome, Plan, Report, Status, StoredManifest
from regtui.deletion.words import (
    later_offer,
    now_offer,
    plan_sentences,
    planned_outcomes,
    report_sentences,
    typed_confirmation,
    whole_offer,
)
from regtui.local.dialect import Version
from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport
from regtui.oci.digest import Digest
from regtui.oci.manifest import UnknownManifest
from regtui.session.session import Session

from .worlds import World

REPOSITORY = "team/app"


@pytest.fixture(params=["2.8.2", "3.1.1"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


async def delete(
    connection: Session, tags: Sequence[str], *, whole_manifests: bool = False, with_attached: bool = False
) -> tuple[Plan, Report]:
    plan = await connection.plan_deletion(
        Request(REPOSITORY, tags, whole_manifests=whole_manifests, with_attached=with_attached)
    )
    return plan, await execute(connection, plan)


async def execute(connection: Session, plan: Plan) -> Report:
    deleting = connection.deleting(plan)
    async for _ in deleting.outcomes():
        pass
    return deleting.report


async def test_one_of_five_tags_on_one_digest_goes_and_four_stay(world: World) -> None:
    digest = await world.image(REPOSITORY, ["layer"], ["a", "b", "c", "d", "e"])
    plan, report = await delete(await world.open(), ["b"])

    assert plan.staying == ("a", "c", "d", "e")
    assert plan.manifests == ()
    assert report.is_complete
    assert await world.tags(REPOSITORY) == dict.fromkeys("acde", digest)
    assert await world.is_whole(REPOSITORY, "a")


async def test_the_last_tag_takes_its_manifest_along(world: World) -> None:
    gone = await world.image(REPOSITORY, ["shared", "mine"], ["old", "older"])
    await world.image(REPOSITORY, ["shared"], ["new"])
    plan, report = await delete(await world.open(), ["old", "older"])

    assert [manifest.digest for manifest in plan.manifests] == [gone]
    assert report.is_complete
    assert set(await world.tags(REPOSITORY)) == {"new"}
    assert gone not in world.storage.repositories[REPOSITORY].revisions


async def test_freed_bytes_count_each_blob_once_and_leave_out_what_stays(world: World) -> None:
    first = await world.image(REPOSITORY, ["shared", "twice"], ["one"])
    second = await world.image(REPOSITORY, ["twice", "alone"], ["two"])
    await world.image(REPOSITORY, ["shared"], ["stays"])
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["one", "two"]))

    blobs = {digest: blob.size for digest, blob in world.storage.blobs.items()}
    bodies = blobs[first] + blobs[second]
    configs = sum(m.blobs[next(iter(m.blobs))] for d, m in plan.contents.manifests.items() if d in (first, second))
    assert plan.freed == bodies + configs + len("twice") + len("alone")


async def test_an_index_goes_before_its_children_and_each_child_once(world: World) -> None:
    amd, arm = await world.image(REPOSITORY, ["amd"]), await world.image(REPOSITORY, ["arm"])
    one = await world.index(REPOSITORY, [amd, arm], ["v1"])
    two = await world.index(REPOSITORY, [arm, amd], ["v2"])
    plan, report = await delete(await world.open(), ["v1", "v2"])

    order = [manifest.digest for manifest in plan.manifests]
    assert set(order[:2]) == {one, two}
    assert sorted(order[2:]) == sorted([amd, arm])
    assert report.is_complete
    assert not world.storage.repositories[REPOSITORY].revisions.keys() & {amd, arm, one, two}


async def test_two_indexes_share_a_platform_and_deleting_one_leaves_the_other_whole(world: World) -> None:
    shared = await world.image(REPOSITORY, ["shared"])
    only = await world.image(REPOSITORY, ["only"])
    await world.index(REPOSITORY, [shared, only], ["going"])
    await world.index(REPOSITORY, [shared], ["staying"])
    plan, report = await delete(await world.open(), ["going"])

    assert shared not in {manifest.digest for manifest in plan.manifests}
    assert only in {manifest.digest for manifest in plan.manifests}
    assert report.is_complete
    assert await world.is_whole(REPOSITORY, "staying")


async def test_a_tagged_platform_of_a_staying_index_is_untagged_and_nothing_more(world: World) -> None:
    amd = await world.image(REPOSITORY, ["amd"], ["v1-amd64"])
    await world.index(REPOSITORY, [amd], ["v1"])
    plan, report = await delete(await world.open(), ["v1-amd64"])

    assert plan.manifests == ()
    assert report.is_complete
    assert set(await world.tags(REPOSITORY)) == {"v1"}
    assert await world.is_whole(REPOSITORY, "v1")


async def test_a_broken_tag_can_be_deleted(world: World) -> None:
    await world.image(REPOSITORY, ["fine"], ["fine"])
    await world.image(REPOSITORY, ["lost"], ["broken"])
    repository = world.storage.repositories[REPOSITORY]
    del repository.revisions[repository.tags["broken"]]
    plan, report = await delete(await world.open(), ["broken"])

    assert plan.removed[0].digest is None
    assert any("broken" in sentence for sentence in plan_sentences(plan))
    assert report.is_complete
    assert set(await world.tags(REPOSITORY)) == {"fine"}


@pytest.mark.parametrize("name", ["sha256-{}.sig", "sha256-{}.att", "sha256-{}.sbom", "sha256-{}"])
async def test_signatures_are_offered_and_go_only_when_asked(world: World, name: str) -> None:
    image = await world.image(REPOSITORY, ["image"], ["v1"])
    tag = name.format(image.encoded)
    await world.image(REPOSITORY, ["signature"], [tag])
    connection = await world.open()

    plan = await connection.plan_deletion(Request(REPOSITORY, ["v1"]))
    assert plan.attached == (tag,)
    assert [planned.tag for planned in plan.removed] == ["v1"]

    plan, report = await delete(connection, ["v1"], with_attached=True)
    assert {planned.tag for planned in plan.removed} == {"v1", tag}
    assert report.is_complete
    assert await world.tags(REPOSITORY) == {}


async def test_a_referrer_by_subject_is_attached_too(world: World) -> None:
    image = await world.image(REPOSITORY, ["image"], ["v1"])
    await world.image(REPOSITORY, ["sbom"], ["v1-sbom"], subject=image)
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["v1"]))
    assert plan.attached == ("v1-sbom",)


async def test_a_signature_s_signature_goes_along_too(world: World) -> None:
    image = await world.image(REPOSITORY, ["image"], ["v1"])
    signature = await world.image(REPOSITORY, ["signature"], [f"sha256-{image.encoded}.sig"])
    await world.image(REPOSITORY, ["of the signature"], [f"sha256-{signature.encoded}.sig"])
    _, report = await delete(await world.open(), ["v1"], with_attached=True)
    assert report.is_complete
    assert await world.tags(REPOSITORY) == {}


async def test_whole_manifests_take_all_their_tags_and_name_them_first(world: World) -> None:
    await world.image(REPOSITORY, ["layer"], ["a", "b"])
    plan, report = await delete(await world.open(), ["a"], whole_manifests=True)
    assert [tag.tag for tag in plan.removed] == ["a", "b"]
    assert report.is_complete
    assert await world.tags(REPOSITORY) == {}


async def test_a_digest_with_tags_is_refused_until_they_are_accepted(world: World) -> None:
    digest = await world.image(REPOSITORY, ["layer"], ["a", "b"])
    connection = await world.open()
    refused = await connection.plan_deletion(Request(REPOSITORY, [], digests=[digest]))
    assert "a, b" in refused.obstacle
    accepted = await connection.plan_deletion(Request(REPOSITORY, [], digests=[digest], whole_manifests=True))
    assert accepted.obstacle == ""
    assert [tag.tag for tag in accepted.removed] == ["a", "b"]


async def test_a_child_of_an_index_is_not_deleted_from_under_it(world: World) -> None:
    child = await world.image(REPOSITORY, ["child"])
    await world.index(REPOSITORY, [child], ["v1"])
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, [], digests=[child]))
    assert "v1" in plan.obstacle
    assert "break" in plan.obstacle


async def test_an_untagged_manifest_goes_by_digest(world: World) -> None:
    digest = await world.image(REPOSITORY, ["left over"])
    await world.image(REPOSITORY, ["fine"], ["fine"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, [], digests=[digest]))
    report = await execute(connection, plan)
    assert [o.status for o in report.outcomes] == [Status.DONE]
    assert digest not in world.storage.repositories[REPOSITORY].revisions


async def test_a_tag_that_moved_since_the_plan_was_shown_is_left_alone(world: World) -> None:
    await world.image(REPOSITORY, ["first"], ["latest"])
    await world.image(REPOSITORY, ["other"], ["other"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["latest", "other"]))
    pushed = await world.image(REPOSITORY, ["pushed meanwhile"], ["latest"])
    report = await execute(connection, plan)

    assert await world.tags(REPOSITORY) == {"latest": pushed}
    told = {outcome.reference: outcome for outcome in report.outcomes}
    assert told[f"{REPOSITORY}:latest"].status is Status.SKIPPED
    assert "another manifest" in told[f"{REPOSITORY}:latest"].error


async def test_a_tag_added_to_the_image_since_the_plan_was_shown_keeps_it(world: World) -> None:
    digest = await world.image(REPOSITORY, ["layer"], ["a"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["a"]))
    assert [manifest.digest for manifest in plan.manifests] == [digest]
    await world.image(REPOSITORY, ["layer"], ["b"])
    await execute(connection, plan)
    assert await world.tags(REPOSITORY) == {"b": digest}


async def test_an_index_pushed_over_a_planned_manifest_keeps_it(world: World) -> None:
    child = await world.image(REPOSITORY, ["child"], ["a"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["a"]))
    await world.index(REPOSITORY, [child], ["multi"])
    await execute(connection, plan)
    assert set(await world.tags(REPOSITORY)) == {"multi"}
    assert await world.is_whole(REPOSITORY, "multi")


async def test_many_tags_go_by_one_placeholder_that_leaves_no_trace(world: World) -> None:
    for number in range(30):
        await world.image(REPOSITORY, [str(number)], [f"v{number}"])
    plan, report = await delete(await world.open(), [f"v{number}" for number in range(25)])
    assert typed_confirmation(plan) == "25"
    assert report.is_complete
    assert report.count(Action.UNTAG, Status.DONE) == 25
    assert report.count(Action.DELETE, Status.DONE) == 25
    assert set(await world.tags(REPOSITORY)) == {f"v{number}" for number in range(25, 30)}


async def test_a_stop_leaves_what_was_not_begun_and_says_so(world: World) -> None:
    for number in range(30):
        await world.image(REPOSITORY, [str(number)], [f"v{number}"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, [f"v{number}" for number in range(30)]))
    deleting = connection.deleting(plan)
    async for _ in deleting.outcomes():
        deleting.stop()
    report = deleting.report
    assert report.interrupted
    left = await world.tags(REPOSITORY)
    gone = {o.reference for o in report.outcomes if o.action is Action.UNTAG and o.status is Status.DONE}
    assert {f"{REPOSITORY}:{tag}" for tag in left} == {f"{REPOSITORY}:v{n}" for n in range(30)} - gone
    assert all([await world.is_whole(REPOSITORY, tag) for tag in left])
    assert any("stopped" in sentence for sentence in report_sentences(report))


async def test_a_stop_before_anything_was_done_leaves_nothing_to_be_settled(world: World) -> None:
    for number in range(30):
        await world.image(REPOSITORY, [str(number)], [f"v{number}"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, [f"v{number}" for number in range(30)]))
    deleting = connection.deleting(plan)
    deleting.stop()
    async for _ in deleting.outcomes():
        pass
    assert len(await world.tags(REPOSITORY)) == 30
    assert not deleting.report.count(Action.UNTAG, Status.DONE)
    assert await connection.changes.unfinished() == []
    assert await connection.changes.last() is None


class NotLookedUp(httpx.AsyncBaseTransport):
    """Answers nothing about some tags, once `fails`."""

    def __init__(self, inner: LocalTransport[MemoryStorage], *tags: str) -> None:
        self._inner = inner
        self._tags = tags
        self.fails = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.fails and request.method in ("HEAD", "GET") and request.url.path.endswith(self._tags):
            return httpx.Response(500)
        return await self._inner.handle_async_request(request)


async def test_a_new_tag_that_can_not_be_looked_up_may_be_of_any_manifest(world: World) -> None:
    digest = await world.image(REPOSITORY, ["layer"], ["a"])
    transport = world.transport = NotLookedUp(LocalTransport(world.storage, world.version), "/fresh")
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["a"]))
    assert [manifest.digest for manifest in plan.manifests] == [digest]
    await world.image(REPOSITORY, ["layer"], ["fresh"])
    transport.fails = True
    await execute(connection, plan)
    assert await world.tags(REPOSITORY) == {"fresh": digest}


async def test_a_planned_tag_that_can_not_be_looked_up_stays_and_the_others_go_whole(world: World) -> None:
    await world.image(REPOSITORY, ["one"], ["one"])
    two = await world.image(REPOSITORY, ["two"], ["two"])
    transport = world.transport = NotLookedUp(LocalTransport(world.storage, world.version), "/two")
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["one", "two"]))
    transport.fails = True
    report = await execute(connection, plan)
    assert await world.tags(REPOSITORY) == {"two": two}
    assert set(world.storage.repositories[REPOSITORY].revisions) == {two}
    told = {outcome.reference: outcome for outcome in report.outcomes}
    assert told[f"{REPOSITORY}:two"].status is Status.FAILED
    assert "could not be checked" in told[f"{REPOSITORY}:two"].error


class NoPush(httpx.AsyncBaseTransport):
    """A login that may delete, and not push."""

    def __init__(self, inner: LocalTransport[MemoryStorage]) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            return httpx.Response(403, json={"errors": [{"code": "DENIED"}]})
        return await self._inner.handle_async_request(request)


async def test_without_the_right_to_push_it_is_said_first_with_what_would_go_along() -> None:
    world = World("2.8.2")
    digest = await world.image(REPOSITORY, ["layer"], ["a", "b", "c"])
    await world.image(REPOSITORY, ["alone"], ["alone"])
    world.transport = NoPush(LocalTransport(world.storage, "2.8.2"))
    connection = await world.open()

    plan = await connection.plan_deletion(Request(REPOSITORY, ["a"]))
    assert "may delete, but not push" in plan.obstacle
    assert "as well: b, c." in plan.obstacle
    assert plan.goes_along == ("b", "c")
    assert whole_offer(plan) == "delete by digest, together with b, c"
    # What goes by digest anyway needs no push.
    assert (await connection.plan_deletion(Request(REPOSITORY, ["alone"]))).obstacle == ""

    whole, report = await delete(connection, ["a"], whole_manifests=True)
    assert whole.obstacle == ""
    assert [tag.tag for tag in whole.removed] == ["a", "b", "c"]
    assert report.is_complete
    assert set(await world.tags(REPOSITORY)) == {"alone"}
    assert digest not in world.storage.repositories[REPOSITORY].revisions


async def test_that_undo_takes_the_right_to_push_is_said_before(world: World) -> None:
    await world.image(REPOSITORY, ["alone"], ["alone"])
    sentence = "This login may delete, but not push: undo takes a login that may."
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["alone"]))
    assert sentence not in plan_sentences(plan)
    world.transport = NoPush(LocalTransport(world.storage, world.version))
    before = set(world.storage.repositories[REPOSITORY].revisions)
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["alone"]))
    assert (plan.obstacle, plan.may_push) == ("", False)
    assert sentence in plan_sentences(plan)
    assert set(world.storage.repositories[REPOSITORY].revisions) == before


async def test_a_broken_tag_and_no_right_to_push_is_said_to_stay() -> None:
    world = World("2.8.2")
    await world.image(REPOSITORY, ["lost"], ["broken"])
    repository = world.storage.repositories[REPOSITORY]
    del repository.revisions[repository.tags["broken"]]
    world.transport = NoPush(LocalTransport(world.storage, "2.8.2"))
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["broken"]))
    assert "broken can't be removed" in plan.obstacle
    assert plan.goes_along == ()


async def test_tags_alone_go_and_leave_their_manifests_by_choice(world: World) -> None:
    one = await world.image(REPOSITORY, ["one"], ["one"])
    two = await world.image(REPOSITORY, ["two"], ["two", "too"])
    before = await world.tags(REPOSITORY)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["one", "two", "too"], untagged=Manifests.LEFT))
    assert (plan.manifests, plan.freed) == ((), 0)
    assert {manifest.digest for manifest in plan.left} == {one, two}
    assert any("2 manifests that no tag leads to any more will be left" in s for s in plan_sentences(plan))
    assert (await execute(connection, plan)).is_complete
    assert await world.tags(REPOSITORY) == {}
    assert {one, two} <= world.storage.repositories[REPOSITORY].revisions.keys()

    entry = await connection.changes.last()
    assert entry is not None
    undoing = connection.changes.undoing(await connection.changes.plan_undo(entry))
    async for _ in undoing.outcomes():
        pass
    assert await world.tags(REPOSITORY) == before


def many(tags: int) -> Contents:
    """A repository of so many images, a tag each."""
    manifests = {
        digest: StoredManifest(digest, "application/vnd.example", b"{}", UnknownManifest("application/vnd.example"))
        for digest in (Digest.of(str(number).encode()) for number in range(tags))
    }
    return Contents("many", {f"v{n}": digest for n, digest in enumerate(manifests)}, manifests)


def test_manifests_that_take_minutes_are_left_and_the_plan_says_so_and_how_else() -> None:
    contents, going = many(10_000), [f"v{n}" for n in range(2_000)]
    plan = make_plan(contents, Request(REPOSITORY, going), method=Method.PLACEHOLDER)
    assert (len(plan.removed), plan.manifests, len(plan.left)) == (2_000, (), 2_000)
    assert (plan.freed, plan.left_bytes) == (0, 4_000)
    assert plan_sentences(plan) == [
        "2,000 tags will be removed from many. 8,000 tags stay: v9999, v9998, v9997, v9996 and 7,996 more.",
        "2,000 manifests that no tag leads to any more will be left, with up to 4 kB.",
        "Deleting them now would take about 12 minutes: the 8,000 other tags are looked at first, and for each "
        "manifest the registry searches them.",
        "Nothing of that is freed before regtui gc --untagged, or ctrl+g in the app with untagged images ticked.",
    ]
    assert now_offer(plan) == "delete the 2,000 manifests now as well, about 12 minutes"
    assert later_offer(plan) == ""

    now = make_plan(contents, Request(REPOSITORY, going, untagged=Manifests.DELETED), method=Method.PLACEHOLDER)
    assert (len(now.manifests), now.left, now.freed) == (2_000, (), 4_000)
    assert any(sentence.startswith("That takes about 12 minutes: the 8,000") for sentence in plan_sentences(now))
    assert later_offer(now) == "remove the tags alone, and leave the 2,000 manifests to regtui gc --untagged"
    assert now_offer(now) == ""


def test_the_same_number_in_a_smaller_repository_goes_whole_and_small_ones_say_nothing_of_time() -> None:
    going = [f"v{n}" for n in range(2_000)]
    # Few are left to be searched: that was the point of removing the tags first.
    assert len(make_plan(many(2_100), Request(REPOSITORY, going), method=Method.PLACEHOLDER).manifests) == 2_000
    few = make_plan(many(5_000), Request(REPOSITORY, ["v1"]), method=Method.PLACEHOLDER)
    assert len(few.manifests) == 1
    assert (few.left, now_offer(few), later_offer(few)) == ((), "", "")
    assert not any("takes" in sentence for sentence in plan_sentences(few))
    # The look at ten thousand tags is all that one manifest takes.
    one = make_plan(many(10_000), Request(REPOSITORY, ["v1"]), method=Method.PLACEHOLDER)
    assert len(one.manifests) == 1
    assert any(sentence.startswith("That takes about 10 seconds: the 9,999 other") for sentence in plan_sentences(one))


def test_what_is_named_by_digest_or_whole_is_never_left() -> None:
    contents = many(100)
    digests = [contents.manifests[d].digest for d in list(contents.manifests)[:50]]
    plan = make_plan(
        contents, Request(REPOSITORY, (), digests=digests, whole_manifests=True, patience=0), method=Method.PLACEHOLDER
    )
    assert (len(plan.manifests), plan.left) == (50, ())
    whole = make_plan(
        contents, Request(REPOSITORY, ["v1"], whole_manifests=True, patience=0), method=Method.PLACEHOLDER
    )
    assert (len(whole.manifests), whole.left) == (1, ())


async def test_what_is_below_a_whole_manifest_is_never_left(world: World) -> None:
    await world.index(REPOSITORY, [await world.image(REPOSITORY, ["amd"])], ["v1"])
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["v1"], whole_manifests=True, patience=-1))
    assert (len(plan.manifests), plan.left) == (2, ())


async def test_what_is_freed_now_and_later_is_all_of_it(world: World) -> None:
    await world.image(REPOSITORY, ["shared", "one"], ["v1"])
    untagged = await world.image(REPOSITORY, ["shared", "two"])
    connection = await world.open()
    whole = await connection.plan_deletion(Request(REPOSITORY, ["v1"], digests=[untagged]))
    plan = await connection.plan_deletion(Request(REPOSITORY, ["v1"], digests=[untagged], untagged=Manifests.LEFT))
    assert (len(plan.manifests), len(plan.left)) == (1, 1)
    assert plan.freed > 0
    # What both use becomes collectable only with the last of them.
    assert plan.freed + plan.left_bytes == whole.freed


def test_protected_tags_are_found_by_their_pattern() -> None:
    plan = make_plan(many(3), Request(REPOSITORY, ["v1", "v2"], protect=("*1", "latest")), method=Method.PLACEHOLDER)
    assert [tag.tag for tag in plan.removed if tag.protected] == ["v1"]
    assert typed_confirmation(plan) == "v1"


def test_what_was_left_alone_or_failed_is_counted_by_what_it_is() -> None:
    def outcomes(status: Status, tags: int, manifests: int) -> list[Outcome]:
        untagged = [Outcome(f"{REPOSITORY}:{n}", None, Action.UNTAG, status) for n in range(tags)]
        return [
            *untagged,
            *[Outcome(f"{REPOSITORY}@sha256:{n}", None, Action.DELETE, status) for n in range(manifests)],
        ]

    skipped, failed = outcomes(Status.SKIPPED, 351, 600), outcomes(Status.FAILED, 0, 1)
    report = Report(REPOSITORY, (*outcomes(Status.DONE, 249, 0), *skipped, *failed), interrupted=True)
    said = report_sentences(report)
    assert said[0] == f"{REPOSITORY}: 249 tags removed."
    assert "351 tags and 600 manifests were left alone." in said
    assert "1 manifest failed." in said


async def test_what_is_left_is_a_skipped_row_with_its_reason_before_and_after(world: World) -> None:
    amd = await world.image(REPOSITORY, ["amd"])
    index = await world.index(REPOSITORY, [amd], ["v1"])
    other = await world.image(REPOSITORY, ["other"], ["v2"])
    await world.image(REPOSITORY, ["stays"], ["v3"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["v1", "v2"], patience=0))
    whole = await connection.plan_deletion(Request(REPOSITORY, ["v1", "v2"]))
    assert plan.left_bytes == whole.freed > 0

    def left(outcomes: Sequence[Outcome]) -> dict[str, tuple[Status, str]]:
        return {o.reference: (o.status, o.error) for o in outcomes if o.action is Action.DELETE}

    reason = (Status.SKIPPED, "left without a tag: regtui gc --untagged deletes it")
    expected = {f"{REPOSITORY}@{digest}": reason for digest in (index, amd, other)}
    assert left(planned_outcomes(plan)) == expected
    report = await execute(connection, plan)
    assert left(report.outcomes) == expected
    assert report.is_complete
    assert report.left == 3
    assert report.left_bytes == whole.freed
    assert report_sentences(report)[1].startswith("3 manifests without a tag are left, with up to ")
    assert not any("left alone" in sentence for sentence in report_sentences(report))
    assert {index, amd, other} <= world.storage.repositories[REPOSITORY].revisions.keys()
    assert set(await world.tags(REPOSITORY)) == {"v3"}


async def test_a_manifest_that_kept_a_tag_after_all_is_not_said_to_be_left(world: World) -> None:
    await world.image(REPOSITORY, ["one"], ["one"])
    two = await world.image(REPOSITORY, ["two"], ["two"])
    await world.image(REPOSITORY, ["stays"], ["stays"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["one", "two"], patience=0))
    assert len(plan.left) == 2
    await world.image(REPOSITORY, ["one"], ["another-one"])
    report = await execute(connection, plan)
    assert [o.digest for o in report.outcomes if o.action is Action.DELETE] == [two]


async def test_without_the_right_to_push_nothing_else_goes_and_it_is_said() -> None:
    world = World("2.8.2")
    digest = await world.image(REPOSITORY, ["layer"], ["a", "b"])
    world.transport = NoPush(LocalTransport(world.storage, "2.8.2"))
    _, report = await delete(await world.open(), ["a"])
    assert await world.tags(REPOSITORY) == {"a": digest, "b": digest}
    assert "not push" in report.outcomes[0].error


class Failing(httpx.AsyncBaseTransport):
    """Fails every DELETE by digest."""

    def __init__(self, inner: LocalTransport[MemoryStorage]) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # The harmless probe goes through: it asks for a digest of zeros.
        if request.method == "DELETE" and "sha256:" in request.url.path and "000000" not in request.url.path:
            return httpx.Response(500)
        return await self._inner.handle_async_request(request)


async def test_a_placeholder_that_cannot_be_deleted_is_taken_back() -> None:
    world = World("2.8.2")
    digest = await world.image(REPOSITORY, ["layer"], ["a", "b"])
    world.transport = Failing(LocalTransport(world.storage, "2.8.2"))
    _, report = await delete(await world.open(), ["a"])
    assert await world.tags(REPOSITORY) == {"a": digest, "b": digest}
    assert report.outcomes[0].status is Status.FAILED
    assert "put back" in report.outcomes[0].error


@pytest.mark.parametrize(("delete_enabled", "read_only"), [(False, False), (True, True)])
@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
async def test_a_registry_that_refuses_is_an_obstacle_with_a_remedy(
    version: Version, delete_enabled: bool, read_only: bool
) -> None:
    world = World(version)
    await world.image(REPOSITORY, ["layer"], ["a"])
    world.transport = LocalTransport(world.storage, version, delete_enabled=delete_enabled, read_only=read_only)
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["a"]))
    assert "config.yml" in plan.obstacle


async def test_unknown_tags_are_named_and_nothing_is_planned_for_them(world: World) -> None:
    await world.image(REPOSITORY, ["layer"], ["a"])
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["nope"]))
    assert plan.unknown == ("nope",)
    assert plan.is_empty
