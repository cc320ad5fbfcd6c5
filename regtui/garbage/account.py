"""What came of a collection, as far as it has come: its events' numbers, its report, its record in the journal."""

import time

from regtui.deletion.journal import Journal, JournalFailed
from regtui.garbage.values import CollectionReport, Event, Stage, StageStatus, TagsVerified
from regtui.registry.identity import RegistryId


class Account:
    """Of one run. What is known is set as it becomes known."""

    def __init__(self) -> None:
        self.blobs = 0
        self.freed: int | None = None
        self.is_up: bool | None = None
        self.verified: TagsVerified | None = None
        self.empty: tuple[str, ...] = ()
        self.removed: tuple[str, ...] = ()
        self.by_manifests = False
        self.was_pushed_to = False
        self.removed_uploads = 0
        self.trouble: list[str] = []
        self.was_stopped = False
        self._stages: list[tuple[Stage, StageStatus]] = []
        self._began = time.monotonic()
        self._ended: float | None = None
        self._stage_began = self._began

    def stop_clock(self) -> None:
        self._ended = time.monotonic()

    def began(self, stage: Stage) -> Event:
        self._stage_began = time.monotonic()
        return self.event(stage, StageStatus.STARTED)

    def event(self, stage: Stage, status: StageStatus | None = None, text: str = "") -> Event:
        return Event(stage, status, text, self.blobs, self.freed or 0, time.monotonic() - self._stage_began)

    def ended(self, stage: Stage, status: StageStatus, text: str = "") -> Event:
        self._stages.append((stage, status))
        return self.event(stage, status, text)

    def skipped(self, stage: Stage, text: str = "") -> Event:
        self._stage_began = time.monotonic()
        return self.ended(stage, StageStatus.SKIPPED, text)

    def follow(self, event: Event) -> None:
        """Takes over an event of the host's script."""
        if event.status is StageStatus.STARTED:
            self._stage_began = time.monotonic()
        elif event.status is not None:
            self._stages.append((event.stage, event.status))

    def report(self, place: str, predicted: int | None) -> CollectionReport:
        return CollectionReport(
            place=place,
            stages=tuple(self._stages),
            blobs=self.blobs,
            freed=self.freed,
            predicted=predicted,
            seconds=(self._ended or time.monotonic()) - self._began,
            is_up=self.is_up,
            verified=self.verified,
            empty_repositories=self.empty,
            removed_repositories=self.removed,
            removed_uploads=self.removed_uploads,
            by_manifests=self.by_manifests,
            was_pushed_to=self.was_pushed_to,
            trouble=tuple(self.trouble),
        )

    def record(self, journal: Journal, registry: RegistryId, place: str, username: str, run: str) -> None:
        """Into the journal. `run`: what its host calls it. What keeps it out is a trouble of its own."""
        report = self.report(place, None)
        try:
            journal.record_collection(
                registry,
                host=place,
                stages=[(stage.value, status.value) for stage, status in report.stages],
                blobs=report.blobs,
                freed=report.freed,
                seconds=report.seconds,
                result="interrupted" if self.was_stopped else "done" if report.is_complete else "failed",
                error=" ".join(report.trouble),
                username=username,
                run=run,
            )
        except JournalFailed as error:
            self.trouble.append(str(error))
