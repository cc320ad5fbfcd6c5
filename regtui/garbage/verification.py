"""After the registry was brought back: do the tags that were there before still resolve, with all their blobs?

The registry is asked for a byte of each: never our memory, and never its own, which forgets when it restarts.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from regtui.deletion.inventory import stored
from regtui.garbage.values import Verified
from regtui.oci import Digest
from regtui.registry import NotFound, RegistryClient

T = TypeVar("T")

SAMPLE: Final = 2_000
"""Tags that are checked where there are more, unless all are wanted."""

_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Before:
    """`NAME:TAG` as (repository, tag) → digest of those that are checked; `total`: how many tags there were."""

    tags: dict[tuple[str, str], Digest]
    total: int


async def remember(client: RegistryClient, tags: Sequence[tuple[str, str]], *, verify_all: bool) -> Before:
    """What the tags resolve to now. Those that resolve to nothing are broken already, and aren't asked about again."""
    chosen = list(tags) if verify_all or len(tags) <= SAMPLE else random.sample(list(tags), SAMPLE)
    found: dict[tuple[str, str], Digest] = {}

    async def ask(tag: tuple[str, str]) -> None:
        try:
            found[tag] = (await client.resolve(*tag)).digest
        except NotFound:
            return

    await _each(chosen, ask)
    return Before(found, len(tags))


@dataclass(frozen=True, slots=True)
class Lack:
    """What a tag lacks, in words; `digest` of it, where it is known."""

    what: str
    digest: Digest | None = None


@dataclass(slots=True)
class _Check:
    client: RegistryClient
    manifests: dict[tuple[str, Digest], Lack | None] = field(default_factory=dict)
    blobs: dict[tuple[str, Digest], bool] = field(default_factory=dict)

    async def lacks(self, repository: str, digest: Digest) -> Lack | None:
        """What is missing of a manifest or below it; None where all is there."""
        if (repository, digest) not in self.manifests:
            self.manifests[repository, digest] = await self._look(repository, digest)
        return self.manifests[repository, digest]

    async def _look(self, repository: str, digest: Digest) -> Lack | None:
        try:
            manifest = stored(await self.client.manifest(repository, digest))
        except NotFound:
            return Lack(f"manifest {digest}", digest)
        for child in manifest.children:
            if (lack := await self.lacks(repository, child)) is not None:
                return lack
        for blob in manifest.blobs:
            if (repository, blob) not in self.blobs:
                self.blobs[repository, blob] = await self.client.has_blob(repository, blob)
            if not self.blobs[repository, blob]:
                return Lack(f"blob {blob}", blob)
        return None


async def verify(client: RegistryClient, before: Before, gone: Collection[Digest]) -> tuple[Verified, tuple[str, ...]]:
    """What came of each tag, and sentences about those that lack what this collection didn't take: `gone` is what it
    took. Raises RegistryError where the registry can't be asked."""
    check = _Check(client)
    broken: list[str] = []
    incomplete: list[str] = []

    async def ask(item: tuple[tuple[str, str], Digest]) -> None:
        (repository, tag), _ = item
        try:
            # Pushed anew since, it is the new one that has to be whole.
            digest = (await client.resolve(repository, tag)).digest
        except NotFound:
            broken.append(f"{repository}:{tag} is gone")
            return
        lack = await check.lacks(repository, digest)
        if lack is not None and lack.digest in gone:
            broken.append(f"{repository}:{tag} lacks {lack.what}")
        elif lack is not None:
            incomplete.append(f"{repository}:{tag} lacked {lack.what} before.")

    await _each(before.tags.items(), ask)
    verified = Verified(checked=len(before.tags), total=before.total, broken=tuple(sorted(broken)))
    return verified, tuple(sorted(incomplete))


async def _each(items: Iterable[T], work: Callable[[T], Awaitable[None]]) -> None:
    """A few at once; the first error ends it."""
    waiting = iter(list(items))

    async def worker() -> None:
        for item in waiting:
            await work(item)

    workers = [asyncio.ensure_future(worker()) for _ in range(_AT_ONCE)]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
