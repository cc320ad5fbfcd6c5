"""Afterwards: what was to go is gone, what was to stay is there and the same. The registry is asked, not our memory."""

from collections.abc import Mapping
from dataclasses import dataclass

from regtui.deletion.reasons import Reason
from regtui.deletion.recheck import tags_now
from regtui.deletion.values import Outcome, Plan, Status, tag_outcome
from regtui.deletion.work import Work
from regtui.registry import RegistryClient, RegistryError


@dataclass(frozen=True, slots=True)
class Verified:
    """`outcomes`: of every planned tag, as the registry shows it. `doubts`: sentences about what should not be."""

    outcomes: tuple[Outcome, ...]
    doubts: tuple[str, ...]


async def verify(client: RegistryClient, plan: Plan, told: Mapping[str, Outcome], work: Work) -> Verified:
    """`told`: tag → what was thought to have come of it. Raises nothing: what can't be checked is a doubt."""
    try:
        names = set(await tags_now(client, plan.repository))
    except RegistryError as error:
        return Verified((), (f"The result could not be checked: {error}",))
    outcomes: list[Outcome] = []
    for tag in plan.removed:
        outcome = told.get(tag.tag)
        if tag.tag not in names:
            outcomes.append(tag_outcome(plan.repository, tag, Status.DONE))
        elif outcome is None or outcome.status is Status.DONE:
            outcomes.append(tag_outcome(plan.repository, tag, Status.FAILED, Reason.NOT_DONE))
        else:
            outcomes.append(outcome)
    chosen = {tag.tag for tag in plan.removed}
    lost = [tag for tag in sorted(plan.contents.tags) if tag not in chosen and tag not in names]
    doubts = [f"{tag} is gone, though it was to stay." for tag in lost]
    doubts += await _changed(client, plan, [tag for tag in plan.staying if tag in names], work)
    return Verified(tuple(outcomes), tuple(doubts))


async def _changed(client: RegistryClient, plan: Plan, tags: list[str], work: Work) -> list[str]:
    """Doubts about tags that share a manifest with what was removed."""
    doubts: list[str] = []

    async def compare(tag: str) -> None:
        digest = (await client.resolve(plan.repository, tag)).digest
        if digest != plan.contents.tags[tag]:
            doubts.append(f"{tag} was to stay, and points at another manifest than before ({digest.short}).")

    attempts = await work.all(tags, compare, to_the_end=True)
    return doubts + [f"{a.item} was to stay, and could not be checked: {a.error}" for a in attempts if a.error]
