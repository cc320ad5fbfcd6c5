"""Where a registry's bytes are: per repository and namespace, within what was read.

A blob is stored once in a registry, however many repositories use it: sizes of repositories add up to more than the
whole. So each has two numbers, what it uses and what nothing else uses; only the second would become free with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from regtui.listing.summary import Blob, Summary
from regtui.oci.digest import Digest


@dataclass(slots=True, eq=False)
class Share:
    """What a repository or namespace uses, in bytes, each blob once. `only`: of that, what no other one uses."""

    name: str
    size: int = 0
    only: int = 0
    blobs: set[Digest] = field(default_factory=set, repr=False)


@dataclass(slots=True, eq=False)
class ReadState:
    """How far a repository is read. `tags` is None until they are listed. `failed`: tags that could not be read.
    `manifests`: those that tags lead to, and the platforms' below them."""

    tags: int | None = None
    read: int = 0
    failed: int = 0
    error: str = ""
    manifests: set[Digest] = field(default_factory=set, repr=False)

    @property
    def is_read(self) -> bool:
        """As a whole, without a gap."""
        return self.tags is not None and self.read == self.tags and not self.failed and not self.error

    @property
    def is_done(self) -> bool:
        """Nothing more is to be expected of it."""
        return bool(self.error) or (self.tags is not None and self.read + self.failed >= self.tags)


@dataclass(frozen=True, slots=True)
class UsageRow:
    """A line: a namespace, with how many repositories it has, or a repository."""

    name: str
    is_namespace: bool
    depth: int
    size: int
    only: int
    repositories: int
    standing: ReadState


class _Level:
    """Shares beside each other, and whose each blob is as long as it is only one's."""

    def __init__(self) -> None:
        self.shares: dict[str, Share] = {}
        self.total = 0
        self._owners: dict[Digest, Share | None] = {}

    def add(self, name: str, blob: Blob) -> None:
        digest, size = blob
        share = self.shares.setdefault(name, Share(name))
        if digest in share.blobs:
            return
        share.blobs.add(digest)
        share.size += size
        if digest not in self._owners:
            self._owners[digest] = share
            share.only += size
            self.total += size
        elif (owner := self._owners[digest]) is not None:
            owner.only -= size
            self._owners[digest] = None


class Usage:
    """Takes tags in as they are read; says at any time what that makes."""

    def __init__(self) -> None:
        self.standings: dict[str, ReadState] = {}
        self._repositories = _Level()
        self._namespaces = _Level()

    @property
    def total(self) -> int:
        """Bytes of all blobs that were seen, each once."""
        return self._repositories.total

    @property
    def read(self) -> int:
        """Repositories that are read as a whole."""
        return sum(standing.is_read for standing in self.standings.values())

    @property
    def gaps(self) -> int:
        """Repositories of which something could not be read."""
        return sum(bool(standing.failed or standing.error) for standing in self.standings.values())

    @property
    def waiting(self) -> list[str]:
        """Repositories that are still to be read, or only were in part."""
        return [name for name, standing in self.standings.items() if not standing.is_done]

    def repositories_using(self, digest: Digest) -> list[str]:
        """The repositories that use a blob, sorted."""
        return sorted(share.name for share in self._repositories.shares.values() if digest in share.blobs)

    def expect(self, repositories: Iterable[str]) -> None:
        """These exist. Those that are known stay as they are."""
        for name in repositories:
            self.standings.setdefault(name, ReadState())

    def begin(self, repository: str, tags: int) -> None:
        """It has so many tags, and is read from the first one on."""
        self.standings[repository] = ReadState(tags)

    def take(self, repository: str, batch: Iterable[tuple[str, Summary]]) -> None:
        standing = self.standings[repository]
        for _, summary in batch:
            if summary.is_retryable:
                standing.failed += 1
                continue
            standing.read += 1
            digests = (summary.digest, *(each.digest for each in summary.platforms))
            standing.manifests |= {digest for digest in digests if digest is not None}
            for blob in summary.blobs:
                self._repositories.add(repository, blob)
                self._namespaces.add(namespace(repository), blob)

    def fail(self, repository: str, error: str) -> None:
        self.standings[repository].error = error

    def rows(self) -> list[UsageRow]:
        """The largest first; the repositories of a namespace below it. One that is alone in its own stands for it."""
        members: dict[str, list[str]] = {}
        for name in self.standings:
            members.setdefault(namespace(name), []).append(name)
        rows: list[UsageRow] = []
        for space in sorted(members, key=lambda name: (-self._size(self._namespaces, name), name)):
            names = sorted(members[space], key=lambda name: (-self._size(self._repositories, name), name))
            depth = 0
            if len(names) > 1:
                rows.append(self._namespace_row(space, names))
                depth = 1
            rows += [self._row(self._repositories, name, depth, self.standings[name]) for name in names]
        return rows

    def _namespace_row(self, space: str, names: list[str]) -> UsageRow:
        inside = [self.standings[name] for name in names]
        standing = ReadState(
            tags=None if any(each.tags is None for each in inside) else sum(each.tags or 0 for each in inside),
            read=sum(each.read for each in inside),
            failed=sum(each.failed for each in inside),
            manifests=set().union(*(each.manifests for each in inside)),
        )
        return self._row(self._namespaces, space, 0, standing, len(names))

    def _row(self, level: _Level, name: str, depth: int, standing: ReadState, repositories: int = 0) -> UsageRow:
        share = level.shares.get(name) or Share(name)
        return UsageRow(name, bool(repositories), depth, share.size, share.only, repositories, standing)

    def _size(self, level: _Level, name: str) -> int:
        return level.shares[name].size if name in level.shares else 0


def namespace(repository: str) -> str:
    """What is before the first slash; the whole name where there is none."""
    return repository.partition("/")[0]
