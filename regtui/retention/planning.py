"""What becomes of the tags of one repository, and why: the first entry that names it, what is protected, in use, or was
pulled. Pure: values in, values out.

    repository, entry, tags with their images, in use, pulls, now → RepositoryRetention: a reason for every tag

An image is in use by its digest where something names it, or a manifest below it: so an index stays for one of its
platforms, and the platforms of an index that is in use stay with it.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from regtui.deletion.graph import reachable
from regtui.deletion.judging import Candidate, Judged, TagFate, judge
from regtui.deletion.rules import Rule
from regtui.deletion.values import Contents
from regtui.names.order import in_order
from regtui.oci.digest import Digest
from regtui.retention.policy import RetentionEntry
from regtui.retention.values import UNKNOWN_PULLS, InUse, Pulls, UsePlace

NO_RULE = Rule()


class Stop(Enum):
    """Why nothing is deleted in a repository, whatever its rule says."""

    UNREAD_TAGS = "unread tags"
    """They may be in use, or be what others are behind."""
    UNREAD_USE = "unread use"
    """A manifest that is in use can't be read: what is below it isn't known."""
    MOST = "most"
    """More would go than may."""


@dataclass(frozen=True, slots=True)
class ImageCandidate:
    """A tag that was read as far as its rule has to know it. `below`: every digest that it leads to, its own, too."""

    tag: str
    digest: Digest | None
    dates: Sequence[datetime | None] = ()
    below: Set[Digest] = frozenset()

    @property
    def is_read(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class TagReason:
    """Why a tag goes or stays. `place`: among the newest, from 1 on, else 0. `used`: where it is in use, whether that
    decides or not. `pulled`: when it was last pulled, where that is known."""

    tag: str
    digest: Digest | None
    fate: TagFate
    place: int = 0
    used: tuple[UsePlace, ...] = ()
    pulled: datetime | None = None

    @property
    def goes(self) -> bool:
        return self.fate is TagFate.GOES


@dataclass(frozen=True, slots=True)
class RepositoryRetention:
    """`entry`: None where none names the repository, and all stays. `tags`: those that rules look at, each with its
    reason. `pulls_since`: from when on its pulls are known. `kept`: manifests that stay whatever becomes of their tags,
    since they are in use, or below what is."""

    repository: str
    entry: RetentionEntry | None
    tags: tuple[TagReason, ...] = ()
    pulls_since: datetime | None = None
    kept: frozenset[Digest] = field(default=frozenset(), repr=False)

    @property
    def going(self) -> tuple[str, ...]:
        return tuple(each.tag for each in self.tags if each.goes)

    @property
    def in_use(self) -> tuple[str, ...]:
        """Those that would go if nothing used them."""
        return tuple(each.tag for each in self.tags if each.fate is TagFate.IN_USE)

    @property
    def protected(self) -> tuple[str, ...]:
        """Those that would go but for the config's patterns."""
        return tuple(each.tag for each in self.tags if each.fate is TagFate.PROTECTED)

    def of(self, tag: str) -> TagReason | None:
        return next((each for each in self.tags if each.tag == tag), None)

    def takes_more_than(self, share: float) -> bool:
        """Whether more than that share of its tags goes, of 1."""
        return len(self.going) > share * len(self.tags)


def candidates_of(
    contents: Contents, tags: Sequence[str], dates: Mapping[Digest, Sequence[datetime | None]]
) -> list[ImageCandidate]:
    """`tags` as rules look at them. `dates`: those of each image's platforms, where the rule asks for them."""
    below: dict[Digest, frozenset[Digest]] = {}
    found = []
    for tag in in_order(tags):
        digest = contents.tags.get(tag)
        if digest is None:
            found.append(ImageCandidate(tag, None))
            continue
        if digest not in below:
            below[digest] = frozenset(reachable(contents.manifests, [digest]))
        found.append(ImageCandidate(tag, digest, dates.get(digest, ()), below[digest]))
    return found


def holders_of(contents: Contents, in_use: InUse) -> dict[Digest, Digest]:
    """manifest → one that is in use and leads to it."""
    named = sorted(digest for digest in contents.manifests if in_use.places_of_digest(digest))
    return {below: digest for digest in named for below in reachable(contents.manifests, [digest])}


def places_using(
    repository: str, candidate: ImageCandidate, in_use: InUse, holders: Mapping[Digest, Digest]
) -> tuple[UsePlace, ...]:
    """Where a tag is in use: named itself, by its digest or one below it, or as a part of an index that is. `holders`:
    manifest → the one in use that leads to it."""
    places: dict[UsePlace, None] = dict.fromkeys(in_use.places_of_tag(repository, candidate.tag))
    for digest in sorted(candidate.below):
        places |= dict.fromkeys(in_use.places_of_digest(digest))
    if candidate.digest is not None and (holder := holders.get(candidate.digest)):
        places |= dict.fromkeys(in_use.places_of_digest(holder))
    return tuple(places)


def judge_repository(
    contents: Contents,
    entry: RetentionEntry | None,
    candidates: Sequence[ImageCandidate],
    *,
    in_use: InUse,
    pulls: Pulls = UNKNOWN_PULLS,
    now: datetime,
    protect: Sequence[str] = (),
) -> RepositoryRetention:
    """What becomes of each of `candidates`. `protect`: shell patterns of tags that no rule deletes."""
    repository = contents.repository
    holders = holders_of(contents, in_use)
    used = {each.tag: places_using(repository, each, in_use, holders) for each in candidates}

    def not_pulled(candidate: Candidate, period: timedelta) -> bool:
        return pulls.not_for(period, candidate.tag, candidate.digest, now)

    judged = judge(
        entry.rule if entry is not None else NO_RULE,
        candidates,
        now=now,
        protect=protect,
        in_use={tag for tag, places in used.items() if places},
        not_pulled=not_pulled,
    )
    return RepositoryRetention(
        repository,
        entry,
        tuple(_reason(each, by, used, pulls) for each, by in zip(candidates, judged, strict=True)),
        pulls.since,
        frozenset(holders),
    )


def _reason(
    candidate: ImageCandidate, judged: Judged, used: Mapping[str, tuple[UsePlace, ...]], pulls: Pulls
) -> TagReason:
    pulled = pulls.last(candidate.tag, candidate.digest)
    return TagReason(candidate.tag, candidate.digest, judged.fate, judged.place, used[candidate.tag], pulled)
