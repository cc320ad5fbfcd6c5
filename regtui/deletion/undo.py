"""Undoing a run of the journal, and ending one that was interrupted: what each would do, as plans.

a deletion        is undone by putting back what it removed
a restore         is undone by deleting what it put back, and putting back what it overwrote
a tag's move      is undone by moving it back
one that was interrupted is finished (the rest of its plan, or of what it was putting back), or reverted (undone)
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from regtui.content.store import ContentStore
from regtui.deletion.belonging import check_belongs
from regtui.deletion.blobs import with_blobs
from regtui.deletion.entry import Entry, Kind
from regtui.deletion.execution import Execution
from regtui.deletion.graph import reachable
from regtui.deletion.inventory import read_contents
from regtui.deletion.journal import Hold, Journal, JournalFailed, RunInUse
from regtui.deletion.plan import doomed_manifests, is_protected, make_plan
from regtui.deletion.proposal import DeletionProposal
from regtui.deletion.request import Request
from regtui.deletion.restoration import Restoration, Situation, make_restoration, planned_rows
from regtui.deletion.restoring import Restoring
from regtui.deletion.situation import Progress, read_situation
from regtui.deletion.under_way import OnLook
from regtui.deletion.used import UsedImages
from regtui.deletion.values import Contents, Manifests, Method, Outcome, Plan, Report, Status
from regtui.deletion.way_back import way_back
from regtui.deletion.words import planned_outcomes
from regtui.errors import RegtuiError
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient


@dataclass(frozen=True, slots=True)
class Undo:
    """What undoing `entry` does: `restoration`, and for a restore also the `deletion` of what it had put there. Or,
    where it `finishes` an `entry` that is an interrupted undo, what that has still to do. `no_way_back`: tags that it
    overwrites and that another undo could not move back, each with why."""

    entry: Entry
    restoration: Restoration
    deletion: Plan | None = None
    finishes: bool = False
    no_way_back: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def repository(self) -> str:
        return self.entry.repository

    @property
    def is_empty(self) -> bool:
        return self.restoration.is_empty and (self.deletion is None or self.deletion.is_empty)

    @property
    def obstacle(self) -> str:
        return self.restoration.obstacle or (self.deletion.obstacle if self.deletion is not None else "")

    @property
    def shown_deletion(self) -> Plan | None:
        """As somebody may see it: None where nothing is deleted."""
        if self.deletion is None or self.deletion.is_empty:
            return None
        return shown_rest(self.entry.deletion, self.deletion) if self.finishes else self.deletion

    @property
    def shows_unmoved(self) -> bool:
        """Whether what it undoes is a move that was cut off before it came to anything."""
        entry = self.entry
        is_open = entry.kind is Kind.MOVE and entry.ended is None and not entry.is_running
        return is_open and self.is_empty and set(self.restoration.there) == entry.tags.keys()

    @property
    def rows(self) -> list[Outcome]:
        deletion = self.shown_deletion
        return planned_rows(self.restoration) + (planned_outcomes(deletion) if deletion else [])


class StillRunning(RegtuiError):
    """A run that goes on: what it does next would undo what is put back."""


def check_ended(entry: Entry) -> None:
    """Raises StillRunning."""
    if entry.is_running:
        raise StillRunning(
            f"{entry.name} is still running, or being finished or undone in another window: "
            "nothing of it is put back or finished meanwhile.",
            "Wait for its end, or stop it where it runs.",
        )


async def plan_undo(
    client: RegistryClient,
    content: ContentStore,
    entry: Entry,
    *,
    method: Method,
    overwrite: bool = False,
    restore_obstacle: str = "",
    delete_obstacle: str = "",
    protect: tuple[str, ...] = (),
    used: Callable[[str], Awaitable[UsedImages]],
    on_progress: Progress | None = None,
) -> Undo:
    """Reads what is there now, and changes nothing. `protect`: shell patterns of tags that need a confirmation of their
    own to be deleted; `used`: what is in use of a repository, and needs one, too. Raises RegistryError, OtherRegistry
    where `entry` wasn't made here, and StillRunning."""
    check_belongs(entry, client.identity)
    check_ended(entry)
    stored, blobs = entry.manifests(), entry.blobs()
    situation = await read_situation(client, entry, stored, on_progress)
    restoration = make_restoration(entry, situation, stored, blobs, overwrite=overwrite, obstacle=restore_obstacle)
    lost: dict[str, str] = {}
    if overwritten := {tag.now for tag in restoration.tags if tag.now and tag.now not in entry.placeholders}:
        # What is overwritten is recorded as well: so this can be undone in its turn.
        back = await way_back(client, content, entry.repository, overwritten)
        stored |= back.manifests
        blobs |= back.configs
        situation = _without_unread(situation, restoration, back.unread)
        restoration = make_restoration(entry, situation, stored, blobs, overwrite=overwrite, obstacle=restore_obstacle)
        lost = {tag.tag: back.lost[tag.now] for tag in restoration.tags if tag.now and tag.now in back.lost}
    if entry.kind is not Kind.RESTORE:
        return Undo(entry, restoration, no_way_back=lost)
    brought = frozenset(entry.manifests_changed)
    images = await used(entry.repository)
    contents = await read_contents(client, content, entry.repository, digests=brought | images.named_here)
    contents = _with_restored(_without_protected(contents, protect), restoration)
    put_there = [
        tag for tag, digest in entry.tags.items() if not entry.before.get(tag) and contents.tags.get(tag) == digest
    ]
    request = Request(entry.repository, put_there, brought, protect=protect, only=brought, used=images)
    deletion = _plan_of(contents, request, method, delete_obstacle)
    if not deletion.obstacle and not deletion.is_empty:
        contents = await with_blobs(client, content, deletion, on_progress)
        deletion = _plan_of(contents, request, method, delete_obstacle)
    return Undo(entry, restoration, deletion, no_way_back=lost)


async def plan_rest_of_undo(
    client: RegistryClient,
    content: ContentStore,
    entry: Entry,
    origin: Entry | None,
    *,
    method: Method,
    obstacle: str = "",
    delete_obstacle: str = "",
    protect: tuple[str, ...] = (),
    on_progress: Progress | None = None,
) -> Undo:
    """What is left to do of an undo that was interrupted: never more than was confirmed then.

    `origin`: the run that `entry` takes back; None where the journal doesn't have it any more. `protect`: as for
    `plan_rest`. Raises RegistryError, and OtherRegistry where `entry` wasn't made here.
    """
    check_belongs(entry, client.identity)
    check_ended(entry)
    forgotten = replace(entry, name=entry.undoes, placeholders=(), standing=(), ended=entry.time)
    aim = (origin or forgotten).set_out_by(entry)
    stored, blobs = aim.manifests(), aim.blobs()
    situation = await read_situation(client, aim, stored, on_progress)
    restoration = make_restoration(aim, situation, stored, blobs, obstacle=obstacle)
    if not entry.removed_tags and not entry.removed_manifests:
        return Undo(entry, restoration, finishes=True)
    rest = await plan_rest(client, content, entry.deletion, method=method, obstacle=delete_obstacle, protect=protect)
    return Undo(entry, restoration, rest, finishes=True)


def _with_restored(contents: Contents, restoration: Restoration) -> Contents:
    """As it is when the tags are put back: what they lead to until then may go, what they need from then on stays."""
    tags = {tag.tag: tag.digest for tag in restoration.tags}
    needed = reachable(restoration.stored, tags.values())
    manifests = {digest: restoration.stored[digest] for digest in needed if digest in restoration.stored}
    return replace(contents, tags={**contents.tags, **tags}, manifests={**manifests, **contents.manifests})


def _without_unread(situation: Situation, restoration: Restoration, unread: Mapping[Digest, str]) -> Situation:
    """What can't be read can't be recorded: so it isn't overwritten."""
    kept = {tag.tag: unread[tag.now] for tag in restoration.tags if tag.now and tag.now in unread}
    return replace(situation, unread={**situation.unread, **kept})


async def plan_rest(
    client: RegistryClient,
    content: ContentStore,
    entry: Entry,
    *,
    method: Method,
    obstacle: str = "",
    protect: tuple[str, ...] = (),
) -> Plan:
    """What is left to do of a deletion that was interrupted: never more than was confirmed then. `protect`: shell
    patterns of damaged tags that aren't repaired. Raises RegistryError, and OtherRegistry where `entry` wasn't made
    here."""
    check_belongs(entry, client.identity)
    check_ended(entry)
    content.forget(entry.repository)
    confirmed = frozenset((*entry.manifests_changed, *entry.placeholders))
    contents = await read_contents(client, content, entry.repository, digests=confirmed)
    contents = _without_protected(contents, protect)
    same = {tag for tag, now in contents.tags.items() if now in (entry.tags.get(tag), None, *entry.placeholders)}
    # One that couldn't be read when it was chosen, and can't be now, is what was confirmed.
    same |= {tag for tag in contents.unread if entry.tags.get(tag) is None}
    left = [tag for tag in entry.tags if tag in same]
    request = Request(entry.repository, left, confirmed, only=confirmed, own=frozenset(entry.placeholders))
    return _plan_of(contents, request, method, obstacle)


def shown_rest(entry: Entry, rest: Plan) -> Plan:
    """What `plan_rest` says is left to do of `entry`, as somebody may see it: in the run's own empty indexes each tag
    has what it led to, and they are nobody's manifests."""
    placeholders = set(entry.placeholders)
    if placeholders.isdisjoint(rest.contents.manifests) and placeholders.isdisjoint(rest.contents.tags.values()):
        return rest
    contents = rest.contents
    tags = {tag: entry.tags.get(tag) if now in placeholders else now for tag, now in contents.tags.items()}
    manifests = {digest: manifest for digest, manifest in contents.manifests.items() if digest not in placeholders}
    contents = replace(contents, tags=tags, manifests=manifests)
    confirmed = frozenset(entry.manifests_changed)
    request = Request(entry.repository, [tag.tag for tag in rest.removed], confirmed, only=confirmed)
    return _plan_of(contents, request, rest.method, rest.obstacle)


def rest_proposal(entry: Entry, rest: Plan) -> DeletionProposal:
    """The same, to be confirmed. What can't be put back, and what stood in the way, was confirmed when it began, and
    isn't typed again; but what stands in its way since then was not."""
    confirmed = rest.replaceable <= entry.replaceable
    return DeletionProposal(Request(entry.repository, without_undo=confirmed), shown_rest(entry, rest))


def _without_protected(contents: Contents, protect: tuple[str, ...]) -> Contents:
    """Protected tags that are damaged are left as they are: nobody has typed their names."""
    return replace(contents, damaged=frozenset(tag for tag in contents.damaged if not is_protected(tag, protect)))


def _plan_of(contents: Contents, request: Request, method: Method, obstacle: str) -> Plan:
    """What something else uses by now is left out, instead of standing against all of it. By digest those go that no
    tag leads to: the others go with their tag."""
    contents = replace(contents, used=frozenset(request.used.digests))
    free = doomed_manifests(contents, request.tags, request.digests).intersection(request.digests)
    tagged = [digest for tag in request.tags if (digest := contents.tags.get(tag))]
    alone = free - reachable(contents.manifests, tagged)
    request = replace(request, digests=alone, untagged=Manifests.DELETED)
    return make_plan(contents, request, method=method, obstacle=obstacle)


class Undoing:
    """Carries an Undo out: first what is put back, then what is deleted. One report of both.

    Meanwhile nobody else undoes or finishes the run that is taken back.
    """

    def __init__(self, client: RegistryClient, undo: Undo, journal: Journal, username: str = "") -> None:
        """Raises OtherRegistry where what is undone wasn't done here."""
        check_belongs(undo.entry, client.identity)
        self._client = client
        self._journal = journal
        self._undo = undo
        resumes = undo.entry if undo.finishes else None
        then = undo.deletion if undo.deletion is not None and (undo.finishes or not undo.deletion.is_empty) else None
        self._restoring = Restoring(client, undo.restoration, journal, username, resumes=resumes, then=then)
        self._deleting: Execution | None = None
        if then is not None:
            rest_of = undo.entry.deletion if undo.finishes else None
            self._deleting = Execution(client, then, journal, username, undoes=undo.entry.name, resumes=rest_of)

    def stop(self) -> None:
        """Nothing more is begun; what is in flight is finished and checked."""
        self._restoring.stop()
        if self._deleting is not None:
            self._deleting.stop()

    @property
    def on_look(self) -> OnLook:
        return self._restoring.on_look

    @on_look.setter
    def on_look(self, hears: OnLook) -> None:
        self._restoring.on_look = hears
        if self._deleting is not None:
            self._deleting.on_look = hears

    @property
    def is_stopping(self) -> bool:
        return self._restoring.is_stopping

    @property
    def report(self) -> Report:
        restored = self._restoring.report
        if self._deleting is None:
            return restored
        deleted = self._deleting.report
        return Report(
            restored.repository,
            restored.outcomes + deleted.outcomes,
            restored.interrupted or deleted.interrupted,
            restored.doubts + deleted.doubts,
            deleted.run or restored.run,
            notices=restored.notices + deleted.notices,
            looked=deleted.looked,
        )

    async def outcomes(self) -> AsyncIterator[list[Outcome]]:
        """Yields what is done as it is done. Raises RegistryError, JournalFailed as both do; RunInUse, where what is
        taken back is being undone or finished by others, or was since this was planned: then nothing was changed."""
        hold = self._restoring.hold = await asyncio.to_thread(self._hold)
        try:
            async for batch in self._restoring.outcomes():
                yield batch
            if self._deleting is not None and self._restoring.failed is not None:
                yield self._deleting.leave(self._restoring.failed)
            elif self._deleting is not None:
                self._deleting.go_on_with(self._restoring.run, self._left())
                async for batch in self._deleting.outcomes():
                    yield batch
        finally:
            if self._restoring.run is not None:
                self._restoring.run.close()
            if hold is not None:
                hold.close()

    def _left(self) -> list[str]:
        """The tags that were not put back."""
        done = {outcome.reference for outcome in self._restoring.report.outcomes if outcome.status is Status.DONE}
        restoration = self._undo.restoration
        return [tag.tag for tag in restoration.tags if f"{restoration.repository}:{tag.tag}" not in done]

    def _hold(self) -> Hold | None:
        """None where the journal hasn't got that run any more, or can't read it: then nobody else can take it."""
        try:
            return self._journal.hold(self._undo.restoration.entry, self._client.identity)
        except RunInUse:
            raise
        except JournalFailed:
            return None


def undone(entries: Sequence[Entry]) -> set[str]:
    """The names of those that were taken back, and not brought again. `entries`: newest first."""
    names: set[str] = set()
    for entry in entries:
        if entry.undoes and entry.is_complete and entry.name not in names:
            names.add(entry.undoes)
    # A prune is, where all of its parts are that took anything away, those too that were interrupted and put back.
    parts = _parts(entries)
    begun = {prune for prune, of_it in parts.items() if of_it}
    begun |= {entry.part_of for entry in entries if entry.part_of in parts and entry.name in names}
    back = {part.name for of_it in parts.values() for part in of_it if part.name in names and not part.is_unfinished}
    return names | {prune for prune in begun if all(part.name in back for part in parts[prune])}


def _parts(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """prune → its parts that took away what can come back, newest first; also one that the journal has lost."""
    found: dict[str, list[Entry]] = {entry.name: [] for entry in entries if entry.kind is Kind.PRUNE}
    for entry in entries:
        if entry.part_of and _takes_away(entry):
            found.setdefault(entry.part_of, []).append(entry)
    return found


def parts_to_undo(entries: Sequence[Entry], prune: Entry) -> list[Entry]:
    """Those of a prune that are still to be taken back, newest first. `entries`: newest first."""
    taken_back = undone(entries)
    return [part for part in _parts(entries).get(prune.name, ()) if part.name not in taken_back]


def last_deletion(entries: Sequence[Entry], before: str = "") -> Entry | None:
    """The newest that took away what can come back and wasn't undone, a move of a tag too; None where there is none.

    `entries`: newest first. `before`: the name of a run, of which only older ones count.
    """
    taken_back = undone(entries)
    parts = _parts(entries)
    prunes = {entry.name for entry in entries if entry.kind is Kind.PRUNE}
    names = [entry.name for entry in entries]
    older = entries[names.index(before) + 1 :] if before in names else entries
    return next(
        (
            entry
            for entry in older
            if (parts[entry.name] if entry.kind is Kind.PRUNE else _takes_away(entry))
            and entry.part_of not in prunes
            and not entry.is_running
            and entry.name not in taken_back
        ),
        None,
    )


def _takes_away(entry: Entry) -> bool:
    return entry.kind in (Kind.DELETION, Kind.MOVE) and entry.has_effect and entry.leaves_something
