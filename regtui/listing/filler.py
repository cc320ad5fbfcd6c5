"""Completes a list of tags: their summaries, what is looked at first, then all the others."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Final

from regtui.listing.source import Source
from regtui.listing.summary import Summary, summarize
from regtui.registry import RegistryError

# What most registries can serve at once, and what the client serves fastest (SPEED: throughput).
IN_FLIGHT: Final = 8
# Seconds between batches: more often than ten times a second, nobody sees and a list of 100,000 can't sort.
INTERVAL: Final = 0.1

Batch = list[tuple[str, Summary]]


class Filler:
    """Summarises the tags `names` of a repository, `in_flight` at a time."""

    def __init__(
        self,
        source: Source,
        repository: str,
        names: Sequence[str],
        *,
        in_flight: int = IN_FLIGHT,
        interval: float = INTERVAL,
    ) -> None:
        self.repository = repository
        self._source = source
        self._in_flight = in_flight
        self._interval = interval
        self._missing = dict.fromkeys(names)
        self._rest: Iterator[str] = iter(names)
        self._wanted: Sequence[str] = ()
        self._results: Batch = []
        self._news = asyncio.Event()

    def prioritise(self, names: Sequence[str]) -> None:
        """These come next, in their order, in place of those named before. Safe from any thread."""
        self._wanted = tuple(names)

    async def run(self) -> AsyncGenerator[Batch, None]:
        """Batches of (tag, summary), one an `interval` (seconds) at most. To be run once.

        A tag that fails alone is in a batch, with `is_retryable`. Raises the RegistryError that any other
        request would meet too (`affects_all`), after a batch of what was done until then. Closing the iterator
        cancels what is under way.
        """
        workers = [asyncio.create_task(self._work()) for _ in range(min(self._in_flight, len(self._missing)))]
        for worker in workers:
            worker.add_done_callback(lambda _: self._news.set())
        try:
            while True:
                ended = _ended(workers)
                # Cleared before the results are taken: what arrives after that sets it again.
                self._news.clear()
                if self._results:
                    batch, self._results = self._results, []
                    yield batch
                if ended:
                    break
                await asyncio.wait(workers, timeout=self._interval, return_when=asyncio.FIRST_EXCEPTION)
                if not _ended(workers):
                    await self._news.wait()
            for worker in workers:
                if worker.done():
                    worker.result()
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self) -> None:
        while (name := self._next()) is not None:
            try:
                summary = await summarize(self._source, self.repository, name)
            except RegistryError as error:
                if error.affects_all:
                    raise
                summary = Summary.failed(str(error))
            self._results.append((name, summary))
            self._news.set()

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


def _ended(workers: Sequence[asyncio.Task[None]]) -> bool:
    """Whether nothing more will come: all are done, or one has failed."""
    return all(worker.done() for worker in workers) or any(
        worker.done() and (worker.cancelled() or worker.exception() is not None) for worker in workers
    )
