"""How many requests at once help: found out while they are answered.

More of them pay as long as more are answered in the same time. What a registry takes differs by two orders: a busy
one behind a proxy that limits requests takes two, one at 200 ms distance any number, 2.8.2 on two cores eight, beyond
which only the answers get later. So it begins with a few, tries more, keeps what paid, and goes back where it didn't.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from contextvars import ContextVar
from types import TracebackType
from typing import Final

START: Final = 4
# Answers that are counted before a number is judged: so many, and some rounds of it, or chance would judge.
_FEWEST: Final = 16
_ROUNDS: Final = 3
# Twice as many requests have to bring this much more; for less, answers only get later.
_WORTH: Final = 0.2
# Windows until more is tried again: after it didn't pay, and after the registry said that it was too much.
_PATIENCE: Final = 8
_LONG_PATIENCE: Final = 64


class Pace:
    """`limit`: the number of requests that may be under way now, never above `most`. Pure: is told what happens."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._wanted = START
        self._kept = START
        self._rate = 0.0
        self._patience = 0
        self._pause = _PATIENCE
        self._answers = 0
        self._since: float | None = None
        self._excused = 0

    @property
    def limit(self) -> int:
        return max(1, min(self._wanted, self.most))

    def answered(self, now: float, *, full: bool) -> None:
        """An answer came at `now` (seconds). `full`: `limit` requests were under way; else it says nothing of it."""
        self._excused = max(0, self._excused - 1)
        if not full or self._since is None:
            self._begin(now)
            return
        self._answers += 1
        if self._answers >= max(_FEWEST, _ROUNDS * self.limit) and now > self._since:
            self._judge(self._answers / (now - self._since))
            self._begin(now)

    def refused(self, now: float) -> None:
        """It was too much: a 429, a 502 to 504, or a time-out. Half as many from now on."""
        self._begin(now)
        if self._excused:
            self._excused -= 1  # It was sent before the last cut.
            return
        self._excused = self.limit
        self._wanted = self._kept = max(1, self.limit // 2)
        self._patience = self._pause = _LONG_PATIENCE

    def _begin(self, now: float) -> None:
        self._since, self._answers = now, 0

    def _judge(self, rate: float) -> None:
        """`rate`: answers a second with the present limit."""
        if self._wanted > self._kept:
            if rate < self._rate * (1 + _WORTH * (self.limit / self._kept - 1)):
                self._wanted = self._kept
                self._patience = self._pause
                self._pause = min(self._pause * 2, _LONG_PATIENCE)
                return
            self._kept = self.limit
        elif self._patience:
            self._patience -= 1
            return
        if self.limit < self.most:
            self._rate, self._wanted = rate, self.limit * 2


class _Turn:
    """One slot of `gate`, held for several requests. A task that outlives it finds it closed."""

    def __init__(self, gate: "Gate") -> None:
        self.gate = gate
        self.is_open = True


_turns: ContextVar[tuple[_Turn, ...]] = ContextVar("_turns", default=())
_OPEN: Final = nullcontext()


class Gate:
    """Lets in as many as the pace allows, in the order they came. On one event loop.

    async with gate.slot():
        ...  # one request
    async with gate.turn():
        ...  # some, one after the other, that nobody else's come between
    """

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        if self._inside < self.pace.limit and not self._waiting:
            self._inside += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # Its turn came in the same moment: it is another's now.
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def slot(self) -> AbstractAsyncContextManager[object]:
        """The way in of one request; at once where it is part of a turn."""
        is_inside = any(turn.gate is self and turn.is_open for turn in _turns.get())
        return _OPEN if is_inside else self

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One slot for all that is sent within, also by tasks that are begun there: they never wait for another."""
        async with self.slot():
            turn = _Turn(self)
            token = _turns.set((*_turns.get(), turn))
            try:
                yield
            finally:
                turn.is_open = False
                _turns.reset(token)

    def answered(self) -> None:
        self.pace.answered(_now(), full=self._inside >= self.pace.limit)

    def refused(self) -> None:
        self.pace.refused(_now())

    def _leave(self) -> None:
        self._inside -= 1
        while self._waiting and self._inside < self.pace.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)


def _now() -> float:
    """The loop's time, in seconds: what is waited for there is measured there."""
    return asyncio.get_running_loop().time()
