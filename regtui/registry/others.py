"""Whether what fails for one request fails for all: what fails for one manifest alone is that manifest's fault.

The registry itself is asked, by a ping: once for all that fails at the same time, and with little patience.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from regtui import bounds
from regtui.registry import errors
from regtui.registry.errors import Where


class Moment(NamedTuple):
    """How many requests about repositories, and how many pings, were answered until then."""

    answers: int
    pongs: int


class OtherRequests:
    """How requests about repositories fare at one registry. `ping`: one that is about none, and waits for nobody."""

    def __init__(self, ping: Callable[[], Awaitable[object]]) -> None:
        self._ping = ping
        self._pinging: asyncio.Task[bool] | None = None
        self._in_a_row = 0
        self._answers = 0
        self._pongs = 0
        # By repository, since its tags were listed.
        self._silences: Counter[str] = Counter()

    @property
    def now(self) -> Moment:
        return Moment(self._answers, self._pongs)

    def answered(self) -> None:
        """By whatever is about its own repository or manifest."""
        self._answers += 1
        self._in_a_row = 0

    def listed(self, repository: str) -> None:
        """Its tags: who reads them begins anew."""
        self.answered()
        del self._silences[repository]

    def is_often_silent(self, repository: str) -> bool:
        """Whether silence is its answer: what was waited for in full isn't asked a second time."""
        return self._silences[repository] > 0

    def check(self, where: Where) -> None:
        """Before a manifest or blob is asked for. Raises Unreachable where too many were waited for in vain."""
        if not where.reference or self._silences[where.repository] < bounds.SILENCES:
            return
        error = errors.Unreachable(
            where,
            f"{where.host} took too long for {bounds.SILENCES} requests about {where.repository}: "
            "no more of them are made.",
            "Try again, or allow more with --timeout.",
        )
        error.affects_all = False
        raise error

    async def judge(self, error: errors.RegistryError, since: Moment) -> None:
        """Takes back that `error` affects all where others fare better. `since`: the moment when it was asked."""
        is_silent = isinstance(error, errors.Unreachable) and error.silent
        if error.affects_all:
            error.affects_all = not await self._fare_better(error, since)
            if is_silent and not error.affects_all:
                self._silences[error.repository] += 1
        elif not isinstance(error, errors.Unreachable):
            self.answered()

    async def _fare_better(self, error: errors.RegistryError, since: Moment) -> bool:
        """What breaks off costs little, and silences have a bound of their own. Of what else takes its time, as a
        storage elsewhere that isn't reached, or a login that is refused, some in a row are enough.
        """
        if self._answers > since.answers:
            return True
        if not (isinstance(error, errors.Unreachable) and (error.dropped or error.silent)):
            self._in_a_row += 1
            if self._in_a_row > bounds.FAILURES:
                return False
        return self._pongs > since.pongs or await self._is_there()

    async def _is_there(self) -> bool:
        if self._pinging is None:
            self._pinging = asyncio.create_task(self._pinged())
        # Whoever asked first may give up; the others still want to know.
        return await asyncio.shield(self._pinging)

    async def _pinged(self) -> bool:
        try:
            async with asyncio.timeout(bounds.PING):
                await self._ping()
        except TimeoutError:
            return False
        except errors.RegistryError as error:
            # Whatever else it says, it is there. 5xx: what stands before it is.
            if error.affects_all or isinstance(error, errors.ServerFailed):
                return False
        finally:
            self._pinging = None
        self._pongs += 1
        return True
