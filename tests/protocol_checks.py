"""What registries were measured to do, as checks that the demo registry and the real servers both have to pass.

Each check is `async (client, version) -> None`, works in a repository of its own, and can run in any order on
one server. CHECKS want a server where deletion is enabled; the other lists say what they want.
"""

import json
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx
import pytest

Check = Callable[[httpx.AsyncClient, str], Awaitable[None]]

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
ALL = {"Accept": ", ".join((DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX))}
NOTHING = {"Accept": "*/*"}
ABSENT = "sha256:" + "0" * 64

USER, PASSWORD = "ada", "correct horse"


# Pushing


def digest_of(data: bytes) -> str:
    return "sha256:" + sha256(data).hexdigest()


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


async def push_blob(client: httpx.AsyncClient, repository: str, data: bytes) -> str:
    started = await client.post(f"/v2/{repository}/blobs/uploads/")
    assert started.status_code == 202
    location = httpx.URL(started.headers["Location"]).copy_merge_params({"digest": digest_of(data)})
    assert (await client.put(location, content=data)).status_code == 201
    return digest_of(data)


async def put(
    client: httpx.AsyncClient, repository: str, reference: str, manifest: bytes, media_type: str
) -> httpx.Response:
    return await client.put(
        f"/v2/{repository}/manifests/{reference}", content=manifest, headers={"Content-Type": media_type}
    )


async def push_image(
    client: httpx.AsyncClient, repository: str, *tags: str, media_type: str = OCI_MANIFEST, mark: str = ""
) -> bytes:
    """Pushes an image of one layer under each tag; by digest alone without tags. Its manifest."""
    layer = b"layer of " + mark.encode()
    config = as_json(
        {
            "architecture": "amd64",
            "os": "linux",
            "mark": mark,
            "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "COPY . /"}],
            "rootfs": {"type": "layers", "diff_ids": [digest_of(b"diff of " + layer)]},
        }
    )
    docker = media_type == DOCKER_MANIFEST
    config_type = "docker.container.image.v1+json" if docker else "oci.image.config.v1+json"
    layer_type = "docker.image.rootfs.diff.tar.gzip" if docker else "oci.image.layer.v1.tar+gzip"
    manifest = as_json(
        {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": descriptor(f"application/vnd.{config_type}", config),
            "layers": [descriptor(f"application/vnd.{layer_type}", layer)],
        }
    )
    for blob in (config, layer):
        await push_blob(client, repository, blob)
    for reference in tags or (digest_of(manifest),):
        assert (await put(client, repository, reference, manifest, media_type)).status_code == 201
    return manifest


def descriptor(media_type: str, data: bytes, **members: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "size": len(data), "digest": digest_of(data), **members}


def index_of(*children: bytes, media_type: str = OCI_INDEX, **members: Any) -> bytes:
    child_type = DOCKER_MANIFEST if media_type == DOCKER_LIST else OCI_MANIFEST
    platform = {"os": "linux", "architecture": "amd64"}
    entries = [descriptor(child_type, child, platform=platform) for child in children]
    return as_json({"schemaVersion": 2, "mediaType": media_type, "manifests": entries, **members})


def config_digest(manifest: bytes) -> str:
    digest: str = json.loads(manifest)["config"]["digest"]
    return digest


# Asking


def is_modern(version: str) -> bool:
    return version.startswith("3.")


def error(response: httpx.Response) -> tuple[int, str]:
    """The status, and the code of the first error of the JSON form."""
    code: str = response.json()["errors"][0]["code"]
    return response.status_code, code


def detail(response: httpx.Response) -> Any:
    return response.json()["errors"][0].get("detail")


async def get(
    client: httpx.AsyncClient, repository: str, reference: str, headers: dict[str, str] | None = None
) -> httpx.Response:
    return await client.get(f"/v2/{repository}/manifests/{reference}", headers=headers or ALL)


async def delete(client: httpx.AsyncClient, repository: str, reference: str) -> httpx.Response:
    return await client.delete(f"/v2/{repository}/manifests/{reference}")


async def tags(client: httpx.AsyncClient, repository: str) -> list[str] | None:
    answer = await client.get(f"/v2/{repository}/tags/list")
    assert answer.status_code == 200
    listed: list[str] | None = answer.json()["tags"]
    return None if listed is None else sorted(listed)


# Ping and routes


async def ping(client: httpx.AsyncClient, version: str) -> None:
    answer = await client.get("/v2/")
    assert (answer.status_code, answer.content) == (200, b"{}")
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    charset = "" if is_modern(version) else "; charset=utf-8"
    assert answer.headers["Content-Type"] == f"application/json{charset}"
    assert "Date" in answer.headers


async def routes(client: httpx.AsyncClient, version: str) -> None:
    root = await client.get("/")
    assert (root.status_code, root.content, root.headers["Cache-Control"]) == (200, b"", "no-cache")
    moved = await client.get("/v2")
    assert (moved.status_code, moved.headers["Location"]) == (301, "/v2/")
    moved = await client.get("/v2/a//b/tags/list")
    assert (moved.status_code, moved.headers["Location"]) == (301, "/v2/a/b/tags/list")
    for path in ("/v2/nope", "/v2/_bad/tags/list", "/v2/check/x/referrers/" + ABSENT, "/v2/x/manifests/in..va~lid"):
        answer = await client.get(path)
        assert (answer.status_code, answer.text) == (404, "404 page not found\n")
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    for method, path in (("POST", "/v2/_catalog"), ("HEAD", "/v2/_catalog"), ("POST", "/v2/x/tags/list")):
        answer = await client.request(method, path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


async def names_with_capitals(client: httpx.AsyncClient, version: str) -> None:
    answer = await client.get("/v2/UPPER/x/tags/list")
    if is_modern(version):
        assert error(answer) == (404, "NAME_UNKNOWN")
    else:
        assert (answer.status_code, answer.json()) == (500, {})


# Catalog


async def catalog_pages(client: httpx.AsyncClient, version: str) -> None:
    mine = [f"check/catalog-{letter}" for letter in "abcde"]
    for name in mine:
        await push_image(client, name, "latest")
    page = await client.get("/v2/_catalog", params={"n": 2, "last": "check/catalog"})
    assert page.json() == {"repositories": mine[:2]}
    assert page.headers["Link"] == '</v2/_catalog?last=check%2Fcatalog-b&n=2>; rel="next"'
    page = await client.get("/v2/_catalog?last=check%2Fcatalog-b&n=2")
    assert page.json() == {"repositories": mine[2:4]}
    whole = await client.get("/v2/_catalog", params={"n": 1000})
    assert [name for name in whole.json()["repositories"] if name in mine] == mine
    assert "Link" not in whole.headers
    assert (await client.get("/v2/_catalog", params={"last": "zzz"})).json() == {"repositories": []}


async def catalog_link_only_before_more(client: httpx.AsyncClient, version: str) -> None:
    await push_image(client, "zz/last", "latest")
    everything = (await client.get("/v2/_catalog", params={"n": 1000})).json()["repositories"]
    assert everything[-1] == "zz/last"
    full = await client.get("/v2/_catalog", params={"n": len(everything)})
    assert full.json()["repositories"] == everything
    assert "Link" not in full.headers
    push_in_progress = await client.post("/v2/zz/later/blobs/uploads/")
    assert push_in_progress.status_code == 202
    # What follows is not listed, but the server does not know that when it fills the page.
    full = await client.get("/v2/_catalog", params={"n": len(everything)})
    assert "Link" in full.headers
    after = await client.get(full.headers["Link"].partition(">")[0][1:])
    assert after.json() == {"repositories": []}
    assert "Link" not in after.headers


async def catalog_limits(client: httpx.AsyncClient, version: str) -> None:
    largest = await client.get("/v2/_catalog", params={"n": 1001})
    if version == "2.7.1":
        assert largest.status_code == 200
        assert error(await client.get("/v2/_catalog", params={"n": 0})) == (500, "UNKNOWN")
    else:
        assert error(largest) == (400, "PAGINATION_NUMBER_INVALID")
        assert detail(largest) == {"n": 1001}
        assert (await client.get("/v2/_catalog", params={"n": 0})).json() == {"repositories": []}
    assert (await client.get("/v2/_catalog?n=")).status_code == 200
    for number in ("-1", "abc", "1.5"):
        answer = await client.get("/v2/_catalog", params={"n": number})
        if is_modern(version):
            assert error(answer) == (400, "PAGINATION_NUMBER_INVALID")
            assert detail(answer) == {"n": number}
        else:
            assert answer.status_code == 200


async def catalog_goes_by_directories(client: httpx.AsyncClient, version: str) -> None:
    index_only, layers_only = "check/index-only", "check/layers-only"
    await put(client, index_only, "x", index_of(), OCI_INDEX)
    await push_blob(client, layers_only, b"a push that stopped here")
    listed = (await client.get("/v2/_catalog", params={"n": 1000})).json()["repositories"]
    assert (index_only in listed) is is_modern(version)
    assert (layers_only in listed) is not is_modern(version)
    assert error(await client.get(f"/v2/{layers_only}/tags/list")) == (404, "NAME_UNKNOWN")


async def emptied_repository_stays(client: httpx.AsyncClient, version: str) -> None:
    name = "check/emptied"
    manifest = await push_image(client, name, "only")
    assert (await delete(client, name, digest_of(manifest))).status_code == 202
    assert (await client.get(f"/v2/{name}/tags/list")).json() == {"name": name, "tags": None}
    assert name in (await client.get("/v2/_catalog", params={"n": 1000})).json()["repositories"]


# Tags


async def tags_unknown(client: httpx.AsyncClient, version: str) -> None:
    answer = await client.get("/v2/check/never/tags/list")
    assert error(answer) == (404, "NAME_UNKNOWN")
    assert detail(answer) == {"name": "check/never"}
    await push_image(client, "check/never-tagged")
    assert error(await client.get("/v2/check/never-tagged/tags/list")) == (404, "NAME_UNKNOWN")


async def tags_pages(client: httpx.AsyncClient, version: str) -> None:
    name, expected = "check/tags", list("abcdefg")
    await push_image(client, name, *expected)
    path = f"/v2/{name}/tags/list"
    whole = (await client.get(path)).json()
    assert whole["name"] == name
    assert sorted(whole["tags"]) == expected
    pages = [await client.get(f"{path}?{query}") for query in ("n=3", "n=3&last=d", "n=7&last=g")]
    if not is_modern(version):
        assert all(page.json() == whole and "Link" not in page.headers for page in pages)
        assert (await client.get(path, params={"n": 0})).json() == whole
        return
    assert whole["tags"] == expected
    assert [page.json()["tags"] for page in pages] == [["a", "b", "c"], ["e", "f", "g"], None]
    assert pages[0].headers["Link"] == f'</v2/{name}/tags/list?last=c&n=3>; rel="next"'
    assert "Link" in pages[1].headers
    assert "Link" not in pages[2].headers
    assert (await client.get(path, params={"n": 0})).json()["tags"] == []
    assert (await client.get(path, params={"n": 5000})).json() == whole
    assert error(await client.get(path, params={"n": "-1"})) == (400, "PAGINATION_NUMBER_INVALID")


# Manifests


async def manifests_as_stored(client: httpx.AsyncClient, version: str) -> None:
    name = "check/stored"
    image = await push_image(client, name, "oci")
    docker = await push_image(client, name, "docker", media_type=DOCKER_MANIFEST)
    index, docker_list = index_of(image), index_of(docker, media_type=DOCKER_LIST)
    await put(client, name, "index", index, OCI_INDEX)
    await put(client, name, "list", docker_list, DOCKER_LIST)
    for tag, data, media_type in (
        ("oci", image, OCI_MANIFEST),
        ("docker", docker, DOCKER_MANIFEST),
        ("index", index, OCI_INDEX),
        ("list", docker_list, DOCKER_LIST),
    ):
        for reference in (tag, digest_of(data)):
            answer = await get(client, name, reference)
            assert (answer.status_code, answer.content) == (200, data)
            assert answer.headers["Content-Type"] == media_type
            assert answer.headers["Content-Length"] == str(len(data))
            assert answer.headers["Docker-Content-Digest"] == digest_of(data)
            assert answer.headers["Etag"] == f'"{digest_of(data)}"'
            head = await client.head(f"/v2/{name}/manifests/{reference}", headers=ALL)
            assert (head.status_code, head.content) == (200, b"")
            for header in ("Content-Type", "Content-Length", "Docker-Content-Digest", "Etag"):
                assert head.headers[header] == answer.headers[header]


async def manifests_unknown(client: httpx.AsyncClient, version: str) -> None:
    name = "check/unknown"
    await push_image(client, name, "x")
    for repository in (name, "check/never"):
        by_tag = await get(client, repository, "nosuch")
        assert error(by_tag) == (404, "MANIFEST_UNKNOWN")
        assert detail(by_tag) == ("unknown tag=nosuch" if is_modern(version) else {"Tag": "nosuch"})
        by_digest = await get(client, repository, ABSENT)
        assert error(by_digest) == (404, "MANIFEST_UNKNOWN")
        assert detail(by_digest) == (
            f"unknown manifest name={repository} revision={ABSENT}"
            if is_modern(version)
            else {"Name": repository, "Revision": ABSENT}
        )
    head = await client.head(f"/v2/{name}/manifests/nosuch", headers=ALL)
    assert (head.status_code, head.content) == (404, b"")
    assert error(await get(client, name, "sha256:abc")) == (500, "UNKNOWN")


async def accept_of_oci(client: httpx.AsyncClient, version: str) -> None:
    name = "check/accept-oci"
    image = await push_image(client, name, "image")
    await put(client, name, "index", index_of(image), OCI_INDEX)
    for reference in ("image", digest_of(image)):
        answer = await get(client, name, reference, NOTHING)
        assert error(answer) == (404, "MANIFEST_UNKNOWN")
        assert "accept header does not support OCI manifests" in answer.text
    answer = await get(client, name, "index", {"Accept": OCI_MANIFEST})
    if is_modern(version):
        assert answer.content == index_of(image)
    else:
        assert error(answer) == (404, "MANIFEST_UNKNOWN")
        assert "accept header does not support OCI indexes" in answer.text


async def accept_of_docker(client: httpx.AsyncClient, version: str) -> None:
    name = "check/accept-docker"
    image = await push_image(client, name, "image", media_type=DOCKER_MANIFEST)
    stored = index_of(image, media_type=DOCKER_LIST)
    await put(client, name, "list", stored, DOCKER_LIST)
    child = await get(client, name, "list", {"Accept": DOCKER_MANIFEST})
    assert (child.content, child.headers["Docker-Content-Digest"]) == (image, digest_of(image))
    assert (await get(client, name, digest_of(stored), NOTHING)).content == stored
    assert (await get(client, name, digest_of(image), NOTHING)).content == image
    by_tag, of_list = await get(client, name, "image", NOTHING), await get(client, name, "list", NOTHING)
    if is_modern(version):
        assert by_tag.content == image
        assert error(of_list) == (400, "MANIFEST_INVALID")
        return
    for converted in (by_tag, of_list):
        assert converted.status_code == 200
        assert converted.headers["Content-Type"].endswith("manifest.v1+prettyjws")
        digest = converted.headers["Docker-Content-Digest"]
        assert digest not in (digest_of(image), digest_of(converted.content))
        assert (await delete(client, name, digest)).status_code == 404


async def conditional_get(client: httpx.AsyncClient, version: str) -> None:
    name = "check/conditional"
    digest = digest_of(await push_image(client, name, "x"))
    for value in (digest, f'"{digest}"'):
        answer = await get(client, name, "x", {**ALL, "If-None-Match": value})
        assert (answer.status_code, answer.content) == (304, b"")
        assert "Etag" not in answer.headers
    for value in (f'W/"{digest}"', "*", f'"{ABSENT}"'):
        assert (await get(client, name, "x", {**ALL, "If-None-Match": value})).status_code == 200
    assert (await get(client, name, ABSENT, {**ALL, "If-None-Match": ABSENT})).status_code == 304


async def put_answers(client: httpx.AsyncClient, version: str) -> None:
    name = "check/put"
    image = await push_image(client, name)
    digest = digest_of(image)
    for reference in ("tag", digest):
        answer = await put(client, name, reference, image, OCI_MANIFEST)
        assert (answer.status_code, answer.headers["Docker-Content-Digest"]) == (201, digest)
        assert answer.headers["Location"] == str(client.base_url.join(f"/v2/{name}/manifests/{digest}"))
    assert error(await put(client, name, ABSENT, image, OCI_MANIFEST)) == (400, "DIGEST_INVALID")


async def put_wants_the_right_type(client: httpx.AsyncClient, version: str) -> None:
    name = "check/types"
    image = await push_image(client, name)
    for media_type in ("", "application/json", DOCKER_MANIFEST, OCI_INDEX):
        assert error(await put(client, name, "x", image, media_type)) == (400, "MANIFEST_INVALID")
    for data in (b"nonsense", b"[]"):
        assert error(await put(client, name, "x", data, OCI_INDEX)) == (400, "MANIFEST_INVALID")
    artifact = "application/vnd.oci.artifact.manifest.v1+json"
    old = as_json({"mediaType": artifact, "blobs": []})
    assert error(await put(client, name, "x", old, artifact)) == (400, "MANIFEST_INVALID")
    both = as_json({**json.loads(image), "manifests": []})
    assert error(await put(client, name, "x", both, OCI_MANIFEST)) == (400, "MANIFEST_INVALID")
    assert error(await put(client, name, "x", as_json({}), OCI_INDEX)) == (500, "UNKNOWN")
    large = await put(client, name, "x", b" " * (4 * 1024 * 1024 + 1), OCI_INDEX)
    assert error(large) == (400, "MANIFEST_INVALID")
    assert detail(large) == "http: request body too large"
    unnamed = {key: value for key, value in json.loads(image).items() if key != "mediaType"}
    assert (await put(client, name, "x", as_json(unnamed), OCI_MANIFEST)).status_code == 201


async def put_wants_everything_there(client: httpx.AsyncClient, version: str) -> None:
    source, name = "check/whole", "check/parts"
    image = await push_image(client, source, "x", mark="parts")
    refused = await put(client, name, "x", image, OCI_MANIFEST)
    assert error(refused) == (400, "MANIFEST_BLOB_UNKNOWN")
    manifest = json.loads(image)
    needed = [manifest["config"]["digest"], manifest["layers"][0]["digest"]]
    assert [each["detail"] for each in refused.json()["errors"]] == needed
    index = index_of(image)
    refused = await put(client, name, "x", index, OCI_INDEX)
    assert error(refused) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert detail(refused) == digest_of(image)


async def put_artifacts(client: httpx.AsyncClient, version: str) -> None:
    name = "check/artifacts"
    await push_blob(client, name, b"{}")
    empty = descriptor("application/vnd.oci.empty.v1+json", b"{}")
    artifact = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "a/b", "config": empty}
    subject = descriptor(OCI_MANIFEST, b"not pushed")
    data = as_json({**artifact, "layers": [empty], "subject": subject})
    assert (await put(client, name, "x", data, OCI_MANIFEST)).status_code == 201
    assert (await get(client, name, "x")).content == data


async def index_of_blobs(client: httpx.AsyncClient, version: str) -> None:
    """As BuildKit pushes its cache: taken, though its entries are no manifests, and can't be read as such."""
    name = "check/cache"
    layer = await push_blob(client, name, b"a layer of the cache")
    entry = descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", b"a layer of the cache")
    cache = as_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]})
    assert (await put(client, name, "cache", cache, OCI_INDEX)).status_code == 201
    assert (await get(client, name, "cache")).content == cache
    assert error(await get(client, name, layer)) == (500, "UNKNOWN")


async def placeholder_removes_tags(client: httpx.AsyncClient, version: str) -> None:
    """The way to remove single tags where only digests can be deleted."""
    name = "check/placeholder"
    image = await push_image(client, name, "stays", "goes", "goes-too")
    placeholder = index_of(annotations={"unique": str(uuid4())})
    for tag in ("goes", "goes-too"):
        assert (await put(client, name, tag, placeholder, OCI_INDEX)).status_code == 201
    assert (await delete(client, name, digest_of(placeholder))).status_code == 202
    assert await tags(client, name) == ["stays"]
    assert (await get(client, name, digest_of(image))).content == image
    empty_list = index_of(media_type=DOCKER_LIST)
    assert (await put(client, name, "list", empty_list, DOCKER_LIST)).status_code == 201


# Deletion


async def delete_by_digest(client: httpx.AsyncClient, version: str) -> None:
    name = "check/delete"
    image = await push_image(client, name, "one", "two", mark="goes")
    await push_image(client, name, "other", mark="stays")
    answer = await delete(client, name, digest_of(image))
    assert (answer.status_code, answer.content) == (202, b"")
    assert await tags(client, name) == ["other"]
    for reference in ("one", digest_of(image)):
        assert error(await get(client, name, reference)) == (404, "MANIFEST_UNKNOWN")
    for repository, digest in ((name, digest_of(image)), (name, ABSENT), ("check/never", ABSENT)):
        assert error(await delete(client, repository, digest)) == (404, "MANIFEST_UNKNOWN")
    malformed = (500, "UNKNOWN") if is_modern(version) else (400, "DIGEST_INVALID")
    assert error(await delete(client, name, "sha256:abc")) == malformed


async def delete_by_tag(client: httpx.AsyncClient, version: str) -> None:
    name = "check/untag"
    image = await push_image(client, name, "one", "two")
    answer, unknown = await delete(client, name, "one"), await delete(client, name, "nosuch")
    if is_modern(version):
        assert answer.status_code == 202
        assert error(unknown) == (404, "MANIFEST_UNKNOWN")
        assert await tags(client, name) == ["two"]
    else:
        assert error(answer) == error(unknown) == (400, "DIGEST_INVALID")
        assert await tags(client, name) == ["one", "two"]
    assert (await get(client, name, digest_of(image))).status_code == 200


async def delete_index_and_child(client: httpx.AsyncClient, version: str) -> None:
    name = "check/family"
    children = [await push_image(client, name, mark=mark) for mark in "ab"]
    index, other = index_of(*children), index_of(children[0])
    await put(client, name, "index", index, OCI_INDEX)
    await put(client, name, "other", other, OCI_INDEX)
    assert (await delete(client, name, digest_of(index))).status_code == 202
    for child in children:
        assert (await get(client, name, digest_of(child))).status_code == 200
    assert (await delete(client, name, digest_of(children[0]))).status_code == 202
    assert (await get(client, name, "other")).content == other


async def delete_and_restore(client: httpx.AsyncClient, version: str) -> None:
    name = "check/restore"
    child = await push_image(client, name)
    index = index_of(child)
    await put(client, name, "x", index, OCI_INDEX)
    for manifest in (index, child):
        assert (await delete(client, name, digest_of(manifest))).status_code == 202
    assert error(await put(client, name, "x", index, OCI_INDEX)) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert (await put(client, name, digest_of(child), child, OCI_MANIFEST)).status_code == 201
    assert (await put(client, name, "x", index, OCI_INDEX)).status_code == 201
    assert (await get(client, name, "x")).content == index


async def config_as_manifest(client: httpx.AsyncClient, version: str) -> None:
    """The hazard of 2.x: the config's digest is taken for a manifest's, and the image is broken."""
    name = "check/hazard"
    image = await push_image(client, name, "x", mark="hazard")
    config = config_digest(image)
    if is_modern(version):
        # 404; or 500 where the blob is in the server's cache.
        assert (await get(client, name, config)).status_code in (404, 500)
        assert (await delete(client, name, config)).status_code in (404, 500)
        assert (await client.get(f"/v2/{name}/blobs/{config}")).status_code == 200
    else:
        assert error(await get(client, name, config)) == (500, "UNKNOWN")
        assert (await delete(client, name, config)).status_code == 202
        # The config is gone, although a server with a cache still sends it.
        assert error(await delete(client, name, config)) == (404, "MANIFEST_UNKNOWN")
    assert await tags(client, name) == ["x"]
    assert (await get(client, name, "x")).content == image


# Blobs


async def blobs(client: httpx.AsyncClient, version: str) -> None:
    name, data = "check/blobs", b"0123456789"
    digest = await push_blob(client, name, data)
    path = f"/v2/{name}/blobs/{digest}"
    answer, head = await client.get(path), await client.head(path)
    assert (answer.status_code, answer.content) == (200, data)
    assert (head.status_code, head.content) == (200, b"")
    for each in (answer, head):
        assert each.headers["Content-Type"] == "application/octet-stream"
        assert each.headers["Content-Length"] == "10"
        assert each.headers["Docker-Content-Digest"] == digest
        assert each.headers["Etag"] == f'"{digest}"'
        assert each.headers["Cache-Control"] == "max-age=31536000"
        assert each.headers["Accept-Ranges"] == "bytes"
    unchanged = await client.get(path, headers={"If-None-Match": f'"{digest}"'})
    assert (unchanged.status_code, unchanged.headers["Etag"]) == (304, f'"{digest}"')
    for repository, missing in ((name, ABSENT), ("check/never", digest)):
        absent = await client.get(f"/v2/{repository}/blobs/{missing}")
        assert error(absent) == (404, "BLOB_UNKNOWN")
        assert detail(absent) == missing
    assert error(await client.get(f"/v2/{name}/blobs/sha256:abc")) == (400, "DIGEST_INVALID")
    options = await client.options(path)
    assert (options.status_code, options.headers["Allow"]) == (200, "DELETE, GET, HEAD")


async def blob_ranges(client: httpx.AsyncClient, version: str) -> None:
    name, data = "check/ranges", b"0123456789"
    path = f"/v2/{name}/blobs/{await push_blob(client, name, data)}"
    for wanted, body, span in (
        ("0-0", b"0", "0-0"),
        ("2-4", b"234", "2-4"),
        ("7-", b"789", "7-9"),
        ("8-99", b"89", "8-9"),
        ("-3", b"789", "7-9"),
    ):
        answer = await client.get(path, headers={"Range": f"bytes={wanted}"})
        assert (answer.status_code, answer.content) == (206, body)
        assert answer.headers["Content-Range"] == f"bytes {span}/10"
    if is_modern(version):
        answer = await client.get(path, headers={"Range": "bytes=10-"})
        assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */10")
    else:
        # Announces ten bytes, sends an error text of another length, and hangs up.
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(path, headers={"Range": "bytes=40-"})


async def blob_deletion(client: httpx.AsyncClient, version: str) -> None:
    name = "check/unlink"
    path = f"/v2/{name}/blobs/{await push_blob(client, name, b'not for long')}"
    answer = await client.delete(path)
    assert (answer.status_code, answer.content) == (202, b"")
    assert error(await client.delete(path)) == (404, "BLOB_UNKNOWN")


# Uploads


async def upload_in_parts(client: httpx.AsyncClient, version: str) -> None:
    name, data = "check/parts-upload", b"first second"
    started = await client.post(f"/v2/{name}/blobs/uploads/")
    assert (started.status_code, started.headers["Range"]) == (202, "0-0")
    assert started.headers["Docker-Upload-UUID"] in started.headers["Location"]
    assert started.headers["Location"].startswith(str(client.base_url.join(f"/v2/{name}/blobs/uploads/")))
    outdated = started.headers["Location"]
    part = await client.patch(outdated, content=data[:6])
    assert (part.status_code, part.headers["Range"]) == (202, "0-5")
    expected = (416, "RANGE_INVALID") if is_modern(version) else (404, "BLOB_UPLOAD_INVALID")
    assert error(await client.patch(outdated, content=data[6:])) == expected
    status = await client.get(part.headers["Location"])
    assert (status.status_code, status.headers["Range"]) == (204, "0-5")
    location = httpx.URL(part.headers["Location"]).copy_merge_params({"digest": digest_of(data)})
    done = await client.put(location, content=data[6:])
    assert (done.status_code, done.headers["Docker-Content-Digest"]) == (201, digest_of(data))
    blob = f"/v2/{name}/blobs/{digest_of(data)}"
    assert done.headers["Location"] == str(client.base_url.join(blob))
    assert (await client.get(blob)).content == data


async def upload_in_one_post_is_not_taken(client: httpx.AsyncClient, version: str) -> None:
    name, data = "check/one-post", b"everything at once"
    answer = await client.post(f"/v2/{name}/blobs/uploads/", params={"digest": digest_of(data)}, content=data)
    assert (answer.status_code, answer.headers["Range"]) == (202, "0-0")
    assert (await client.get(f"/v2/{name}/blobs/{digest_of(data)}")).status_code == 404


async def upload_mistakes(client: httpx.AsyncClient, version: str) -> None:
    name = "check/mistakes"

    async def start() -> httpx.URL:
        return httpx.URL((await client.post(f"/v2/{name}/blobs/uploads/")).headers["Location"])

    wrong = (await start()).copy_merge_params({"digest": ABSENT})
    assert error(await client.put(wrong, content=b"x")) == (400, "DIGEST_INVALID")
    assert error(await client.put(await start(), content=b"x")) == (400, "DIGEST_INVALID")
    replaced = (await start()).copy_with(params={"digest": digest_of(b"x")})
    assert error(await client.put(replaced, content=b"x")) == (404, "BLOB_UPLOAD_INVALID")
    cancelled = await start()
    assert (await client.delete(cancelled)).status_code == 204
    for method in ("GET", "DELETE", "PATCH"):
        assert error(await client.request(method, cancelled)) == (404, "BLOB_UPLOAD_UNKNOWN")


async def mounts(client: httpx.AsyncClient, version: str) -> None:
    source, name = "check/mount-from", "check/mount-to"
    digest = await push_blob(client, source, b"mounted")
    path = f"/v2/{name}/blobs/uploads/"
    mounted = await client.post(path, params={"mount": digest, "from": source})
    assert (mounted.status_code, mounted.headers["Docker-Content-Digest"]) == (201, digest)
    assert (await client.get(f"/v2/{name}/blobs/{digest}")).content == b"mounted"
    for wanted, where in ((ABSENT, source), (digest, "check/never")):
        refused = await client.post("/v2/check/mount-no/blobs/uploads/", params={"mount": wanted, "from": where})
        assert refused.status_code == 202
        assert "Docker-Upload-UUID" in refused.headers


async def options_when_writable(client: httpx.AsyncClient, version: str) -> None:
    for reference in ("x", ABSENT):
        answer = await client.options(f"/v2/check/never/manifests/{reference}")
        assert (answer.status_code, answer.headers["Allow"]) == (200, "DELETE, GET, HEAD, PUT")


CHECKS: list[Check] = [
    ping,
    routes,
    names_with_capitals,
    catalog_pages,
    catalog_link_only_before_more,
    catalog_limits,
    catalog_goes_by_directories,
    emptied_repository_stays,
    tags_unknown,
    tags_pages,
    manifests_as_stored,
    manifests_unknown,
    accept_of_oci,
    accept_of_docker,
    conditional_get,
    put_answers,
    put_wants_the_right_type,
    put_wants_everything_there,
    put_artifacts,
    index_of_blobs,
    placeholder_removes_tags,
    delete_by_digest,
    delete_by_tag,
    delete_index_and_child,
    delete_and_restore,
    config_as_manifest,
    blobs,
    blob_ranges,
    blob_deletion,
    upload_in_parts,
    upload_in_one_post_is_not_taken,
    upload_mistakes,
    mounts,
    options_when_writable,
]


# Servers set up otherwise


async def deletion_disabled(client: httpx.AsyncClient, version: str) -> None:
    name = "check/disabled"
    image = await push_image(client, name, "x")
    paths = [f"manifests/{each}" for each in (digest_of(image), "x", "nosuch", ABSENT)]
    for path in (*paths, f"blobs/{config_digest(image)}", f"blobs/{ABSENT}"):
        answer = await client.delete(f"/v2/{name}/{path}")
        assert error(answer) == (405, "UNSUPPORTED")
        assert answer.json()["errors"][0]["message"] == "The operation is unsupported."
    assert (await get(client, name, "x")).content == image


async def read_only(client: httpx.AsyncClient, version: str) -> None:
    assert (await client.get("/v2/")).status_code == 200
    assert (await client.get("/v2/_catalog")).json() == {"repositories": []}
    for method, path in (
        ("DELETE", f"manifests/{ABSENT}"),
        ("DELETE", "manifests/x"),
        ("PUT", "manifests/x"),
        ("DELETE", f"blobs/{ABSENT}"),
        ("POST", "blobs/uploads/"),
    ):
        answer = await client.request(method, f"/v2/check/x/{path}")
        assert (answer.status_code, answer.text) == (405, "Method not allowed\n")
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Allow"] == "GET, HEAD"
    options = await client.options("/v2/check/x/manifests/x")
    assert (options.status_code, options.headers["Allow"]) == (200, "GET, HEAD")


async def passwords(client: httpx.AsyncClient, version: str) -> None:
    """Wants a server with USER and PASSWORD, and a client that sends none."""
    for auth in (None, (USER, "wrong"), ("nobody", PASSWORD)):
        answer = await client.get("/v2/", auth=auth)
        assert error(answer) == (401, "UNAUTHORIZED")
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Registry Realm"'
        assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
        assert detail(answer) is None
    catalog = await client.get("/v2/_catalog")
    assert detail(catalog) == [{"Type": "registry", "Class": "", "Name": "catalog", "Action": "*"}]
    refused = await client.delete(f"/v2/check/x/manifests/{ABSENT}")
    assert detail(refused) == [{"Type": "repository", "Class": "", "Name": "check/x", "Action": "delete"}]
    head = await client.head("/v2/")
    assert (head.status_code, head.content) == (401, b"")
    assert (await client.get("/v2/", auth=(USER, PASSWORD))).status_code == 200
    assert (await client.get("/")).status_code == 200


NO_DELETION_CHECKS: list[Check] = [deletion_disabled]
READ_ONLY_CHECKS: list[Check] = [read_only]
PASSWORD_CHECKS: list[Check] = [passwords]
