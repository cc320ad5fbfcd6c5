"""What one line says about a tag: digest, age, size, platforms; or what is missing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from regtui.listing.images import Loaded, load, load_below
from regtui.listing.source import ManifestSource
from regtui.oci.digest import Digest
from regtui.oci.manifest import AnyManifest, Index, Manifest
from regtui.oci.media_type import IMAGE_CONFIGS
from regtui.oci.platform import Platform
from regtui.registry.errors import NotFound, RegistryError
from regtui.registry.values import FetchedManifest

Blob = tuple[Digest, int]
"""A blob's digest and its size in bytes."""

PullSize = tuple[int, int]
"""What one pull transfers, in bytes: the smallest and the largest over the platforms."""


def pull_range(sizes: Iterable[int | None]) -> PullSize | None:
    """Of the platforms' sizes; None where none is known."""
    known = [size for size in sizes if size is not None]
    return (min(known), max(known)) if known else None


@dataclass(frozen=True, slots=True)
class PlatformSummary:
    """One image of an index, or the only one. `size` in bytes; None where it isn't known."""

    platform: Platform | None
    digest: Digest
    size: int | None
    created: datetime | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a tag leads to.

    `size` is what the tag holds, in bytes: config and layers, each blob once; for an index the union over
    its platforms, attestations excluded. `pull_size` is what one pull transfers. `created` is the newest of the
    platforms'. None where it isn't known, of one platform even.

    `error` says what is missing or went wrong. `digest` is None where the manifest is gone. `is_retryable`:
    the answer failed, not the image; the rest is empty.

    `blobs` is what `size` is the sum of. It is held for every tag because only with it can be told what
    deleting some tags frees; a list of tags shares equal pairs, which leaves some 150 bytes a row for ten
    layers instead of 2 KB (100,000 rows: 15 MB). `manifest_bytes`: of the manifest itself, and of those that it names
    as an index; deleting frees them, too.
    """

    digest: Digest | None
    media_type: str
    created: datetime | None
    size: int | None
    platforms: tuple[PlatformSummary, ...]
    artifact_type: str = ""
    error: str = ""
    is_retryable: bool = False
    blobs: tuple[Blob, ...] = ()
    manifest_bytes: int = 0
    unlisted: int = 0
    """Bytes of its blobs, where they are too many to hold: then `blobs` is empty; who else uses them isn't known."""
    is_remembered: bool = False
    """As it was when last seen, in an earlier run: the tag may lead elsewhere by now."""

    @classmethod
    def gone(cls) -> "Summary":
        """Of a tag whose manifest the registry doesn't have."""
        return cls(None, "", None, None, (), error="its manifest is gone")

    @classmethod
    def failed(cls, error: str, found: FetchedManifest | None = None) -> "Summary":
        """Of a tag that couldn't be asked for now, or not for all below the manifest that was `found`."""
        digest, media_type = (found.digest, found.media_type) if found is not None else (None, "")
        return cls(digest, media_type, None, None, (), error=error, is_retryable=True)

    @property
    def pull_size(self) -> PullSize | None:
        """What a pull transfers, in bytes: the smallest and the largest of the platforms. None where none is known."""
        if len(self.platforms) < 2:
            return None if self.size is None else (self.size, self.size)
        return pull_range(each.size for each in self.platforms)

    @property
    def largest_pull(self) -> int | None:
        """The larger end of `pull_size`. Read for every row when they are sorted: most have one platform."""
        if len(self.platforms) < 2:
            return self.size
        return max((each.size for each in self.platforms if each.size is not None), default=None)

    @property
    def is_broken(self) -> bool:
        """Something of it is missing or can't be read: it may not be pulled."""
        return bool(self.error) and not self.is_retryable

    @property
    def missing(self) -> str:
        """What is missing of a broken one, else empty."""
        return self.error if self.is_broken else ""


Batch = list[tuple[str, Summary]]
"""Tags, and what became known of each."""


async def summarize(source: ManifestSource, repository: str, reference: str) -> Summary:
    """The summary of a tag or digest; broken, where something is gone. Raises RegistryError for all else."""
    try:
        return summary_of(await load(source, repository, reference))
    except NotFound:
        return Summary.gone()


async def summarize_found(source: ManifestSource, repository: str, reference: str) -> Summary:
    """The same, with the digest also where what is below it can't be asked for now. Raises RegistryError where the
    manifest itself can't, and what would meet all."""
    try:
        found = await source.current(repository, reference)
    except NotFound:
        return Summary.gone()
    try:
        return summary_of(await load_below(source, repository, found))
    except RegistryError as error:
        if error.affects_all:
            raise
        return Summary.failed(str(error), found)


def summary_of(loaded: Loaded) -> Summary:
    blobs = loaded.blobs
    artifact_type = _artifact_type(loaded)
    return Summary(
        digest=loaded.fetched.digest,
        media_type=loaded.media_type,
        created=loaded.created,
        size=sum(blobs.values()) if loaded.is_sized else None,
        # An artifact is one thing without platforms.
        platforms=()
        if artifact_type and isinstance(loaded.manifest, Manifest)
        else tuple(
            PlatformSummary(image.platform, image.digest, image.pull_size, image.created, image.error)
            for image in loaded.images
        ),
        artifact_type=artifact_type,
        error=loaded.error,
        blobs=tuple(blobs.items()),
        manifest_bytes=len(loaded.fetched.body) + _bytes_below(loaded.manifest),
    )


def _bytes_below(manifest: AnyManifest | None) -> int:
    """Of the manifests that an index names, as it says itself."""
    return sum(entry.size for entry in manifest.manifests if entry.is_manifest) if isinstance(manifest, Index) else 0


def manifests_freed(going: Iterable[Summary], users: Callable[[Digest], int]) -> int:
    """Bytes of manifests that nothing leads to any more once the tags with those summaries are gone. `users`: how many
    tags a digest has, those included."""
    counted: dict[Digest, int] = {}
    sizes: dict[Digest, int] = {}
    for summary in going:
        if summary.digest is not None:
            counted[summary.digest] = counted.get(summary.digest, 0) + 1
            sizes[summary.digest] = summary.manifest_bytes
    return sum(sizes[digest] for digest, count in counted.items() if count == users(digest))


def _artifact_type(loaded: Loaded) -> str:
    manifest = loaded.manifest
    if isinstance(manifest, Manifest) and manifest.config.media_type not in IMAGE_CONFIGS:
        return manifest.artifact_type or manifest.config.media_type
    return manifest.artifact_type if isinstance(manifest, Manifest | Index) else ""
