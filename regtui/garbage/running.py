"""The collection on the host, as its log tells it: events, and what came of it. Goes on after a lost connection."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Final

from regtui.garbage import scripts
from regtui.garbage.output import CollectorOutput, LineKind
from regtui.garbage.storage import read_count
from regtui.garbage.values import Event, HostQuestion, Stage, StageStatus
from regtui.garbage.verdict import SIGNALLED, idle
from regtui.host.errors import CollectionFailed, Unsafe
from regtui.host.hosts import Host, Script
from regtui.host.runtimes import Unit
from regtui.host.trouble import last_line
from regtui.oci.digest import Digest
from regtui.oci.reference import is_repository, is_tag
from regtui.ssh.errors import SshError
from regtui.text import one_line

STAGES: Final = {"keep-out": Stage.KEEP_OUT, "collect": Stage.COLLECT, "bring-back": Stage.BRING_BACK}
"""As the script names them."""
STOPPED: Final = "It was stopped before anything was collected."


def asked_about(words: Sequence[str]) -> HostQuestion:
    """What the script asks, by its words."""
    return HostQuestion.IS_SILENT if words == ["silence"] else HostQuestion.REFUSES_PUSHES


_STATUS: Final = {"started": StageStatus.STARTED, "done": StageStatus.DONE}
# By docker and podman, where they fail themselves.
_RUNTIME_FAILED: Final = 125
# Said by our own lines, or by the counts.
_SILENT: Final = frozenset(
    {LineKind.MANIFEST_MARKED, LineKind.BLOB_MARKED, LineKind.BLOB_DELETED, LineKind.LINK_ELIGIBLE}
)
# How long a lost connection is tried anew, in seconds between the tries: the run goes on meanwhile.
AGAIN: Final = (1, 2, 3, 5, 5, 10, 10, 15)


_SAID: Final = 100


def read_holder(words: Sequence[str]) -> tuple[str, str]:
    """Since when, and who, by a lock: `2026-11-28T04:00:00Z`, `ci@laptop as deploy`; empty where it doesn't tell.
    Anybody on the host can write one: what it says is one harmless line."""
    match words:
        case [since, login, *rest]:
            who = " ".join(rest)
            told = f"{who} as {login}" if who not in ("", "-") else login
            return "" if since == "-" else one_line(since, limit=_SAID), one_line(told, limit=_SAID)
    return "", ""


KILLED: Final = "The collection was killed on the host, and what watches over it, too."


def running_already(place: str, since: str = "", who: str = "", lock: str = "") -> Unsafe:
    """`since`, `who`: by the lock there, so far as it tells. `lock`: where anybody may have made it."""
    begun = f", begun {one_line(since)[:40]}" if since else ""
    by = f" by {one_line(who)[:200]}" if who else ""
    message = f"A collection is running on {place} already{begun}{by}."
    if not lock:
        return Unsafe(message, "The same command with --status tells how far it is.")
    told = one_line(lock)[:200]
    return Unsafe(message, f"Ask there. If that login collects nothing, remove its lock {told} as root.")


class Running:
    """One run. `sizes` of blobs: from its dry run, for the bytes as they go. `mark`: what its script was made with."""

    def __init__(
        self, host: Host, unit: Unit, sizes: Mapping[Digest, int | None], mark: str, *, stage: Stage = Stage.KEEP_OUT
    ) -> None:
        self.mark = mark
        self._host = host
        self._unit = unit
        self._sizes = sizes
        self._stage = stage
        self._began = time.monotonic()
        self._lines = 0
        self._has_collected = False
        self.output = CollectorOutput()
        self.exit_code: int | None = None
        self.used: dict[str, tuple[int, int]] = {}
        """`before` and `after` → blobs and their bytes, in the storage."""
        self.blobs = 0
        self.bytes = 0
        self.is_up: bool | None = None
        self.has_ended = False
        self.was_killed = False
        """With what watches over it: nobody there brings the registry back."""
        self.idle = 0
        """Seconds for which it did nothing, and then was ended."""
        self.cut = ""
        """It ended, and where its log is there was no room to write it to its end."""
        self.removed: list[str] = []
        """Empty repositories whose directories were removed."""
        self.removed_uploads: list[tuple[str, str]] = []
        """(repository, id) of abandoned uploads that were removed."""
        self.was_stopped = False
        self.asks: HostQuestion | None = None
        """It waits to be told."""
        self.failures: list[str] = []
        """In sentences, as the script says them."""
        self.said: list[str] = []
        """The last lines of other programs, for what they say about a failure."""

    async def events(self, script: Script) -> AsyncGenerator[Event, None]:
        """Starts it and follows it to its end. Raises SshError where it can't be begun, Unsafe where one is going on,
        CollectionFailed where the host has no room; later nothing: then `has_ended` is False."""
        pauses = iter(AGAIN)
        while True:
            try:
                async with aclosing(self._host.lines(script)) as lines:
                    async for line in lines:
                        for event in self._read(line):
                            yield event
                        if self.has_ended or self.was_killed or self.cut:
                            return
            except SshError as error:
                if not self._lines:
                    raise
                yield self._event(f"{error.message} The collection goes on there; trying again …")
            pause = next(pauses, None)
            if pause is None or not self._lines:
                return
            await asyncio.sleep(pause)
            script = scripts.follow(self._unit, self.mark, self._lines)

    @property
    def _passed(self) -> float:
        return time.monotonic() - self._began

    def _read(self, line: str) -> list[Event]:
        words = scripts.marked(line, self.mark)
        if words is not None and self._is_about_the_start(words):
            return []
        # Where the log is read on from, after a lost connection. What comes before its begin isn't of the log.
        self._lines += self._lines > 0
        if words is not None:
            return self._marked(words)
        if self._stage is not Stage.COLLECT:
            self._remember(line)
            return [self._event(line)] if line.strip() else []
        finding = self.output.feed(line)
        if finding.kind is LineKind.BLOB_ELIGIBLE and finding.digest:
            self.blobs += 1
            self.bytes += self._sizes.get(finding.digest) or 0
        if finding.kind in _SILENT or not finding.text.strip():
            return []
        if finding.kind in (LineKind.OTHER, LineKind.FAILURE):
            self._remember(line)
        return [self._event(finding.text)]

    def _is_about_the_start(self, words: list[str]) -> bool:
        match words:
            case ["busy", *holder]:
                raise running_already(self._host.place, *read_holder(holder))
            case ["held", lock, *holder]:
                raise running_already(self._host.place, *read_holder(holder), lock)
            case ["left", lock, *holder]:
                _, who = read_holder(holder)
                raise Unsafe(
                    f"A collection that {one_line(who)[:200] or 'somebody'} began on {self._host.place} was killed, "
                    "and its lock can't be taken over by this login.",
                    f"As that user: regtui gc --bring-back. Then remove {one_line(lock)[:200]}, if it is still there.",
                )
            case ["died"]:
                self.was_killed = True
                return True
            case ["cut", place]:
                self.cut = place
                return True
            case ["no-room"]:
                raise CollectionFailed(
                    f"The disks of {self._host.place} are full: not even the collection's script can be kept there.",
                    "Make room for a few kilobytes, then collect again.",
                )
            case ["begun", line, *_]:
                self._lines = read_count(line) or 1
                return True
        return False

    def _marked(self, words: list[str]) -> list[Event]:
        match words:
            case ["stage", stage, status] if stage in STAGES and status in _STATUS:
                if status == "started":
                    self._has_collected |= STAGES[stage] is Stage.COLLECT
                    self._stage, self._began = STAGES[stage], time.monotonic()
                return self._stage_events(_STATUS[status])
            case ["used", when, blobs, count]:
                numbers = read_count(blobs), read_count(count)
                if numbers[0] is not None and numbers[1] is not None:
                    self.used[when] = (numbers[0], numbers[1])
            case ["exit", code]:
                self.exit_code = read_count(code)
            case ["removed", name] if is_repository(name):
                self.removed.append(name)
            case ["upload-removed", name, upload] if is_repository(name) and is_tag(upload):
                self.removed_uploads.append((name, upload))
            case ["asks", *about]:
                return self._asked(asked_about(about))
            case ["idle", seconds]:
                self.idle = read_count(seconds) or 0
            case ["up"]:
                self.is_up = True
            case ["down"]:
                self.is_up = False
            case ["serving"]:
                return [self._event("A read-only stand-in answers pulls meanwhile.")]
            case ["stopped"]:
                self.was_stopped = True
            case ["end"]:
                self.has_ended = True
            case ["failed", *sentence]:
                # Of what is said later nothing is its reason.
                said, self.said = last_line("\n".join(self.said)), []
                self.failures.append(" ".join([*sentence, f"{said}."] if said else sentence))
                return [self._event(" ".join(sentence))]
        return []

    def _asked(self, question: HostQuestion) -> list[Event]:
        self.asks = question
        return [self._event(f"Looking {question.value} …")]

    def _stage_events(self, status: StageStatus) -> list[Event]:
        if self._stage is Stage.COLLECT and status is StageStatus.DONE and not self.verdict_is_good:
            status = StageStatus.FAILED
        if self._stage is Stage.BRING_BACK and status is StageStatus.DONE and self.is_up is False:
            status = StageStatus.FAILED
        return [Event(self._stage, status, "", self.blobs, self.bytes, self._passed)]

    @property
    def verdict_is_good(self) -> bool:
        return self.output.verdict(self.exit_code).outcome.is_good

    @property
    def _client_may_be_gone(self) -> bool:
        """Whether it may have been the runtime's client that ended, and not the collector in its container: that isn't
        heard of any more. So it is where the runtime's daemon is restarted."""
        return bool(self._unit.gone) and self.exit_code in (_RUNTIME_FAILED, *SIGNALLED)

    @property
    def freed(self) -> int | None:
        """Bytes, by the storage before and after; else by what the collector said; None where it failed."""
        if (measured := self._measured) is not None:
            return max(measured[1], 0)
        return self.bytes if self.verdict_is_good else None

    @property
    def swept(self) -> int | None:
        """Blobs that are gone, by the storage; None where it can't be asked."""
        return max(measured[0], 0) if (measured := self._measured) is not None else None

    @property
    def came_meanwhile(self) -> bool:
        """Whether less went, by the storage, than the collector said to have taken: something else came."""
        measured = self._measured
        return measured is not None and self.verdict_is_good and measured < (self.blobs, self.bytes)

    @property
    def _measured(self) -> tuple[int, int] | None:
        """How many blobs and bytes less there are; less than nothing where more came than went."""
        if "before" not in self.used or "after" not in self.used:
            return None
        before, after = self.used["before"], self.used["after"]
        return before[0] - after[0], before[1] - after[1]

    @property
    def troubles(self) -> list[str]:
        """What went wrong, in sentences with what to do."""
        if self.was_killed:
            return [KILLED]
        if self.cut:
            return [
                f"The disk of {self._host.place} with the collection's log is full: what came of it could not be "
                f"written down. Make room in {one_line(self.cut)[:300]}, then collect again."
            ]
        if not self.has_ended:
            return [
                f"The connection to {self._host.place} was lost. Whether the collection goes on there, and whether the "
                "registry is up again: regtui gc --status."
            ]
        if self.was_stopped:
            return [STOPPED]
        failures = [*self.failures]
        if self.exit_code is not None or self._has_collected:
            verdict = self.output.verdict(self.exit_code, swept=self.swept, was_heard=not self._client_may_be_gone)
            if self.idle:
                verdict = idle(self.idle, self.swept)
            if not verdict.outcome.is_good:
                failures.insert(0, f"{verdict.message} {verdict.remedy}".strip())
        return failures

    def _event(self, text: str) -> Event:
        return Event(self._stage, None, text, self.blobs, self.bytes, self._passed)

    def _remember(self, line: str) -> None:
        if line.strip() in (self._unit.name, self._unit.container):
            return  # By a runtime that did what it was told.
        self.said = [*self.said[-4:], line]
