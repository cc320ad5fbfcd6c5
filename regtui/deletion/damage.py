"""A damaged tag stands in the way of all others: what can be done about it.

The filesystem driver keeps a tag as a file with a digest in it. Where a full disk left that empty or cut off, 2.8.2 and
3.1.1 answer 500 for the tag, and for each DELETE by digest in its repository: the manifest is gone then, and its tags
are still listed and lead to nothing. A PUT writes the file anew, and all is well again.
"""

import json
from collections.abc import Collection
from typing import Final
from uuid import uuid4

from regtui.deletion.ground import Ground
from regtui.deletion.inventory import is_damaged
from regtui.deletion.placeholder import Placeholder
from regtui.deletion.surely import delete_surely
from regtui.deletion.values import PlannedTag
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.registry.errors import RegistryError

_MARK: Final = "io.regtui.repaired"


def repaired_sentence(repository: str, tag: str) -> str:
    """What was done to a tag that nobody chose, and what to do about it."""
    return (
        f"{tag} was damaged in the registry's storage, and made it fail each deletion by digest in {repository}. "
        "It leads to an empty index now: push it again, or delete it."
    )


async def heal(ground: Ground, dangling: Collection[PlannedTag]) -> set[str]:
    """Remove tags that lead to nothing because a damaged one stands in their way; those that are gone then.

    The damaged tag, which nobody chose, stays: it leads to an empty index from then on.
    """
    watch = ground.watch
    chosen = {tag.tag for tag in dangling}
    try:
        await watch.look(watch.names - chosen, again=True)
        damaged = sorted(tag for tag in watch.names - chosen if tag in watch.errors and is_damaged(watch.errors[tag]))
        if damaged:
            await _repair(ground, damaged)
        return await _remove(ground, dangling)
    except RegistryError:
        return set()


async def _repair(ground: Ground, tags: Collection[str]) -> None:
    body = json.dumps(
        {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": [], "annotations": {_MARK: uuid4().hex}}
    ).encode()
    digest = Digest.of(body)
    run = await ground.record.begun()
    run.write("repair", digest=digest, tags=list(tags))

    async def put(tag: str) -> None:
        await ground.client.put_manifest(ground.repository, tag, body, mt.OCI_INDEX)

    attempts = await ground.work.all(tags, put, to_the_end=True)
    repaired = [attempt.item for attempt in attempts if attempt.is_done]
    ground.repaired.update(repaired)
    await ground.watch.look(repaired, again=True)
    ground.notices.extend(repaired_sentence(ground.repository, tag) for tag in repaired)


async def _remove(ground: Ground, tags: Collection[PlannedTag]) -> set[str]:
    """Another placeholder for them."""
    placeholder = Placeholder.new()
    ground.placeholders.add(placeholder.digest)
    run = await ground.record.begun()
    run.placed(placeholder.digest, [tag.tag for tag in tags])

    async def place(tag: PlannedTag) -> None:
        await ground.client.put_manifest(ground.repository, tag.tag, placeholder.body, placeholder.media_type)

    await ground.work.all(tags, place, to_the_end=True)
    await delete_surely(ground.client, ground.repository, placeholder.digest)
    wanted = {tag.tag for tag in tags}

    async def are_gone() -> bool:
        await ground.watch.list()
        return not wanted & ground.watch.names

    if await ground.patience.until(are_gone):
        run.taken_away(placeholder.digest)
    return wanted - ground.watch.names
