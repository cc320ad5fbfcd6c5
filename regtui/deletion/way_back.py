"""Whether tags that are moved away from their images could be moved back: what that takes, and what is missing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from regtui.content.store import ContentStore
from regtui.deletion.blobs import known_blobs
from regtui.deletion.inventory import read_manifests
from regtui.deletion.loss import losses
from regtui.deletion.values import Contents, StoredManifest
from regtui.deletion.words import loss_reason
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient


@dataclass(frozen=True, slots=True)
class WayBack:
    """`manifests`: those that lose a tag, and what is below them. `unread`: of these, the ones that can't be read, each
    with the reason. `configs`: as far as they are kept. `lost`: manifests that no tag could be moved back to, each with
    why, as `its config 0a1b2c3d4e5f is missing`: a registry takes no manifest of which something is missing, though it
    has that one."""

    manifests: Mapping[Digest, StoredManifest]
    unread: Mapping[Digest, str]
    configs: Mapping[Digest, bytes]
    lost: Mapping[Digest, str]


async def way_back(
    client: RegistryClient, content: ContentStore, repository: str, digests: Collection[Digest]
) -> WayBack:
    """Of tags that are moved away from these manifests. Raises RegistryError where what fails would fail for all."""
    manifests, unread = await read_manifests(content, repository, digests)
    blobs = await known_blobs(client, content, repository, manifests.values())
    contents = Contents(repository, {}, manifests, unread_manifests=unread, blobs=blobs)
    lost = {digest: f"it can't be read: {unread[digest].rstrip('.')}" for digest in digests if digest in unread}
    found = losses(contents, digests, ())
    lost |= {digest: loss_reason(found[digest]) for digest in digests if digest in found}
    return WayBack(manifests, unread, blobs.kept, lost)
