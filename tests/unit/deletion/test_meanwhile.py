"""Others push, move and delete while a deletion is carried out, between any two of its requests: nothing is lost that
wasn't confirmed, and what is told is what happened."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from regtui.deletion.reasons import Reason
from regtui.deletion.request import Request
from regtui.deletion.values import Action, Manifests, Report, Status
from regtui.deletion.words import report_sentences
from regtui.local.dialect import Version
from regtui.local.transport import LocalTransport
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.session.session import Session
from tests.support.alike import examples

from .test_deletion import execute
from .test_moved_tags import undo_last
from .worlds import World

REPOSITORY = "team/app"


class Interrupting(httpx.AsyncBaseTransport):
    """Lets somebody else in before each of our requests, once `begun`. `sent`: (method, reference) of ours."""

    def __init__(self, world: World) -> None:
        self.inner = LocalTransport(world.storage, world.version)
        self.before: Callable[[httpx.Request, int], None] = lambda request, number: None
        self.begun = False
        self.sent: list[tuple[str, str]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.begun:
            self.before(request, len(self.sent))
            self.sent.append((request.method, request.url.path.rpartition("/")[2]))
        return await self.inner.handle_async_request(request)


@pytest.fixture(params=["2.8.2", "3.1.1"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


def interrupting(world: World) -> Interrupting:
    transport = world.transport = Interrupting(world)
    return transport


def is_there(world: World, digest: str) -> bool:
    """Whether it can be pushed whole, as people push: with all below it."""
    stored = world.storage.manifest(REPOSITORY, digest)
    below = json.loads(stored.data).get("manifests", []) if stored else []
    return stored is not None and all(is_there(world, child["digest"]) for child in below)


def move(world: World, tag: str, digest: str) -> None:
    """As a promotion does: the manifest is pushed under the tag."""
    stored = world.storage.manifest(REPOSITORY, digest)
    if stored is not None and is_there(world, digest):
        world.storage.put_manifest(REPOSITORY, stored.data, stored.media_type, tag)


def push_index(world: World, tag: str, *children: str) -> str:
    if not all(is_there(world, child) for child in children):
        return ""
    entries = [{"mediaType": mt.OCI_MANIFEST, "digest": child, "size": 1} for child in children]
    body = {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": entries, "annotations": {"of": tag}}
    return world.storage.put_manifest(REPOSITORY, json.dumps(body).encode(), mt.OCI_INDEX, tag)


async def planned(world: World, *tags: str) -> tuple[Session, Callable[[], "asyncio.Future[Report]"]]:
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, tags))
    assert not plan.obstacle

    def confirmed() -> "asyncio.Future[Report]":
        assert isinstance(world.transport, Interrupting)
        world.transport.begun = True
        return asyncio.ensure_future(execute(connection, plan))

    return connection, confirmed


def once(when: Callable[[httpx.Request], bool], do: Callable[[], object]) -> Callable[[httpx.Request, int], None]:
    done: list[bool] = []

    def before(request: httpx.Request, _: int) -> None:
        if not done and when(request):
            done.append(True)
            do()

    return before


def told(report: Report, reference: str) -> tuple[Status, Reason | None]:
    (outcome,) = [o for o in report.outcomes if o.reference == f"{REPOSITORY}{reference}"]
    return outcome.status, outcome.reason


async def test_a_tag_that_is_moved_onto_a_doomed_manifest_while_the_question_stands_keeps_it(world: World) -> None:
    interrupting(world)
    doomed = await world.image(REPOSITORY, ["old"], ["v1"])
    await world.image(REPOSITORY, ["other"], ["prod", "other"])
    _, confirmed = await planned(world, "v1")
    move(world, "prod", doomed)
    report = await confirmed()
    tags = await world.tags(REPOSITORY)
    assert (tags["prod"], "v1" in tags) == (doomed, False)
    assert await world.is_whole(REPOSITORY, "prod")
    assert told(report, f"@{doomed}") == (Status.SKIPPED, Reason.IN_USE)
    assert told(report, ":v1") == (Status.DONE, None)


async def test_a_tag_that_is_moved_to_an_index_over_a_doomed_manifest_keeps_it(world: World) -> None:
    interrupting(world)
    child = await world.image(REPOSITORY, ["child"])
    index = await world.index(REPOSITORY, [child], ["v1"])
    await world.image(REPOSITORY, ["other"], ["prod"])
    _, confirmed = await planned(world, "v1")
    push_index(world, "prod", child)
    report = await confirmed()
    assert await world.is_whole(REPOSITORY, "prod")
    assert told(report, f"@{child}") == (Status.SKIPPED, Reason.IN_USE)
    assert told(report, f"@{index}") == (Status.DONE, None)


@pytest.mark.parametrize("before", range(1, 6))
@pytest.mark.parametrize("again", ["same", "other"])
async def test_a_tag_that_is_pushed_again_once_it_is_gone_is_told(world: World, again: str, before: int) -> None:
    """Before each time the tags are listed from then on, the last one included."""
    transport = interrupting(world)
    image = await world.image(REPOSITORY, ["image"], ["v1", "prod"])
    other = await world.image(REPOSITORY, ["other"], ["other"])
    _, confirmed = await planned(world, "v1")
    lists = [0]

    def push(request: httpx.Request, _: int) -> None:
        if lists[0] or "v1" not in world.storage.repositories[REPOSITORY].tags:
            lists[0] += request.url.path.endswith("/tags/list")
            if lists[0] == before:
                lists[0] += 1
                move(world, "v1", image if again == "same" else other)

    transport.before = push
    report = await confirmed()
    if lists[0] >= before:
        is_told = "v1 was removed, and somebody else pushed it again since: it stays." in report.notices
        assert is_told or told(report, ":v1")[0] is not Status.DONE, report


@pytest.mark.parametrize("tag", ["v1", "new", "prod", ""], ids=["its tag", "a new tag", "another tag", "no tag"])
async def test_a_manifest_that_is_pushed_again_once_it_is_gone_is_told(world: World, tag: str) -> None:
    """While it is looked whether it is gone: nothing is changed after that."""
    transport = interrupting(world)
    image = await world.image(REPOSITORY, ["image"], ["v1"])
    await world.image(REPOSITORY, ["other"], ["prod"])
    stored = world.storage.manifest(REPOSITORY, image)
    assert stored is not None
    _, confirmed = await planned(world, "v1")
    transport.before = once(
        lambda request: (
            request.method == "GET" and ("DELETE", image) in transport.sent and request.url.path.endswith(image)
        ),
        lambda: world.storage.put_manifest(REPOSITORY, stored.data, stored.media_type, *filter(None, [tag])),
    )
    report = await confirmed()
    (outcome,) = [o for o in report.outcomes if o.reference == f"{REPOSITORY}@{image}"]
    if tag:
        assert (outcome.status, outcome.reason) == (Status.DONE, Reason.PUSHED_AGAIN)
        assert outcome.error == f"somebody else pushed it again since: {tag} leads to it"
        assert report.is_complete
        # That was seen, and so it isn't said that nothing else changed.
        assert report.looked is not None
        assert report.looked.changed == (() if tag == "v1" else (tag,))
        again = ["v1 was removed, and somebody else pushed it again since: it stays."] if tag == "v1" else []
        assert list(report.notices) == again
    else:
        assert (outcome.status, outcome.reason) == (Status.FAILED, Reason.STILL_THERE)
        assert outcome.error == "the registry has it still, or again"
    assert image in world.storage.repositories[REPOSITORY].revisions


async def test_a_tag_that_went_along_with_the_manifest_comes_back_with_it(world: World) -> None:
    transport = interrupting(world)
    doomed = await world.image(REPOSITORY, ["old"], ["v1"])
    await world.image(REPOSITORY, ["other"], ["prod", "other"])
    _, confirmed = await planned(world, "v1")
    transport.before = once(
        lambda r: r.method == "DELETE" and r.url.path.endswith(doomed), lambda: move(world, "prod", doomed)
    )
    report = await confirmed()
    assert (await world.tags(REPOSITORY))["prod"] == doomed
    assert await world.is_whole(REPOSITORY, "prod")
    assert told(report, f"@{doomed}") == (Status.SKIPPED, Reason.IN_USE)
    assert [notice for notice in report.notices if "prod" in notice]
    assert report.doubts == ()


@pytest.mark.parametrize("count", [1, 6])
async def test_of_many_manifests_the_one_that_tags_were_moved_onto_comes_back_with_them(
    world: World, count: int
) -> None:
    transport = interrupting(world)
    doomed = [await world.image(REPOSITORY, [f"old{number}"], [f"v{number}"]) for number in range(20)]
    promoted = [f"to{number}" for number in range(count)]
    # So many others that not all of them are looked at before each DELETE.
    others = await world.image(REPOSITORY, ["other"], [*promoted, *(f"w{number}" for number in range(60))])
    _, confirmed = await planned(world, *(f"v{number}" for number in range(20)))
    chosen: list[Digest] = []

    def promote() -> None:
        chosen.append(next(d for d in reversed(doomed) if is_there(world, d)))
        for tag in promoted:
            move(world, tag, chosen[0])

    transport.before = once(
        lambda r: r.method == "DELETE" and sum(not is_there(world, digest) for digest in doomed) == 3, promote
    )
    report = await confirmed()
    tags = await world.tags(REPOSITORY)
    assert {tag: tags.get(tag) for tag in promoted} == dict.fromkeys(promoted, chosen[0])
    assert tags["w0"] == others
    assert report.count(Action.DELETE, Status.DONE) == 19
    assert told(report, f"@{chosen[0]}") == (Status.SKIPPED, Reason.IN_USE)


async def test_an_index_that_is_pushed_over_a_manifest_right_before_its_delete_is_whole_again(world: World) -> None:
    transport = interrupting(world)
    doomed = await world.image(REPOSITORY, ["old"], ["v1"])
    _, confirmed = await planned(world, "v1")
    transport.before = once(
        lambda r: r.method == "DELETE" and r.url.path.endswith(doomed), lambda: push_index(world, "multi", doomed)
    )
    report = await confirmed()
    assert await world.is_whole(REPOSITORY, "multi")
    assert told(report, f"@{doomed}") == (Status.SKIPPED, Reason.IN_USE)


@pytest.mark.parametrize("world", ["2.8.2"], indirect=True)
async def test_a_tag_that_goes_along_and_is_moved_onto_what_goes_next_keeps_it(world: World) -> None:
    """It was looked at, and is moved before its index's DELETE, which doesn't take it along any more."""
    transport = interrupting(world)
    child = await world.image(REPOSITORY, ["child"])
    index = await world.index(REPOSITORY, [child], ["v1", "v2"])
    _, confirmed = await planned(world, "v1", "v2")
    transport.before = once(
        lambda r: r.method == "DELETE" and r.url.path.endswith(index), lambda: move(world, "v2", child)
    )
    report = await confirmed()
    assert await world.tags(REPOSITORY) == {"v2": child}
    assert told(report, ":v2") == (Status.SKIPPED, Reason.MOVED)
    assert told(report, f"@{child}") == (Status.SKIPPED, Reason.IN_USE)


async def test_a_tag_that_somebody_else_deleted_does_not_come_back(world: World) -> None:
    transport = interrupting(world)
    doomed = await world.image(REPOSITORY, ["old"], ["v1"])
    other = await world.image(REPOSITORY, ["other"], ["prod"])
    _, confirmed = await planned(world, "v1")
    transport.before = once(
        lambda r: r.method == "DELETE" and r.url.path.endswith(doomed),
        lambda: world.storage.delete_manifest(REPOSITORY, other),
    )
    report = await confirmed()
    assert await world.tags(REPOSITORY) == {}
    assert told(report, f"@{doomed}") == (Status.DONE, None)
    assert report.doubts == ("prod is gone, though it was to stay.",)


@pytest.mark.parametrize("when", ["before all", "midway"])
async def test_what_somebody_else_deletes_at_the_same_time_is_not_said_to_be_left_alone(
    world: World, when: str
) -> None:
    transport = interrupting(world)
    images = [await world.image(REPOSITORY, [f"{number}"], [f"v{number}"]) for number in range(3)]
    await world.image(REPOSITORY, ["stays"], ["stays"])
    _, confirmed = await planned(world, "v0", "v1", "v2")
    theirs = images if when == "before all" else images[1:]
    transport.before = once(
        lambda r: when == "before all" or r.method in ("DELETE", "PUT"),
        lambda: (
            [world.storage.delete_manifest(REPOSITORY, image) for image in theirs]
            and [world.storage.untag(REPOSITORY, f"v{images.index(image)}") for image in theirs]
        ),
    )
    report = await confirmed()
    assert set(await world.tags(REPOSITORY)) == {"stays"}
    rows = {outcome.digest: outcome for outcome in report.outcomes if outcome.action is Action.DELETE}
    assert not {o.reason for o in rows.values()} & {Reason.IN_USE}
    assert {rows[image].reason for image in theirs} <= {Reason.GONE_BEFORE, None}
    said = " ".join(report_sentences(report))
    assert "left alone" not in said
    if when == "before all":
        assert "3 tags and 3 manifests were gone already: somebody else removed them." in said


async def test_a_manifest_whose_tag_somebody_else_removed_is_not_said_to_be_in_use(world: World) -> None:
    transport = interrupting(world)
    for number in range(2):
        await world.image(REPOSITORY, [f"{number}"], [f"v{number}"])
    await world.image(REPOSITORY, ["stays"], ["stays"])
    digest = (await world.tags(REPOSITORY))["v1"]
    _, confirmed = await planned(world, "v0", "v1")
    transport.before = once(lambda r: r.method in ("DELETE", "PUT"), lambda: world.storage.untag(REPOSITORY, "v1"))
    report = await confirmed()
    [row] = [o for o in report.outcomes if o.reference == f"{REPOSITORY}@{digest}"]
    assert "something may use it" not in row.error
    if row.status is Status.SKIPPED:
        assert row.error == "not deleted: somebody else removed v1 meanwhile"


async def test_in_bulk_a_tag_that_is_pushed_before_its_turn_stays(world: World) -> None:
    transport = interrupting(world)
    for number in range(30):
        await world.image(REPOSITORY, [str(number)], [f"v{number:02}"])
    pushed = await world.image(REPOSITORY, ["pushed"], ["new"])
    connection, confirmed = await planned(world, *(f"v{number:02}" for number in range(30)))
    # The first change is made, and the last tags' turn is still to come.
    transport.before = once(
        lambda r: r.method in ("PUT", "DELETE") and r.url.path.endswith("v01"), lambda: move(world, "v29", pushed)
    )
    report = await confirmed()
    assert await world.tags(REPOSITORY) == {"new": pushed, "v29": pushed}
    assert told(report, ":v29") == (Status.SKIPPED, Reason.MOVED)
    assert report.count(Action.UNTAG, Status.DONE) == 29
    await undo_last(connection)
    assert (await world.tags(REPOSITORY))["v29"] == pushed


def first_put_of(number: int) -> Callable[[httpx.Request], bool]:
    """When so many tags were changed already."""
    puts: list[str] = []

    def when(request: httpx.Request) -> bool:
        if request.method == "PUT" and "sha256" not in request.url.path and "probe" not in request.url.path:
            puts.append(request.url.path)
        return len(puts) > number

    return when


def copy_of(world: World, tag: str, *names: str) -> Callable[[], None]:
    """As `crane tag` does: what `tag` leads to now gets other names, too."""

    def copy() -> None:
        digest = world.storage.tag(REPOSITORY, tag)
        assert digest is not None
        for name in names:
            move(world, name, digest)

    return copy


@pytest.mark.parametrize("world", ["2.8.2"], indirect=True)
async def test_tags_that_are_put_onto_the_empty_index_meanwhile_get_the_image_that_was_meant(world: World) -> None:
    transport = interrupting(world)
    tags = [f"t{number:02}" for number in range(30)]
    image = await world.image(REPOSITORY, ["shared"], [*tags, "base"])
    await world.image(REPOSITORY, ["other"], ["c"])
    _, confirmed = await planned(world, *tags)
    transport.before = once(first_put_of(20), copy_of(world, "t00", "c", "stable"))
    report = await confirmed()
    assert await world.tags(REPOSITORY) == {"base": image, "c": image, "stable": image}
    said = " ".join(report_sentences(report))
    for tag in ("c", "stable"):
        assert f"{tag} was put meanwhile onto the empty index that stood in for what goes" in said


@pytest.mark.parametrize("world", ["2.8.2"], indirect=True)
async def test_where_it_is_not_known_which_image_was_meant_the_tag_stays_and_it_is_told(world: World) -> None:
    transport = interrupting(world)
    tags = [f"t{number:02}" for number in range(30)]
    for tag in tags:
        await world.image(REPOSITORY, [tag], [tag])
    _, confirmed = await planned(world, *tags)
    transport.before = once(first_put_of(20), copy_of(world, "t00", "stable"))
    report = await confirmed()
    assert set(await world.tags(REPOSITORY)) == {"stable"}
    assert (
        "stable was put meanwhile onto the empty index that stood in for what goes: it leads to an empty index of "
        in (" ".join(report_sentences(report)))
    )


async def many_manifests_beside_many_tags(world: World) -> tuple[list[str], list[Digest]]:
    """300 tags that stay, and 20 with a manifest each."""
    await world.image(REPOSITORY, ["stays"], [f"t{number:03}" for number in range(300)])
    going = [f"s{number:02}" for number in range(20)]
    return going, [await world.image(REPOSITORY, [tag], [tag]) for tag in going]


def deletes(request: httpx.Request, digests: list[Digest]) -> bool:
    return request.method == "DELETE" and request.url.path.rpartition("/")[2] in digests


async def test_also_beside_hundreds_of_tags_each_is_looked_at_right_before_a_manifest_goes(world: World) -> None:
    going, digests = await many_manifests_beside_many_tags(world)
    transport = interrupting(world)
    _, confirmed = await planned(world, *going)
    still: list[str] = []

    def promote() -> None:
        push_index(world, "t050", *still)

    def third(request: httpx.Request) -> bool:
        still[:] = [d for d in digests if is_there(world, d) and not request.url.path.endswith(d)]
        return deletes(request, digests) and len(still) == 17

    transport.before = once(third, promote)
    report = await confirmed()
    assert await world.is_whole(REPOSITORY, "t050"), report
    assert not report.is_complete
    assert sum(o.reason is Reason.IN_USE for o in report.outcomes) == 17


async def test_what_is_broken_by_the_last_delete_is_mended_at_the_end_also_beside_hundreds_of_tags(
    world: World,
) -> None:
    going, digests = await many_manifests_beside_many_tags(world)
    transport = interrupting(world)
    _, confirmed = await planned(world, *going)

    def last(request: httpx.Request) -> bool:
        return deletes(request, digests) and sum(is_there(world, digest) for digest in digests) == 1

    def promote() -> None:
        push_index(world, "t050", *(digest for digest in digests if is_there(world, digest)))

    transport.before = once(last, promote)
    report = await confirmed()
    assert await world.is_whole(REPOSITORY, "t050"), report
    assert report_sentences(report)[-1] != "Checked against the registry: nothing else changed."


async def test_what_is_said_to_be_checked_was_looked_at(world: World) -> None:
    await world.image(REPOSITORY, ["old"], ["v1"])
    other = await world.image(REPOSITORY, ["other"], [f"w{number}" for number in range(250)])
    connection = await world.open()
    report = await execute(
        connection, await connection.plan_deletion(Request(REPOSITORY, ["v1"], untagged=Manifests.LEFT))
    )
    interrupting(world)
    assert report.looked is not None
    assert (report.looked.tags, report.looked.others) == (0, 250)
    assert report_sentences(report)[-1] == (
        "Checked against the registry: all of the other 250 tags are listed; what they lead to was not looked at."
    )
    _, confirmed = await planned(world, *(f"w{number}" for number in range(100)))
    report = await confirmed()
    assert report_sentences(report)[-1] == "Checked against the registry: nothing else changed."
    transport = interrupting(world)
    moved = await world.image(REPOSITORY, ["moved"])
    _, confirmed = await planned(world, "w101")
    transport.before = once(lambda r: r.method in ("PUT", "DELETE"), lambda: move(world, "fresh", moved))
    report = await confirmed()
    assert report_sentences(report)[-1] == (
        "Checked against the registry: besides, only the tag fresh changed, pushed by somebody else."
    )
    assert (await world.tags(REPOSITORY))["w102"] == other


async def test_what_was_pushed_while_the_question_stood_is_said_to_have_changed(world: World) -> None:
    interrupting(world)
    doomed = await world.image(REPOSITORY, ["old"], ["v1", "v2"])
    _, confirmed = await planned(world, "v1", "v2")
    move(world, "fresh", doomed)
    report = await confirmed()
    assert report_sentences(report)[-1] == (
        "Checked against the registry: besides, only the tag fresh changed, pushed by somebody else."
    )


@dataclass(frozen=True)
class Act:
    """What somebody else does before our request number `at`, to `tag`: `images` of several are an index."""

    at: int
    tag: str
    images: tuple[int, ...]


@dataclass
class Others:
    """`last`: what they left each tag at, None where they deleted it. `unseen`: what they did between our look and the
    change that followed it, of which nobody can know: a tag of ours pushed, or a new tag put to what goes."""

    world: World
    digests: list[Digest]
    acts: list[Act]
    chosen: set[str]
    last: dict[str, str | None] = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)
    pushed: set[str] = field(default_factory=set)
    at: dict[str, int] = field(default_factory=dict)
    number: int = 0
    looked: dict[str, int] = field(default_factory=dict)
    listed: int = -1

    def before(self, request: httpx.Request, number: int) -> None:
        self.number = number
        for act in self.acts:
            if act.at == number:
                self.do(act)
        reference = request.url.path.rpartition("/")[2]
        if reference == "list":
            self.listed = number
        elif request.method in ("GET", "HEAD"):
            self.looked[reference] = number
        elif reference in self.at and self.looked.get(reference, -1) < self.at[reference]:
            self.unseen.add(reference)
        elif reference.startswith("sha256:"):
            self.unseen |= {t for t in self.chosen & self.at.keys() if self.looked.get(t, -1) < self.at[t]}
            self.unseen |= {t for t in self.at if t == "fresh" and self.listed < self.at[t]}

    def do(self, act: Act) -> None:
        storage = self.world.storage
        if not act.images:
            if storage.untag(REPOSITORY, act.tag):
                self.last[act.tag], self.at[act.tag] = None, self.number
            return
        names = [self.digests[image % len(self.digests)] for image in act.images]
        before = storage.tag(REPOSITORY, act.tag)
        if len(names) == 1:
            move(self.world, act.tag, names[0])
        else:
            push_index(self.world, act.tag, *names)
        now = storage.tag(REPOSITORY, act.tag)
        if now is not None and now != before:
            self.last[act.tag], self.at[act.tag] = now, self.number
            self.pushed |= {now, *names}


acts = st.builds(
    Act,
    st.integers(0, 60),
    st.sampled_from(["t0", "t1", "t2", "t3", "t4", "prod", "fresh"]),
    st.lists(st.integers(0, 5), max_size=2).map(tuple),
)


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
@settings(max_examples=examples(60))
@given(
    tags=st.lists(st.integers(0, 5), min_size=5, max_size=5),
    prod=st.integers(0, 5),
    marked=st.sets(st.integers(0, 4), min_size=1),
    happens=st.lists(acts, max_size=4),
)
@example(tags=[0, 1, 0, 0, 0], prod=0, marked={0, 1}, happens=[Act(11, "fresh", (1,))])
@example(tags=[1, 0, 0, 0, 0], prod=0, marked={0}, happens=[Act(8, "t0", (4,))])
@example(tags=[0, 0, 0, 1, 0], prod=0, marked={0, 1, 3}, happens=[Act(13, "t0", (4,))])
def test_nothing_is_lost_that_was_not_confirmed_and_what_is_told_happened(
    version: Version, tags: list[int], prod: int, marked: set[int], happens: list[Act]
) -> None:
    asyncio.run(check(version, tags, prod, {f"t{number}" for number in marked}, happens))


async def check(version: Version, tags: list[int], prod: int, marked: set[str], happens: list[Act]) -> None:
    world = World(version)
    images = [await world.image(REPOSITORY, [str(number)]) for number in range(4)]
    digests = [*images, await world.index(REPOSITORY, images[:2]), await world.index(REPOSITORY, images[1:3])]
    for name, target in [*((f"t{number}", target) for number, target in enumerate(tags)), ("prod", prod)]:
        move(world, name, digests[target])
    before = await world.tags(REPOSITORY)
    transport = interrupting(world)
    others = Others(world, digests, happens, marked)
    transport.before = others.before
    _, confirmed = await planned(world, *sorted(marked))
    report = await confirmed()
    transport.before = lambda request, number: None

    after = await world.tags(REPOSITORY)
    outcomes = {o.reference.removeprefix(f"{REPOSITORY}"): o for o in report.outcomes}
    expected = {**before, **others.last}
    for tag, digest in expected.items():
        if tag in marked:
            outcome = outcomes[f":{tag}"]
            if tag not in others.last:
                assert (outcome.status is Status.DONE) == (tag not in after), (tag, outcome)
            elif digest is not None and tag not in others.unseen:
                assert after.get(tag) == digest or outcome.status is Status.DONE, (tag, outcome)
        elif digest is not None:
            told_of = any(tag in doubt for doubt in report.doubts) or tag in others.unseen
            assert after.get(tag) == digest or told_of, (tag, digest, after, report)
        else:
            assert tag not in after or any(tag in notice for notice in report.notices), (tag, after, report)
    for tag in after:
        assert await world.is_whole(REPOSITORY, tag), (tag, report)
    there = world.storage.repositories[REPOSITORY].revisions
    for digest in others.pushed ^ set(digests):
        if (gone := outcomes.get(f"@{digest}")) is not None and digest not in others.pushed:
            assert (gone.status is Status.DONE) == (digest not in there), gone
        elif digest not in others.pushed:
            assert digest in there, digest
    await transport.aclose()


async def test_a_tag_that_vanished_while_the_question_stood_is_told(world: World) -> None:
    """Before anything was changed: it was somebody else."""
    interrupting(world)
    for tag in ("v1", "v2", "v3"):
        await world.image(REPOSITORY, [tag], [tag])
    _, confirmed = await planned(world, "v1")
    del world.storage.repositories[REPOSITORY].tags["v2"]
    report = await confirmed()
    assert report.is_complete, report
    assert report.notices == ("v2 is gone since the plan was shown: somebody else removed it.",)
    assert report_sentences(report)[-1] == "Checked against the registry: all else is as it was."
