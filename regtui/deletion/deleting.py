"""Deletes manifests by digest, outer ones first, and none that anything leads to by now."""

from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping, Sequence

from regtui.deletion.ground import Ground
from regtui.deletion.guard import Guard
from regtui.deletion.reasons import Reason
from regtui.deletion.recheck import check_tag
from regtui.deletion.surely import delete_surely
from regtui.deletion.values import (
    Outcome,
    Plan,
    PlannedManifest,
    PlannedTag,
    Status,
    StoredManifest,
    manifest_outcome,
    tag_outcome,
)
from regtui.deletion.work import IN_FLIGHT, Attempt, Result
from regtui.oci.digest import Digest
from regtui.oci.manifest import UnknownManifest
from regtui.registry.errors import RegistryError


class Deleting:
    """`along`: the tags that are left to their manifest's DELETE. `kept`: manifests that stay, once it has ended;
    `is_clean`: whether the registry said of all others itself that they are gone."""

    def __init__(self, ground: Ground, plan: Plan, guard: Guard, along: Collection[PlannedTag]) -> None:
        self._ground = ground
        self._plan = plan
        self._guard = guard
        self._along: dict[Digest, list[PlannedTag]] = {}
        for tag in along:
            if tag.digest is not None:
                self._along.setdefault(tag.digest, []).append(tag)
        self._fell_out: list[Outcome] = []
        self.kept: set[Digest] = set()
        self.is_clean = True

    @property
    def _at_once(self) -> int:
        """One after the other where a tag may go along: then it is known with which of them it did. It takes a
        registry hardly longer, as each DELETE has it read all tags, and it does one of them at a time."""
        return 1 if self._guard.has_others else IN_FLIGHT

    async def outcomes(self) -> AsyncIterator[list[Outcome]]:
        """Yield what is done as it is done."""
        for level in _levels(self._plan):
            waiting = deque(level)
            while waiting:
                if self._is_stopped():
                    yield self._all(waiting, Status.SKIPPED, Reason.STOPPED)
                    break
                try:
                    yield self._note(await self._guard.look(min(self._at_once, len(waiting))))
                except RegistryError as error:
                    yield self._all(waiting, Status.FAILED, Reason.UNCHECKED, error.message)
                    break
                if self._is_stopped():
                    continue  # Not all was looked at.
                some, stay = self._next(waiting)
                yield stay
                async for attempts in self._ground.work.change(some, self._delete):
                    self._guard.deleted([attempt.item for attempt in attempts if attempt.is_done])
                    yield self._note([self._outcome(attempt) for attempt in attempts])
                yield self._fell_out
                self._fell_out = []

    def _is_stopped(self) -> bool:
        return self._ground.work.stopped

    def _next(self, waiting: deque[PlannedManifest]) -> tuple[list[PlannedManifest], list[Outcome]]:
        """Those to be deleted now, and what is told of those that stay."""
        deletable = self._guard.deletable()
        some: list[PlannedManifest] = []
        stay: list[Outcome] = []
        while waiting and len(some) < self._at_once:
            manifest = waiting.popleft()
            if manifest.digest in deletable:
                some.append(manifest)
            else:
                self.kept.add(manifest.digest)
                why = self._guard.holder(manifest.digest)
                stay.append(manifest_outcome(self._plan.repository, manifest, Status.SKIPPED, Reason.IN_USE, why))
        return some, stay

    async def _delete(self, manifest: PlannedManifest) -> Result | None:
        """Done also where it was done before, or where only the answer got lost."""
        if not is_manifest(self._plan, self._ground.watch.manifests, manifest.digest):
            return Result(Status.SKIPPED, Reason.NOT_A_MANIFEST)
        async with self._ground.client.before_delete(self._plan.repository):
            for tag in self._along.get(manifest.digest, ()):
                other = await check_tag(self._ground.client, self._ground.watch, tag)
                if other is not None:
                    self._leave(tag, other)
                    if other.status is Status.FAILED:
                        return other
            # Before the last look: it takes a while.
            await self._ground.record.begun()
            if manifest.digest in self._along and not await self._guard.is_still_deletable(manifest.digest):
                return Result(Status.SKIPPED, Reason.IN_USE, self._guard.holder(manifest.digest))
            if not await delete_surely(self._ground.client, self._plan.repository, manifest.digest):
                self.is_clean = False
            return None

    def _leave(self, tag: PlannedTag, other: Result) -> None:
        self._guard.left_alone(tag)
        self._fell_out.append(tag_outcome(self._plan.repository, tag, other.status, other.reason, other.detail))

    def _all(self, waiting: deque[PlannedManifest], status: Status, reason: Reason, detail: str = "") -> list[Outcome]:
        outcomes = [manifest_outcome(self._plan.repository, m, status, reason, detail) for m in waiting]
        return self._note(outcomes)

    def _note(self, outcomes: list[Outcome]) -> list[Outcome]:
        self.kept |= {o.digest for o in outcomes if o.digest is not None and o.status is not Status.DONE}
        return outcomes

    def _outcome(self, attempt: Attempt[PlannedManifest]) -> Outcome:
        ended = attempt.ended
        return manifest_outcome(self._plan.repository, attempt.item, ended.status, ended.reason, ended.detail)


def is_manifest(plan: Plan, manifests: Mapping[Digest, StoredManifest], digest: Digest) -> bool:
    """Whether a DELETE below /manifests/ does to it what is meant: of a layer or config, 2.x would unlink the blob."""
    stored = manifests.get(digest)
    if stored is None:
        return False
    return not isinstance(stored.manifest, UnknownManifest) or digest in plan.contents.tags.values()


def _levels(plan: Plan) -> list[Sequence[PlannedManifest]]:
    """The manifests in rounds: an index before its children, what is attached after its image, the rest at once."""
    depth: dict[Digest, int] = {}
    for manifest in plan.manifests:  # outer first, so that a parent's depth is known before its children's
        own = depth.setdefault(manifest.digest, 0)
        stored = plan.contents.manifests.get(manifest.digest)
        for child in stored.children if stored is not None else ():
            depth[child] = max(depth.get(child, 0), own + 1)
    rounds: dict[tuple[bool, int], list[PlannedManifest]] = {}
    for manifest in plan.manifests:
        rounds.setdefault((manifest.attached_to is not None, depth[manifest.digest]), []).append(manifest)
    return [rounds[key] for key in sorted(rounds)]
