"""The journal: before the first DELETE of a run, everything that goes is on disk. It is the audit trail as well: who
deleted, restored and collected what, when, where, and with what result.

One file a run, JSON Lines, append-only: first what is to be done with the exact bytes of every manifest and the tags,
then each step that leaves something half done, then the results and the end. Only this user can read it.
"""

import base64
import getpass
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final
from uuid import uuid4

from regtui import bounds
from regtui.deletion.belonging import check_belongs
from regtui.deletion.entry import Belonging, Damaged, Entry, Kind, PruneSummary, read_entry
from regtui.deletion.graph import reachable
from regtui.deletion.journal_storage import Directory, JournalStorage, Memory, is_run, number_of
from regtui.deletion.values import Outcome, Plan, StoredManifest
from regtui.errors import NOT_FOUND, RegtuiError, reason_of
from regtui.oci.digest import Digest
from regtui.registry.identity import RegistryId

KEPT: Final = timedelta(days=90)
"""How long a finished run can be undone, and is told of."""
_ALWAYS_KEPT: Final = 50
"""So many of the newest stay however old they are."""

_CALLED: Final = 8
"""Hexadecimal digits at the end of a record's name."""

_STAMP: Final = "%Y%m%dT%H%M%SZ"
_ENDED: Final = re.compile(r'\{"record": "end".*"standing": \[\]\}\n?\Z')


_TOO_MUCH: Final = f"what would go takes more than {bounds.JOURNAL_RECORD // bounds.MIB} MiB in the journal."


class JournalFailed(RegtuiError):
    """What goes can't be recorded: then nothing goes. Or what was recorded can't be read. `reason`: the system's."""

    def __init__(self, message: str, remedy: str = "", reason: str = "") -> None:
        super().__init__(message, remedy)
        self.reason = reason


class Unrecorded(JournalFailed):
    """What was to be done can't be recorded, and so it wasn't done. The message is that of a change that was none."""

    def __init__(self, why: str, remedy: str, reason: str) -> None:
        super().__init__(f"Nothing was changed: {why}", remedy, reason)
        self.sentence = f"{why[0].upper()}{why[1:]} {remedy}"
        """The same, where something else may have been changed."""


class RunNotFound(JournalFailed):
    """There is no run of that name."""

    exit_code = NOT_FOUND


class RunInUse(JournalFailed):
    """Something else is being done with that run, or was since it was read: what was planned for it isn't true any
    more."""


class Journal:
    """The runs of all registries, below `directory`; None keeps them in memory, for a registry that lives there too.

    Writing raises JournalFailed; so does reading an entry that was asked for by name.
    """

    def __init__(self, directory: Path | None) -> None:
        self._storage: JournalStorage = Memory() if directory is None else Directory(directory)
        self._troubles: dict[str, str] = {}
        self._told: set[str] = set()

    # Writing

    def begin(self, registry: RegistryId, username: str, plan: Plan, *, undoes: str = "", part_of: str = "") -> "Run":
        """Writes what goes, and has it on disk (fsync) before it returns. `undoes`: the restore that it takes back;
        `part_of`: the prune that it is a part of."""
        roots = [tag.digest for tag in plan.removed if tag.digest] + [manifest.digest for manifest in plan.manifests]
        return self._begin(
            Kind.DELETION,
            registry,
            username,
            repository=plan.repository,
            method=plan.method.value,
            tags={tag.tag: tag.digest for tag in plan.removed},
            by_digest=[manifest.digest for manifest in plan.manifests],
            manifests=_manifest_records(plan.contents.manifests, roots),
            configs=_blob_records(plan.contents.blobs.kept),
            replaceable=sorted(plan.replaceable),
            **_if_given(undoes=undoes, part_of=part_of),
        )

    def begin_prune(self, registry: RegistryId, username: str) -> "Run":
        """Writes that a prune begins, whose parts are deletions of their own. It is taken back by taking those back."""
        return self._begin(Kind.PRUNE, registry, username)

    def begin_restore(
        self,
        registry: RegistryId,
        username: str,
        repository: str,
        *,
        undoes: str,
        tags: Mapping[str, Digest],
        before: Mapping[str, Digest | None],
        by_digest: Sequence[Digest],
        manifests: Mapping[Digest, StoredManifest],
        blobs: Mapping[Digest, bytes] | None = None,
        then: Plan | None = None,
    ) -> "Run":
        """Writes what is put back: `tags` with what they will point at, and `before`, None where there is nothing.
        `manifests`: all of those, so that it can be taken back; `blobs`: those of theirs that are kept. `then`: what is
        deleted afterwards, in the same run."""
        roots = [digest for digest in (*tags.values(), *before.values(), *by_digest) if digest]
        removing: dict[str, Any] = {}
        if then is not None:
            going = {tag.tag: tag.digest for tag in then.removed}
            by_itself = [manifest.digest for manifest in then.manifests]
            removing = {"removed_tags": going, "removed_by_digest": by_itself, "replaceable": sorted(then.replaceable)}
            roots += [digest for digest in (*going.values(), *by_itself) if digest]
            manifests = {**manifests, **then.contents.manifests}
            blobs = {**(blobs or {}), **then.contents.blobs.kept}
        return self._begin(
            Kind.RESTORE,
            registry,
            username,
            repository=repository,
            undoes=undoes,
            tags=dict(tags),
            before=dict(before),
            by_digest=list(by_digest),
            manifests=_manifest_records(manifests, roots),
            configs=_blob_records(blobs or {}),
            **removing,
        )

    def begin_move(
        self,
        registry: RegistryId,
        username: str,
        repository: str,
        tag: str,
        *,
        to: Digest,
        before: Digest,
        manifests: Mapping[Digest, StoredManifest],
        blobs: Mapping[Digest, bytes],
    ) -> "Run":
        """Writes that `tag`, now of `before`, is moved. `manifests`, and `blobs`, their configs: of both, so that it
        can be moved back."""
        return self._begin(
            Kind.MOVE,
            registry,
            username,
            repository=repository,
            tags={tag: to},
            before={tag: before},
            manifests=_manifest_records(manifests, [to, before]),
            configs=_blob_records(blobs),
        )

    def begin_repair(self, registry: RegistryId, username: str, repository: str, *, blobs: Sequence[Digest]) -> "Run":
        """Writes which lost blobs are put back. It takes nothing away, and isn't undone."""
        return self._begin(Kind.REPAIR, registry, username, repository=repository, by_digest=list(blobs))

    def resume(self, entry: Entry, registry: RegistryId) -> "Run":
        """Goes on, at `registry`, with a run that was interrupted, as `hold` does. Raises the same."""
        return self.hold(entry, registry).resume(registry)

    def hold(self, entry: Entry, registry: RegistryId) -> "Hold":
        """Takes hold of a run before it is finished, or undone: no other process does either until that is closed.

        Raises OtherRegistry where it wasn't made there, RunInUse where another process has it, or has changed it since
        `entry` was read; and JournalFailed, where it can't be read any more, too.
        """
        check_belongs(entry, registry)
        try:
            file = self._storage.append(entry.name)
        except BlockingIOError:
            where = "is being finished or undone in another window"
            raise RunInUse(f"{entry.name} {where}: nothing was changed.", "Wait for its end.", f"it {where}") from None
        except OSError as error:
            raise _failed("the journal", error) from None
        try:
            now = self.entry(entry.name)
            if now.state != entry.state:
                what = "was finished or undone in another window since this was planned"
                remedy = "What it is now: regtui undo --list"
                raise RunInUse(f"{entry.name} {what}: nothing was changed.", remedy, f"it {what}")
        except JournalFailed:
            file.close()
            raise
        return Hold(entry, file)

    def record_collection(
        self,
        registry: RegistryId,
        *,
        host: str,
        stages: Sequence[tuple[str, str]],
        blobs: int | None,
        freed: int | None,
        seconds: float,
        result: str,
        error: str = "",
        username: str = "",
        run: str = "",
    ) -> str:
        """Records a garbage collection that has ended, as `regtui log` tells it; the record's name. `run`: what its
        host calls it; what was recorded of that run at that registry before, when less was known of it, is forgotten.

        `host`: where the collector ran, as
        the user names it. `stages`: each stage's name with its status, in order. `blobs` and `freed` (bytes): what it
        freed, None where that isn't known. `result`: `done`, `failed` or `interrupted`; `error` says why. `username`:
        who is logged in to the registry. On disk (fsync) when this returns. Dry runs are not recorded.
        """
        before = self._of_run(run)
        try:
            record = self._begin(
                Kind.COLLECTION,
                registry,
                username,
                called=run[:_CALLED],
                host=host,
                stages=[list(stage) for stage in stages],
                blobs=blobs,
                bytes=freed,
                seconds=round(seconds, 3),
                result=result,
                error=error,
            )
        except JournalFailed as failed:
            what = f"The collection can't be recorded in the journal ({failed.reason})"
            raise JournalFailed(f"{what}: regtui log will not tell of it.", failed.remedy, failed.reason) from None
        record.end((), interrupted=result == "interrupted")
        for name in before:
            entry = self._read(name)
            if entry is not None and entry.kind is Kind.COLLECTION and entry.registry == registry:
                with suppress(OSError):
                    self._storage.remove(name)
        return record.name

    def has_collection(self, run: str) -> bool:
        """Whether one was recorded that its host calls so."""
        return bool(self._of_run(run))

    def _of_run(self, run: str) -> list[str]:
        return [name for name in self._names() if run and name.endswith(f"-{run[:_CALLED]}")]

    def _begin(self, kind: Kind, registry: RegistryId, username: str, *, called: str = "", **values: object) -> "Run":
        now = utc_now()
        where = re.sub("[^a-z0-9.-]+", "_", str(registry).lower())[:60]
        try:
            self._prune_old(now)
            last = called or uuid4().hex[:_CALLED]
            name, file = self._storage.create(lambda number: f"{now:{_STAMP}}.{number}-{where}-{last}")
        except OSError as error:
            raise _failed(error.filename or where, error) from None
        about = {"time": _time(now), **_place(registry), "user": username, "by": _local_user()}
        try:
            return Run(name, file).begun(kind.value, **about, **values)
        except JournalFailed:
            # Nothing was done: a file without a whole record would look like a run that was lost.
            with suppress(OSError):
                self._storage.remove(name)
            raise

    # Reading

    def entries(self, registry: RegistryId | None = None) -> list[Entry]:
        """The runs, newest first; of all registries, or of that one, with those that may be its own
        (`Entry.belongs_to`)."""
        found = [entry for name in self._names() if (entry := self._read(name))]
        elsewhere = Belonging.ELSEWHERE
        wanted = [entry for entry in found if registry is None or entry.belongs_to(registry) is not elsewhere]
        return sorted(wanted, key=_order, reverse=True)

    def entry(self, name: str) -> Entry:
        """One run. Raises JournalFailed where there is none of that name."""
        entry = self._read(name) if is_run(name) else None
        if entry is None and name in self._troubles:
            raise JournalFailed(self._troubles[name], "It is neither undone nor finished.")
        if entry is None:
            raise RunNotFound(f"There is no run {name} in the journal.", "See: regtui undo --list")
        return entry

    def unfinished(self, registry: RegistryId) -> list[Entry]:
        """The interrupted runs of that registry, oldest first: what they began has to be finished or reverted.
        With those that may be its own (`Entry.belongs_to`). Without a run whose undo was interrupted in its turn: that
        comes first, and ends both."""
        # Of those that ended only the last line is read: there may be hundreds, and this is asked at every start.
        open_ones = [name for name in self._names() if not _ENDED.search(self._tail(name))]
        found = [entry for name in open_ones if (entry := self._read(name)) and entry.is_unfinished]
        here = [entry for entry in found if entry.belongs_to(registry) is not Belonging.ELSEWHERE]
        being_undone = {entry.undoes for entry in here if entry.kind is Kind.RESTORE}
        return sorted((entry for entry in here if entry.name not in being_undone), key=_order)

    def troubles(self) -> list[str]:
        """Sentences about files that couldn't be read, or aren't trusted, since this was asked last."""
        found = [sentence for name, sentence in self._troubles.items() if name not in self._told]
        self._told |= self._troubles.keys()
        return found

    @property
    def is_unreadable(self) -> bool:
        """Whether nothing of it could be read, or is trusted, when it was read last: `troubles` tells why."""
        return "" in self._troubles

    def prune(self, before: datetime) -> int:
        """Forgets what ended before then, and can't be undone afterwards; how many. What was interrupted is kept."""
        return self._forget(self._names(), before)

    def _prune_old(self, now: datetime) -> None:
        """Forgets what is old, by its age and by what came since. Raises OSError.

        Old is counted from the run before: a clock that is wrong for one run doesn't make all others old.
        """
        names = sorted((name for name in self._names() if is_run(name)), key=lambda name: (number_of(name), name))
        if len(names) > _ALWAYS_KEPT:
            before = min(now, _began(names[-1], now)) - KEPT
            self._forget(names[:-_ALWAYS_KEPT], before)

    def _forget(self, names: Iterable[str], before: datetime) -> int:
        stamp = f"{before.astimezone(UTC):{_STAMP}}"
        old = [name for name in names if is_run(name) and name[: len(stamp)] <= stamp]
        gone = [name for name in old if self._is_over(name, before)]
        try:
            for name in gone:
                self._storage.remove(name)
        except OSError as error:
            raise _failed(error.filename or "the journal", error) from None
        return len(gone)

    def _is_over(self, name: str, before: datetime) -> bool:
        entry = self._read(name)
        if entry is None:
            # It is gone, or just being begun; or it can't be read, and is told of.
            return False
        # What was interrupted may have been ended long after it began: from then on it can be undone.
        return (entry.ended or entry.time) < before and not entry.is_unfinished and not entry.is_running

    def _names(self) -> list[str]:
        try:
            names = self._storage.names()
        except OSError as error:
            self._troubles[""] = f"The journal can't be read, and nothing in it is trusted: {_about(error)}."
            return []
        for name in names:
            if not is_run(name):
                self._trouble(name, "it isn't called as a run is")
        return [name for name in names if is_run(name)]

    def _read(self, name: str) -> Entry | None:
        """None where it is just being begun, isn't there any more, or can't be trusted: then `troubles` tells."""
        try:
            # Before it is read: what ends in between isn't taken for interrupted.
            is_held = self._storage.is_held(name)
            text = self._storage.read(name)
            entry = read_entry(name, text, is_running=is_held or self._is_begun_now(name, text))
        except FileNotFoundError:
            return None
        except OSError as error:
            self._trouble(name, _reason(error))
            return None
        except Damaged as damaged:
            self._trouble(name, str(damaged))
            return None
        self._troubles.pop(name, None)
        return entry

    def _is_begun_now(self, name: str, text: str) -> bool:
        """A file is there for a moment before it is locked."""
        return "\n" not in text and self._storage.is_held(name)

    def _tail(self, name: str) -> str:
        try:
            return self._storage.tail(name)
        except OSError:
            # Reading all of it tells why.
            return ""

    def _trouble(self, name: str, why: str) -> None:
        self._troubles[name] = f"The journal's {name}.jsonl is passed over: {why}."


def _if_given(**texts: str) -> dict[str, Any]:
    return {name: text for name, text in texts.items() if text}


def _order(entry: Entry) -> tuple[int, datetime]:
    """By number. The clock counts only among runs of earlier versions, which have none."""
    return number_of(entry.name), entry.time


def _began(name: str, otherwise: datetime) -> datetime:
    """When a run began, by its name."""
    try:
        return datetime.strptime(name[:16], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return otherwise


class Hold:
    """A run that nobody else finishes or undoes until this is closed."""

    def __init__(self, entry: Entry, file: IO[str]) -> None:
        self._entry = entry
        self._file = file

    def resume(self, registry: RegistryId) -> "Run":
        """Goes on with it, at `registry`; closing that closes this. Raises JournalFailed."""
        run = Run(self._entry.name, self._file, self._entry.standing)
        return run.begun("resumed", time=_now(), by=_local_user(), **_place(registry))

    def close(self) -> None:
        # What a torn line was ended by may not fit on the disk: whoever goes on with the run tells of that.
        with suppress(OSError):
            self._file.close()


class Run:
    """One run's record, being written. `name` is what the user calls it by; `standing`: placeholders that may stand.

    What is to be done is written before it is done, or it isn't done. What was done is done, whether it can be written
    or not: `trouble` says why it can't.
    """

    def __init__(self, name: str, file: IO[str], standing: Iterable[Digest] = ()) -> None:
        self.name = name
        self._file = file
        self._standing = dict.fromkeys(standing)
        self.trouble = ""

    def write(self, record: str, **values: object) -> None:
        """Appends one record, on disk when this returns. Raises Unrecorded."""
        line = json.dumps({"record": record, **values}, ensure_ascii=False) + "\n"
        if _is_too_long(line):
            raise Unrecorded(_TOO_MUCH, "Do it in several steps.", "it is too much")
        try:
            self._file.write(line)
            self._file.flush()
            if isinstance(handle := _handle(self._file), int):
                os.fsync(handle)
        except OSError as error:
            raise _failed("the journal", error) from None

    def begun(self, record: str, **values: object) -> "Run":
        """Itself, with its first record on disk. Raises Unrecorded, and is closed then."""
        try:
            self.write(record, **values)
        except JournalFailed:
            self.close()
            raise
        return self

    def _note(self, record: str, **values: object) -> None:
        """The same of what was done already."""
        try:
            self.write(record, **values)
        except JournalFailed as failed:
            self.trouble = self.trouble or failed.reason

    def placed(self, digest: Digest, tags: Sequence[str]) -> None:
        """Before a placeholder takes the place of `tags`. Raises Unrecorded: then it must not."""
        self.write("placeholder", digest=digest, tags=list(tags))
        self._standing[digest] = None

    def taken_away(self, digest: Digest) -> None:
        """No tag points at that placeholder any more."""
        if digest in self._standing:
            del self._standing[digest]
            self._note("placeholder removed", digest=digest)

    def left(self, digest: Digest) -> None:
        """The registry has that placeholder still, though no tag points at it."""
        self._standing[digest] = None
        self._note("placeholder", digest=digest, tags=[])

    def summed_up(self, summary: PruneSummary) -> None:
        """What came of a prune."""
        self._note("prune summary", **asdict(summary))

    def end(self, outcomes: Iterable[Outcome], interrupted: bool) -> None:
        """Writes what came of it, and closes."""
        self.came_of(outcomes)
        # By itself and short, so that the end of a file tells whether the run has ended.
        self._note("end", time=_now(), interrupted=interrupted, standing=list(self._standing))
        self.close()

    def came_of(self, outcomes: Iterable[Outcome]) -> None:
        """Writes what came of a part of it."""
        results = [
            {"reference": o.reference, "digest": o.digest, "action": o.action.value, "status": o.status.value}
            | ({"error": o.error} if o.error else {})
            | ({"reason": o.reason.value} if o.reason else {})
            for o in outcomes
        ]
        if results:
            self._note("results", results=results)

    def close(self) -> None:
        """Without an end: the next start sees that the run was interrupted."""
        try:
            self._file.close()
        except OSError as error:
            # What couldn't be written before is tried once more.
            self.trouble = self.trouble or _reason(error)


def _is_too_long(line: str) -> bool:
    """A character has up to four bytes: hardly any line is so long that it has to be looked at."""
    most = bounds.JOURNAL_RECORD
    return len(line) > most // 4 and len(line.encode(errors="backslashreplace")) > most


def unrecorded(run: Run, how: str = "the next start takes it for interrupted, and asks.") -> list[str]:
    """The sentence about a run whose end isn't in the journal, and `how` that shows; none where it is."""
    if not run.trouble:
        return []
    return [f"That it is over can't be recorded in the journal ({run.trouble}): {how}"]


def utc_now() -> datetime:
    return datetime.now(UTC)


def _handle(file: IO[str]) -> int | None:
    try:
        return file.fileno()
    except OSError:  # in memory
        return None


def _manifest_records(manifests: Mapping[Digest, StoredManifest], roots: Iterable[Digest]) -> list[object]:
    return [_manifest_record(manifests.get(digest), digest) for digest in sorted(reachable(manifests, roots))]


def _manifest_record(manifest: StoredManifest | None, digest: Digest) -> Mapping[str, object]:
    if manifest is None:
        return {"digest": digest, "missing": True}
    record: dict[str, object] = {
        "digest": digest,
        "media_type": manifest.media_type,
        "children": list(manifest.children),
    }
    return record | _body(manifest.body)


def _blob_records(blobs: Mapping[Digest, bytes]) -> list[object]:
    return [{"digest": digest, **_body(blobs[digest])} for digest in sorted(blobs)]


def _body(body: bytes) -> dict[str, object]:
    try:
        return {"body": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode("ascii")}


def _local_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _place(registry: RegistryId) -> dict[str, str]:
    """With `via` also where it is empty: earlier versions recorded none, and of their runs it isn't known."""
    return {"registry": registry.spoken or registry.address, "via": registry.via}


def _now() -> str:
    return _time(utc_now())


def _time(time: datetime) -> str:
    """With microseconds: runs of one second have an order."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _failed(path: str, error: OSError) -> Unrecorded:
    reason = _reason(error)
    return Unrecorded(
        f"what would go can't be recorded in {path} ({reason}).",
        "Make room or set XDG_STATE_HOME to a directory that can be written.",
        reason,
    )


def _about(error: OSError) -> str:
    return f"{error.filename}: {_reason(error)}" if error.filename else _reason(error)


def _reason(error: OSError) -> str:
    return reason_of(error)
