"""Proof that the storage on the host is that of the registry that was opened: lists, and tag → digest, in both.

A staging registry, a replica or a copy may have the same repositories: names alone prove nothing. What is empty in the
one, and not in the other, is no proof either: something of the storage has to be answered by the registry. Where it
doesn't list its repositories, that is something of what goes: images that stay, another one may have as well.
"""

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from regtui.garbage.at_once import each
from regtui.garbage.output import CollectorOutput
from regtui.garbage.storage import Listing, Storage
from regtui.host.errors import Unsafe
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotAllowed, NotAuthenticated, NotFound, Refused
from regtui.text import plural

SAMPLE: Final = 200
"""Tags that are compared, chosen at random."""
REPOSITORIES: Final = 500
"""Repositories whose lists of tags are compared, chosen at random where there are more."""
_TAGS: Final = 10
"""Of each, where the storage can't be listed."""
_EVIDENCE: Final = 50
"""Manifests, and blobs, that are asked for."""
_FEW: Final = 2
"""Tags that have to agree at least where nothing goes, and the repositories aren't listed."""
# What was pushed, moved or deleted between two questions is no other registry's.
_ROUNDS: Final = 3

_REMEDY: Final = "Check ssh, runtime, container and config of the profile: nothing was stopped."
_NO_PROOF: Final = (
    "It can't be shown that the storage on {} is that of {}: the registry answers nothing of what is in it."
)
_LISTABLE: Final = (
    "Check ssh, runtime and container of the profile, or log in as somebody who may list the repositories."
)
_PROVABLE: Final = "Check ssh, runtime and container of the profile. If they are right, push an image, then try again."

Tag = tuple[str, str]


@dataclass(slots=True)
class _Compared:
    agree: int = 0
    unknown: int = 0
    """The login may not read them."""
    differ: list[tuple[Tag, Digest, Digest | None]] = field(default_factory=list)
    """With the storage's digest and the API's."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the registry told before the collector looked: its repositories, None where it doesn't list them for this
    login, and what tags lead to. `unknown`: tags that the login may not read."""

    names: tuple[str, ...] | None = ()
    heads: dict[Tag, Digest] = field(default_factory=dict)
    unknown: int = 0


async def prove_by_storage(
    place: str, client: RegistryClient, storage: Storage, listing: Listing, eligible: Collection[Digest]
) -> None:
    """`eligible`: the blobs that would go. Raises Unsafe where it is another registry's, or can't be shown to be this
    one's; RegistryError, GarbageError, SshError."""
    names = await _listed(client)
    await _lists_the_same(place, client, storage, listing, names)
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
        raise _another(place, client, f"{repository}:{tag}, in the storage {digest}, {says} by the registry.")
    if await _answers_what_goes(place, client, storage, eligible):
        return
    if names is None and (eligible or compared.agree < _FEW):
        raise _shows_too_little(place, client)
    if compared.agree:
        return
    if compared.unknown:
        raise _may_read_none(place, client, compared.unknown)
    manifests = [(name, digest) for name, digests in listing.revisions.items() for digest in digests]
    if not await _answers_manifest(client, manifests):
        _must_be_alike(place, client, names, listing.repositories, eligible)


async def _answers_what_goes(
    place: str, client: RegistryClient, storage: Storage, eligible: Collection[Digest]
) -> bool:
    """Whether the registry has some of the blobs that would go. Raises Unsafe where one that is there isn't to be had
    from it: what it deleted meanwhile is looked at again."""
    owners = await storage.owners(random.sample(list(eligible), min(1000, len(eligible))))
    answered, denied = await _ask_blobs(client, [(name, digest) for digest, name in owners.items()])
    owners = await storage.owners(denied) if denied else {}
    there = await storage.sizes(owners)
    _, denied = await _ask_blobs(client, [(owners[digest], digest) for digest in there])
    for digest in denied[:1]:
        raise _another(
            place, client, f"{digest}, in the storage a blob of {owners[digest]}, is not there by the registry."
        )
    return answered


async def _compare(client: RegistryClient, storage: Storage, tags: Sequence[Tag]) -> _Compared:
    compared = _Compared()

    async def ask(head: tuple[Tag, Digest]) -> None:
        tag, digest = head
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

    await each((await storage.heads(tags)).items(), ask)
    return compared


async def _lists_the_same(
    place: str, client: RegistryClient, storage: Storage, listing: Listing, names: tuple[str, ...] | None
) -> None:
    """Repositories and tags, of both. What changed while they were read is looked at again."""
    known = set(listing.repositories)
    chosen = sorted(known | set(names or ()))
    chosen = random.sample(chosen, REPOSITORIES) if len(chosen) > REPOSITORIES else chosen
    there = await _tags(client, chosen)
    told = {(name, tag) for name, tags in there.items() for tag in tags}
    held = {(name, tag) for name, tag in listing.tags if name in there}
    unknown = _missing(names or (), known)
    if not unknown and told == held:
        return
    # Pushed or deleted since?
    listing = await storage.listing()
    if unknown := _missing(unknown, listing.repositories):
        raise _another(place, client, f"{unknown[0]}, which the registry lists, isn't there.")
    now = set(listing.tags)
    more, less = sorted(told - held - now), sorted((held - told) & now)
    there = await _tags(client, sorted({name for name, _ in (*more, *less)}))
    for name, tag in more:
        if tag in there.get(name, ()):
            raise _another(place, client, f"{name}:{tag}, which the registry lists, isn't there.")
    less = [(name, tag) for name, tag in less if name in there and tag not in there[name]]
    for (name, tag), digest in (await storage.heads(less[:1])).items():
        raise _another(place, client, f"{name}:{tag}, in the storage {digest}, is not there by the registry.")


async def must_list_nothing(place: str, client: RegistryClient) -> None:
    """Raises Unsafe where the registry lists repositories: the storage that was found empty isn't its. So it may be
    where it doesn't list them."""
    names = await _listed(client)
    if names is None:
        raise Unsafe(
            f"The storage that the collector finds on {place} is empty, and whether {client.host} has images can't be "
            "told: it doesn't list its repositories for this login.",
            _LISTABLE,
        )
    if names:
        raise Unsafe(
            f"The storage that the collector finds on {place} is empty, while {client.host} lists {names[0]}: the "
            "config there names another storage than the registry uses.",
            _REMEDY,
        )


async def ask_before(client: RegistryClient) -> Known:
    """For `prove_by_output`."""
    names = await _listed(client)
    chosen = list(names or ())
    chosen = random.sample(chosen, REPOSITORIES) if len(chosen) > REPOSITORIES else chosen
    tags = [(name, tag) for name, tags in (await _tags(client, chosen)).items() for tag in sorted(tags)[:_TAGS]]
    heads: dict[Tag, Digest] = {}
    unknown: list[Tag] = []

    async def ask(tag: Tag) -> None:
        try:
            heads[tag] = (await client.resolve(*tag)).digest
        except NotFound:
            pass
        except (NotAllowed, NotAuthenticated):
            unknown.append(tag)

    await each(random.sample(tags, min(SAMPLE, len(tags))), ask)
    return Known(names, heads, len(unknown))


async def prove_by_output(place: str, client: RegistryClient, output: CollectorOutput, before: Known) -> None:
    """As `prove_by_storage`, where the storage can't be listed: by the manifests that the collector marked. `before`:
    from before it looked, so that what a push meanwhile explains can be told from what it doesn't."""
    if output.has_all_names and (unknown := _missing(before.names or (), output.names)):
        raise _another(place, client, f"{unknown[0]}, which the registry lists, isn't there.")
    marked = output.whole_sample
    agree = 0
    for (name, tag), digest in before.heads.items():
        if name not in marked and not output.has_whole_sample:
            continue
        if digest in marked.get(name, ()):
            agree += 1
        elif await _leads_to(client, name, tag) == digest:
            raise _another(
                place, client, f"{name}:{tag} leads to {digest} by the registry, which the collector doesn't find."
            )
    names = await _listed(client)
    if names is not None and (unlisted := _missing(sorted(output.names), names)):
        there = await _tags(client, random.sample(unlisted, min(REPOSITORIES, len(unlisted))))
        for name, tags in there.items():
            if not tags and marked.get(name):
                raise _another(place, client, f"{name}, which the collector finds, isn't there by the registry.")
    if agree:
        return
    if before.unknown and not before.heads:
        raise _may_read_none(place, client, before.unknown)
    manifests = [(name, digest) for name, digests in marked.items() for digest in digests]
    if before.names is not None and await _answers_manifest(client, manifests):
        return
    linked = [(name, digest) for digest, name in output.links.items()]
    # 2.x doesn't say which repository a blob is of.
    tried = [(name, digest) for digest in list(output.eligible)[:_TAGS] for name in sorted(output.names)[:_TAGS]]
    if (await _ask_blobs(client, linked))[0] or (await _ask_blobs(client, tried))[0]:
        return
    if before.names is None:
        raise _shows_too_little(place, client)
    _must_be_alike(place, client, names, output.names, output.eligible)


def _must_be_alike(
    place: str,
    client: RegistryClient,
    names: Collection[str] | None,
    there: Collection[str],
    eligible: Collection[Digest],
) -> None:
    """Where nothing is left but names, nothing may go either. Raises Unsafe."""
    if eligible or not names or set(names) != set(there):
        raise Unsafe(_NO_PROOF.format(place, client.host), _PROVABLE)


async def _answers_manifest(client: RegistryClient, manifests: Sequence[tuple[str, Digest]]) -> bool:
    for name, digest in random.sample(manifests, min(_EVIDENCE, len(manifests))):
        if await _leads_to(client, name, digest) == digest:
            return True
    return False


async def _ask_blobs(client: RegistryClient, blobs: Sequence[tuple[str, Digest]]) -> tuple[bool, list[Digest]]:
    """Of a sample: whether the registry has any, and those that it hasn't."""
    answered = False
    denied = []
    for name, digest in random.sample(blobs, min(_EVIDENCE, len(blobs))):
        try:
            if await client.has_blob(name, digest):
                answered = True
            else:
                denied.append(digest)
        except (NotAllowed, NotAuthenticated, NotFound, Refused):
            continue
    return answered, denied


async def _leads_to(client: RegistryClient, repository: str, reference: str) -> Digest | None:
    """None where it isn't there, or may not be read."""
    try:
        return (await client.resolve(repository, reference)).digest
    except (NotAllowed, NotAuthenticated, NotFound):
        return None


async def _listed(client: RegistryClient) -> tuple[str, ...] | None:
    """All repositories of the registry; None where it doesn't list them for us."""
    try:
        return tuple([name async for page in client.catalog() for name in page.repositories])
    except (NotAllowed, NotAuthenticated, NotFound, Refused):
        return None


async def _tags(client: RegistryClient, repositories: Iterable[str]) -> dict[str, set[str]]:
    """Of those that this login may read."""
    found: dict[str, set[str]] = {}

    async def ask(repository: str) -> None:
        try:
            found[repository] = {tag async for tags in client.tags(repository) for tag in tags}
        except NotFound:
            found[repository] = set()
        except (NotAllowed, NotAuthenticated):
            pass

    await each(repositories, ask)
    return found


def _another(place: str, client: RegistryClient, why: str) -> Unsafe:
    return Unsafe(f"The storage on {place} isn't that of {client.host}: {why}", _REMEDY)


def _shows_too_little(place: str, client: RegistryClient) -> Unsafe:
    return Unsafe(
        f"It can't be shown that the storage on {place} is that of {client.host}: it doesn't list its repositories for "
        "this login, and has nothing of what would go. The images that both have, another registry may have as well.",
        _LISTABLE,
    )


def _may_read_none(place: str, client: RegistryClient, count: int) -> Unsafe:
    return Unsafe(
        f"It can't be shown that the storage on {place} is that of {client.host}: the login may read none of "
        f"{plural(count, 'tag')} there.",
        "Log in as somebody who may pull.",
    )


def _missing(names: Iterable[str], there: Collection[str]) -> list[str]:
    known = set(there)
    return [name for name in names if name not in known]
