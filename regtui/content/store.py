"""Manifests and image configs in memory, least recently used first to go; one request however many ask at once."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from regtui.oci import Digest
from regtui.registry import FetchedManifest, RegistryClient

_CAPACITY: Final = 64 * 1024 * 1024

# Kept per repository: that another repository has a manifest doesn't mean that this one does.
_Key = tuple[str, str]


def _heard(flight: asyncio.Task[FetchedManifest]) -> None:
    """A failure that everybody stopped waiting for isn't reported on the terminal."""
    if not flight.cancelled():
        flight.exception()


class ContentStore:
    """In front of one registry's client; `capacity` in bytes of content. Lives on the client's event loop.

    All methods raise what the client raises. A failure is not remembered.
    """

    def __init__(self, client: RegistryClient, capacity: int = _CAPACITY) -> None:
        self._client = client
        self._capacity = capacity
        self._size = 0
        self._kept: OrderedDict[_Key, FetchedManifest] = OrderedDict()
        self._tags: dict[_Key, Digest] = {}
        self._flights: dict[_Key, asyncio.Task[FetchedManifest]] = {}

    async def manifest(self, repository: str, reference: str) -> FetchedManifest:
        """A manifest by tag (always asked for: tags move) or by digest."""
        digest = Digest.or_none(reference)
        if digest is not None:
            return await self._once((repository, digest), lambda: self._client.manifest(repository, reference))
        fetched = await self._client.manifest(repository, reference)
        self._keep((repository, fetched.digest), fetched)
        self._tags[repository, reference] = fetched.digest
        return fetched

    async def current(self, repository: str, tag: str) -> FetchedManifest:
        """What `tag` points at now: a HEAD where it was read before and hasn't moved, else a GET."""
        known = self._tags.get((repository, tag))
        if known is None or (repository, known) not in self._kept:
            return await self.manifest(repository, tag)
        resolved = await self._client.resolve(repository, tag)
        if resolved.digest == known and (kept := self._kept.get((repository, known))):
            return kept
        return await self.manifest(repository, tag)

    async def config(self, repository: str, digest: Digest) -> bytes:
        """The bytes of a config blob."""

        async def fetch() -> FetchedManifest:
            return FetchedManifest(digest, "", await self._client.blob(repository, digest))

        return (await self._once((repository, digest), fetch)).body

    def forget(self, repository: str) -> None:
        """Drops what is known of a repository: after a deletion, or a reload."""
        for key in [key for key in self._kept if key[0] == repository]:
            self._size -= len(self._kept.pop(key).body)
        for key in [key for key in self._tags if key[0] == repository]:
            del self._tags[key]

    async def _once(self, key: _Key, fetch: Callable[[], Awaitable[FetchedManifest]]) -> FetchedManifest:
        if kept := self._kept.get(key):
            self._kept.move_to_end(key)
            return kept
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.ensure_future(self._fly(key, fetch))
            flight.add_done_callback(_heard)
            self._flights[key] = flight
        # Whoever asked first may give up; the others still want it.
        return await asyncio.shield(flight)

    async def _fly(self, key: _Key, fetch: Callable[[], Awaitable[FetchedManifest]]) -> FetchedManifest:
        try:
            fetched = await fetch()
            self._keep(key, fetched)
            return fetched
        finally:
            del self._flights[key]

    def _keep(self, key: _Key, content: FetchedManifest) -> None:
        if key in self._kept:
            return
        self._kept[key] = content
        self._size += len(content.body)
        while self._size > self._capacity:
            _, dropped = self._kept.popitem(last=False)
            self._size -= len(dropped.body)
