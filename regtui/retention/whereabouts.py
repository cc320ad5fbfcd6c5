"""What is in use, held against the registry: which tags lead to it now, and what is gone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from regtui.content.store import ContentStore
from regtui.deletion.entry import Entry
from regtui.deletion.graph import reachable
from regtui.deletion.inventory import read_contents
from regtui.deletion.undo import undone
from regtui.deletion.used import with_indexes
from regtui.deletion.values import Contents
from regtui.limit import each
from regtui.names.order import in_order
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.endurance import Endurance
from regtui.registry.errors import NotFound
from regtui.retention.own_names import OwnImage
from regtui.retention.uses import Use, Uses

_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class LocatedUse:
    """`tags` lead to it now, in order. `digest`: what runs, or what the tag that was named is; None where there is
    none. `is_gone`: the registry doesn't have it. `run`: of the journal, which took it away; empty where none is known
    that can be undone."""

    use: Use
    tags: tuple[str, ...] = ()
    digest: Digest | None = None
    is_gone: bool = False
    run: str = ""

    @property
    def image(self) -> str:
        """With the tags that lead there now: `team/app:1.4, 1`."""
        repository = self.use.image.repository
        if self.use.image.is_any_tag:
            return f"{repository} (any tag)"
        return f"{repository}:{', '.join(self.tags)}" if self.tags else f"{repository} (no tag)"


async def with_tags_in_doubt(client: RegistryClient, uses: Uses) -> Uses:
    """The same, and where an image is known by a digest that the registry doesn't have, its tag counts too: what was
    built on a host is called otherwise there than in the registry that it was pushed to. Raises RegistryError."""
    named = {use.image for use in uses.found if use.image.digest and use.image.tag}
    absent: set[OwnImage] = set()

    async def ask(image: OwnImage) -> bool:
        there = [await _is_there(client, image.repository, digest) for digest in image.manifests]
        return any(there)

    async for ended in each(named, ask, at_once=_AT_ONCE, expect=NotFound):
        absent |= {one.item for one in ended if not one.result}
    more = [Use(OwnImage(use.image.repository, use.image.tag), use.place) for use in uses.found if use.image in absent]
    return replace(uses, found=tuple(dict.fromkeys((*uses.found, *more))))


async def locate(
    client: RegistryClient, content: ContentStore, uses: Iterable[Use], entries: Sequence[Entry]
) -> list[LocatedUse]:
    """Each use with what the registry has of it, by repository. `entries`: the journal's, newest first. Raises
    RegistryError, TooSilent."""
    by_repository: dict[str, list[Use]] = {}
    for use in uses:
        by_repository.setdefault(use.image.repository, []).append(use)
    located: list[LocatedUse] = []
    endurance, names = Endurance(client), sorted(by_repository)
    for number, repository in enumerate(names):
        endurance.check(names, number)
        some = by_repository[repository]
        digests = {digest for use in some for digest in use.image.manifests}
        contents = await _contents(client, content, repository, digests)
        located += [_located(use, contents, entries) for use in some]
    return located


async def _contents(client: RegistryClient, content: ContentStore, repository: str, digests: set[Digest]) -> Contents:
    try:
        return await read_contents(client, content, repository, digests=digests)
    except NotFound:
        # No list of tags: there may be manifests nevertheless.
        there = [digest for digest in digests if await _is_there(client, repository, digest)]
        return Contents(repository, {}, {}, unread_manifests=dict.fromkeys(there, ""))


async def _is_there(client: RegistryClient, repository: str, digest: Digest) -> bool:
    try:
        await client.resolve(repository, digest)
    except NotFound:
        return False
    return True


def _located(use: Use, contents: Contents, entries: Sequence[Entry]) -> LocatedUse:
    image = use.image
    if image.digest is not None:
        above = with_indexes(contents.manifests, image.identities)
        tags = tuple(in_order(tag for tag, digest in contents.tags.items() if digest in above))
        there = contents.manifests.keys() | contents.unread_manifests.keys()
        runs = next((digest for digest in (*image.manifests, *above) if digest in there), None)
        if runs is not None:
            return LocatedUse(use, tags, runs)
        return LocatedUse(use, tags, image.digest, True, _taken_by(image, entries))
    if image.is_any_tag:
        return LocatedUse(use, is_gone=not contents.tag_count)
    digest = contents.tags.get(image.tag)
    is_gone = digest is None and image.tag not in contents.unread
    return LocatedUse(use, (image.tag,), digest, is_gone, _taken_by(image, entries) if is_gone else "")


def _taken_by(image: OwnImage, entries: Sequence[Entry]) -> str:
    """The newest run that took an image away, has all of it, and wasn't taken back."""
    taken_back = undone(entries)
    for entry in entries:
        if entry.repository != image.repository or entry.name in taken_back or entry.is_running:
            continue
        if not entry.kind.can_be_undone or not entry.leaves_something or not entry.has_effect:
            continue
        tags = entry.taken_tags
        took = {*entry.taken_manifests, *tags.values()} if image.digest else {tags.get(image.tag)}
        roots = [digest for digest in took if digest is not None and (digest in image.manifests or not image.digest)]
        if roots and _has_all(entry, roots):
            return entry.name
    return ""


def _has_all(entry: Entry, roots: Iterable[Digest]) -> bool:
    """Whether the journal has these manifests and all below them: what it lacks, undo doesn't bring back."""
    stored = entry.manifests()
    return reachable(stored, roots) <= stored.keys()
