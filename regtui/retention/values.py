"""What the rules have to know of images besides the registry: where they are in use, and when they were pulled.

Values alone. Reading containers, clusters, files and logs fills them; the plan takes them as they are. What could not
be read is part of the value: nobody may take its absence for knowledge.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from regtui.oci.digest import Digest


class PlaceKind(Enum):
    """What uses an image. The values are those of `--json`."""

    CONTAINER = "container"
    """Running or stopped."""
    POD = "pod"
    WORKLOAD = "workload"
    """What makes pods: a deployment, an old replica set, a job …"""
    FILE = "file"
    """A compose file, a manifest, or anything else that names images."""
    COMMAND = "command"
    """What the config's command prints."""


@dataclass(frozen=True, slots=True)
class UsePlace:
    """One user of an image. `where` reads on after "runs on" or "named in", cleaned for a terminal: `app1 as web`,
    `prod: shop/web-5d9c`, `~/gitops/web.yaml:12`."""

    where: str
    kind: PlaceKind

    @property
    def words(self) -> str:
        """`runs on app1 as web`, `named by ~/gitops/web.yaml:12`."""
        return f"{'runs on' if self.kind in (PlaceKind.CONTAINER, PlaceKind.POD) else 'named by'} {self.where}"


@dataclass(frozen=True, slots=True)
class UnreadSource:
    """A source that could not be read as a whole: any image may be in use there. `where` names it as the config does,
    `error` says why, in a sentence."""

    where: str
    error: str


@dataclass(frozen=True, slots=True)
class InUse:
    """Which images of one registry are in use.

    `digests`: manifest digest → its places, in whatever repository it is found; an index, one of its platforms, or
    both, as each source knows it. `tags`: (repository, tag) → the places that name that tag and are not known by a
    digest; an empty tag stands for any tag of the repository, where it can't be told which is meant. `unread`: with
    any of these, nothing counts as unused.
    """

    digests: Mapping[Digest, tuple[UsePlace, ...]] = field(default_factory=dict)
    tags: Mapping[tuple[str, str], tuple[UsePlace, ...]] = field(default_factory=dict)
    unread: tuple[UnreadSource, ...] = ()
    repositories: Mapping[Digest, frozenset[str]] = field(default_factory=dict)
    """Digest → the repositories that the sources name it in: there it is read even where no tag leads to it, since what
    is below it is in use too."""

    def digests_of(self, repository: str) -> tuple[Digest, ...]:
        """Those that are named in `repository`."""
        return tuple(digest for digest, names in self.repositories.items() if repository in names)

    @property
    def is_whole(self) -> bool:
        return not self.unread

    def places_of_tag(self, repository: str, tag: str) -> tuple[UsePlace, ...]:
        """Those that name the tag itself, or may."""
        return (*self.tags.get((repository, tag), ()), *self.tags.get((repository, ""), ()))

    def places_of_digest(self, digest: Digest) -> tuple[UsePlace, ...]:
        return self.digests.get(digest, ())


NOT_USED = InUse()
"""No source is named, and none failed."""


@dataclass(frozen=True, slots=True)
class Pulls:
    """When the images of one repository were last pulled, as far as the logs tell.

    `tags`: when that tag was last pulled by its name. `digests`: when that manifest was, by any name; times in UTC.
    `since`: from then until now every pull is known, without a gap; None where that holds for no time at all.
    """

    tags: Mapping[str, datetime] = field(default_factory=dict)
    digests: Mapping[Digest, datetime] = field(default_factory=dict)
    since: datetime | None = None
    pushed: Mapping[str, datetime] = field(default_factory=dict)
    """Tag → when it was last pushed, where that is known."""

    def last(self, tag: str, digest: Digest | None) -> datetime | None:
        """The last known pull of a tag or of what it leads to; None where none is known, which alone says nothing."""
        times = [self.tags.get(tag), self.digests.get(digest) if digest is not None else None]
        return max((time for time in times if time is not None), default=None)

    def not_for(self, period: timedelta, tag: str, digest: Digest | None, now: datetime) -> bool:
        """Whether it is known that nobody pulled it for so long: False where it isn't known."""
        if self.since is None or now - self.since < period:
            return False
        last = self.last(tag, digest)
        return last is None or now - last > period


UNKNOWN_PULLS = Pulls()


class PullRecord(Protocol):
    """What is known of the pulls of one registry: asked for one repository at a time, so that it need not be held."""

    def of(self, repository: str) -> Pulls: ...


class NoPulls:
    """Nothing is known of any repository."""

    def of(self, repository: str) -> Pulls:
        return UNKNOWN_PULLS
