"""What is in a repository, without a line of regtui: from the registry's storage where it has one, else over HTTP.

A tag is `whole` where its manifest, everything below it and every blob of those is there.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

ACCEPT: Final = ", ".join(
    (
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    )
)
MANIFEST_TYPES: Final = frozenset(ACCEPT.split(", "))


@dataclass(frozen=True)
class Truth:
    """`tags`: each tag's digest, or its link's odd content. `manifests` and `blobs`: digests that are there."""

    tags: Mapping[str, str]
    manifests: frozenset[str]
    blobs: frozenset[str]
    bodies: Mapping[str, bytes] = field(repr=False)

    def missing(self, digest: str) -> frozenset[str]:
        """What is not there of a manifest and everything below it."""
        gone: set[str] = set()
        seen: set[str] = set()
        waiting = [digest]
        while waiting:
            each = waiting.pop()
            if each in seen:
                continue
            seen.add(each)
            if each not in self.manifests:
                gone.add(each)
                continue
            children, blobs = parts_of(self.bodies[each])
            gone |= blobs - self.blobs
            waiting += children
        return frozenset(gone)

    def reaches(self, roots: Iterable[str]) -> set[str]:
        """Manifests that are there, from `roots` on."""
        seen: set[str] = set()
        waiting = list(roots)
        while waiting:
            each = waiting.pop()
            if each in seen or each not in self.manifests:
                continue
            seen.add(each)
            waiting += parts_of(self.bodies[each])[0]
        return seen


def parts_of(body: bytes) -> tuple[list[str], set[str]]:
    """(manifests, blobs) that a manifest names. An entry of an index that is no manifest is a blob."""
    value: dict[str, Any] = json.loads(body)
    if "fsLayers" in value:
        return [], {layer["blobSum"] for layer in value["fsLayers"]}
    children = [e["digest"] for e in value.get("manifests", ()) if e.get("mediaType") in MANIFEST_TYPES]
    blobs = {e["digest"] for e in value.get("manifests", ()) if e.get("mediaType") not in MANIFEST_TYPES}
    if "config" in value:
        blobs.add(value["config"]["digest"])
    blobs |= {layer["digest"] for layer in value.get("layers", ()) if not layer.get("urls")}
    return children, blobs


def read_storage(storage: Path, repository: str) -> Truth:
    """By the files of distribution's filesystem driver, the same on all versions."""
    root = storage / "docker" / "registry" / "v2"
    folder = root / "repositories" / repository
    manifests = frozenset(_linked(folder / "_manifests" / "revisions" / "sha256"))
    blobs = frozenset(_linked(folder / "_layers" / "sha256"))
    tags = {link.parents[1].name: link.read_text() for link in (folder / "_manifests" / "tags").glob("*/current/link")}
    bodies = {digest: _blob(root, digest) for digest in manifests}
    there = {blob for blob in blobs if _path(root, blob).exists()}
    return Truth(tags, frozenset(d for d in manifests if bodies[d]), frozenset(there), bodies)


def _linked(folder: Path) -> list[str]:
    return [f"sha256:{link.parent.name}" for link in folder.glob("*/link") if link.stat().st_size]


def _path(root: Path, digest: str) -> Path:
    value = digest.removeprefix("sha256:")
    return root / "blobs" / "sha256" / value[:2] / value / "data"


def _blob(root: Path, digest: str) -> bytes:
    path = _path(root, digest)
    return path.read_bytes() if path.exists() else b""


def read_http(registry: httpx.Client, repository: str, known: Iterable[str]) -> Truth:
    """By asking: tags, and of all `known` digests which are there."""
    answer = registry.get(f"v2/{repository}/tags/list")
    names = (answer.json().get("tags") or []) if answer.status_code == httpx.codes.OK else []
    bodies: dict[str, bytes] = {}
    tags: dict[str, str] = {}
    for name in names:
        found = registry.get(f"v2/{repository}/manifests/{name}", headers={"Accept": ACCEPT})
        tags[name] = found.headers.get("Docker-Content-Digest", "") if found.status_code == httpx.codes.OK else ""
        if tags[name]:
            bodies[tags[name]] = found.content
    blobs: set[str] = set()
    present: set[str] = set()
    for digest in sorted(known):
        manifest = registry.get(f"v2/{repository}/manifests/{digest}", headers={"Accept": ACCEPT})
        if manifest.status_code == httpx.codes.OK:
            bodies[digest] = manifest.content
            present.add(digest)
        elif registry.head(f"v2/{repository}/blobs/{digest}").status_code == httpx.codes.OK:
            blobs.add(digest)
    # A registry that keeps a copy for each tag has a manifest as long as any of them does.
    return Truth(tags, frozenset(present | set(bodies)), frozenset(blobs), bodies)
