"""Whether the blobs of an image are there, and as long as they should be: a manifest alone doesn't tell, and HEAD lies
after a collection.

Images whose config or layers are gone are what a DELETE with the config's digest leaves on 2.x, and what a collection
during a push leaves on all versions. Asked for the image that is looked at, not for all of a list: it is a request for
each blob, once.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final, Protocol

from regtui.listing.details import CONFIG_LOST, CONFIG_REMEDY, Details, PlatformDetails
from regtui.listing.images import bounded
from regtui.oci.digest import Digest
from regtui.oci.manifest import Manifest
from regtui.registry.values import BlobState

_AT_ONCE: Final = 8
# Of one image; what has more is no image that anybody pulls.
_MOST: Final = 256


# With the size in bytes that its descriptor says.
_Blob = tuple[Digest, int]


class Blobs(Protocol):
    """The registry's client."""

    async def blob_state(self, repository: str, digest: Digest, size: int | None = None) -> BlobState: ...


class BlobCheck:
    """Asks for each blob once, until its repository is forgotten. Raises what the client raises."""

    def __init__(self, client: Blobs) -> None:
        self._client = client
        self._states: dict[tuple[str, _Blob], BlobState] = {}

    def forget(self, repository: str) -> None:
        for key in [key for key in self._states if key[0] == repository]:
            del self._states[key]

    async def checked(self, details: Details) -> Details:
        """The same, with what is missing named by the `error` of the whole and of the platform."""
        wanted = {blob for image in details.platforms for blob in _blobs(image)}
        bad = await self._bad(details.repository, sorted(wanted)[:_MOST])
        if not bad:
            return details
        platforms = tuple(_with_bad(image, bad) for image in details.platforms)
        fresh = [
            image.error
            for image, before in zip(platforms, details.platforms, strict=True)
            if image.error != before.error
        ]
        error = "; ".join(dict.fromkeys(filter(None, [details.error, *fresh])))
        if CONFIG_LOST not in error and any(map(_has_lost_config, platforms)):
            # Where its bytes are kept here, reading the image didn't tell.
            error = f"{error}. {CONFIG_LOST}. {CONFIG_REMEDY}"
        return replace(details, platforms=platforms, error=error)

    async def _bad(self, repository: str, blobs: Collection[_Blob]) -> dict[_Blob, BlobState]:
        async def look(blob: _Blob) -> None:
            self._states[repository, blob] = await self._client.blob_state(repository, *blob)

        await bounded(look, [blob for blob in blobs if (repository, blob) not in self._states], _AT_ONCE)
        states = {blob: self._states[repository, blob] for blob in blobs}
        return {blob: state for blob, state in states.items() if state is not BlobState.THERE}


def _blobs(image: PlatformDetails) -> list[_Blob]:
    """Those that the registry must have. Layers that are kept elsewhere (Windows' base layers) are not among them."""
    if not isinstance(image.manifest, Manifest):
        return []
    return [(blob.digest, blob.size) for blob in image.manifest.own_blobs()]


def _has_lost_config(image: PlatformDetails) -> bool:
    return isinstance(image.manifest, Manifest) and image.manifest.config.digest in image.lost_blobs


def _with_bad(image: PlatformDetails, bad: Mapping[_Blob, BlobState]) -> PlatformDetails:
    if not isinstance(image.manifest, Manifest):
        return image
    found = {blob[0]: bad[blob] for blob in _blobs(image) if blob in bad}
    gone = tuple(digest for digest, state in found.items() if state is BlobState.GONE)
    cut = tuple(digest for digest, state in found.items() if state is BlobState.CUT)
    config = image.manifest.config.digest
    if not found or (image.error and list(found) == [config]):
        return replace(image, lost_blobs=gone, cut_blobs=cut) if found else image
    parts = [f"{_named(gone, config, image)} gone"] if gone else []
    if cut:
        parts.append(f"{_named(cut, config, image)} not as long as the manifest says")
    # What the config's own error says is said by this.
    error = f"{', '.join(parts)}: it can't be pulled"
    return replace(image, error=error, lost_blobs=gone, cut_blobs=cut)


def _named(blobs: Collection[Digest], config: Digest, image: PlatformDetails) -> str:
    names = [f"{'the config' if blob == config else 'the layer'} {blob.short}" for blob in blobs]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    of = f" of {image.platform.details}" if image.platform else ""
    return f"{', '.join(names[:3])}{more}{of} {'is' if len(names) == 1 else 'are'}"
