"""The thread and event loop of a registry's client: filling never slows a key press.

Measured: a key press beside a running fill takes 28-48 ms on one loop, 8-11 ms with the client on its own thread.

thread = ClientThread()
session = await thread.call(open_session, target)
async for page in thread.stream(session.repositories): ...
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, Final, Generic, ParamSpec, TypeVar

from regtui.aside import aside
from regtui.errors import InternalError, RegtuiError
from regtui.settings.crash_log import log_crash

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")

# Seconds that `close` waits: code that blocks the thread keeps nobody.
_CLOSE_SECONDS: Final = 10.0


class _End(Generic[T]):
    """The last item of a stream's queue: the stream's error, or None."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class ClientThread:
    """Runs coroutines of a session on a thread of its own.

    An exception that nobody expected there is an InternalError here: the row or pane that wanted the result shows it,
    and the app lives. What is called after the end, or is under way then, is cancelled.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # Nothing is handed over once the loop is about to end: it would never be answered.
        self._handing = threading.Lock()
        self._ended: Future[None] | None = None
        self._handed: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._live, daemon=True, name="registry")
        self._thread.start()

    async def call(self, work: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Await `work(…)` there and return its result. Cancelling here cancels it there."""

        async def there() -> T:
            with _unexpected_logged():
                return await work(*args, **kwargs)

        return await asyncio.wrap_future(self._hand_over(there))

    async def stream(
        self, work: Callable[P, AsyncIterator[T]], *args: P.args, **kwargs: P.kwargs
    ) -> AsyncGenerator[T, None]:
        """Iterate `work(…)` there and yield its items. Closing the iterator here closes it there."""
        here = asyncio.get_running_loop()
        # Unbounded: the items are batches, ten a second; a slow reader loses nothing by it.
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
            with _unexpected_logged():
                async for item in work(*args, **kwargs):
                    put(item)

        def end(pumped: "Future[None]") -> None:
            put(_End(asyncio.CancelledError() if pumped.cancelled() else pumped.exception()))

        pumping = self._hand_over(pump)
        # Not in pump(): cancelled before its first step, it would never say so.
        pumping.add_done_callback(end)
        try:
            while not isinstance(item := await queue.get(), _End):
                yield item
            # Cut off by the thread's end, too: half a list must not look like a whole one.
            if item.error is not None:
                raise item.error
        finally:
            pumping.cancel()

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
            if self._ended is not None:
                # Whoever still calls is about to go itself: a screen that is being closed, a worker of it.
                raise asyncio.CancelledError
            return asyncio.run_coroutine_threadsafe(known(), self._loop)

    def end(self, last: Callable[[], Awaitable[None]] | None = None) -> "Future[None]":
        """Cancel what is running there, await `last()` there, and end the thread; return at once.

        What `last` closes isn't used anew by somebody who was in the middle of it. Again does nothing.
        """

        async def finish() -> None:
            try:
                await self._cancel_handed()
                if last is not None:
                    await last()
            finally:
                self._loop.stop()

        with self._handing:
            if self._ended is None:
                self._ended = asyncio.run_coroutine_threadsafe(finish(), self._loop)
            return self._ended

    async def close(self, last: Callable[[], Awaitable[None]] | None = None) -> None:
        """The same, and wait for the end, while this loop goes on. Raises what `last` does."""
        ended = asyncio.wrap_future(self.end(last))
        # Cancelled, the waiting ends, and not the closing.
        await asyncio.wait({ended}, timeout=_CLOSE_SECONDS)
        if ended.done():
            await aside(self._thread.join)
            ended.result()

    async def _cancel_handed(self) -> None:
        """What these started themselves is theirs to cancel: anyio's task groups warn of a child that somebody else
        cancelled before its first step."""
        await _cancel(self._handed)

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(_cancel(asyncio.all_tasks(self._loop)))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


@contextlib.contextmanager
def _unexpected_logged() -> Iterator[None]:
    try:
        yield
    except RegtuiError:
        raise
    except Exception as error:
        file = log_crash(error)
        remedy = f"The details are in {file}." if file is not None else ""
        raise InternalError(f"An internal error: {type(error).__name__}.", remedy) from error


async def _cancel(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Those that don't end within half a second are left."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    if ending:
        await asyncio.wait(ending, timeout=0.5)
