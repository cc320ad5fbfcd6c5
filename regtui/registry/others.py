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
        self._answers = 0
        self._pongs = 0
        # By repository, since its tags were listed: in all, and in a row.
        self._silences: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self.waited_in_vain = 0.0
        """Seconds for which requests about repositories hung until they were given up; those side by side, once."""
        self._given_up = 0.0

    @property
    def now(self) -> Moment:
        return Moment(self._answers, self._pongs)

    def answered(self, repository: str) -> None:
        """By whatever is about that repository, or its manifest."""
        self._answers += 1
        del self._failures[repository]

    def listed(self, repository: str) -> None:
        """Its tags: who reads them begins anew."""
        self.answered(repository)
        del self._silences[repository]

    def is_often_silent(self, repository: str) -> bool:
        """Whether silence is its answer: what was waited for in full isn't asked a second time."""
        return self._silences[repository] > 0

    def gave_up(self, since: float) -> None:
        """A request that was sent at that moment of the loop's clock, and hung until now."""
        now = asyncio.get_running_loop().time()
        self.waited_in_vain += now - max(since, self._given_up)
        self._given_up = now

    def check(self, where: Where) -> None:
        """Before a manifest or blob is asked for. Raises Unreachable where too many were asked for in vain."""
        if not where.reference:
            return
        what = f"requests about {where.repository}"
        if self._silences[where.repository] >= bounds.SILENCES:
            message = f"{where.host} took too long for {bounds.SILENCES} {what}: no more of them are made."
            raise _alone(where, message, "Try again, or allow more with --timeout.")
        if self._failures[where.repository] >= bounds.FAILURES:
            message = f"{bounds.FAILURES} {what} at {where.host} failed one after the other: no more of them are made."
            raise _alone(where, message, "Try again.")

    async def judge(self, error: errors.RegistryError, since: Moment, *, is_read: bool) -> None:
        """Takes back that `error` affects all where others fare better. `since`: the moment when it was asked. What is
        changed has bounds of its own (regtui.deletion.work)."""
        if error.affects_all:
            others_were_answered = self._answers > since.answers or self._pongs > since.pongs
            if others_were_answered or await self._is_there():
                error.fails_alone()
                if is_read:
                    self._count(error)
        elif not isinstance(error, errors.Unreachable):
            self.answered(error.repository)

    def _count(self, error: errors.RegistryError) -> None:
        """What breaks off costs little: of a registry a hundred blobs may have been collected."""
        if error.silent:
            self._silences[error.repository] += 1
        elif not (isinstance(error, errors.Unreachable) and error.dropped):
            self._failures[error.repository] += 1

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


def _alone(where: Where, message: str, remedy: str) -> errors.Unreachable:
    error = errors.Unreachable(where, message, remedy)
    error.fails_alone()
    return error
