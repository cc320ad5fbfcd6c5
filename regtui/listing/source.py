"""What this package asks for content: the connection, its content store, or a registry in a test."""

from typing import Protocol

from regtui.oci import Digest
from regtui.registry import FetchedManifest


class Source(Protocol):
    """Manifests and configs by repository. Both raise NotFound where it is gone, else RegistryError."""

    async def manifest(self, repository: str, reference: str) -> FetchedManifest:
        """`reference`: a tag or a digest."""
        ...

    async def config(self, repository: str, digest: Digest) -> bytes:
        """The exact bytes of an image's config."""
        ...
