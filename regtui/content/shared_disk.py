"""The disk as an event loop uses it: many small reads become a few, writes are collected, all on a thread of its own.

A call to another thread costs ten times what SQLite needs for a row (SPEED: 200 µs against 20).
"""

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from regtui import bounds
from regtui.oci.digest import Digest
from regtui.registry.values import FetchedManifest

# Written when so many are due, or so many bytes, or so many seconds after the first of them.
_MANY: Final = 200
_MUCH: Final = bounds.UNWRITTEN // 4
_SOON: Final = 1.0
# Of so many entries it is known by heart which there are, 2 MB: what is new isn't looked for on the thread, one by one.
_LISTABLE: Final = 20_000

T = TypeVar("T")

if TYPE_CHECKING:
    from regtui.content.disk import Disk


class SharedDisk:
    """Lives on one event loop; `close` it. `origin` names the registry and its user: what it sent is given to
    no other."""

    def __init__(self, file: Path, origin: Callable[[], str]) -> None:
        self._file = file
        self._opened: Disk | None = None
        self._origin = origin
        self._thread = ThreadPoolExecutor(1, "content")
        self._asked: dict[Digest, list[asyncio.Future[FetchedManifest | None]]] = {}
        self._reading: set[asyncio.Task[None]] = set()
        # What was there when the tags of a repository were first asked for. None: not known.
        self._there_then: set[str] | None = None
        self._contents: dict[str, list[FetchedManifest]] = {}
        self._tags: dict[tuple[str, str], dict[str, Digest]] = {}
        self._due: asyncio.TimerHandle | None = None
        # Bytes of content that is due, and of what the thread still has to write.
        self._size = 0
        self._writing: list[tuple[Future[None], int]] = []

    def _disk(self) -> "Disk":
        """On its own thread. Loaded when it is first needed: a list of repositories isn't kept."""
        if self._opened is None:
            from regtui.content.disk import Disk

            self._opened = Disk(self._file)
        return self._opened

    async def read(self, digest: Digest) -> FetchedManifest | None:
        """None where it isn't kept."""
        if self._there_then is not None and digest not in self._there_then:
            # What other processes add meanwhile is read from the registry: no harm.
            return None
        loop = asyncio.get_running_loop()
        if not self._asked:
            # After all that is ready to run now: whatever that asks for is read at once.
            loop.call_soon(self._begin_reading)
        # One for each who asks: whoever gives up leaves the others theirs.
        answer: asyncio.Future[FetchedManifest | None] = loop.create_future()
        self._asked.setdefault(digest, []).append(answer)
        return await answer

    def _begin_reading(self) -> None:
        reading = asyncio.ensure_future(self._read_asked())
        # The loop itself holds tasks only weakly.
        self._reading.add(reading)
        reading.add_done_callback(self._reading.discard)

    async def _read_asked(self) -> None:
        asked, self._asked = self._asked, {}
        found: dict[Digest, FetchedManifest] = {}
        try:
            origin = self._origin()
            found = await self._there(lambda: self._disk().read(origin, asked.keys()))
        finally:
            for digest, answers in asked.items():
                for answer in answers:
                    if not answer.done():
                        answer.set_result(found.get(digest))

    async def tags(self, repository: str) -> dict[str, Digest]:
        """What the repository's tags pointed at when last seen, as far as that is kept. It counts as used again."""
        self._tags.setdefault((self._origin(), repository), {})
        self._write()
        origin = self._origin()

        if self._there_then is None:
            self._there_then = await self._there(lambda: self._disk().digests(_LISTABLE))
        return await self._there(lambda: self._disk().tags(origin, repository))

    def keep(self, content: FetchedManifest) -> None:
        """Not what comes faster than the disk takes it: a registry may send gigabytes."""
        if self._unwritten() + len(content.body) > bounds.UNWRITTEN:
            return
        if self._there_then is not None:
            self._there_then.add(content.digest)
        self._contents.setdefault(self._origin(), []).append(content)
        self._size += len(content.body)
        self._write_soon()

    def keep_tag(self, repository: str, tag: str, digest: Digest) -> None:
        self._tags.setdefault((self._origin(), repository), {})[tag] = digest
        self._write_soon()

    async def keep_only(self, repository: str, tags: Collection[str]) -> None:
        """Those are all the tags of the repository."""
        self._write()
        origin = self._origin()
        await self._there(lambda: self._disk().keep_only(origin, repository, tags))

    async def close(self) -> None:
        """Writes what is due."""
        self._write()
        await self._there(self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        """On its own thread, behind what is still to be written: that may be what opens it."""
        if self._opened is not None:
            self._opened.close()

    def _write_soon(self) -> None:
        if self._size >= _MUCH or sum(map(len, self._contents.values())) >= _MANY:
            self._write()
        elif self._due is None:
            self._due = asyncio.get_running_loop().call_later(_SOON, self._write)

    def _write(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if self._contents or self._tags:
            contents, tags, size = self._contents, self._tags, self._size
            self._contents, self._tags, self._size = {}, {}, 0
            self._writing.append((self._thread.submit(lambda: self._disk().write(contents, tags)), size))

    def _unwritten(self) -> int:
        """Bytes of content in memory that aren't on the disk yet."""
        self._writing = [(batch, size) for batch, size in self._writing if not batch.done()]
        return self._size + sum(size for _, size in self._writing)

    async def _there(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
