"""What undo could not put back, and why: known while planning, from the manifests and from what was looked at of their
blobs. Pure.

Putting a manifest back is a PUT of its bytes. A registry takes that where everything is there that it names, and where
the kind of manifest is one that it takes at all.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from regtui.deletion.graph import children_first
from regtui.deletion.values import Cause, Contents, Loss, StoredManifest
from regtui.oci.digest import Digest
from regtui.oci.manifest import Index, Manifest, Schema1Manifest, UnknownManifest, stands_in
from regtui.oci.media_type import GENERIC, MediaKind, kind_of


def losses(
    contents: Contents, tagged: Iterable[Digest], going: Collection[Digest], own: Collection[Digest] = ()
) -> dict[Digest, Loss]:
    """Of the manifests that tags which go lead to, and those that are deleted: the ones that can't be put back. `own`:
    empty indexes of the run itself, which has what they stand in for.

    What a tag leads to is put back under the tag, though the manifest itself stays: so it has to be whole, too.
    """
    found: dict[Digest, Loss] = {}
    for some in children_first(contents.manifests, {*tagged, *going}):
        for digest in some:
            manifest = contents.manifests.get(digest)
            if manifest is None:
                continue
            loss = _own(contents, manifest) if digest not in own else None
            # What stays in the registry is there for its index, whatever is wrong with it.
            lost = next((child for child in manifest.children if child in found and child in going), None)
            if loss is None and lost is not None:
                loss = replace(found[lost], at=found[lost].at or lost)
            if loss is not None:
                found[digest] = loss
    return found


def _own(contents: Contents, manifest: StoredManifest) -> Loss | None:
    """What is wrong with the manifest itself."""
    match manifest.manifest:
        case Index() as index if stands_in(index):
            return Loss(Cause.PLACEHOLDER)
        case Schema1Manifest():
            return Loss(Cause.SCHEMA1)
        case UnknownManifest() if manifest.media_type in GENERIC:
            return Loss(Cause.NO_MEDIA_TYPE)
        case UnknownManifest() if kind_of(manifest.media_type) is not MediaKind.UNKNOWN:
            return Loss(Cause.INVALID)
    for child in manifest.children:
        if child in contents.unread_manifests:
            return Loss(Cause.CHILD_UNREADABLE, child, contents.unread_manifests[child])
        if child not in contents.manifests:
            return Loss(Cause.CHILD_MISSING, child)
    for blob in manifest.wanted_blobs:
        if (reason := contents.blobs.gone.get(blob)) is not None:
            return Loss(Cause.BLOB_UNREADABLE if reason else _missing(manifest, blob), blob, reason)
    return None


def _missing(manifest: StoredManifest, blob: Digest) -> Cause:
    if blob not in manifest.needed_blobs:
        return Cause.LAYER_ELSEWHERE
    return Cause.CONFIG_MISSING if blob == config_of(manifest) else Cause.LAYER_MISSING


def config_of(manifest: StoredManifest) -> Digest | None:
    return manifest.manifest.config.digest if isinstance(manifest.manifest, Manifest) else None
