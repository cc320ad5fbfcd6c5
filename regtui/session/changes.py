"""What was changed in one registry, and taking it back: the journal's runs, seen from a connection."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta

from regtui import bounds
from regtui.content.store import ContentStore
from regtui.deletion.entry import Entry
from regtui.deletion.execution import Execution
from regtui.deletion.journal import Journal, JournalFailed, utc_now
from regtui.deletion.tagging import end_unmoved
from regtui.deletion.under_way import OnLook
from regtui.deletion.undo import (
    Undo,
    Undoing,
    check_ended,
    last_deletion,
    parts_to_undo,
    plan_rest,
    plan_rest_of_undo,
    plan_undo,
)
from regtui.deletion.undo_parts import UndoingParts
from regtui.deletion.used import UsedImages
from regtui.deletion.values import Method, Outcome, Plan, Report
from regtui.registry.client import RegistryClient
from regtui.registry.errors import RegistryError
from regtui.registry.probing import check_push, deletion_support
from regtui.registry.values import Deletion


class RunningChange:
    """A change under way; afterwards nothing is known of its repositories any more."""

    def __init__(
        self, change: Execution | Undoing | UndoingParts, repositories: Sequence[str], content: ContentStore
    ) -> None:
        self._change = change
        self._repositories = repositories
        self._content = content

    def stop(self) -> None:
        """Ends it after what is in flight."""
        self._change.stop()

    @property
    def is_stopping(self) -> bool:
        return self._change.is_stopping

    def tell_looks(self, hears: OnLook) -> None:
        """From now on it hears, on the client's thread, how far a look at many tags is. None of it changes anything."""
        self._change.on_look = hears

    async def outcomes(self) -> AsyncIterator[list[Outcome]]:
        """What is done as it is done. Iterate to the end: closing it early cuts requests off. Use `stop`."""
        try:
            async for batch in self._change.outcomes():
                yield batch
        finally:
            for repository in self._repositories:
                self._content.forget(repository)

    @property
    def report(self) -> Report:
        return self._change.report


class Changes:
    """Past runs at one registry. Reading the journal raises JournalFailed, the registry RegistryError."""

    def __init__(
        self,
        client: RegistryClient,
        content: ContentStore,
        journal: Journal,
        username: str,
        obstacle: Callable[[Deletion], str],
        used: Callable[[str], Awaitable[UsedImages]],
        *,
        read_only: bool,
        protect: tuple[str, ...] = (),
    ) -> None:
        """`obstacle`: why nothing can be deleted, in words. `used`: what is in use of a repository. `read_only`: the
        user wants nothing to be changed. `protect`: shell patterns of tags that need a confirmation of their own."""
        self._client = client
        self._content = content
        self._journal = journal
        self._username = username
        self._obstacle = obstacle
        self._used = used
        self._read_only = read_only
        self._protect = protect

    async def entries(self) -> list[Entry]:
        """What was deleted, restored and collected here, newest first."""
        return await asyncio.to_thread(self._journal.entries, self._client.identity)

    async def entry(self, run: str) -> Entry:
        """One run, by its name. Raises JournalFailed where there is none."""
        return await asyncio.to_thread(self._journal.entry, run)

    def troubles(self) -> list[str]:
        """Sentences about files of the journal that couldn't be read, or aren't trusted: each once."""
        return self._journal.troubles()

    async def last(self) -> Entry | None:
        """The last deletion that can be undone; None where there is none. Whether it was made here may not be known
        (`Entry.belongs_to`): then nothing is done with it before somebody says so."""
        return last_deletion(await self.entries())

    async def last_before(self, entry: Entry) -> Entry | None:
        """The same among those older than `entry`."""
        return last_deletion(await self.entries(), before=entry.name)

    async def parts_to_undo(self, prune: Entry) -> dict[str, str]:
        """The parts of a prune that are still to be taken back, newest first: the name of each, and its repository.
        Raises StillRunning: what it does next would not be taken back with them."""
        check_ended(await self.entry(prune.name))
        return {part.name: part.repository for part in parts_to_undo(await self.entries(), prune)}

    async def unfinished(self) -> list[Entry]:
        """Interrupted runs, oldest first: to be finished or reverted. With those that may be of this registry."""
        return await asyncio.to_thread(self._journal.unfinished, self._client.identity)

    async def plan_undo(
        self, entry: Entry, *, overwrite: bool = False, on_progress: Callable[[int, int], None] | None = None
    ) -> Undo:
        """What undoing `entry` would do. Changes nothing.

        `overwrite`: also tags that were pushed anew since. `on_progress` hears (looked at, in all), where this
        runs.
        """

        support = await self._support(entry.repository)
        return await plan_undo(
            self._client,
            self._content,
            entry,
            method=Method.at(support),
            overwrite=overwrite,
            restore_obstacle=await self._push_obstacle(entry.repository, support),
            delete_obstacle=self._obstacle(support),
            protect=self._protect,
            used=self._used,
            on_progress=on_progress,
        )

    async def settle(self, undo: Undo) -> None:
        """Records what planning it has shown: that a move which was cut off came to nothing. Not before it is as old
        as a change may become that is under way. Raises JournalFailed."""
        if undo.shows_unmoved and utc_now() - undo.entry.time > timedelta(seconds=bounds.DELETE):
            await asyncio.to_thread(end_unmoved, self._journal, undo.entry, self._client.identity)

    def undoing(self, undo: Undo) -> RunningChange:
        """Carries an Undo out that was confirmed."""
        return self._running(Undoing(self._client, undo, self._journal, self._username), undo.repository)

    def undoing_all(self, undos: Sequence[Undo]) -> RunningChange:
        """Carries out several, one after the other."""
        change = UndoingParts(self._client, undos, self._journal, self._username)
        return RunningChange(change, [undo.repository for undo in undos], self._content)

    async def plan_rest(self, entry: Entry) -> Plan:
        """What is left to do of a deletion that was interrupted. Changes nothing."""
        support = await self._support(entry.repository)
        return await plan_rest(
            self._client,
            self._content,
            entry,
            method=Method.at(support),
            obstacle=self._obstacle(support),
            protect=self._protect,
        )

    async def plan_rest_of_undo(self, entry: Entry, *, on_progress: Callable[[int, int], None] | None = None) -> Undo:
        """What is left to do of an undo that was interrupted; `undoing` carries it out, as part of the same run.
        Changes nothing."""
        origin = await asyncio.to_thread(self._known, entry.undoes)
        support = await self._support(entry.repository)
        obstacle = await self._push_obstacle(entry.repository, support)
        return await plan_rest_of_undo(
            self._client,
            self._content,
            entry,
            origin,
            method=Method.at(support),
            obstacle=obstacle,
            delete_obstacle=self._obstacle(support),
            protect=self._protect,
            on_progress=on_progress,
        )

    def _known(self, run: str) -> Entry | None:
        try:
            return self._journal.entry(run)
        except JournalFailed:
            return None

    def finishing(self, entry: Entry, plan: Plan) -> RunningChange:
        """Carries the rest out: it belongs to the same run, and is undone with it."""
        change = Execution(self._client, plan, self._journal, self._username, resumes=entry)
        return self._running(change, entry.repository)

    def _running(self, change: Execution | Undoing, repository: str) -> RunningChange:
        return RunningChange(change, [repository], self._content)

    async def _support(self, repository: str) -> Deletion:
        return Deletion.READ_ONLY if self._read_only else await deletion_support(self._client, repository)

    async def _push_obstacle(self, repository: str, support: Deletion) -> str:
        if self._read_only:
            return self._obstacle(Deletion.READ_ONLY).replace("nothing is deleted", "nothing is put back")
        if support is Deletion.READ_ONLY:
            return f"Putting back needs the right to push. {self._obstacle(support)}"
        try:
            await check_push(self._client, repository)
        except RegistryError as error:
            return f"Putting back needs the right to push. {error}"
        return ""
