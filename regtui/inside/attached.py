"""What is attached to an image: signatures, bills of materials, provenance and whatever else refers to it.

Found as it is attached: by the referrers API and by the tag that stands for it where there is none (distribution-spec
1.1, "Referrers Tag Schema"), by cosign's tags, and in an index as BuildKit attests its platforms. What refers to what
is attached is attached, too: an SBOM may be signed. Nothing is verified.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from regtui import bounds, limit
from regtui.inside.kinds import BY_ENDING, Claim, kind_of
from regtui.listing.source import ManifestSource
from regtui.listing.tag_row import digest_tag_subject
from regtui.oci.config import parse_time
from regtui.oci.descriptor import Descriptor, InvalidManifest
from regtui.oci.digest import Digest
from regtui.oci.manifest import AnyManifest, Index, Manifest, UnknownManifest, is_attestation, parse_manifest
from regtui.oci.media_type import IMAGE_CONFIGS, MediaKind
from regtui.oci.media_type import kind_of as kind_of_media
from regtui.oci.platform import Platform
from regtui.registry.errors import NotFound, RegistryError
from regtui.text import plural

# in-toto's, as BuildKit and cosign write it beside a statement; and cosign's beside its bundles.
_PREDICATES: Final = ("in-toto.io/predicate-type", "predicateType")
_BUNDLE: Final = "dev.sigstore.bundle."
_CREATED: Final = "org.opencontainers.image.created"
_NO_TYPE: Final = "application/vnd.oci.empty.v1+json"
_AT_ONCE: Final = 8
_DEEPEST: Final = 3
"""Indexes in one another."""
_NAMED: Final = 3
_EVER: Final = datetime.min.replace(tzinfo=UTC)
_ORDER: Final = {claim: number for number, claim in enumerate(Claim)}


class Referring(Protocol):
    """The client, as far as this asks it."""

    async def referrers(self, repository: str, digest: Digest) -> tuple[Descriptor, ...] | None: ...


@dataclass(frozen=True, slots=True)
class Attached:
    """One thing that is attached to the manifest `subject`; where a manifest holds several statements, one of these.

    `about`: what says most of it: what it is a statement of, its artifact type, or the media type of what it holds.
    `size` in bytes: what it holds, without its manifest. `depth`: 1 for what is attached to the image or to one of its
    platforms, 2 for what is attached to that. `holds`: the blobs that it is.
    """

    subject: Digest
    digest: Digest
    kind: Claim
    about: str
    artifact_type: str
    media_type: str
    size: int
    created: datetime | None
    annotations: Mapping[str, str]
    depth: int
    holds: tuple[Descriptor, ...] = ()


@dataclass(slots=True)
class Attachments:
    """What is attached to the manifest `digest` and to its `platforms`, by digest, each followed by what is attached
    to it. `gaps`: sentences on what could not be read; `strays`: on what is listed, and isn't attached."""

    digest: Digest
    platforms: dict[Digest, Platform | None] = field(default_factory=dict)
    found: list[Attached] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Named:
    """How a manifest is said to be attached. `ending`: of cosign's tag that leads there. `must_say`: by its subject,
    itself."""

    ending: str = ""
    must_say: bool = False


class Walk:
    """Through one repository. `tags`: all that it has."""

    def __init__(self, client: Referring, source: ManifestSource, repository: str, tags: Collection[str]) -> None:
        self._client = client
        self._source = source
        self._repository = repository
        self._room = bounds.IMAGES
        self._lists = True
        self._looked_below: set[Digest] = set()
        self._tags: dict[Digest, list[str]] = {}
        for tag in sorted(tags):
            if (subject := digest_tag_subject(tag)) is not None:
                self._tags.setdefault(subject, []).append(tag)

    async def of(self, reference: str) -> Attachments:
        """Raises RegistryError where `reference` itself can't be read; what is attached and can't be is a gap."""
        fetched = await self._source.current(self._repository, reference)
        told = Attachments(fetched.digest)
        try:
            manifest = parse_manifest(fetched.body, fetched.media_type)
        except InvalidManifest as error:
            told.gaps.append(f"{fetched.digest.short} can't be read: {error}.")
            return told
        await self._image(told, fetched.digest, manifest, _DEEPEST)
        return told

    async def _image(self, told: Attachments, digest: Digest, manifest: AnyManifest, levels: int) -> None:
        """What is attached to one that was asked for, or to a platform of it."""
        if not isinstance(manifest, Index):
            await self._below(told, digest, {}, depth=1)
            return
        attested = manifest.attestations()
        images = {child.digest: child for child in manifest.images()}
        strewn = {child.digest for subject in images for child in attested.get(subject, ())}
        own = [child.digest for child in manifest.manifests if is_attestation(child) and child.digest not in strewn]
        # What attests nothing that is in it is attached to the index, as far as anybody can tell.
        await self._below(told, digest, dict.fromkeys(own, _Named()), depth=1)
        nested = [each.digest for each in images.values() if kind_of_media(each.media_type) is MediaKind.INDEX]
        read = await self._read(told, digest, nested[: self._room]) if levels > 1 else {}
        for child in images.values():
            told.platforms[child.digest] = child.platform
            if child.digest in read:
                await self._image(told, child.digest, read[child.digest], levels - 1)
            else:
                within = dict.fromkeys((each.digest for each in attested.get(child.digest, ())), _Named())
                await self._below(told, child.digest, within, depth=1)

    async def _below(self, told: Attachments, subject: Digest, named: dict[Digest, _Named], depth: int) -> None:
        # What refers to one another ends here.
        if subject in self._looked_below:
            return
        self._looked_below.add(subject)
        if depth > bounds.REFERRERS_DEPTH:
            told.gaps.append(f"What is attached below {subject.short} is not looked at: it is too deep.")
            return
        # Its own tags and attestations first: a list may be as long as somebody likes.
        named = named | await self._by_tags(told, subject)
        named = await self._listed(told, subject) | named
        wanted = sorted((digest for digest in named if digest != told.digest), key=lambda each: named[each].must_say)
        if left := wanted[self._room :]:
            told.gaps.append(
                f"Of what is listed as attached to {subject.short}, {plural(len(left), 'manifest')} are left out: no "
                f"more than {bounds.IMAGES:,} are looked at."
            )
        wanted = wanted[: self._room]
        self._room -= len(wanted)
        parts: list[Attached] = []
        for digest, manifest in (await self._read(told, subject, wanted)).items():
            if why := _is_stray(manifest, subject, named[digest]):
                told.strays.append(f"{digest.short} is listed as attached to {subject.short}, {why}.")
            else:
                parts += _parts(subject, digest, manifest, named[digest].ending, depth)
        for digest, own in _by_manifest(parts):
            told.found += own
            await self._below(told, digest, {}, depth + 1)

    async def _listed(self, told: Attachments, subject: Digest) -> dict[Digest, _Named]:
        """By the referrers API. Where that fails once it isn't asked again."""
        if not self._lists:
            return {}
        try:
            listed = await self._client.referrers(self._repository, subject)
        except RegistryError as error:
            if error.affects_all:
                raise
            self._lists = False
            told.gaps.append(f"What is attached to {subject.short} can't be listed: {error}")
            return {}
        return {each.digest: _Named(must_say=True) for each in listed or ()}

    async def _by_tags(self, told: Attachments, subject: Digest) -> dict[Digest, _Named]:
        """By the tag that stands for that API, and by cosign's."""
        found: dict[Digest, _Named] = {}
        for tag in self._tags.get(subject, ()):
            _, _, ending = tag.partition(".")
            try:
                fetched = await self._source.current(self._repository, tag)
                manifest = parse_manifest(fetched.body, fetched.media_type)
            except InvalidManifest as error:
                told.gaps.append(f"{tag} can't be read: {error}.")
            except RegistryError as error:
                if error.affects_all:
                    raise
                told.gaps.append(f"{tag} can't be read: {error}")
            else:
                if not ending and isinstance(manifest, Index):
                    found |= {each.digest: _Named(must_say=True) for each in manifest.manifests}
                else:
                    found[fetched.digest] = _Named(ending, must_say=not ending)
        return found

    async def _read(self, told: Attachments, subject: Digest, digests: list[Digest]) -> dict[Digest, AnyManifest]:
        """As the registry has them now: what was kept of them proves nothing."""
        found: dict[Digest, AnyManifest] = {}
        errors: dict[Digest, str] = {}

        async def read(digest: Digest) -> None:
            try:
                fetched = await self._source.current(self._repository, digest)
                found[digest] = parse_manifest(fetched.body, fetched.media_type)
            except InvalidManifest as error:
                errors[digest] = f"{error}."
            except RegistryError as error:
                if error.affects_all:
                    raise
                errors[digest] = str(error)

        async for _ in limit.each(digests, read, at_once=_AT_ONCE, expect=NotFound):
            """All that is of interest is noted where it is read."""
        for digest in [each for each in digests if each in errors][:_NAMED]:
            told.gaps.append(f"{digest.short}, which is listed as attached, can't be read: {errors[digest]}")
        if len(errors) > _NAMED:
            rest = plural(len(errors) - _NAMED, "manifest")
            told.gaps.append(f"Nor can {rest} more that are listed as attached to {subject.short}.")
        return {digest: found[digest] for digest in digests if digest in found}


def _is_stray(manifest: AnyManifest, subject: Digest, named: _Named) -> str:
    """Why what is listed isn't attached; else empty."""
    if isinstance(manifest, UnknownManifest):
        return f"and is of a media type that is not known: {manifest.media_type}"
    said = manifest.subject.digest if isinstance(manifest, Manifest | Index) and manifest.subject else None
    if said is None:
        return "and does not say so itself" if named.must_say else ""
    return "" if said == subject else f"and says that it is attached to {said.short}"


def _by_manifest(parts: Iterable[Attached]) -> list[tuple[Digest, list[Attached]]]:
    """In an order of their own, as a registry lists them in any."""
    together: dict[Digest, list[Attached]] = {}
    for part in sorted(parts, key=lambda each: (_ORDER[each.kind], each.created or _EVER, each.digest)):
        together.setdefault(part.digest, []).append(part)
    return [*together.items()]


def _parts(subject: Digest, digest: Digest, manifest: AnyManifest, ending: str, depth: int) -> Iterator[Attached]:
    """One for each statement that says what it is about, as BuildKit has several in one manifest; one for the rest."""
    own = manifest.annotations if isinstance(manifest, Manifest | Index) else {}
    layers = manifest.layers if isinstance(manifest, Manifest) else ()
    created = parse_time(own.get(_CREATED))
    artifact_type = _artifact_type(manifest)
    stated = [layer for layer in layers if _predicate(layer.annotations)]
    for layer in stated:
        predicate = _predicate(layer.annotations)
        kind = kind_of((predicate,))
        kind = Claim.ATTESTATION if kind is Claim.ARTIFACT else kind
        # The manifest's own would be there as often as it holds statements.
        type_and_size = (predicate, artifact_type, layer.media_type, layer.size)
        yield Attached(subject, digest, kind, *type_and_size, created, layer.annotations, depth, (layer,))
    rest = [layer for layer in layers if not _predicate(layer.annotations)]
    if stated and not rest:
        return
    names = [name for name in (_bundle(own), artifact_type, *(layer.media_type for layer in rest)) if name]
    kind = kind_of(names)
    if kind is Claim.ARTIFACT and isinstance(manifest, Manifest):
        kind = BY_ENDING.get(ending.rpartition(".")[2], kind)
    about = {**own, **rest[0].annotations} if len(rest) == 1 and not stated else own
    size = _size(manifest, rest, whole=not stated)
    type_and_size = (next(iter(names), ""), artifact_type, manifest.media_type, size)
    yield Attached(subject, digest, kind, *type_and_size, created, about, depth, tuple(rest))


def _size(manifest: AnyManifest, layers: Iterable[Descriptor], *, whole: bool) -> int:
    """Of a `whole` manifest with its config; of an index, what it names."""
    held = [*layers]
    if whole and isinstance(manifest, Manifest):
        held.append(manifest.config)
    elif isinstance(manifest, Index):
        held = [*manifest.manifests]
    return min(sum({blob.digest: blob.size for blob in held}.values()), bounds.SIZE)


def _artifact_type(manifest: AnyManifest) -> str:
    """As distribution-spec 1.1 has it for referrers: that of the config, where none is said and that isn't empty."""
    if not isinstance(manifest, Manifest | Index):
        return ""
    config = manifest.config.media_type if isinstance(manifest, Manifest) else ""
    return manifest.artifact_type or ("" if config in IMAGE_CONFIGS or config == _NO_TYPE else config)


def _predicate(annotations: Mapping[str, str]) -> str:
    return next((annotations[name] for name in _PREDICATES if annotations.get(name)), "")


def _bundle(annotations: Mapping[str, str]) -> str:
    """What a bundle of sigstore's is about."""
    if predicate := annotations.get(f"{_BUNDLE}predicateType", ""):
        return predicate
    return "signature" if annotations.get(f"{_BUNDLE}content") == "message-signature" else ""
