"""The journal: before the first DELETE of a run, everything that goes is on disk.

One file a run, JSON Lines, append-only: first the plan with the exact bytes of every manifest and the tags, then each
step as it is done, then the end. Only this user can read it.
"""

import base64
import getpass
import io
import json
import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from uuid import uuid4

from regtui.deletion.plan import reachable
from regtui.deletion.values import Contents, Outcome, Plan
from regtui.errors import RegtuiError
from regtui.oci import Digest


class JournalFailed(RegtuiError):
    """What goes can't be recorded: then nothing goes."""


class Journal:
    """The runs of all registries, below `directory`; None keeps them in memory, for a registry that lives there too."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    def begin(self, registry: str, username: str, plan: Plan) -> "Run":
        """Writes what goes, and has it on disk (fsync) before it returns. Raises JournalFailed."""
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%SZ}-{re.sub('[^a-z0-9.-]+', '_', registry.lower())[:60]}-{uuid4().hex[:8]}"
        run = Run(name, self._open(name))
        run.write("plan", **_plan_record(registry, username, plan, now))
        if self._directory is not None:
            _sync_directory(self._directory)
        return run

    def _open(self, name: str) -> IO[str]:
        if self._directory is None:
            return io.StringIO()
        path = self._directory / f"{name}.jsonl"
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except OSError as error:
            raise _failed(str(path), error) from None
        return os.fdopen(handle, "w", encoding="utf-8")


class Run:
    """One deletion's record. `name` is what the user calls it by."""

    def __init__(self, name: str, file: IO[str]) -> None:
        self.name = name
        self._file = file

    def write(self, record: str, **values: object) -> None:
        """Appends one record, on disk when this returns. Raises JournalFailed."""
        try:
            self._file.write(json.dumps({"record": record, **values}, ensure_ascii=False) + "\n")
            self._file.flush()
            if not isinstance(self._file, io.StringIO):
                os.fsync(self._file.fileno())
        except OSError as error:
            raise _failed(self.name, error) from None

    def end(self, outcomes: Iterable[Outcome], interrupted: bool) -> None:
        """Writes what came of it, and closes."""
        results = [
            {"reference": o.reference, "digest": o.digest, "action": o.action.value, "status": o.status.value}
            | ({"error": o.error} if o.error else {})
            for o in outcomes
        ]
        self.write("end", time=_time(datetime.now(UTC)), interrupted=interrupted, results=results)
        self.close()

    def close(self) -> None:
        """Without an end: the next start sees that the run was broken off."""
        self._file.close()


def _plan_record(registry: str, username: str, plan: Plan, now: datetime) -> Mapping[str, object]:
    roots = [tag.digest for tag in plan.removed if tag.digest] + [manifest.digest for manifest in plan.manifests]
    return {
        "time": _time(now),
        "registry": registry,
        "repository": plan.repository,
        "user": username,
        "by": _local_user(),
        "method": plan.method.value,
        "tags": {tag.tag: tag.digest for tag in plan.removed},
        "deletes": [manifest.digest for manifest in plan.manifests],
        "manifests": [_manifest_record(plan.contents, d) for d in sorted(reachable(plan.contents.manifests, roots))],
    }


def _manifest_record(contents: Contents, digest: Digest) -> Mapping[str, object]:
    manifest = contents.manifests.get(digest)
    if manifest is None:
        return {"digest": digest, "missing": True}
    record: dict[str, object] = {
        "digest": digest,
        "media_type": manifest.media_type,
        "children": list(manifest.children),
    }
    try:
        return record | {"body": manifest.body.decode("utf-8")}
    except UnicodeDecodeError:
        return record | {"body_base64": base64.b64encode(manifest.body).decode("ascii")}


def _local_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _time(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _sync_directory(directory: Path) -> None:
    """The file's name has to survive a crash as well as its content."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _failed(path: str, error: OSError) -> JournalFailed:
    return JournalFailed(
        f"Nothing was deleted: what would go can't be recorded in {path} ({(error.strerror or '').lower()}).",
        "Make room or set XDG_STATE_HOME to a directory that can be written.",
    )
