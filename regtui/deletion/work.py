"""Many requests, a few at a time, that a stop ends between two of them: never in the middle of one.

(A client that hangs up during a DELETE leaves a dangling tag on 3.1.1.)
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from regtui import bounds, limit
from regtui.deletion.journal import Unrecorded
from regtui.deletion.reasons import Reason, in_words
from regtui.deletion.values import Status
from regtui.registry.errors import RegistryError, Unreachable, Where

T = TypeVar("T")

# What a registry takes: 8 connections give 5 deletions a second in 10,000 tags instead of 3, more give nothing.
IN_FLIGHT: Final = 8


@dataclass(frozen=True, slots=True)
class Result:
    """How one item ended, where that isn't simply done. `detail`: the registry's error, or what else is known."""

    status: Status
    reason: Reason | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Attempt(Generic[T]):
    """What came of one item. `begun` is False where a stop came before it. `other`: what it says of itself."""

    item: T
    error: RegistryError | None = None
    begun: bool = True
    other: Result | None = None

    @property
    def is_done(self) -> bool:
        return self.ended.status is Status.DONE

    @property
    def ended(self) -> Result:
        if not self.begun:
            return Result(Status.SKIPPED, Reason.STOPPED)
        if self.error is not None and self.error.unheard:
            return Result(Status.FAILED, Reason.UNHEARD, self.error.message)
        if self.error is not None:
            return Result(Status.FAILED, Reason.REFUSED, str(self.error))
        return self.other or Result(Status.DONE)

    @property
    def result(self) -> tuple[Status, str, Reason | None]:
        """What an Outcome says of it: its status, and why it isn't done, in words and as a value."""
        ended = self.ended
        return ended.status, in_words(ended.reason, ended.detail) if ended.reason else ended.detail, ended.reason


class Work:
    """The stop of one run, and how much of it is waited for in vain. `stop` may be called from any thread."""

    def __init__(self) -> None:
        self.stopped = False
        # Changes in a row.
        self._silences: list[Where] = []

    def stop(self) -> None:
        self.stopped = True

    async def each(
        self, items: Iterable[T], do: Callable[[T], Awaitable[Result | None]], *, to_the_end: bool = False
    ) -> AsyncIterator[list[Attempt[T]]]:
        """Do it to each item; yield the attempts as they end, then those that a stop left out. One that can't be
        recorded isn't done, and the others are told. `to_the_end`: a stop doesn't count, for what must not
        be left half done."""

        async def done(item: T) -> Result | None:
            try:
                return await do(item)
            except Unrecorded as failed:
                return Result(Status.FAILED, Reason.UNRECORDED, failed.reason)

        ended = limit.each(
            items,
            done,
            at_once=IN_FLIGHT,
            expect=RegistryError,
            goes_on=lambda: to_the_end or not self.stopped,
        )
        async for some in ended:
            yield [Attempt(one.item, one.error, one.begun, one.result) for one in some]

    async def change(
        self, items: Iterable[T], do: Callable[[T], Awaitable[Result | None]]
    ) -> AsyncIterator[list[Attempt[T]]]:
        """The same for what changes something. Each may be waited for ten minutes: after a few in a row that were so in
        vain, those that follow fail, and aren't begun."""

        async def change_one(item: T) -> Result | None:
            if len(self._silences) >= bounds.SILENT_CHANGES:
                raise _no_more(self._silences[-1])
            try:
                result = await do(item)
            except RegistryError as error:
                self._silences = [*self._silences, error.where] if error.silent else []
                raise
            if result is None:
                self._silences = []
            return result

        async for attempts in self.each(items, change_one):
            yield attempts

    async def all(
        self, items: Iterable[T], do: Callable[[T], Awaitable[Result | None]], *, to_the_end: bool = False
    ) -> list[Attempt[T]]:
        return [attempt async for some in self.each(items, do, to_the_end=to_the_end) for attempt in some]


def _no_more(where: Where) -> RegistryError:
    changes = f"{bounds.SILENT_CHANGES} changes of {where.repository}, one after the other"
    message = f"{where.host} took too long for {changes}: no more of them are made."
    error = Unreachable(where, message, "Try again.")
    error.fails_alone()
    return error
