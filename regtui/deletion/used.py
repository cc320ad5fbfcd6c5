"""What of a repository is in use, as a deletion has to know it: by digest and by tag, in words. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from regtui.deletion.graph import reachable
from regtui.deletion.values import Contents, StoredManifest
from regtui.oci.digest import Digest
from regtui.oci.manifest import Manifest


@dataclass(frozen=True, slots=True)
class UsedImages:
    """`digests` and `tags` → where each is used: `runs on app1 as web`. `any_tag`: where a tag is used that can't be
    told. `unread`: sentences about what could not be read, so that nothing counts as unused. `named_here`: those of the
    digests that are read even where no tag leads to them, since what is below them is used too."""

    digests: Mapping[Digest, tuple[str, ...]] = field(default_factory=dict, hash=False)
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    any_tag: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    named_here: frozenset[Digest] = frozenset()


def with_indexes(manifests: Mapping[Digest, StoredManifest], used: Collection[Digest]) -> dict[Digest, set[Digest]]:
    """Manifest → those of `used` that it is, or has below it. An index whose child is used is used as a whole. Engines
    know some images by the digest of their config alone."""
    found: dict[Digest, set[Digest]] = {digest: {digest} for digest in used}
    parents: dict[Digest, list[Digest]] = {}
    for digest, stored in manifests.items():
        for child in stored.children:
            parents.setdefault(child, []).append(digest)
        if isinstance(stored.manifest, Manifest) and stored.manifest.config.digest in used:
            found.setdefault(digest, set()).add(stored.manifest.config.digest)
    for below, named in list(found.items()):
        for digest in tuple(named):
            waiting = list(parents.get(below, ()))
            while waiting:
                above = waiting.pop()
                if digest not in found.setdefault(above, set()):
                    found[above].add(digest)
                    waiting += parents.get(above, ())
    return found


def kept_by_use(contents: Contents, used: Iterable[Digest]) -> set[Digest]:
    """The manifests without which something that runs could not be pulled again: what is used, the indexes above it,
    and all below those."""
    return reachable(contents.manifests, with_indexes(contents.manifests, set(used)))


def places_by_digest(contents: Contents, images: UsedImages) -> dict[Digest, tuple[str, ...]]:
    """Manifest → where it is used: itself, something below it, or an index above it."""
    places: dict[Digest, dict[str, None]] = {}
    for above, used in with_indexes(contents.manifests, images.digests.keys()).items():
        words = dict.fromkeys(word for digest in sorted(used) for word in images.digests[digest])
        for digest in reachable(contents.manifests, [above]):
            places.setdefault(digest, {}).update(words)
    return {digest: tuple(words) for digest, words in places.items()}


class UsedPlaces:
    """Where each tag and manifest of a repository is used, in words."""

    def __init__(self, contents: Contents, images: UsedImages) -> None:
        self._contents = contents
        self._images = images
        self._by_digest = places_by_digest(contents, images)

    def of_digest(self, digest: Digest) -> tuple[str, ...]:
        return self._by_digest.get(digest, ())

    def of_tag(self, tag: str) -> tuple[str, ...]:
        """By its name, or what it leads to."""
        digest = self._contents.tags.get(tag)
        by_digest = self.of_digest(digest) if digest else ()
        return tuple(dict.fromkeys((*self._images.tags.get(tag, ()), *self._images.any_tag, *by_digest)))
