"""Tags that were to be gone by now, and are listed: what they lead to, and what can be done about it.

Registries that show late what they did are waited for. What stands on a placeholder, or leads to nothing, gets its
manifest back, unless it can be removed yet.
"""

from collections.abc import Collection
from enum import Enum
from typing import Final

from regtui.deletion.damage import Healed, heal
from regtui.deletion.graph import children_first, reachable
from regtui.deletion.ground import Ground
from regtui.deletion.reasons import Reason
from regtui.deletion.surely import leads_to, put_surely, put_tag_surely
from regtui.deletion.values import Method, Outcome, PlannedTag, Status, StoredManifest, tag_outcome
from regtui.deletion.watch import look_at
from regtui.oci.digest import Digest
from regtui.registry.errors import RegistryError

# How many tags tell whether the registry is late.
_ENOUGH: Final = 4


class Fate(Enum):
    """What a tag that is listed leads to."""

    SAME = "same"
    PLACEHOLDER = "placeholder"
    NOTHING = "nothing"
    ELSEWHERE = "elsewhere"
    UNKNOWN = "unknown"


_LOST: Final = (Fate.PLACEHOLDER, Fate.NOTHING)


async def settle(
    ground: Ground,
    tags: Collection[PlannedTag],
    *,
    method: Method,
    placeholders: Collection[Digest] = (),
    error: str = "",
    waits: bool = True,
    only_look: bool = False,
) -> list[Outcome]:
    """What has become of each of those tags. `error`: why removing them failed; empty where it was said to be done.
    `waits`: whether it may be shown later. `only_look`: nothing is changed any more. Raises RegistryError where the
    tags can't be listed."""

    async def are_gone() -> bool:
        await ground.watch.list()
        some = [tag for tag in tags if tag.tag in ground.watch.names][:_ENOUGH]
        # What somebody else has pushed meanwhile won't go by waiting.
        return all(fate is Fate.ELSEWHERE for fate in (await _fates(ground, some, placeholders)).values())

    if waits and not error:
        await ground.patience.until(are_gone)
    else:
        await ground.watch.list()
    listed = [tag for tag in tags if tag.tag in ground.watch.names]
    fates = await _fates(ground, listed, placeholders)
    healed: Healed | None = None
    # What led to nothing before is "the same" as long as it is listed.
    lost = [tag for tag in listed if fates[tag.tag] in _LOST or (fates[tag.tag] is Fate.SAME and tag.digest is None)]
    nowhere = [tag for tag in lost if fates[tag.tag] is not Fate.PLACEHOLDER]
    if nowhere and not only_look and method is Method.PLACEHOLDER:
        healed = await heal(ground, nowhere)
        error = error or healed.why
        listed = [tag for tag in listed if tag.tag not in healed.gone]
        lost = [tag for tag in lost if tag.tag not in healed.gone]
    restored = set() if only_look else await _put_back(ground, lost, fates)
    if healed is not None and len(restored) == sum(1 for tag in lost if fates[tag.tag] is not Fate.ELSEWHERE):
        (await ground.record.begun()).taken_away(healed.placeholder)
    left = {tag.tag: tag for tag in listed}
    return [
        _told(ground, tag, fates[tag.tag], tag.tag in restored, error)
        if tag.tag in left
        else tag_outcome(ground.repository, tag, Status.DONE)
        for tag in tags
    ]


def _told(ground: Ground, tag: PlannedTag, fate: Fate, is_restored: bool, error: str) -> Outcome:
    name = ground.repository
    if is_restored:
        return tag_outcome(name, tag, Status.FAILED, Reason.PUT_BACK, error or _NOT_CARRIED_OUT)
    match fate:
        case Fate.SAME if error:
            return tag_outcome(name, tag, Status.FAILED, Reason.REFUSED, error)
        case Fate.SAME:
            return tag_outcome(name, tag, Status.FAILED, Reason.NOT_DONE)
        case Fate.ELSEWHERE:
            return tag_outcome(name, tag, Status.SKIPPED, Reason.MOVED)
        case Fate.PLACEHOLDER:
            return tag_outcome(name, tag, Status.FAILED, Reason.ON_PLACEHOLDER, error)
        case Fate.NOTHING:
            return tag_outcome(name, tag, Status.FAILED, Reason.DANGLING, error)
        case Fate.UNKNOWN:
            return tag_outcome(name, tag, Status.FAILED, Reason.UNKNOWN, error)


_NOT_CARRIED_OUT = "the registry accepted the deletion, and didn't carry it out"


async def _fates(ground: Ground, tags: Collection[PlannedTag], placeholders: Collection[Digest]) -> dict[str, Fate]:
    fates = {tag.tag: Fate.UNKNOWN for tag in tags}

    async def look(tag: PlannedTag) -> None:
        try:
            digest = (await look_at(ground.client, ground.repository, tag.tag, [None, *placeholders])).digest
        except RegistryError:
            if tag.unread:
                fates[tag.tag] = Fate.SAME  # It can't be read still, as was shown.
            return
        if digest is not None and digest in placeholders:
            fates[tag.tag] = Fate.PLACEHOLDER
        elif digest == tag.digest and not tag.unread:
            fates[tag.tag] = Fate.SAME
        elif digest is None:
            fates[tag.tag] = Fate.NOTHING
        else:
            fates[tag.tag] = Fate.ELSEWHERE
            ground.watch.note(tag.tag, digest)

    await ground.work.all(tags, look, to_the_end=True)
    return fates


async def _put_back(ground: Ground, tags: Collection[PlannedTag], fates: dict[str, Fate]) -> set[str]:
    """Those that lead to what they led to. Of the others `fates` says which somebody else has pushed by now."""
    restored: set[str] = set()

    async def restore(tag: PlannedTag) -> None:
        manifest = ground.original(tag.tag, tag.digest)
        if manifest is not None:
            await _put_what_is_below(ground, manifest)
            lost = [None, *ground.placeholders]
            if await put_tag_surely(
                ground.client, ground.repository, tag.tag, manifest, ground.patience, instead_of=lost
            ):
                ground.watch.note(tag.tag, manifest.digest)
                restored.add(tag.tag)
            else:
                fates[tag.tag] = Fate.ELSEWHERE

    await ground.work.all(tags, restore, to_the_end=True)
    return restored


async def _put_what_is_below(ground: Ground, manifest: StoredManifest) -> None:
    """An index is refused without its children, and those of one that was to go may have gone already."""
    known = ground.watch.manifests
    for some in children_first(known, reachable(known, manifest.children) & known.keys()):
        for digest in some:
            if await leads_to(ground.client, ground.repository, digest, digest) is False:
                await put_surely(ground.client, ground.repository, digest, known[digest], ground.patience)
