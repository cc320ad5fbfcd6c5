"""Repositories as only damaged and odd registries have them: drawn by hypothesis, laid out as bytes, and stored behind
a registry's back.

Images, images that don't name their media type, BuildKit caches, schema 1, manifests of no known kind, indexes over any
of them; then manifests are dropped and blobs are taken away.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hypothesis import strategies as st

from tests.support.content import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, digest_of

LAYERS = [f"layer {number}" for number in range(5)]
PieceKind = Literal["image", "unnamed", "cache", "schema 1", "unknown"]
# The last two as seldom as they are.
KINDS: tuple[PieceKind, ...] = ("image", "image", "image", "unnamed", "unnamed", "cache", "schema 1", "unknown")
SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
CONTENT_TYPES = (None, None, "", "application/json", "application/octet-stream", "text/plain")
"""What registries answer that don't know what they have, in place of the manifest's own."""


@dataclass(frozen=True)
class Piece:
    """One manifest that is no index of manifests."""

    kind: PieceKind
    layers: list[str]
    content_type: str | None
    number: int


@dataclass(frozen=True)
class OddRepository:
    """Pieces, indexes over pieces and earlier indexes, tags by what they point at, and the damage.

    `unlinked`: blobs that can't be had, `dropped`: manifests that are gone, by number. `marked`: tags that go. `taken`:
    whether the configs are gone by the time of the undo. `whole`: whether manifests go with all their tags.
    """

    pieces: list[Piece]
    indexes: list[list[int]]
    tags: list[int]
    marked: list[bool]
    unlinked: list[int]
    dropped: list[int]
    taken: bool
    whole: bool

    @property
    def chosen(self) -> list[str]:
        return [f"t{number}" for number, is_marked in enumerate(self.marked) if is_marked]


@dataclass
class Layout:
    """The same as bytes. `manifests`: digest → (bytes, Content-Type); `links`: the blobs that can be had."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


@st.composite
def odd_repositories(draw: st.DrawFn) -> OddRepository:
    pieces = [
        Piece(
            draw(st.sampled_from(KINDS)),
            draw(st.lists(st.sampled_from(LAYERS), max_size=3)),
            draw(st.sampled_from(CONTENT_TYPES)),
            number,
        )
        for number in range(draw(st.integers(1, 6)))
    ]
    indexes = [
        draw(st.lists(st.integers(0, len(pieces) + number - 1), max_size=3))
        for number in range(draw(st.integers(0, 4)))
    ]
    count = len(pieces) + len(indexes)
    tags = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=10))
    return OddRepository(
        pieces,
        indexes,
        tags,
        marked=draw(st.lists(st.booleans(), min_size=len(tags), max_size=len(tags))),
        unlinked=draw(st.lists(st.integers(0, 20), max_size=2)),
        dropped=draw(st.lists(st.integers(0, count - 1), max_size=2)),
        taken=draw(st.booleans()),
        whole=draw(st.booleans()),
    )


def laid_out(odd: OddRepository, repository: str) -> Layout:
    layout = Layout()
    made = [_manifest(layout, repository, piece) for piece in odd.pieces]
    for index in odd.indexes:
        entries = [
            {"mediaType": media_type, "digest": digest_of(body), "size": len(body)}
            for body, media_type, _ in (made[number] for number in index)
        ]
        value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
        made.append((json.dumps(value).encode(), OCI_INDEX, OCI_INDEX))
    digests = [digest_of(body) for body, _, _ in made]
    layout.manifests = {digest_of(body): (body, shown) for body, _, shown in made}
    layout.tags = {f"t{number}": digests[target] for number, target in enumerate(odd.tags)}
    for number in odd.dropped:
        layout.manifests.pop(digests[number], None)
    layout.links = sorted(layout.blobs)
    for number in odd.unlinked:
        if layout.links:
            layout.links.pop(number % len(layout.links))
    return layout


def _manifest(layout: Layout, repository: str, piece: Piece) -> tuple[bytes, str, str]:
    """Its bytes, its media type, and what a registry answers as its Content-Type."""

    def blob(text: str, media_type: str) -> dict[str, object]:
        layout.blobs[digest_of(text.encode())] = text.encode()
        return {"mediaType": media_type, "digest": digest_of(text.encode()), "size": len(text)}

    layers = [blob(layer, "application/vnd.oci.image.layer.v1.tar") for layer in piece.layers]
    media_type = OCI_MANIFEST
    match piece.kind:
        case "cache":
            media_type = OCI_INDEX
            value: dict[str, object] = {"schemaVersion": 2, "mediaType": media_type, "manifests": layers}
        case "schema 1":
            media_type = SCHEMA1
            sums = [{"blobSum": layer["digest"]} for layer in layers]
            value = {"schemaVersion": 1, "name": repository, "tag": "t", "fsLayers": sums, "history": []}
        case "unknown":
            media_type = "application/json"
            value = {"schemaVersion": 2, "what": "nobody knows"}
        case _:
            config = blob(json.dumps({"os": "linux", "number": piece.number}), OCI_CONFIG)
            value = {"schemaVersion": 2, "config": config, "layers": layers}
            value |= {"mediaType": OCI_MANIFEST} if piece.kind == "image" else {}
    body = json.dumps(value).encode()
    return body, media_type, media_type if piece.content_type is None else piece.content_type


def store_on_disk(layout: Layout, storage: Path, repository: str) -> None:
    """Below the storage root of a registry that doesn't know the repository yet."""
    root = storage / "docker/registry/v2"
    folder = root / "repositories" / repository
    bodies = layout.blobs | {digest: body for digest, (body, _) in layout.manifests.items()}
    for digest, body in bodies.items():
        value = digest.removeprefix("sha256:")
        _write(root / "blobs/sha256" / value[:2] / value / "data", body)
    links = [f"_layers/{_path(digest)}" for digest in layout.links]
    links += [f"_manifests/revisions/{_path(digest)}" for digest in layout.manifests]
    for link in links:
        _write(folder / link / "link", f"sha256:{link.rpartition('/')[2]}".encode())
    for tag, digest in layout.tags.items():
        _write(folder / "_manifests/tags" / tag / "current/link", digest.encode())
        _write(folder / "_manifests/tags" / tag / "index" / _path(digest) / "link", digest.encode())


def tags_on_disk(storage: Path, repository: str) -> dict[str, str]:
    """What the storage has: every tag with its digest."""
    folder = storage / "docker/registry/v2/repositories" / repository / "_manifests/tags"
    links = folder.glob("*/current/link")
    return {link.parent.parent.name: link.read_text() for link in links}


def manifests_on_disk(storage: Path, repository: str) -> dict[str, bytes]:
    """Every manifest of the repository, with its bytes."""
    root = storage / "docker/registry/v2"
    links = (root / "repositories" / repository / "_manifests/revisions/sha256").glob("*/link")
    values = [link.parent.name for link in links]
    return {f"sha256:{value}": (root / "blobs/sha256" / value[:2] / value / "data").read_bytes() for value in values}


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def _path(digest: str) -> str:
    return digest.replace(":", "/")
