"""Images as build tools leave them: configs and manifests in real bytes, layers as synthetic blobs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from regtui.local.memory import MemoryStorage
from regtui.local.stored import digest_of
from regtui.oci import media_type as mt

Descriptor = dict[str, Any]

_DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
_OCI_LAYER_ZSTD: Final = "application/vnd.oci.image.layer.v1.tar+zstd"


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One line of history: a layer of that size, or none if it changed no file."""

    command: str
    size: int = 0
    mark: str = ""
    """Tells layers of the same command apart: a version, a commit."""
    age: timedelta = timedelta()
    """How long before the image it was made: the lines of a base image are older."""
    comment: str = "buildkit.dockerfile.v0"


@dataclass(frozen=True, slots=True)
class Image:
    steps: Sequence[DemoStep]
    created: datetime | None
    platform: str = "linux/amd64"
    docker: bool = False
    """Docker's media types instead of OCI's."""
    zstd: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The `config` of the config: Env, Cmd, Labels."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """More members of the config: author, os.version."""
    annotations: Mapping[str, str] = field(default_factory=dict)

    def on(self, platform: str) -> "Image":
        return replace(self, platform=platform)


class Publisher:
    """Pushes into one repository, as a build tool would."""

    def __init__(self, storage: MemoryStorage, repository: str) -> None:
        self._storage = storage
        self.repository = repository

    def image(self, image: Image, *tags: str) -> Descriptor:
        """Pushes the image under those tags, and returns what an index has to say of it."""
        layer_type = _DOCKER_LAYER if image.docker else _OCI_LAYER
        if image.zstd:
            layer_type = _OCI_LAYER_ZSTD
        layers = [self._layer(step, image.platform, layer_type) for step in image.steps if step.size]
        config = self._real(_encode(_config(image)), mt.DOCKER_CONFIG if image.docker else mt.OCI_CONFIG)
        media_type = mt.DOCKER_MANIFEST if image.docker else mt.OCI_MANIFEST
        manifest: dict[str, Any] = {"schemaVersion": 2, "mediaType": media_type}
        manifest |= {"config": config, "layers": layers}
        if image.annotations:
            manifest["annotations"] = dict(image.annotations)
        return self._manifest(manifest, media_type, *tags) | {"platform": _platform(image)}

    def index(
        self,
        children: Sequence[Descriptor],
        *tags: str,
        docker: bool = False,
        annotations: Mapping[str, str] | None = None,
    ) -> Descriptor:
        media_type = mt.DOCKER_LIST if docker else mt.OCI_INDEX
        index: dict[str, Any] = {"schemaVersion": 2, "mediaType": media_type, "manifests": list(children)}
        if annotations:
            index["annotations"] = dict(annotations)
        return self._manifest(index, media_type, *tags)

    def attestation(self, subject: Descriptor) -> Descriptor:
        """What buildx attaches to a platform: a manifest for `unknown/unknown` with in-toto statements."""
        about = [{"name": self.repository, "digest": {"sha256": subject["digest"].partition(":")[2]}}]
        statements = [
            self._real(
                _encode({"_type": "https://in-toto.io/Statement/v0.1", "predicateType": kind, "subject": about}),
                "application/vnd.in-toto+json",
                {"in-toto.io/predicate-type": kind},
            )
            for kind in ("https://spdx.dev/Document", "https://slsa.dev/provenance/v0.2")
        ]
        diffs = [statement["digest"] for statement in statements]
        config = {
            "architecture": "unknown",
            "os": "unknown",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": diffs},
        }
        descriptor = self.artifact(self._real(_encode(config), mt.OCI_CONFIG), statements)
        return descriptor | {
            "annotations": {
                "vnd.docker.reference.digest": subject["digest"],
                "vnd.docker.reference.type": "attestation-manifest",
            },
            "platform": {"architecture": "unknown", "os": "unknown"},
        }

    def artifact(self, config: Descriptor, layers: Sequence[Descriptor], *tags: str, **members: Any) -> Descriptor:
        """An OCI manifest that is not an image; `members` are more of the manifest's own."""
        manifest = {"schemaVersion": 2, "mediaType": mt.OCI_MANIFEST, **members}
        return self._manifest(manifest | {"config": config, "layers": list(layers)}, mt.OCI_MANIFEST, *tags)

    def blob(self, content: bytes, media_type: str, annotations: Mapping[str, str] | None = None) -> Descriptor:
        """Pushes real bytes, for an artifact."""
        return self._real(content, media_type, annotations)

    def abandoned(self, seed: str, size: int) -> None:
        """A layer whose push never came to its manifest: garbage."""
        self._storage.link_layer(self.repository, self._storage.add_synthetic_blob(seed, size))

    def _manifest(self, manifest: dict[str, Any], media_type: str, *tags: str) -> Descriptor:
        data = json.dumps(manifest, indent=2, ensure_ascii=False).encode()
        digest = self._storage.put_manifest(self.repository, data, media_type, *tags)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def _real(self, data: bytes, media_type: str, annotations: Mapping[str, str] | None = None) -> Descriptor:
        digest = self._storage.add_blob(data)
        self._storage.link_layer(self.repository, digest)
        descriptor: Descriptor = {"mediaType": media_type, "digest": digest, "size": len(data)}
        return descriptor | ({"annotations": dict(annotations)} if annotations else {})

    def _layer(self, step: DemoStep, platform: str, media_type: str) -> Descriptor:
        digest = self._storage.add_synthetic_blob(_seed(step, platform), step.size)
        self._storage.link_layer(self.repository, digest)
        return {"mediaType": media_type, "digest": digest, "size": step.size}


def timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _seed(step: DemoStep, platform: str) -> str:
    return f"{step.command}\n{step.mark}\n{step.size}\n{platform}"


def _platform(image: Image) -> dict[str, Any]:
    system, architecture, *variant = image.platform.split("/")
    platform = {"architecture": architecture, "os": system}
    if "os.version" in image.extra:
        platform["os.version"] = image.extra["os.version"]
    return platform | ({"variant": variant[0]} if variant else {})


def _config(image: Image) -> dict[str, Any]:
    history = []
    for step in image.steps:
        line: dict[str, Any] = {"created_by": step.command}
        if image.created is not None:
            line["created"] = timestamp(image.created - step.age)
        if step.comment:
            line["comment"] = step.comment
        if not step.size:
            line["empty_layer"] = True
        history.append(line)
    diffs = [digest_of(f"diff {_seed(step, image.platform)}".encode()) for step in image.steps if step.size]
    config = _platform(image) | dict(image.extra)
    if image.created is not None:
        config["created"] = timestamp(image.created)
    return config | {
        "config": dict(image.settings),
        "history": history,
        "rootfs": {"type": "layers", "diff_ids": diffs},
    }


def _encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
