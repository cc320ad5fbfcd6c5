"""A loop whose clock runs by itself: what waits is waited for at once, and takes exactly as long as it says."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Given = TypeVarTuple("Given")


class _Selector(selectors.SelectSelector):
    """Instead of waiting, time passes; not while a thread works for the loop: what it takes is real."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.threads:
            # The thread's answer wakes it. Whatever is due now is done first.
            return super().select(timeout if timeout == 0 else None)
        ready = super().select(timeout if timeout is None else 0)
        if not ready:
            self.now += timeout or 0.0
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Given], T], *args: *Given
    ) -> asyncio.Future[T]:
        answer = super().run_in_executor(executor, func, *args)
        self._clock.threads += 1
        answer.add_done_callback(self._end_thread)
        return answer

    def _end_thread(self, _answer: object) -> None:
        self._clock.threads -= 1


def in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns. For work on one loop and its executor: other threads and programs know only the
    real time."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(work)


def now() -> float:
    """The running loop's time, in seconds."""
    return asyncio.get_running_loop().time()
