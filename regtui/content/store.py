"""What was read once isn't read again: manifests and configs in memory, and on disk between runs.

What is kept may be sent: a deletion records it for undo, a repair takes it from here. So a registry is answered only by
what it has sent itself, to this user (`SharedDisk`): else it would get another registry's config by naming its digest.
And that we have it proves nothing of what a repository's user may see. So kept content is used only after the registry
has named its digest in this repository: by answering what a tag leads to, or within a manifest of that repository.
Asked for by a digest that came from elsewhere, a user or another repository, it is read from the registry, or refused
by it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from regtui.content.shared_disk import SharedDisk
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import RegistryError
from regtui.registry.values import FetchedManifest

_CAPACITY: Final = 64 * 1024 * 1024

# (repository, digest)
_Key = tuple[str, str]
_Flight = asyncio.Task[FetchedManifest]
# In place of a repository: a flight that any repository may wait for.
_ANY: Final = ""


class NotCached(LookupError):
    """It would have to be read from the registry."""


def _heard(flight: _Flight) -> None:
    """A failure that everybody stopped waiting for isn't reported on the terminal."""
    if not flight.cancelled():
        flight.exception()


class ContentStore:
    """In front of one registry's client; `capacity` in bytes of content in memory, least recently used first to go.
    Lives on the client's event loop; `close` it.

    All methods raise what the client raises. A failure is not remembered.
    """

    def __init__(self, client: RegistryClient, disk: SharedDisk | None = None, capacity: int = _CAPACITY) -> None:
        self._client = client
        self._disk = disk
        self._capacity = capacity
        self._size = 0
        self._kept: OrderedDict[str, FetchedManifest] = OrderedDict()
        # What the registry has shown or confirmed to us, and what each tag led to: in this run.
        self._confirmed: dict[str, set[str]] = {}
        self._tags: dict[str, dict[str, Digest]] = {}
        self._flights: dict[_Key, _Flight] = {}
        # Where nothing kept before counts: what is gone from there shall be seen.
        self._reread: set[str] = set()
        self._recalled: set[str] = set()

    @property
    def host(self) -> str:
        """Whose content it is, as the user calls it."""
        return self._client.host

    async def manifest(self, repository: str, reference: str) -> FetchedManifest:
        """A manifest by tag (always read: tags move) or by digest (read, unless the registry confirmed that it has
        it)."""
        digest = Digest.or_none(reference)
        if digest is not None:
            return await self._once(
                repository, digest, lambda: self._client.manifest(repository, reference), is_named=False
            )
        fetched = await self._client.manifest(repository, reference)
        self._keep(repository, fetched)
        self._learn(repository, reference, fetched.digest)
        return fetched

    async def current(self, repository: str, reference: str) -> FetchedManifest:
        """What a tag or digest leads to now: for a tag a HEAD where its content is kept and hasn't moved, else a
        GET."""
        known = self._tags.get(repository, {}).get(reference)
        if known is None or (known not in self._kept and self._disk is None) or not self._client.answers_head:
            return await self.manifest(repository, reference)
        digest = await self.digest(repository, reference)
        if (kept := await self._find(digest)) is not None:
            return kept
        fetched = await self.manifest(repository, reference)
        if fetched.digest != digest:
            self._client.distrust_head()
        return fetched

    async def digest(self, repository: str, tag: str) -> Digest:
        """What a tag leads to now: a HEAD, where that can be trusted. Not a GET with If-None-Match, which would save a
        request where it moved: to that, 2.8.2 and 3.1.1 answer 304 also where the manifest is gone (measured)."""
        if not self._client.answers_head:
            return (await self.manifest(repository, tag)).digest
        resolved = await self._client.resolve(repository, tag)
        self._learn(repository, tag, resolved.digest)
        return resolved.digest

    async def named(self, repository: str, digest: Digest) -> FetchedManifest:
        """A manifest that a manifest of this repository names."""
        return await self._once(repository, digest, lambda: self._client.manifest(repository, digest), is_named=True)

    async def config(self, repository: str, digest: Digest) -> bytes:
        """The bytes of a config blob that a manifest of this repository names."""

        async def fetch() -> FetchedManifest:
            return FetchedManifest(digest, "", await self._client.blob(repository, digest))

        return (await self._once(repository, digest, fetch, is_named=True)).body

    async def recall(self, repository: str) -> dict[str, Digest]:
        """What the tags led to when last seen, in an earlier run too. None where nothing is kept; it may have
        changed."""
        if self._disk is None or repository in self._reread:
            return {}
        self._recalled.add(repository)
        remembered = await self._disk.tags(repository)
        known = self._tags.get(repository, {})
        self._tags[repository] = remembered | known
        return remembered

    async def listed(self, repository: str, tags: set[str]) -> None:
        """Those are all its tags now: others that were recalled aren't any more."""
        if self._disk is not None and repository in self._recalled:
            await self._disk.keep_only(repository, tags)

    @property
    def kept(self) -> "CachedContent":
        """What is kept, without asking the registry."""
        return CachedContent(self._find)

    def forget(self, repository: str) -> None:
        """What is known of a repository is read again: after a deletion, or a reload."""
        self._confirmed.pop(repository, None)
        self._reread.add(repository)
        self._tags.pop(repository, None)

    def release(self, repository: str) -> None:
        """What is held of a repository is dropped from memory, where it is on disk: for who goes through many. What was
        kept before goes on to count."""
        for digest in self._confirmed.pop(repository, ()):
            if self._disk is not None and (kept := self._kept.pop(digest, None)) is not None:
                self._size -= len(kept.body)
        self._tags.pop(repository, None)

    def is_reread(self, repository: str) -> bool:
        """Whether nothing that was kept before counts there."""
        return repository in self._reread

    async def close(self) -> None:
        if self._disk is not None:
            await self._disk.close()

    # Within

    async def _once(
        self,
        repository: str,
        digest: Digest,
        fetch: Callable[[], Awaitable[FetchedManifest]],
        *,
        is_named: bool,
    ) -> FetchedManifest:
        """Kept, or read once however many ask at the same time. `is_named`: by a manifest of this repository."""
        is_shared = is_named and repository not in self._reread
        may_be_kept = is_shared or digest in self._confirmed.get(repository, ())
        if may_be_kept and (kept := self._kept.get(digest)):
            self._kept.move_to_end(digest)
            return kept
        flight = self._flights.get((repository, digest))
        if flight is None and is_shared and (other := self._flights.get((_ANY, digest))):
            try:
                return await asyncio.shield(other)
            except RegistryError:
                pass  # Another repository hasn't got it, or doesn't show it. This one may.
            flight = self._flights.get((repository, digest))
        if flight is None:
            flight = asyncio.ensure_future(self._fly(repository, digest, fetch, from_disk=may_be_kept))
            flight.add_done_callback(_heard)
            self._flights[repository, digest] = flight
            self._flights.setdefault((_ANY, digest), flight)
        # Whoever asked first may give up; the others still want it.
        return await asyncio.shield(flight)

    async def _fly(
        self, repository: str, digest: Digest, fetch: Callable[[], Awaitable[FetchedManifest]], *, from_disk: bool
    ) -> FetchedManifest:
        try:
            if from_disk and (kept := await self._find(digest)):
                return kept
            fetched = await fetch()
            self._keep(repository, fetched)
            return fetched
        finally:
            flight = self._flights.pop((repository, digest))
            if self._flights.get((_ANY, digest)) is flight:
                del self._flights[_ANY, digest]

    async def _find(self, digest: Digest) -> FetchedManifest | None:
        if kept := self._kept.get(digest):
            self._kept.move_to_end(digest)
            return kept
        if self._disk is not None and (kept := await self._disk.read(digest)):
            self._remember(kept)
            return kept
        return None

    def _learn(self, repository: str, tag: str, digest: Digest) -> None:
        self._confirmed.setdefault(repository, set()).add(digest)
        known = self._tags.setdefault(repository, {})
        # What hasn't moved is on the disk already.
        if self._disk is not None and known.get(tag) != digest:
            self._disk.keep_tag(repository, tag, digest)
        known[tag] = digest

    def _keep(self, repository: str, content: FetchedManifest) -> None:
        """What was just read from there."""
        self._confirmed.setdefault(repository, set()).add(content.digest)
        if content.digest not in self._kept:
            self._remember(content)
            if self._disk is not None:
                self._disk.keep(content)

    def _remember(self, content: FetchedManifest) -> None:
        if content.digest in self._kept:
            return
        self._kept[content.digest] = content
        self._size += len(content.body)
        while self._size > self._capacity:
            _, dropped = self._kept.popitem(last=False)
            self._size -= len(dropped.body)


class CachedContent:
    """Reads only what is kept; raises NotKept for all else. For showing what was known before the registry answers."""

    def __init__(self, find: Callable[[Digest], Awaitable[FetchedManifest | None]]) -> None:
        self._find = find

    async def current(self, repository: str, reference: str) -> FetchedManifest:
        digest = Digest.or_none(reference)
        kept = await self._find(digest) if digest is not None else None
        if kept is None:
            raise NotCached(reference)
        return kept

    async def named(self, repository: str, digest: Digest) -> FetchedManifest:
        return await self.current(repository, digest)

    async def config(self, repository: str, digest: Digest) -> bytes:
        return (await self.current(repository, digest)).body

    async def digest(self, repository: str, tag: str) -> Digest:
        raise NotCached(tag)
