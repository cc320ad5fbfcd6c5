"""Each tag is looked at right before anything is put to it or it is removed: by an undo, a move, a second try, and
where it is put back. What somebody else pushed until then stays."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regtui.deletion.journal import Journal, Run
from regtui.deletion.reasons import Reason, in_words
from regtui.deletion.recheck import holder
from regtui.deletion.surely import delete_tag_surely, put_tag_surely
from regtui.deletion.tagging import TagMoved
from regtui.deletion.values import Contents, Report, Status
from regtui.local.dialect import Version
from regtui.oci.digest import Digest
from regtui.registry.errors import RegistryError
from regtui.session.session import Session
from tests.support.alike import examples

from .test_meanwhile import Interrupting, interrupting, move, once, planned, told
from .test_surely import at_first, manifest, scripted
from .worlds import World

REPOSITORY = "team/app"
TAGS = [f"v{number:02}" for number in range(12)]
VERSIONS: list[Version] = ["2.8.2", "3.1.1"]


class Refusing(Interrupting):
    """Lets somebody else in before each request, and answers `DELETE` by itself, without doing it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        is_probe = "sha256:0000" in request.url.path or "regtui-probe" in request.url.path
        if request.method != "DELETE" or is_probe:
            return await super().handle_async_request(request)
        self.sent.append((request.method, request.url.path.rpartition("/")[2]))
        return httpx.Response(405)


async def undone(connection: Session) -> Report:
    entry = await connection.changes.last()
    assert entry is not None
    running = connection.changes.undoing(await connection.changes.plan_undo(entry))
    async for _ in running.outcomes():
        pass
    return running.report


def is_put_of(request: httpx.Request, tag: str) -> bool:
    return request.method == "PUT" and request.url.path.endswith(f"/manifests/{tag}")


def test_what_keeps_a_manifest_is_named() -> None:
    image = Digest.of(b"x")
    contents = Contents("team/app", {"goes": image, "prod": image}, {}, unread={"odd": "unknown error"})
    assert holder(contents, {"goes"}, image) == "prod leads to it"
    assert holder(contents, {"goes", "prod"}, image) == "odd can't be read, and may lead to it"
    assert in_words(Reason.IN_USE, holder(contents, {"goes"}, image)) == "not deleted: prod leads to it"


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=examples(25))
@given(tag=st.sampled_from([*TAGS, "multi"]), at=st.integers(0, 80))
async def test_what_is_pushed_at_any_time_of_an_undo_stays(version: Version, tag: str, at: int) -> None:
    world = World(version)
    for name in TAGS:
        await world.image(REPOSITORY, [name], [name])
    children = [await world.image(REPOSITORY, [name]) for name in ("amd", "arm")]
    multi = await world.index(REPOSITORY, children, ["multi"])
    fresh = await world.image(REPOSITORY, ["new"], ["new"])
    transport = interrupting(world)
    connection, confirmed = await planned(world, *TAGS, "multi")
    await confirmed()
    before = len(transport.sent)
    pushed: list[int] = []
    was_put: list[str] = []

    def pushes(request: httpx.Request, number: int) -> None:
        # The one request between the look and the change is what nobody can do anything about.
        is_time = number - before >= at and not is_put_of(request, tag)
        if is_time and not pushed:
            pushed.append(number)
            if world.storage.tag(REPOSITORY, tag) is not None:
                was_put.append(tag)
            move(world, tag, fresh)

    transport.before = pushes
    report = await undone(connection)
    transport.before = lambda request, number: None
    tags = await world.tags(REPOSITORY)
    if pushed:
        assert tags[tag] == fresh
    if pushed and not was_put:
        (status,) = (o.status for o in report.outcomes if o.reference == f"{REPOSITORY}:{tag}")
        assert status is Status.SKIPPED
    assert set(tags) == {*TAGS, "multi", "new"}
    assert tag == "multi" or tags["multi"] == multi


async def test_a_tag_that_is_pushed_before_the_second_try_is_not_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """3.1.1 fails half-way where somebody pushes the tag at the same time: it is there a moment later."""
    world = World("3.1.1")
    digest = await world.image(REPOSITORY, ["layer"], ["v1"])
    other = await world.image(REPOSITORY, ["other"], ["v2"])

    async def pushes(_: float) -> None:
        move(world, "v1", other)

    monkeypatch.setattr("regtui.deletion.surely.asyncio.sleep", pushes)
    transport, client = await scripted(world)
    transport.instead = at_first(transport, 500)
    with pytest.raises(RegistryError):
        await delete_tag_surely(client, REPOSITORY, "v1", digest)
    assert await world.tags(REPOSITORY) == {"v1": other, "v2": other}


async def test_a_tag_that_is_pushed_before_the_second_try_is_not_put(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World("2.8.2")
    digest = await world.image(REPOSITORY, ["layer"])
    other = await world.image(REPOSITORY, ["other"], ["v2"])
    image = await manifest(world, digest)

    async def pushes(_: float) -> None:
        move(world, "v1", other)

    monkeypatch.setattr("regtui.deletion.surely.asyncio.sleep", pushes)
    transport, client = await scripted(world)
    transport.instead = at_first(transport, 502)
    assert not await put_tag_surely(client, REPOSITORY, "v1", image, instead_of=[None])
    assert await world.tags(REPOSITORY) == {"v1": other, "v2": other}


async def test_what_is_pushed_while_a_tag_and_what_is_below_it_are_put_back_stays() -> None:
    world = World("2.8.2")
    children = [await world.image(REPOSITORY, [name]) for name in ("amd", "arm")]
    multi = await world.index(REPOSITORY, children, ["multi", "same"])
    fresh = await world.image(REPOSITORY, ["new"], ["new"])
    transport = world.transport = Refusing(world)
    _, confirmed = await planned(world, "multi")

    def looks_below(request: httpx.Request) -> bool:
        # After the placeholder's DELETE was refused.
        return any(method == "DELETE" for method, _ in transport.sent) and request.url.path.endswith(children[0])

    transport.before = once(looks_below, lambda: move(world, "multi", fresh))
    report = await confirmed()
    assert await world.tags(REPOSITORY) == {"multi": fresh, "same": multi, "new": fresh}
    assert told(report, ":multi") == (Status.SKIPPED, Reason.MOVED)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_tag_that_is_pushed_while_its_move_is_recorded_is_not_moved(version: Version) -> None:
    world = World(version)
    child = await world.image(REPOSITORY, ["amd"])
    old = await world.index(REPOSITORY, [child], ["latest"])
    new = await world.image(REPOSITORY, ["new"], ["v2"])
    other = await world.image(REPOSITORY, ["other"], ["v3"])
    transport = interrupting(world)
    connection = await world.open()
    transport.begun = True
    transport.before = once(lambda request: request.url.path.endswith(child), lambda: move(world, "latest", other))
    with pytest.raises(TagMoved):
        await connection.add_tag(REPOSITORY, new, "latest", instead_of=old)
    assert (await world.tags(REPOSITORY))["latest"] == other
    assert await connection.changes.last() is None
    assert await connection.changes.unfinished() == []


async def test_a_tag_that_vanished_and_was_pushed_again_is_not_put_back() -> None:
    """Moved onto what was going, it went along; and before that is found out its owner has pushed it anew."""
    world = World("2.8.2")
    doomed = await world.image(REPOSITORY, ["old"], ["v1"])
    other = await world.image(REPOSITORY, ["other"], ["prod", "other"])
    fresh = await world.image(REPOSITORY, ["new"], ["new"])
    transport = interrupting(world)
    _, confirmed = await planned(world, "v1")
    acts: list[Callable[[httpx.Request], bool]] = [
        lambda request: request.method == "DELETE" and request.url.path.endswith(doomed),
        lambda request: request.method == "GET" and request.url.path.endswith(other),
    ]
    targets = [doomed, fresh]

    def before(request: httpx.Request, _: int) -> None:
        if acts and acts[0](request):
            acts.pop(0)
            move(world, "prod", targets.pop(0))

    transport.before = before
    await confirmed()
    assert acts == []
    assert (await world.tags(REPOSITORY))["prod"] == fresh


@pytest.mark.parametrize("count", [1, 2, 12], ids=["one", "few", "many"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_tag_that_is_pushed_while_the_run_is_recorded_stays(
    version: Version, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first record holds the bytes of every manifest: of 8,000 tags that takes seconds."""
    world = World(version)
    for name in TAGS[:count]:
        await world.image(REPOSITORY, [name], [name])
    fresh = await world.image(REPOSITORY, ["new"], ["new"])
    interrupting(world)
    connection, confirmed = await planned(world, *TAGS[:count])
    begin = Journal.begin

    def pushes(*arguments: Any, **named: Any) -> Run:
        for name in TAGS[:count]:
            move(world, name, fresh)
        return begin(*arguments, **named)

    monkeypatch.setattr(Journal, "begin", pushes)
    await confirmed()
    assert await world.tags(REPOSITORY) == dict.fromkeys([*TAGS[:count], "new"], fresh)
    assert await connection.changes.unfinished() == []


@pytest.mark.parametrize(("tag", "onto"), [("v1", "v2"), ("v2", "v1")])
@settings(max_examples=examples(25))
@given(at=st.integers(0, 40), stays=st.booleans())
async def test_a_tag_that_goes_with_its_manifest_and_is_moved_onto_another_that_goes_stays(
    tag: str, onto: str, at: int, stays: bool
) -> None:
    """It is somebody's by then, whichever of the two manifests goes first; 2.x deletes a tag with its manifest."""
    world = World("2.8.2")
    images = {name: await world.image(REPOSITORY, [name], [name]) for name in ("v1", "v2", *(["v3"] if stays else []))}
    transport = interrupting(world)
    _, confirmed = await planned(world, "v1", "v2")
    before = len(transport.sent)
    pushed: list[int] = []
    looked: list[int] = []

    def pushes(request: httpx.Request, number: int) -> None:
        # Not where it was removed already, nor onto what is gone: that would be another push.
        is_there = world.storage.tag(REPOSITORY, tag) is not None
        revisions = {str(one) for one in world.storage.repositories[REPOSITORY].revisions}
        if not pushed and number - before >= at and is_there and str(images[onto]) in revisions:
            pushed.append(number)
            move(world, tag, images[onto])
        elif pushed and request.url.path.endswith(f"/manifests/{tag}"):
            looked.append(number)

    transport.before = pushes
    report = await confirmed()
    transport.before = lambda request, number: None
    tags = await world.tags(REPOSITORY)
    assert not pushed or looked, "all tags are looked at once more"
    # Between the last look at it and the DELETE nobody can know.
    sent = [("DELETE", str(images[onto])) == request for request in transport.sent]
    deleted = sent.index(True) if True in sent else len(sent)
    if pushed and (any(look < deleted for look in looked) or deleted - pushed[0] > 6):
        assert tags[tag] == images[onto]
        assert await world.is_whole(REPOSITORY, tag)
        (status,) = (o.status for o in report.outcomes if o.reference == f"{REPOSITORY}:{tag}")
        assert status is Status.SKIPPED
    assert set(tags) - {tag} == ({"v3"} if stays else set())
