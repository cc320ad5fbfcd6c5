"""Carries a restoration out: looks again, records it, puts manifests back children first, then tags, and reads each.

A placeholder that the undone run left standing is removed at the end.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from typing import Final

from regtui.deletion.belonging import check_belongs
from regtui.deletion.entry import Entry
from regtui.deletion.graph import children_first
from regtui.deletion.journal import Hold, Journal, JournalFailed, Run, Unrecorded, unrecorded
from regtui.deletion.moved_onto import lead_away, others_on
from regtui.deletion.plan import label_of
from regtui.deletion.reasons import Reason, in_words
from regtui.deletion.recheck import tags_now
from regtui.deletion.restoration import (
    PlannedManifestRestore,
    PlannedTagRestore,
    Restoration,
    left_out,
    planned_rows,
    put_back_already,
    wanted_tags,
)
from regtui.deletion.surely import delete_surely, put_surely, put_tag_surely
from regtui.deletion.under_way import UnderWay
from regtui.deletion.values import Action, Outcome, Plan, Status, StoredManifest
from regtui.deletion.watch import look_at
from regtui.deletion.work import Attempt, Result
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotFound, RegistryError

_BLOB_UNKNOWN: Final = "MANIFEST_BLOB_UNKNOWN"
_TRIES: Final = 3
# Seconds.
_PAUSE: Final = 0.1
_SINCE = "not put back: it was pushed since the plan was shown"


class Restoring(UnderWay):
    """One run of one restoration. Lives on the client's event loop; `stop` may be called from any thread."""

    def __init__(
        self,
        client: RegistryClient,
        restoration: Restoration,
        journal: Journal,
        username: str = "",
        *,
        resumes: Entry | None = None,
        then: Plan | None = None,
    ) -> None:
        """`resumes`: an undo that was interrupted, of which `restoration` is the rest. `then`: what is deleted once
        this is done, by somebody who goes on with the `run`.

        Raises OtherRegistry where the run that is taken back wasn't made here.
        """
        check_belongs(restoration.entry, client.identity)
        super().__init__(client, restoration.repository, journal, username, planned_rows(restoration))
        self._plan = restoration
        self._resumes = resumes
        self._then = then
        self.run: Run | None = None
        """Begun, and not ended where something is to be done `then`."""
        self.failed: Unrecorded | None = None
        """Why it could not be begun: then nothing is done afterwards either."""
        self.hold: Hold | None = None
        """Of the run that is taken back, where somebody has it for longer than this takes."""
        self._stored: set[Digest] = set()
        self._uploading: dict[Digest, asyncio.Lock] = {}
        self._uploaded: set[Digest] = set()

    async def outcomes(self) -> AsyncIterator[list[Outcome]]:
        """Yields what is done as it is done.

        Raises RegistryError where nothing could be begun, RunInUse where others go on with what this resumes.
        What can't be recorded isn't done: that is an outcome, too.
        """
        yield self._tell(left_out(self._plan))
        tags, fell_out = await self._as_shown()
        self._plan = replace(self._plan, manifests=(*self._plan.manifests, *self._without_tags(tags, fell_out)))
        before = put_back_already(self._plan) if self._resumes is not None else []
        yield self._tell([*before, *fell_out])
        is_open = self._resumes is not None or self._plan.entry.is_unfinished
        if not tags and not self._plan.manifests and not is_open:
            return
        try:
            run = self.run = await asyncio.to_thread(self._begin, tags)
        except Unrecorded as failed:
            self.failed = failed
            begun = self._begun(tags)
            yield self._unrecorded([row for row in planned_rows(self._plan) if row.reference in begun], failed)
            return
        self._name = run.name
        try:
            for some in self._rounds():
                async for attempts in self._work.change(some, self._put_manifest):
                    yield self._tell(self._outcome(attempt) for attempt in attempts)
            for some_tags in self._tag_rounds(tags):
                async for tagged in self._work.change(some_tags, self._put_tag):
                    yield self._tell(self._outcome(attempt) for attempt in tagged)
            await self._remove_placeholders()
            begun = self._begun(tags) | {outcome.reference for outcome in before} | self._plan.unread
            # What couldn't be looked at is for another undo: this one isn't complete. What is lost for good isn't.
            begun |= {outcome.reference for outcome in fell_out if outcome.status is Status.FAILED}
            if not tags:
                # Manifests alone don't take the run back: somebody may want its tags yet, over what was pushed.
                begun |= {outcome.reference for outcome in self._told.values() if outcome.status is Status.SKIPPED}
            done = [o for o in self._told.values() if o.reference in begun]
            if self._then is not None:
                await asyncio.to_thread(run.came_of, done)
            else:
                await asyncio.to_thread(run.end, done, self.report.interrupted)
                self._doubts += unrecorded(run)
            is_left = any(o.status is Status.FAILED or o.reason is Reason.STOPPED for o in done)
            if self._plan.entry.is_unfinished and not is_left:
                await asyncio.to_thread(self._close_reverted, run.name)
        finally:
            if self._then is None:
                run.close()

    async def _as_shown(self) -> tuple[list[PlannedTagRestore], list[Outcome]]:
        """The tags that are still as the plan said, and those that aren't. Raises RegistryError."""
        names = set(await tags_now(self._client, self._plan.repository))
        now: dict[str, Digest | None] = {}

        async def look(tag: PlannedTagRestore) -> None:
            now[tag.tag] = (await look_at(self._client, self._plan.repository, tag.tag, [tag.now])).digest

        there = [tag for tag in self._plan.tags if tag.tag in names]
        failed: dict[str, str] = {}
        done = 0
        async for attempts in self._work.each(there, look, to_the_end=True):
            failed |= {attempt.item.tag: attempt.error.message for attempt in attempts if attempt.error}
            done += len(attempts)
            self.on_look(done, len(there))
        fell_out = [
            Outcome(self._reference(tag), tag.digest, Action.RESTORE, *why)
            for tag in self._plan.tags
            if (why := _changed(tag, now, failed))
        ]
        out = {outcome.reference for outcome in fell_out}
        return [tag for tag in self._plan.tags if self._reference(tag) not in out], fell_out

    def _without_tags(
        self, tags: Sequence[PlannedTagRestore], fell_out: Sequence[Outcome]
    ) -> list[PlannedManifestRestore]:
        """What would have come back with tags that somebody else has pushed since the plan was shown."""
        skipped = {outcome.reference for outcome in fell_out if outcome.status is Status.SKIPPED}
        alone = [tag for tag in self._plan.tags if tag.manifest_first and self._reference(tag) in skipped]
        known = {tag.digest for tag in tags} | {manifest.digest for manifest in self._plan.manifests}
        digests = dict.fromkeys(tag.digest for tag in alone if tag.digest not in known)
        return [PlannedManifestRestore(digest, label_of(self._plan.stored, digest, None)) for digest in digests]

    def _begin(self, tags: Sequence[PlannedTagRestore]) -> Run:
        if self._resumes is not None:
            return self._journal.resume(self._resumes, self._client.identity)
        entry = self._plan.entry
        return self._journal.begin_restore(
            self._client.identity,
            self._username,
            self._plan.repository,
            undoes=entry.name,
            tags={tag.tag: tag.digest for tag in tags},
            before={tag.tag: None if tag.now in entry.placeholders else tag.now for tag in tags},
            by_digest=list(dict.fromkeys([m.digest for m in self._plan.manifests] + _missing(tags))),
            manifests=self._plan.stored,
            blobs=self._plan.blobs,
            then=self._then,
        )

    def _rounds(self) -> list[list[PlannedManifestRestore]]:
        planned = {manifest.digest: manifest for manifest in self._plan.manifests}
        return [[planned[digest] for digest in some] for some in children_first(self._plan.stored, planned)]

    def _tag_rounds(self, tags: Sequence[PlannedTagRestore]) -> list[list[PlannedTagRestore]]:
        """The tags of an index after those of what is below it: while a manifest is put, 2.x writes its link anew in
        place, and refuses an index over it."""
        by_digest: dict[Digest, list[PlannedTagRestore]] = {}
        for tag in tags:
            by_digest.setdefault(tag.digest, []).append(tag)
        rounds = children_first(self._plan.stored, by_digest)
        return [[tag for digest in some for tag in by_digest[digest]] for some in rounds]

    async def _put_manifest(self, manifest: PlannedManifestRestore) -> None:
        await self._put(manifest.digest, self._plan.stored[manifest.digest])
        self._stored.add(manifest.digest)

    async def _put_tag(self, tag: PlannedTagRestore) -> Result | None:
        """A registry that lies about what it stored (see put_surely) shall not have a tag that leads to nothing: so the
        manifest is put by its digest, and read, before the tag."""
        manifest = self._plan.stored[tag.digest]
        if tag.manifest_first and tag.digest not in self._stored:
            await self._put(tag.digest, manifest)
            self._stored.add(tag.digest)
        is_put = await self._put(tag.tag, manifest, instead_of=tag)
        return None if is_put else Result(Status.SKIPPED, detail=_SINCE)

    async def _put(
        self, reference: str, manifest: StoredManifest, *, instead_of: PlannedTagRestore | None = None
    ) -> bool:
        """With its config, where the registry hasn't got that any more. False where the tag isn't what was shown."""
        client, name = self._client, self._plan.repository
        kept = [blob for blob in manifest.needed_blobs if blob in self._plan.blobs]
        for blob in kept:
            if blob in self._plan.uploads:
                await self._upload(blob)
        for left in reversed(range(_TRIES)):
            try:
                if instead_of is not None:
                    return await put_tag_surely(client, name, reference, manifest, instead_of=[instead_of.now])
                await put_surely(client, name, reference, manifest)
                return True
            except RegistryError as error:
                if _BLOB_UNKNOWN not in error.codes or not left:
                    raise
            # A config that went by itself isn't looked for in advance. Or somebody else is just pushing what is below.
            for blob in kept:
                if not await self._client.has_blob(self._plan.repository, blob):
                    await self._upload(blob)
            await asyncio.sleep(_PAUSE)
        return True

    async def _upload(self, blob: Digest) -> None:
        """Once, however many manifests need it; where it failed, whoever comes next tries again."""
        lock = self._uploading.setdefault(blob, asyncio.Lock())
        async with lock:
            if blob not in self._uploaded:
                await self._client.upload_blob(self._plan.repository, self._plan.blobs[blob])
                self._uploaded.add(blob)

    async def _remove_placeholders(self) -> None:
        """Those of a run that was interrupted: no tag that can be put back points at them any more, and what somebody
        else put onto them is led away."""
        if not self._plan.entry.placeholders or not await self._are_others_led_away():
            return
        for digest in self._plan.entry.placeholders:
            try:
                if await self._exists(digest):
                    await delete_surely(self._client, self._plan.repository, digest)
                    if await self._exists(digest):
                        self._doubts.append(
                            f"An empty index of the interrupted deletion is left ({digest.short}): the registry "
                            "accepted its deletion, and didn't carry it out."
                        )
            except RegistryError as error:
                self._doubts.append(f"An empty index of the interrupted deletion is left ({digest.short}): {error}")

    async def _are_others_led_away(self) -> bool:
        """Tags that somebody put onto the placeholders would go with them."""
        entry, placeholders, stored = self._plan.entry, set(self._plan.entry.placeholders), self._plan.stored
        try:
            own = {**entry.tags, **entry.removed_tags}
            names = set(await tags_now(self._client, self._plan.repository)) - own.keys()
        except RegistryError as error:
            self._doubts.append(f"An empty index of the interrupted deletion may be left: {error}")
            return False
        found = await others_on(self._client, self._plan.repository, names, placeholders)
        images = {digest: stored[digest] for digest in own.values() if digest is not None and digest in stored}
        away = await lead_away(self._client, self._plan.repository, found, placeholders, images.values())
        self._notices += away.notices
        self._doubts += away.doubts
        return not away.doubts

    def _close_reverted(self, by: str) -> None:
        """The run that was interrupted has come to its end: nothing of it is left to be finished. What was not put
        back, as it was pushed anew or lacks something, can be another time."""
        entry = self._plan.entry
        try:
            hold = self.hold or self._journal.hold(entry, self._client.identity)
            reverted = hold.resume(self._client.identity)
        except JournalFailed as failed:
            why = failed.reason or failed.message
            self._doubts.append(f"That {entry.name} was put back can't be recorded in the journal ({why}).")
            return
        if not self._doubts:
            for digest in entry.standing:
                reverted.taken_away(digest)
        wanted = {f"{entry.repository}:{tag}" for tag in wanted_tags(entry).keys() - set(self._plan.there)}
        missing = wanted - {outcome.reference for outcome in self._told.values() if outcome.status is Status.DONE}
        outcomes = [
            Outcome(reference, digest, Action.UNTAG, Status.DONE, f"not put back by {by}")
            if (reference := f"{entry.repository}:{tag}") in missing
            else Outcome(reference, digest, Action.UNTAG, Status.SKIPPED, f"reverted by {by}")
            for tag, digest in {**entry.tags, **entry.removed_tags}.items()
        ]
        reverted.end(outcomes, interrupted=True)

    async def _exists(self, digest: Digest) -> bool:
        try:
            await self._client.resolve(self._plan.repository, digest)
        except NotFound:
            return False
        return True

    def _outcome(self, attempt: Attempt[PlannedTagRestore] | Attempt[PlannedManifestRestore]) -> Outcome:
        return Outcome(self._reference(attempt.item), attempt.item.digest, Action.RESTORE, *attempt.result)

    def _reference(self, item: PlannedTagRestore | PlannedManifestRestore) -> str:
        if isinstance(item, PlannedTagRestore):
            return f"{self._plan.repository}:{item.tag}"
        return f"{self._plan.repository}@{item.digest}"

    def _begun(self, tags: Iterable[PlannedTagRestore]) -> set[str]:
        return {self._reference(tag) for tag in tags} | {self._reference(m) for m in self._plan.manifests}


def _missing(tags: Iterable[PlannedTagRestore]) -> list[Digest]:
    """The manifests that come back with their tags: undoing this takes those away, and no other."""
    return [tag.digest for tag in tags if tag.manifest_first]


def _changed(
    tag: PlannedTagRestore, now: dict[str, Digest | None], failed: dict[str, str]
) -> tuple[Status, str, Reason | None] | None:
    """What stands against putting it back as shown; None where nothing does."""
    if tag.tag in failed:
        return Status.FAILED, f"not put back, as it could not be checked: {failed[tag.tag]}", None
    if now.get(tag.tag) == tag.now:
        return None
    if now.get(tag.tag) == tag.digest:
        return Status.DONE, in_words(Reason.THERE_BEFORE), Reason.THERE_BEFORE
    return Status.SKIPPED, _SINCE, None
