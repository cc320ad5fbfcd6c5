"""What is lost of an image, where its bytes are looked for, and that what is put back is there afterwards."""

import json
from collections.abc import Iterable

import httpx
import pytest

from regtui import bounds
from regtui.content.store import ContentStore
from regtui.deletion.entry import Kind
from regtui.deletion.journal import Journal
from regtui.deletion.values import Status
from regtui.errors import UsageError
from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport
from regtui.oci.digest import Digest
from regtui.oci.manifest import REPAIRED
from regtui.oci.media_type import OCI_INDEX
from regtui.registry.errors import NotAllowed, NotFound, RegistryError, Unreachable, Where
from regtui.repair.repairing import Repairing
from regtui.repair.sources import plan_repair
from regtui.repair.values import BlobOrigin, BlobSource, CheckedReference, RepairPlan
from regtui.repair.words import remedy_of
from tests.unit.deletion.worlds import World

REPOSITORY, OTHER = "team/app", "team/base"


async def broken(world: World, *, elsewhere: Iterable[str] = ()) -> Digest:
    """An image of which the config is gone, and is still in the repositories `elsewhere`."""
    await world.image(REPOSITORY, ["layer"], ["1.0"])
    for repository in elsewhere:
        await world.image(repository, ["layer"], ["1.0"])
    body = (await world.client().manifest(REPOSITORY, "1.0")).body
    config = Digest(json.loads(body)["config"]["digest"])
    world.storage.unlink_layer(REPOSITORY, config)
    return config


async def test_a_lost_config_is_found_with_its_cause_and_put_back() -> None:
    world = World("2.8.2")
    config = await broken(world, elsewhere=[OTHER])
    session = await world.open()
    checked = await session.check(REPOSITORY, "1.0")
    assert (checked.lost, checked.configs) == ((config,), frozenset({config}))
    assert "is gone" in checked.problem
    assert "by its config's digest" in checked.problem
    assert checked.effect == "it can't be pulled"
    plan = await session.plan_repair(REPOSITORY, checked.lost)
    assert plan.sources == {config: BlobSource(BlobOrigin.REPOSITORY, OTHER)}
    assert remedy_of(checked, plan) == f"the config {config.short} can be mounted from {OTHER}"
    assert [outcome.status async for outcome in session.repairing(plan)] == [Status.DONE]
    assert await world.is_whole(REPOSITORY, "1.0")
    assert not (await session.check(REPOSITORY, "1.0")).is_broken
    (entry,) = session.journal.entries(session.identity)
    assert (entry.kind, entry.manifests_changed, entry.is_complete) == (Kind.REPAIR, (config,), True)
    assert await session.changes.last() is None
    await session.close()


async def test_what_was_read_before_is_uploaded_from_the_cache() -> None:
    world = World("2.8.2")
    await world.image(REPOSITORY, ["layer"], ["1.0"])
    session = await world.open()
    await session.details(REPOSITORY, "1.0")
    config = await broken(world)
    plan = await session.plan_repair(REPOSITORY, (config,))
    assert plan.sources[config].origin is BlobOrigin.CACHE
    assert [outcome.status async for outcome in session.repairing(plan)] == [Status.DONE]
    assert await world.is_whole(REPOSITORY, "1.0")
    await session.close()


async def test_one_platform_of_many() -> None:
    world = World("3.1.1")
    one, two = await world.image(REPOSITORY, ["one"]), await world.image(REPOSITORY, ["two"])
    await world.index(REPOSITORY, {"amd64": one, "arm64": two}, ["multi"])
    world.storage.unlink_layer(REPOSITORY, Digest.of(b"two"))
    session = await world.open()
    checked = await session.check(REPOSITORY, "multi")
    assert (checked.lost, checked.effect) == ((Digest.of(b"two"),), "linux/arm64 can't be pulled")
    assert "config's digest" not in checked.problem
    await session.close()


async def test_a_platform_of_which_the_manifest_is_gone_here_and_was_read_elsewhere() -> None:
    world = World("2.8.2")
    for repository in (OTHER, REPOSITORY):
        one, two = await world.image(repository, ["one"]), await world.image(repository, ["two"])
        await world.index(repository, {"amd64": one, "arm64": two}, ["multi"])
    assert world.storage.delete_manifest(REPOSITORY, two)
    session = await world.open()
    assert not (await session.check(OTHER, "multi")).is_broken
    checked = await session.check(REPOSITORY, "multi")
    assert checked.effect == "linux/arm64 can't be pulled"
    assert "is gone" in checked.problem
    await session.close()


async def test_a_manifest_that_is_gone_and_one_that_never_was() -> None:
    world = World("2.8.2")
    await world.image(REPOSITORY, ["one"], ["1.0"])
    session = await world.open()
    checked = await session.check(REPOSITORY, "2.0")
    assert (checked.digest, checked.lost, checked.problem) == (None, (), "its manifest is gone")
    with pytest.raises(NotFound):
        await session.check(REPOSITORY, Digest.of(b"never"))
    await session.close()


@pytest.mark.parametrize(
    ("annotations", "problem"), [({}, "it is an empty index"), ({REPAIRED: "1"}, "took the place of a damaged tag")]
)
async def test_an_empty_index_can_not_be_pulled(annotations: dict[str, str], problem: str) -> None:
    world = World("2.8.2")
    body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "annotations": annotations}
    await world.client().put_manifest(REPOSITORY, "1.0", json.dumps(body).encode(), OCI_INDEX)
    session = await world.open()
    checked = await session.check(REPOSITORY, "1.0")
    assert problem in checked.problem
    assert checked.effect == "it can't be pulled"
    plan = await session.plan_repair(REPOSITORY, checked.lost)
    assert remedy_of(checked, plan) == "push the image again, or delete it"
    await session.close()


async def test_read_only_puts_nothing_back() -> None:
    world = World("2.8.2")
    config = await broken(world, elsewhere=[OTHER])
    session = await world.open(read_only=True)
    plan = await session.plan_repair(REPOSITORY, (config,))
    with pytest.raises(UsageError, match="read-only"):
        session.repairing(plan)
    assert not await world.client().has_blob(REPOSITORY, config)
    await session.close()


class Asked:
    """Blobs by repository; some repositories can't be read. `asked` in order."""

    def __init__(self, has: dict[str, Digest], failing: dict[str, RegistryError] | None = None) -> None:
        self._has = has
        self._failing = failing or {}
        self.asked: list[str] = []

    async def has_blob(self, repository: str, digest: Digest) -> bool:
        self.asked.append(repository)
        if (error := self._failing.get(repository)) is not None:
            raise error
        return self._has.get(repository) == digest


async def searched(client: Asked, repositories: list[str], lost: Digest) -> RepairPlan:
    content = ContentStore(World("2.8.2").client())
    return await plan_repair(client, content, [], REPOSITORY, [lost], repositories)


async def test_relatives_are_asked_first_and_no_more_than_is_needed() -> None:
    lost = Digest.of(b"lost")
    client = Asked({"team/zoo": lost})
    others = [f"other/{number}" for number in range(100)]
    plan = await searched(client, [*others, REPOSITORY, "team/zoo"], lost)
    assert plan.sources == {lost: BlobSource(BlobOrigin.REPOSITORY, "team/zoo")}
    assert client.asked[0] == "team/zoo"
    assert len(client.asked) < 10
    assert REPOSITORY not in client.asked


async def test_the_search_is_bounded_and_says_so() -> None:
    client = Asked({})
    lost = Digest.of(b"lost")
    plan = await searched(client, [f"r{number}" for number in range(bounds.REPAIR_REPOSITORIES + 5)], lost)
    assert (len(client.asked), plan.searched, plan.is_whole) == (
        bounds.REPAIR_REPOSITORIES,
        bounds.REPAIR_REPOSITORIES,
        False,
    )
    checked = CheckedReference(REPOSITORY, "1.0", lost, "p", "e", (lost,))
    assert "1,000 other repositories, which may not be all; push the image again, or delete it" in remedy_of(
        checked, plan
    )


async def test_one_that_may_not_be_read_is_passed_over_and_a_registry_that_is_gone_is_not() -> None:
    lost = Digest.of(b"lost")
    denied = NotAllowed(Where("host", "checking the blob", "team/secret"), "denied", status=403)
    plan = await searched(Asked({"z": lost}, {"team/secret": denied}), ["team/secret", "z"], lost)
    assert plan.sources[lost].place == "z"
    assert not plan.is_whole
    gone = Unreachable(Where("host", "checking the blob", "a"), "gone")
    with pytest.raises(Unreachable):
        await searched(Asked({}, {"a": gone}), ["a"], lost)


class Losing(httpx.AsyncBaseTransport):
    """Does what it is asked, and `breaks` the answer to some requests, or mounts nothing."""

    def __init__(self, inner: LocalTransport[MemoryStorage], *, breaks: str = "", lies: bool = False) -> None:
        self._inner = inner
        self._breaks = breaks
        self._lies = lies

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._lies and request.method in ("POST", "PUT"):
            return httpx.Response(201, headers={"Location": "/v2/x/blobs/uploads/1"})
        answer = await self._inner.handle_async_request(request)
        if request.method == self._breaks:
            raise httpx.ReadError("broken off")
        return answer


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_an_answer_that_is_lost_is_looked_for(method: str) -> None:
    """A mount whose answer is lost is there all the same; an upload that was only begun isn't."""
    world = World("2.8.2")
    config = await broken(world, elsewhere=[OTHER])
    world.transport = Losing(LocalTransport(world.storage, "2.8.2"), breaks=method)
    session = await world.open()
    plan = RepairPlan(REPOSITORY, {config: BlobSource(BlobOrigin.REPOSITORY, OTHER)})
    assert [outcome.status async for outcome in session.repairing(plan)] == [Status.DONE]
    assert await world.client().has_blob(REPOSITORY, config)
    await session.close()


async def test_a_registry_that_says_it_took_it_and_did_not_is_told() -> None:
    world = World("2.8.2")
    config = await broken(world)
    world.transport = Losing(LocalTransport(world.storage, "2.8.2"), lies=True)
    session = await world.open()
    plan = RepairPlan(REPOSITORY, {config: BlobSource(BlobOrigin.CACHE, body=b"x")})
    (outcome,) = [outcome async for outcome in session.repairing(plan)]
    assert outcome.status is Status.FAILED
    assert "said that it took it, and doesn't have it" in outcome.error
    (entry,) = session.journal.entries(session.identity)
    assert entry.is_complete is False
    await session.close()


async def test_what_is_not_mounted_is_carried_over() -> None:
    """The demo registry mounts; one that wants it uploaded is asked for the blob itself."""
    world = World("2.8.2")
    config = await broken(world, elsewhere=[OTHER])
    client = world.client()
    mounted: list[str] = []

    async def refuses(repository: str, digest: Digest, source: str) -> bool:
        mounted.append(source)
        return False

    client.mount_blob = refuses  # type: ignore[method-assign]
    plan = RepairPlan(REPOSITORY, {config: BlobSource(BlobOrigin.REPOSITORY, OTHER)})
    outcomes = [outcome async for outcome in Repairing(client, plan, Journal(None), "").outcomes()]
    assert [outcome.status for outcome in outcomes] == [Status.DONE]
    assert mounted == [OTHER]
    assert await world.is_whole(REPOSITORY, "1.0")
