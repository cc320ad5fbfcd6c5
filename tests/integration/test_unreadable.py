"""A BuildKit cache pushed as an index of blobs, and manifests that answer 5xx: on real registries neither stands in
the way of anything else, as crane and the storage confirm."""

import json

import httpx

from regtui.deletion.request import Request
from regtui.deletion.values import Report
from regtui.registry.address import Address
from regtui.session.opening import open_session
from regtui.session.session import Session
from regtui.session.target import Target
from tests.support.clients import crane, crane_validate
from tests.support.content import OCI_INDEX, digest_of, to_json
from tests.support.images import open_registry, push_blob, push_image, push_index, push_manifest
from tests.support.servers import RegistryServer

REPOSITORY = "team/app"


async def delete(connection: Session, *tags: str) -> Report:
    plan = await connection.plan_deletion(Request(REPOSITORY, tags))
    assert not plan.obstacle, plan.obstacle
    running = connection.deleting(plan)
    async for _ in running.outcomes():
        pass
    return running.report


def push_cache(writer: httpx.Client, tag: str) -> list[str]:
    layer, config = b"a layer of the cache", b'{"layers":[]}'
    entries = [
        {
            "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "digest": push_blob(writer, REPOSITORY, layer),
            "size": len(layer),
            "annotations": {"buildkit/createdat": "2026-01-05T10:00:00Z", "containerd.io/uncompressed": digest_of(b"")},
        },
        {
            "mediaType": "application/vnd.buildkit.cacheconfig.v0",
            "digest": push_blob(writer, REPOSITORY, config),
            "size": len(config),
        },
    ]
    index = to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
    push_manifest(writer, REPOSITORY, tag, index, OCI_INDEX)
    return [str(entry["digest"]) for entry in entries]


def damage(server: RegistryServer, tag: str) -> None:
    """A tag of a manifest that was cut off: the registry answers 500 for it."""
    root = server.storage / "docker/registry/v2"
    body = json.dumps({"schemaVersion": 2}).encode()[:-1]
    value = digest_of(body).removeprefix("sha256:")
    repository = root / "repositories" / REPOSITORY / "_manifests"
    for folder, name, data in (
        (root / "blobs/sha256" / value[:2] / value, "data", body),
        (repository / "revisions/sha256" / value, "link", f"sha256:{value}".encode()),
        (repository / "tags" / tag / "current", "link", f"sha256:{value}".encode()),
        (repository / "tags" / tag / "index/sha256" / value, "link", f"sha256:{value}".encode()),
    ):
        folder.mkdir(parents=True)
        (folder / name).write_bytes(data)


async def test_a_cache_of_blobs_blocks_nothing_and_goes_alone(server: RegistryServer) -> None:
    name = f"{server.host}/{REPOSITORY}"
    with open_registry(server.url) as writer:
        push_image(writer, REPOSITORY, "1.0")
        push_image(writer, REPOSITORY, "2.0")
        blobs = push_cache(writer, "cache")
        connection = await open_session(Target(Address.parse(server.url)))
        assert (await delete(connection, "1.0")).is_complete
        assert (await delete(connection, "cache")).is_complete
        assert crane("ls", name).split() == ["2.0"]
        crane_validate(f"{name}:2.0")
        # Never a DELETE on /manifests/ for what isn't one: on 2.x that would have unlinked the blobs.
        for blob in blobs:
            assert writer.get(f"v2/{REPOSITORY}/blobs/{blob}").status_code == httpx.codes.OK
        entry = await connection.changes.last()
        assert entry is not None
        undoing = connection.changes.undoing(await connection.changes.plan_undo(entry))
        async for _ in undoing.outcomes():
            pass
        assert undoing.report.is_complete, undoing.report
        await connection.close()
    assert set(crane("ls", name).split()) == {"2.0", "cache"}


async def test_a_tag_that_answers_500_blocks_nothing_and_goes_alone(server: RegistryServer) -> None:
    name = f"{server.host}/{REPOSITORY}"
    with open_registry(server.url) as writer:
        push_image(writer, REPOSITORY, "1.0")
        push_index(writer, REPOSITORY, "multi")
    damage(server, "damaged")
    connection = await open_session(Target(Address.parse(server.url)))
    assert (await delete(connection, "1.0")).is_complete
    assert set(crane("ls", name).split()) == {"multi", "damaged"}
    report = await delete(connection, "damaged")
    await connection.close()
    assert report.is_complete, report
    assert crane("ls", name).split() == ["multi"]
    crane_validate(f"{name}:multi")
