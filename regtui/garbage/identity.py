"""Proof that the storage on the host is that of the registry that was opened: tag → digest in both.

A staging registry, a replica or a copy may have the same repositories: names alone prove nothing.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from regtui.garbage.output import CollectorOutput
from regtui.garbage.storage import Listing, Storage
from regtui.host.errors import Unsafe
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotAllowed, NotAuthenticated, NotFound, Refused
from regtui.text import plural

SAMPLE: Final = 100
"""Tags that are compared, chosen at random."""
_REPOSITORIES: Final = 10
"""Repositories whose tags by the API are looked for in the storage."""
# What was pushed, moved or deleted between two questions is no other registry's.
_ROUNDS: Final = 3

_REMEDY: Final = "Check ssh, runtime, container and config of the profile: nothing was stopped."

Tag = tuple[str, str]


@dataclass(slots=True)
class _Compared:
    agree: int = 0
    unknown: int = 0
    """The login may not read them."""
    differ: list[tuple[Tag, Digest, Digest | None]] = field(default_factory=list)
    """With the storage's digest and the API's."""


async def prove_by_storage(place: str, client: RegistryClient, storage: Storage, listing: Listing) -> None:
    """Raises Unsafe where it is another registry's, or can't be shown to be this one's; RegistryError, GarbageError,
    SshError."""
    await _lists_the_same(place, client, storage, listing)
    sample = random.sample(listing.tags, min(SAMPLE, len(listing.tags)))
    compared = await _compare(client, storage, sample)
    for _ in range(_ROUNDS):
        if not compared.differ:
            break
        again = await _compare(client, storage, [tag for tag, _, _ in compared.differ])
        compared.agree += again.agree
        compared.unknown += again.unknown
        compared.differ = again.differ
    there = await storage.sizes({digest for _, digest, _ in compared.differ})
    for (repository, tag), digest, told in compared.differ:
        if told is None and (digest not in there or digest not in listing.revisions.get(repository, ())):
            continue  # It leads nowhere, there as here.
        says = f"leads to {told}" if told else "is not there"
        raise Unsafe(
            f"The storage on {place} isn't that of {client.host}: {repository}:{tag}, in the storage {digest}, {says} "
            "by the registry.",
            _REMEDY,
        )
    if sample and not compared.agree and compared.unknown:
        raise Unsafe(
            f"It can't be shown that the storage on {place} is that of {client.host}: the login may read none of "
            f"{plural(len(sample), 'tag')} there.",
            "Log in as somebody who may pull.",
        )


async def _compare(client: RegistryClient, storage: Storage, tags: Sequence[Tag]) -> _Compared:
    heads = await storage.heads(tags)
    compared = _Compared()
    for tag, digest in heads.items():
        try:
            told = (await client.resolve(*tag)).digest
        except (NotAllowed, NotAuthenticated):
            compared.unknown += 1
        except NotFound:
            compared.differ.append((tag, digest, None))
        else:
            if told == digest:
                compared.agree += 1
            else:
                compared.differ.append((tag, digest, told))
    return compared


async def _lists_the_same(place: str, client: RegistryClient, storage: Storage, listing: Listing) -> None:
    """What the registry lists has to be in the storage."""
    names = await listed(client)
    unknown = _missing(names, listing.repositories)
    some = names[:_REPOSITORIES]
    tags = [(name, tag) for name in some for tag in await _tags(client, name)]
    if not unknown and not set(tags) - set(listing.tags):
        return
    # Pushed since?
    listing = await storage.listing()
    if unknown := _missing(unknown, listing.repositories):
        raise Unsafe(
            f"The storage on {place} isn't that of {client.host}: {unknown[0]}, which the registry lists, isn't there.",
            _REMEDY,
        )
    for repository, tag in sorted(set(tags) - set(listing.tags)):
        if tag in await _tags(client, repository):
            raise Unsafe(
                f"The storage on {place} isn't that of {client.host}: {repository}:{tag}, which the registry lists, "
                "isn't there.",
                _REMEDY,
            )


async def must_list_nothing(place: str, client: RegistryClient) -> None:
    """Raises Unsafe where the registry lists repositories: the storage that was found empty isn't its."""
    if names := await listed(client):
        raise Unsafe(
            f"The storage that the collector finds on {place} is empty, while {client.host} lists {names[0]}: the "
            "config there names another storage than the registry uses.",
            _REMEDY,
        )


async def prove_by_output(place: str, client: RegistryClient, output: CollectorOutput) -> None:
    """As `prove_by_storage`, where the storage can't be listed: by the manifests that the collector marked."""
    known = output.sample
    names = await listed(client)
    if unknown := _missing(names, output.names):
        raise Unsafe(
            f"The storage on {place} isn't that of {client.host}: {unknown[0]}, which the registry lists, isn't there.",
            _REMEDY,
        )
    agree = asked = 0
    for name in [name for name in names if name in known][:_REPOSITORIES]:
        for tag in (await _tags(client, name))[:_REPOSITORIES]:
            try:
                digest = (await client.resolve(name, tag)).digest
            except (NotFound, NotAllowed, NotAuthenticated):
                continue
            asked += 1
            agree += digest in known[name]
    if agree < (asked + 1) // 2 or (names and not asked and known):
        raise Unsafe(
            f"It can't be shown that the storage on {place} is that of {client.host}: of {plural(asked, 'tag')} that "
            f"were looked up, {agree:,} lead to manifests that the collector found there.",
            _REMEDY,
        )


async def listed(client: RegistryClient) -> tuple[str, ...]:
    """Some repositories of the registry; none where it doesn't list them for us."""
    try:
        async for page in client.catalog():
            if page.repositories:
                return page.repositories
    except (NotAllowed, NotAuthenticated, NotFound, Refused):
        pass
    return ()


async def _tags(client: RegistryClient, repository: str) -> list[str]:
    try:
        return [tag async for tags in client.tags(repository) for tag in tags]
    except (NotAllowed, NotAuthenticated, NotFound):
        return []


def _missing(names: Sequence[str], there: Collection[str]) -> list[str]:
    known = set(there)
    return [name for name in names if name not in known]
