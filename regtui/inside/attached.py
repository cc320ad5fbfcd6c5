"""What is attached to an image: signatures, bills of materials, provenance and whatever else refers to it.

Found as it is attached: by the referrers API and by the tag that stands for it where there is none (distribution-spec
1.1, "Referrers Tag Schema"), by cosign's tags, and in an index as BuildKit attests its platforms. What refers to what
is attached is attached, too: an SBOM may be signed. Nothing is verified.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from regtui import bounds, limit
from regtui.inside.kinds import BY_ENDING, Claim, kind_of
from regtui.listing.source import ManifestSource
from regtui.listing.tag_row import digest_tag_subject
from regtui.oci.config import parse_time
from regtui.oci.descriptor import Descriptor, InvalidManifest
from regtui.oci.digest import Digest
from regtui.oci.manifest import AnyManifest, Index, Manifest, parse_manifest
from regtui.oci.media_type import IMAGE_CONFIGS
from regtui.registry.errors import NotFound, RegistryError
from regtui.text import plural

# in-toto's, as BuildKit and cosign write it beside a statement; and cosign's beside its bundles.
_PREDICATES: Final = ("in-toto.io/predicate-type", "predicateType")
_BUNDLE: Final = "dev.sigstore.bundle."
_CREATED: Final = "org.opencontainers.image.created"
_AT_ONCE: Final = 8
_MOST: Final = bounds.IMAGES


class Referring(Protocol):
    """The client, as far as this asks it."""

    async def referrers(self, repository: str, digest: Digest) -> tuple[Descriptor, ...] | None: ...


@dataclass(frozen=True, slots=True)
class Attached:
    """One thing that is attached to the manifest `subject`; where a manifest holds several statements, one of these.

    `size` in bytes: what it holds, without its manifest. `depth`: 1 for what is attached to the image or to one of its
    platforms, 2 for what is attached to that.
    """

    subject: Digest
    digest: Digest
    kind: Claim
    artifact_type: str
    media_type: str
    size: int
    created: datetime | None
    annotations: Mapping[str, str]
    depth: int


@dataclass(slots=True)
class Attachments:
    """What is attached to the manifest `digest` and to its `platforms` (name by digest), each followed by what is
    attached to it. `gaps`: sentences on what could not be read."""

    digest: Digest
    platforms: dict[Digest, str] = field(default_factory=dict)
    found: list[Attached] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Named:
    """A manifest that is said to be attached. `ending`: of cosign's tag that leads there. `claims`: it has to say so
    itself, by its subject."""

    ending: str = ""
    claims: bool = False


class Walk:
    """Through one repository. `tags`: all that it has."""

    def __init__(self, client: Referring, source: ManifestSource, repository: str, tags: Collection[str]) -> None:
        self._client = client
        self._source = source
        self._repository = repository
        self._seen: set[Digest] = set()
        self._tags: dict[Digest, list[str]] = {}
        for tag in sorted(tags):
            if (subject := digest_tag_subject(tag)) is not None:
                self._tags.setdefault(subject, []).append(tag)

    async def of(self, reference: str) -> Attachments:
        """Raises RegistryError where `reference` itself can't be read; what is attached and can't be is a gap."""
        fetched = await self._source.current(self._repository, reference)
        told = Attachments(fetched.digest)
        self._seen.add(fetched.digest)
        await self._below(told, fetched.digest, {}, depth=1)
        try:
            manifest = parse_manifest(fetched.body, fetched.media_type)
        except InvalidManifest as error:
            told.gaps.append(f"{fetched.digest.short} can't be read: {error}.")
            return told
        if isinstance(manifest, Index):
            attested = manifest.attestations()
            for child in manifest.images():
                told.platforms[child.digest] = child.platform.exact if child.platform else ""
                self._seen.add(child.digest)
                within = {each.digest: _Named() for each in attested.get(child.digest, ())}
                await self._below(told, child.digest, within, depth=1)
        return told

    async def _below(self, told: Attachments, subject: Digest, named: dict[Digest, _Named], depth: int) -> None:
        if depth > bounds.REFERRERS_DEPTH:
            told.gaps.append(f"What is attached below {subject.short} is not looked at: it is too deep.")
            return
        named |= await self._referring(told, subject)
        new = {digest: how for digest, how in named.items() if digest not in self._seen}
        if len(self._seen) + len(new) > _MOST:
            told.gaps.append(f"{plural(len(new), 'manifest')} attached to {subject.short} are not looked at: too many.")
            return
        self._seen.update(new)
        for digest, manifest in (await self._read(told, [*new])).items():
            if new[digest].claims and not _refers(manifest, subject):
                told.gaps.append(
                    f"{digest.short} is listed as attached to {subject.short}, and does not say so itself."
                )
                continue
            told.found += _parts(subject, digest, manifest, new[digest].ending, depth)
            await self._below(told, digest, {}, depth + 1)

    async def _referring(self, told: Attachments, subject: Digest) -> dict[Digest, _Named]:
        """What the registry names, or its tags lead to."""
        listed: tuple[Descriptor, ...] | None = None
        try:
            listed = await self._client.referrers(self._repository, subject)
        except RegistryError as error:
            if error.affects_all:
                raise
            told.gaps.append(f"What is attached to {subject.short} can't be listed: {error}")
        found = {each.digest: _Named(claims=True) for each in listed or () if each.is_manifest}
        for tag in self._tags.get(subject, ()):
            _, _, ending = tag.partition(".")
            try:
                fetched = await self._source.current(self._repository, tag)
                manifest = parse_manifest(fetched.body, fetched.media_type)
            except InvalidManifest as error:
                told.gaps.append(f"{tag} can't be read: {error}.")
                continue
            except RegistryError as error:
                if error.affects_all:
                    raise
                told.gaps.append(f"{tag} can't be read: {error}")
                continue
            if not ending and isinstance(manifest, Index):
                found |= {each.digest: _Named(claims=True) for each in manifest.manifests if each.is_manifest}
            else:
                found[fetched.digest] = _Named(ending)
        return found

    async def _read(self, told: Attachments, digests: list[Digest]) -> dict[Digest, AnyManifest]:
        found: dict[Digest, AnyManifest] = {}

        async def read(digest: Digest) -> None:
            try:
                fetched = await self._source.named(self._repository, digest)
                found[digest] = parse_manifest(fetched.body, fetched.media_type)
            except InvalidManifest as error:
                told.gaps.append(f"{digest.short}, which is attached, can't be read: {error}.")
            except RegistryError as error:
                if error.affects_all:
                    raise
                told.gaps.append(f"{digest.short}, which is attached, can't be read: {error}")

        async for _ in limit.each(digests, read, at_once=_AT_ONCE, expect=NotFound):
            """All that is of interest is noted where it is read."""
        return {digest: found[digest] for digest in digests if digest in found}


def _refers(manifest: AnyManifest, subject: Digest) -> bool:
    return (
        isinstance(manifest, Manifest | Index) and manifest.subject is not None and manifest.subject.digest == subject
    )


def _parts(subject: Digest, digest: Digest, manifest: AnyManifest, ending: str, depth: int) -> Iterator[Attached]:
    """One for each statement that says what it is about, as BuildKit has several in one manifest; else one for all."""
    own = manifest.annotations if isinstance(manifest, Manifest | Index) else {}
    blobs = [*manifest.blobs()] if isinstance(manifest, Manifest) else []
    layers = manifest.layers if isinstance(manifest, Manifest) else ()
    created = parse_time(own.get(_CREATED))
    artifact_type = _artifact_type(manifest)
    stated = [layer for layer in layers if _predicate(layer.annotations)]
    for layer in stated:
        kind = kind_of((_predicate(layer.annotations),))
        kind = Claim.ATTESTATION if kind is Claim.ARTIFACT else kind
        about = {**own, **layer.annotations}
        yield Attached(subject, digest, kind, artifact_type, layer.media_type, layer.size, created, about, depth)
    if not stated:
        names = (_bundle(own), artifact_type, *(layer.media_type for layer in layers))
        kind = kind_of(name for name in names if name)
        if kind is Claim.ARTIFACT:
            kind = BY_ENDING.get(ending.rpartition(".")[2], kind)
        size = sum({blob.digest: blob.size for blob in blobs}.values())
        yield Attached(subject, digest, kind, artifact_type, manifest.media_type, size, created, own, depth)


def _artifact_type(manifest: AnyManifest) -> str:
    """As distribution-spec 1.1 has it for referrers: that of the config, where none is said."""
    if not isinstance(manifest, Manifest | Index):
        return ""
    config = manifest.config.media_type if isinstance(manifest, Manifest) else ""
    return manifest.artifact_type or ("" if config in IMAGE_CONFIGS else config)


def _predicate(annotations: Mapping[str, str]) -> str:
    return next((annotations[name] for name in _PREDICATES if annotations.get(name)), "")


def _bundle(annotations: Mapping[str, str]) -> str:
    """What a bundle of sigstore's is about."""
    if predicate := annotations.get(f"{_BUNDLE}predicateType", ""):
        return predicate
    return "signature" if annotations.get(f"{_BUNDLE}content") == "message-signature" else ""
