"""Between two event loops: the app's, which must answer keys, and the client's, which is busy.

Measured: a key press beside a running fill takes 28-48 ms on one loop, 8-11 ms with the client on its own thread.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, Generic, Protocol, TypeVar

from regtui.errors import InternalError, RegtuiError
from regtui.settings.crash_log import log_crash

T = TypeVar("T")
R = TypeVar("R")


class Crossing(Protocol):
    """Where a connection's work runs."""

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Awaits `work()` there; cancelling here cancels it there."""

    def stream(self, work: Callable[[], AsyncIterator[T]]) -> AsyncIterator[T]:
        """Iterates `work()` there; closing the iterator here closes it there."""

    async def finish(self, last: Callable[[], Awaitable[None]]) -> None:
        """Cancels what is running there, awaits `last()` there, and ends it: what is closed then isn't used anew by
        somebody who was in the middle of it."""

    def close(self) -> None:
        """Ends it. Nothing can be run afterwards."""


class SameLoop:
    """No crossing: for commands, which have no keys to answer."""

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        return await work()

    def stream(self, work: Callable[[], AsyncIterator[T]]) -> AsyncIterator[T]:
        return work()

    async def finish(self, last: Callable[[], Awaitable[None]]) -> None:
        """What is running here is the caller's own."""
        await last()

    def close(self) -> None:
        pass


class _End(Generic[T]):
    """What a stream's queue ends with: its error, or None."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class OwnThread:
    """An event loop on a thread of its own. What fails there in a way that nobody expected is an InternalError here: it
    is told in the row or pane that wanted it, and the app lives."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # Nothing is handed over once the loop is about to end: it would never be answered.
        self._handing = threading.Lock()
        self._closed = False
        self._handed: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._live, daemon=True, name="registry")
        self._thread.start()

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        async def there() -> T:
            with _told():
                return await work()

        return await asyncio.wrap_future(self._hand_over(there))

    def _hand_over(self, work: Callable[[], Coroutine[None, None, R]]) -> "Future[R]":
        async def known() -> R:
            task = asyncio.current_task()
            assert task is not None
            self._handed.add(task)
            try:
                return await work()
            finally:
                self._handed.discard(task)

        with self._handing:
            if self._closed:
                raise RuntimeError("the crossing was closed")
            return asyncio.run_coroutine_threadsafe(known(), self._loop)

    async def stream(self, work: Callable[[], AsyncIterator[T]]) -> AsyncIterator[T]:
        here = asyncio.get_running_loop()
        # Unbounded: what crosses is batches, ten a second; a slow reader loses nothing by it.
        queue: asyncio.Queue[T | _End[T]] = asyncio.Queue()

        arrived: deque[T | _End[T]] = deque()
        is_called_for = False

        def deliver() -> None:
            nonlocal is_called_for
            # Before anything is taken: what arrives from here on calls again.
            is_called_for = False
            for _ in range(len(arrived)):
                queue.put_nowait(arrived.popleft())

        def put(item: T | _End[T]) -> None:
            # One call for all that arrive until it is made: a call for each would keep the app from its keys.
            nonlocal is_called_for
            arrived.append(item)
            if not is_called_for:
                is_called_for = True
                # The app may be gone while the last batch is under way.
                with contextlib.suppress(RuntimeError):
                    here.call_soon_threadsafe(deliver)

        async def pump() -> None:
            with _told():
                async for item in work():
                    put(item)

        def end(pumped: "Future[None]") -> None:
            put(_End(asyncio.CancelledError() if pumped.cancelled() else pumped.exception()))

        pumping = self._hand_over(pump)
        # Not in pump(): cancelled before its first step, it would never say so.
        pumping.add_done_callback(end)
        try:
            while not isinstance(item := await queue.get(), _End):
                yield item
            # Cut off by close(), too: half a list must not look like a whole one.
            if item.error is not None:
                raise item.error
        finally:
            pumping.cancel()

    async def finish(self, last: Callable[[], Awaitable[None]]) -> None:
        async def there() -> None:
            await self._cancel_handed()
            await last()

        try:
            await self.run(there)
        finally:
            self.close()

    def close(self) -> None:
        """Cancels what is running, and waits a second for it to end: a server that hangs doesn't keep us."""
        with self._handing:
            if not self._closed:
                self._closed = True
                self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(1.0)

    async def _cancel_handed(self) -> None:
        """What these started themselves is theirs to cancel: anyio's task groups warn of a child that somebody else
        cancelled before its first step."""
        await _cancel(self._handed - {asyncio.current_task()})

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._cancel_handed())
            self._loop.run_until_complete(_cancel(asyncio.all_tasks(self._loop) - self._handed))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except RegtuiError:
        raise
    except Exception as error:
        file = log_crash(error)
        remedy = f"The details are in {file}." if file is not None else ""
        raise InternalError(f"An internal error: {type(error).__name__}.", remedy) from error


async def _cancel(tasks: Iterable["asyncio.Task[Any] | None"]) -> None:
    """Those that don't end within half a second are left."""
    ending = [task for task in tasks if task is not None]
    for task in ending:
        task.cancel()
    if ending:
        await asyncio.wait(ending, timeout=0.5)
