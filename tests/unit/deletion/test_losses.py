"""What undo could not put back is found while planning, and named with its reason before anybody confirms."""

import json
from collections.abc import Awaitable, Callable

import pytest

from regtui.deletion import blobs
from regtui.deletion.placeholder import Placeholder
from regtui.deletion.request import Request
from regtui.deletion.undo import Undo
from regtui.deletion.undo_words import undo_sentences
from regtui.deletion.values import Cause, Report
from regtui.deletion.words import plan_sentences, planned_outcomes, typed_confirmation
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.session.session import Session

from .scripted import Scripted
from .worlds import World

REPOSITORY = "team/app"
SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"


@pytest.fixture(params=["2.8.2", "3.1.1"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


def drop(world: World, digest: Digest) -> None:
    """As `gc -m` on 2.x does with the children of indexes."""
    del world.storage.repositories[REPOSITORY].revisions[digest]


def blobs_of(world: World, digest: Digest) -> tuple[Digest, Digest]:
    """An image's config, and its first layer."""
    value = json.loads(world.storage.blobs[digest].data or b"")
    return Digest(value["config"]["digest"]), Digest(value["layers"][0]["digest"])


async def sparse(world: World) -> str:
    amd, arm = await world.image(REPOSITORY, ["amd"]), await world.image(REPOSITORY, ["arm"])
    await world.index(REPOSITORY, [amd, arm], ["odd"])
    drop(world, arm)
    return f"{arm.short}, a manifest that it names, is missing"


async def without_config(world: World) -> str:
    config, _ = blobs_of(world, await world.image(REPOSITORY, ["layer"], ["odd"]))
    world.storage.unlink_layer(REPOSITORY, config)
    return f"its config {config.short} is missing"


async def without_layer(world: World) -> str:
    _, layer = blobs_of(world, await world.image(REPOSITORY, ["layer"], ["odd"]))
    world.storage.unlink_layer(REPOSITORY, layer)
    return f"its layer {layer.short} is missing"


async def without_layer_that_may_not_be_distributed(world: World) -> str:
    return await _with_layer(world, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "is missing")


async def without_layer_that_is_elsewhere_too(world: World) -> str:
    """3.1.1 takes no image without such a layer, though 2.8.2 does."""
    why = "is missing, and not every registry takes it for its `urls`"
    return await _with_layer(world, "application/vnd.oci.image.layer.v1.tar+gzip", why, urls=["https://example.com/x"])


async def _with_layer(world: World, media_type: str, why: str, **others: object) -> str:
    config = Digest(world.storage.add_blob(b"{}"))
    world.storage.link_layer(REPOSITORY, config)
    layer = {"mediaType": media_type, "digest": Digest.of(b"gone"), "size": 4, **others}
    image = {
        "schemaVersion": 2,
        "mediaType": mt.OCI_MANIFEST,
        "config": {"mediaType": mt.OCI_CONFIG, "digest": config, "size": 2},
        "layers": [layer],
    }
    world.storage.put_manifest(REPOSITORY, json.dumps(image).encode(), mt.OCI_MANIFEST, "odd")
    return f"its layer {Digest.of(b'gone').short} {why}"


async def cache_without_layer(world: World) -> str:
    layer = Digest(world.storage.add_blob(b"cache"))
    entry = {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "digest": layer, "size": 5}
    body = json.dumps({"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": [entry]}).encode()
    world.storage.put_manifest(REPOSITORY, body, mt.OCI_INDEX, "odd")
    return f"its layer {layer.short} is missing"


async def of_schema_1(world: World) -> str:
    body = json.dumps({"schemaVersion": 1, "name": REPOSITORY, "fsLayers": [], "history": []}).encode()
    world.storage.put_manifest(REPOSITORY, body, SCHEMA1, "odd")
    return "it is of schema 1"


async def of_no_kind(world: World) -> str:
    world.storage.put_manifest(REPOSITORY, b'{"schemaVersion": 2}', "text/plain", "odd")
    return "nothing says what kind of manifest it is"


async def of_another_kind(world: World) -> str:
    world.storage.put_manifest(REPOSITORY, b'{"schemaVersion": 2}', mt.OCI_MANIFEST, "odd")
    return "it isn't what its media type says"


async def below_a_lost_child(world: World) -> str:
    child = await world.image(REPOSITORY, ["layer"])
    outer = child
    for _ in range(3):
        outer = await world.index(REPOSITORY, [outer])
    await world.index(REPOSITORY, [outer], ["odd"])
    config, _ = blobs_of(world, child)
    world.storage.unlink_layer(REPOSITORY, config)
    return f"of {child.short} below it, its config {config.short} is missing"


async def in_another_deletion(world: World) -> str:
    placeholder = Placeholder.new()
    world.storage.put_manifest(REPOSITORY, placeholder.body, placeholder.media_type, "odd")
    return "it is an empty index of another deletion, by another user or machine, that isn't over"


@pytest.mark.parametrize(
    "damage",
    [
        in_another_deletion,
        sparse,
        without_config,
        without_layer,
        without_layer_that_may_not_be_distributed,
        without_layer_that_is_elsewhere_too,
        cache_without_layer,
        of_schema_1,
        of_no_kind,
        of_another_kind,
        below_a_lost_child,
    ],
)
async def test_it_is_named_with_its_reason(world: World, damage: Callable[[World], Awaitable[str]]) -> None:
    reason = await damage(world)
    await world.image(REPOSITORY, ["whole"], ["whole"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["odd", "whole"]))
    assert [tag.tag for tag in plan.lost_tags] == ["odd"]
    [sentence] = [line for line in plan_sentences(plan) if line.startswith("Undo can't put back")]
    assert sentence.startswith("Undo can't put back odd, as ")
    assert reason in sentence
    assert "whole" not in sentence
    rows = {row.reference: row.error for row in planned_outcomes(plan)}
    assert reason in rows[f"{REPOSITORY}:odd"]
    assert rows[f"{REPOSITORY}:whole"] == ""
    assert typed_confirmation(plan) == "forever"
    assert typed_confirmation(plan, without_undo=True) == ""
    whole = await connection.plan_deletion(Request(REPOSITORY, ["whole"]))
    assert not whole.has_losses
    assert typed_confirmation(whole) == ""


async def test_a_tag_is_named_too_whose_manifest_stays(world: World) -> None:
    """Putting the tag back is a PUT of the whole manifest."""
    config, _ = blobs_of(world, await world.image(REPOSITORY, ["layer"], ["a", "b"]))
    world.storage.unlink_layer(REPOSITORY, config)
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["a"]))
    assert plan.manifests == ()
    assert [tag.loss.cause for tag in plan.lost_tags if tag.loss] == [Cause.CONFIG_MISSING]


async def test_a_child_that_stays_is_there_for_its_index_whatever_it_lacks(world: World) -> None:
    child = await world.image(REPOSITORY, ["layer"], ["child"])
    await world.index(REPOSITORY, [child], ["multi"])
    config, _ = blobs_of(world, child)
    world.storage.unlink_layer(REPOSITORY, config)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["multi"]))
    assert not plan.has_losses
    before = await world.tags(REPOSITORY)
    _, report = await there_and_back(connection, "multi")
    assert report.is_complete, report
    assert await world.tags(REPOSITORY) == before


async def there_and_back(connection: Session, *tags: str) -> tuple[Undo, Report]:
    deleting = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, tags)))
    async for _ in deleting.outcomes():
        pass
    assert deleting.report.is_complete, deleting.report
    undo = await connection.changes.plan_undo(await connection.changes.entry(deleting.report.run))
    undoing = connection.changes.undoing(undo)
    async for _ in undoing.outcomes():
        pass
    return undo, undoing.report


async def test_the_empty_index_of_another_deletion_is_not_put_back_for_the_image(world: World) -> None:
    placeholder = Placeholder.new()
    world.storage.put_manifest(REPOSITORY, placeholder.body, placeholder.media_type, "odd")
    whole = await world.image(REPOSITORY, ["whole"], ["whole"])
    undo, report = await there_and_back(await world.open(), "odd", "whole")
    assert list(undo.restoration.lost) == [f"{REPOSITORY}:odd"]
    assert not report.is_complete
    assert await world.tags(REPOSITORY) == {"whole": whole}


async def test_a_lost_child_takes_neither_its_siblings_nor_other_tags_down(world: World) -> None:
    amd, arm = await world.image(REPOSITORY, ["amd"]), await world.image(REPOSITORY, ["arm"])
    await world.index(REPOSITORY, [amd, arm], ["multi"])
    whole = await world.image(REPOSITORY, ["whole"], ["whole"])
    _, layer = blobs_of(world, arm)
    world.storage.unlink_layer(REPOSITORY, layer)
    _, report = await there_and_back(await world.open(), "multi", "whole")
    assert not report.is_complete
    assert await world.tags(REPOSITORY) == {"whole": whole}
    assert set(world.storage.repositories[REPOSITORY].revisions) == {amd, whole}


async def test_an_index_that_lacked_a_child_is_tried_and_that_is_said(world: World) -> None:
    """Some registries take it; these don't, and nothing else fails with it."""
    amd, arm = await world.image(REPOSITORY, ["amd"]), await world.image(REPOSITORY, ["arm"])
    await world.index(REPOSITORY, [amd, arm], ["multi"])
    drop(world, arm)
    whole = await world.image(REPOSITORY, ["whole"], ["whole"])
    undo, report = await there_and_back(await world.open(), "multi", "whole")
    assert any(
        "multi" in line and "it will be tried, and most registries refuse it" in line for line in undo_sentences(undo)
    )
    assert await world.tags(REPOSITORY) == {"whole": whole}
    assert amd in world.storage.repositories[REPOSITORY].revisions
    assert "blob unknown" in next(o.error for o in report.outcomes if o.reference == f"{REPOSITORY}:multi")


async def test_configs_come_back_where_only_they_are_gone(world: World) -> None:
    """Also the one whose manifest stayed: then its tag alone is put back."""
    alone, shared = await world.image(REPOSITORY, ["a"], ["alone"]), await world.image(REPOSITORY, ["b"], ["x", "y"])
    before = await world.tags(REPOSITORY)
    connection = await world.open()
    deleting = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, ["alone", "x", "y"])))
    async for _ in deleting.outcomes():
        pass
    for digest in (alone, shared):
        world.storage.unlink_layer(REPOSITORY, blobs_of(world, digest)[0])
    undo = await connection.changes.plan_undo(await connection.changes.entry(deleting.report.run))
    assert any("2 configs will be uploaded again" in line for line in undo_sentences(undo))
    undoing = connection.changes.undoing(undo)
    async for _ in undoing.outcomes():
        pass
    assert undoing.report.is_complete, undoing.report
    assert await world.tags(REPOSITORY) == before
    assert all([await world.is_whole(REPOSITORY, tag) for tag in before])


async def test_a_config_that_went_alone_is_uploaded_when_its_manifest_is_refused(world: World) -> None:
    image = await world.image(REPOSITORY, ["a"], ["x"])
    connection = await world.open()
    deleting = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, ["x"])))
    async for _ in deleting.outcomes():
        pass
    entry = await connection.changes.entry(deleting.report.run)
    # Somebody pushed it again by digest, and somebody else deleted its config.
    body = world.storage.blobs[image].data
    assert body is not None
    world.storage.put_manifest(REPOSITORY, body, mt.OCI_MANIFEST)
    world.storage.unlink_layer(REPOSITORY, blobs_of(world, image)[0])
    undoing = connection.changes.undoing(await connection.changes.plan_undo(entry))
    async for _ in undoing.outcomes():
        pass
    assert undoing.report.is_complete, undoing.report
    assert await world.is_whole(REPOSITORY, "x")


async def test_configs_are_read_once_and_only_of_manifests_that_go(world: World) -> None:
    config = {"os": "linux"}
    for number in range(5):
        layers = [f"layer {number}"]
        body = json.dumps(config).encode()
        descriptors = [
            {"mediaType": kind, "digest": world.storage.add_blob(blob), "size": len(blob)}
            for kind, blob in [(mt.OCI_CONFIG, body), *(("application/x", layer.encode()) for layer in layers)]
        ]
        for descriptor in descriptors:
            world.storage.link_layer(REPOSITORY, str(descriptor["digest"]))
        manifest = {
            "schemaVersion": 2,
            "mediaType": mt.OCI_MANIFEST,
            "config": descriptors[0],
            "layers": descriptors[1:],
        }
        await world.put(REPOSITORY, manifest, mt.OCI_MANIFEST, [f"v{number}"])
    await world.image(REPOSITORY, ["stays"], ["stays"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, [f"v{number}" for number in range(5)]))
    assert not plan.has_losses
    read = [e.url.rpartition("/")[2] for e in connection.requests.latest() if "/blobs/sha256" in e.url]
    # One config, five layers.
    assert len(read) == len(set(read)) == 6


async def test_what_is_too_large_or_too_many_to_look_at_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "LARGEST_KEPT", 10)
    monkeypatch.setattr(blobs, "MOST_CHECKED", 2)
    await world.image(REPOSITORY, ["one", "two"], ["a"])
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["a"]))
    assert "1 config is too large to be kept: undo works as long as the registry has it." in plan_sentences(plan)
    assert any("Whether all 3 configs and layers are there was not checked" in s for s in plan_sentences(plan))
    assert typed_confirmation(plan) == ""


async def test_a_blob_that_answers_500_is_named_and_blocks_nothing(world: World) -> None:
    config, _ = blobs_of(world, await world.image(REPOSITORY, ["layer"], ["odd"]))
    await world.image(REPOSITORY, ["whole"], ["whole"])
    world.transport = Scripted(world, instead=lambda request: 500 if config in request.url.path else None)
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["odd", "whole"]))
    assert [tag.tag for tag in plan.lost_tags] == ["odd"]
    assert any(f"{config.short}, which it needs, can't be read" in line for line in plan_sentences(plan))
