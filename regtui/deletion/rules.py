"""What a rule says: conditions that are added up. Which tags it selects says judging."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final

from regtui.deletion.expressions import Expression
from regtui.errors import UsageError

OPTIONS: Final[Mapping[str, str]] = {
    "match": "--match",
    "older_than": "--older-than",
    "keep": "--keep",
    "keep_images": "--keep-images",
    "keep_by": "--keep-by",
    "keep_match": "--keep-match",
    "not_pulled_for": "--not-pulled-for",
}
"""What the texts of a rule are called on the command line."""

_PERIOD: Final = re.compile(r"([0-9]{1,5})\s*([hdwmy])", re.IGNORECASE)
_UNITS: Final = {
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "m": timedelta(days=30),
    "y": timedelta(days=365),
}
_LARGEST_KEEP: Final = 1_000_000


class KeepBy(Enum):
    CREATED = "created"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Rule:
    """Made by `parse_rule`. `older_than` and `not_pulled_for` are above zero, `keep` and `keep_images` at least 1, not
    both given."""

    match: Expression | None = None
    older_than: timedelta | None = None
    prereleases: bool = False
    duplicates: bool = False
    keep: int | None = None
    keep_images: int | None = None
    keep_by: KeepBy = KeepBy.CREATED
    keep_match: Expression | None = None
    not_pulled_for: timedelta | None = None

    @property
    def selects(self) -> bool:
        """Whether it says what goes: what stays alone would be everything else."""
        conditions = (self.match, self.older_than, self.keep, self.keep_images, self.not_pulled_for)
        return self.prereleases or self.duplicates or any(each is not None for each in conditions)

    @property
    def needs_dates(self) -> bool:
        keeps = self.keep is not None or self.keep_images is not None
        return self.older_than is not None or (keeps and self.keep_by is KeepBy.CREATED)

    @property
    def needs_versions(self) -> bool:
        return self.prereleases or self.keep_by is KeepBy.VERSION

    @property
    def needs_reading(self) -> bool:
        """Whether names alone aren't enough: every tag has to be asked for."""
        reads_images = self.duplicates or self.keep_images is not None or self.not_pulled_for is not None
        return self.needs_dates or reads_images


# From what was typed


def parse_rule(
    *,
    match: str = "",
    older_than: str = "",
    keep: str = "",
    keep_images: str = "",
    keep_by: str = "",
    keep_match: str = "",
    prereleases: bool = False,
    duplicates: bool = False,
    not_pulled_for: str = "",
    places: Mapping[str, str] = OPTIONS,
) -> Rule:
    """A rule from texts, empty ones left out. `places`: what each is called where it was typed, for the errors.

    Raises UsageError that names the place. The rule may be one that selects nothing: see `Rule.selects`.
    """
    by = KeepBy(keep_by) if keep_by else KeepBy.CREATED
    if keep and keep_images:
        raise UsageError(f"{places['keep']} and {places['keep_images']} both say how much is kept.", "Give one.")
    if keep_by and not keep and not keep_images:
        raise UsageError(f"{places['keep_by']} says how {places['keep']} counts, which isn't given.")
    return Rule(
        match=Expression(match, places["match"]) if match else None,
        older_than=parse_period(older_than, places["older_than"]) if older_than else None,
        prereleases=prereleases,
        duplicates=duplicates,
        keep=_parse_keep(keep, places["keep"], places["match"]) if keep else None,
        keep_images=_parse_keep(keep_images, places["keep_images"], places["match"], "images") if keep_images else None,
        keep_by=by,
        keep_match=Expression(keep_match, places["keep_match"]) if keep_match else None,
        not_pulled_for=parse_period(not_pulled_for, places["not_pulled_for"]) if not_pulled_for else None,
    )


def parse_period(text: str, place: str) -> timedelta:
    """`12h`, `30d`, `2w`, `6m`, `1y`: months have 30 days, years 365. Raises UsageError."""
    expected = "Expected a number with a unit: 12h, 30d, 2w, 6m (months of 30 days) or 1y."
    period = _PERIOD.fullmatch(text.strip())
    if period is None:
        missing = " has no unit" if text.strip().isdecimal() and len(text.strip()) < 6 else " is no period of time"
        raise UsageError(f"{place}: {text!r}{missing}.", expected)
    if int(period[1]) == 0:
        raise UsageError(f"{place}: {text!r} is no time at all.", expected)
    return int(period[1]) * _UNITS[period[2].lower()]


def _parse_keep(text: str, place: str, match: str, what: str = "tags") -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
    if number == 0:
        raise UsageError(f"{place}: 0 keeps nothing.", f"If all tags are meant: {match} .")
    if not 0 < number <= _LARGEST_KEEP:
        raise UsageError(f"{place}: {text!r} is no number of {what}.", "Expected a whole number from 1 on.")
    return number
