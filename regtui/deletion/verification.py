"""Afterwards: what was to go is gone, what was to stay is there and the same. The registry is asked, not our memory."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from regtui.deletion.graph import reachable
from regtui.deletion.ground import Ground
from regtui.deletion.reasons import Reason
from regtui.deletion.settling import settle
from regtui.deletion.surely import leads_to
from regtui.deletion.values import (
    Looked,
    Outcome,
    Plan,
    PlannedManifest,
    PlannedTag,
    Status,
    manifest_outcome,
    tag_outcome,
)
from regtui.deletion.words import gone_before_sentence, pushed_again_sentence
from regtui.names.order import in_order
from regtui.oci.digest import Digest
from regtui.registry.errors import RegistryError

ALL_OF: Final = 200
"""So many tags are looked at one by one, whatever was changed; of more, those that share an image with what went."""


@dataclass(frozen=True, slots=True)
class Verified:
    """`outcomes`: of what was planned, as the registry shows it. `doubts`: sentences about what should not be.
    `looked`: None where nothing could be looked at."""

    outcomes: tuple[Outcome, ...]
    doubts: tuple[str, ...]
    looked: Looked | None


async def verify(
    ground: Ground, plan: Plan, told: Mapping[str, Outcome], again: Collection[str], shown: Plan
) -> Verified:
    """`told`: tag → what was thought to have come of it. `again`: those that were gone, and pushed since. `shown`: the
    plan as somebody read it, of which `plan` is what could be carried out.

    Raises nothing: what can't be checked is a doubt."""
    try:
        outcomes = await _tags(ground, plan, told, again)
    except RegistryError as error:
        return Verified((), (f"The result could not be checked: {error}",), None)
    chosen = {tag.tag for tag in plan.removed} - set(again)
    names = ground.watch.names
    lost = [tag for tag in sorted(_listed(plan)) if tag not in chosen and tag not in names]
    if early := in_order(_listed(shown) - _listed(plan) - {tag.tag for tag in shown.removed} - names):
        ground.notices.append(gone_before_sentence(early))
    doubts = [f"{tag} is gone, though it was to stay." for tag in lost]
    back = [tag.tag for tag, o in zip(plan.removed, outcomes, strict=True) if _is_done(o) and tag.tag in names]
    if back:
        ground.notices.append(pushed_again_sentence(back))
    looked = await _look(ground, plan, names - chosen, shown)
    changed = [tag for tag in plan.staying if tag in names and ground.watch.last(tag) != plan.contents.tags.get(tag)]
    doubts += [_points_elsewhere(tag, ground.watch.last(tag)) for tag in changed if tag in ground.watch.seen]
    errors = ground.watch.errors
    doubts += [f"{tag} was to stay, and could not be checked: {errors[tag]}" for tag in plan.staying if tag in errors]
    return Verified(tuple(outcomes), tuple(doubts), looked)


async def verify_manifests(
    ground: Ground,
    plan: Plan,
    manifests: Collection[PlannedManifest],
    told: Mapping[Digest, Outcome],
    gone: Collection[str],
) -> list[Outcome]:
    """What is otherwise than was told. `manifests`: those whose DELETE was sent. `gone`: tags that weren't listed any
    more, once they were removed."""
    repository = plan.repository
    there: dict[Digest, bool | None] = {}

    async def look(manifest: PlannedManifest) -> None:
        there[manifest.digest] = await leads_to(ground.client, repository, manifest.digest, manifest.digest)

    async def is_as_told() -> bool:
        odd = [m for m in manifests if there.get(m.digest, True) is not False and _is_done(told[m.digest])]
        await ground.work.all(odd, look, to_the_end=True)
        return not any(there[m.digest] for m in odd)

    await ground.patience.until(is_as_told)
    await ground.work.all([m for m in manifests if not _is_done(told[m.digest])], look, to_the_end=True)
    odd = {m.digest for m in manifests if _is_done(told[m.digest]) and there.get(m.digest)}
    pushed = await _pushed_again(ground, plan, odd, gone) if odd else {}
    outcomes: list[Outcome] = []
    for manifest in manifests:
        before, now = told[manifest.digest], there.get(manifest.digest)
        if manifest.digest in pushed:
            why = f"{pushed[manifest.digest]} leads to it"
            outcomes.append(manifest_outcome(repository, manifest, Status.DONE, Reason.PUSHED_AGAIN, why))
        elif _is_done(before) and now:
            outcomes.append(manifest_outcome(repository, manifest, Status.FAILED, Reason.STILL_THERE))
        elif not _is_done(before) and now is False:
            outcomes.append(manifest_outcome(repository, manifest, Status.DONE))
        elif not _is_done(before) and now is None:
            outcomes.append(manifest_outcome(repository, manifest, Status.FAILED, Reason.UNKNOWN, before.error))
    return outcomes


def with_later_changes(ground: Ground, plan: Plan, shown: Plan, looked: Looked) -> Looked:
    """With what was seen since, while it was looked whether the manifests are gone."""
    later = _looked_at(ground, plan, ground.watch.names - {tag.tag for tag in plan.removed}, shown)
    return replace(later, changed=tuple(sorted({*looked.changed, *later.changed})))


async def _pushed_again(
    ground: Ground, plan: Plan, digests: Collection[Digest], gone: Collection[str]
) -> dict[Digest, str]:
    """Those that a tag leads to which nobody but another can have put there, with that tag: it was gone, or there was
    none, or it led to something else. Empty where that can't be seen."""
    watch, planned, before = ground.watch, plan.contents.tags, ground.watch.names
    try:
        await watch.list()
    except RegistryError:
        return {}
    chosen = {tag.tag for tag in plan.removed}
    others = watch.names - chosen
    await watch.look(watch.fresh | (watch.names & set(gone)) | (others if len(others) <= ALL_OF else set()), again=True)
    if back := in_order((watch.names - before) & set(gone)):
        ground.notices.append(pushed_again_sentence(back))
    found: dict[Digest, str] = {}
    for tag in sorted(watch.names & watch.seen):
        root = watch.last(tag)
        if root is not None and (tag in gone or (tag not in chosen and planned.get(tag) != root)):
            found |= dict.fromkeys(reachable(watch.manifests, [root]) & set(digests) - found.keys(), tag)
    return found


def _listed(plan: Plan) -> set[str]:
    return plan.contents.tags.keys() | plan.contents.unread.keys()


def _is_done(outcome: Outcome) -> bool:
    return outcome.status is Status.DONE


async def _tags(ground: Ground, plan: Plan, told: Mapping[str, Outcome], again: Collection[str]) -> list[Outcome]:
    """Raises RegistryError where the tags can't be listed."""
    done = [tag for tag in plan.removed if tag.tag in told and _is_done(told[tag.tag]) and tag.tag not in again]
    settled = {tag.tag: outcome for tag, outcome in zip(done, await _settled(ground, plan, done), strict=True)}
    rest = [tag for tag in plan.removed if tag.tag not in settled]
    left = [tag for tag in rest if tag.tag in ground.watch.names]
    # Of what failed the list tells whether it is gone for all that.
    settled |= {tag.tag: tag_outcome(plan.repository, tag, Status.DONE) for tag in rest if tag not in left}
    settled |= {tag.tag: told[tag.tag] for tag in left if tag.tag in told}
    unheard = [tag for tag in left if tag.tag not in told]
    settled |= {tag.tag: o for tag, o in zip(unheard, await _settled(ground, plan, unheard), strict=True)}
    return [settled[tag.tag] for tag in plan.removed]


async def _settled(ground: Ground, plan: Plan, tags: Collection[PlannedTag]) -> list[Outcome]:
    if not tags:
        return []
    return await settle(ground, tags, method=plan.method, placeholders=ground.placeholders, only_look=True)


async def _look(ground: Ground, plan: Plan, others: Collection[str], shown: Plan) -> Looked:
    watch = ground.watch
    wanted = set(others) if len(others) <= ALL_OF else {tag for tag in plan.staying if tag in others}
    await watch.look(wanted - watch.seen, again=True)
    return _looked_at(ground, plan, others, shown)


def _looked_at(ground: Ground, plan: Plan, others: Collection[str], shown: Plan) -> Looked:
    watch, before = ground.watch, shown.contents
    # What was to go, or shares an image with that, has words of its own.
    ours = {*plan.staying, *ground.repaired, *ground.told, *(tag.tag for tag in shown.removed)}
    failed = {tag: str(error) for tag, error in watch.errors.items() if tag in others}
    # One that couldn't be read in the plan leads to something now that nobody can compare.
    unknown = failed | {tag: before.unread[tag] for tag in before.unread.keys() & watch.seen & set(others)}
    unknown = {tag: why for tag, why in sorted(unknown.items()) if tag not in ours}
    seen = (watch.seen & set(others)) - unknown.keys()
    changed = sorted(tag for tag in seen if watch.last(tag) != before.tags.get(tag) and tag not in ours)
    return Looked(len(seen), len(others), tuple(changed), unknown)


def _points_elsewhere(tag: str, digest: Digest | None) -> str:
    if digest is None:
        return f"{tag} was to stay, and leads to nothing now."
    return f"{tag} was to stay, and points at another manifest than before ({digest.short})."
