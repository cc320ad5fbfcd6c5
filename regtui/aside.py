"""Blocking work beside an event loop, on a thread that nothing waits for when regtui ends."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def aside(work: Callable[[], T]) -> T:
    """What `work()` returns or raises. Unlike asyncio.to_thread, a thread that hangs doesn't keep the program: it is a
    daemon. Cancelling stops the waiting, not the work."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def tell(done: Callable[[], None]) -> None:
        # The loop may be gone, and who waited may be cancelled.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: None if answer.done() else done())

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 (handed on to who awaits it)
            raised = error
            tell(lambda: answer.set_exception(raised))
        else:
            tell(lambda: answer.set_result(result))

    threading.Thread(target=run, daemon=True, name="aside").start()
    return await answer
