"""Removes tags, and leaves their manifests. Each tag is looked at right before its own change: what somebody pushes in
between stays, but for the one request that lies between the look and the change."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from regtui.deletion.ground import Ground
from regtui.deletion.journal import Run
from regtui.deletion.moved_onto import lead_away, others_on
from regtui.deletion.placeholder import Placeholder
from regtui.deletion.reasons import Reason
from regtui.deletion.recheck import check_tag
from regtui.deletion.settling import settle
from regtui.deletion.surely import delete_surely, delete_tag_surely
from regtui.deletion.values import Method, Outcome, PlannedTag, Status, tag_outcome
from regtui.deletion.work import Attempt, Result
from regtui.oci.digest import Digest
from regtui.registry.errors import NotAllowed, NotAuthenticated, RegistryError

BULK: Final = 10
"""From so many tags on, one placeholder for all is quicker than a DELETE by digest for each (each searches all
tags)."""
_LOOKED_AT: Final = 1_000


async def untag_by_tag(ground: Ground, tags: Sequence[PlannedTag]) -> AsyncIterator[list[Outcome]]:
    """`DELETE …/manifests/<tag>`, for all tags: 0.5 ms each, and each with an answer of its own (3.x)."""
    told: dict[str, Outcome] = {}

    async def untag(tag: PlannedTag) -> Result | None:
        async def change() -> None:
            await delete_tag_surely(ground.client, ground.repository, tag.tag, tag.digest)

        return await _checked_and_changed(ground, tag, ground.client.before_delete, change)

    async for attempts in ground.work.change(tags, untag):
        batch = [_outcome(ground, attempt) for attempt in attempts]
        told |= {attempt.item.tag: outcome for attempt, outcome in zip(attempts, batch, strict=True)}
        yield batch
    done = [tag for tag in tags if told[tag.tag].status is Status.DONE]
    if done:
        try:
            settled = await settle(ground, done, method=Method.BY_TAG)
        except RegistryError:
            return  # The check at the end says what it can't see.
        yield [outcome for outcome in settled if outcome.status is not Status.DONE]


async def _checked_and_changed(
    ground: Ground,
    tag: PlannedTag,
    turn: Callable[[str], AbstractAsyncContextManager[None]],
    change: Callable[[], Awaitable[None]],
    writes: Callable[[Run], None] | None = None,
) -> Result | None:
    """Why the tag wasn't changed; None where it was. It is looked at last of all, in one `turn` with its change. The
    first record holds every manifest, which takes a while: what somebody pushes in it isn't overwritten. `writes`: what
    else is to be on disk before."""
    async with turn(ground.repository):
        if (other := await check_tag(ground.client, ground.watch, tag)) is not None:
            return other
        if ground.record.run is not None and writes is None:
            await change()
            return None
    run = await ground.record.begun()
    if writes is not None:
        writes(run)
    async with turn(ground.repository):
        if (other := await check_tag(ground.client, ground.watch, tag)) is None:
            await change()
        return other


async def untag_by_placeholder(
    ground: Ground, tags: Sequence[PlannedTag], needed: Collection[str]
) -> AsyncIterator[list[Outcome]]:
    """An empty index takes the place of all the tags, then one DELETE removes it with them (2.x).

    `needed`: tags that can't be removed without. Of the others nothing is told where this login can't push.
    """
    placeholder = Placeholder.new()
    ground.placeholders.add(placeholder.digest)
    tried: set[str] = set()
    recorded: list[Run] = []

    def name_it(run: Run) -> None:
        run.placed(placeholder.digest, [tag.tag for tag in tags])
        recorded.append(run)

    async def place(tag: PlannedTag) -> Result | None:
        async def change() -> None:
            tried.add(tag.tag)
            await ground.client.put_manifest(ground.repository, tag.tag, placeholder.body, placeholder.media_type)

        writes = None if recorded else name_it
        return await _checked_and_changed(ground, tag, ground.client.before_put, change, writes)

    async def placed(some: Sequence[PlannedTag]) -> list[Attempt[PlannedTag]]:
        return [attempt async for ended in ground.work.change(some, place) for attempt in ended]

    # One alone at first: without the right to push there is no need to ask for all of them.
    attempts: list[Attempt[PlannedTag]] = []
    while not tried and not _is_denied(attempts) and len(attempts) < len(tags):
        attempts += await placed(tags[len(attempts) : len(attempts) + 1])
    if _is_denied(attempts):
        (await ground.record.begun()).taken_away(placeholder.digest)
        yield [_outcome(ground, attempt) for attempt in attempts[:-1]]
        rest = [tag for tag in tags[len(attempts) - 1 :] if tag.tag in needed]
        yield [tag_outcome(ground.repository, tag, Status.FAILED, Reason.NO_PUSH) for tag in rest]
        return
    attempts += await placed(tags[len(attempts) :])
    yield [_outcome(ground, attempt) for attempt in attempts if not attempt.is_done]
    if recorded and not tried:
        recorded[0].taken_away(placeholder.digest)
    # Also where every PUT failed: one of them may have been done.
    if tried:
        yield await _remove(ground, [a.item for a in attempts if a.item.tag in tried], placeholder, attempts)


async def _remove(
    ground: Ground, tags: Sequence[PlannedTag], placeholder: Placeholder, attempts: Collection[Attempt[PlannedTag]]
) -> list[Outcome]:
    """Deletes the placeholder, whose tags go with it; where that fails, the tags get their manifest back."""
    run = await ground.record.begun()
    await _keep_others(ground, tags, placeholder.digest)
    error, is_clean = "", False
    try:
        is_clean = await delete_surely(ground.client, ground.repository, placeholder.digest)
    except RegistryError as failed:
        error = failed.message
    try:
        settled = await settle(
            ground, tags, method=Method.PLACEHOLDER, placeholders={placeholder.digest}, error=error, waits=is_clean
        )
    except RegistryError:
        settled = [_unseen(ground, tag, error) for tag in tags]
    if not any(outcome.reason in (Reason.ON_PLACEHOLDER, Reason.UNKNOWN) for outcome in settled):
        run.taken_away(placeholder.digest)
    # Of a PUT that was refused the refusal is told.
    refused = {attempt.item.tag for attempt in attempts if attempt.error is not None}
    return [
        outcome
        for tag, outcome in zip(tags, settled, strict=True)
        if tag.tag not in refused or outcome.reason not in (Reason.NOT_DONE, Reason.REFUSED)
    ]


async def _keep_others(ground: Ground, tags: Sequence[PlannedTag], placeholder: Digest) -> None:
    """Tags that somebody put onto the placeholder meanwhile don't go with it. New ones are always seen; of others, who
    removes many tags has the time to look at a thousand."""
    watch, going = ground.watch, {tag.tag for tag in tags}
    try:
        await watch.list()
    except RegistryError:
        return  # The check at the end says what it can't see.
    others = watch.names - going
    if len(tags) < BULK or len(others) > _LOOKED_AT:
        others &= watch.fresh
    found = await others_on(ground.client, ground.repository, others, {placeholder})
    images = [image for tag in tags if (image := ground.original(tag.tag, tag.digest)) is not None]
    different = {image.digest: image for image in images}
    away = await lead_away(ground.client, ground.repository, found, {placeholder}, different.values(), ground.patience)
    for tag, digest in away.led.items():
        watch.note(tag, digest)
    ground.notices += away.notices
    ground.doubts += away.doubts


def _is_denied(attempts: Sequence[Attempt[PlannedTag]]) -> bool:
    return bool(attempts) and isinstance(attempts[-1].error, NotAllowed | NotAuthenticated)


def _unseen(ground: Ground, tag: PlannedTag, error: str) -> Outcome:
    """The tags can't be listed."""
    if error:
        return tag_outcome(ground.repository, tag, Status.FAILED, Reason.UNKNOWN, error)
    return tag_outcome(ground.repository, tag, Status.DONE)


def _outcome(ground: Ground, attempt: Attempt[PlannedTag]) -> Outcome:
    ended = attempt.ended
    return tag_outcome(ground.repository, attempt.item, ended.status, ended.reason, ended.detail)
