"""Garbage collection on the registry's host, in order: look, dry run, untagged manifests, keep pushes out, collect,
bring back, verify. The `Collector` of every registry that runs on a host.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from shlex import quote
from typing import Final

from regtui.content import ContentStore
from regtui.deletion import Journal, JournalFailed
from regtui.errors import RegtuiError
from regtui.garbage import scripts
from regtui.garbage.errors import Unsafe
from regtui.garbage.finding import Found, find
from regtui.garbage.forecasting import Listing, forecast, list_storage
from regtui.garbage.hosts import Host
from regtui.garbage.leftovers import Leftovers
from regtui.garbage.profile import HostSettings
from regtui.garbage.running import Running, running_already
from regtui.garbage.trouble import last_line
from regtui.garbage.values import (
    Choices,
    CollectionReport,
    EarlierRun,
    Event,
    Forecast,
    KeepOut,
    Stage,
    StageStatus,
    Survey,
    Verified,
)
from regtui.garbage.verification import Before, remember, verify
from regtui.oci import Digest
from regtui.registry import (
    NotAllowed,
    NotAuthenticated,
    RegistryClient,
    RegistryError,
    deletion_obstacle,
)
from regtui.ssh import SshError

_STAGES: Final = {"keep-out": Stage.KEEP_OUT, "collect": Stage.COLLECT, "bring-back": Stage.BRING_BACK}
_UP_SECONDS: Final = 60.0
_LOG_LINES: Final = 200


@dataclass(slots=True)
class _Run:
    """What the report is made of, as far as it has come."""

    began: float = field(default_factory=time.monotonic)
    stage_began: float = field(default_factory=time.monotonic)
    ended: float | None = None
    stages: list[tuple[Stage, StageStatus]] = field(default_factory=list)
    blobs: int = 0
    freed: int | None = None
    is_up: bool | None = None
    verified: Verified | None = None
    empty: tuple[str, ...] = ()
    trouble: list[str] = field(default_factory=list)
    was_stopped: bool = False


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
    ) -> None:
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
        self._run = _Run()
        self._is_unheard = False
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._telling: asyncio.Task[object] | None = None

    # Looking

    async def survey(self) -> Survey:
        found = await self._look(anew=True)
        if self._is_unheard:
            # Whoever goes on has been told of it.
            self._is_unheard = False
            await self._host.run(scripts.note(found.unit, "heard"))
        unit, storage = found.unit, found.storage
        listing = await list_storage(self._host, found)
        used = await self._numbers("measure")
        disk = await self._numbers("disk")
        return Survey(
            place=self._host.place,
            runtime=unit.runtime,
            unit=unit.name,
            version=found.version,
            config=unit.config,
            root=storage.root,
            driver=storage.driver,
            delete_enabled=storage.delete_enabled,
            uploads=len(listing.uploads) if listing.is_known else None,
            used=used[1] if used else None,
            free=disk[1] if disk else None,
            blob_cache=storage.blob_cache,
            keep_out=self._ways(),
        )

    async def _look(self, *, anew: bool = False) -> Found:
        if self._found is None or anew:
            port = self._client.address.port or (80 if self._client.address.scheme == "http" else 443)
            self._found = await find(self._host, self._settings, port)
        return self._found

    def _ways(self) -> tuple[KeepOut, ...]:
        """How pushes can be kept out, the best first."""
        assert self._found is not None
        unit = self._found.unit
        stop = (KeepOut.STOP,) if unit.stop and unit.start and not unit.obstacle else ()
        read_only = (KeepOut.READ_ONLY,) if unit.read_only and unit.read_write else ()
        return (*stop, *read_only, KeepOut.ONLINE)

    async def _numbers(self, ask: str) -> tuple[int, int] | None:
        """Two numbers about the storage; None where it can't be asked."""
        found = await self._look()
        unit = found.unit
        if not unit.root or not (unit.shell if unit.is_running else unit.shell_beside):
            return None
        told = (await self._host.run(scripts.question(unit, ask))).stdout.split()
        return (int(told[0]), int(told[1])) if len(told) == 2 and all(map(str.isdecimal, told)) else None

    async def earlier(self) -> EarlierRun | None:
        found = await self._look()
        told = (await self._host.run(scripts.status(found.unit))).stdout.splitlines()
        if not told or (words := scripts.marked(told[0])) is None or words[0] != "earlier":
            return None
        stage, ours = Stage.KEEP_OUT, [scripts.marked(line) for line in told[1:]]
        for mark in ours:
            match mark:
                case ["stage", name, *_] if name in _STAGES:
                    stage = _STAGES[name]
        lines = [line for line, mark in zip(told[1:], ours, strict=True) if mark is None and line.strip()]
        self._is_unheard = words[1] != "yes"
        return EarlierRun(
            started=" ".join(words[2:]),
            stage=stage,
            is_running=words[1] == "yes",
            log=tuple(lines)[-_LOG_LINES:],
            is_whole=all(mark in ours for mark in (["exit", "0"], ["up"], ["end"])),
        )

    async def forecast(self, choices: Choices) -> Forecast:
        found = await self._look()
        await self._must_be_alone()
        self._forecast = await forecast(self._host, found, self._client, self._content, untagged=choices.untagged)
        self._forecast_untagged = choices.untagged
        if choices.untagged and self._forecast.untagged:
            await self._must_delete(self._forecast.untagged[0].repository)
        return self._forecast

    async def _must_be_alone(self) -> None:
        """Raises Unsafe where another run is going on; should one begin later, the host refuses ours."""
        earlier = await self.earlier()
        if earlier is not None and earlier.is_running:
            raise running_already(self._host.place)

    async def _must_delete(self, repository: str) -> None:
        """Raises Unsafe where manifests can't be deleted through the API."""
        support = await self._client.deletion(repository)
        if obstacle := deletion_obstacle(self._client.host, support, by_choice=self._read_only):
            raise Unsafe(obstacle, "Or collect without untagged manifests.")

    def commands(self, choices: Choices) -> tuple[str, ...]:
        if self._found is None:
            return ()
        unit = self._found.unit
        untagged = self._forecast.untagged if choices.untagged and self._forecast else ()
        url = self._client.address.url
        lines = [f"curl -X DELETE {quote(f'{url}/v2/{m.repository}/manifests/{m.digest}')}" for m in untagged]
        lines += [self._host.login] if self._host.login else []
        match choices.keep_out:
            case KeepOut.STOP:
                lines += [*unit.prepare, unit.stop, unit.collector(running=False), *unit.tidy, unit.start]
            case KeepOut.READ_ONLY:
                lines += [*unit.prepare, unit.read_only, unit.collector(), *unit.tidy, unit.read_write]
            case KeepOut.ONLINE:
                lines += [*unit.prepare, unit.collector(), *unit.tidy]
        lines += [unit.stop, unit.start] if self._needs_restart(choices) else []
        return tuple(filter(None, lines))

    def _needs_restart(self, choices: Choices) -> bool:
        """Whether the registry has to forget what it believes to have. What stops it, or rolls it out, does that; the
        user's own commands may not."""
        if self._found is None or self._found.storage.blob_cache != "inmemory":
            return False
        is_rolled_out = self._found.unit.runtime == "kubectl" and choices.keep_out is KeepOut.READ_ONLY
        return choices.keep_out is not KeepOut.STOP and not is_rolled_out

    # Collecting

    async def collect(self, choices: Choices) -> AsyncIterator[Event]:
        found = await self._look()
        self._must_be_possible(choices, found)
        await self._must_be_alone()
        if self._forecast is None or self._forecast_untagged != choices.untagged:
            await self.forecast(choices)
        assert self._forecast is not None
        self._loop = asyncio.get_running_loop()
        run = self._run = _Run()
        self._stopping = False
        if self._forecast.nothing:
            # Nothing is stopped for nothing.
            yield self._ended(Stage.COLLECT, StageStatus.SKIPPED, self._forecast.nothing)
            run.freed, run.ended = 0, time.monotonic()
            return
        try:
            tags = await self._tags(await list_storage(self._host, found))
            before = await remember(self._client, tags, verify_all=choices.verify_all)
            async for event in self._delete_untagged(choices):
                yield event
            if self._stopping:
                run.was_stopped = True
                run.trouble.append("It was stopped before anything was collected.")
                return
            running = Running(self._host, found.unit, self._forecast.blobs)
            async for event in self._collect(choices, found, running):
                yield event
            async for event in self._verify(before, found, running):
                yield event
        except RegtuiError as error:
            run.trouble.append(str(error))
            raise
        finally:
            run.ended = time.monotonic()
            await asyncio.shield(self._record())

    def _must_be_possible(self, choices: Choices, found: Found) -> None:
        if self._read_only:
            raise Unsafe("Nothing is changed: read-only was asked for.", "Leave out --read-only, or read_only = true.")
        if choices.keep_out not in self._ways():
            why = found.unit.obstacle or f"It isn't known how {found.unit.name} is made {choices.keep_out.value}."
            raise Unsafe(why, "Or let it run on (--online), when nobody pushes.")

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
        self._run.stage_began = time.monotonic()
        if not choices.untagged or not self._forecast.untagged:
            yield self._ended(Stage.UNTAGGED, StageStatus.SKIPPED)
            return
        yield self._event(Stage.UNTAGGED, StageStatus.STARTED)
        leftovers = Leftovers(self._client, self._content, self._journal, self._username)
        try:
            async for line in leftovers.delete(self._forecast.untagged):
                yield self._event(Stage.UNTAGGED, text=line)
        except RegtuiError as error:
            yield self._ended(Stage.UNTAGGED, StageStatus.FAILED, str(error))
            raise
        self._run.trouble += leftovers.trouble
        yield self._ended(Stage.UNTAGGED, StageStatus.FAILED if leftovers.trouble else StageStatus.DONE)

    async def _collect(self, choices: Choices, found: Found, running: Running) -> AsyncIterator[Event]:
        run = self._run
        if choices.keep_out is KeepOut.ONLINE:
            yield self._ended(Stage.KEEP_OUT, StageStatus.SKIPPED, "the registry stays online")
        script = scripts.collection(found.unit, choices.keep_out, self._needs_restart(choices))
        async with aclosing(running.events(script)) as events:
            async for event in events:
                has_ended = event.status is not None and event.status is not StageStatus.STARTED
                run.blobs, run.is_up = running.blobs, running.is_up
                if event.stage is Stage.KEEP_OUT and event.status and choices.keep_out is KeepOut.ONLINE:
                    continue
                if event.stage is Stage.BRING_BACK and has_ended:
                    continue  # It has ended when the registry answers, below.
                if event.status and has_ended:
                    run.stages.append((event.stage, event.status))
                yield event
        run.was_stopped = running.was_stopped
        run.trouble += self._troubles(running)
        if "before" in running.used and "after" in running.used:
            run.freed = running.used["before"][1] - running.used["after"][1]
            run.blobs = running.used["before"][0] - running.used["after"][0]
        elif running.verdict_is_good:
            run.freed = running.bytes
        run.is_up = await self._answers()
        run.stage_began = time.monotonic() - running.passed
        if not run.is_up:
            run.trouble.append(
                f"{self._client.host} does not answer yet. On the host, see what keeps it: {found.unit.start}"
            )
        yield self._ended(Stage.BRING_BACK, StageStatus.DONE if run.is_up else StageStatus.FAILED)
        if running.has_ended:
            await self._host.run(scripts.note(found.unit, "heard"))

    def _troubles(self, running: Running) -> list[str]:
        if not running.has_ended:
            return [
                f"The connection to {self._host.place} was lost. The collection goes on there, and starts the registry "
                "again: regtui gc --status shows it."
            ]
        if running.was_stopped:
            return ["It was stopped before anything was collected."]
        said = last_line("\n".join(running.said))
        failures = [f"{failure} {said}.".replace(" .", "") if said else failure for failure in running.failures]
        if running.exit_code is not None:
            verdict = running.output.verdict(running.exit_code)
            if not verdict.outcome.is_good:
                failures.insert(0, f"{verdict.message} {verdict.remedy}".strip())
        return failures

    async def _answers(self) -> bool:
        """Whether the registry answers `/v2/`, waiting for it. What refuses us a login is up."""
        give_up = time.monotonic() + _UP_SECONDS
        while True:
            try:
                await self._client.ping()
            except (NotAuthenticated, NotAllowed):
                return True
            except RegistryError:
                if time.monotonic() > give_up:
                    return False
                await asyncio.sleep(0.3)
            else:
                return True

    async def _verify(self, before: Before, found: Found, running: Running) -> AsyncIterator[Event]:
        run = self._run
        run.stage_began = time.monotonic()
        if not run.is_up or not running.has_ended:
            yield self._ended(
                Stage.VERIFY, StageStatus.SKIPPED, "the registry does not answer" if not run.is_up else ""
            )
            return
        yield self._event(Stage.VERIFY, StageStatus.STARTED)
        untagged = self._forecast.untagged if self._forecast else ()
        gone: set[Digest] = {*running.output.eligible, *(m.digest for m in untagged)}
        try:
            run.verified, incomplete = await verify(self._client, before, gone)
            for sentence in incomplete:
                yield self._event(Stage.VERIFY, text=sentence)
            run.empty = (await list_storage(self._host, found)).empty
        except (RegistryError, SshError) as error:
            run.trouble.append(f"The result could not be checked: {error}")
        is_whole = run.verified is not None and not run.verified.broken
        yield self._ended(Stage.VERIFY, StageStatus.DONE if is_whole else StageStatus.FAILED)

    def stop(self) -> None:
        self._stopping = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._tell_stop)

    def _tell_stop(self) -> None:
        if self._found is not None:
            self._telling = asyncio.ensure_future(self._leave_word(self._found))

    async def _leave_word(self, found: Found) -> None:
        try:
            await self._host.run(scripts.note(found.unit, "stop"))
        except SshError:
            return  # Lost: then it goes on to its end, and brings the registry back.

    @property
    def report(self) -> CollectionReport:
        run = self._run
        return CollectionReport(
            place=self._host.place,
            stages=tuple(run.stages),
            blobs=run.blobs,
            freed=run.freed,
            predicted=self._forecast.bytes if self._forecast else None,
            seconds=(run.ended or time.monotonic()) - run.began,
            is_up=run.is_up,
            verified=run.verified,
            empty_repositories=run.empty,
            trouble=tuple(run.trouble),
        )

    async def _record(self) -> None:
        report = self.report
        result = "interrupted" if self._run.was_stopped else "done" if report.is_complete else "failed"
        try:
            await asyncio.to_thread(
                self._journal.record_collection,
                str(self._client.address),
                host=report.place,
                stages=[(stage.value, status.value) for stage, status in report.stages],
                blobs=report.blobs,
                freed=report.freed,
                seconds=report.seconds,
                result=result,
                error=" ".join(report.trouble),
                username=self._username,
            )
        except JournalFailed as error:
            self._run.trouble.append(str(error))

    async def remove_empty(self, repositories: tuple[str, ...]) -> tuple[str, ...]:
        found = await self._look()
        if self._read_only:
            raise Unsafe("Nothing is changed: read-only was asked for.")
        there = set((await list_storage(self._host, found)).empty)
        names = [name for name in repositories if name in there]
        if not names:
            return ()
        told = await self._host.run(scripts.question(found.unit, f"remove_empty {' '.join(map(quote, names))}"))
        return tuple(line.removeprefix("removed ") for line in told.stdout.splitlines() if line.startswith("removed "))

    # Events

    def _event(self, stage: Stage, status: StageStatus | None = None, text: str = "") -> Event:
        run = self._run
        return Event(stage, status, text, run.blobs, run.freed or 0, time.monotonic() - run.stage_began)

    def _ended(self, stage: Stage, status: StageStatus, text: str = "") -> Event:
        self._run.stages.append((stage, status))
        return self._event(stage, status, text)
