"""Writes to the terminal, on a thread of its own: a terminal that is slow stops nobody."""

import contextlib
import os
import select
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread


class OutputThread(Thread):
    """`written` is called, on this thread, each time when all there was has gone to the operating system."""

    def __init__(self, descriptor: int, written: Callable[[], None]) -> None:
        super().__init__(name="difference-driver-output", daemon=True)
        self._descriptor = descriptor
        self._written = written
        self._busy = False
        # Reentrant, unlike Queue: signal handlers write too.
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()

    def write(self, data: bytes) -> None:
        """Returns at once."""
        self._queue.put(data)

    def close(self) -> None:
        """After everything has been written."""
        self._queue.put(None)
        if self.is_alive():
            self.join()

    def is_busy(self) -> bool:
        """Whether something has not gone to the operating system yet."""
        return self._busy or not self._queue.empty()

    def run(self) -> None:
        while (data := self._queue.get()) is not None:
            self._busy = True
            # Where the terminal is gone, the program will hear of it by a signal.
            with contextlib.suppress(OSError):
                self._write_all(data)
            self._busy = False
            if self._queue.empty():
                self._written()

    def _write_all(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
