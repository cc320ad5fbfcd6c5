"""Is the registry still as it was when the plan was shown?

What follows is never more than was shown and confirmed. A tag that points elsewhere now is left alone; a manifest that
something new may use is not deleted.
"""

from collections.abc import Collection
from dataclasses import replace

from regtui.deletion.graph import reachable
from regtui.deletion.plan import doomed_manifests, make_plan
from regtui.deletion.reasons import Reason
from regtui.deletion.request import Request
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
from regtui.deletion.watch import Watch, look_at, tags_now
from regtui.deletion.work import Result
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import RegistryError

__all__ = ["check_tag", "deletable", "holder", "left_attached", "recheck", "tags_now"]


def recheck(plan: Plan, watch: Watch) -> tuple[Plan, list[Outcome]]:
    """The plan as it can still be carried out by the list of tags, and what fell out of it. What each tag leads to is
    looked at right before its own change."""
    gone = [tag for tag in plan.removed if tag.tag not in watch.names]
    chosen = [tag for tag in plan.removed if tag.tag in watch.names]
    contents = watch.contents({tag.tag for tag in chosen})
    stay = left_attached(plan, chosen, contents)
    narrowed = _narrowed(plan, [tag for tag in chosen if tag not in stay], contents)
    kept = {manifest.digest for manifest in narrowed.manifests}
    going = {tag.tag for tag in narrowed.removed}
    outcomes = [tag_outcome(plan.repository, tag, Status.SKIPPED, Reason.GONE_BEFORE) for tag in gone]
    outcomes += [tag_outcome(plan.repository, tag, Status.SKIPPED, Reason.IMAGE_STAYS) for tag in stay]
    outcomes += [
        manifest_outcome(plan.repository, m, Status.SKIPPED, Reason.IN_USE, holder(contents, going, m.digest))
        for m in plan.manifests
        if m.digest not in kept
    ]
    return narrowed, outcomes


def holder(contents: Contents, going: Collection[str], digest: Digest) -> str:
    """Which tag, besides those that go, leads to a manifest that stays, or may; empty where that isn't known."""
    for tag, root in sorted(contents.tags.items()):
        if root is not None and tag not in going and digest in reachable(contents.manifests, [root]):
            return f"{tag} leads to it"
    unread = sorted(contents.unread.keys() - set(going))
    return f"{unread[0]} can't be read, and may lead to it" if unread else ""


async def check_tag(client: RegistryClient, watch: Watch, tag: PlannedTag) -> Result | None:
    """Why the tag isn't to be changed: to be asked right before; None where it is as it was shown."""
    try:
        sight = await look_at(client, watch.repository, tag.tag, [tag.digest])
    except RegistryError as error:
        if tag.unread and not error.affects_all:
            return None  # It can't be read still, as was shown.
        return Result(Status.FAILED, Reason.UNCHECKED, error.message)
    if sight.digest == tag.digest or (sight.digest is None and sight.missing == tag.digest):
        return None  # Also where its manifest is gone, by somebody else: it still is the tag that was shown.
    if sight.digest is None and sight.missing is None:
        return Result(Status.SKIPPED, Reason.GONE_BEFORE)
    watch.note(tag.tag, sight.digest)
    return Result(Status.SKIPPED, Reason.MOVED)


def _going(plan: Plan, chosen: Collection[PlannedTag], contents: Contents) -> set[Digest]:
    """The manifests that go with those tags and with what was named by digest, and what goes along with them."""
    going = doomed_manifests(contents, [tag.tag for tag in chosen if tag.attached_to is None], _named(plan))
    waiting = {tag.digest: tag.attached_to for tag in chosen if tag.digest and tag.attached_to}
    waiting |= {m.digest: m.attached_to for m in (*plan.manifests, *plan.left) if m.attached_to}
    while along := [digest for digest, image in waiting.items() if image in going]:
        going.update(along)
        waiting = {digest: image for digest, image in waiting.items() if digest not in going}
    return going


def left_attached(plan: Plan, chosen: Collection[PlannedTag], contents: Contents) -> list[PlannedTag]:
    """Tags of signatures and the like whose image was to go, and stays: so do they."""
    if not any(tag.attached_to for tag in chosen):
        return []
    going = _going(plan, chosen, contents)
    return [tag for tag in chosen if tag.attached_to is not None and tag.attached_to not in going]


def deletable(plan: Plan, chosen: Collection[PlannedTag], contents: Contents) -> set[Digest]:
    """The manifests of the plan that nothing which stays reaches."""
    going = _going(plan, chosen, contents)
    along = [m.digest for m in (*plan.manifests, *plan.left) if m.attached_to is not None and m.attached_to in going]
    return doomed_manifests(contents, [tag.tag for tag in chosen], [*_named(plan), *along])


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
    request = Request(plan.repository, tags, [*_named(plan), *along], untagged=Manifests.DELETED)
    now = make_plan(contents, request, method=plan.method)
    return replace(
        plan,
        removed=tuple(chosen),
        manifests=tuple(manifest for manifest in now.manifests if manifest.digest in shown),
        left=tuple(manifest for manifest in now.manifests if manifest.digest in left),
        contents=contents,
    )
