"""Many questions to a registry, a few at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

T = TypeVar("T")

_AT_ONCE: Final = 8


async def each(items: Iterable[T], work: Callable[[T], Awaitable[None]]) -> None:
    """A few at once; the first error ends it."""
    waiting = iter(list(items))

    async def worker() -> None:
        for item in waiting:
            await work(item)

    workers = [asyncio.ensure_future(worker()) for _ in range(_AT_ONCE)]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
