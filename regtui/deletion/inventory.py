"""Reads what a repository holds, as far as a deletion has to know it: every tag, and every manifest below."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from regtui.content import ContentStore
from regtui.deletion.values import Contents, StoredManifest
from regtui.oci import (
    AnyManifest,
    Digest,
    Index,
    InvalidManifest,
    Manifest,
    Schema1Manifest,
    UnknownManifest,
    parse_manifest,
)
from regtui.registry import FetchedManifest, ManifestNotFound, NotFound, RegistryClient, RegistryError

# The client bounds what is in flight; this bounds the tasks that wait for it.
_BATCH: Final = 64
Progress = Callable[[int, int], None]


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
    fails would fail for all; a single tag's failure is kept in `Contents.unread`.
    """
    names = await list_tags(client, repository)
    found = await read_tags(content, repository, names, on_progress)
    manifests = {m.digest: m for m in found.values() if isinstance(m, StoredManifest)}
    await _read_by_digest(content, repository, digests, manifests)
    await _read_children(content, repository, manifests)
    return Contents(
        repository=repository,
        tags={n: m.digest if isinstance(m, StoredManifest) else None for n, m in found.items() if not _failed(m)},
        manifests=manifests,
        unread={name: str(m) for name, m in found.items() if _failed(m)},
    )


async def list_tags(client: RegistryClient, repository: str) -> list[str]:
    names: list[str] = []
    async for page in client.tags(repository):
        names += page
    return list(dict.fromkeys(names))


async def read_tags(
    content: ContentStore, repository: str, names: Iterable[str], on_progress: Progress | None = None
) -> dict[str, StoredManifest | RegistryError | None]:
    """Each tag's manifest; None where the tag points at nothing; the error where it couldn't be read."""
    found: dict[str, StoredManifest | RegistryError | None] = {}
    wanted = list(names)

    async def read(name: str) -> None:
        try:
            found[name] = stored(await content.current(repository, name))
        except ManifestNotFound:
            found[name] = None
        except RegistryError as error:
            if error.affects_all:
                raise
            found[name] = error
        if on_progress is not None:
            on_progress(len(found), len(wanted))

    for start in range(0, len(wanted), _BATCH):
        async with _group() as group:
            for name in wanted[start : start + _BATCH]:
                group.create_task(read(name))
    return {name: found[name] for name in wanted}


async def read_manifests(
    content: ContentStore, repository: str, digests: Collection[Digest]
) -> dict[Digest, StoredManifest]:
    """Those manifests and all below them; what is missing is left out. Raises RegistryError."""
    found: dict[Digest, StoredManifest] = {}
    await _read_by_digest(content, repository, digests, found)
    await _read_children(content, repository, found)
    return found


async def _read_children(content: ContentStore, repository: str, manifests: dict[Digest, StoredManifest]) -> None:
    """Adds the children of indexes, and theirs: an index of indexes is allowed. Missing ones stay missing."""
    known: set[Digest] = set(manifests)
    wanted = {child for manifest in manifests.values() for child in manifest.children} - known
    while wanted:
        known |= wanted
        fresh = await _read_by_digest(content, repository, wanted, manifests)
        wanted = {child for manifest in fresh for child in manifest.children} - known


async def _read_by_digest(
    content: ContentStore, repository: str, digests: Collection[Digest], manifests: dict[Digest, StoredManifest]
) -> list[StoredManifest]:
    fresh: list[StoredManifest] = []

    async def read(digest: Digest) -> None:
        try:
            manifest = stored(await content.manifest(repository, digest))
        except NotFound:
            return
        manifests[digest] = manifest
        fresh.append(manifest)

    wanted = [digest for digest in digests if digest not in manifests]
    for start in range(0, len(wanted), _BATCH):
        async with _group() as group:
            for digest in wanted[start : start + _BATCH]:
                group.create_task(read(digest))
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
            children = tuple(dict.fromkeys(child.digest for child in manifest.manifests))
            subject = manifest.subject
        case Manifest():
            blobs = {blob.digest: blob.size for blob in manifest.blobs()}
            subject = manifest.subject
        case Schema1Manifest():
            # Schema 1 names no sizes: what it frees isn't counted.
            blobs = dict.fromkeys(manifest.layers, 0)
        case UnknownManifest():
            pass
    return StoredManifest(
        digest=fetched.digest,
        media_type=fetched.media_type,
        body=fetched.body,
        manifest=manifest,
        children=children,
        blobs=blobs,
        subject=subject.digest if subject else None,
    )


def _failed(found: StoredManifest | RegistryError | None) -> bool:
    return isinstance(found, RegistryError)


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
