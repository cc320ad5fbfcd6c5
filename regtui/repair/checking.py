"""Whether what a reference leads to can be pulled: its manifest, the images below it, their configs and layers."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import Final, TypeVar

from regtui import bounds
from regtui.listing.details import CONFIG_LOST, Details, PlatformDetails, load_details
from regtui.listing.missing import BlobCheck
from regtui.listing.source import ManifestSource
from regtui.oci.descriptor import InvalidManifest
from regtui.oci.digest import Digest
from regtui.oci.manifest import Index, Manifest
from regtui.registry.errors import BadAnswer, DigestMismatch, NotFound, ServerFailed
from regtui.registry.values import FetchedManifest
from regtui.repair.values import CheckedReference

Read = TypeVar("Read")

_NOT_PULLED = "it can't be pulled"
UNREADABLE: Final = (ServerFailed, BadAnswer)
"""What whoever pulls meets as well. A refusal, or no answer at all, says nothing of an image."""


class _AskedHere:
    """A source that says of each image below an index what this repository has now. A manifest that was read before,
    here or in another repository, tells nothing about that. What the registry fails at, or sends other bytes of, is a
    gap of that image. `has_other`: whether it sent other bytes of anything."""

    def __init__(self, source: ManifestSource) -> None:
        self._source = source
        self.has_other = False
        self._mismatches = 0

    async def current(self, repository: str, reference: str) -> FetchedManifest:
        return await self._source.current(repository, reference)

    async def digest(self, repository: str, tag: str) -> Digest:
        return await self._source.digest(repository, tag)

    async def named(self, repository: str, digest: Digest) -> FetchedManifest:
        if self._mismatches >= bounds.MISMATCHES:
            raise InvalidManifest("the registry sends other manifests than it is asked for: not read")
        return await self._read(self._source.current(repository, digest))

    async def config(self, repository: str, digest: Digest) -> bytes:
        return await self._read(self._source.config(repository, digest))

    async def _read(self, reading: Awaitable[Read]) -> Read:
        try:
            read = await reading
        except UNREADABLE as error:
            self.has_other = self.has_other or isinstance(error, DigestMismatch)
            self._mismatches += isinstance(error, DigestMismatch)
            raise InvalidManifest(error.message.rstrip(".")) from error
        self._mismatches = 0
        return read


async def check_reference(
    source: ManifestSource, blobs: BlobCheck, repository: str, identifier: str
) -> CheckedReference:
    """`identifier`: a tag or digest. Raises NotFound where there is no such digest, RegistryError where the registry
    can't be asked.

    Of a tag without a manifest only its name is there: whether there is such a tag is for the caller to know.
    """
    asked = _AskedHere(source)
    named = Digest.or_none(identifier)
    try:
        details = await load_details(asked, repository, identifier)
        checked = checked_of(await blobs.checked(details))
    except NotFound:
        if named is not None:
            raise
        return CheckedReference(repository, identifier, None, "its manifest is gone", _NOT_PULLED)
    except UNREADABLE as error:
        has_cut = isinstance(error, DigestMismatch)
        return CheckedReference(repository, identifier, named, error.message.rstrip("."), _NOT_PULLED, has_cut=has_cut)
    return replace(checked, has_cut=True) if asked.has_other else checked


def checked_of(details: Details) -> CheckedReference:
    """Of details whose blobs were asked for."""
    lost = tuple(dict.fromkeys(blob for image in details.platforms for blob in image.lost_blobs))
    configs = frozenset(
        image.manifest.config.digest for image in details.platforms if isinstance(image.manifest, Manifest)
    )
    problems = list(dict.fromkeys(image.error for image in details.platforms if image.error))
    problem = "; ".join(problems) or details.error or _emptiness(details)
    if configs & set(lost):
        problem += f". {CONFIG_LOST}"
    return CheckedReference(
        details.repository,
        details.reference,
        details.digest,
        problem,
        _effect(details) if problem else "",
        lost,
        configs & frozenset(lost),
        any(image.cut_blobs for image in details.platforms),
    )


def _emptiness(details: Details) -> str:
    """Nothing is lost of what names nothing, and nothing of it can be pulled."""
    is_empty = isinstance(details.manifest, Index) and not details.manifest.manifests
    return "it is an empty index, which names no image" if is_empty else ""


def _effect(details: Details) -> str:
    bad = [image for image in details.platforms if image.error]
    if not bad or len(bad) == len(details.platforms):
        return _NOT_PULLED
    return f"{', '.join(map(_label, bad))} can't be pulled"


def _label(image: PlatformDetails) -> str:
    return image.platform.details if image.platform else image.digest.short
