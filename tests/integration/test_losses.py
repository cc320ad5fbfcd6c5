"""What undo can't put back on real registries: the plan names it, and whatever it doesn't name comes back, as crane
and the storage confirm. Damage is done to the storage; the registry is restarted for it, as it keeps in memory what
blobs there are."""

import asyncio
import json
import shutil
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings

from regtui.deletion.request import Request
from regtui.deletion.values import Plan, Report, Status
from regtui.registry.address import Address
from regtui.session.opening import open_session
from regtui.session.session import Session
from regtui.session.target import Target
from tests.support.clients import crane, crane_digest, crane_validate
from tests.support.commands import Regtui
from tests.support.content import OCI_INDEX, OCI_MANIFEST, digest_of, to_json
from tests.support.images import PushedImage, open_registry, push_blob, push_image, push_index, push_manifest
from tests.support.odd_repositories import (
    OddRepository,
    laid_out,
    manifests_on_disk,
    odd_repositories,
    store_on_disk,
    tags_on_disk,
)
from tests.support.servers import VERSIONS, RegistryServer, start_registry

REPOSITORY = "team/app"
SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"


def unlink(directory: Path, digest: str) -> None:
    """The blob is no part of the repository any more; its bytes are on the disk still."""
    layers = directory / "storage/docker/registry/v2/repositories" / REPOSITORY / "_layers/sha256"
    shutil.rmtree(layers / digest.removeprefix("sha256:"))


def drop(directory: Path, digest: str) -> None:
    """The manifest is no part of the repository any more: what `gc -m` of 2.x leaves of an index's children."""
    revisions = directory / "storage/docker/registry/v2/repositories" / REPOSITORY / "_manifests/revisions/sha256"
    shutil.rmtree(revisions / digest.removeprefix("sha256:"))


def store(directory: Path, tag: str, body: bytes) -> None:
    """A manifest as the registry would not take it."""
    root = directory / "storage/docker/registry/v2"
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


def config_of(image: PushedImage) -> str:
    return str(json.loads(image.manifest)["config"]["digest"])


async def there_and_back(connection: Session, tags: list[str]) -> tuple[Plan, Report]:
    plan = await connection.plan_deletion(Request(REPOSITORY, tags))
    assert not plan.obstacle, plan.obstacle
    deleting = connection.deleting(plan)
    async for _ in deleting.outcomes():
        pass
    assert deleting.report.is_complete, deleting.report
    undo = await connection.changes.plan_undo(await connection.changes.entry(deleting.report.run))
    undoing = connection.changes.undoing(undo)
    async for _ in undoing.outcomes():
        pass
    return plan, undoing.report


@pytest.mark.parametrize("version", VERSIONS)
async def test_it_is_named_and_the_rest_comes_back(version: str, tmp_path: Path) -> None:
    with start_registry(version, tmp_path) as server, open_registry(server.url) as writer:
        sparse = push_index(writer, REPOSITORY, "sparse")
        multi = push_index(writer, REPOSITORY, "multi")
        unlinked = push_image(writer, REPOSITORY, "unlinked")
        whole = push_image(writer, REPOSITORY, "whole", kind="oci")
        unnamed = json.loads(push_image(writer, REPOSITORY, "unnamed", kind="oci").manifest)
        del unnamed["mediaType"]
        push_manifest(writer, REPOSITORY, "unnamed", to_json(unnamed), OCI_MANIFEST)
        layer = push_blob(writer, REPOSITORY, b"a layer of a cache")
        base = push_blob(writer, REPOSITORY, b"a base layer of Windows")
        windows = json.loads(whole.manifest)
        foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
        windows["layers"].append({"mediaType": foreign, "digest": base, "size": 23})
        push_manifest(writer, REPOSITORY, "windows", to_json(windows), OCI_MANIFEST)
        entry = {"mediaType": "application/vnd.buildkit.cacheconfig.v0", "digest": layer, "size": 18}
        cache = to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]})
        push_manifest(writer, REPOSITORY, "cache", cache, OCI_INDEX)
        schema1 = {"schemaVersion": 1, "name": REPOSITORY, "tag": "old", "architecture": "amd64"}
        store(tmp_path, "old", to_json({**schema1, "fsLayers": [{"blobSum": layer}], "history": []}))
    drop(tmp_path, sparse.children[0].digest)
    unlink(tmp_path, config_of(unlinked))
    unlink(tmp_path, base)
    with start_registry(version, tmp_path) as server:
        name = f"{server.host}/{REPOSITORY}"
        tags = ["sparse", "multi", "unlinked", "whole", "unnamed", "cache"]
        before = {tag: crane_digest(f"{name}:{tag}") for tag in tags}
        bodies = {tag: crane("manifest", f"{name}:{tag}") for tag in tags}
        connection = await open_session(Target(Address.parse(server.url)))
        # 3.1.1 can't even read the old one, so that no manifest goes while it is there.
        plan, report = await there_and_back(connection, [*tags, "windows", "old"])
        assert {tag.tag for tag in plan.lost_tags} == {"sparse", "unlinked", "windows", "old"}
        named = {f"{REPOSITORY}:{tag.tag}" for tag in plan.lost_tags}
        failed = {outcome.reference for outcome in report.outcomes if outcome.status is Status.FAILED}
        assert failed <= named, report
        await connection.close()
        back = ["multi", "whole", "unnamed", "cache"]
        assert set(crane("ls", name).split()) == set(back)
        for tag in back:
            assert crane_digest(f"{name}:{tag}") == before[tag]
            assert crane("manifest", f"{name}:{tag}") == bodies[tag]
        crane_validate(f"{name}:multi")
        crane_validate(f"{name}:whole")
        for child in (*multi.children, sparse.children[1]):
            assert crane_digest(f"{name}@{child.digest}") == child.digest
        assert whole.digest == before["whole"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_config_that_is_gone_meanwhile_is_uploaded_again(version: str, tmp_path: Path) -> None:
    with start_registry(version, tmp_path) as server, open_registry(server.url) as writer:
        image = push_image(writer, REPOSITORY, "1.0")
        multi = push_index(writer, REPOSITORY, "multi")
        push_image(writer, REPOSITORY, "stays")
        connection = await open_session(Target(Address.parse(server.url)))
        deleting = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, ["1.0", "multi"])))
        async for _ in deleting.outcomes():
            pass
        await connection.close()
    gone = [config_of(each) for each in (image, *multi.children)]
    for digest in gone:
        unlink(tmp_path, digest)
        value = digest.removeprefix("sha256:")
        shutil.rmtree(tmp_path / "storage/docker/registry/v2/blobs/sha256" / value[:2] / value)
    with start_registry(version, tmp_path, port=server.port) as again:
        connection = await open_session(Target(Address.parse(again.url)))
        undo = await connection.changes.plan_undo(await connection.changes.entry(deleting.report.run))
        assert undo.restoration.uploads == set(gone)
        undoing = connection.changes.undoing(undo)
        async for _ in undoing.outcomes():
            pass
        assert undoing.report.is_complete, undoing.report
        await connection.close()
        for tag in ("1.0", "multi", "stays"):
            crane_validate(f"{again.host}/{REPOSITORY}:{tag}")


@pytest.mark.parametrize("version", VERSIONS)
def test_in_odd_repositories_what_is_not_named_comes_back(version: str, tmp_path: Path) -> None:
    """Held against the storage. Repositories are written into it behind the registry's back: each is new to it."""
    numbers = count()
    with start_registry(version, tmp_path) as server:

        @settings(max_examples=25, derandomize=True, database=None)
        @given(odd=odd_repositories())
        def check(odd: OddRepository) -> None:
            asyncio.run(check_odd(server, f"odd/r{next(numbers)}", odd))

        check()


async def check_odd(server: RegistryServer, repository: str, odd: OddRepository) -> None:
    store_on_disk(laid_out(odd, repository), server.storage, repository)
    tags, manifests = tags_on_disk(server.storage, repository), manifests_on_disk(server.storage, repository)
    connection = await open_session(Target(Address.parse(server.url), cache=False))
    try:
        plan = await connection.plan_deletion(Request(repository, odd.chosen, whole_manifests=odd.whole))
        if plan.obstacle or plan.is_empty:
            return
        deleting = connection.deleting(plan)
        async for _ in deleting.outcomes():
            pass
        assert deleting.report.is_complete, deleting.report
        undo = await connection.changes.plan_undo(await connection.changes.entry(deleting.report.run))
        undoing = connection.changes.undoing(undo)
        async for _ in undoing.outcomes():
            pass
    finally:
        await connection.close()
    after, there = tags_on_disk(server.storage, repository), manifests_on_disk(server.storage, repository)
    lost = {tag.tag for tag in plan.removed if tag.loss or not tag.digest}
    assert {tag: digest for tag, digest in tags.items() if tag not in lost}.items() <= after.items(), undoing.report
    gone = {str(manifest.digest) for manifest in plan.manifests if manifest.loss}
    assert {d: body for d, body in manifests.items() if d not in gone}.items() <= there.items(), undoing.report
    named = {f"{repository}:{tag}" for tag in lost} | {f"{repository}@{digest}" for digest in gone}
    assert {o.reference for o in undoing.report.outcomes if o.status is Status.FAILED} <= named, undoing.report


def test_an_undo_that_put_nothing_back_offers_nothing_to_take_back(tmp_path: Path, regtui: Regtui) -> None:
    with start_registry("2.8.2", tmp_path / "registry") as server, open_registry(server.url) as writer:
        sparse = push_index(writer, REPOSITORY, "sparse")
        for child in sparse.children:
            writer.delete(f"v2/{REPOSITORY}/manifests/{child.digest}").raise_for_status()
        removed = regtui("rm", f"{server.host}/{REPOSITORY}:sparse", "--yes", "--without-undo")
        assert removed.returncode == 0, removed
        undone = regtui("undo", server.host, "--yes")
        assert undone.returncode == 1, undone
        assert "0 tags put back" in undone.stderr
        assert "To take it back" not in undone.stderr
