"""Uploading content to a registry with plain httpx: nothing of regtui is used to make what regtui reads.

Open a registry once, then push:

    with open_registry(server.url) as registry:
        pushed = push_image(registry, "team/app", "1.0")
"""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from tests.support.content import (
    OCI_MANIFEST,
    Blob,
    Image,
    Kind,
    Recipe,
    build_artifact,
    build_image,
    build_index,
    to_json,
)

PLATFORMS = ("linux/amd64", "linux/arm64/v8")

# A DELETE or PUT on a busy machine with cold disks takes seconds.
_TIMEOUT = 60.0


@dataclass(frozen=True)
class PushedImage:
    """What is in the registry now. `children` are an index's, `blobs` the digests of config and layers."""

    repository: str
    tag: str | None
    digest: str
    media_type: str
    manifest: bytes = field(repr=False)
    children: tuple["PushedImage", ...] = ()
    blobs: tuple[str, ...] = ()

    def descriptor(self) -> dict[str, Any]:
        """For another manifest's `subject` or `manifests`."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.manifest)}


def open_registry(
    url: str, *, auth: tuple[str, str] | None = None, verify: ssl.SSLContext | bool = True
) -> httpx.Client:
    """An httpx client for one registry. `verify` takes `TlsFiles.client_context()`."""
    return httpx.Client(base_url=url, auth=auth, verify=verify, trust_env=False, timeout=_TIMEOUT)


def push_image(
    registry: httpx.Client,
    repository: str,
    tag: str | None,
    *,
    kind: Kind = "docker",
    recipe: Recipe | None = None,
    annotations: Mapping[str, str] | None = None,
) -> PushedImage:
    """An image for one platform. Unless a recipe says otherwise, each repository and tag gets its own."""
    recipe = recipe or _recipe_for(repository, tag)
    return push(registry, repository, tag, build_image(recipe, kind, annotations=annotations))


def push_index(
    registry: httpx.Client,
    repository: str,
    tag: str | None,
    *,
    kind: Kind = "oci",
    platforms: Sequence[str] = PLATFORMS,
    attestations: bool = False,
    recipe: Recipe | None = None,
) -> PushedImage:
    """An OCI index or a Docker manifest list, with its children untagged below it."""
    recipe = recipe or _recipe_for(repository, tag)
    recipes = [replace(recipe, platform=platform) for platform in platforms]
    return push(registry, repository, tag, build_index(recipes, kind, attestations=attestations))


def push_artifact(
    registry: httpx.Client,
    repository: str,
    tag: str | None,
    *,
    artifact_type: str = "application/vnd.example.sbom.v1+json",
    files: Mapping[str, bytes] | None = None,
    subject: PushedImage | None = None,
    annotations: Mapping[str, str] | None = None,
) -> PushedImage:
    """An OCI artifact, about `subject` if given. The fallback tag of older registries is the caller's."""
    image = build_artifact(
        artifact_type,
        {"sbom.json": b'{"packages":[]}\n'} if files is None else files,
        subject=subject.descriptor() if subject else None,
        annotations=annotations,
    )
    return push(registry, repository, tag, image)


def push_tags(
    registry: httpx.Client, repository: str, count: int, *, name: str = "v{}", distinct: bool = False
) -> list[PushedImage]:
    """Many tags at a request each: all of one image, or `distinct` manifests that share their blobs."""
    first = build_image(Recipe(name=repository), "oci")
    for blob in first.blobs:
        push_blob(registry, repository, blob.data)
    pushed = []
    for number in range(count):
        image = first
        if distinct:
            image = build_image(Recipe(name=repository), "oci", annotations={"number": str(number)})
        pushed.append(_put(registry, repository, name.format(number), image))
    return pushed


def push_empty_index(registry: httpx.Client, repository: str, tag: str, **annotations: str) -> PushedImage:
    """An index of nothing, which registries accept."""
    media_type = "application/vnd.oci.image.index.v1+json"
    value = {"schemaVersion": 2, "mediaType": media_type, "manifests": [], "annotations": annotations}
    return _put(registry, repository, tag, Image(Blob(media_type, to_json(value))))


def push(registry: httpx.Client, repository: str, tag: str | None, image: Image) -> PushedImage:
    """Blobs, then children, then the manifest: the order registries insist on. No tag: by digest only."""
    for blob in image.blobs:
        push_blob(registry, repository, blob.data)
    children = tuple(push(registry, repository, None, child) for child in image.children)
    return _put(registry, repository, tag, image, children)


def push_blob(registry: httpx.Client, repository: str, data: bytes) -> str:
    """Upload a blob, unless it is there; returns its digest."""
    digest = Blob("", data).digest
    if registry.head(f"v2/{repository}/blobs/{digest}").status_code == httpx.codes.OK:
        return digest
    started = registry.post(f"v2/{repository}/blobs/uploads/").raise_for_status()
    location = started.url.join(started.headers["Location"]).copy_merge_params({"digest": digest})
    registry.put(location, content=data, headers={"Content-Type": "application/octet-stream"}).raise_for_status()
    return digest


def push_manifest(
    registry: httpx.Client, repository: str, reference: str, data: bytes, media_type: str = OCI_MANIFEST
) -> str:
    """PUT exactly these bytes; returns the digest the registry answers with."""
    answer = registry.put(f"v2/{repository}/manifests/{reference}", content=data, headers={"Content-Type": media_type})
    return answer.raise_for_status().headers["Docker-Content-Digest"]


def _put(
    registry: httpx.Client,
    repository: str,
    tag: str | None,
    image: Image,
    children: tuple[PushedImage, ...] = (),
) -> PushedImage:
    manifest = image.manifest
    digest = push_manifest(registry, repository, tag or manifest.digest, manifest.data, manifest.media_type)
    assert digest == manifest.digest, f"the registry stored {digest}, not what was sent: {manifest.digest}"
    blobs = tuple(blob.digest for blob in image.blobs)
    return PushedImage(repository, tag, digest, manifest.media_type, manifest.data, children, blobs)


def _recipe_for(repository: str, tag: str | None) -> Recipe:
    return Recipe(name=repository, labels={"org.opencontainers.image.version": tag or ""})
