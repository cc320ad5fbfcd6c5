"""What a registry keeps: blobs, and for each repository its manifests, tags and links to blobs.

The semantics are those of the real storage, because deletion, undo and garbage collection are played on it:
a repository exists for ever once something was pushed to it; deleting a manifest removes its tags but not its
bytes, nor an index's children; only collection frees bytes; and a tag can point at nothing.
"""

import threading
from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

from regtui.local.collection import Collected, collect
from regtui.local.dialect import Dialect, Version
from regtui.local.stored import Blob, LocalManifest, Repository, Upload, digest_of


class MemoryStorage:
    """A registry's storage in memory. Synchronous; hold `lock` where several threads use one storage."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.blobs: dict[str, Blob] = {}
        self._repositories: dict[str, Repository] = {}
        self._uploads: dict[str, Upload] = {}

    # Blobs

    def add_blob(self, data: bytes) -> str:
        digest = digest_of(data)
        self.blobs[digest] = Blob(digest, len(data), data)
        return digest

    def add_synthetic_blob(self, seed: str, size: int) -> str:
        """A blob of that size without its bytes; see Blob."""
        digest = digest_of(seed.encode())
        self.blobs.setdefault(digest, Blob(digest, size))
        return digest

    def remove_blob(self, digest: str) -> None:
        """Takes the bytes away and leaves every link, as a damaged disk would."""
        self.blobs.pop(digest, None)

    def layer(self, repository: str, digest: str) -> Blob | None:
        """The blob, if it exists and the repository links it."""
        found = self._repositories.get(repository)
        return self.blobs.get(digest) if found and digest in found.layers else None

    def link_layer(self, repository: str, digest: str) -> None:
        target = self._ensure(repository)
        target.layers[digest] = None
        target.has_layers = True

    def unlink_layer(self, repository: str, digest: str) -> bool:
        """Whether there was such a blob in the repository."""
        if self.layer(repository, digest) is None:
            return False
        del self._repositories[repository].layers[digest]
        return True

    # Manifests and tags

    @property
    def repositories(self) -> Mapping[str, Repository]:
        """Everything that was ever pushed to, whatever a version's catalog shows of it."""
        return self._repositories

    def manifest(self, repository: str, digest: str) -> LocalManifest | None:
        """The manifest, if the repository has it and its bytes exist."""
        found = self._repositories.get(repository)
        media_type = found.revisions.get(digest) if found else None
        blob = self.blobs.get(digest)
        if media_type is None or blob is None or blob.data is None:
            return None
        return LocalManifest(digest, media_type, blob.data)

    def put_manifest(self, repository: str, data: bytes, media_type: str, *tags: str) -> str:
        """Stores it without looking at what it refers to, points the tags at it, and returns its digest."""
        digest = self.add_blob(data)
        target = self._ensure(repository)
        target.revisions[digest] = media_type
        target.has_manifests = True
        for tag in tags:
            self.set_tag(repository, tag, digest)
        return digest

    def delete_manifest(self, repository: str, digest: str) -> bool:
        """Removes the manifest and **every tag of it**; children of an index stay. False if it is not there."""
        if self.manifest(repository, digest) is None:
            return False
        target = self._repositories[repository]
        del target.revisions[digest]
        for tag in [tag for tag, tagged in target.tags.items() if tagged == digest]:
            del target.tags[tag]
        return True

    def tag(self, repository: str, tag: str) -> str | None:
        """The digest a tag points at. The manifest may be gone: then the tag dangles."""
        found = self._repositories.get(repository)
        return found.tags.get(tag) if found else None

    def set_tag(self, repository: str, tag: str, digest: str) -> None:
        target = self._ensure(repository)
        target.tags[tag] = digest
        target.was_tagged = target.has_manifests = True

    def untag(self, repository: str, tag: str) -> bool:
        """Removes the tag alone; its manifest stays. Whether there was one."""
        found = self._repositories.get(repository)
        return found is not None and found.tags.pop(tag, None) is not None

    # Uploads

    def start_upload(self, repository: str) -> Upload:
        self._ensure(repository)  # its directory, which no list shows
        upload = Upload(str(uuid4()), repository)
        self._uploads[upload.id] = upload
        return upload

    def upload(self, repository: str, upload_id: str) -> Upload | None:
        upload = self._uploads.get(upload_id)
        return upload if upload and upload.repository == repository else None

    def finish_upload(self, upload: Upload) -> str:
        """Makes a blob of what was uploaded, links it in its repository and returns its digest."""
        digest = self.add_blob(bytes(upload.data))
        self.link_layer(upload.repository, digest)
        del self._uploads[upload.id]
        return digest

    def cancel_upload(self, upload: Upload) -> None:
        del self._uploads[upload.id]

    # Collection

    def copy(self) -> "MemoryStorage":
        """The same content, to try something on. Uploads in progress are not in it."""
        made = MemoryStorage()
        with self.lock:
            made.blobs = dict(self.blobs)
            made._repositories = {
                name: replace(found, revisions=dict(found.revisions), tags=dict(found.tags), layers=dict(found.layers))
                for name, found in self._repositories.items()
            }
        return made

    def remove_repository(self, name: str) -> bool:
        """Takes its directory away, where nothing is in it. Whether it did."""
        with self.lock:
            found = self._repositories.get(name)
            if found is None or found.revisions or found.tags or self.uploads_of(name):
                return False
            del self._repositories[name]
            return True

    def uploads_of(self, repository: str) -> int:
        return sum(1 for upload in self._uploads.values() if upload.repository == repository)

    def collect(self, delete_untagged: bool = False, *, dry_run: bool = False, version: Version = "2.8.2") -> Collected:
        """Marks and sweeps as that version's `registry garbage-collect` does, and tells what it freed.

        Raises CollectionFailed where the real collector would stop; then nothing was freed.
        """
        with self.lock:
            found = collect(self.blobs, self._repositories, Dialect.of(version), delete_untagged)
            if not dry_run:
                self._sweep(found)
        return found

    def _sweep(self, found: Collected) -> None:
        for name, digest in found.manifests:
            del self._repositories[name].revisions[digest]
        for digest in found.blobs:
            del self.blobs[digest]
        for name, digest in found.layer_links:
            self._repositories[name].layers.pop(digest, None)

    def _ensure(self, name: str) -> Repository:
        return self._repositories.setdefault(name, Repository(name))
