"""Removes tags, and leaves their manifests."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from regtui.deletion.journal import Run
from regtui.deletion.placeholder import Placeholder
from regtui.deletion.plan import needs_untagging
from regtui.deletion.reasons import Reason
from regtui.deletion.surely import delete_surely, put_surely
from regtui.deletion.values import Outcome, Plan, PlannedTag, Status, tag_outcome
from regtui.deletion.work import Work
from regtui.registry import NotAllowed, NotAuthenticated, NotFound, RegistryClient, RegistryError

# From so many tags on, one placeholder for all is quicker than a DELETE by digest for each (each searches all tags).
_BULK: Final = 10


async def untag_by_tag(client: RegistryClient, plan: Plan, work: Work) -> AsyncIterator[list[Outcome]]:
    """`DELETE …/manifests/<tag>`, for all tags: 0.5 ms each, and each with an answer of its own (3.x)."""

    async def untag(tag: PlannedTag) -> None:
        try:
            await client.delete_tag(plan.repository, tag.tag)
        except NotFound:
            return

    async for attempts in work.each(plan.removed, untag):
        yield [tag_outcome(plan.repository, a.item, a.ended.status, a.ended.reason, a.ended.detail) for a in attempts]


async def untag_by_placeholder(
    client: RegistryClient, plan: Plan, work: Work, run: Run
) -> AsyncIterator[list[Outcome]]:
    """An empty index takes the place of all the tags, then one DELETE removes it with them (2.x).

    Tags that lose their manifest anyway are left to its DELETE, unless they are many. Whether a tag is gone is for the
    check that follows to say: a PUT or DELETE whose answer got lost may have been done.
    """
    needed = needs_untagging(plan)
    tags = plan.removed if len(plan.removed) >= _BULK else needed
    if not tags:
        return
    placeholder = Placeholder.new()
    run.placed(placeholder.digest, [tag.tag for tag in tags])

    async def place(tag: PlannedTag) -> None:
        await client.put_manifest(plan.repository, tag.tag, placeholder.body, placeholder.media_type)

    # The first alone: without the right to push there is no need to ask for all of them.
    attempts = await work.all(tags[:1], place)
    if attempts and isinstance(attempts[0].error, NotAllowed | NotAuthenticated):
        run.taken_away(placeholder.digest)
        yield [tag_outcome(plan.repository, tag, Status.FAILED, Reason.NO_PUSH) for tag in needed]
        return
    attempts += await work.all(tags[1:], place)
    yield [
        tag_outcome(plan.repository, a.item, a.ended.status, a.ended.reason, a.ended.detail)
        for a in attempts
        if not a.is_done
    ]
    # Also where every PUT failed: one of them may have been done.
    if begun := [attempt.item for attempt in attempts if attempt.begun]:
        placed = [attempt.item for attempt in attempts if attempt.is_done]
        yield await _remove(client, plan, placeholder, begun, placed, work, run)
    else:
        # A stop came before the first.
        run.taken_away(placeholder.digest)


async def _remove(
    client: RegistryClient,
    plan: Plan,
    placeholder: Placeholder,
    begun: Sequence[PlannedTag],
    placed: Sequence[PlannedTag],
    work: Work,
    run: Run,
) -> list[Outcome]:
    """Deletes the placeholder, whose tags go with it; where that fails, the tags get their manifest back."""
    try:
        await delete_surely(client, plan.repository, placeholder.digest)
    except RegistryError as error:
        still, unseen = await _standing(client, plan.repository, placeholder, begun, work)
        restored = await _put_back(client, plan, still, work)
        if not unseen and len(restored) == len(still):
            run.taken_away(placeholder.digest)
        return [
            tag_outcome(plan.repository, tag, Status.FAILED, _fate(tag, restored, unseen), error.message)
            for tag in begun
            if tag in still or tag in unseen
        ]
    run.taken_away(placeholder.digest)
    return [tag_outcome(plan.repository, tag, Status.DONE) for tag in placed]


async def _standing(
    client: RegistryClient, repository: str, placeholder: Placeholder, tags: Sequence[PlannedTag], work: Work
) -> tuple[list[PlannedTag], list[PlannedTag]]:
    """(those that point at the placeholder now, those that couldn't be looked at)."""
    standing: list[PlannedTag] = []

    async def look(tag: PlannedTag) -> None:
        try:
            if (await client.resolve(repository, tag.tag)).digest == placeholder.digest:
                standing.append(tag)
        except NotFound:
            return

    attempts = await work.all(tags, look, to_the_end=True)
    return standing, [attempt.item for attempt in attempts if attempt.error]


async def _put_back(client: RegistryClient, plan: Plan, tags: Sequence[PlannedTag], work: Work) -> list[PlannedTag]:
    restored: list[PlannedTag] = []

    async def restore(tag: PlannedTag) -> None:
        manifest = plan.contents.manifests.get(tag.digest) if tag.digest else None
        if manifest is not None:
            await put_surely(client, plan.repository, tag.tag, manifest)
            restored.append(tag)

    await work.all(tags, restore, to_the_end=True)
    return restored


def _fate(tag: PlannedTag, restored: Sequence[PlannedTag], unseen: Sequence[PlannedTag]) -> Reason:
    if tag in restored:
        return Reason.PUT_BACK
    return Reason.UNKNOWN if tag in unseen else Reason.ON_PLACEHOLDER
