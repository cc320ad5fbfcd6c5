"""Right before the first change: is the registry still as it was when the plan was shown?

What follows is never more than was shown and confirmed. A tag that points elsewhere now is left alone; a manifest that
something new may use is not deleted.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from regtui.deletion.inventory import list_tags
from regtui.deletion.plan import doomed_manifests, make_plan
from regtui.deletion.reasons import Reason
from regtui.deletion.values import (
    Contents,
    Manifests,
    Outcome,
    Plan,
    PlannedTag,
    Status,
    manifest_outcome,
    tag_outcome,
)
from regtui.deletion.work import Work
from regtui.oci import Digest
from regtui.registry import NotFound, RegistryClient


async def recheck(client: RegistryClient, plan: Plan, work: Work) -> tuple[Plan, list[Outcome]]:
    """The plan as it can still be carried out, and what fell out of it. Raises RegistryError where the tags can't be
    listed."""
    names = set(await tags_now(client, plan.repository))
    fresh = names - plan.contents.tags.keys()
    now, failed = await _resolve(client, plan.repository, {tag.tag for tag in plan.removed} | fresh, work)

    fell_out: dict[str, Outcome] = {}
    for tag in plan.removed:
        if tag.tag in failed and tag.unread:
            continue  # It can't be read still, as was shown.
        if tag.tag in failed:
            fell_out[tag.tag] = tag_outcome(plan.repository, tag, Status.FAILED, Reason.UNCHECKED, failed[tag.tag])
        elif tag.tag not in names:
            fell_out[tag.tag] = tag_outcome(plan.repository, tag, Status.SKIPPED, Reason.GONE_BEFORE)
        elif now[tag.tag] != tag.digest:
            fell_out[tag.tag] = tag_outcome(plan.repository, tag, Status.SKIPPED, Reason.MOVED)

    chosen = [tag for tag in plan.removed if tag.tag not in fell_out]
    contents = _contents_now(plan.contents, names, now, failed)
    stay = _left_attached(plan, chosen, contents)
    fell_out |= {tag.tag: tag_outcome(plan.repository, tag, Status.SKIPPED, Reason.IMAGE_STAYS) for tag in stay}
    narrowed = _narrowed(plan, [tag for tag in chosen if tag not in stay], contents)
    kept = {manifest.digest for manifest in narrowed.manifests}
    outcomes = list(fell_out.values()) + [
        manifest_outcome(plan.repository, m, Status.SKIPPED, Reason.IN_USE)
        for m in plan.manifests
        if m.digest not in kept
    ]
    return narrowed, outcomes


async def tags_now(client: RegistryClient, repository: str) -> list[str]:
    """The tags; none where the repository is gone. Raises RegistryError."""
    try:
        return await list_tags(client, repository)
    except NotFound:
        return []


async def _resolve(
    client: RegistryClient, repository: str, tags: Collection[str], work: Work
) -> tuple[dict[str, Digest | None], dict[str, str]]:
    """(tag → digest or None where its manifest is gone, tag → why it could not be looked up)."""
    found: dict[str, Digest | None] = {}

    async def look(tag: str) -> None:
        try:
            found[tag] = (await client.resolve(repository, tag)).digest
        except NotFound:
            found[tag] = None

    attempts = await work.all(sorted(tags), look, to_the_end=True)
    return found, {attempt.item: attempt.error.message for attempt in attempts if attempt.error}


def _contents_now(
    before: Contents, names: set[str], now: Mapping[str, Digest | None], failed: Mapping[str, str]
) -> Contents:
    tags = {tag: digest for tag, digest in {**before.tags, **now}.items() if tag in names}
    # A manifest that wasn't read may be an index over what is to go: as long as there is one, nothing goes by digest.
    new = {
        tag: "its manifest is new since the plan was shown"
        for tag, digest in tags.items()
        if digest is not None and digest not in before.manifests
    }
    fresh_failures = {tag: why for tag, why in failed.items() if tag not in before.tags}
    return replace(before, tags=tags, unread={**before.unread, **new, **fresh_failures})


def _going(plan: Plan, chosen: Iterable[PlannedTag], contents: Contents) -> set[Digest]:
    """The manifests that go with those tags and with what was named by digest, and what goes along with them."""
    going = doomed_manifests(contents, [tag.tag for tag in chosen if tag.attached_to is None], _named(plan))
    waiting = {tag.digest: tag.attached_to for tag in chosen if tag.digest and tag.attached_to}
    waiting |= {m.digest: m.attached_to for m in (*plan.manifests, *plan.left) if m.attached_to}
    while along := [digest for digest, image in waiting.items() if image in going]:
        going.update(along)
        waiting = {digest: image for digest, image in waiting.items() if digest not in going}
    return going


def _left_attached(plan: Plan, chosen: Iterable[PlannedTag], contents: Contents) -> list[PlannedTag]:
    """Tags of signatures and the like whose image was to go, and stays: so do they."""
    going = _going(plan, chosen, contents)
    return [tag for tag in chosen if tag.attached_to is not None and tag.attached_to not in going]


def _named(plan: Plan) -> list[Digest]:
    """Those that were named by digest have neither tags nor, as a rule, an index above them."""
    return [m.digest for m in plan.manifests if not m.tags and m.parent is None and m.attached_to is None]


def _narrowed(plan: Plan, chosen: list[PlannedTag], contents: Contents) -> Plan:
    shown = {manifest.digest for manifest in plan.manifests}
    left = {manifest.digest for manifest in plan.left}
    going = _going(plan, chosen, contents)
    along = [m.digest for m in (*plan.manifests, *plan.left) if m.attached_to is not None and m.attached_to in going]
    tags = [tag.tag for tag in chosen]
    # What is left was shown too: it isn't decided anew.
    now = make_plan(contents, tags, method=plan.method, digests=[*_named(plan), *along], untagged=Manifests.DELETED)
    return replace(
        plan,
        removed=tuple(chosen),
        manifests=tuple(manifest for manifest in now.manifests if manifest.digest in shown),
        left=tuple(manifest for manifest in now.manifests if manifest.digest in left),
        contents=contents,
    )
