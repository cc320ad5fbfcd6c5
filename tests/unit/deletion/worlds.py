"""Repositories made for the tests: described in a line, stored in the demo registry."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from regtui.local.dialect import Version
from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.retry import RetryPolicy
from regtui.registry.settings import HttpSettings
from regtui.session.opening import open_session
from regtui.session.session import Session
from regtui.session.target import Target


@dataclass
class World:
    """One registry, and a client that writes to it."""

    version: Version
    storage: MemoryStorage = field(default_factory=MemoryStorage)
    transport: httpx.AsyncBaseTransport | None = None

    async def open(self, *, read_only: bool = False) -> Session:
        transport = self.transport or LocalTransport(self.storage, self.version)
        settings = HttpSettings(transport=transport, retry=RetryPolicy(tries=3, base=0.001))
        address = Address.parse("http://test.localhost")
        return await open_session(Target(address, http=settings, ephemeral=True, read_only=read_only))

    def client(self) -> RegistryClient:
        transport = LocalTransport(self.storage, self.version)
        return RegistryClient(Address.parse("http://test.localhost"), settings=HttpSettings(transport=transport))

    async def image(
        self, repository: str, layers: Sequence[str], tags: Sequence[str] = (), subject: str = ""
    ) -> Digest:
        """An image with these layers, each a short text; its digest follows from them."""
        client = self.client()
        config = json.dumps({"os": "linux", "architecture": "amd64", "layers": list(layers)}).encode()
        blobs = [config, *(layer.encode() for layer in layers)]
        descriptors = [
            {"mediaType": "application/x", "digest": await client.upload_blob(repository, blob), "size": len(blob)}
            for blob in blobs
        ]
        descriptors[0]["mediaType"] = mt.OCI_CONFIG
        manifest: dict[str, object] = {
            "schemaVersion": 2,
            "mediaType": mt.OCI_MANIFEST,
            "config": descriptors[0],
            "layers": descriptors[1:],
        }
        if subject:
            manifest["subject"] = {"mediaType": mt.OCI_MANIFEST, "digest": subject, "size": 1}
        return await self.put(repository, manifest, mt.OCI_MANIFEST, tags)

    async def index(
        self, repository: str, children: Mapping[str, Digest] | Sequence[Digest], tags: Sequence[str] = ()
    ) -> Digest:
        """An index over `children`, by architecture or in a row."""
        named = children if isinstance(children, Mapping) else {f"arch{i}": d for i, d in enumerate(children)}
        manifests = [
            {
                "mediaType": mt.OCI_MANIFEST,
                "digest": digest,
                "size": 1,
                "platform": {"os": "linux", "architecture": architecture},
            }
            for architecture, digest in named.items()
        ]
        body = {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": manifests}
        return await self.put(repository, body, mt.OCI_INDEX, tags)

    async def put(self, repository: str, manifest: object, media_type: str, tags: Sequence[str]) -> Digest:
        client = self.client()
        body = json.dumps(manifest).encode()
        digest = Digest.of(body)
        for reference in [digest, *tags]:
            await client.put_manifest(repository, reference, body, media_type)
        return digest

    async def tags(self, repository: str) -> dict[str, Digest]:
        """What the registry says now: every tag with its digest."""
        client = self.client()
        names = [name async for page in client.tags(repository) for name in page]
        return {name: (await client.resolve(repository, name)).digest for name in names}

    async def is_whole(self, repository: str, reference: str) -> bool:
        """Whether everything below is there: manifests, children, blobs."""
        client = self.client()
        fetched = await client.manifest(repository, reference)
        value = json.loads(fetched.body)
        for child in value.get("manifests", []):
            await client.manifest(repository, child["digest"])
            if not await self.is_whole(repository, child["digest"]):
                return False
        blobs = [value["config"], *value["layers"]] if "config" in value else []
        return all([await client.has_blob(repository, Digest(blob["digest"])) for blob in blobs])
