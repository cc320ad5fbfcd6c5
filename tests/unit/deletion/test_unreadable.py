"""One thing that can't be read, or is no manifest at all, never stands in the way of the rest: what it might use
stays, it is named, and it can be removed by itself."""

import json

import httpx
import pytest

from regtui.deletion.request import Request
from regtui.deletion.values import Plan, Report
from regtui.deletion.words import plan_sentences, report_sentences
from regtui.local.transport import LocalTransport
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.session.session import Session

from .scripted import Scripted
from .worlds import World

REPOSITORY = "team/app"


@pytest.fixture(params=["2.8.2", "3.1.1"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


async def run(connection: Session, plan: Plan) -> Report:
    assert not plan.obstacle, plan.obstacle
    running = connection.deleting(plan)
    async for _ in running.outcomes():
        pass
    return running.report


class Unread(httpx.AsyncBaseTransport):
    """GET of `tag` fails while `fails`, by a status or without any answer; HEAD answers."""

    def __init__(self, world: World, tag: str, status: int, *, fails: bool = True) -> None:
        self._inner = LocalTransport(world.storage, world.version)
        self._tag = tag
        self._status = status
        self.fails = fails

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.fails and request.method == "GET" and request.url.path.endswith(f"/manifests/{self._tag}"):
            if not self._status:
                raise httpx.RemoteProtocolError("the connection was closed", request=request)
            return httpx.Response(self._status)
        return await self._inner.handle_async_request(request)


@pytest.mark.parametrize("status", [503, 0], ids=["503", "closed"])
async def test_what_could_not_be_read_is_not_said_to_have_changed(world: World, status: int) -> None:
    """Only a digest that is another than before is a change."""
    await world.image(REPOSITORY, ["a"], ["a"])
    await world.image(REPOSITORY, ["b"], ["b"])
    world.transport = Unread(world, "b", status)
    connection = await world.open()
    report = await run(connection, await connection.plan_deletion(Request(REPOSITORY, ["a"])))
    told = report_sentences(report)
    assert not [line for line in told if "somebody else" in line], told
    assert report.looked is not None
    assert (report.looked.changed, list(report.looked.unknown)) == ((), ["b"])
    assert told[-1].startswith("b could not be read (")
    assert told[-1].endswith("): whether it changed is not known.")
    assert "nothing else changed" not in " ".join(told)


async def test_what_can_t_be_read_at_the_end_is_told_with_the_reason(world: World) -> None:
    await world.image(REPOSITORY, ["a"], ["a"])
    await world.image(REPOSITORY, ["b"], ["b"])
    transport = world.transport = Unread(world, "b", 503, fails=False)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["a"]))
    await world.image(REPOSITORY, ["c"], ["b"])
    transport.fails = True
    told = report_sentences(await run(connection, plan))
    assert not [line for line in told if "somebody else" in line], told
    assert "b could not be read (" in told[-1]


async def push_cache(world: World, tag: str) -> tuple[Digest, list[Digest]]:
    """A BuildKit cache: an index whose entries are blobs. Its digest, and theirs."""
    client = world.client()
    layer, config = b"a layer of the cache", b'{"layers":[]}'
    types = {
        layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
        config: "application/vnd.buildkit.cacheconfig.v0",
    }
    entries = [
        {"mediaType": types[blob], "digest": await client.upload_blob(REPOSITORY, blob), "size": len(blob)}
        for blob in (layer, config)
    ]
    index = {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": entries}
    return await world.put(REPOSITORY, index, mt.OCI_INDEX, [tag]), [Digest(str(e["digest"])) for e in entries]


def answering(world: World, status: int, *references: str) -> Scripted:
    """The registry, which answers so where one of these manifests is read."""

    def instead(request: httpx.Request) -> int | None:
        read = request.method in ("GET", "HEAD") and "/manifests/" in request.url.path
        return status if read and request.url.path.rpartition("/")[2] in references else None

    return Scripted(world, instead=instead)


async def test_the_entries_of_a_cache_are_blobs(world: World) -> None:
    cache, entries = await push_cache(world, "cache")
    image = await world.image(REPOSITORY, ["layer"], ["1.0"])
    sent = world.transport = Scripted(world)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["1.0"]))
    assert [manifest.digest for manifest in plan.manifests] == [image]
    assert (await run(connection, plan)).is_complete
    plan = await connection.plan_deletion(Request(REPOSITORY, ["cache"]))
    assert [manifest.digest for manifest in plan.manifests] == [cache]
    # What is freed is what it holds: they are counted as blobs.
    assert plan.freed == len(world.storage.blobs[cache].data or b"") + len(b'a layer of the cache{"layers":[]}')
    assert (await run(connection, plan)).is_complete
    assert await world.tags(REPOSITORY) == {}
    # On 2.x that would have unlinked the layer.
    assert not {reference for _, reference in sent.sent} & set(entries)
    assert all([await world.client().has_blob(REPOSITORY, entry) for entry in entries])


async def test_an_entry_of_another_kind_keeps_the_manifest_that_it_names(world: World) -> None:
    """Whatever it is called: an index that stays needs it."""
    image = await world.image(REPOSITORY, ["layer"], ["1.0"])
    entry = {"mediaType": "application/vnd.example", "digest": image, "size": 1}
    odd = {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": [entry]}
    await world.put(REPOSITORY, odd, mt.OCI_INDEX, ["odd"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["1.0"]))
    assert plan.manifests == ()
    by_digest = await connection.plan_deletion(Request(REPOSITORY, ["1.0"], digests=[image]))
    assert "is named by odd" in by_digest.obstacle
    assert (await run(connection, plan)).is_complete
    assert image in world.storage.repositories[REPOSITORY].revisions


async def test_what_stays_for_a_manifest_that_cannot_be_read_is_not_said_to_be_in_use(world: World) -> None:
    """One index calls it an image, another a layer: it may lead to anything."""
    hidden = await world.image(REPOSITORY, ["hidden"])
    for tag, kind in (("odd", mt.OCI_MANIFEST), ("cache", "application/vnd.example")):
        entry = {"mediaType": kind, "digest": hidden, "size": 1}
        body = {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": [entry]}
        await world.put(REPOSITORY, body, mt.OCI_INDEX, [tag])
    await world.image(REPOSITORY, ["layer"], ["1.0"])
    world.transport = answering(world, 500, hidden)
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["1.0"]))
    assert plan.manifests == ()
    said = plan_sentences(plan)
    assert "No manifest is deleted: nothing becomes collectable." in said
    assert f"{hidden.short} could not be read" in said[-1]
    assert said[-1].endswith("so that nothing it uses is lost, only tags are removed, and no manifest.")
    assert "in use" not in " ".join(said)
    assert "Below" not in " ".join(said)


async def test_an_unreadable_tag_is_removed_by_itself(world: World) -> None:
    image = await world.image(REPOSITORY, ["layer"], ["broken", "1.0"])
    world.transport = answering(world, 500, "broken")
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["broken"]))
    assert [tag.tag for tag in plan.removed] == ["broken"]
    assert "500" in plan.removed[0].unread
    assert any("What broken used stays, as it can't be read" in sentence for sentence in plan_sentences(plan))
    report = await run(connection, plan)
    assert report.is_complete, report
    assert await world.tags(REPOSITORY) == {"1.0": image}


async def test_beside_an_unreadable_tag_others_go_and_all_manifests_stay(world: World) -> None:
    image = await world.image(REPOSITORY, ["layer"], ["1.0", "broken"])
    world.transport = answering(world, 500, "broken")
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["1.0"]))
    assert plan.manifests == ()
    assert any("broken could not be read" in sentence for sentence in plan_sentences(plan))
    assert (await run(connection, plan)).is_complete
    assert await world.tags(REPOSITORY) == {"broken": image}


async def test_an_unreadable_tag_that_can_be_read_by_then_stays(world: World) -> None:
    image = await world.image(REPOSITORY, ["layer"], ["broken"])
    transport = answering(world, 500, "broken")
    world.transport = transport
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["broken"]))
    transport.instead = lambda _: None
    report = await run(connection, plan)
    assert report.moved == ("broken",)
    assert await world.tags(REPOSITORY) == {"broken": image}


@pytest.mark.parametrize("kind", [mt.OCI_MANIFEST, mt.OCI_INDEX])
async def test_an_unreadable_platform_stays_and_blocks_nothing(world: World, kind: str) -> None:
    """Below an index that stays, an index that can't be read may use anything; an image can't."""
    amd, arm = await world.image(REPOSITORY, ["amd"]), await world.image(REPOSITORY, ["arm"])
    entries = [{"mediaType": kind, "digest": d, "size": 1, "platform": {"os": "linux"}} for d in (amd, arm)]
    index = {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": entries}
    await world.put(REPOSITORY, index, mt.OCI_INDEX, ["multi"])
    other = await world.image(REPOSITORY, ["other"], ["other"])
    world.transport = answering(world, 500, arm)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["other"]))
    assert [m.digest for m in plan.manifests] == ([other] if kind == mt.OCI_MANIFEST else [])
    assert any(arm.short in sentence for sentence in plan_sentences(plan))
    assert (await run(connection, plan)).is_complete
    plan = await connection.plan_deletion(Request(REPOSITORY, ["multi"]))
    assert arm not in [m.digest for m in plan.manifests]
    assert amd in [m.digest for m in plan.manifests]
    assert (await run(connection, plan)).is_complete
    assert await world.tags(REPOSITORY) == {}
    assert arm in world.storage.repositories[REPOSITORY].revisions


async def test_what_is_named_by_digest_and_may_be_used_by_something_unreadable_stays(world: World) -> None:
    image = await world.image(REPOSITORY, ["untagged"])
    await world.image(REPOSITORY, ["layer"], ["broken"])
    world.transport = answering(world, 500, "broken")
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, [], digests=[image]))
    assert "may be used by broken" in plan.obstacle


@pytest.mark.alike("world")
async def test_an_index_a_thousand_deep_is_planned_deleted_and_put_back(world: World) -> None:
    digest = await world.image(REPOSITORY, ["layer"])
    media_type = mt.OCI_MANIFEST
    for _ in range(1200):
        entry = {"mediaType": media_type, "digest": digest, "size": 1}
        media_type = mt.OCI_INDEX
        digest = Digest(
            world.storage.put_manifest(
                REPOSITORY, json_of({"schemaVersion": 2, "mediaType": media_type, "manifests": [entry]}), media_type
            )
        )
    world.storage.set_tag(REPOSITORY, "deep", digest)
    revisions = dict(world.storage.repositories[REPOSITORY].revisions)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["deep"]))
    assert len(plan.manifests) == 1201
    assert (await run(connection, plan)).is_complete
    assert world.storage.repositories[REPOSITORY].revisions == {}
    entry_ = await connection.changes.last()
    assert entry_ is not None
    undoing = connection.changes.undoing(await connection.changes.plan_undo(entry_))
    async for _ in undoing.outcomes():
        pass
    assert undoing.report.is_complete
    assert world.storage.repositories[REPOSITORY].revisions == revisions
    assert await world.tags(REPOSITORY) == {"deep": digest}


def json_of(value: object) -> bytes:
    return json.dumps(value).encode()
