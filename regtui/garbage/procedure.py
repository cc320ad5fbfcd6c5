"""Garbage collection on the registry's host, in order: look, dry run, untagged manifests, keep pushes out, collect,
bring back, verify. The `Collector` of every registry that runs on a host.
"""

import asyncio
import contextlib
import getpass
import platform
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final

from regtui.content.store import ContentStore
from regtui.deletion.journal import Journal, JournalFailed
from regtui.errors import RegtuiError
from regtui.garbage import scripts
from regtui.garbage.account import Account
from regtui.garbage.at_address import AtAddress, look_at_address
from regtui.garbage.by_hand import by_hand
from regtui.garbage.earlier import read_earlier
from regtui.garbage.forecasting import another, forecast
from regtui.garbage.leftovers import Leftovers
from regtui.garbage.running import STOPPED, Running, running_already
from regtui.garbage.storage import Listing, Storage
from regtui.garbage.values import (
    Choices,
    CollectionReport,
    EarlierRun,
    Event,
    Forecast,
    HostQuestion,
    Stage,
    StageStatus,
    Survey,
    UsedManifests,
)
from regtui.garbage.verification import Before, remember, some_blob, verify
from regtui.garbage.words import earlier_sentences
from regtui.host.errors import GarbageError, Unsafe
from regtui.host.finding import find, find_by_name
from regtui.host.found import Found
from regtui.host.hosts import Host
from regtui.host.keep_out import KeepOut
from regtui.host.profile import HostSettings
from regtui.host.silence import answering
from regtui.oci.digest import Digest
from regtui.registry.answers import deletion_obstacle
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotAllowed, NotAuthenticated, RegistryError
from regtui.registry.probing import deletion_support, takes_pushes
from regtui.ssh.errors import SshError
from regtui.text import one_line, plural

_UP_SECONDS: Final = 60.0
_ANSWER_SECONDS: Final = 10.0
# Looks at whether a registry refuses pushes: so often in a row, of so many, with a pause between them.
_REFUSALS: Final = 3
_LOOKS: Final = 20
_LOOK_SECONDS: Final = 0.5


def _me() -> str:
    """Who collects, for those that find the lock."""
    try:
        return one_line(f"{getpass.getuser()}@{platform.node()}")[:100]
    except (KeyError, OSError):
        return one_line(platform.node())[:100]


FindUsed = Callable[[], Awaitable[UsedManifests]]


async def _none_used() -> UsedManifests:
    return UsedManifests()


async def _at_once(answer: bool) -> bool:
    return answer


class HostCollector:
    """The `Collector` of one registry; `client` and everything else lives on the client's event loop."""

    def __init__(
        self,
        host: Host,
        settings: HostSettings,
        client: RegistryClient,
        journal: Journal,
        *,
        username: str = "",
        read_only: bool = False,
        used: FindUsed = _none_used,
    ) -> None:
        """`used`: finds what runs somewhere; asked again before anything is deleted."""
        self._find_used = used
        self._host = host
        self._settings = settings
        self._client = client
        self._content = ContentStore(client)
        self._journal = journal
        self._username = username
        self._read_only = read_only
        self._found: Found | None = None
        self._forecast: Forecast | None = None
        self._forecast_untagged = False
        self._account = Account()
        self._probed: tuple[str, Digest] | None = None
        self._is_unheard = False
        self._earlier: EarlierRun | None = None
        self._stopping = False
        self._surprised = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._telling: asyncio.Task[object] | None = None

    # Looking

    async def survey(self) -> Survey:
        found = await self._look(anew=True)
        if self._is_unheard:
            # Whoever goes on has been told of it.
            self._is_unheard = False
            await self._leave_word(found, "heard")
        unit, configured = found.unit, found.storage
        facts = await Storage(self._host, unit).facts()
        return Survey(
            place=self._host.place,
            runtime=unit.runtime,
            unit=unit.name,
            version=found.version,
            config=unit.config,
            root=configured.root,
            driver=configured.driver,
            delete_enabled=configured.delete_enabled,
            uploads=len(facts.listing.uploads) if facts.listing.is_known else None,
            used=facts.used,
            free=facts.free,
            disk=facts.disk,
            pending=facts.pending,
            blob_cache=configured.blob_cache,
            keep_out=found.ways,
            obstacle=unit.obstacle,
            remedy=found.remedy,
            no_restart=found.no_restart,
            no_stand_in=unit.no_stand_in,
        )

    async def _look(self, *, anew: bool = False) -> Found:
        if self._found is None or anew:
            self._found = await find(self._host, self._settings, self._port)
        return self._found

    @property
    def _port(self) -> int:
        return self._client.address.port or (80 if self._client.address.scheme == "http" else 443)

    async def _look_for_run(self) -> Found:
        """All that a run needs to be told of, and to be ended, lies beside its script: it is found by the registry's
        name, where the config is broken meanwhile, or gone, or something there doesn't answer. Redis isn't asked."""
        if self._found is not None:
            return self._found
        try:
            return await find(self._host, self._settings, self._port, asks_redis=False)
        except GarbageError as error:
            named = await find_by_name(self._host, self._settings, self._port)
            if named is None:
                raise error from None
            return named

    async def earlier(self) -> EarlierRun | None:
        found = await self._look_for_run()
        mark = scripts.new_mark()
        told = (await self._host.run(scripts.status(found.unit, mark))).stdout.split("\n")
        earlier = read_earlier(told, mark)
        self._is_unheard = earlier is not None and not earlier.is_running and not earlier.was_killed
        self._earlier = earlier
        if earlier is not None and not self._journal.has_collection(earlier.run):
            await self._record(earlier)
        return earlier

    async def _record(self, earlier: EarlierRun, *more: str) -> None:
        """Into the journal, what came of a run that no regtui told of. What can't be written is by the next one."""
        if earlier.is_running or not earlier.run:
            return
        with contextlib.suppress(JournalFailed):
            await asyncio.to_thread(
                self._journal.record_collection,
                self._client.identity,
                host=self._host.place,
                stages=[(earlier.stage.value, (StageStatus.DONE if earlier.is_whole else StageStatus.FAILED).value)],
                blobs=None,
                freed=None,
                seconds=0.0,
                result="done" if earlier.is_whole else "failed",
                error="" if earlier.is_whole else " ".join([*earlier_sentences(earlier), *more]),
                username=self._username,
                run=earlier.run,
            )

    async def forecast(self, choices: Choices) -> Forecast:
        found = await self._look()
        await self._must_be_alone()
        await self._must_be_what_answers(found)
        async with answering(self._client, "while its storage is compared with it"):
            self._forecast = await forecast(
                self._host,
                found,
                self._client,
                self._content,
                self._journal,
                untagged=choices.untagged,
                used=await self._find_used(),
            )
        self._forecast_untagged = choices.untagged
        if choices.untagged and self._forecast.untagged:
            await self._must_delete(self._forecast.untagged[0].repository)
        return self._forecast

    async def _must_be_alone(self) -> None:
        """Raises Unsafe where another run is going on; should one begin later, the host refuses ours."""
        earlier = await self.earlier()
        if earlier is not None and earlier.is_running:
            raise running_already(self._host.place, earlier.started, earlier.who)

    async def _must_be_what_answers(self, found: Found) -> None:
        """Raises Unsafe where it doesn't run, and a registry answers all the same: that is another one."""
        if not found.unit.is_running and await look_at_address(self._client) is AtAddress.ANSWERS:
            title = found.unit.title
            raise Unsafe(
                f"What answers at {self._client.host} isn't {title[0].lower()}{title[1:]}: that isn't running on "
                f"{self._host.place}.",
                "Check ssh, runtime and container of the profile: name the one that serves it.",
            )

    async def _must_be_the_same(self, found: Found) -> None:
        """Raises GarbageError where another one has its name by now; the host looks again before it stops anything."""
        told = await self._host.run(scripts.identity(found.unit))
        if told.code != 0:
            raise another(self._host.place, found, told.said)

    async def _must_be_unchanged(self, choices: Choices, found: Found) -> None:
        """Raises GarbageError where it isn't what the dry run looked at any more: nobody knows how long ago it was
        that somebody was asked."""
        now = await find(self._host, self._settings, self._port)
        if now.unsafe is not None:
            raise now.unsafe
        self._must_be_possible(choices, now)
        await self._must_be_what_answers(now)
        if (now.unit, now.storage) != (found.unit, found.storage):
            raise Unsafe(
                f"{found.unit.title} on {self._host.place} changed since the dry run: it was started anew, or its "
                "settings, its storage or who shares that are others by now. Nothing was stopped.",
                "Look again.",
            )

    async def _must_delete(self, repository: str) -> None:
        """Raises Unsafe where manifests can't be deleted through the API."""
        support = await deletion_support(self._client, repository)
        if obstacle := deletion_obstacle(self._client.host, support, by_choice=self._read_only):
            raise Unsafe(obstacle, "Or collect without untagged manifests.")

    def commands(self, choices: Choices) -> tuple[str, ...]:
        if self._found is None or choices.keep_out not in self._found.ways:
            return ()
        return by_hand(
            self._found.unit,
            choices.keep_out,
            needs_restart=self._found.needs_restart(choices.keep_out),
            url=self._client.address.url,
            untagged=self._forecast.untagged if choices.untagged and self._forecast else (),
            login=self._host.login,
        )

    # Collecting

    async def collect(self, choices: Choices) -> AsyncIterator[Event]:
        found = await self._look()
        self._must_be_possible(choices, found)
        await self._must_be_alone()
        await self._must_be_the_same(found)
        if self._forecast is None or self._forecast_untagged != choices.untagged:
            await self.forecast(choices)
        assert self._forecast is not None
        self._loop = asyncio.get_running_loop()
        account = self._account = Account()
        account.by_manifests = self._forecast.by_manifests
        self._stopping = False
        if self._forecast.nothing:
            # Nothing is stopped for nothing.
            yield account.skipped(Stage.COLLECT, self._forecast.nothing)
            account.freed = 0
            account.stop_clock()
            return
        mark, is_over = scripts.new_mark(), False
        try:
            async with answering(self._client, "while its tags are read; nothing was stopped"):
                tags = await self._tags(await Storage(self._host, found.unit).listing())
                before = await remember(self._client, tags, verify_all=choices.verify_all)
            if tags and not before.tags:
                raise Unsafe(
                    f"None of {plural(len(tags), 'tag')} in the storage leads to an image by {self._client.host}: "
                    "afterwards nothing could be checked.",
                    "Delete these tags first, or see whether this is the storage of another registry: regtui doctor.",
                )
            if choices.keep_out is KeepOut.READ_ONLY:
                await self._must_take_pushes(before)
            await self._must_be_unchanged(choices, found)
            async for event in self._delete_untagged(choices):
                yield event
            if self._stopping:
                account.was_stopped = True
                account.trouble.append(STOPPED)
                return
            if choices.untagged and self._forecast.untagged:
                # That may have taken its time.
                await self._must_be_unchanged(choices, found)
            running = Running(self._host, found.unit, self._forecast.blobs, mark)
            async for event in self._collect(choices, found, running):
                yield event
            is_over = running.has_ended or running.was_killed
            async for event in self._verify(before, found, running):
                yield event
        except RegtuiError as error:
            account.trouble.append(str(error))
            raise
        finally:
            account.stop_clock()
            registry = self._client.identity
            record = asyncio.to_thread(account.record, self._journal, registry, self._host.place, self._username, mark)
            await asyncio.shield(record)
            if is_over:
                # Not before: should this regtui be killed, the next one records it.
                await self._leave_word(found, "heard")

    def _must_be_possible(self, choices: Choices, found: Found) -> None:
        if self._read_only:
            raise Unsafe("Nothing is changed: read-only was asked for.", "Leave out --read-only, or read_only = true.")
        if refusal := found.why_not(choices.keep_out):
            raise refusal
        if choices.keep_out is not KeepOut.STOP and (choices.remove_empty or choices.upload_minutes is not None):
            self._must_remove_while_it_runs(found)

    def _must_remove_while_it_runs(self, found: Found) -> None:
        """Raises Unsafe where directories are removed by the host itself: a registry that runs could lead it elsewhere
        by links."""
        if found.unit.is_outside:
            raise Unsafe(
                f"Directories of {found.unit.name} are removed by the host's own shell, for there is none beside the "
                "registry: that is done only while the registry is stopped.",
                "Collect with --remove-empty, or --uploads, while it is stopped.",
            )

    async def _tags(self, listing: Listing) -> Sequence[tuple[str, str]]:
        """Every tag: as the storage has them, else as the API lists them."""
        if listing.is_known:
            return listing.tags
        return [
            (repository, tag)
            async for page in self._client.catalog()
            for repository in page.repositories
            async for names in self._client.tags(repository)
            for tag in names
        ]

    async def _delete_untagged(self, choices: Choices) -> AsyncIterator[Event]:
        assert self._forecast is not None
        account = self._account
        if not choices.untagged or not self._forecast.untagged:
            yield account.skipped(Stage.UNTAGGED)
            return
        yield account.began(Stage.UNTAGGED)
        try:
            used = await self._find_used()
            if used.unread:
                raise Unsafe(used.unread, "Nothing counts as unused before it can be read.")
            leftovers = Leftovers(self._client, self._content, self._journal, self._username, used.named)
            async for line in leftovers.delete(self._forecast.untagged):
                yield account.event(Stage.UNTAGGED, text=line)
        except RegtuiError as error:
            yield account.ended(Stage.UNTAGGED, StageStatus.FAILED, str(error))
            raise
        account.trouble += leftovers.trouble
        yield account.ended(Stage.UNTAGGED, StageStatus.FAILED if leftovers.trouble else StageStatus.DONE)

    async def _collect(self, choices: Choices, found: Found, running: Running) -> AsyncIterator[Event]:
        account = self._account
        is_online = choices.keep_out is KeepOut.ONLINE
        if is_online:
            yield account.skipped(Stage.KEEP_OUT, "the registry stays online")
        script = scripts.collection(
            found.unit,
            choices.keep_out,
            found.needs_restart(choices.keep_out),
            mark=running.mark,
            who=_me(),
            empty=self._forecast.empty if choices.remove_empty and self._forecast else (),
            uploads=await self._abandoned(choices, found),
            upload_minutes=choices.upload_minutes or 0,
            dry_seconds=self._forecast.seconds if self._forecast else 0.0,
        )
        async with aclosing(running.events(script)) as events:
            async for event in events:
                account.blobs, account.is_up = running.blobs, running.is_up
                if is_online and event.stage is Stage.KEEP_OUT and event.status:
                    continue
                if event.stage is Stage.BRING_BACK and event.status not in (None, StageStatus.STARTED):
                    continue  # It has ended when the registry answers, below.
                account.follow(event)
                yield event
                if running.asks is not None:
                    question, running.asks = running.asks, None
                    await self._leave_word(found, await self._word_for(question))
                if self._stopping and event.stage is Stage.KEEP_OUT:
                    self._tell_stop()  # What was said before there was a run to hear it.
        account.removed, account.removed_uploads = tuple(running.removed), len(running.removed_uploads)
        account.was_stopped = running.was_stopped
        account.trouble += running.troubles
        if running.was_killed:
            # Nobody on the host does it any more: we do, at once.
            async for event in self._bring_back(found):
                yield event
        account.freed = running.freed
        if running.swept is not None:
            account.blobs = running.swept
        account.was_pushed_to = is_online and running.came_meanwhile
        if account.was_pushed_to:
            account.blobs, account.freed = running.blobs, running.bytes
        self._surprised = running.verdict_is_good and not running.was_stopped and self._is_a_surprise(choices, running)
        if self._surprised:
            account.trouble.append(
                "What went isn't what the dry run had said: the storage changed in between. If nobody pushed, see "
                "whether something else writes to it."
            )
        was_stopped = choices.keep_out.stops or found.needs_restart(choices.keep_out)
        await self._see_it_back(found, was_stopped=was_stopped)
        yield account.ended(Stage.BRING_BACK, StageStatus.DONE if account.is_up else StageStatus.FAILED)

    async def _must_take_pushes(self, before: Before) -> None:
        """Raises Unsafe where it could not be seen later that the registry refuses pushes."""
        self._probed = await some_blob(self._client, before)
        if self._probed is None:
            raise Unsafe(
                f"Whether {self._client.host} refuses pushes can't be seen: it has no image to try that with.",
                "Push one, or collect while it is stopped, or with --online, when nobody pushes.",
            )
        try:
            await takes_pushes(self._client, *self._probed)
        except (NotAllowed, NotAuthenticated):
            raise Unsafe(
                f"Whether {self._client.host} refuses pushes can't be seen: this login may not push to "
                f"{self._probed[0]}.",
                "Log in as somebody who may. Nothing was changed.",
            ) from None

    async def _word_for(self, question: HostQuestion) -> str:
        if question is HostQuestion.IS_SILENT:
            return (await look_at_address(self._client)).value
        return "refuses-pushes" if await self._refuses() else "takes-pushes"

    async def _refuses(self) -> bool:
        """Whether the registry refuses pushes, each time that it is asked: several may answer at its address. What is
        rolled out may take pushes for a moment."""
        refused = 0
        if self._probed is None:
            return False
        for _ in range(_LOOKS):
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    is_taken = await takes_pushes(self._client, *self._probed)
            except (NotAllowed, NotAuthenticated):
                # It was allowed before: what stands before the registry refuses it.
                is_taken = False
            except (RegistryError, TimeoutError):
                is_taken = True
            refused = 0 if is_taken else refused + 1
            if refused == _REFUSALS:
                return True
            await asyncio.sleep(_LOOK_SECONDS)
        return False

    def _is_a_surprise(self, choices: Choices, running: Running) -> bool:
        """Whether other blobs went than were predicted."""
        assert self._forecast is not None
        if running.output.eligible.keys() != self._forecast.blobs.keys():
            return True
        # While pushes go on, the storage's size says nothing.
        is_measured = running.swept is not None and choices.keep_out is not KeepOut.ONLINE and self._forecast.is_exact
        return is_measured and running.freed != self._forecast.bytes

    async def _abandoned(self, choices: Choices, found: Found) -> list[tuple[str, str]]:
        """(repository, id) of the uploads that are to go; on the host each is looked at again."""
        if choices.upload_minutes is None:
            return []
        pending = await Storage(self._host, found.unit).pending()
        return [(upload.repository, upload.id) for upload in pending if upload.idle >= choices.upload_minutes * 60]

    async def bring_back(self) -> AsyncIterator[Event]:
        if self._read_only:
            raise Unsafe("Nothing is changed: read-only was asked for.", "Leave out --read-only, or read_only = true.")
        account = self._account = Account()
        found = await self._look_for_run()
        try:
            async for event in self._bring_back(found):
                yield event
            await self._see_it_back(found, was_stopped=True)
            yield account.ended(Stage.BRING_BACK, StageStatus.DONE if account.is_up else StageStatus.FAILED)
            if self._earlier is not None:
                back = ["The registry was brought back."] if account.is_up else account.trouble
                await self._record(self._earlier, *back)
            await self._leave_word(found, "heard")
        finally:
            account.stop_clock()

    async def _bring_back(self, found: Found) -> AsyncIterator[Event]:
        """Ends what was left of a run that was killed, and starts its registry. What fails is a trouble."""
        mark = scripts.new_mark()
        running = Running(self._host, found.unit, {}, mark, stage=Stage.BRING_BACK)
        async with aclosing(running.events(scripts.bring_back(found.unit, mark, who=_me()))) as events:
            async for event in events:
                if event.stage is not Stage.BRING_BACK or event.status in (None, StageStatus.STARTED):
                    yield event
        self._account.trouble += [trouble for trouble in running.troubles if trouble not in self._account.trouble]

    async def _see_it_back(self, found: Found, *, was_stopped: bool) -> None:
        """It runs on its host, and its address answers: another one may do that in its place."""
        looks = self._answers(), self._runs(found) if was_stopped else _at_once(True)
        answers, runs = await asyncio.gather(*looks)
        self._account.is_up = answers and runs
        if not answers:
            trouble = f"{self._client.host} does not answer yet."
        elif not runs:
            trouble = f"{found.unit.title} doesn't run again: what answers at {self._client.host} is another one."
        else:
            return
        self._account.trouble.append(f"{trouble} On the host, see what keeps it: {found.unit.start}")

    async def _runs(self, found: Found) -> bool:
        """Whether it still does a moment after it was started: what is wrong with its config ends it then. Where its
        host can't be asked, its address tells alone."""
        try:
            told = await self._host.run(scripts.runs_on(found.unit))
        except SshError:
            return True
        return told.code == 0

    async def _answers(self) -> bool:
        """Whether the registry answers `/v2/`, waiting for it. What refuses us a login is up. A connection that was
        made while it started may be one that nobody answers: each is waited for only so long."""
        try:
            async with asyncio.timeout(_UP_SECONDS):
                while True:
                    with contextlib.suppress(RegistryError, TimeoutError):
                        async with asyncio.timeout(_ANSWER_SECONDS):
                            return await self._has_answered()
                    await asyncio.sleep(0.3)
        except TimeoutError:
            return False

    async def _has_answered(self) -> bool:
        """Raises RegistryError where it hasn't."""
        with contextlib.suppress(NotAuthenticated, NotAllowed):
            await self._client.ping()
        return True

    async def _verify(self, before: Before, found: Found, running: Running) -> AsyncIterator[Event]:
        account = self._account
        if not account.is_up or not running.has_ended:
            yield account.skipped(Stage.VERIFY, "" if account.is_up else "the registry does not answer")
            return
        yield account.began(Stage.VERIFY)
        untagged = self._forecast.untagged if self._forecast else ()
        taken: set[Digest] = {*running.output.eligible, *(manifest.digest for manifest in untagged)}
        # What went though nobody had said so may be anything.
        gone = None if self._surprised else taken
        try:
            async with answering(self._client, "while its tags are checked"):
                account.verified = await verify(self._client, before, gone)
            for reference in account.verified.broken_before:
                yield account.event(Stage.VERIFY, text=f"{reference}, as before.")
            if not found.unit.is_outside:
                account.empty = (await Storage(self._host, found.unit).listing()).empty
        except (RegistryError, SshError) as error:
            account.trouble.append(f"The result could not be checked: {error}")
        is_whole = account.verified is not None and account.verified.is_whole
        yield account.ended(Stage.VERIFY, StageStatus.DONE if is_whole else StageStatus.FAILED)

    def stop(self) -> None:
        self._stopping = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._tell_stop)

    def _tell_stop(self) -> None:
        if self._found is not None:
            self._telling = asyncio.ensure_future(self._leave_word(self._found, "stop-asked"))

    async def _leave_word(self, found: Found, word: str) -> None:
        # Lost, it goes on to its end and brings the registry back.
        with contextlib.suppress(SshError):
            await self._host.run(scripts.note(found.unit, word))

    @property
    def report(self) -> CollectionReport:
        return self._account.report(self._host.place, self._forecast.bytes if self._forecast else None)

    async def remove_empty(self, repositories: tuple[str, ...]) -> tuple[str, ...]:
        found = await self._look()
        if self._read_only:
            raise Unsafe("Nothing is changed: read-only was asked for.")
        self._must_remove_while_it_runs(found)
        return await Storage(self._host, found.unit).remove_empty(repositories)
