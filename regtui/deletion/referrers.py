"""Signatures, attestations and SBOMs that refer to an image without a tag of their own: registries with the referrers
API (distribution-spec 1.1: zot, Harbor; not distribution 2.x and 3.x) name them, and nobody else does."""

from collections.abc import Iterable
from dataclasses import replace

from regtui.content.store import ContentStore
from regtui.deletion.inventory import read_manifests
from regtui.deletion.values import Contents
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient


async def with_referrers(
    client: RegistryClient, content: ContentStore, contents: Contents, going: Iterable[Digest]
) -> Contents:
    """`contents`, and what refers to the manifests `going`; and to that: an SBOM may be signed.

    The same where the registry has no such API: it is asked once. Raises RegistryError.
    """
    manifests = dict(contents.manifests)
    unread = dict(contents.unread_manifests)
    asked: set[Digest] = set()
    wanted = list(going)
    while wanted:
        named: dict[Digest, None] = {}
        for digest in wanted:
            found = await client.referrers(contents.repository, digest)
            if found is None:
                return contents
            named |= dict.fromkeys(descriptor.digest for descriptor in found)
        asked.update(wanted)
        fresh, failed = await read_manifests(content, contents.repository, [d for d in named if d not in manifests])
        manifests |= fresh
        unread |= failed
        # Also those that have a tag: what refers to them may have none.
        wanted = [digest for digest in named if digest in manifests and digest not in asked]
    return replace(contents, manifests=manifests, unread_manifests=unread)
