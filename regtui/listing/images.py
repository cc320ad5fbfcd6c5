"""Loads what a reference leads to: its manifest, the platforms' manifests below an index, and their configs.

The summary of a tag and the details of one image need the same requests and judge gaps in the same way.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar

from regtui import bounds
from regtui.bounded_json import count_values
from regtui.listing.source import ManifestSource
from regtui.oci.config import ImageConfig, created_and_platform, parse_time
from regtui.oci.descriptor import Descriptor, InvalidManifest
from regtui.oci.digest import Digest
from regtui.oci.manifest import (
    REPAIRED,
    AnyManifest,
    Index,
    Manifest,
    NoManifest,
    Schema1Manifest,
    load_json_object,
    parse_manifest,
    platform_of,
    stands_in,
)
from regtui.oci.media_type import IMAGE_CONFIGS
from regtui.oci.platform import Platform
from regtui.registry.errors import NotFound
from regtui.registry.values import FetchedManifest
from regtui.text import plural

# Of one index. The client bounds the whole, but an index of a thousand children shall not fill its queue.
_AT_ONCE: Final = 8
# An index may hold indexes. Nobody builds more than two levels; a registry could name a million.
_DEEPEST: Final = 3
_CREATED: Final = "org.opencontainers.image.created"

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """One manifest that isn't an index. `error` says what of it is missing or can't be read, else empty."""

    digest: Digest
    media_type: str
    platform: Platform | None
    body: bytes | None = None
    manifest: AnyManifest | None = None
    config_body: bytes | None = None
    made: datetime | None = None
    """When it was made, by its config."""
    attestations: tuple[Descriptor, ...] = ()
    error: str = ""
    has_lost_config: bool = False
    """Its config is gone, while the manifest that names it is there."""

    @property
    def config(self) -> ImageConfig | None:
        """Read anew each time: of most images, only what a list shows is ever wanted. None where it can't be read."""
        try:
            return ImageConfig.parse(self.config_body) if self.config_body is not None else None
        except InvalidManifest:
            return None

    @property
    def created(self) -> datetime | None:
        """When it was made, by its config, else by its annotation."""
        if self.made is not None:
            return self.made
        if isinstance(self.manifest, Manifest):
            return parse_time(self.manifest.annotations.get(_CREATED))
        if isinstance(self.manifest, Schema1Manifest):
            return parse_time(_newest_v1(self.manifest).get("created"))
        return None

    @property
    def blobs(self) -> dict[Digest, int]:
        """Size in bytes of the config and layers that the registry holds, each blob once. Empty where the manifest
        doesn't tell."""
        if not isinstance(self.manifest, Manifest):
            return {}
        return {blob.digest: blob.size for blob in self.manifest.own_blobs()}

    @property
    def pull_size(self) -> int | None:
        """Bytes that a pull takes from the registry; None where the manifest doesn't tell."""
        return sum(self.blobs.values()) if isinstance(self.manifest, Manifest) else None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A manifest and the images below it: itself, where it is no index; none where it can't be read."""

    fetched: FetchedManifest
    manifest: AnyManifest | None
    images: tuple[LoadedImage, ...]
    error: str = ""
    is_no_manifest: bool = False
    """What the registry serves as the manifest is something else."""

    @property
    def media_type(self) -> str:
        return self.manifest.media_type if self.manifest is not None else self.fetched.media_type

    @property
    def created(self) -> datetime | None:
        """The newest of the images', None where any has none: that may be the newest. An index without any may say it
        itself."""
        if self.images:
            times = [image.created for image in self.images]
            known = [time for time in times if time is not None]
            return max(known) if len(known) == len(times) else None
        return parse_time(self.manifest.annotations.get(_CREATED)) if isinstance(self.manifest, Index) else None

    @property
    def blobs(self) -> dict[Digest, int]:
        """The union over the images: each blob's size in bytes, once."""
        union: dict[Digest, int] = {}
        for image in self.images:
            union.update(image.blobs)
        return union

    @property
    def is_sized(self) -> bool:
        """Whether a manifest tells the sizes of its blobs, or an empty index that there are none."""
        empty_index = isinstance(self.manifest, Index) and not self.images
        return empty_index or any(isinstance(image.manifest, Manifest) for image in self.images)

    @property
    def size(self) -> int | None:
        """Bytes in `blobs`; None where no manifest tells them."""
        return sum(self.blobs.values()) if self.is_sized else None


async def load(source: ManifestSource, repository: str, reference: str) -> Loaded:
    """What `reference`, a tag or digest, leads to.

    Raises NotFound where its manifest is gone, RegistryError for whatever else than a gap went wrong. Gaps
    further down, and manifests that can't be read, are named by `error`.
    """
    return await load_below(source, repository, await source.current(repository, reference))


async def load_below(source: ManifestSource, repository: str, fetched: FetchedManifest) -> Loaded:
    """The same of a manifest that was just read."""
    try:
        manifest = parse_manifest(fetched.body, fetched.media_type)
    except InvalidManifest as error:
        return Loaded(fetched, None, (), f"its manifest can't be read: {error}", isinstance(error, NoManifest))
    if stands_in(manifest):
        # Perhaps somebody else's, on another machine, and perhaps it goes on there.
        why = "an empty index of a deletion that isn't over: where that was begun, regtui undo ends it"
        return Loaded(fetched, manifest, (), why)
    if isinstance(manifest, Index) and REPAIRED in manifest.annotations:
        return Loaded(fetched, manifest, (), "an empty index, which took the place of a damaged tag")
    if isinstance(manifest, Index):
        room = _Budget()
        images = await _children(source, repository, manifest, _DEEPEST, room)
        unread = [f"{plural(room.refused, 'image')} more, which weren't read"] if room.refused else []
    else:
        images, unread = await _image(source, repository, fetched, manifest, None, None), []
    return Loaded(fetched, manifest, images, _joined([*unread, *(image.error for image in images if image.error)]))


class _Budget:
    """For what is read below one reference: how many manifests, since indexes of indexes multiply, and how large they
    and their configs are together. Once they were too large, nothing more is taken. `refused`: how many images."""

    def __init__(self) -> None:
        self._left = bounds.IMAGES
        self._bytes = bounds.IMAGES_BYTES
        self._values = self._joined = bounds.VALUES
        self.refused = 0

    def begin(self) -> bool:
        """Whether one more image may be read."""
        if self._left <= 0 or min(self._bytes, self._values) < 0:
            self.refused += 1
            return False
        self._left -= 1
        return True

    def takes(self, body: bytes) -> bool:
        """Whether the image whose manifest, or config, that is may be held."""
        self._bytes -= len(body)
        self._values -= count_values(body)
        is_within = min(self._bytes, self._values) >= 0
        self.refused += not is_within
        return is_within

    def joined(self, own: tuple[Descriptor, ...], outer: tuple[Descriptor, ...]) -> tuple[Descriptor, ...]:
        """The attestations of an image, and those of an index around it: what all images have in common, each has in
        a tuple of its own only where it has others, too. Where those are too many, its own."""
        if not own or not outer:
            return own or outer
        self._joined -= len(own) + len(outer)
        return own + outer if self._joined >= 0 else own


async def bounded(function: Callable[[T], Awaitable[R]], items: Sequence[T], limit: int) -> list[R]:
    """`function` of each item, in order, `limit` at a time. The first error cancels the rest and is raised."""
    free = asyncio.Semaphore(limit)

    async def one(item: T) -> R:
        async with free:
            return await function(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def _children(
    source: ManifestSource, repository: str, index: Index, depth: int, room: _Budget
) -> tuple[LoadedImage, ...]:
    attestations = index.attestations()

    async def child(descriptor: Descriptor) -> tuple[LoadedImage, ...]:
        images = await _child(source, repository, descriptor, depth, room)
        outer = attestations.get(descriptor.digest, ())
        return tuple(replace(image, attestations=room.joined(image.attestations, outer)) for image in images)

    # A limit a level: the levels wait for each other, and one limit for all could hold itself up.
    nested = await bounded(child, index.images(), _AT_ONCE)
    return tuple(image for images in nested for image in images)


async def _child(
    source: ManifestSource, repository: str, descriptor: Descriptor, depth: int, room: _Budget
) -> tuple[LoadedImage, ...]:
    if not room.begin():
        return ()
    platform = platform_of(descriptor)
    what = f"{platform.details if platform else 'the manifest'} ({descriptor.digest.short})"
    missing = LoadedImage(descriptor.digest, descriptor.media_type, platform)
    try:
        fetched = await source.named(repository, descriptor.digest)
        if not room.takes(fetched.body):
            return ()
        manifest = parse_manifest(fetched.body, fetched.media_type)
    except NotFound:
        return (replace(missing, error=f"{what} is gone"),)
    except InvalidManifest as error:
        return (replace(missing, error=f"{what} can't be read: {error}"),)
    if not isinstance(manifest, Index):
        return await _image(source, repository, fetched, manifest, platform, room)
    if depth <= 1:
        return (replace(missing, error=f"{what} is an index nested too deep"),)
    return await _children(source, repository, manifest, depth - 1, room)


async def _image(
    source: ManifestSource,
    repository: str,
    fetched: FetchedManifest,
    manifest: AnyManifest,
    platform: Platform | None,
    room: _Budget | None,
) -> tuple[LoadedImage, ...]:
    """One image; none where there is no `room` for its config. Without one, for one of which there are no others."""
    image = LoadedImage(fetched.digest, manifest.media_type, platform, fetched.body, manifest)
    if isinstance(manifest, Schema1Manifest):
        os = _newest_v1(manifest).get("os")
        known = Platform(os if isinstance(os, str) else "linux", manifest.architecture)
        return (replace(image, platform=platform or (known if manifest.architecture else None)),)
    # What an artifact calls its config may be anything of any size: it tells nothing that is shown.
    if not isinstance(manifest, Manifest) or manifest.config.media_type not in IMAGE_CONFIGS:
        return (image,)
    what = f"the config of {platform.details}" if platform else "the config"
    try:
        body = await source.config(repository, manifest.config.digest)
    except NotFound:
        return (replace(image, error=f"{what} ({manifest.config.digest.short}) is gone", has_lost_config=True),)
    except InvalidManifest as error:
        return (replace(image, error=f"{what} can't be read: {error}"),)
    if room is not None and not room.takes(body):
        return ()
    try:
        made, built_for = created_and_platform(body)
    except InvalidManifest as error:
        return (replace(image, config_body=body, error=f"{what} can't be read: {error}"),)
    # Not by replace(), which takes a tenth of what reading it all takes.
    platform = platform.completed_by(built_for) if platform else built_for
    return (LoadedImage(fetched.digest, manifest.media_type, platform, fetched.body, manifest, body, made),)


def _newest_v1(manifest: Schema1Manifest) -> dict[str, object]:
    try:
        return dict(load_json_object(manifest.history[0].encode(), "v1Compatibility"))
    except (IndexError, InvalidManifest, UnicodeEncodeError):
        return {}


def _joined(errors: Sequence[str]) -> str:
    more = f"; and {len(errors) - 3} more" if len(errors) > 3 else ""
    return "; ".join(errors[:3]) + more
