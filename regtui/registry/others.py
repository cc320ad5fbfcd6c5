"""Whether what fails for one request fails for all: what breaks off for one manifest alone is that manifest's fault."""

from collections.abc import Awaitable, Callable

from regtui import bounds
from regtui.registry import errors


class OtherRequests:
    """How requests about repositories fare at one registry. `ping`: one that is about none."""

    def __init__(self, ping: Callable[[], Awaitable[object]]) -> None:
        self._ping = ping
        self._in_a_row = 0
        self.answers = 0
        """How many were answered so far, by whatever is about their own repository or manifest."""

    def answered(self) -> None:
        self.answers += 1
        self._in_a_row = 0

    async def judge(self, error: errors.RegistryError, since: int) -> None:
        """Takes back that `error` affects all where others fare better. `since`: the `answers` when it was asked."""
        if not error.affects_all:
            self.answered()
        else:
            error.affects_all = not await self._fare_better(error, since)

    async def _fare_better(self, error: errors.RegistryError, since: int) -> bool:
        """Where nobody else was answered meanwhile, the registry is asked, but for what would only happen again: no
        connection, and a silence. What breaks off costs little, and is looked at each time. Of what takes its time, as
        a storage elsewhere that isn't reached, some in a row are enough.
        """
        if self.answers > since:
            return True
        if isinstance(error, errors.Unreachable) and not error.reached:
            return False
        self._in_a_row += not (isinstance(error, errors.Unreachable) and error.dropped)
        if self._in_a_row > bounds.FAILURES:
            return False
        try:
            await self._ping()
        except errors.RegistryError:
            return False
        return True
