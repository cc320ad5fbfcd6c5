"""Many requests, a few at a time, that a stop ends between two of them: never in the middle of one.

(A client that hangs up during a DELETE leaves a dangling tag on 3.1.1.)
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from regtui.deletion.values import Status
from regtui.registry import RegistryError

T = TypeVar("T")

STOPPED: Final = "not done: stopped before it"
"""Why something wasn't begun."""

# What a registry takes: 8 connections give 5 deletions a second in 10,000 tags instead of 3, more give nothing.
_IN_FLIGHT: Final = 8


@dataclass(frozen=True, slots=True)
class Attempt(Generic[T]):
    """What came of one item. `begun` is False where a stop came before it."""

    item: T
    error: RegistryError | None = None
    begun: bool = True

    @property
    def is_done(self) -> bool:
        return self.begun and self.error is None

    @property
    def result(self) -> tuple[Status, str]:
        """What an Outcome says of it: its status, and why it isn't done."""
        if not self.begun:
            return Status.SKIPPED, STOPPED
        return (Status.DONE, "") if self.error is None else (Status.FAILED, str(self.error))


class Work:
    """The stop of one run. `stop` may be called from any thread."""

    def __init__(self) -> None:
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True

    async def each(
        self, items: Iterable[T], do: Callable[[T], Awaitable[None]], *, to_the_end: bool = False
    ) -> AsyncIterator[list[Attempt[T]]]:
        """Does it to each item; yields the attempts as they end, then those that a stop left out. `to_the_end`: a
        stop doesn't count, for what must not be left half done."""
        waiting = list(items)
        for start in range(0, len(waiting), _IN_FLIGHT):
            if self.stopped and not to_the_end:
                yield [Attempt(item, begun=False) for item in waiting[start:]]
                return
            some = waiting[start : start + _IN_FLIGHT]
            yield list(await asyncio.gather(*(_attempt(item, do) for item in some)))

    async def all(
        self, items: Iterable[T], do: Callable[[T], Awaitable[None]], *, to_the_end: bool = False
    ) -> list[Attempt[T]]:
        return [attempt async for some in self.each(items, do, to_the_end=to_the_end) for attempt in some]


async def _attempt(item: T, do: Callable[[T], Awaitable[None]]) -> Attempt[T]:
    try:
        await do(item)
    except RegistryError as error:
        return Attempt(item, error)
    return Attempt(item)
