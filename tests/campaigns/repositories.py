"""Random repositories as careless years leave them: shared images, indexes in indexes, signatures, caches, and damage.

What is damaged is damaged as it happens: by requests that people send, or in the storage as a full disk leaves it.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from tests.campaigns.truth import ACCEPT, Truth, parts_of, read_http, read_storage
from tests.support.content import OCI_INDEX, OCI_MANIFEST, Kind, Recipe, build_image, to_json
from tests.support.images import (
    PushedImage,
    push_artifact,
    push_blob,
    push_empty_index,
    push_image,
    push_index,
    push_manifest,
)
from tests.support.seed import store_manifest

_NAMES: Final = (
    *("latest", "stable", "main", "prod", "edge", "1.0", "1.0.0", "1.0.1", "1.1.0", "1.1.0-rc.1", "1.2.0", "2.0.0"),
    *("v1.0.0", "v2", "sha-4f1a2b3", "main-9a8b7c6", "20260101", "1234567", "1.1.0-alpine", "dev-1", "dev-2", "dev-10"),
    *("feature-42-beta", "cache", "x", "_a", "A", "a-very-long-name." + "n" * 90),
)
_CACHE_CONFIG: Final = "application/vnd.buildkit.cacheconfig.v0"


@dataclass
class Place:
    """A repository at a registry. `storage` is None for one that keeps everything in memory."""

    registry: httpx.Client
    name: str
    version: str
    storage: Path | None
    known: set[str] = field(default_factory=set)

    @property
    def stores_anything(self) -> bool:
        return self.storage is None

    def truth(self) -> Truth:
        if self.storage is not None:
            return read_storage(self.storage, self.name)
        return read_http(self.registry, self.name, self.known)

    def know(self, *images: PushedImage) -> None:
        """Digests that are looked for from now on."""
        for image in images:
            self.known |= {image.digest, *image.blobs, *parts_of(image.manifest)[1]}
            self.know(*image.children)


@dataclass
class Made:
    """`oddities`: what was damaged, in words for the one who reads a finding. `cannot_return`: digests of manifests
    that no registry would take back as they were."""

    place: Place
    images: list[PushedImage] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)
    cannot_return: set[str] = field(default_factory=set)


def make_repository(place: Place, choices: random.Random) -> Made:
    """Pushes it; what it holds afterwards is for `place.truth()` to say."""
    made = Made(place)
    names = choices.sample(_NAMES, choices.randint(2, 12))
    for number in range(choices.randint(1, 5)):
        _push_one(made, choices, names, number)
    for name in names:
        if choices.random() < 0.5:
            image = choices.choice(made.images)
            push_manifest(place.registry, place.name, name, image.manifest, image.media_type)
    for _ in range(choices.choice((0, 0, 1, 2))):
        _attach(made, choices)
    for damage in choices.sample(_DAMAGES, len(_DAMAGES)):
        if choices.random() < 0.12:
            damage(made, choices)
    place.know(*made.images)
    return made


def _push_one(made: Made, choices: random.Random, names: Sequence[str], number: int) -> None:
    place = made.place
    registry, name = place.registry, place.name
    recipe = Recipe(name=f"r{choices.randint(0, 3)}", env=(f"N={number}{choices.random()}",))
    tag = choices.choice(names)
    kinds: tuple[Kind, ...] = ("docker", "oci")
    kind = choices.choice(kinds)
    match choices.choice(("image", "image", "index", "index", "nested", "empty")):
        case "index":
            some = choices.sample(("linux/amd64", "linux/arm64", "linux/arm/v7"), choices.randint(1, 3))
            attested = kind == "oci" and choices.random() < 0.4
            image = push_index(registry, name, tag, kind=kind, platforms=some, recipe=recipe, attestations=attested)
            made.images += [child for child in image.children if choices.random() < 0.5]
        case "nested" if made.images:
            below = choices.sample(made.images, min(len(made.images), choices.randint(1, 2)))
            image = push_nested(place, tag, below)
        case "empty":
            image = push_empty_index(registry, name, tag, number=str(choices.random()))
        case _:
            image = push_image(registry, name, tag, kind=kind, recipe=recipe)
    made.images.append(image)


def push_nested(place: Place, tag: str, below: Sequence[PushedImage]) -> PushedImage:
    """An index over what is there already."""
    value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [image.descriptor() for image in below]}
    body = to_json(value)
    digest = push_manifest(place.registry, place.name, tag, body, OCI_INDEX)
    place.known.add(digest)
    return PushedImage(place.name, tag, digest, OCI_INDEX, body, tuple(below))


def _attach(made: Made, choices: random.Random) -> None:
    """A signature: with a tag as cosign names it, or with a subject alone."""
    place, image = made.place, choices.choice(made.images)
    cosign = image.digest.replace(":", "-") + choices.choice((".sig", ".att", ".sbom", ""))
    subject = None if cosign.endswith((".sig", ".att")) else image
    files = {"s.json": f"{choices.random()}".encode()}
    made.images.append(push_artifact(place.registry, place.name, cosign, files=files, subject=subject))


# Damage


def _lose_child(made: Made, choices: random.Random) -> None:
    """An index whose platform was deleted: sparse from then on."""
    indexes = [image for image in made.images if image.children]
    if not indexes:
        return
    index = choices.choice(indexes)
    child = choices.choice(index.children)
    if _delete_manifest(made.place, child.digest):
        made.oddities.append(f"{index.digest[:19]} lost its child {child.digest[:19]}")
        made.cannot_return |= {index.digest}


def _lose_blob(made: Made, choices: random.Random) -> None:
    """A config or layer that was deleted by its digest."""
    images = [image for image in made.images if image.blobs]
    if not images:
        return
    image = choices.choice(images)
    blob = choices.choice(image.blobs)
    place = made.place
    if place.registry.delete(f"v2/{place.name}/blobs/{blob}").status_code == httpx.codes.ACCEPTED:
        made.oddities.append(f"{image.digest[:19]} lost its blob {blob[:19]}")


def _push_cache(made: Made, choices: random.Random) -> None:
    """A BuildKit cache: an index whose entries are blobs."""
    place = made.place
    layer, config = (f"{kind} {choices.random()}".encode() for kind in ("layer", "config"))
    entries = [
        {"mediaType": media_type, "digest": push_blob(place.registry, place.name, data), "size": len(data)}
        for media_type, data in (("application/vnd.oci.image.layer.v1.tar+gzip", layer), (_CACHE_CONFIG, config))
    ]
    body = to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
    answer = place.registry.put(f"v2/{place.name}/manifests/cache", content=body, headers={"Content-Type": OCI_INDEX})
    if answer.status_code == httpx.codes.CREATED:
        place.known |= {answer.headers["Docker-Content-Digest"], *(str(entry["digest"]) for entry in entries)}
        made.oddities.append("cache is an index of blobs")


def _damage_link(made: Made, choices: random.Random) -> None:
    """A tag's link as a full disk leaves it."""
    place = made.place
    if place.storage is None:
        return
    folder = place.storage / "docker" / "registry" / "v2" / "repositories" / place.name / "_manifests" / "tags"
    links = sorted(folder.glob("*/current/link"))
    link = choices.choice(links)
    link.write_text(choices.choice(("", "sha256:", "garbage", link.read_text()[:70])))
    made.oddities.append(f"the link of {link.parents[1].name} is damaged")


def _store_schema_1(made: Made, choices: random.Random) -> None:
    """As a registry of before 2016 left it: 2.8.2 as it is shipped reads it, signing it anew, and takes no other."""
    place = made.place
    if place.storage is None or not place.version.startswith("2."):
        return
    layer = push_blob(place.registry, place.name, f"layer {choices.random()}".encode())
    value = {"schemaVersion": 1, "name": place.name, "tag": "old", "architecture": "amd64", "history": []}
    body = to_json({**value, "fsLayers": [{"blobSum": layer}]})
    digest = store_manifest(place.storage, place.name, "old", body)
    made.oddities.append("old is a schema 1 image")
    made.cannot_return.add(digest)
    place.known.add(digest)


def _mistype(made: Made, choices: random.Random) -> None:
    """A manifest that was uploaded with a media type that says nothing."""
    place = made.place
    if not place.stores_anything:
        return
    image = build_image(Recipe(name="odd", env=(str(choices.random()),)), "oci")
    for blob in image.blobs:
        push_blob(place.registry, place.name, blob.data)
    media_type = choices.choice(("application/json", "application/octet-stream", "text/plain"))
    digest = push_manifest(place.registry, place.name, "odd", image.manifest.data, media_type)
    blobs = tuple(blob.digest for blob in image.blobs)
    made.images.append(PushedImage(place.name, "odd", digest, OCI_MANIFEST, image.manifest.data, (), blobs))
    made.oddities.append(f"odd came as {media_type}")


_DAMAGES: Final[tuple[Callable[[Made, random.Random], None], ...]] = (
    _lose_child,
    _lose_blob,
    _push_cache,
    _damage_link,
    _store_schema_1,
    _mistype,
)


def _delete_manifest(place: Place, digest: str) -> bool:
    """Only where no tag goes with it."""
    answer = place.registry.get(f"v2/{place.name}/tags/list").json()
    for tag in answer.get("tags") or ():
        found = place.registry.get(f"v2/{place.name}/manifests/{tag}", headers={"Accept": ACCEPT})
        if found.headers.get("Docker-Content-Digest") == digest:
            return False
    return place.registry.delete(f"v2/{place.name}/manifests/{digest}").status_code == httpx.codes.ACCEPTED


def describe(truth: Truth) -> str:
    """For the one who reads a finding."""
    lines = [f"  {tag}: {digest[:19]}" for tag, digest in sorted(truth.tags.items())]
    for digest in sorted(truth.manifests):
        value = json.loads(truth.bodies[digest])
        children, blobs = parts_of(truth.bodies[digest])
        missing = f" MISSING {sorted(m[:19] for m in truth.missing(digest))}" if truth.missing(digest) else ""
        kind = value.get("mediaType", value.get("schemaVersion"))
        lines.append(f"  {digest[:19]} {kind} -> {[c[:19] for c in children]} {len(blobs)} blobs{missing}")
    return "\n".join(lines)
