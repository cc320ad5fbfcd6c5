"""The client on real registries, 2.8.2 and 3.1.1, read against what crane says."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.errors import (
    BlobNotFound,
    DeletionDisabled,
    ManifestNotFound,
    NotAuthenticated,
    NotFound,
    ReadOnly,
    Refused,
    RepositoryNotFound,
)
from regtui.registry.probing import check_push, deletion_support
from regtui.registry.settings import HttpSettings
from regtui.registry.values import Deletion
from tests.support.clients import crane, crane_digest, crane_validate
from tests.support.content import CREATED
from tests.support.images import (
    PushedImage,
    open_registry,
    push_artifact,
    push_empty_index,
    push_image,
    push_index,
)
from tests.support.seed import seed_repositories, seed_repository
from tests.support.servers import RegistryServer, start_referrers_registry, start_registry

pytestmark = pytest.mark.integration

REPOSITORY = "team/app"


@pytest.fixture(params=["direct", "httpx"])
async def client(server: RegistryServer, request: pytest.FixtureRequest) -> AsyncIterator[RegistryClient]:
    """Over our transport for reads, and over httpx's own, as through a proxy."""
    transport = httpx.AsyncHTTPTransport() if request.param == "httpx" else None
    async with RegistryClient(Address.parse(server.url), settings=HttpSettings(transport=transport)) as client:
        yield client


async def names(client: RegistryClient) -> tuple[list[str], str]:
    """(all repositories, the doubt)"""
    pages = [page async for page in client.catalog()]
    return [name for page in pages for name in page.repositories], pages[-1].doubt


async def tags(client: RegistryClient, repository: str) -> list[str]:
    return sorted([name async for page in client.tags(repository) for name in page])


# Reading


async def test_ping_tells_the_version(client: RegistryClient, version: str) -> None:
    pong = await client.ping()
    assert (pong.api_version, pong.looks_like) == ("registry/2.0", f"distribution {version[0]}.x")


async def test_manifests_of_every_kind_are_what_crane_reads(
    server: RegistryServer, writer: httpx.Client, client: RegistryClient
) -> None:
    image = push_image(writer, REPOSITORY, "docker", kind="docker")
    pushed: list[PushedImage] = [
        image,
        push_image(writer, REPOSITORY, "oci", kind="oci"),
        push_index(writer, REPOSITORY, "list", kind="docker"),
        push_index(writer, REPOSITORY, "index", kind="oci", attestations=True),
        push_artifact(writer, REPOSITORY, "artifact", subject=image),
        push_empty_index(writer, REPOSITORY, "empty"),
    ]
    for one in pushed:
        assert one.tag is not None
        reference = f"{server.host}/{REPOSITORY}:{one.tag}"
        for asked in (one.tag, one.digest):
            fetched = await client.manifest(REPOSITORY, asked)
            resolved = await client.resolve(REPOSITORY, asked)
            assert (fetched.body, fetched.digest) == (one.manifest, one.digest)
            assert fetched.media_type == one.media_type
            assert (resolved.digest, resolved.media_type, resolved.size) == (
                one.digest,
                one.media_type,
                len(one.manifest),
            )
        assert crane_digest(reference) == one.digest
        assert crane("manifest", reference) == one.manifest.decode().rstrip("\n")
    assert await tags(client, REPOSITORY) == sorted(str(one.tag) for one in pushed)


async def test_what_is_missing(writer: httpx.Client, client: RegistryClient) -> None:
    push_image(writer, REPOSITORY, "x")
    none = Digest.of(b"none")
    with pytest.raises(RepositoryNotFound):
        await tags(client, "team/none")
    for reference in ("none", none):
        for read in (client.manifest, client.resolve):
            with pytest.raises(ManifestNotFound) as caught:
                await read(REPOSITORY, reference)
            assert caught.value.missing_digest == ""
    with pytest.raises(BlobNotFound):
        await client.blob(REPOSITORY, none)
    assert not await client.has_blob(REPOSITORY, none)
    assert not await client.has_tags("team/none")


async def test_a_dangling_tag_names_what_is_missing(version: str, tmp_path: Path) -> None:
    with start_registry(version, tmp_path) as server, open_registry(server.url) as writer:
        lost = push_image(writer, REPOSITORY, "lost")
        folder = server.storage / f"docker/registry/v2/repositories/{REPOSITORY}/_manifests/revisions/sha256"
    (folder / lost.digest.removeprefix("sha256:") / "link").unlink()
    with start_registry(version, tmp_path) as server:
        async with RegistryClient(Address.parse(server.url)) as client:
            for read in (client.manifest, client.resolve):
                with pytest.raises(ManifestNotFound) as caught:
                    await read(REPOSITORY, "lost")
                assert caught.value.missing_digest == lost.digest


NESTED = sorted(
    [
        *("node", "node/18", "node/18/alpine", "node/20", "node-exporter"),
        *("foo", "foo/1bar", "foo/bar", "foo-bar", "foo.bar", "foo/1bar/2baz"),
        *(f"a/{number}/{inner}" for number in range(4) for inner in range(4)),
        *(f"a/{number}" for number in range(4)),
        *("a", "b", "b/0", "z", "z/9/9"),
    ]
)


@pytest.mark.parametrize("maxentries", [1, 2, 3, 5, 7, 100])
async def test_the_catalog_is_whole_however_small_its_pages(version: str, tmp_path: Path, maxentries: int) -> None:
    (tmp_path / "storage").mkdir()
    seed_repositories(tmp_path / "storage", NESTED, CREATED)
    with start_registry(version, tmp_path, maxentries=maxentries) as server:
        async with RegistryClient(Address.parse(server.url)) as client:
            found, doubt = await names(client)
    assert len(found) == len(set(found))
    missing = set(NESTED) - set(found)
    # Whole; and where no question gets an answer there, said to be in doubt.
    assert not missing or doubt, missing
    if maxentries >= 7:
        assert not missing


async def test_thousands_of_tags(server: RegistryServer, client: RegistryClient) -> None:
    seeded = seed_repository(server.storage, "many", [(f"v{number}", CREATED) for number in range(2_500)])
    assert await tags(client, "many") == sorted(seeded)
    some = sorted(seeded)[:200]
    resolved = await asyncio.gather(*(client.resolve("many", tag) for tag in some))
    assert [one.digest for one in resolved] == [seeded[tag] for tag in some]


# Changing


async def test_upload_mount_put_and_delete(
    server: RegistryServer, writer: httpx.Client, client: RegistryClient
) -> None:
    source = push_image(writer, "from", "x")
    config = b'{"os": "linux"}'
    assert await client.upload_blob("to", config) == Digest.of(config)
    assert await client.blob("to", Digest.of(config)) == config
    for blob in source.blobs:
        assert await client.mount_blob("to", Digest(blob), "from")
        assert await client.has_blob("to", Digest(blob))
    assert not await client.mount_blob("to", Digest.of(b"none"), "from")

    assert await client.put_manifest("to", "y", source.manifest, source.media_type) == source.digest
    crane_validate(f"{server.host}/to:y")
    await client.delete_manifest("to", Digest(source.digest))
    assert await tags(client, "to") == []
    with pytest.raises(ManifestNotFound):
        await client.delete_manifest("to", Digest(source.digest))
    # The same bytes again: as if nothing had been.
    await client.put_manifest("to", "y", source.manifest, source.media_type)
    assert crane_digest(f"{server.host}/to:y") == source.digest
    crane_validate(f"{server.host}/from:x")


async def test_one_tag_alone(version: str, writer: httpx.Client, client: RegistryClient) -> None:
    pushed = push_image(writer, REPOSITORY, "x")
    await client.put_manifest(REPOSITORY, "y", pushed.manifest, pushed.media_type)
    if version == "2.8.2":
        with pytest.raises(Refused, match="can't delete a tag alone"):
            await client.delete_tag(REPOSITORY, "y")
        return
    await client.delete_tag(REPOSITORY, "y")
    assert await tags(client, REPOSITORY) == ["x"]
    with pytest.raises(NotFound):
        await client.delete_tag(REPOSITORY, "y")


async def test_a_collected_blob_is_missing_although_the_registry_remembers_it(
    server: RegistryServer, writer: httpx.Client, client: RegistryClient
) -> None:
    pushed = push_image(writer, REPOSITORY, "x")
    blob = Digest(pushed.blobs[0])
    assert await client.has_blob(REPOSITORY, blob)
    (server.storage / f"docker/registry/v2/blobs/sha256/{blob.encoded[:2]}/{blob.encoded}/data").unlink()
    head = await asyncio.to_thread(writer.head, f"v2/{REPOSITORY}/blobs/{blob}")
    assert head.status_code == 200
    assert not await client.has_blob(REPOSITORY, blob)


# What may be deleted


@pytest.mark.parametrize("there", [True, False], ids=["with tags", "unknown repository"])
async def test_deletion_is_probed_without_deleting(version: str, tmp_path: Path, there: bool) -> None:
    repository = REPOSITORY if there else "team/none"
    with start_registry(version, tmp_path) as server, open_registry(server.url) as writer:
        pushed = push_image(writer, REPOSITORY, "x")
        async with RegistryClient(Address.parse(server.url)) as client:
            expected = Deletion.BY_DIGEST if version == "2.8.2" else Deletion.BY_TAG
            assert await deletion_support(client, repository) is expected
        crane_validate(f"{server.host}/{REPOSITORY}:x")
    with start_registry(version, tmp_path, delete=False) as server:
        async with RegistryClient(Address.parse(server.url)) as client:
            assert await deletion_support(client, repository) is Deletion.DISABLED
            with pytest.raises(DeletionDisabled, match=r"storage\.delete\.enabled: true"):
                await client.delete_manifest(REPOSITORY, Digest(pushed.digest))
            assert await tags(client, REPOSITORY) == ["x"]
    with start_registry(version, tmp_path, readonly=True) as server:
        async with RegistryClient(Address.parse(server.url)) as client:
            assert await deletion_support(client, repository) is Deletion.READ_ONLY
            with pytest.raises(ReadOnly):
                await client.put_manifest(REPOSITORY, "y", b"{}", mt.OCI_INDEX)
            with pytest.raises(ReadOnly):
                await client.upload_blob(REPOSITORY, b"x")


async def test_a_pull_through_cache_is_told_from_deletion_that_is_turned_off(version: str, tmp_path: Path) -> None:
    with start_registry(version, tmp_path / "origin") as origin, open_registry(origin.url) as writer:
        push_image(writer, REPOSITORY, "x")
        with start_registry(version, tmp_path / "cache", caches=origin.url) as cache:
            async with RegistryClient(Address.parse(cache.url)) as client:
                assert (await client.resolve(REPOSITORY, "x")).digest == crane_digest(f"{origin.host}/{REPOSITORY}:x")
                assert await deletion_support(client, REPOSITORY) is Deletion.CACHE
        assert crane("ls", f"{origin.host}/{REPOSITORY}").split() == ["x"]


async def test_looking_for_a_cache_leaves_nothing(version: str, tmp_path: Path) -> None:
    with start_registry(version, tmp_path, delete=False) as server, open_registry(server.url) as writer:
        push_image(writer, REPOSITORY, "x")
        before = sorted(server.storage.rglob("*"))
        async with RegistryClient(Address.parse(server.url)) as client:
            assert await deletion_support(client, REPOSITORY) is Deletion.DISABLED
        assert sorted(server.storage.rglob("*")) == before


# What may be pushed


@pytest.mark.parametrize("there", [True, False], ids=["with tags", "unknown repository"])
async def test_the_right_to_push_is_probed_without_leaving_a_file(
    server: RegistryServer, writer: httpx.Client, there: bool
) -> None:
    push_image(writer, REPOSITORY, "x")
    before = sorted(server.storage.rglob("*"))
    async with RegistryClient(Address.parse(server.url)) as client:
        await check_push(client, REPOSITORY if there else "team/none")
    assert sorted(server.storage.rglob("*")) == before


async def test_it_leaves_nothing_on_a_registry_that_stores_whatever_it_is_sent(tmp_path: Path) -> None:
    with start_referrers_registry(tmp_path) as url, open_registry(url) as writer:
        pushed = push_image(writer, REPOSITORY, "x")
        # The witness: it does take what is no manifest.
        writer.put("v2/team/junk/manifests/x", content=b"{}", headers={"Content-Type": mt.OCI_INDEX}).raise_for_status()
        async with RegistryClient(Address.parse(url)) as client:
            await check_push(client, REPOSITORY)
            await check_push(client, "team/none")
        assert crane("ls", f"{url.removeprefix('http://')}/{REPOSITORY}").split() == ["x"]
        assert sorted(writer.get("v2/_catalog").json()["repositories"]) == [REPOSITORY, "team/junk"]
        assert writer.get(f"v2/{REPOSITORY}/blobs/sha256:{'0' * 64}").status_code == 404
        crane_validate(f"{url.removeprefix('http://')}/{REPOSITORY}@{pushed.digest}")


async def test_who_may_not_push_is_told(server: RegistryServer, version: str, tmp_path: Path) -> None:
    with start_registry(version, tmp_path / "locked", htpasswd={"ci": "secret-of-ci"}) as locked:
        async with RegistryClient(Address.parse(locked.url)) as client:
            with pytest.raises(NotAuthenticated):
                await check_push(client, REPOSITORY)
