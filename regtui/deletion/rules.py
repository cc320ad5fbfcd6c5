"""Which tags a rule selects. Pure: names, dates and digests in, names out; nothing is deleted here.

Conditions are added up, so that each further one selects less:

    match          the name matches an expression
    prereleases    the name is one of a prerelease
    older than     it was created longer ago
    duplicates     another tag of the same image has the better name
    keep           it isn't among the newest tags
    keep images    its image isn't among the newest images

"Newest" is among the tags that the first two conditions select and nothing else protects: `--match ^dev- --keep 5`
keeps five of the dev tags, `--older-than 30d --keep 5` keeps the newest five even where they are older.

A tag is never selected by what isn't known of it: without a date it is neither old nor behind the newest, without a
digest it is nobody's duplicate, and what is no version isn't behind the newest version. A date that is still to come
is as good as none. So a rule that is asked again when more of a repository was read selects the same tags, and more.
What a version and a prerelease is says regtui/names/kinds.py.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any, Final, Protocol

from regtui.deletion.expressions import Expression
from regtui.errors import UsageError
from regtui.names.kinds import Versions, name_rank
from regtui.oci.digest import Digest

OPTIONS: Final[Mapping[str, str]] = {
    "match": "--match",
    "older_than": "--older-than",
    "keep": "--keep",
    "keep_images": "--keep-images",
    "keep_by": "--keep-by",
    "keep_match": "--keep-match",
}
"""What the texts of a rule are called on the command line."""

# Docker's first release. Reproducible builds (ko, jib, bazel, buildpacks) write 1970 or 1980 into every image: that
# says nothing of its age, and a rule that believed it would select all of them.
_FIRST_IMAGES: Final = datetime(2013, 1, 1, tzinfo=UTC)
# How far clocks may be apart, time zones that were taken for UTC included.
_CLOCKS_DIFFER: Final = timedelta(days=1)
_PERIOD: Final = re.compile(r"([0-9]{1,5})\s*([hdwmy])", re.IGNORECASE)
_UNITS: Final = {
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "m": timedelta(days=30),
    "y": timedelta(days=365),
}
_LARGEST_KEEP: Final = 1_000_000


class Candidate(Protocol):
    """What a rule has to know of a tag."""

    @property
    def tag(self) -> str: ...

    @property
    def digest(self) -> Digest | None:
        """None where it isn't read yet, or where there is no manifest."""
        ...

    @property
    def dates(self) -> Sequence[datetime | None]:
        """When each of its platforms was created; None of one that doesn't say, or is missing."""
        ...

    @property
    def is_read(self) -> bool:
        """Whether digest and date are known, as far as there are any."""
        ...


class KeepBy(Enum):
    CREATED = "created"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Rule:
    """Made by `parse_rule`. `older_than` is above zero, `keep` and `keep_images` at least 1, not both given."""

    match: Expression | None = None
    older_than: timedelta | None = None
    prereleases: bool = False
    duplicates: bool = False
    keep: int | None = None
    keep_images: int | None = None
    keep_by: KeepBy = KeepBy.CREATED
    keep_match: Expression | None = None

    @property
    def selects(self) -> bool:
        """Whether it says what goes: what stays alone would be everything else."""
        conditions = (self.match, self.older_than, self.keep, self.keep_images)
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
        return self.needs_dates or self.duplicates or self.keep_images is not None


@dataclass(frozen=True, slots=True)
class Choice:
    """What a rule selects, in the order of the candidates, and what it passed over for want of knowledge.

    `protected`: selected but for the config's patterns. `undated`: without a date, where the rule asks for one.
    `future`: likewise, with a date that is still to come. `unread`: not read yet, or not readable, where the rule has
    to know more than the name.
    """

    selected: tuple[str, ...]
    protected: tuple[str, ...] = ()
    undated: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def choose(rule: Rule, candidates: Sequence[Candidate], *, now: datetime, protect: Iterable[str] = ()) -> Choice:
    """`protect`: shell patterns of tags that no rule selects. A rule that selects nothing by itself chooses nothing."""
    if not rule.selects:
        return Choice(())
    versions = _versions(rule, candidates)
    patterns = tuple(protect)
    scope = [each for each in candidates if _is_meant(rule, each, versions)]
    guarded = {each.tag for each in scope if any(fnmatchcase(each.tag, pattern) for pattern in patterns)}
    kept = _newest(rule, [each for each in scope if each.tag not in guarded], versions, now)
    best = _best_names(candidates) if rule.duplicates else {}
    selected = [each for each in scope if each.tag not in kept and _goes(rule, each, now, best)]
    undated = [each for each in scope if rule.needs_dates and each.is_read and dated(each, now) is None]
    return Choice(
        selected=tuple(each.tag for each in selected if each.tag not in guarded),
        protected=tuple(each.tag for each in selected if each.tag in guarded),
        undated=tuple(each.tag for each in undated if not _is_future(each, now)),
        future=tuple(each.tag for each in undated if _is_future(each, now)),
        unread=tuple(each.tag for each in scope if rule.needs_reading and not each.is_read),
    )


def in_question(rule: Rule, candidates: Sequence[Candidate]) -> list[str]:
    """The tags of which the rule has to know more than the name."""
    if not rule.selects or not rule.needs_reading:
        return []
    versions = _versions(rule, candidates)
    return [each.tag for each in candidates if rule.duplicates or _is_meant(rule, each, versions)]


def dated(candidate: Candidate, now: datetime) -> datetime | None:
    """When the newest of its platforms was created. None where that isn't sure: one has no date, or one from before
    there were images, or one that is still to come."""
    dates = [date for date in candidate.dates if date is not None and date >= _FIRST_IMAGES]
    if not dates or len(dates) < len(candidate.dates) or _is_future(candidate, now):
        return None
    return max(dates)


def _is_future(candidate: Candidate, now: datetime) -> bool:
    return any(date is not None and date - now > _CLOCKS_DIFFER for date in candidate.dates)


def _versions(rule: Rule, candidates: Iterable[Candidate]) -> Versions:
    """By the names of all tags, since a prefix is one where several have it."""
    return Versions(each.tag for each in candidates) if rule.needs_versions else Versions(())


def _is_meant(rule: Rule, candidate: Candidate, versions: Versions) -> bool:
    """By its name alone."""
    if rule.keep_match is not None and rule.keep_match.is_in(candidate.tag):
        return False
    if rule.match is not None and not rule.match.is_in(candidate.tag):
        return False
    return not rule.prereleases or versions.is_prerelease(candidate.tag)


_Placed = tuple[Any, Candidate]
"""A tag and its place: what is newer is larger."""


def _newest(rule: Rule, candidates: Iterable[Candidate], versions: Versions, now: datetime) -> set[str]:
    """The tags that `keep` or `keep_images` keeps, and those that can't be placed."""
    if rule.keep is None and rule.keep_images is None:
        return set()
    placed: list[_Placed] = []
    kept: set[str] = set()
    for each in candidates:
        place = versions.key(each.tag) if rule.keep_by is KeepBy.VERSION else dated(each, now)
        if place is None:
            kept.add(each.tag)
        else:
            placed.append((place, each))
    if rule.keep is not None:
        return kept | _newest_tags(rule.keep, placed)
    assert rule.keep_images is not None
    return kept | _newest_images(rule.keep_images, placed)


def _newest_tags(number: int, placed: list[_Placed]) -> set[str]:
    placed.sort(key=lambda pair: pair[0], reverse=True)
    if len(placed) > number:
        # The tags of one image are equally new: of those, the better names are kept.
        last = placed[number - 1][0]
        equal = [pair for pair in placed if pair[0] == last]
        equal.sort(key=lambda pair: _name(pair[1]), reverse=True)
        newer = [pair for pair in placed if pair[0] > last]
        placed = (newer + equal)[:number]
    return {each.tag for _, each in placed}


def _newest_images(number: int, placed: Iterable[_Placed]) -> set[str]:
    """The tags of the newest images, an image being as new as its newest tag; those of no known image as well."""
    unread = [place for place, each in placed if not each.is_read]
    newest: dict[Digest, Any] = {}
    for place, each in placed:
        if each.digest is not None:
            newest[each.digest] = max(newest.get(each.digest, place), place)
    # Of equally new images it is the digest that decides: so the same ones are kept each time.
    images = sorted(newest, key=lambda digest: (newest[digest], str(digest)), reverse=True)
    if len(images) > number and any(place >= newest[images[number - 1]] for place in unread):
        # It may be a tag of any of them, and make that one of the newest.
        return {each.tag for _, each in placed}
    kept = set(images[:number])
    return {each.tag for _, each in placed if each.digest is None or each.digest in kept}


def _name(candidate: Candidate) -> tuple[int, int, bool, str]:
    return name_rank(candidate.tag)


def _goes(rule: Rule, candidate: Candidate, now: datetime, best: Mapping[Digest, str]) -> bool:
    if rule.older_than is not None:
        created = dated(candidate, now)
        if created is None or now - created <= rule.older_than:
            return False
    if rule.duplicates:
        return candidate.digest is not None and best[candidate.digest] != candidate.tag
    return True


def _best_names(candidates: Iterable[Candidate]) -> dict[Digest, str]:
    """image → its best-named tag. Among all tags: one that stays anyway may be it."""
    by_digest: dict[Digest, list[Candidate]] = {}
    for each in candidates:
        if each.digest is not None:
            by_digest.setdefault(each.digest, []).append(each)
    return {digest: (same[0] if len(same) == 1 else max(same, key=_name)).tag for digest, same in by_digest.items()}


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
