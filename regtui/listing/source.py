"""What this package asks for content: the connection, its content store, or a registry in a test."""

from typing import Protocol

from regtui.oci.digest import Digest
from regtui.registry.values import FetchedManifest


class ManifestSource(Protocol):
    """Manifests and configs by repository. All raise NotFound where it is gone, else RegistryError."""

    async def current(self, repository: str, reference: str) -> FetchedManifest:
        """What `reference` leads to now: a tag, or a digest that came from elsewhere than this repository."""
        ...

    async def digest(self, repository: str, tag: str) -> Digest:
        """Which manifest `tag` leads to now: all that is asked where that one is known already."""
        ...

    async def named(self, repository: str, digest: Digest) -> FetchedManifest:
        """A manifest that a manifest of this repository names."""
        ...

    async def config(self, repository: str, digest: Digest) -> bytes:
        """The exact bytes of an image's config, which a manifest of this repository names."""
        ...
