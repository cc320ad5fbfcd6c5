"""A source in memory, and manifests to put into it."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from regtui.oci.digest import Digest
from regtui.oci.media_type import DOCKER_SCHEMA1, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from regtui.registry.errors import BlobNotFound, ManifestNotFound, Where
from regtui.registry.values import FetchedManifest

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
WHERE = Where("registry.example.com")


class MemorySource:
    """Answers from dicts. `errors` by reference; `requests` in order; `most_at_once` of them under way."""

    def __init__(self) -> None:
        self.manifests: dict[str, FetchedManifest] = {}
        self.configs: dict[Digest, bytes] = {}
        self.errors: dict[str, Exception] = {}
        self.requests: list[str] = []
        self.under_way = 0
        self.most_at_once = 0
        self.cancelled = 0
        self.delay = 0.0

    async def digest(self, repository: str, tag: str) -> Digest:
        return (await self.current(repository, tag)).digest

    async def named(self, repository: str, digest: Digest) -> FetchedManifest:
        return await self.current(repository, digest)

    async def current(self, repository: str, reference: str) -> FetchedManifest:
        await self._answer(reference)
        if reference not in self.manifests:
            raise ManifestNotFound(WHERE, f"{repository} has no {reference}")
        return self.manifests[reference]

    async def config(self, repository: str, digest: Digest) -> bytes:
        await self._answer(digest)
        if digest not in self.configs:
            raise BlobNotFound(WHERE, f"{repository} has no {digest}")
        return self.configs[digest]

    async def _answer(self, reference: str) -> None:
        self.requests.append(reference)
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await asyncio.sleep(self.delay)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.under_way -= 1
        if reference in self.errors:
            raise self.errors[reference]

    def put(self, tag: str, body: bytes, media_type: str) -> Digest:
        digest = Digest.of(body)
        self.manifests[tag] = self.manifests[digest] = FetchedManifest(digest, media_type, body)
        return digest

    def put_json(self, tag: str, value: Mapping[str, Any], media_type: str) -> Digest:
        return self.put(tag, json.dumps(value).encode(), media_type)

    def image(
        self,
        tag: str,
        *,
        created: str = "2026-01-02T03:04:05Z",
        architecture: str = "amd64",
        layers: Mapping[str, int] | None = None,
        history: list[dict[str, Any]] | None = None,
        **extra: Any,
    ) -> Digest:
        """An image whose layers are given by name and size."""
        config: dict[str, Any] = {"created": created, "os": "linux", "architecture": architecture}
        config["history"] = history or []
        return self.put_json(
            tag,
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": self.put_config(json.dumps(config).encode()),
                "layers": [descriptor(name.encode(), LAYER, size) for name, size in (layers or {"l": 10}).items()],
                **extra,
            },
            OCI_MANIFEST,
        )

    def put_config(self, body: bytes) -> dict[str, Any]:
        self.configs[Digest.of(body)] = body
        return descriptor(body, OCI_CONFIG)

    def index(
        self, tag: str, children: Mapping[Digest, str], attested: Mapping[Digest, Digest] | None = None
    ) -> Digest:
        """An index of children with their platforms, and of attestations with what they are about."""
        manifests: list[dict[str, Any]] = []
        for digest, platform in children.items():
            os, architecture = platform.split("/")
            manifests.append(
                {
                    "mediaType": OCI_MANIFEST,
                    "digest": digest,
                    "size": 1,
                    "platform": {"os": os, "architecture": architecture},
                }
            )
        for digest, subject in (attested or {}).items():
            manifests.append(
                {
                    "mediaType": OCI_MANIFEST,
                    "digest": digest,
                    "size": 1,
                    "platform": {"os": "unknown", "architecture": "unknown"},
                    "annotations": {
                        "vnd.docker.reference.type": "attestation-manifest",
                        "vnd.docker.reference.digest": subject,
                    },
                }
            )
        return self.put_json(tag, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}, OCI_INDEX)

    def schema1(self, tag: str, v1: Mapping[str, Any]) -> Digest:
        layer = Digest.of(b"layer")
        return self.put_json(
            tag,
            {
                "schemaVersion": 1,
                "name": "team/app",
                "tag": tag,
                "architecture": "amd64",
                "fsLayers": [{"blobSum": layer}],
                "history": [{"v1Compatibility": json.dumps(v1)}],
            },
            DOCKER_SCHEMA1,
        )


def descriptor(body: bytes, media_type: str, size: int | None = None) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": Digest.of(body), "size": len(body) if size is None else size}
