"""Images as bytes: layers, configs and manifests made in memory, the same bytes for the same recipe."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
IN_TOTO = "application/vnd.in-toto+json"

Kind = Literal["docker", "oci"]
Json = Mapping[str, Any]

CREATED = datetime(2024, 5, 4, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Blob:
    """Bytes with the media type they go by."""

    media_type: str
    data: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        return digest_of(self.data)

    def descriptor(self, **extra: Any) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data), **extra}


@dataclass(frozen=True)
class Image:
    """A manifest and what it needs: blobs, and for an index its children."""

    manifest: Blob
    blobs: tuple[Blob, ...] = ()
    children: tuple["Image", ...] = ()


@dataclass(frozen=True)
class Recipe:
    """What an image is made of. The first layer is the same for every image of an architecture."""

    name: str = "app"
    platform: str = "linux/amd64"
    created: datetime = CREATED
    env: tuple[str, ...] = ("PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8")
    labels: Mapping[str, str] = field(default_factory=dict)
    # Application layers on top of the base layer.
    layers: int = 1


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def to_json(value: Json) -> bytes:
    """Indented as docker and buildx write it, so that raw manifests in tests look like real ones."""
    return json.dumps(value, indent=3).encode()


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def tar(files: Mapping[str, bytes]) -> bytes:
    """An uncompressed layer; its digest is the diff_id."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            member.mode = 0o755 if "bin/" in name else 0o644
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def build_image(recipe: Recipe, kind: Kind = "oci", *, annotations: Mapping[str, str] | None = None) -> Image:
    """An image for one platform, as `docker push` or buildx would upload it."""
    layer_type = DOCKER_LAYER if kind == "docker" else OCI_LAYER
    packed = _pack(recipe.name, recipe.platform, recipe.layers)
    layers = tuple(Blob(layer_type, data) for _, data in packed)
    config_type = DOCKER_CONFIG if kind == "docker" else OCI_CONFIG
    config = Blob(config_type, to_json(_config(recipe, [diff_id for diff_id, _ in packed])))
    return Image(manifest_of(config, layers, kind, annotations=annotations), (config, *layers))


def manifest_of(
    config: Blob, layers: Sequence[Blob], kind: Kind, *, annotations: Mapping[str, str] | None = None
) -> Blob:
    media_type = DOCKER_MANIFEST if kind == "docker" else OCI_MANIFEST
    value: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": config.descriptor(),
        "layers": [layer.descriptor() for layer in layers],
    }
    if annotations:
        value["annotations"] = dict(annotations)
    return Blob(media_type, to_json(value))


def build_index(
    recipes: Sequence[Recipe],
    kind: Kind = "oci",
    *,
    attestations: bool = False,
    annotations: Mapping[str, str] | None = None,
) -> Image:
    """An image for several platforms; with attestations, one for each, as buildx adds them."""
    images = [build_image(recipe, kind) for recipe in recipes]
    children = list(images)
    entries = [
        image.manifest.descriptor(platform=platform_of(recipe)) for image, recipe in zip(images, recipes, strict=True)
    ]
    if attestations:
        for image in images:
            attestation = build_attestation(image.manifest.digest)
            children.append(attestation)
            entries.append(
                attestation.manifest.descriptor(
                    annotations={
                        "vnd.docker.reference.digest": image.manifest.digest,
                        "vnd.docker.reference.type": "attestation-manifest",
                    },
                    platform={"architecture": "unknown", "os": "unknown"},
                )
            )
    media_type = DOCKER_LIST if kind == "docker" else OCI_INDEX
    value: dict[str, Any] = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}
    if annotations:
        value["annotations"] = dict(annotations)
    return Image(Blob(media_type, to_json(value)), children=tuple(children))


def build_attestation(subject: str) -> Image:
    """What buildx says about how the image with that digest was built."""
    predicate = "https://slsa.dev/provenance/v0.2"
    statement = Blob(
        IN_TOTO,
        to_json(
            {
                "_type": "https://in-toto.io/Statement/v0.1",
                "predicateType": predicate,
                "subject": [{"name": "pkg:docker/app", "digest": {"sha256": subject.partition(":")[2]}}],
                "predicate": {"builder": {"id": ""}, "buildType": "https://mobyproject.org/buildkit@v1"},
            }
        ),
    )
    config = Blob(
        OCI_CONFIG,
        to_json(
            {
                "architecture": "unknown",
                "os": "unknown",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [statement.digest]},
            }
        ),
    )
    manifest = Blob(
        OCI_MANIFEST,
        to_json(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": config.descriptor(),
                "layers": [statement.descriptor(annotations={"in-toto.io/predicate-type": predicate})],
            }
        ),
    )
    return Image(manifest, (config, statement))


def build_artifact(
    artifact_type: str,
    files: Mapping[str, bytes],
    *,
    subject: Json | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Image:
    """An OCI 1.1 artifact: an empty config, a blob for each file, and what it is about, if anything."""
    config = Blob(OCI_EMPTY, b"{}")
    blobs = {name: Blob("application/octet-stream", data) for name, data in files.items()}
    value: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": config.descriptor(),
        "layers": [
            blob.descriptor(annotations={"org.opencontainers.image.title": name}) for name, blob in blobs.items()
        ],
    }
    if subject is not None:
        value["subject"] = dict(subject)
    if annotations:
        value["annotations"] = dict(annotations)
    return Image(Blob(OCI_MANIFEST, to_json(value)), (config, *blobs.values()))


def platform_of(recipe: Recipe) -> dict[str, str]:
    system, architecture, *variant = recipe.platform.split("/")
    value = {"architecture": architecture, "os": system}
    return {**value, "variant": variant[0]} if variant else value


@lru_cache(maxsize=64)
def _pack(name: str, platform: str, layers: int) -> tuple[tuple[str, bytes], ...]:
    """The layers as (diff_id, compressed bytes); kept, as thousands of seeded tags have the same."""
    base = {
        "etc/os-release": b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
        "usr/bin/env": f"pretend this is a program for {platform.split('/')[1]}\n".encode() * 64,
    }
    own = (
        {
            f"srv/{name}/part{number}.py": f"print('{name}, part {number}')\n".encode(),
            f"srv/{name}/bin/run{number}": f"#!/bin/sh\n# {platform}\n".encode(),
        }
        for number in range(layers)
    )
    tars = [tar(files) for files in (base, *own)]
    return tuple((digest_of(data), gzip.compress(data, mtime=0)) for data in tars)


def _config(recipe: Recipe, diff_ids: list[str]) -> dict[str, Any]:
    return {
        **platform_of(recipe),
        "created": timestamp(recipe.created),
        "config": {
            "User": "app",
            "ExposedPorts": {"8080/tcp": {}},
            "Env": list(recipe.env),
            "Cmd": [f"/srv/{recipe.name}/bin/run0"],
            "WorkingDir": f"/srv/{recipe.name}",
            "Labels": {"org.opencontainers.image.title": recipe.name, **recipe.labels},
        },
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": _history(recipe),
    }


def _history(recipe: Recipe) -> list[dict[str, Any]]:
    """A step a minute up to `created`; those that changed no file have no layer."""
    steps: list[tuple[str, bool]] = [("/bin/sh -c #(nop) ADD file:base in /", False)]
    steps += [(f"ENV {variable}", True) for variable in recipe.env]
    steps += [(f"COPY part{number} /srv/{recipe.name} # buildkit", False) for number in range(recipe.layers)]
    steps += [(f'CMD ["/srv/{recipe.name}/bin/run0"]', True)]
    return [
        {
            "created": timestamp(recipe.created - timedelta(minutes=len(steps) - 1 - number)),
            "created_by": command,
            **({"empty_layer": True} if empty else {}),
        }
        for number, (command, empty) in enumerate(steps)
    ]
