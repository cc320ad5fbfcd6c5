"""Which tags a rule selects. Pure: names, dates and digests in, names out; nothing is deleted here.

Conditions are added up, so that each further one selects less:

    match          the name matches an expression
    prereleases    the name is one of a prerelease
    older than     it was created longer ago
    duplicates     another tag of the same image has the better name
    not pulled for nobody pulled it, or its image, for so long, and that is known
    keep           it isn't among the newest tags
    keep images    its image isn't among the newest images

"Newest" is among the tags that the first two conditions select and nothing else holds, be that the config's patterns or
that they are in use: `--match ^dev- --keep 5` keeps five of the dev tags, `--older-than 30d --keep 5` keeps the newest
five even where they are older.

A tag is never selected by what isn't known of it: without a date it is neither old nor behind the newest, without a
digest it is nobody's duplicate, and what is no version isn't behind the newest version. A date that is still to come
is as good as none. So a rule that is asked again when more of a repository was read selects the same tags, and more.
What a version and a prerelease is says regtui/names/kinds.py.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any, Final, Protocol

from regtui.deletion.rules import KeepBy, Rule
from regtui.names.kinds import Versions, name_rank
from regtui.oci.digest import Digest

# Docker's first release. Reproducible builds (ko, jib, bazel, buildpacks) write 1970 or 1980 into every image: that
# says nothing of its age, and a rule that believed it would select all of them.
_FIRST_IMAGES: Final = datetime(2013, 1, 1, tzinfo=UTC)
# How far clocks may be apart, time zones that were taken for UTC included.
_CLOCKS_DIFFER: Final = timedelta(days=1)


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


@dataclass(frozen=True, slots=True)
class Choice:
    """What a rule selects, in the order of the candidates, and what it passed over for want of knowledge.

    `protected`: selected but for the config's patterns. `undated`: without a date, where the rule asks for one.
    `future`: likewise, with a date that is still to come. `unread`: not read yet, or not readable, where the rule has
    to know more than the name. `in_use`: selected, but in use. `seen`: what each tag led to by which it was chosen:
    how it was, and no part of what was chosen.
    """

    selected: tuple[str, ...]
    protected: tuple[str, ...] = ()
    undated: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    in_use: tuple[str, ...] = ()
    seen: Mapping[str, Digest | None] = field(default_factory=dict, compare=False)


class TagFate(Enum):
    """Whether a tag goes, or why it stays: of several reasons the first in this order."""

    GOES = "goes"
    KEPT_BY_NAME = "kept by name"
    """`keep_match` has it."""
    OTHER_NAME = "other name"
    """`match` doesn't have it."""
    NO_PRERELEASE = "no prerelease"
    NEWEST = "newest"
    """Among the newest tags, or of one of the newest images."""
    UNPLACED = "unplaced"
    """It is not known where it stands among the newest."""
    UNDATED = "undated"
    YOUNG = "young"
    ONLY_NAME = "only name"
    """No other tag of its image has a better one."""
    PULLED = "pulled"
    """Or nobody knows."""
    LOST = "lost"
    """Undo could not put it back. Found when the deletion is planned, not by a rule."""
    ATTACHED = "attached"
    """What is attached to its image is protected, in use, or couldn't be put back: likewise."""
    PROTECTED = "protected"
    IN_USE = "in use"


@dataclass(frozen=True, slots=True)
class Judged:
    """`place`: of one among the newest, from 1 on; 0 for all others."""

    tag: str
    fate: TagFate
    place: int = 0


PullCheck = Callable[[Candidate, timedelta], bool]
"""Whether it is known that nobody pulled it for so long."""


def no_pulls_known(_candidate: Candidate, _period: timedelta) -> bool:
    return False


def judge(
    rule: Rule,
    candidates: Sequence[Candidate],
    *,
    now: datetime,
    protect: Iterable[str] = (),
    in_use: Container[str] = (),
    not_pulled: PullCheck = no_pulls_known,
) -> list[Judged]:
    """What becomes of each, in the order of the candidates. `protect`: shell patterns of tags that no rule selects;
    `in_use`: tags that none does either. A rule that selects nothing by itself keeps all."""
    return _Judge(rule, candidates, now, tuple(protect), in_use, not_pulled).judged()


def choose(
    rule: Rule,
    candidates: Sequence[Candidate],
    *,
    now: datetime,
    protect: Iterable[str] = (),
    in_use: Container[str] = (),
    not_pulled: PullCheck = no_pulls_known,
) -> Choice:
    """What `judge` says as lists. A rule that selects nothing by itself chooses nothing."""
    if not rule.selects:
        return Choice(())
    judging = _Judge(rule, candidates, now, tuple(protect), in_use, not_pulled)
    by_fate: dict[TagFate, list[str]] = {}
    for each in judging.judged():
        by_fate.setdefault(each.fate, []).append(each.tag)
    undated = [each for each in judging.scope if rule.needs_dates and each.is_read and dated(each, now) is None]
    return Choice(
        selected=tuple(by_fate.get(TagFate.GOES, ())),
        protected=tuple(by_fate.get(TagFate.PROTECTED, ())),
        undated=tuple(each.tag for each in undated if not _is_future(each, now)),
        future=tuple(each.tag for each in undated if _is_future(each, now)),
        unread=tuple(each.tag for each in judging.scope if rule.needs_reading and not each.is_read),
        in_use=tuple(by_fate.get(TagFate.IN_USE, ())),
        seen={each.tag: each.digest for each in candidates if each.is_read},
    )


class _Judge:
    """One rule over the tags of one repository. `scope`: those that it means by their names."""

    def __init__(
        self,
        rule: Rule,
        candidates: Sequence[Candidate],
        now: datetime,
        protect: tuple[str, ...],
        in_use: Container[str],
        not_pulled: PullCheck,
    ) -> None:
        self._rule = rule
        self._candidates = candidates
        self._now = now
        self._in_use = in_use
        self._not_pulled = not_pulled
        versions = _versions(rule, candidates)
        self._by_name = {each.tag: _by_name(rule, each, versions) for each in candidates}
        self.scope = [each for each in candidates if self._by_name[each.tag] is None]
        self._guarded = {each.tag for each in self.scope if any(fnmatchcase(each.tag, one) for one in protect)}
        free = [each for each in self.scope if each.tag not in self._guarded and each.tag not in in_use]
        self._kept = _newest(rule, free, versions, now)
        self._best = _best_names(candidates) if rule.duplicates else {}

    def judged(self) -> list[Judged]:
        return [self._judged(each) for each in self._candidates]

    def _judged(self, candidate: Candidate) -> Judged:
        tag = candidate.tag
        if not self._rule.selects:
            return Judged(tag, TagFate.OTHER_NAME)
        fate = self._by_name[tag]
        if fate is None and tag in self._kept:
            place = self._kept[tag]
            return Judged(tag, TagFate.NEWEST if place else TagFate.UNPLACED, place)
        fate = fate or self._by_image(candidate)
        if fate is not TagFate.GOES:
            return Judged(tag, fate)
        if tag in self._guarded:
            return Judged(tag, TagFate.PROTECTED)
        return Judged(tag, TagFate.IN_USE if tag in self._in_use else TagFate.GOES)

    def _by_image(self, candidate: Candidate) -> TagFate:
        rule = self._rule
        if rule.older_than is not None:
            created = dated(candidate, self._now)
            if created is None:
                return TagFate.UNDATED
            if self._now - created <= rule.older_than:
                return TagFate.YOUNG
        if rule.duplicates and (candidate.digest is None or self._best[candidate.digest] == candidate.tag):
            return TagFate.ONLY_NAME
        if rule.not_pulled_for is not None and not (
            candidate.is_read and self._not_pulled(candidate, rule.not_pulled_for)
        ):
            return TagFate.PULLED
        return TagFate.GOES


def in_question(rule: Rule, candidates: Sequence[Candidate]) -> list[str]:
    """The tags of which the rule has to know more than the name."""
    if not rule.selects or not rule.needs_reading:
        return []
    versions = _versions(rule, candidates)
    return [each.tag for each in candidates if rule.duplicates or _by_name(rule, each, versions) is None]


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


def _by_name(rule: Rule, candidate: Candidate, versions: Versions) -> TagFate | None:
    """Why it stays for its name alone; None where that doesn't say."""
    if rule.keep_match is not None and rule.keep_match.is_in(candidate.tag):
        return TagFate.KEPT_BY_NAME
    if rule.match is not None and not rule.match.is_in(candidate.tag):
        return TagFate.OTHER_NAME
    return TagFate.NO_PRERELEASE if rule.prereleases and not versions.is_prerelease(candidate.tag) else None


_Placed = tuple[Any, Candidate]
"""A tag and its place: what is newer is larger."""


def _newest(rule: Rule, candidates: Iterable[Candidate], versions: Versions, now: datetime) -> dict[str, int]:
    """The tags that `keep` or `keep_images` keeps, each with its place from 1 on, and those that can't be placed, with
    0."""
    if rule.keep is None and rule.keep_images is None:
        return {}
    placed: list[_Placed] = []
    kept: dict[str, int] = {}
    for each in candidates:
        place = versions.key(each.tag) if rule.keep_by is KeepBy.VERSION else dated(each, now)
        if place is None:
            kept[each.tag] = 0
        else:
            placed.append((place, each))
    if rule.keep is not None:
        return kept | _newest_tags(rule.keep, placed)
    assert rule.keep_images is not None
    return kept | _newest_images(rule.keep_images, placed)


def _newest_tags(number: int, placed: list[_Placed]) -> dict[str, int]:
    placed.sort(key=lambda pair: pair[0], reverse=True)
    if len(placed) > number:
        # The tags of one image are equally new: of those, the better names are kept.
        last = placed[number - 1][0]
        equal = [pair for pair in placed if pair[0] == last]
        equal.sort(key=lambda pair: _name(pair[1]), reverse=True)
        newer = [pair for pair in placed if pair[0] > last]
        placed = (newer + equal)[:number]
    return {each.tag: place for place, (_, each) in enumerate(placed, 1)}


def _newest_images(number: int, placed: Iterable[_Placed]) -> dict[str, int]:
    """The tags of the newest images, an image being as new as its newest tag; those of no known image as well."""
    unread = [place for place, each in placed if not each.is_read]
    newest: dict[Digest, Any] = {}
    for place, each in placed:
        if each.digest is not None:
            newest[each.digest] = max(newest.get(each.digest, place), place)
    # Of equally new images it is the digest that decides: so the same ones are kept each time.
    images = sorted(newest, key=lambda digest: (newest[digest], str(digest)), reverse=True)
    places = {digest: place for place, digest in enumerate(images, 1)}
    if len(images) > number and any(place >= newest[images[number - 1]] for place in unread):
        # It may be a tag of any of them, and make that one of the newest.
        return {each.tag: 0 for _, each in placed}
    return {
        each.tag: places[each.digest] if each.digest is not None else 0
        for _, each in placed
        if each.digest is None or places[each.digest] <= number
    }


def _name(candidate: Candidate) -> tuple[int, int, bool, str]:
    return name_rank(candidate.tag)


def _best_names(candidates: Iterable[Candidate]) -> dict[Digest, str]:
    """image → its best-named tag. Among all tags: one that stays anyway may be it."""
    by_digest: dict[Digest, list[Candidate]] = {}
    for each in candidates:
        if each.digest is not None:
            by_digest.setdefault(each.digest, []).append(each)
    return {digest: (same[0] if len(same) == 1 else max(same, key=_name)).tag for digest, same in by_digest.items()}
