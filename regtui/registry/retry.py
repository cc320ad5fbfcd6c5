"""When a request is worth another try, and how long to wait before it."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Final

from regtui import bounds

if TYPE_CHECKING:
    import httpx

_LONGEST_WAIT: Final = 30.0
# A number of seconds that is so large is a moment: Unix time, which some write where the standard has seconds.
_UNIX_TIME: Final = 1_000_000_000.0
_TEMPORARY: Final = frozenset({429, 500, 502, 503, 504})
# The registry says by these that it did not do what was asked.
_NOT_DONE: Final = frozenset({429, 503})


class Safety(Enum):
    """What a second request can do."""

    IDEMPOTENT = "idempotent"
    """Nothing that the first didn't: GET, HEAD, OPTIONS."""
    ONCE = "once"
    """Perhaps harm: DELETE, PUT, POST. Sent again only when the first certainly had no effect."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`tries` in all, the first included; waits grow from `base` seconds, each shortened by chance so that many
    clients don't come back at the same moment."""

    tries: int = 4
    base: float = 0.25
    silences: int = 1
    """How many time-outs are borne: each was waited for in full."""
    patience: float = bounds.PATIENCE
    """Seconds that one request may be told to wait in all: that bounds it, not `tries`. But each counts for the next
    wait, which is never shorter than our own would be."""

    def after_error(self, error: "httpx.TransportError", safety: Safety) -> bool:
        import httpx  # its settings are wanted before it is

        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
            return True
        return safety is Safety.IDEMPOTENT

    def after_answer(self, response: "httpx.Response", safety: Safety) -> bool:
        return response.status_code in (_TEMPORARY if safety is Safety.IDEMPOTENT else _NOT_DONE)

    def wait(self, attempt: int) -> float:
        """Seconds before try number `attempt` + 1 (from 1), where the registry doesn't say."""
        return random.uniform(0.5, 1.0) * min(self.base * 2.0 ** (attempt - 1), _LONGEST_WAIT)  # noqa: S311


class Waiting:
    """How long a registry asked to be left alone: for whoever shows that it is waited for. Seconds, on any thread."""

    def __init__(self) -> None:
        self._until = 0.0
        self.tell: Callable[[float], None] | None = None
        """Hears of each time that is longer than what was told before."""

    def begin(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        longer = until > self._until + 1.0
        self._until = max(until, self._until)
        if longer and self.tell is not None:
            self.tell(seconds)

    @property
    def left(self) -> float:
        return max(0.0, self._until - time.monotonic())


def asked_to_wait(response: "httpx.Response") -> float | None:
    """Seconds, as the answer has them; None where it says nothing, or nothing that makes sense: no time at all, a
    moment that is past, more than a day."""
    seconds = _retry_after(response.headers.get("Retry-After", "").strip())
    return seconds if seconds is not None and 0.0 < seconds <= bounds.LONGEST_WAIT else None


def _retry_after(value: str) -> float | None:
    """RFC 9110 section 10.2.3: seconds, or a date; and Unix time."""
    if not value:
        return None
    if value.isascii() and value.isdecimal():
        number = float(value)
        return number if number < _UNIX_TIME else number - time.time()
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(value)
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        return (date - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
