"""Completes a list of tags: their summaries, what is looked at first, then all the others."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from typing import Final

from regtui.listing.recall import Recollection
from regtui.listing.source import ManifestSource
from regtui.listing.summary import Batch, Summary, summarize_found
from regtui.registry.errors import NotFound, RegistryError

log: Final = logging.getLogger("regtui.faults")

# Seconds between batches: each may move rows and repaints the table, which takes 8 ms and some KB over SSH.
INTERVAL: Final = 0.2
# Intervals until what nobody looks at is told: all it changes on the screen is how far reading is, and rows that push
# in between others. Once a second that can be followed, and costs next to nothing.
_SELDOM: Final = 5


class Filler:
    """Summarises the tags `names` of a repository, as many at a time as `in_flight` says at that time."""

    def __init__(
        self,
        source: ManifestSource,
        repository: str,
        names: Sequence[str],
        *,
        in_flight: Callable[[], int] = lambda: 8,
        interval: float = INTERVAL,
    ) -> None:
        self.repository = repository
        self._source = source
        self._recollection: Recollection | None = None
        self._in_flight = in_flight
        self._interval = interval
        self._missing = dict.fromkeys(names)
        self._rest: Iterator[str] = iter(names)
        self._wanted: Sequence[str] = ()
        # Each asks for one tag after the other: a task for each tag would cost as much as its request.
        self._workers: set[asyncio.Task[None]] = set()
        self._results: Batch = []
        self._failure: BaseException | None = None
        self._news = asyncio.Event()
        self._ended = asyncio.Event()

    def prioritise(self, names: Sequence[str]) -> None:
        """These are looked at: they come next, in their order, in place of those named before, and are told soon. Safe
        from any thread."""
        self._wanted = tuple(names)

    async def run(self, recollection: Recollection | None = None) -> AsyncGenerator[Batch, None]:
        """Batches of (tag, summary), one an `interval` (seconds) at most; while something is looked at, batches
        without any of it come more seldom. To be run once.

        Of tags in the `recollection` it is asked whether they still lead to the same digest, and nothing else where
        they do.

        A tag that fails alone is in a batch, with `is_retryable`. Raises the RegistryError that any other
        request would meet too (`affects_all`), after a batch of what was done until then. Closing the iterator
        cancels what is under way.
        """
        self._recollection = recollection
        try:
            self._top_up()
            # The first ones are shown as soon as they are there.
            held = _SELDOM
            while True:
                ended = self._ended.is_set()
                # Cleared before the results are taken: what arrives after that sets it again.
                self._news.clear()
                if self._results and (ended or held >= _SELDOM or self._are_looked_at()):
                    batch, self._results, held = self._results, [], 0
                    yield batch
                if ended:
                    break
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._ended.wait(), self._interval)
                held += 1
                if not self._ended.is_set() and not self._results:
                    await self._news.wait()
            if self._failure is not None:
                raise self._failure
        finally:
            self._ended.set()
            workers = list(self._workers)
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    def _are_looked_at(self) -> bool:
        """Whether somebody waits for one of the results, or for all alike."""
        wanted = set(self._wanted)
        return not wanted or any(name in wanted for name, _ in self._results)

    def _top_up(self) -> None:
        while self._missing and not self._ended.is_set() and len(self._workers) < self._in_flight():
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._done)
        if not self._workers:
            self._ended.set()
            self._news.set()

    async def _work(self) -> None:
        """Takes the next tag no earlier than it can be asked for: what becomes visible meanwhile comes before it."""
        while not self._ended.is_set() and len(self._workers) <= self._in_flight():
            name = self._next()
            if name is None:
                break
            await self._fill(name)
            self._news.set()
            self._top_up()

    def _done(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not worker.cancelled() and (failure := worker.exception()) is not None:
            self._failure = self._failure or failure
            self._ended.set()
            self._news.set()
        self._top_up()

    async def _fill(self, name: str) -> None:
        try:
            summary = await self._summary(name)
        except RegistryError as error:
            if error.affects_all:
                raise
            summary = Summary.failed(str(error))
        except Exception as error:
            log.exception("%s:%s", self.repository, name)
            summary = Summary.failed(f"an internal error: {type(error).__name__}")
        self._results.append((name, summary))

    async def _summary(self, tag: str) -> Summary:
        recollection = self._recollection
        if recollection is None or tag not in recollection.tags:
            return await summarize_found(self._source, self.repository, tag)
        try:
            digest = await self._source.digest(self.repository, tag)
        except NotFound:
            return Summary.gone()
        if (known := await recollection.summary(tag, digest)) is not None:
            return known
        summary = await summarize_found(self._source, self.repository, digest)
        # Of a digest that isn't there the tag itself decides: HEAD may be answered by a cache, or with nonsense.
        is_there = summary.digest is not None
        return summary if is_there else await summarize_found(self._source, self.repository, tag)

    def _next(self) -> str | None:
        for name in self._wanted:
            if name in self._missing:
                del self._missing[name]
                return name
        for name in self._rest:
            if name in self._missing:
                del self._missing[name]
                return name
        return None
