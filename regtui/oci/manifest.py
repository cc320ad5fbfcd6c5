"""Manifests: of images and artifacts, indexes, and the legacy schema 1.

OCI image-spec 1.1 "manifest.md" and "image-index.md"; Docker schema 2, manifest list and schema 1.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from regtui import bounds
from regtui.bounded_json import parse_json
from regtui.oci import media_type as mt
from regtui.oci.descriptor import Descriptor, InvalidManifest, string_map, text_of
from regtui.oci.digest import Digest
from regtui.oci.platform import Platform

# buildx: a child that describes another child instead of being a platform's image.
_ATTESTATION_TYPE: Final = "vnd.docker.reference.type"
_ATTESTATION_SUBJECT: Final = "vnd.docker.reference.digest"


PLACEHOLDER: Final = "io.regtui.placeholder"
"""The annotation of an empty index that stands in for a tag that is being removed."""

REPAIRED: Final = "io.regtui.repaired"
"""The annotation of an empty index that a tag leads to since it was damaged in the registry's storage."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of one image, or of an artifact."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def is_artifact(self) -> bool:
        """Something else than a container image: a chart, a signature, an SBOM ..."""
        return bool(self.artifact_type) or self.config.media_type not in mt.IMAGE_CONFIGS

    def blobs(self) -> Iterator[Descriptor]:
        """Config and layers: what a pull transfers, each as often as the manifest names it."""
        yield self.config
        yield from self.layers

    def own_blobs(self) -> Iterator[Descriptor]:
        """Those of them that the registry holds."""
        return (blob for blob in self.blobs() if not blob.is_elsewhere)


@dataclass(frozen=True, slots=True)
class Index:
    """An OCI index or Docker manifest list: one name for several manifests."""

    media_type: str
    manifests: tuple[Descriptor, ...]
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    def images(self) -> tuple[Descriptor, ...]:
        """The children that are not attestations."""
        return tuple(child for child in self.manifests if not is_attestation(child))

    def attestations(self) -> dict[str, tuple[Descriptor, ...]]:
        """By the digest of what they attest."""
        found: dict[str, list[Descriptor]] = {}
        for child in self.manifests:
            if is_attestation(child) and (subject := child.annotations.get(_ATTESTATION_SUBJECT)):
                found.setdefault(subject, []).append(child)
        return {subject: tuple(children) for subject, children in found.items()}


@dataclass(frozen=True, slots=True)
class Schema1Manifest:
    """Docker's legacy schema 1: layers newest first, without sizes."""

    media_type: str
    name: str
    tag: str
    architecture: str
    layers: tuple[Digest, ...]
    history: tuple[str, ...]
    """`v1Compatibility` strings (JSON), newest first."""


@dataclass(frozen=True, slots=True)
class UnknownManifest:
    """A manifest of a media type that regtui doesn't know: shown as it is."""

    media_type: str


class NoManifest(InvalidManifest):
    """What is served as a manifest is something else: an error, a login page's JSON, a text. The message says what."""


_JSON_KINDS: Final = {list: "a list", str: "a text", int: "a number", float: "a number", bool: "true or false"}
# Of an object that is none, so many keys are named.
_KEYS: Final = 3
_LONGEST_KEY: Final = 40

AnyManifest = Manifest | Index | Schema1Manifest | UnknownManifest


def is_attestation(child: Descriptor) -> bool:
    return _ATTESTATION_TYPE in child.annotations or (child.platform is not None and child.platform.is_unknown)


def parse_manifest(body: bytes, content_type: str) -> AnyManifest:
    """The manifest in `body`. The `mediaType` within it counts before the header's, if it is there.

    Raises NoManifest where it is something else, InvalidManifest where it lacks what its media type requires.
    """
    value = _manifest_object(body)
    media_type = text_of(value.get("mediaType")) or _guess(value, mt.essence(content_type))
    match mt.kind_of(media_type):
        case mt.MediaKind.IMAGE:
            return _image(value, media_type)
        case mt.MediaKind.INDEX:
            return _index(value, media_type)
        case mt.MediaKind.SCHEMA1:
            return _schema1(value, media_type)
        case _:
            return UnknownManifest(media_type)


def _manifest_object(body: bytes) -> Mapping[str, object]:
    """A manifest of whatever media type says what it is, or has the shape of one that is known. Raises NoManifest."""
    try:
        value = parse_json(body)
    except ValueError as error:
        raise NoManifest(f"it can't be read as JSON: {error}") from None
    if not isinstance(value, dict):
        raise NoManifest(f"it is no manifest, but {_JSON_KINDS.get(type(value), 'null')} in JSON")
    version = value.get("schemaVersion")
    says_what = text_of(value.get("mediaType")) or (isinstance(version, int) and not isinstance(version, bool))
    has_shape = isinstance(value.get("manifests"), list) or "fsLayers" in value or {"config", "layers"} <= value.keys()
    if not (says_what or has_shape):
        raise NoManifest(f"it is no manifest, but {_described(value)}")
    return value


def _described(value: Mapping[str, object]) -> str:
    """A JSON object by its first keys."""
    if not value:
        return "an empty JSON object"
    keys = [repr(key[:_LONGEST_KEY])[1:-1] for key in itertools.islice(value, _KEYS)]
    more = f" and {len(value) - len(keys):,} more" if len(value) > len(keys) else ""
    return f"a JSON object with {', '.join(keys)}{more}"


def load_json_object(body: bytes, what: str) -> Mapping[str, object]:
    """Raises InvalidManifest where `body` isn't a JSON object. `what` names it in the message."""
    try:
        value = parse_json(body)
    except ValueError as error:
        raise InvalidManifest(f"{what} can't be read as JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidManifest(f"{what} is not a JSON object")
    return value


def _guess(value: Mapping[str, object], content_type: str) -> str:
    """OCI manifests need no `mediaType`: then the header counts, and where that's vague, the shape."""
    if mt.kind_of(content_type) is not mt.MediaKind.UNKNOWN:
        return content_type
    if value.get("schemaVersion") == 1 and "fsLayers" in value:
        return mt.DOCKER_SCHEMA1_SIGNED if "signatures" in value else mt.DOCKER_SCHEMA1
    if isinstance(value.get("manifests"), list):
        return mt.OCI_INDEX
    if isinstance(value.get("layers"), list) and "config" in value:
        return mt.OCI_MANIFEST
    return content_type


def _descriptors(value: Mapping[str, object], key: str) -> tuple[Descriptor, ...]:
    items = value.get(key)
    if items is None:
        return ()
    if not isinstance(items, list):
        raise InvalidManifest(f"{key} is not a list")
    if len(items) > bounds.DESCRIPTORS:
        raise InvalidManifest(f"it has more than {bounds.DESCRIPTORS:,} {key}")
    return tuple(map(Descriptor.from_json, items))


def _subject(value: Mapping[str, object]) -> Descriptor | None:
    return Descriptor.from_json(value["subject"]) if isinstance(value.get("subject"), Mapping) else None


def _image(value: Mapping[str, object], media_type: str) -> Manifest:
    if "manifests" in value:
        raise InvalidManifest("the manifest is an image and an index at once")
    return Manifest(
        media_type=media_type,
        config=Descriptor.from_json(value.get("config")),
        layers=_descriptors(value, "layers"),
        artifact_type=text_of(value.get("artifactType")),
        subject=_subject(value),
        annotations=string_map(value.get("annotations")),
    )


def _index(value: Mapping[str, object], media_type: str) -> Index:
    if "layers" in value or "config" in value:
        raise InvalidManifest("the manifest is an index and an image at once")
    return Index(
        media_type=media_type,
        manifests=_descriptors(value, "manifests"),
        artifact_type=text_of(value.get("artifactType")),
        subject=_subject(value),
        annotations=string_map(value.get("annotations")),
    )


def _schema1(value: Mapping[str, object], media_type: str) -> Schema1Manifest:
    layers, history = value.get("fsLayers"), value.get("history")
    if not isinstance(layers, list):
        raise InvalidManifest("fsLayers is not a list")
    digests = [Digest.or_none(layer.get("blobSum")) for layer in layers if isinstance(layer, Mapping)]
    if len(digests) != len(layers) or None in digests:
        raise InvalidManifest("a layer in fsLayers has no digest")
    entries = history if isinstance(history, list) else []
    return Schema1Manifest(
        media_type=media_type,
        name=text_of(value.get("name")),
        tag=text_of(value.get("tag")),
        architecture=text_of(value.get("architecture")),
        layers=tuple(digest for digest in digests if digest is not None),
        history=tuple(text_of(entry.get("v1Compatibility")) for entry in entries if isinstance(entry, Mapping)),
    )


def platform_of(child: Descriptor) -> Platform | None:
    """A child's platform, where it has one that means something."""
    return child.platform if child.platform is not None and not child.platform.is_unknown else None


def stands_in(manifest: object) -> bool:
    """Whether it is a placeholder: of whichever run."""
    return isinstance(manifest, Index) and PLACEHOLDER in manifest.annotations
