"""Signatures, attestations and SBOMs that refer to an image without a tag of their own: registries with the referrers
API (distribution-spec 1.1: zot, Harbor; not distribution 2.x and 3.x) name them, and nobody else does."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from regtui import bounds
from regtui.content.store import ContentStore
from regtui.deletion.inventory import Room, read_manifests
from regtui.deletion.values import Contents
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import BadAnswer, Where


async def with_referrers(
    client: RegistryClient, content: ContentStore, contents: Contents, going: Collection[Digest]
) -> Contents:
    """`contents`, and what refers to the manifests `going`; and to that: an SBOM may be signed.

    The same where the registry has no such API: it is asked once. Raises RegistryError, also where they are more, one
    after the other or in all, than one plan may have: who is to go along can't be told then, nor what else is in use.
    """
    manifests = dict(contents.manifests)
    unread = dict(contents.unread_manifests)
    room = Room(content.host, contents.repository)
    for manifest in manifests.values():
        room.take(manifest)
    asked: set[Digest] = set()
    count = _Count(client.host, contents.repository, len(going))
    wanted: Iterable[Digest] = going
    while wanted := [digest for digest in wanted if digest not in asked]:
        count.begin_round()
        named: dict[Digest, None] = {}
        for digest in wanted:
            found = await client.referrers(contents.repository, digest)
            named |= dict.fromkeys(descriptor.digest for descriptor in found or ())
            count.check(named)
        asked.update(wanted)
        count.add(named)
        new = [digest for digest in named if digest not in manifests]
        fresh, failed = await read_manifests(content, contents.repository, new, room)
        manifests |= fresh
        unread |= failed
        # Also those that have a tag: what refers to them may have none.
        wanted = [digest for digest in named if digest in manifests]
    return replace(contents, manifests=manifests, unread_manifests=unread)


class _Count:
    """How many referrers a registry names for one plan, and how many one after the other."""

    def __init__(self, host: str, repository: str, going: int) -> None:
        """`going`: so many manifests go."""
        self._where = Where(host, "listing the referrers", repository)
        self._most = bounds.plan_referrers(going)
        self._all: set[Digest] = set()
        self._rounds = 0

    def begin_round(self) -> None:
        """Before those of one more step are asked for. Raises BadAnswer."""
        self._rounds += 1
        if self._rounds > bounds.REFERRERS_DEPTH + 1:
            raise self._too_much(f"more than {bounds.REFERRERS_DEPTH} referrers one after the other")

    def check(self, named: Collection[Digest]) -> None:
        """With those `named` besides. Raises BadAnswer."""
        if len(self._all) + len(named) > self._most and len(self._all.union(named)) > self._most:
            raise self._too_much(f"more than {self._most:,} referrers")

    def add(self, named: Collection[Digest]) -> None:
        self._all.update(named)

    def _too_much(self, what: str) -> BadAnswer:
        host, repository = self._where.host, self._where.repository
        return BadAnswer(self._where, f"{host} lists {what} in {repository}: that is too much for one plan.")
