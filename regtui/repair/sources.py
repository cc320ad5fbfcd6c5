"""Where the bytes of lost blobs can be had: in the journal, in the cache, in other repositories of the registry.

Each is asked only for what the ones before it don't have: what is here costs no request, a repository one for each
blob. Bytes that are here are those of the digest, whoever sent them; they are uploaded after a person has confirmed it.
"""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from regtui import bounds
from regtui.content.store import ContentStore, NotCached
from regtui.deletion.entry import Entry
from regtui.listing.images import bounded
from regtui.oci.digest import Digest
from regtui.registry.errors import RegistryError
from regtui.repair.values import BlobOrigin, BlobSource, RepairPlan

_AT_ONCE = 8

Progress = Callable[[int, int], None]
"""Hears how many repositories were asked, and how many there are."""


class BlobFinder(Protocol):
    """The registry's client."""

    async def has_blob(self, repository: str, digest: Digest) -> bool: ...


async def plan_repair(
    client: BlobFinder,
    content: ContentStore,
    runs: Iterable[Entry],
    repository: str,
    lost: Iterable[Digest],
    repositories: Sequence[str],
    *,
    is_whole: bool = True,
    on_progress: Progress | None = None,
) -> RepairPlan:
    """Changes nothing. `runs`: of the journal, at this registry. `repositories`: all that are known there, and all
    there are if `is_whole`. Raises RegistryError for what would fail for each of them."""
    wanted = dict.fromkeys(lost)
    sources: dict[Digest, BlobSource] = {}
    for run in runs if wanted else ():
        kept = run.blobs()
        sources |= {
            digest: BlobSource(BlobOrigin.JOURNAL, run.name, kept[digest])
            for digest in wanted
            if digest in kept and digest not in sources
        }
    for digest in wanted.keys() - sources.keys():
        with contextlib.suppress(NotCached):
            sources[digest] = BlobSource(BlobOrigin.CACHE, body=await content.kept.config(repository, digest))
    search = _Search(client, [digest for digest in wanted if digest not in sources], on_progress)
    candidates = _nearest(repository, repositories)
    asked = candidates[: bounds.REPAIR_REPOSITORIES]
    searched = await search.through(asked)
    sources |= search.found
    return RepairPlan(
        repository,
        sources,
        tuple(digest for digest in wanted if digest not in sources),
        searched,
        is_whole and len(asked) == len(candidates) and not search.failed,
    )


def _nearest(repository: str, repositories: Sequence[str]) -> list[str]:
    """The others, those first whose names begin like it: images that share a config are relatives."""
    others = [name for name in dict.fromkeys(repositories) if name != repository]
    return sorted(others, key=lambda name: -_alike(name, repository))


def _alike(one: str, other: str) -> int:
    """How many characters they begin with in common."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


class _Search:
    """`found`: what was wanted, each with a repository that has it. `failed`: whether one couldn't be asked."""

    def __init__(self, client: BlobFinder, wanted: Sequence[Digest], on_progress: Progress | None) -> None:
        self._client = client
        self._wanted = wanted
        self._on_progress = on_progress
        self.found: dict[Digest, BlobSource] = {}
        self.failed = False
        self._silences = 0

    async def through(self, repositories: Sequence[str]) -> int:
        """How many of them were asked until all was found, or too many were silent."""
        searched = 0
        while searched < len(repositories) and len(self.found) < len(self._wanted) and self._silences < bounds.SILENCES:
            some = repositories[searched : searched + _AT_ONCE]
            await bounded(self._look, some, _AT_ONCE)
            searched += len(some)
            if self._on_progress is not None:
                self._on_progress(searched, len(repositories))
        return searched

    async def _look(self, repository: str) -> None:
        for digest in self._wanted:
            if digest in self.found:
                continue
            try:
                if await self._client.has_blob(repository, digest):
                    self.found.setdefault(digest, BlobSource(BlobOrigin.REPOSITORY, repository))
            except RegistryError as error:
                # One that this login may not read is none that it can take anything from.
                if error.affects_all:
                    raise
                self.failed = True
                self._silences += error.silent
                return
