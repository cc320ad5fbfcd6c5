"""Many things at once, and no more than so many: the next is begun as soon as one has ended."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
E = TypeVar("E", bound=Exception)


@dataclass(frozen=True, slots=True)
class Ended(Generic[T, R, E]):
    """What came of one item: `result`, or the `error` that was expected. Neither where it was never `begun`."""

    item: T
    result: R | None = None
    error: E | None = None
    begun: bool = True


async def each(
    items: Iterable[T],
    do: Callable[[T], Awaitable[R]],
    *,
    at_once: int,
    expect: type[E],
    goes_on: Callable[[], bool] = lambda: True,
) -> AsyncIterator[list[Ended[T, R, E]]]:
    """Do it to each item, `at_once` of them at a time; yield those that have ended, as they end.

    `expect`: errors that concern one item alone. Any other ends it all, once what was begun has ended. `goes_on` is
    asked before each begin: from the first no on nothing is begun, and the rest is yielded last, as not begun.
    Closing it early cancels what is in flight.
    """
    waiting = deque(items)
    running: dict[asyncio.Task[R], T] = {}
    try:
        while True:
            while waiting and len(running) < at_once and goes_on():
                item = waiting.popleft()
                running[asyncio.ensure_future(_awaited(do(item)))] = item
            if not running:
                break
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            if any(_unexpected(task, expect) for task in done):
                await asyncio.wait(running)
                raise next(error for task in running if (error := _unexpected(task, expect)))
            yield [_ended(running.pop(task), task, expect) for task in done]
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    if waiting:
        yield [Ended(item, begun=False) for item in waiting]


async def _awaited(doing: Awaitable[R]) -> R:
    return await doing


def _unexpected(task: "asyncio.Task[R]", expect: type[E]) -> BaseException | None:
    error = task.exception()
    return None if error is None or isinstance(error, expect) else error


def _ended(item: T, task: "asyncio.Task[R]", expect: type[E]) -> Ended[T, R, E]:
    error = task.exception()
    if isinstance(error, expect):
        return Ended(item, error=error)
    return Ended(item, task.result())
