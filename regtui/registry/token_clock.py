"""What a token and the answer that brought it say of the clock of the token service."""

from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from regtui.bounded_json import parse_json

LEEWAY: Final = timedelta(seconds=60)
"""Registries (distribution's) accept tokens whose times are off by so much."""


@dataclass(frozen=True, slots=True)
class GivenToken:
    """`service`: HOST[:PORT] of who gave it. `date`: the `Date` of that answer, as it was sent. `at`: when it was
    given, by this machine's clock."""

    value: str = field(repr=False)
    service: str
    date: str
    at: datetime

    def ahead(self, now: datetime) -> timedelta:
        """How far the service's clock is ahead of `now`, behind where negative; none where nothing shows a difference
        that matters. `now`: when it was given, by another clock."""
        theirs = parse_date(self.date)
        if theirs is not None and abs(theirs - now) > LEEWAY:
            return theirs - now
        begins, ends = _life(self.value)
        if begins is not None and begins - now > LEEWAY:
            return begins - now
        if ends is not None and now - ends > LEEWAY:
            return (begins or ends) - now
        return timedelta()


def parse_date(header: str) -> datetime | None:
    """A `Date` header's time; None where it is none."""
    try:
        found = parsedate_to_datetime(header)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def difference(ahead: timedelta) -> str:
    """`an hour ahead of`, `2 minutes behind`."""
    import humanize

    return f"{humanize.naturaldelta(ahead)} {'ahead of' if ahead > timedelta() else 'behind'}"


def _life(token: str) -> tuple[datetime | None, datetime | None]:
    """From when and until when a JSON Web Token is valid (RFC 7519), unverified; None for what it doesn't say."""
    parts = token.split(".")
    try:
        claims = parse_json(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))) if len(parts) == 3 else None
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        return None, None
    begins = [time for time in (_time(claims.get("iat")), _time(claims.get("nbf"))) if time is not None]
    return max(begins, default=None), _time(claims.get("exp"))


def _time(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
