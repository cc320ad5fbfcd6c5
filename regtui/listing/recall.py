"""What is known of tags before the registry answers: their summaries, from what was kept of an earlier run."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Final

from regtui.content.store import NotCached
from regtui.listing.source import ManifestSource
from regtui.listing.summary import Batch, Summary, summarize
from regtui.oci.digest import Digest

# 3 ms of work at a time: the registry's answers are handled in between.
_AT_ONCE: Final = 50
# Of so many it is held what was read, 2 KB each: those that are asked for later are read again.
_HELD: Final = 2_000


class Recollection:
    """The tags of a repository as they were when last seen; `tags` has the digest of each.

    It is read while the registry is asked whether they still are so. Each tag is read once: for `batches` or `read`, in
    turn, or for whoever asks for it before that. What had a gap isn't kept whole, and so isn't recalled: a gap is
    always read anew.
    """

    def __init__(self, kept: ManifestSource, repository: str, tags: Mapping[str, Digest]) -> None:
        self.repository = repository
        self.tags = tags
        self.is_told = False
        """Whether somebody takes, or took, its batches."""
        self._kept = kept
        self._unread = dict(tags)
        self._read: dict[str, Summary] = {}
        self._taken = asyncio.Event()

    async def batches(self) -> AsyncIterator[Batch]:
        """All that nobody asked for yet, marked as remembered."""
        self.is_told = True
        while some := list(islice(self._unread, _AT_ONCE)):
            await self._read_some(some)
            if batch := [(tag, replace(self._read[tag], is_remembered=True)) for tag in some if tag in self._read]:
                yield batch

    async def read(self, tags: Iterable[str]) -> None:
        """Reads ahead, in the order of `tags`; no further than is held."""
        rest: Iterator[str] = (tag for tag in tags if tag in self._unread)
        while some := list(islice(rest, _AT_ONCE)):
            await self._read_some(some)
            while len(self._read) >= _HELD:
                self._taken.clear()
                await self._taken.wait()

    async def summary(self, tag: str, digest: Digest) -> Summary | None:
        """As it was, told once. None where it leads to another digest now, where not all of it is kept, and where it
        isn't held any more or is being read just now."""
        if tag in self._unread and digest == self.tags[tag]:
            await self._read_one(tag)
        self._taken.set()
        found = self._read.pop(tag, None)
        return found if digest == self.tags.get(tag) else None

    async def _read_some(self, tags: Iterable[str]) -> None:
        await asyncio.gather(*map(self._read_one, tags))

    async def _read_one(self, tag: str) -> None:
        digest = self._unread.pop(tag, None)
        if digest is None:
            return
        with suppress(NotCached):
            self._read[tag] = await summarize(self._kept, self.repository, digest)
        if self.is_told and len(self._read) > _HELD:
            del self._read[next(iter(self._read))]
