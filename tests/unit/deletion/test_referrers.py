"""Signatures and the like that have no tag, on a registry that lists them: they go with their image, and come back."""

import json
from collections.abc import Iterator

import httpx
import pytest

from regtui import bounds
from regtui.deletion.request import Request
from regtui.deletion.values import Action, Plan, Report, Status
from regtui.deletion.words import attached_offer, plan_notes, plan_sentences
from regtui.local.transport import LocalTransport
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.registry.errors import BadAnswer
from regtui.session.session import Session

from .worlds import World

REPOSITORY = "team/app"


class WithReferrers(httpx.AsyncBaseTransport):
    """The referrers API of distribution-spec 1.1, a page for each, over the demo registry. `asked`: how often;
    `unknown`: a manifest that it knows nothing of."""

    def __init__(self, world: World, *, has_api: bool = True) -> None:
        self._inner = LocalTransport(world.storage, world.version)
        self._world = world
        self._has_api = has_api
        self.asked = 0
        self.unknown = ""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name, _, digest = request.url.path.removeprefix("/v2/").partition("/referrers/")
        if not digest:
            return await self._inner.handle_async_request(request)
        self.asked += 1
        if not self._has_api:
            return httpx.Response(404, text="404 page not found")
        if digest == self.unknown:
            return httpx.Response(404, json={"errors": [{"code": "MANIFEST_UNKNOWN"}]})
        found = sorted(self._referring(name, digest), key=lambda descriptor: str(descriptor["digest"]))
        start = int(request.url.params.get("page", 0))
        headers = {"Content-Type": mt.OCI_INDEX}
        if start + 1 < len(found):
            headers["Link"] = f'</v2/{name}/referrers/{digest}?page={start + 1}>; rel="next"'
        body = {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": found[start : start + 1]}
        return httpx.Response(200, json=body, headers=headers)

    def _referring(self, name: str, digest: str) -> Iterator[dict[str, object]]:
        storage = self._world.storage
        for revision in storage.repositories[name].revisions:
            content = storage.blobs[revision].data
            if json.loads(content or b"{}").get("subject", {}).get("digest") == digest:
                yield {"mediaType": mt.OCI_MANIFEST, "digest": revision, "size": len(content or b"")}


def _left_behind(plan: Plan) -> list[str]:
    return [line for line in plan_sentences(plan) if "left without their image" in line]


class MakingReferrers(httpx.AsyncBaseTransport):
    """Names `each` new manifests for every manifest that it is asked for the referrers of, those it made itself, too:
    they never end. `kept`: whether it sends what it names. `sent`: answers in all; a test ends at a thousand."""

    def __init__(self, world: World, *, each: int = 1, kept: bool = True) -> None:
        self._inner = LocalTransport(world.storage, world.version)
        self._each = each
        self._kept = kept
        self._made: dict[str, bytes] = {}
        self.sent = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent += 1
        assert self.sent < 1_000, "requests without an end"
        reference = request.url.path.rpartition("/")[2]
        if "/referrers/" in request.url.path:
            body = {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": list(self._referring(reference))}
            return httpx.Response(200, json=body, headers={"Content-Type": mt.OCI_INDEX})
        if reference not in self._made:
            return await self._inner.handle_async_request(request)
        headers = {"Content-Type": mt.OCI_MANIFEST, "Docker-Content-Digest": reference}
        return httpx.Response(200, content=self._made[reference], headers=headers)

    def _referring(self, subject: str) -> Iterator[dict[str, object]]:
        for number in range(self._each):
            value = {
                "schemaVersion": 2,
                "mediaType": mt.OCI_MANIFEST,
                "annotations": {"number": str(number)},
                "config": {"mediaType": mt.OCI_CONFIG, "digest": Digest.of(b"{}"), "size": 2},
                "layers": [],
                "subject": {"mediaType": mt.OCI_MANIFEST, "digest": subject, "size": 1},
            }
            body = json.dumps(value).encode()
            if self._kept:
                self._made[Digest.of(body)] = body
            yield {"mediaType": mt.OCI_MANIFEST, "digest": Digest.of(body), "size": len(body)}


@pytest.fixture(params=["2.8.2", "3.1.1"])
def world(request: pytest.FixtureRequest) -> World:
    world = World(request.param)
    world.transport = WithReferrers(world)
    return world


def revisions(world: World) -> set[str]:
    return set(world.storage.repositories[REPOSITORY].revisions)


async def execute(connection: Session, plan: Plan) -> Report:
    running = connection.deleting(plan)
    async for _ in running.outcomes():
        pass
    return running.report


async def test_they_are_offered_go_along_when_asked_and_come_back(world: World) -> None:
    image = await world.image(REPOSITORY, ["image"], ["v1"])
    sbom = await world.image(REPOSITORY, ["sbom"], subject=image)
    signature = await world.image(REPOSITORY, ["signature"], subject=sbom)
    other = await world.image(REPOSITORY, ["other"], subject=image)
    await world.image(REPOSITORY, ["stays"], ["v2"])
    before = revisions(world)
    connection = await world.open()

    alone = await connection.plan_deletion(Request(REPOSITORY, ["v1"]))
    assert set(alone.attached_manifests) == {sbom, other}
    assert [manifest.digest for manifest in alone.manifests] == [image]
    assert "2 signatures and SBOMs" in attached_offer(alone)
    assert any(sentence.startswith("2 attached artifacts") for sentence in plan_sentences(alone))

    plan = await connection.plan_deletion(Request(REPOSITORY, ["v1"], with_attached=True))
    assert {manifest.digest for manifest in plan.manifests} == {image, sbom, signature, other}
    assert plan.attached_manifests == ()
    assert plan.freed > alone.freed
    assert plan_notes(plan)[f"{REPOSITORY}@{sbom}"] == f"attached to {image.short}"
    report = await execute(connection, plan)
    assert report.is_complete, report
    assert revisions(world) == before - {image, sbom, signature, other}

    entry = await connection.changes.last()
    assert entry is not None
    undoing = connection.changes.undoing(await connection.changes.plan_undo(entry))
    async for _ in undoing.outcomes():
        pass
    assert undoing.report.is_complete, undoing.report
    assert revisions(world) == before
    assert (await world.tags(REPOSITORY))["v1"] == image


async def test_one_manifest_that_is_unknown_hides_nothing_that_refers_to_others(world: World) -> None:
    transport = world.transport = WithReferrers(world)
    transport.unknown = await world.image(REPOSITORY, ["image"], ["v1"])
    sbom = await world.image(REPOSITORY, ["sbom"], subject=await world.image(REPOSITORY, ["other"], ["v2"]))
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["v1", "v2"]))
    assert set(plan.attached_manifests) == {sbom}


async def test_one_that_another_tag_reaches_is_not_offered(world: World) -> None:
    image = await world.image(REPOSITORY, ["image"], ["v1"])
    held = await world.image(REPOSITORY, ["held"], subject=image)
    await world.index(REPOSITORY, [held], ["bundle"])
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["v1"], with_attached=True))
    assert (plan.attached, plan.attached_manifests) == ((), ())
    assert [manifest.digest for manifest in plan.manifests] == [image]


@pytest.mark.parametrize("tagged", [False, True])
async def test_they_stay_when_their_image_stays_after_all(world: World, tagged: bool) -> None:
    image = await world.image(REPOSITORY, ["image"], ["v1"])
    await world.image(REPOSITORY, ["sbom"], ["v1-sbom"] if tagged else [], subject=image)
    gone = await world.image(REPOSITORY, ["gone"], ["v2"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["v1", "v2"], with_attached=True))
    before = revisions(world)
    await world.image(REPOSITORY, ["image"], ["pushed-meanwhile"])
    report = await execute(connection, plan)
    assert revisions(world) == before - {gone}
    assert set(await world.tags(REPOSITORY)) == {"pushed-meanwhile", *(["v1-sbom"] if tagged else [])}
    skipped = {outcome.action for outcome in report.outcomes if outcome.status is Status.SKIPPED}
    assert skipped == ({Action.UNTAG, Action.DELETE} if tagged else {Action.DELETE})


async def test_they_are_left_with_an_image_that_is_left(world: World) -> None:
    image = await world.image(REPOSITORY, ["image"], ["v1"])
    sbom = await world.image(REPOSITORY, ["sbom"], subject=image)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["v1"], with_attached=True, patience=-1))
    assert {manifest.digest for manifest in plan.left} == {image, sbom}
    report = await execute(connection, plan)
    assert report.is_complete
    assert {image, sbom} <= revisions(world)


async def test_a_registry_without_the_api_is_asked_once(world: World) -> None:
    transport = world.transport = WithReferrers(world, has_api=False)
    for tag in ("v1", "v2", "v3"):
        await world.image(REPOSITORY, [tag], [tag])
    connection = await world.open()
    for _ in range(2):
        plan = await connection.plan_deletion(Request(REPOSITORY, ["v1", "v2"]))
        assert (len(plan.manifests), plan.attached_manifests) == (2, ())
    assert transport.asked == 1


async def test_referrers_of_a_repository_alone_are_digests(world: World) -> None:
    assert await world.client().referrers(REPOSITORY, Digest.of(b"nothing")) is None


async def test_referrers_of_referrers_without_an_end_are_too_much_for_a_plan(world: World) -> None:
    transport = world.transport = MakingReferrers(world)
    await world.image(REPOSITORY, ["image"], ["v1"])
    with pytest.raises(BadAnswer, match=r"more than 16 referrers one after the other.*too much for one plan"):
        await (await world.open()).plan_deletion(Request(REPOSITORY, ["v1"]))
    assert transport.sent < 60


@pytest.mark.parametrize("kept", [True, False], ids=["sent", "named only"])
async def test_referrers_are_counted_over_all_that_goes(
    world: World, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    monkeypatch.setattr(bounds, "PLAN_REFERRERS", 10)
    monkeypatch.setattr(bounds, "PLAN_REFERRERS_EACH", 2)
    transport = world.transport = MakingReferrers(world, each=8, kept=kept)
    for tag in ("v1", "v2"):
        await world.image(REPOSITORY, [tag], [tag])
    with pytest.raises(BadAnswer, match=r"more than 14 referrers.*too much for one plan"):
        await (await world.open()).plan_deletion(Request(REPOSITORY, ["v1", "v2"]))
    assert transport.sent < 60


async def test_manifests_of_referrers_are_held_until_it_is_too_much(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them count, however far from what goes they are; with what the repository's tags lead to."""
    image = await world.image(REPOSITORY, ["image"], ["v1"])
    sbom = await world.image(REPOSITORY, ["sbom"], subject=image)
    signature = await world.image(REPOSITORY, ["signature"], subject=sbom)
    client = world.client()
    sizes = [len((await client.manifest(REPOSITORY, digest)).body) for digest in (image, sbom, signature)]
    monkeypatch.setattr(bounds, "MANIFESTS_EACH", 0)
    monkeypatch.setattr(bounds, "MANIFESTS", sum(sizes))
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["v1"]))
    assert set(plan.contents.manifests) == {image, sbom, signature}
    monkeypatch.setattr(bounds, "MANIFESTS", sum(sizes) - 1)
    with pytest.raises(BadAnswer, match="too much for one plan"):
        await (await world.open()).plan_deletion(Request(REPOSITORY, ["v1"]))


async def test_what_is_named_beside_its_image_is_not_said_to_be_left_behind() -> None:
    world = World("3.1.1")
    world.transport = WithReferrers(world)
    await world.image(REPOSITORY, ["stays"], ["stays"])
    image = await world.image(REPOSITORY, ["image"])
    sbom = await world.image(REPOSITORY, ["sbom"], subject=image)
    connection = await world.open()
    alone = await connection.plan_deletion(Request(REPOSITORY, digests=[image]))
    assert _left_behind(alone)
    assert attached_offer(alone)
    both = await connection.plan_deletion(Request(REPOSITORY, digests=[image, sbom]))
    assert {manifest.digest for manifest in both.manifests} == {image, sbom}
    assert _left_behind(both) == []
    assert attached_offer(both) == ""


async def test_the_undo_of_an_undo_does_not_call_what_it_deletes_left_behind() -> None:
    world = World("3.1.1")
    world.transport = WithReferrers(world)
    await world.image(REPOSITORY, ["stays"], ["stays"])
    image = await world.image(REPOSITORY, ["image"], ["v1"])
    await world.image(REPOSITORY, ["sbom"], subject=image)
    connection = await world.open()
    deleting = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, ["v1"], with_attached=True)))
    async for _ in deleting.outcomes():
        pass
    undo = await connection.changes.plan_undo(await connection.changes.entry(deleting.report.run))
    undoing = connection.changes.undoing(undo)
    async for _ in undoing.outcomes():
        pass
    again = await connection.changes.plan_undo(await connection.changes.entry(undoing.report.run))
    assert again.deletion is not None
    assert len(again.deletion.manifests) == 2
    assert _left_behind(again.deletion) == []
