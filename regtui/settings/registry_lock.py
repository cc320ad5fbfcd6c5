"""One unattended change of a registry at a time: a file that its process holds, and that says who it is."""

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from regtui.errors import RegtuiError, reason_of
from regtui.private_files import make_private, open_private, read_private
from regtui.registry.identity import RegistryId
from regtui.settings.paths import locks_dir
from regtui.text import one_line, time_utc

_READ: Final = 4096


class RegistryLocked(RegtuiError):
    """Another process is at it."""


class LockFailed(RegtuiError):
    """Whether another process is at it can't be told."""


@contextmanager
def only_one(registry: RegistryId, what: str) -> Iterator[None]:
    """Hold `what` at a registry for this process alone; it ends with the process, however that ends. Raises
    RegistryLocked, which says who holds it, and LockFailed."""
    path = _file(registry, what)
    try:
        make_private(path.parent)
        handle = open_private(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise _failed(path, error) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RegistryLocked(
                f"regtui {what} is running at {registry} already{_holder(path)}.", "Nothing was changed. Wait for it."
            ) from None
        except OSError as error:
            raise _failed(path, error) from None
        os.ftruncate(handle, 0)
        about = {"pid": os.getpid(), "since": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        os.pwrite(handle, json.dumps(about).encode(), 0)
        yield
    finally:
        os.close(handle)


def _file(registry: RegistryId, what: str) -> Path:
    name = re.sub("[^a-z0-9.-]+", "_", str(registry).lower())[:60]
    return locks_dir() / f"{what}-{name}-{sha256(str(registry).encode()).hexdigest()[:16]}.lock"


def _holder(path: Path) -> str:
    """Who it is, as far as that can be read."""
    try:
        about = json.loads(read_private(path)[:_READ])
        since = datetime.strptime(about["since"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        return one_line(f": process {int(about['pid'])}, since {time_utc(since)}")
    except (OSError, ValueError, TypeError, KeyError):
        return ""


def _failed(path: Path, error: OSError) -> LockFailed:
    reason = reason_of(error)
    return LockFailed(f"Nothing was changed: {path} can't be locked ({reason}).")
