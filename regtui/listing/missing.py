"""Whether the blobs of an image are there: a manifest alone doesn't tell, and HEAD lies after a collection.

Images whose config or layers are gone are what a DELETE with the config's digest leaves on 2.x, and what a collection
during a push leaves on all versions. Asked for the image that is looked at, not for all of a list: it is a request for
each blob, once.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Final, Protocol

from regtui.listing.details import CONFIG_LOST, CONFIG_REMEDY, Details, PlatformDetails
from regtui.listing.images import bounded
from regtui.oci.digest import Digest
from regtui.oci.manifest import Manifest

_AT_ONCE: Final = 8
# Of one image; what has more is no image that anybody pulls.
_MOST: Final = 256


class Blobs(Protocol):
    """The registry's client."""

    async def has_blob(self, repository: str, digest: Digest) -> bool: ...


class BlobCheck:
    """Asks for each blob once, until its repository is forgotten. Raises what the client raises."""

    def __init__(self, client: Blobs) -> None:
        self._client = client
        self._there: dict[tuple[str, Digest], bool] = {}

    def forget(self, repository: str) -> None:
        for key in [key for key in self._there if key[0] == repository]:
            del self._there[key]

    async def checked(self, details: Details) -> Details:
        """The same, with what is missing named by the `error` of the whole and of the platform."""
        wanted = {blob for image in details.platforms for blob in _blobs(image)}
        gone = await self._gone(details.repository, sorted(wanted)[:_MOST])
        if not gone:
            return details
        platforms = tuple(_with_gone(image, gone) for image in details.platforms)
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

    async def _gone(self, repository: str, digests: Collection[Digest]) -> set[Digest]:
        async def look(digest: Digest) -> None:
            self._there[repository, digest] = await self._client.has_blob(repository, digest)

        await bounded(look, [digest for digest in digests if (repository, digest) not in self._there], _AT_ONCE)
        return {digest for digest in digests if not self._there[repository, digest]}


def _blobs(image: PlatformDetails) -> list[Digest]:
    """Those that the registry must have. Layers that are kept elsewhere (Windows' base layers) are not among them."""
    if not isinstance(image.manifest, Manifest):
        return []
    return [blob.digest for blob in image.manifest.own_blobs()]


def _has_lost_config(image: PlatformDetails) -> bool:
    return isinstance(image.manifest, Manifest) and image.manifest.config.digest in image.lost_blobs


def _with_gone(image: PlatformDetails, gone: Collection[Digest]) -> PlatformDetails:
    missing = [blob for blob in dict.fromkeys(_blobs(image)) if blob in gone]
    if not missing or not isinstance(image.manifest, Manifest):
        return image
    config = image.manifest.config.digest
    if image.error and missing == [config]:
        return replace(image, lost_blobs=(config,))
    names = [f"{'the config' if blob == config else 'the layer'} {blob.short}" for blob in missing]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    of = f" of {image.platform}" if image.platform else ""
    told = f"{', '.join(names[:3])}{more}{of} {'is' if len(names) == 1 else 'are'} gone: it can't be pulled"
    # What the config's own error says is said by this.
    return replace(image, error=told, lost_blobs=tuple(missing))
