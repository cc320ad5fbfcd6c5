"""Reads what the registry still has of what a run of the journal touched: tags, manifests, and their blobs."""

from collections.abc import Awaitable, Callable, Collection, Mapping

from regtui.deletion.entry import Entry
from regtui.deletion.recheck import tags_now
from regtui.deletion.restoration import Situation, wanted_manifests, wanted_tags
from regtui.deletion.values import StoredManifest
from regtui.deletion.work import Work
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotFound, Unreachable

Progress = Callable[[int, int], None]


async def read_situation(
    client: RegistryClient,
    entry: Entry,
    stored: Mapping[Digest, StoredManifest],
    on_progress: Progress | None = None,
) -> Situation:
    """`stored`: the manifests of the entry. Raises RegistryError where the tags can't be listed.

    Nothing is taken from memory, and manifests and blobs are read, not asked for by HEAD: a registry that wasn't
    restarted after a collection claims to have what it doesn't (2.x and 3.x with their in-memory cache).
    """
    names = set(await tags_now(client, entry.repository))
    wanted = wanted_tags(entry)
    tags = [tag for tag in wanted if tag in names]
    digests = wanted_manifests(entry, stored)
    look = _Looking(client, entry.repository, on_progress)
    look.expect(len(tags) + len(digests))
    pointing = await look.tags(tags)
    present = await look.manifests(digests)
    # A manifest that is there is put all the same, by the tag that is to lead to it: and has to be whole for that.
    put = (digests - present) | {digest for tag, digest in wanted.items() if pointing.get(tag) != digest}
    needed = {digest: stored[digest].needed_blobs for digest in put if digest in stored}
    gone = await look.gone_blobs({blob for blobs in needed.values() for blob in blobs})
    lost = {digest: tuple(blob for blob in blobs if blob in gone) for digest, blobs in needed.items()}
    return Situation(
        tags=pointing,
        present=frozenset(present),
        lost={digest: blobs for digest, blobs in lost.items() if blobs},
        unread=look.unread,
    )


class _Looking:
    """One look around: what couldn't be looked up is noted, and doesn't end it."""

    def __init__(self, client: RegistryClient, repository: str, on_progress: Progress | None) -> None:
        self._client = client
        self._repository = repository
        self._on_progress = on_progress
        self._work = Work()
        self._done = 0
        self._expected = 0
        self.unread: dict[str, str] = {}

    def expect(self, count: int) -> None:
        self._expected += count

    async def tags(self, tags: Collection[str]) -> dict[str, Digest | None]:
        found: dict[str, Digest | None] = {}

        async def look(tag: str) -> None:
            try:
                found[tag] = (await self._client.resolve(self._repository, tag)).digest
            except NotFound:
                found[tag] = None
            self._looked()

        await self._all(tags, look)
        return found

    async def manifests(self, digests: Collection[Digest]) -> set[Digest]:
        found: set[Digest] = set()

        async def look(digest: str) -> None:
            if await self._is_there(Digest(digest)):
                found.add(Digest(digest))
            self._looked()

        await self._all(digests, look)
        return found

    async def gone_blobs(self, digests: Collection[Digest]) -> set[Digest]:
        gone: set[Digest] = set()
        self.expect(len(digests))

        async def look(digest: str) -> None:
            if not await self._client.has_blob(self._repository, Digest(digest)):
                gone.add(Digest(digest))
            self._looked()

        await self._all(digests, look)
        return gone

    async def _is_there(self, digest: Digest) -> bool:
        try:
            await self._client.manifest(self._repository, digest)
        except NotFound:
            return False
        except Unreachable as error:
            if error.affects_all or not error.dropped:
                raise
            # It broke off each time, and for this manifest alone.
            return False
        return True

    async def _all(self, items: Collection[str], look: Callable[[str], Awaitable[None]]) -> None:
        for attempt in await self._work.all(sorted(items), look):
            if attempt.error is not None:
                self.unread[attempt.item] = attempt.error.message

    def _looked(self) -> None:
        self._done += 1
        if self._on_progress is not None:
            self._on_progress(self._done, self._expected)
