"""Sizes of blobs by the manifests that named them, where the storage itself can't be asked: an object store's. What
regtui deleted is in its journal, manifest by manifest; of what others deleted nothing is known.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from regtui.deletion.entry import Entry
from regtui.deletion.placeholder import Placeholder
from regtui.oci.digest import Digest
from regtui.oci.manifest import Index


@dataclass(frozen=True, slots=True)
class NamedBlob:
    """`size` in bytes, as a manifest of `repository` says it; of a manifest, that of its own bytes."""

    size: int
    repository: str


def named_blobs(entries: Iterable[Entry]) -> dict[Digest, NamedBlob]:
    """All that the manifests of these runs name, and they themselves."""
    found: dict[Digest, NamedBlob] = {}
    placeholder = len(Placeholder.new().body)
    for entry in entries:
        for digest in entry.placeholders:
            found[digest] = NamedBlob(placeholder, entry.repository)
        for digest, manifest in entry.manifests().items():
            sizes = {**manifest.blobs, digest: len(manifest.body)}
            if isinstance(manifest.manifest, Index):
                sizes |= {child.digest: child.size for child in manifest.manifest.manifests}
            for named, size in sizes.items():
                found.setdefault(named, NamedBlob(size, entry.repository))
    return found
