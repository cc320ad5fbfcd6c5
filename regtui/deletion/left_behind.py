"""The placeholders that a run, or the interrupted part of one, left: they go once no tag leads to them.

Mostly their manifest goes with the rest of the plan. Beside a tag that can't be read no manifest does: but these are
the run's own, and made once in the world, so that nothing else needs them.
"""

from collections.abc import Collection
from contextlib import suppress

from regtui.deletion.entry import Entry
from regtui.deletion.ground import Ground
from regtui.deletion.journal import Run
from regtui.deletion.surely import delete_surely, leads_to
from regtui.deletion.watch import look_at
from regtui.oci.digest import Digest
from regtui.registry.errors import RegistryError


async def record_left(ground: Ground, run: Run, placeholders: Collection[Digest]) -> None:
    """Those of `placeholders` that the registry has still, though no tag leads to them and their deletion was asked
    for, here once more: they are told, and the run isn't over before they are gone. Raises nothing."""
    for digest in sorted(placeholders):
        if await leads_to(ground.client, ground.repository, digest, digest) is not False:
            with suppress(RegistryError):
                await delete_surely(ground.client, ground.repository, digest)
        if await leads_to(ground.client, ground.repository, digest, digest) is not False:
            run.left(digest)
            ground.doubts.append(
                f"An empty index of this deletion may be left, without a tag ({digest.short}): the registry didn't "
                "delete it. Undo removes it once it does."
            )


async def clear_placeholders(ground: Ground, entry: Entry) -> list[Digest]:
    """Those of `entry` that no tag leads to any more, now that the rest of it was done. Raises nothing: of what can't
    be seen nothing is cleared."""
    if not entry.standing:
        return []
    try:
        await ground.watch.list()
    except RegistryError:
        return []
    listed = [tag for tag in entry.tags if tag in ground.watch.names]
    led_to: set[Digest | None] = {ground.watch.last(tag) for tag in ground.watch.names}

    async def look(tag: str) -> None:
        led_to.add((await look_at(ground.client, ground.repository, tag)).digest)

    attempts = await ground.work.all(listed, look, to_the_end=True)
    if not all(attempt.is_done for attempt in attempts):
        return []
    free = [digest for digest in entry.standing if digest not in led_to]
    for digest in free:
        await _remove(ground, digest)
    return free


async def _remove(ground: Ground, digest: Digest) -> None:
    why = "the registry accepted its deletion, and didn't carry it out."
    try:
        await delete_surely(ground.client, ground.repository, digest)
        if not await leads_to(ground.client, ground.repository, digest, digest):
            return
    except RegistryError as error:
        why = str(error)
    ground.notices.append(
        f"An empty index of the interrupted deletion is left, and no tag leads to it ({digest.short}): {why}"
    )
