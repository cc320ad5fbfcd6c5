"""Carries out a plan: checks it against the registry as it is now, records it, untags, deletes, checks again.

    recheck → journal → untag → delete by digest, outer manifests first → verify → Report

A stop ends it after what is in flight; a placeholder that stands is always removed first.
"""

import asyncio
from collections.abc import AsyncIterator

from regtui.deletion.belonging import check_belongs
from regtui.deletion.entry import Entry
from regtui.deletion.journal import Journal, Run, unrecorded
from regtui.deletion.plan import bytes_of, doomed_manifests
from regtui.deletion.recheck import recheck
from regtui.deletion.surely import delete_surely
from regtui.deletion.under_way import UnderWay
from regtui.deletion.untagging import untag_by_placeholder, untag_by_tag
from regtui.deletion.values import (
    Action,
    Method,
    Outcome,
    Plan,
    PlannedManifest,
    PlannedTag,
    Status,
    left_outcome,
    manifest_outcome,
    tag_outcome,
)
from regtui.deletion.verification import verify
from regtui.oci import Digest
from regtui.registry import RegistryClient


class Execution(UnderWay):
    """One run of one plan. Lives on the client's event loop; `stop` may be called from any thread."""

    def __init__(
        self,
        client: RegistryClient,
        plan: Plan,
        journal: Journal,
        username: str = "",
        *,
        undoes: str = "",
        resumes: Entry | None = None,
    ) -> None:
        """`undoes`: the run that this takes back. `resumes`: one that was cut off, of which `plan` is the rest.

        Raises OtherRegistry where that wasn't made here.
        """
        if resumes is not None:
            check_belongs(resumes, client.identity)
        super().__init__(client, plan.repository, journal, username)
        self._plan = plan
        self._undoes = undoes
        self._resumes = resumes

    async def outcomes(self) -> AsyncIterator[list[Outcome]]:
        """Yields what is done as it is done; the check's findings come last and replace what came before.

        Raises RegistryError where nothing could be begun, JournalFailed where nothing could be recorded.
        """
        plan, fell_out = await recheck(self._client, self._plan, self._work)
        yield self._tell([*_done_before(self._resumes, plan), *fell_out])
        if plan.is_empty and self._resumes is None:
            return
        run = await asyncio.to_thread(self._begin, plan)
        self._name = run.name
        try:
            async for batch in self._carry_out(plan, run):
                yield self._tell(batch)
            for digest in self._gone():
                run.taken_away(digest)
            known = {tag.tag: outcome for tag in plan.removed if (outcome := self._fate(tag))}
            verified = await verify(self._client, plan, known, self._work)
            self._doubts += verified.doubts
            yield self._tell(verified.outcomes)
            yield self._tell(self._left(plan))
            await asyncio.to_thread(run.end, self._told.values(), self.report.interrupted)
            self._doubts += unrecorded(run)
        finally:
            run.close()

    def _begin(self, plan: Plan) -> Run:
        if self._resumes is not None:
            return self._journal.resume(self._resumes, self._client.identity)
        return self._journal.begin(self._client.identity, self._username, plan, undoes=self._undoes)

    def _fate(self, tag: PlannedTag) -> Outcome | None:
        """What came of it; of one that was left to its manifest's DELETE, what came of that."""
        repository = self._plan.repository
        if told := self._told.get((Action.UNTAG, f"{repository}:{tag.tag}")):
            return told
        manifest = self._told.get((Action.DELETE, f"{repository}@{tag.digest}"))
        return _shared(repository, tag, manifest) if manifest else None

    def _gone(self) -> list[Digest]:
        """What was deleted now, and placeholders of the run's first part that weren't there any more."""
        told = self._told.values()
        before = self._resumes.standing if self._resumes is not None else ()
        return [o.digest for o in told if o.action is Action.DELETE and o.status is Status.DONE and o.digest] + [
            digest for digest in before if digest not in self._plan.contents.manifests
        ]

    def _left(self, plan: Plan) -> list[Outcome]:
        """The manifests that have no tag any more, and were to be left. Knows how many bytes that is."""
        told = {outcome.reference for outcome in self._told.values() if outcome.is_as_planned}
        gone = [tag.tag for tag in plan.removed if f"{plan.repository}:{tag.tag}" in told]
        without = doomed_manifests(plan.contents, gone, ())
        left = [manifest for manifest in plan.left if manifest.digest in without]
        if left:
            self._left_bytes = bytes_of(plan.contents, {manifest.digest for manifest in left})
        return [left_outcome(plan.repository, manifest) for manifest in left]

    async def _carry_out(self, plan: Plan, run: Run) -> AsyncIterator[list[Outcome]]:
        if plan.method is Method.BY_TAG:
            untagging = untag_by_tag(self._client, plan, self._work)
        else:
            untagging = untag_by_placeholder(self._client, plan, self._work, run)
        async for batch in untagging:
            yield batch
        for level in _levels(plan):
            async for attempts in self._work.each(level, self._delete):
                yield [
                    manifest_outcome(plan.repository, a.item, a.ended.status, a.ended.reason, a.ended.detail)
                    for a in attempts
                ]

    async def _delete(self, manifest: PlannedManifest) -> None:
        """Done also where it was done before, or where only the answer got lost."""
        await delete_surely(self._client, self._plan.repository, manifest.digest)


def _done_before(entry: Entry | None, plan: Plan) -> list[Outcome]:
    """What the run that was cut off had done already."""
    if entry is None:
        return []
    contents = plan.contents
    gone = [PlannedTag(tag, digest) for tag, digest in entry.tags.items() if tag not in contents.tags]
    deleted = [PlannedManifest(d, "") for d in entry.manifests_changed if d not in contents.manifests]
    return [tag_outcome(plan.repository, tag, Status.DONE) for tag in gone] + [
        manifest_outcome(plan.repository, manifest, Status.DONE) for manifest in deleted
    ]


def _shared(repository: str, tag: PlannedTag, manifest: Outcome) -> Outcome:
    return Outcome(
        f"{repository}:{tag.tag}", tag.digest, Action.UNTAG, manifest.status, manifest.error, manifest.reason
    )


def _levels(plan: Plan) -> list[list[PlannedManifest]]:
    """The manifests in rounds: an index before its children, whatever else at once with its like."""
    depth: dict[Digest, int] = {}
    for manifest in plan.manifests:  # outer first, so that a parent's depth is known before its children's
        own = depth.setdefault(manifest.digest, 0)
        for child in plan.contents.manifests[manifest.digest].children:
            depth[child] = max(depth.get(child, 0), own + 1)
    rounds: dict[int, list[PlannedManifest]] = {}
    for manifest in plan.manifests:
        rounds.setdefault(depth[manifest.digest], []).append(manifest)
    return [rounds[number] for number in sorted(rounds)]
