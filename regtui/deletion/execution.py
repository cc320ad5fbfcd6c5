"""Carries out a plan: records it, untags, deletes, checks again.

    list → for each tag: look, journal, untag → for each few manifests: look at all tags, delete → verify → Report

A stop ends it after what is in flight; a placeholder that stands is always removed first.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import replace

from regtui.deletion.belonging import check_belongs, check_planned
from regtui.deletion.cost import is_looked_at_again
from regtui.deletion.damage import repaired_sentence
from regtui.deletion.deleting import Deleting
from regtui.deletion.entry import Entry
from regtui.deletion.ground import Ground
from regtui.deletion.guard import Guard
from regtui.deletion.journal import Journal, Run, Unrecorded, unrecorded
from regtui.deletion.left_behind import clear_placeholders, record_left
from regtui.deletion.patience import Patience
from regtui.deletion.plan import bytes_of, doomed_manifests, needs_untagging
from regtui.deletion.reasons import Reason, in_words
from regtui.deletion.recheck import left_attached, recheck
from regtui.deletion.record import Record
from regtui.deletion.settling import settle
from regtui.deletion.surely import leads_to
from regtui.deletion.under_way import UnderWay
from regtui.deletion.untagging import BULK, untag_by_placeholder, untag_by_tag
from regtui.deletion.values import (
    Action,
    Contents,
    Method,
    Outcome,
    Plan,
    PlannedManifest,
    PlannedTag,
    Report,
    Status,
    StoredManifest,
    left_outcome,
    manifest_outcome,
    repaired_outcome,
    tag_outcome,
)
from regtui.deletion.verification import verify, verify_manifests, with_later_changes
from regtui.deletion.watch import Watch
from regtui.deletion.words import planned_outcomes, staying_outcomes
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import RegistryError


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
        part_of: str = "",
        resumes: Entry | None = None,
    ) -> None:
        """`undoes`: the run that this takes back. `part_of`: the prune that it is a part of. `resumes`: one that was
        interrupted, of which `plan` is the rest.

        Raises OtherRegistry where that wasn't made here, or `plan` wasn't.
        """
        if resumes is not None:
            check_belongs(resumes, client.identity)
        check_planned(plan.contents.registry, client.identity)
        super().__init__(client, plan.repository, journal, username, planned_outcomes(plan))
        self._plan = plan
        self._shown = plan
        self._undoes = undoes
        self._part_of = part_of
        self._resumes = resumes
        self._guard: Guard | None = None
        self._ground = Ground(
            client=client,
            repository=plan.repository,
            watch=Watch(client, plan.contents),
            work=self._work,
            record=Record(self._begin),
            patience=Patience(),
            placeholders=_placeholders_of(resumes),
            replaceable=plan.replaceable,
            originals=_originals(resumes),
            doubts=self._doubts,
            notices=self._notices,
        )

    async def outcomes(self) -> AsyncIterator[list[Outcome]]:
        """Yields what is done as it is done; the check's findings come last and replace what came before.

        Raises RegistryError where nothing could be begun, RunInUse where others go on with what this resumes.
        What can't be recorded isn't done: that is an outcome, too.
        """
        watch = self._ground.watch
        watch.on_look = self.on_look
        await watch.list()
        await watch.look(watch.fresh)
        plan, fell_out = recheck(self._plan, watch)
        yield self._tell([*_done_before(self._resumes, plan), *staying_outcomes(self._shown), *fell_out])
        if plan.is_empty and self._resumes is None and self._ground.record.run is None:
            yield self._tell(await self._gone_meanwhile())
            return
        self._plan = plan
        if self._resumes is not None:
            try:
                await self._ground.record.begun()
            except Unrecorded as failed:
                yield self._unrecorded(planned_outcomes(plan), failed)
                return
            # What the part that was interrupted could not say any more.
            self._notices += [repaired_sentence(plan.repository, tag) for tag in self._resumes.repaired]
            yield self._tell(repaired_outcome(plan.repository, *each) for each in self._resumes.repaired.items())
        try:
            async for batch in self._carry_out(plan):
                yield self._tell(batch)
            yield self._tell(repaired_outcome(plan.repository, *each) for each in self._ground.repaired.items())
            run = self._ground.record.run
            if run is None:
                # Nothing was changed.
                yield self._tell(fate for tag in plan.removed if (fate := self._fate(tag)))
                if (failure := self._ground.record.failed) is not None:
                    self._doubts.append(failure.sentence)
                yield self._tell(await self._gone_meanwhile())
                return
            self._name = run.name
            for digest in self._gone():
                run.taken_away(digest)
            async for batch in self._check(plan):
                yield self._tell(batch)
            if self._resumes is not None:
                for digest in await clear_placeholders(self._ground, self._resumes):
                    run.taken_away(digest)
            if any(outcome.reason is Reason.PUT_BACK for outcome in self._told.values()):
                await record_left(self._ground, run, self._ground.placeholders - _placeholders_of(self._resumes))
            report = self.report
            await asyncio.to_thread(run.end, report.outcomes, report.interrupted)
            self._doubts += unrecorded(run)
        finally:
            self._ground.record.close()

    def go_on_with(self, run: Run | None, told: Iterable[str]) -> None:
        """It is part of that run, which ends with it: instead of one of its own. `told`: tags that the part before it
        was to change, and could not: it has said so."""
        self._ground.record.run = run
        self._ground.told = frozenset(told)

    def leave(self, failed: Unrecorded) -> list[Outcome]:
        """What is told instead, where that run could not be begun."""
        return self._unrecorded(planned_outcomes(self._plan), failed)

    @property
    def report(self) -> Report:
        told = super().report
        return replace(told, outcomes=tuple(self._users(told.outcomes)))

    def _tell(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        return self._users(super()._tell(outcomes))

    def _users(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Without the empty indexes of the part that was interrupted: they are ours, and a tag on one of them goes with
        what it led to."""
        if self._resumes is None:
            return list(outcomes)
        ours, tags = set(self._resumes.placeholders), self._resumes.tags
        users = [o for o in outcomes if not (o.action is Action.DELETE and o.digest in ours)]
        return [replace(o, digest=tags.get(o.reference.rpartition(":")[2])) if o.digest in ours else o for o in users]

    def _begin(self) -> Run:
        if self._resumes is not None:
            return self._journal.resume(self._resumes, self._client.identity)
        return self._journal.begin(
            self._client.identity, self._username, self._plan, undoes=self._undoes, part_of=self._part_of
        )

    def _fate(self, tag: PlannedTag) -> Outcome | None:
        """What came of it; of one that was left to its manifest's DELETE, what came of that."""
        repository = self._plan.repository
        if told := self._told.get((Action.UNTAG, f"{repository}:{tag.tag}")):
            return told
        manifest = self._told.get((Action.DELETE, f"{repository}@{tag.digest}"))
        return _shared(repository, tag, manifest) if manifest else None

    def _gone(self) -> list[Digest]:
        """What was deleted now."""
        told = self._told.values()
        return [o.digest for o in told if o.action is Action.DELETE and o.status is Status.DONE and o.digest]

    def _left(self, plan: Plan) -> list[Outcome]:
        """The manifests that have no tag any more, and were to be left. Knows how many bytes that is."""
        told = {outcome.reference for outcome in self._told.values() if outcome.is_as_planned}
        gone = [tag.tag for tag in plan.removed if f"{plan.repository}:{tag.tag}" in told]
        without = doomed_manifests(plan.contents, gone, ())
        left = [manifest for manifest in plan.left if manifest.digest in without]
        if left:
            self._left_bytes = bytes_of(plan.contents, {manifest.digest for manifest in left})
        return [left_outcome(plan.repository, manifest) for manifest in left]

    async def _carry_out(self, plan: Plan) -> AsyncIterator[list[Outcome]]:
        images = [tag for tag in plan.removed if tag.attached_to is None]
        async for batch in self._untag(plan, images):
            yield batch
        attached = [tag for tag in plan.removed if tag.attached_to is not None]
        stay = left_attached(plan, self._chosen(plan), self._contents(plan))
        yield [tag_outcome(plan.repository, tag, Status.SKIPPED, Reason.IMAGE_STAYS) for tag in stay]
        async for batch in self._untag(plan, [tag for tag in attached if tag not in stay]):
            yield batch
        # Those that nothing was told of yet.
        along = [tag for tag in plan.removed if self._told_of(tag) is None]
        async for batch in self._delete_manifests(plan, along):
            yield batch

    def _untag(self, plan: Plan, tags: list[PlannedTag]) -> AsyncIterator[list[Outcome]]:
        """Tags that lose their manifest anyway are left to its DELETE where tags can't be deleted, unless they are
        many."""
        if plan.method is Method.BY_TAG:
            return untag_by_tag(self._ground, tags)
        needed = {tag.tag for tag in needs_untagging(plan)}
        some = tags if len(plan.removed) >= BULK else [tag for tag in tags if tag.tag in needed]
        return untag_by_placeholder(self._ground, some, needed)

    def _chosen(self, plan: Plan) -> list[PlannedTag]:
        """The tags that are gone by now, or may go yet."""
        return [tag for tag in plan.removed if (o := self._told_of(tag)) is None or o.status is Status.DONE]

    def _contents(self, plan: Plan) -> Contents:
        return self._ground.watch.contents({tag.tag for tag in self._chosen(plan)})

    async def _delete_manifests(self, plan: Plan, along: list[PlannedTag]) -> AsyncIterator[list[Outcome]]:
        guard = self._guard = Guard(self._ground, plan, self._chosen(plan), along)
        deleting = Deleting(self._ground, plan, guard, along)
        async for batch in deleting.outcomes():
            yield batch
        waiting = [tag for tag in along if self._told_of(tag) is None]
        went = [tag for tag in waiting if tag.digest not in deleting.kept]
        if went:
            # What can't be seen here the check that follows tells.
            with suppress(RegistryError):
                yield await settle(self._ground, went, method=plan.method, waits=deleting.is_clean)
        # Their manifest stays, as something else leads to it by now: so they are removed alone.
        kept = [tag for tag in waiting if tag.digest in deleting.kept and self._is_in_use(tag)]
        names = self._ground.watch.names
        yield [tag_outcome(plan.repository, tag, Status.DONE) for tag in kept if tag.tag not in names]
        alone = [tag for tag in kept if tag.tag in names]
        if alone and not self._work.stopped:
            async for batch in untag_by_placeholder(self._ground, alone, {tag.tag for tag in alone}):
                yield batch

    def _is_in_use(self, tag: PlannedTag) -> bool:
        told = self._told.get((Action.DELETE, f"{self._plan.repository}@{tag.digest}"))
        return told is not None and told.reason is Reason.IN_USE

    def _told_of(self, tag: PlannedTag) -> Outcome | None:
        return self._told.get((Action.UNTAG, f"{self._plan.repository}:{tag.tag}"))

    async def _check(self, plan: Plan) -> AsyncIterator[list[Outcome]]:
        """Once all is done."""
        self._ground.watch.begin_round()
        if self._guard is not None and any(o.action is Action.DELETE for o in self._told.values()):
            at_all = is_looked_at_again(len(self._ground.watch.names))
            with suppress(RegistryError):  # The check that follows tells of it.
                yield await self._guard.look_at_the_end(at_all=at_all)
        known = {tag.tag: outcome for tag in plan.removed if (outcome := self._fate(tag))}
        again = self._guard.pushed_again if self._guard else set()
        verified = await verify(self._ground, plan, known, again, self._shown)
        self._doubts += verified.doubts
        self._looked = verified.looked
        yield list(verified.outcomes)
        told = {o.digest: o for o in self._told.values() if o.action is Action.DELETE and o.digest is not None}
        sent = [m for m in plan.manifests if (o := told.get(m.digest)) and o.status is not Status.SKIPPED]
        gone = self._guard.gone if self._guard else set()
        outcomes = await verify_manifests(self._ground, plan, sent, told, gone)
        if self._looked is not None and any(outcome.reason is Reason.PUSHED_AGAIN for outcome in outcomes):
            self._looked = with_later_changes(self._ground, plan, self._shown, self._looked)
        yield outcomes
        yield await self._gone_meanwhile()
        yield self._left(plan)

    async def _gone_meanwhile(self) -> list[Outcome]:
        """Of the manifests that were left alone, as something might use them, those that somebody else has deleted."""
        kept = [o for o in self._told.values() if o.action is Action.DELETE and o.reason is Reason.IN_USE and o.digest]
        gone: list[Outcome] = []

        async def look(outcome: Outcome) -> None:
            assert outcome.digest is not None
            name = self._plan.repository
            if await leads_to(self._client, name, outcome.digest, outcome.digest) is False:
                why = Reason.GONE_BEFORE
                gone.append(replace(outcome, error=in_words(why), reason=why))

        await self._work.all(kept, look, to_the_end=True)
        return gone


def _placeholders_of(entry: Entry | None) -> set[Digest]:
    return set(entry.placeholders) if entry is not None else set()


def _originals(entry: Entry | None) -> dict[str, StoredManifest]:
    """What stood behind the tags of a run that was interrupted."""
    if entry is None:
        return {}
    manifests = entry.manifests()
    return {tag: manifests[digest] for tag, digest in entry.tags.items() if digest in manifests}


def _done_before(entry: Entry | None, plan: Plan) -> list[Outcome]:
    """What the run that was interrupted had done already."""
    if entry is None:
        return []
    contents = plan.contents
    listed = contents.tags.keys() | contents.unread.keys()
    gone = [PlannedTag(tag, digest) for tag, digest in entry.tags.items() if tag not in listed]
    deleted = [PlannedManifest(d, "") for d in entry.manifests_changed if d not in contents.manifests]
    return [tag_outcome(plan.repository, tag, Status.DONE) for tag in gone] + [
        manifest_outcome(plan.repository, manifest, Status.DONE) for manifest in deleted
    ]


def _shared(repository: str, tag: PlannedTag, manifest: Outcome) -> Outcome:
    return Outcome(
        f"{repository}:{tag.tag}", tag.digest, Action.UNTAG, manifest.status, manifest.error, manifest.reason
    )
