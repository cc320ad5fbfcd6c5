"""Descriptors: how manifests point at content. OCI image-spec 1.1, "descriptor.md"."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from regtui import bounds
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest, InvalidDigest
from regtui.oci.platform import Platform

_NO_ANNOTATIONS: Mapping[str, str] = MappingProxyType({})


class InvalidManifest(ValueError):
    """The content is not the manifest, descriptor or config that it should be; the message says why."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Points at content by digest. `size` in bytes."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=lambda: _NO_ANNOTATIONS, hash=False)
    urls: tuple[str, ...] = ()

    @property
    def is_manifest(self) -> bool:
        """By its media type, which alone tells: an index may hold anything (BuildKit's caches hold layers)."""
        return mt.kind_of(mt.essence(self.media_type)) is not mt.MediaKind.UNKNOWN

    @property
    def is_elsewhere(self) -> bool:
        """Whether it names where else its bytes are, so that the registry need not have them: a base layer of Windows.
        Its media type alone says nothing: without `urls` all registries want the bytes."""
        return bool(self.urls)

    @classmethod
    def from_json(cls, value: object) -> "Descriptor":
        """Raises InvalidManifest where digest or size is missing or wrong."""
        if not isinstance(value, dict):
            raise InvalidManifest("a descriptor is not an object")
        size = value.get("size")
        if size is None:
            raise InvalidManifest("a descriptor has no size")
        if not isinstance(size, int) or isinstance(size, bool):
            raise InvalidManifest("a descriptor's size is no whole number")
        if not 0 <= size <= bounds.SIZE:
            raise InvalidManifest(f"a descriptor's size is {size!s:.40}")
        try:
            digest = Digest(text_of(value.get("digest")))
        except InvalidDigest as error:
            raise InvalidManifest(f"a descriptor's digest is wrong: {error}") from None
        urls = value.get("urls")
        return cls(
            media_type=text_of(value.get("mediaType")),
            digest=digest,
            size=size,
            platform=Platform.from_json(value.get("platform")),
            artifact_type=text_of(value.get("artifactType")),
            annotations=string_map(value.get("annotations")),
            urls=tuple(url for url in urls if isinstance(url, str)) if isinstance(urls, list) else (),
        )


def text_of(value: object) -> str:
    """`value` where it is a string, else the empty string: optional fields are read leniently."""
    return value if isinstance(value, str) else ""


def string_map(value: object) -> Mapping[str, str]:
    """The string entries of a JSON object; empty for anything else."""
    if not value or not isinstance(value, Mapping):
        return _NO_ANNOTATIONS
    return MappingProxyType({str(key): item for key, item in value.items() if isinstance(item, str)})
