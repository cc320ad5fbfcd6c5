"""After the registry was brought back: do the tags that were there before still resolve, with all their blobs?

The registry is asked for a byte of each: never our memory, and never its own, which forgets when it restarts.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from regtui.deletion.inventory import stored
from regtui.garbage.at_once import each
from regtui.garbage.values import TagsVerified
from regtui.oci.digest import Digest
from regtui.oci.manifest import Manifest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotFound

SAMPLE: Final = 2_000
"""Tags that are checked where there are more, unless all are wanted."""
_LOOKED_AT: Final = 50


@dataclass(frozen=True, slots=True)
class Before:
    """(repository, tag) → digest of the tags that are checked; `dangling`: those that led nowhere already; `total`: how
    many tags there were."""

    tags: dict[tuple[str, str], Digest]
    dangling: tuple[tuple[str, str], ...]
    total: int


async def remember(client: RegistryClient, tags: Sequence[tuple[str, str]], *, verify_all: bool) -> Before:
    """What the tags resolve to now."""
    chosen = list(tags) if verify_all or len(tags) <= SAMPLE else random.sample(list(tags), SAMPLE)
    found: dict[tuple[str, str], Digest] = {}
    dangling: list[tuple[str, str]] = []

    async def ask(tag: tuple[str, str]) -> None:
        try:
            found[tag] = (await client.resolve(*tag)).digest
        except NotFound:
            dangling.append(tag)

    await each(chosen, ask)
    return Before(found, tuple(sorted(dangling)), len(tags))


async def some_blob(client: RegistryClient, before: Before) -> tuple[str, Digest] | None:
    """A repository, and a blob that an image in it needs and has; None where none is found."""
    for (repository, _), digest in list(before.tags.items())[:_LOOKED_AT]:
        try:
            manifest = stored(await client.manifest(repository, digest))
            if not manifest.blobs and manifest.children:
                manifest = stored(await client.manifest(repository, manifest.children[0]))
            for blob in list(manifest.blobs)[:1]:
                if await client.has_blob(repository, blob):
                    return repository, blob
        except NotFound:
            continue
    return None


@dataclass(frozen=True, slots=True)
class Lack:
    """What is missing of an image, in words, and its digest."""

    what: str
    digest: Digest

    def __str__(self) -> str:
        return f"{self.what} {self.digest}"


@dataclass(frozen=True, slots=True)
class _Present:
    """A manifest that is there: what it needs."""

    children: tuple[Digest, ...]
    lacks: tuple[Lack, ...]
    """Of its config and layers."""


class _Check:
    """Asks for each manifest and blob of a repository once, whatever shares it."""

    def __init__(self, client: RegistryClient) -> None:
        self._client = client
        self._manifests: dict[tuple[str, Digest], _Present | None] = {}
        self._blobs: dict[tuple[str, Digest], bool] = {}

    async def tags(self, repository: str) -> set[str]:
        """As they are listed."""
        try:
            return {tag async for page in self._client.tags(repository) for tag in page}
        except NotFound:
            return set()

    async def lacks(self, repository: str, digest: Digest) -> list[Lack]:
        """All that is missing of a manifest and below it."""
        lacks: list[Lack] = []
        seen: set[Digest] = set()
        waiting = [digest]
        while waiting:
            wanted = waiting.pop()
            if wanted in seen:
                continue
            seen.add(wanted)
            if (present := await self._look(repository, wanted)) is None:
                lacks.append(Lack("manifest" if wanted == digest else "platform image", wanted))
            else:
                lacks += present.lacks
                waiting += present.children
        return lacks

    async def _look(self, repository: str, digest: Digest) -> _Present | None:
        if (repository, digest) not in self._manifests:
            self._manifests[repository, digest] = await self._read(repository, digest)
        return self._manifests[repository, digest]

    async def _read(self, repository: str, digest: Digest) -> _Present | None:
        try:
            manifest = stored(await self._client.manifest(repository, digest))
        except NotFound:
            return None
        config = manifest.manifest.config.digest if isinstance(manifest.manifest, Manifest) else None
        lacks = []
        for blob in manifest.blobs:
            if (repository, blob) not in self._blobs:
                self._blobs[repository, blob] = await self._client.has_blob(repository, blob)
            if not self._blobs[repository, blob]:
                lacks.append(Lack("config" if blob == config else "layer", blob))
        return _Present(manifest.children, tuple(lacks))


async def verify(client: RegistryClient, before: Before, gone: Collection[Digest] | None) -> TagsVerified:
    """What came of each tag. `gone`: what this collection took, from which follows what was broken before it; None
    where that isn't known, and nothing can be said to have been so before. Raises RegistryError where the registry
    can't be asked."""
    check = _Check(client)
    broken: list[str] = []
    earlier = [f"{repository}:{tag} leads to no manifest" for repository, tag in before.dangling]

    async def ask(item: tuple[tuple[str, str], Digest]) -> None:
        (repository, tag), known = item
        try:
            # Pushed anew since, it is the new one that has to be whole.
            digest = (await client.resolve(repository, tag)).digest
        except NotFound:
            if gone is None or known in gone or tag not in await check.tags(repository):
                broken.append(f"{repository}:{tag} is gone")
            else:
                # A registry that ran for long says from memory that it is there.
                earlier.append(f"{repository}:{tag} leads to no manifest")
            return
        lacks = await check.lacks(repository, digest)
        now = [lack for lack in lacks if gone is None or lack.digest in gone]
        if now:
            broken.append(f"{repository}:{tag} lacks {_all_of(now)}")
        elif lacks:
            earlier.append(f"{repository}:{tag} lacks {_all_of(lacks)}")

    await each(before.tags.items(), ask)
    return TagsVerified(
        checked=len(before.tags) + len(before.dangling),
        total=before.total,
        broken=tuple(sorted(broken)),
        broken_before=tuple(sorted(earlier)),
    )


def _all_of(lacks: Sequence[Lack]) -> str:
    more = f" and {len(lacks) - 1} more" if len(lacks) > 1 else ""
    return f"{lacks[0]}{more}"
