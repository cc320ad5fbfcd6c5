"""The requests of the last while, for whoever looks into what is going on: bounded, and without secrets."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

KEPT: Final = 2_000
"""How many are kept: some minutes of browsing, half a megabyte."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, and what came back.

    `began` in seconds since the epoch. `url` has no user, and no query that may hold a secret. `status` is None where
    no answer came. `size` in bytes, of the body. `seconds` until all of it was there.
    """

    began: float
    method: str
    url: str
    status: int | None
    size: int
    seconds: float


class RequestLog:
    """Keeps the last KEPT exchanges. Written on the client's thread, read on any."""

    def __init__(self, kept: int = KEPT) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=kept)
        self._lock = threading.Lock()
        self._total = 0

    @property
    def total(self) -> int:
        """How many there were, those that aren't kept any more included."""
        return self._total

    def add(self, exchange: Exchange) -> None:
        with self._lock:
            self._exchanges.append(exchange)
            self._total += 1

    def latest(self) -> list[Exchange]:
        """As they ended, the last one last."""
        with self._lock:
            return list(self._exchanges)
