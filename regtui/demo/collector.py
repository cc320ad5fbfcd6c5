"""Garbage collection of the demo registry: what a real one does, played on the storage in memory."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from regtui.demo.reachable import children_of_tagged, missing_blobs, untagged
from regtui.garbage.values import (
    Choices,
    CollectionReport,
    EarlierRun,
    Event,
    Forecast,
    Stage,
    StageStatus,
    Survey,
    TagsVerified,
    UntaggedManifest,
)
from regtui.host.keep_out import KeepOut
from regtui.local.dialect import Dialect, Version
from regtui.local.memory import MemoryStorage
from regtui.oci.digest import Digest
from regtui.text import plural

Pause = Callable[[float], Awaitable[None]]

_PLACE: Final = "demo.localhost"
_DISK: Final = 64_000_000_000
# Lines of the log that appear at once: a person sees them run, and none of the time is spent on waiting.
_LINES_AT_ONCE: Final = 12


@dataclass(slots=True)
class _Run:
    """What the report is made of, as far as it has come."""

    stages: list[tuple[Stage, StageStatus]]
    began: float
    stage_began: float = 0.0
    blobs: int = 0
    freed: int | None = None
    predicted: int | None = None
    is_up: bool | None = None
    verified: TagsVerified | None = None
    trouble: tuple[str, ...] = ()


class DemoCollector:
    """The `Collector` of a MemoryStorage, with what `version` does differently.

    `pause` waits so many seconds where a real one would take its time.
    """

    def __init__(self, storage: MemoryStorage, version: Version = "2.8.2", pause: Pause = asyncio.sleep) -> None:
        self._storage = storage
        self._version: Version = version
        self._pause = pause
        self._config = "/etc/distribution/config.yml" if version == "3.1.1" else "/etc/docker/registry/config.yml"
        self._forecast: Forecast | None = None
        self._stopping = False
        self._run = _Run([], time.monotonic())

    async def survey(self) -> Survey:
        await self._pause(0.3)
        used = sum(blob.size for blob in self._storage.blobs.values())
        return Survey(
            place=_PLACE,
            runtime="docker",
            unit="registry",
            version=self._version,
            config=self._config,
            root="/var/lib/registry",
            driver="filesystem",
            delete_enabled=True,
            uploads=sum(map(self._storage.uploads_of, self._storage.repositories)),
            used=used,
            free=_DISK - used,
            blob_cache="inmemory",
            keep_out=(KeepOut.STOP, KeepOut.ONLINE),
            no_stand_in="While the demo registry is stopped nothing can serve pulls: it is in this process's memory.",
        )

    async def earlier(self) -> EarlierRun | None:
        return None

    async def forecast(self, choices: Choices) -> Forecast:
        began = time.monotonic()
        await self._pause(0.8)
        with self._storage.lock:
            found = self._untagged()
            tried = self._storage.copy()
            plain = tried.collect(dry_run=True, version=self._version)
            for manifest in found:
                tried.delete_manifest(manifest.repository, manifest.digest)
            whole = tried.collect(dry_run=True, version=self._version)
            would = whole if choices.untagged else plain
            self._forecast = Forecast(
                marked=would.marked,
                blobs={Digest(digest): size for digest, size in would.blobs.items()},
                by_repository=self._by_repository(would.blobs),
                untagged=tuple(found),
                at_risk=tuple(self._at_risk()),
                seconds=time.monotonic() - began,
                held=sum(whole.blobs.values()) - sum(would.blobs.values()),
            )
        return self._forecast

    def commands(self, choices: Choices) -> tuple[str, ...]:
        collect = f"registry garbage-collect {self._config}"
        url = "http://demo.localhost/v2"
        lines = [f"curl -X DELETE {url}/{one.repository}/manifests/{one.digest}" for one in self._chosen(choices)]
        if choices.keep_out is KeepOut.ONLINE:
            return (*lines, f"docker exec registry {collect}", "docker restart registry")
        return (
            *lines,
            "docker stop registry",
            f"docker run --rm --volumes-from registry --env-file … registry:{self._version[0]} {collect}",
            "docker start registry",
        )

    async def collect(self, choices: Choices) -> AsyncIterator[Event]:
        self._run = _Run([], time.monotonic(), predicted=self._forecast.bytes if self._forecast else None)
        resolved = self._resolving()
        async for event in self._delete_untagged(choices):
            yield event
        async for event in self._keep_out(choices):
            yield event
        async for event in self._sweep():
            yield event
        async for event in self._bring_back(choices):
            yield event
        async for event in self._verify(resolved):
            yield event

    async def bring_back(self) -> AsyncIterator[Event]:
        self._run = _Run([], time.monotonic(), is_up=True)
        yield self._began(Stage.BRING_BACK)
        yield self._ended(Stage.BRING_BACK)

    def stop(self) -> None:
        self._stopping = True

    @property
    def report(self) -> CollectionReport:
        run = self._run
        return CollectionReport(
            place=_PLACE,
            stages=tuple(run.stages),
            blobs=run.blobs,
            freed=run.freed,
            predicted=run.predicted,
            seconds=time.monotonic() - run.began,
            is_up=run.is_up,
            verified=run.verified,
            empty_repositories=tuple(self._empty()) if run.is_up else (),
            trouble=run.trouble,
        )

    async def remove_empty(self, repositories: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in repositories if self._storage.remove_repository(name))

    # Stages

    async def _delete_untagged(self, choices: Choices) -> AsyncIterator[Event]:
        chosen = self._chosen(choices)
        if not chosen or self._stopping:
            yield self._skipped(Stage.UNTAGGED, "")
            return
        yield self._began(Stage.UNTAGGED)
        for manifest in chosen:
            await self._pause(0.02)
            self._storage.delete_manifest(manifest.repository, manifest.digest)
            yield self._line(Stage.UNTAGGED, f"deleted {manifest.repository}@{manifest.digest}")
        yield self._ended(Stage.UNTAGGED)

    async def _keep_out(self, choices: Choices) -> AsyncIterator[Event]:
        if choices.keep_out is KeepOut.ONLINE:
            yield self._skipped(Stage.KEEP_OUT, "the registry stays online")
            return
        yield self._began(Stage.KEEP_OUT)
        await self._pause(0.6)
        yield self._line(Stage.KEEP_OUT, "the registry is stopped")
        yield self._ended(Stage.KEEP_OUT)

    async def _sweep(self) -> AsyncIterator[Event]:
        if self._stopping:
            self._run.trouble = ("It was stopped before the sweep.",)
            yield self._skipped(Stage.COLLECT, "stopped before")
            return
        yield self._began(Stage.COLLECT)
        found = self._storage.collect(version=self._version)
        self._run.freed = 0
        for number, line in enumerate(self._log(found.lines)):
            if number % _LINES_AT_ONCE == 0:
                await self._pause(0.03)
            digest = line.removeprefix("blob eligible for deletion: ")
            if digest in found.blobs and digest != line:
                self._run.blobs += 1
                self._run.freed += found.blobs[digest]
            yield self._line(Stage.COLLECT, line)
        yield self._ended(Stage.COLLECT)

    @staticmethod
    def _log(lines: tuple[str, ...]) -> Iterator[str]:
        return (line for line in lines if line and ": marking " not in line)

    async def _bring_back(self, choices: Choices) -> AsyncIterator[Event]:
        yield self._began(Stage.BRING_BACK)
        await self._pause(0.6)
        # One that went on running would still believe in what was swept.
        how = "restarted" if choices.keep_out is KeepOut.ONLINE else "started"
        yield self._line(Stage.BRING_BACK, f"the registry was {how}, and answers")
        self._run.is_up = True
        yield self._ended(Stage.BRING_BACK)

    async def _verify(self, resolved: dict[str, str]) -> AsyncIterator[Event]:
        yield self._began(Stage.VERIFY)
        await self._pause(0.4)
        with self._storage.lock:
            broken = [name for name, digest in resolved.items() if missing_blobs(self._storage, [digest])]
        self._run.verified = TagsVerified(len(resolved), len(resolved), tuple(broken))
        yield self._ended(Stage.VERIFY, StageStatus.FAILED if broken else StageStatus.DONE)

    # What is there

    def _untagged(self) -> list[UntaggedManifest]:
        return [
            UntaggedManifest(name, Digest(digest))
            for name, repository in sorted(self._storage.repositories.items())
            for digest in untagged(self._storage, repository)
        ]

    def _chosen(self, choices: Choices) -> list[UntaggedManifest]:
        return list(self._forecast.untagged) if choices.untagged and self._forecast else []

    def _at_risk(self) -> Iterator[str]:
        if Dialect.of(self._version).collector_spares_children:
            return
        for name, repository in sorted(self._storage.repositories.items()):
            if count := len(children_of_tagged(self._storage, repository)):
                yield f"{name}: {plural(count, 'platform image')} of tagged indexes"

    def _by_repository(self, freed: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
        sums: Counter[str] = Counter()
        for digest, size in freed.items():
            linking = (
                name
                for name, repository in sorted(self._storage.repositories.items())
                if digest in repository.layers or digest in repository.revisions
            )
            if first := next(linking, ""):
                sums[first] += size
        return tuple(sums.most_common())

    def _resolving(self) -> dict[str, str]:
        """NAME:TAG → digest of every tag with all its blobs: what has to be so afterwards, too."""
        return {
            f"{name}:{tag}": digest
            for name, repository in self._storage.repositories.items()
            for tag, digest in repository.tags.items()
            if not missing_blobs(self._storage, [digest])
        }

    def _empty(self) -> Iterator[str]:
        for name, repository in sorted(self._storage.repositories.items()):
            if not (repository.revisions or repository.tags or self._storage.uploads_of(name)):
                yield name

    # Events

    def _event(self, stage: Stage, status: StageStatus | None = None, text: str = "") -> Event:
        passed = time.monotonic() - self._run.stage_began
        return Event(stage, status, text, self._run.blobs, self._run.freed or 0, passed)

    def _began(self, stage: Stage) -> Event:
        self._run.stage_began = time.monotonic()
        return self._event(stage, StageStatus.STARTED)

    def _line(self, stage: Stage, text: str) -> Event:
        return self._event(stage, None, text)

    def _ended(self, stage: Stage, status: StageStatus = StageStatus.DONE) -> Event:
        self._run.stages.append((stage, status))
        return self._event(stage, status)

    def _skipped(self, stage: Stage, why: str) -> Event:
        self._run.stage_began = time.monotonic()
        self._run.stages.append((stage, StageStatus.SKIPPED))
        return self._event(stage, StageStatus.SKIPPED, why)
