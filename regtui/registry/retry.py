"""When a request is worth another try, and how long to wait before it."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

import httpx

_LONGEST_WAIT: Final = 30.0
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

    def after_error(self, error: httpx.TransportError, safety: Safety) -> bool:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
            return True
        return safety is Safety.IDEMPOTENT

    def after_answer(self, response: httpx.Response, safety: Safety) -> bool:
        return response.status_code in (_TEMPORARY if safety is Safety.IDEMPOTENT else _NOT_DONE)

    def wait(self, attempt: int, response: httpx.Response | None = None) -> float:
        """Seconds before try number `attempt` + 1 (from 1); Retry-After counts, up to half a minute."""
        asked = _retry_after(response.headers.get("Retry-After")) if response is not None else None
        if asked is not None:
            return min(asked, _LONGEST_WAIT)
        return random.uniform(0.5, 1.0) * min(self.base * 2.0 ** (attempt - 1), _LONGEST_WAIT)  # noqa: S311


def _retry_after(value: str | None) -> float | None:
    """RFC 9110 section 10.2.3: seconds, or a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())
