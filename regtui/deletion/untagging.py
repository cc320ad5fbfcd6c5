"""Removes tags, and leaves their manifests."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from regtui.deletion.journal import Run
from regtui.deletion.placeholder import Placeholder
from regtui.deletion.plan import needs_untagging
from regtui.deletion.values import Outcome, Plan, PlannedTag, Status, tag_outcome
from regtui.deletion.work import Attempt, Work
from regtui.registry import NotAllowed, NotAuthenticated, NotFound, RegistryClient, RegistryError

# From so many tags on, one placeholder for all is quicker than a DELETE by digest for each (each searches all tags).
_BULK: Final = 10
STOPPED: Final = "not done: stopped before it"
_NO_PUSH: Final = (
    "this login may delete, but not push, which removing a tag alone needs on this registry. Deleting its manifest "
    "(--manifest) would remove all tags of it"
)


async def untag_by_tag(client: RegistryClient, plan: Plan, work: Work) -> AsyncIterator[list[Outcome]]:
    """`DELETE …/manifests/<tag>`, for all tags: 0.5 ms each, and each with an answer of its own (3.x)."""

    async def untag(tag: PlannedTag) -> None:
        try:
            await client.delete_tag(plan.repository, tag.tag)
        except NotFound:
            return

    async for attempts in work.each(plan.removed, untag):
        yield [_outcome(plan, attempt) for attempt in attempts]


async def untag_by_placeholder(
    client: RegistryClient, plan: Plan, work: Work, run: Run
) -> AsyncIterator[list[Outcome]]:
    """An empty index takes the place of all the tags, each checked, then one DELETE removes it with them (2.x).

    Tags that lose their manifest anyway are left to its DELETE, unless they are many.
    """
    needed = needs_untagging(plan)
    tags = plan.removed if len(plan.removed) >= _BULK else needed
    if not tags:
        return
    placeholder = Placeholder.new()
    run.write("placeholder", digest=placeholder.digest, tags=[tag.tag for tag in tags])

    async def place(tag: PlannedTag) -> None:
        await client.put_manifest(plan.repository, tag.tag, placeholder.body, placeholder.media_type)

    # The first alone: without the right to push there is no need to ask for all of them.
    attempts = await work.all(tags[:1], place)
    if attempts and isinstance(attempts[0].error, NotAllowed | NotAuthenticated):
        yield [tag_outcome(plan.repository, tag, Status.FAILED, _NO_PUSH) for tag in needed]
        return
    attempts += await work.all(tags[1:], place)
    # A PUT whose answer got lost may have been done: whatever was begun is looked at before the DELETE.
    begun = [attempt.item for attempt in attempts if attempt.begun]
    placed = await _placed(client, plan.repository, placeholder, begun, work)
    outcomes = [_outcome(plan, attempt) for attempt in attempts if attempt.item not in placed]
    if placed:
        outcomes += await _remove(client, plan, placeholder, placed, work)
        run.write("placeholder removed", digest=placeholder.digest)
    yield outcomes


async def _placed(
    client: RegistryClient, repository: str, placeholder: Placeholder, tags: Sequence[PlannedTag], work: Work
) -> list[PlannedTag]:
    """Those that point at the placeholder now."""
    placed: list[PlannedTag] = []

    async def look(tag: PlannedTag) -> None:
        if (await client.resolve(repository, tag.tag)).digest == placeholder.digest:
            placed.append(tag)

    await work.all(tags, look, to_the_end=True)
    return placed


async def _remove(
    client: RegistryClient, plan: Plan, placeholder: Placeholder, placed: Sequence[PlannedTag], work: Work
) -> list[Outcome]:
    """Deletes the placeholder, whose tags go with it; where that fails, the tags get their manifest back."""
    try:
        await client.delete_manifest(plan.repository, placeholder.digest)
    except NotFound:
        pass
    except RegistryError as error:
        still = await _placed(client, plan.repository, placeholder, placed, work)
        restored = await _put_back(client, plan, still, work)
        return [
            tag_outcome(plan.repository, tag, Status.FAILED, f"{error.message} {_fate(tag, restored)}")
            if tag in still
            else tag_outcome(plan.repository, tag, Status.DONE)
            for tag in placed
        ]
    return [tag_outcome(plan.repository, tag, Status.DONE) for tag in placed]


async def _put_back(client: RegistryClient, plan: Plan, tags: Sequence[PlannedTag], work: Work) -> list[PlannedTag]:
    restored: list[PlannedTag] = []

    async def restore(tag: PlannedTag) -> None:
        manifest = plan.contents.manifests.get(tag.digest) if tag.digest else None
        if manifest is not None:
            await client.put_manifest(plan.repository, tag.tag, manifest.body, manifest.media_type)
            restored.append(tag)

    await work.all(tags, restore, to_the_end=True)
    return restored


def _fate(tag: PlannedTag, restored: Sequence[PlannedTag]) -> str:
    if tag in restored:
        return "The tag was put back as it was."
    return "The tag points at an empty index now: its manifest is in the journal."


def _outcome(plan: Plan, attempt: Attempt[PlannedTag]) -> Outcome:
    if not attempt.begun:
        return tag_outcome(plan.repository, attempt.item, Status.SKIPPED, STOPPED)
    if attempt.error is not None:
        return tag_outcome(plan.repository, attempt.item, Status.FAILED, str(attempt.error))
    return tag_outcome(plan.repository, attempt.item, Status.DONE)
