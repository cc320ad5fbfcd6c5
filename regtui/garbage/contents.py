"""What the registry's API says of a repository, as far as a collection has to know it. `Reading` is pure.

Manifests that nothing reaches are found by the revisions that the host lists: no API lists them. What reaches: a tag;
an index its children; a manifest its referrers, and they it. In doubt everything is reached.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from regtui.content.store import ContentStore
from regtui.deletion.inventory import read_contents, stored
from regtui.deletion.used import with_indexes
from regtui.deletion.values import Contents, StoredManifest
from regtui.oci.digest import Digest
from regtui.oci.manifest import UnknownManifest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotFound, RepositoryNotFound


@dataclass(frozen=True, slots=True)
class Reading:
    """A repository's contents, and the manifests (revisions) that its host lists."""

    contents: Contents
    revisions: frozenset[Digest]
    used: frozenset[Digest] = frozenset()
    """What runs somewhere: it counts as a tag does."""

    @property
    def repository(self) -> str:
        return self.contents.repository

    @property
    def untagged(self) -> tuple[Digest, ...]:
        """The revisions that nothing reaches; none while anything is unclear."""
        manifests = self.contents.manifests
        tagged = [digest for digest in self.contents.tags.values() if digest]
        if self.contents.unread or self.contents.unread_manifests or any(digest not in manifests for digest in tagged):
            return ()
        reached = _reached(manifests, [*tagged, *with_indexes(manifests, self.used)])
        if any(isinstance(manifests[d].manifest, UnknownManifest) for d in reached & manifests.keys()):
            # What a manifest of an unknown kind needs can't be told.
            return ()
        return tuple(sorted(digest for digest in self.revisions & manifests.keys() if digest not in reached))

    @property
    def kept_by_use(self) -> tuple[Digest, ...]:
        """The revisions that stay for that alone."""
        if not self.used:
            return ()
        return tuple(sorted(set(replace(self, used=frozenset()).untagged) - set(self.untagged)))

    @property
    def platforms_at_risk(self) -> dict[str, int]:
        """Tag of an index → how many of its children have no tag: on 2.x --delete-untagged takes those."""
        tagged = set(self.contents.tags.values())
        counts = {
            tag: sum(child in self.revisions and child not in tagged for child in manifest.children)
            for tag, digest in sorted(self.contents.tags.items())
            if digest and (manifest := self.contents.manifests.get(digest))
        }
        return {tag: count for tag, count in counts.items() if count}

    def needed_by(self, digests: Collection[Digest]) -> Iterator[Digest]:
        """What the collector marks for these manifests: themselves, and what they name."""
        for manifest in filter(None, map(self.contents.manifests.get, digests)):
            yield manifest.digest
            yield from manifest.named


def _reached(manifests: Mapping[Digest, StoredManifest], roots: Collection[Digest]) -> set[Digest]:
    beside: dict[Digest, list[Digest]] = {}
    for digest, manifest in manifests.items():
        if manifest.subject is not None:
            beside.setdefault(manifest.subject, []).append(digest)
            beside.setdefault(digest, []).append(manifest.subject)
    reached: set[Digest] = set()
    waiting = list(roots)
    while waiting:
        digest = waiting.pop()
        if digest not in reached:
            reached.add(digest)
            waiting += beside.get(digest, ())
            needing = manifests.get(digest)
            # Whatever its media type: an entry that isn't called a manifest may be one.
            waiting += needing.named if needing else ()
    return reached


async def read(
    client: RegistryClient,
    content: ContentStore,
    repository: str,
    revisions: frozenset[Digest],
    used: frozenset[Digest] = frozenset(),
) -> Reading:
    """Raises RegistryError. Revisions whose manifest the registry doesn't have are left out: the collector, too,
    passes them over."""
    content.forget(repository)
    try:
        return Reading(await read_contents(client, content, repository, digests=revisions), revisions, used)
    except RepositoryNotFound:
        # Never tagged: 2.x and 3.x have no list of tags for it.
        manifests: dict[Digest, StoredManifest] = {}
        for digest in revisions:
            try:
                manifests[digest] = stored(await content.manifest(repository, digest))
            except NotFound:
                continue
        return Reading(Contents(repository, {}, manifests), revisions, used)
