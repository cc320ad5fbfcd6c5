"""Reads what a repository holds, as far as a deletion has to know it: every tag, and every manifest below."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from typing import Any, Final, TypeVar

from regtui import bounds
from regtui.bounded_json import count_values
from regtui.content.store import ContentStore
from regtui.deletion.values import Contents, StoredManifest
from regtui.oci.descriptor import InvalidManifest
from regtui.oci.digest import Digest
from regtui.oci.manifest import AnyManifest, Index, Manifest, Schema1Manifest, UnknownManifest, parse_manifest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import (
    BadAnswer,
    DigestMismatch,
    ManifestNotFound,
    NotFound,
    RegistryError,
    ServerFailed,
    Where,
)
from regtui.registry.values import FetchedManifest

# The client bounds what is in flight; this bounds the tasks that wait for it.
_BATCH: Final = 64
# 3.1.1 says what is wrong with the digest in a tag's file, 2.8.2 nothing; of unreadable manifests both say more.
Progress = Callable[[int, int], None]
T = TypeVar("T")


async def read_contents(
    client: RegistryClient,
    content: ContentStore,
    repository: str,
    *,
    digests: Collection[Digest] = (),
    on_progress: Progress | None = None,
) -> Contents:
    """All tags with their manifests and children; `digests` names untagged manifests to read as well.

    `on_progress` hears (tags read, tags in all). Raises RegistryError where the tags can't be listed, or where what
    fails would fail for all; the failure of a single tag or manifest is kept in `Contents`.
    """
    names = await list_tags(client, repository)
    room = Room(content.host, repository)
    found = await read_tags(content, repository, names, on_progress, room)
    manifests = {m.digest: m for m in found.values() if isinstance(m, StoredManifest)}
    below = _Reading(content, repository, manifests, room)
    await below.read(digests)
    await below.read_children()
    return Contents(
        repository=repository,
        registry=client.identity,
        tags={n: m.digest if isinstance(m, StoredManifest) else None for n, m in found.items() if not _failed(m)},
        manifests=manifests,
        unread={name: str(m) for name, m in found.items() if _failed(m)},
        unread_manifests=below.unread,
        damaged=frozenset(name for name, m in found.items() if isinstance(m, RegistryError) and is_damaged(m)),
    )


async def list_tags(client: RegistryClient, repository: str) -> list[str]:
    names: list[str] = []
    async for page in client.tags(repository):
        names += page
    return list(dict.fromkeys(names))


class Room:
    """How much of one repository's manifests is held at a time, for one plan."""

    def __init__(self, host: str, repository: str) -> None:
        self._where = Where(host, "reading the manifests", repository)
        self._seen: set[Digest] = set()
        self._size = 0
        self._values = 0

    def take(self, manifest: FetchedManifest | StoredManifest) -> None:
        """Raises BadAnswer where it is too much."""
        if manifest.digest in self._seen:
            return
        self._seen.add(manifest.digest)
        self._size += len(manifest.body)
        self._values += count_values(manifest.body)
        if self._size > bounds.all_manifests(len(self._seen)):
            raise self._too_much(f"more than {self._size // bounds.MIB} MiB of manifests")
        if self._values > (most := bounds.plan_values(len(self._seen))):
            raise self._too_much(f"manifests of more than {most:,} values")

    def _too_much(self, what: str) -> BadAnswer:
        host, repository = self._where.host, self._where.repository
        return BadAnswer(self._where, f"{host} has {what} in {repository}: that is too much for one plan.")


async def read_tags(
    content: ContentStore,
    repository: str,
    names: Iterable[str],
    on_progress: Progress | None = None,
    room: Room | None = None,
) -> dict[str, StoredManifest | RegistryError | None]:
    """Each tag's manifest; None where the tag points at nothing; the error where it couldn't be read. Raises
    RegistryError where what fails would fail for all, and where all are more than is held."""
    found: dict[str, StoredManifest | RegistryError | None] = {}
    wanted = list(names)
    room = room or Room(content.host, repository)

    async def read(name: str) -> None:
        fetched: FetchedManifest | None = None
        try:
            fetched = await content.current(repository, name)
        except ManifestNotFound:
            found[name] = None
        except RegistryError as error:
            if error.affects_all:
                raise
            found[name] = error
        if fetched is not None:
            room.take(fetched)
            found[name] = stored(fetched)
        if on_progress is not None:
            on_progress(len(found), len(wanted))

    await in_batches(wanted, read)
    return {name: found[name] for name in wanted}


async def read_manifests(
    content: ContentStore, repository: str, digests: Collection[Digest], room: Room | None = None
) -> tuple[dict[Digest, StoredManifest], dict[Digest, str]]:
    """Those manifests and all below them, and what couldn't be read, with the reason; what is missing is left out.
    `room`: of the plan that they are read for. Raises RegistryError where what fails would fail for all, and where all
    are more than is held."""
    reading = _Reading(content, repository, {}, room or Room(content.host, repository))
    await reading.read(digests)
    await reading.read_children()
    return reading.manifests, reading.unread


class _Reading:
    """Adds to `manifests` by their digest. One that can't be read is noted, and doesn't end it."""

    def __init__(
        self, content: ContentStore, repository: str, manifests: dict[Digest, StoredManifest], room: Room
    ) -> None:
        self._content = content
        self._room = room
        self._repository = repository
        self.manifests = manifests
        self.unread: dict[Digest, str] = {}
        self._mismatches = 0

    async def read_children(self) -> None:
        """The children of indexes, and theirs: an index of indexes is allowed. Missing ones stay missing."""
        known: set[Digest] = set(self.manifests) | set(self.unread)
        wanted = {child for manifest in self.manifests.values() for child in manifest.children} - known
        while wanted:
            known |= wanted
            fresh = await self.read(wanted)
            wanted = {child for manifest in fresh for child in manifest.children} - known

    async def read(self, digests: Collection[Digest]) -> list[StoredManifest]:
        """Those that weren't read before."""
        fresh: list[StoredManifest] = []

        async def read(digest: Digest) -> None:
            if self._mismatches >= bounds.MISMATCHES:
                self.unread[digest] = f"{self._content.host} sends other manifests than it is asked for: not read"
                return
            try:
                fetched = await self._content.manifest(self._repository, digest)
            except NotFound:
                return
            except RegistryError as error:
                if error.affects_all:
                    raise
                self._mismatches += isinstance(error, DigestMismatch)
                self.unread[digest] = str(error)
                return
            self._mismatches = 0
            self._room.take(fetched)
            manifest = stored(fetched)
            self.manifests[digest] = manifest
            fresh.append(manifest)

        await in_batches([digest for digest in digests if digest not in self.manifests], read)
        return fresh


def stored(fetched: FetchedManifest) -> StoredManifest:
    """What a deletion has to know of a manifest. One that can't be parsed is kept with its bytes alone."""
    try:
        manifest: AnyManifest = parse_manifest(fetched.body, fetched.media_type)
    except InvalidManifest:
        manifest = UnknownManifest(fetched.media_type)
    children: tuple[Digest, ...] = ()
    blobs: Mapping[Digest, int] = {}
    subject = None
    match manifest:
        case Index():
            children = tuple(dict.fromkeys(entry.digest for entry in manifest.manifests if entry.is_manifest))
            blobs = {entry.digest: entry.size for entry in manifest.manifests if not entry.is_manifest}
            subject = manifest.subject
        case Manifest():
            blobs = {blob.digest: blob.size for blob in manifest.own_blobs()}
            subject = manifest.subject
        case Schema1Manifest():
            # Schema 1 names no sizes: what it frees isn't counted.
            blobs = dict.fromkeys(manifest.layers, 0)
        case UnknownManifest():
            pass
    return StoredManifest(
        digest=fetched.digest,
        media_type=manifest.media_type,
        body=fetched.body,
        manifest=manifest,
        children=children,
        blobs=blobs,
        subject=subject.digest if subject else None,
    )


def is_damaged(error: RegistryError) -> bool:
    """Whether a tag can't be read because of what it is kept in, rather than because of its manifest."""
    return isinstance(error, ServerFailed) and error.is_of_damage


def _failed(found: StoredManifest | RegistryError | None) -> bool:
    return isinstance(found, RegistryError)


async def in_batches(items: Collection[T], do: Callable[[T], Coroutine[Any, Any, None]]) -> None:
    """Does it to each. The first error ends it, and is raised itself instead of a group of them."""
    waiting = list(items)
    for start in range(0, len(waiting), _BATCH):
        async with _group() as group:
            for item in waiting[start : start + _BATCH]:
                group.create_task(do(item))


class _group:  # noqa: N801 - used like a function
    """A TaskGroup that raises the first error itself instead of a group of them."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> asyncio.TaskGroup:
        return await self._group.__aenter__()

    async def __aexit__(self, *exc: object) -> None:
        try:
            await self._group.__aexit__(*exc)  # type: ignore[arg-type]
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
