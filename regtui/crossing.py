"""Between two event loops: the app's, which must answer keys, and the client's, which is busy.

Measured: a key press beside a running fill takes 28-48 ms on one loop, 8-11 ms with the client on its own thread.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Crossing(Protocol):
    """Where a connection's work runs."""

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Awaits `work()` there; cancelling here cancels it there."""

    def stream(self, work: Callable[[], AsyncIterator[T]]) -> AsyncIterator[T]:
        """Iterates `work()` there; closing the iterator here closes it there."""

    def close(self) -> None:
        """Ends it. Nothing can be run afterwards."""


class SameLoop:
    """No crossing: for commands, which have no keys to answer."""

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        return await work()

    def stream(self, work: Callable[[], AsyncIterator[T]]) -> AsyncIterator[T]:
        return work()

    def close(self) -> None:
        pass


class _End(Generic[T]):
    """What a stream's queue ends with: its error, or None."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class OwnThread:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, daemon=True, name="registry")
        self._thread.start()

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        async def there() -> T:
            return await work()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(there(), self._loop))

    async def stream(self, work: Callable[[], AsyncIterator[T]]) -> AsyncIterator[T]:
        here = asyncio.get_running_loop()
        # Unbounded: what crosses is batches, ten a second; a slow reader loses nothing by it.
        queue: asyncio.Queue[T | _End[T]] = asyncio.Queue()

        def put(item: T | _End[T]) -> None:
            # The app may be gone while the last batch is under way.
            with contextlib.suppress(RuntimeError):
                here.call_soon_threadsafe(queue.put_nowait, item)

        async def pump() -> None:
            try:
                async for item in work():
                    put(item)
            except BaseException as error:
                put(_End(error))
                raise
            put(_End(None))

        pumping = asyncio.run_coroutine_threadsafe(pump(), self._loop)
        try:
            while not isinstance(item := await queue.get(), _End):
                yield item
            if item.error is not None and not isinstance(item.error, asyncio.CancelledError):
                raise item.error
        finally:
            pumping.cancel()

    def close(self) -> None:
        """Cancels what is running, and waits a second for it to end: a server that hangs doesn't keep us."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(1.0)

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            if tasks:
                self._loop.run_until_complete(asyncio.wait(tasks, timeout=0.5))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
