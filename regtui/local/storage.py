"""What the transport needs of a storage. The client and both faces don't know which one it is."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from regtui.local.stored import Blob, LocalManifest, Repository, Upload


class LocalStorage(Protocol):
    """Synchronous. The transport holds `lock` while it answers."""

    @property
    def lock(self) -> AbstractContextManager[Any]: ...

    @property
    def repositories(self) -> Mapping[str, Repository]:
        """By name."""

    def layer(self, repository: str, digest: str) -> Blob | None:
        """The blob, if it exists and the repository links it."""

    def link_layer(self, repository: str, digest: str) -> None: ...

    def unlink_layer(self, repository: str, digest: str) -> bool:
        """Whether there was such a blob in the repository."""

    def manifest(self, repository: str, digest: str) -> LocalManifest | None:
        """The manifest, if the repository has it and its bytes exist."""

    def put_manifest(self, repository: str, data: bytes, media_type: str, *tags: str) -> str:
        """Stores it, points the tags at it, and returns its digest."""

    def delete_manifest(self, repository: str, digest: str) -> bool:
        """Removes the manifest and every tag of it. False if it is not there."""

    def tag(self, repository: str, tag: str) -> str | None:
        """The digest that a tag points at."""

    def untag(self, repository: str, tag: str) -> bool:
        """Removes the tag alone. Whether there was one."""

    def start_upload(self, repository: str) -> Upload: ...

    def upload(self, repository: str, upload_id: str) -> Upload | None: ...

    def finish_upload(self, upload: Upload) -> str:
        """Makes a blob of what was uploaded, links it in its repository and returns its digest."""

    def cancel_upload(self, upload: Upload) -> None: ...
