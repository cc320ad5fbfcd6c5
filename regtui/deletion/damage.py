"""A damaged tag stands in the way of all others: what can be done about it.

The filesystem driver keeps a tag as a file with a digest in it. Where a full disk left that empty or cut off, 2.8.2 and
3.1.1 answer 500 for the tag, and for each DELETE by digest in its repository: the manifest is gone then, and its tags
are still listed and lead to nothing. A PUT writes the file anew, and all is well again.

2.8.2 answers in the same words for a tag that is whole and whose manifest it can't make out: which of them stands in
the way is only known once it doesn't any more. So they are repaired one after the other, never one more than that, and
only those that the plan named: what becomes damaged afterwards is left to the next plan.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from regtui.deletion.ground import Ground
from regtui.deletion.inventory import is_damaged
from regtui.deletion.journal import Unrecorded
from regtui.deletion.placeholder import Placeholder, empty_index
from regtui.deletion.reasons import Reason, in_words
from regtui.deletion.values import PlannedTag
from regtui.deletion.watch import look_at
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.oci.manifest import REPAIRED
from regtui.registry.errors import NotFound, RegistryError


def repaired_sentence(repository: str, tag: str) -> str:
    """What was done to a tag that nobody chose, and what to do about it."""
    return (
        f"{tag} seemed damaged in the registry's storage, which makes it fail each deletion by digest in {repository}. "
        "It leads to an empty index now: push it again, or delete it."
    )


@dataclass(frozen=True, slots=True)
class Healed:
    """`gone`: the tags that went. `why`: the others didn't; they may stand on `placeholder`."""

    placeholder: Digest
    gone: frozenset[str] = frozenset()
    why: str = ""


async def heal(ground: Ground, dangling: Collection[PlannedTag]) -> Healed:
    """Remove tags that lead to nothing because a damaged one stands in their way.

    The damaged tag, which nobody chose and the plan named, stays: it leads to an empty index from then on.
    """
    watch, placeholder = ground.watch, Placeholder.new()
    chosen = {tag.tag for tag in dangling}
    try:
        shown = (watch.names & ground.replaceable) - chosen
        await watch.look(shown, again=True)
        suspects = deque(sorted(tag for tag in shown if tag in watch.errors and is_damaged(watch.errors[tag])))
        await _place(ground, dangling, placeholder)
        # At first nobody is touched: it may have been something that is over by now.
        while (error := await _delete(ground, placeholder)) is not None and is_damaged(error) and suspects:
            await _repair(ground, suspects.popleft())
            await ground.client.put_manifest(
                ground.repository, placeholder.digest, placeholder.body, placeholder.media_type
            )
        gone = await _gone(ground, chosen, waits=error is None)
        return Healed(placeholder.digest, gone, error.message if error else "")
    except RegistryError as error:
        return Healed(placeholder.digest, why=error.message)
    except Unrecorded as failed:
        return Healed(placeholder.digest, why=in_words(Reason.UNRECORDED, failed.reason))


async def _is_still_damaged(ground: Ground, tag: str) -> bool:
    """Somebody may have pushed it since it was seen: what leads to an image again needs no repair."""
    try:
        await look_at(ground.client, ground.repository, tag)
    except RegistryError as error:
        return is_damaged(error)
    return False


async def _repair(ground: Ground, tag: str) -> None:
    """Unless somebody has pushed it since it was seen."""
    body = empty_index(REPAIRED)
    run = await ground.record.begun()
    async with ground.client.before_put(ground.repository):
        if not await _is_still_damaged(ground, tag):
            return
        run.write("repair", digest=Digest.of(body), tags=[tag])
        await ground.client.put_manifest(ground.repository, tag, body, mt.OCI_INDEX)
    ground.repaired[tag] = Digest.of(body)
    await ground.watch.look([tag], again=True)
    ground.notices.append(repaired_sentence(ground.repository, tag))


async def _place(ground: Ground, tags: Collection[PlannedTag], placeholder: Placeholder) -> None:
    ground.placeholders.add(placeholder.digest)
    run = await ground.record.begun()
    run.placed(placeholder.digest, [tag.tag for tag in tags])

    async def place(tag: PlannedTag) -> None:
        async with ground.client.before_put(ground.repository):
            if await _leads_nowhere(ground, tag):
                await ground.client.put_manifest(ground.repository, tag.tag, placeholder.body, placeholder.media_type)

    await ground.work.all(tags, place, to_the_end=True)


async def _leads_nowhere(ground: Ground, tag: PlannedTag) -> bool:
    """Right before it is changed: somebody may have pushed it since. Raises RegistryError where that can't be told."""
    try:
        return (await look_at(ground.client, ground.repository, tag.tag)).digest is None
    except RegistryError:
        if not tag.unread:
            raise
        return True  # It can't be read still, as was shown.


async def _delete(ground: Ground, placeholder: Placeholder) -> RegistryError | None:
    """Why its tags didn't go with it; None where they did."""
    try:
        await ground.client.delete_manifest(ground.repository, placeholder.digest)
    except NotFound:
        return None
    except RegistryError as error:
        return error
    return None


async def _gone(ground: Ground, wanted: set[str], *, waits: bool) -> frozenset[str]:
    async def are_gone() -> bool:
        await ground.watch.list()
        return not wanted & ground.watch.names

    await (ground.patience.until(are_gone) if waits else are_gone())
    return frozenset(wanted - ground.watch.names)
