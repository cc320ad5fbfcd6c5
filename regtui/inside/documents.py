"""What is attached, read: the documents that say it."""

from typing import Protocol

from regtui import bounds
from regtui.inside.attached import Attached
from regtui.inside.sbom import NoSbom, Package, packages_of
from regtui.oci.digest import Digest
from regtui.registry.errors import RegistryError
from regtui.text import size


class BlobReading(Protocol):
    """The client, as far as this asks it."""

    async def blob(self, repository: str, digest: Digest, *, limit: int) -> bytes: ...


async def packages_in(client: BlobReading, repository: str, sbom: Attached) -> tuple[list[Package], str]:
    """The packages that it names, and why not all of it can be read; empty where it can. Raises RegistryError where
    what fails would fail for all."""
    found: list[Package] = []
    for blob in sbom.holds:
        if blob.size > bounds.SBOM:
            return found, f"it has {size(blob.size)}, and no more than {size(bounds.SBOM)} are read"
        try:
            found += packages_of(await client.blob(repository, blob.digest, limit=bounds.SBOM))
        except NoSbom as error:
            return found, f"{blob.media_type}: {error}"
        except RegistryError as error:
            if error.affects_all:
                raise
            return found, str(error).rstrip(".")
    return found, "" if sbom.holds else "it holds nothing"
