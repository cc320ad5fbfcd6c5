"""All repositories of a registry, a few at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

from regtui.errors import RegtuiError

T = TypeVar("T")

# Repositories at once: many have only a few tags. What is in flight, the client bounds.
_AT_ONCE: Final = 4


async def each(items: Iterable[T], do: Callable[[T], Awaitable[None]]) -> None:
    """Does it to each of `items`. The first RegtuiError ends what is under way, and is raised; cancelled, all of it
    is."""
    waiting = iter(items)

    async def some() -> None:
        for item in waiting:
            await do(item)

    failed: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(some())
    except* RegtuiError as errors:
        failed = errors.exceptions[0]
    if failed is not None:
        raise failed
