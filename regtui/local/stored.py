"""The pieces that a registry's storage is made of: blobs, manifests, uploads, and one repository's links."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

CHUNK = 64 * 1024


def digest_of(data: bytes) -> str:
    return "sha256:" + sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes by digest: real ones, or a *synthetic* blob that has only a digest and a size.

    A synthetic blob makes an image of 128 MB cost nothing. Its digest is that of a short seed, and its bytes
    are zeros made while they are read, so **they do not match the digest**: only for layers, which regtui
    never downloads.
    """

    digest: str
    size: int
    data: bytes | None = None

    def read(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from start up to end, in chunks."""
        end = self.size if end is None else end
        if self.data is not None:
            yield self.data[start:end]
            return
        for position in range(start, end, CHUNK):
            yield bytes(min(CHUNK, end - position))


@dataclass(frozen=True, slots=True)
class LocalManifest:
    digest: str
    media_type: str
    data: bytes


@dataclass(slots=True)
class Upload:
    id: str
    repository: str
    data: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Repository:
    """One repository's links. A link can outlive the blob it names."""

    name: str
    revisions: dict[str, str] = field(default_factory=dict)
    """Manifests by digest, with their media types."""
    tags: dict[str, str] = field(default_factory=dict)
    layers: dict[str, None] = field(default_factory=dict)
    """Blobs that can be read through this repository: layers and configs. An ordered set."""
    # The directories that the versions' catalogs and tag lists go by. They are never removed.
    has_layers: bool = False
    has_manifests: bool = False
    was_tagged: bool = False
