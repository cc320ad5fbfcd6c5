"""Filling a registry with thousands of tags in seconds, by writing its storage directly.

The layout is that of distribution's filesystem driver, the same in all versions. Real pushes cost a few
requests a tag; this costs a few small files.
"""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from tests.support.content import DOCKER_MANIFEST, Recipe, build_image, digest_of


def seed_repository(storage: Path, name: str, tags: Iterable[tuple[str, datetime]]) -> dict[str, str]:
    """Add tags, each with an image created at that moment; returns their digests.

    Images differ in their config, and share their layers. The moment is also when the tag was pushed.
    """
    writer = _Writer(storage)
    repository = f"repositories/{name}"
    digests = {}
    for tag, created in tags:
        image = build_image(Recipe(name=name, created=created, env=(f"TAG={tag}",)), "docker")
        assert image.manifest.media_type == DOCKER_MANIFEST
        for blob in (*image.blobs, image.manifest):
            writer.blob(blob.digest, blob.data)
        for blob in image.blobs:
            writer.link(f"{repository}/_layers/{_path(blob.digest)}", blob.digest)
        digest = digests[tag] = image.manifest.digest
        writer.link(f"{repository}/_manifests/revisions/{_path(digest)}", digest)
        writer.link(f"{repository}/_manifests/tags/{tag}/index/{_path(digest)}", digest)
        current = writer.link(f"{repository}/_manifests/tags/{tag}/current", digest)
        os.utime(current, (created.timestamp(), created.timestamp()))
    return digests


def store_manifest(storage: Path, name: str, tag: str, body: bytes) -> str:
    """A manifest, in whatever bytes, under a tag, as no registry would take it; its digest."""
    writer, digest = _Writer(storage), digest_of(body)
    manifests = f"repositories/{name}/_manifests"
    writer.blob(digest, body)
    writer.link(f"{manifests}/revisions/{_path(digest)}", digest)
    writer.link(f"{manifests}/tags/{tag}/index/{_path(digest)}", digest)
    writer.link(f"{manifests}/tags/{tag}/current", digest)
    return digest


def seed_repositories(storage: Path, names: Iterable[str], created: datetime) -> None:
    """Many repositories with one tag, `latest`."""
    for name in names:
        seed_repository(storage, name, [("latest", created)])


class _Writer:
    """Writes files, and what all tags share, as their layers, only once."""

    def __init__(self, storage: Path) -> None:
        self._root = storage / "docker" / "registry" / "v2"
        self._done: set[str] = set()

    def blob(self, digest: str, data: bytes) -> None:
        algorithm, _, value = digest.partition(":")
        self._write(f"blobs/{algorithm}/{value[:2]}/{value}", "data", data)

    def link(self, folder: str, digest: str) -> Path:
        """A link is 71 bytes, without a newline: with one, the registry would not read it."""
        return self._write(folder, "link", digest.encode())

    def _write(self, folder: str, name: str, data: bytes) -> Path:
        target = self._root / folder / name
        # A folder is named for what it holds, so it is written once, but for the digest a tag has now.
        if folder not in self._done or folder.endswith("/current"):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            self._done.add(folder)
        return target


def _path(digest: str) -> str:
    return digest.replace(":", "/")
