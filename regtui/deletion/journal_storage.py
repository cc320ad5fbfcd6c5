"""Where the journal's records are kept: one file a run, append-only, on disk for this user alone, or in memory.

Whoever writes a file holds a lock on it, which ends with the process however it ends: so a run that was killed can be
told from one that is under way in another window.
"""

import fcntl
import io
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Final, Protocol

from regtui import bounds
from regtui.private_files import make_private, open_private, read_private

_SUFFIX = ".jsonl"
# The last record of a run is short: this much of a file's end shows whether it is there.
_TAIL = 4096
# What a clock says may be wrong, and may be said twice: the number tells which run came after which.
_BEGINNING: Final = re.compile(r"\d{8}T\d{6}Z")
_NAME: Final = re.compile(r"\d{8}T\d{6}Z(?:\.(?P<number>\d{1,12}))?-.+-[0-9a-f]{8}")


def is_run(name: str) -> bool:
    """Whether it looks like a run's name: `20261124T101112Z.12-HOST-0123abcd`; earlier versions wrote no number."""
    return _NAME.fullmatch(name) is not None


def is_cut_run(name: str) -> bool:
    """Whether it looks like the beginning of a run's name, as half of it was typed or copied: no host is called so."""
    return _BEGINNING.match(name) is not None


def number_of(name: str) -> int:
    """A run's place among all; 0 for those of earlier versions, which came before any that has one."""
    found = _NAME.fullmatch(name)
    return int(found["number"]) if found and found["number"] else 0


def _next(names: Iterable[str]) -> int:
    return max(map(number_of, names), default=0) + 1


class JournalStorage(Protocol):
    """All but `read` and `tail` raise OSError; those raise it for a name that isn't there, too."""

    def create(self, named: Callable[[int], str]) -> tuple[str, IO[str]]:
        """A new file, locked, and its name: `named` makes it of the next number."""

    def append(self, name: str) -> IO[str]:
        """An old one, locked, at the beginning of a line. Raises BlockingIOError where it is held."""

    def names(self) -> list[str]:
        """Of all files, runs or not."""

    def read(self, name: str) -> str: ...

    def tail(self, name: str) -> str: ...

    def is_held(self, name: str) -> bool:
        """Whether somebody is writing it."""

    def remove(self, name: str) -> None: ...


class Directory:
    """Files below `directory`: 0600 in 0700. Raises NotPrivate for files that others have made, or may have written."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def create(self, named: Callable[[int], str]) -> tuple[str, IO[str]]:
        make_private(self._directory)
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            # Two that begin at once have different numbers.
            _lock(directory, waits=True)
            name = named(_next(self.names()))
            handle = open_private(self._path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)
            _lock(handle)
            # The file's name has to survive a crash as well as its content.
            os.fsync(directory)
        finally:
            os.close(directory)
        return name, _written_to(handle)

    def append(self, name: str) -> IO[str]:
        handle = open_private(self._path(name), os.O_WRONLY | os.O_APPEND)
        try:
            _lock(handle)
        except BlockingIOError:
            os.close(handle)
            raise
        file = _written_to(handle)
        if not self.tail(name).endswith("\n"):
            # A line that a crash tore: the next one shall not grow onto it.
            file.write("\n")
        return file

    def names(self) -> list[str]:
        if not self._directory.exists():
            return []
        make_private(self._directory)
        return [path.name.removesuffix(_SUFFIX) for path in self._directory.iterdir() if path.name.endswith(_SUFFIX)]

    def read(self, name: str) -> str:
        return read_private(self._path(name), most=bounds.JOURNAL).decode("utf-8", errors="replace")

    def tail(self, name: str) -> str:
        with os.fdopen(open_private(self._path(name), os.O_RDONLY), "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            return file.read().decode("utf-8", errors="replace")

    def is_held(self, name: str) -> bool:
        try:
            handle = open_private(self._path(name), os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # no locks here
            return False
        finally:
            os.close(handle)
        return False

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}{_SUFFIX}"


class Memory:
    """For a registry that lives in memory, too."""

    def __init__(self) -> None:
        self._files: dict[str, _Kept] = {}

    def create(self, named: Callable[[int], str]) -> tuple[str, IO[str]]:
        name = named(_next(self._files))
        self._files[name] = _Kept()
        return name, self._files[name]

    def append(self, name: str) -> IO[str]:
        if name not in self._files:
            raise FileNotFoundError(name)
        file = self._files[name]
        if file.is_held:
            raise BlockingIOError
        file.is_held = True
        return file

    def names(self) -> list[str]:
        return list(self._files)

    def read(self, name: str) -> str:
        try:
            return self._files[name].getvalue()
        except KeyError:
            raise FileNotFoundError(name) from None

    def tail(self, name: str) -> str:
        return self.read(name)[-_TAIL:]

    def is_held(self, name: str) -> bool:
        return name in self._files and self._files[name].is_held

    def remove(self, name: str) -> None:
        self._files.pop(name, None)


class _Kept(io.StringIO):
    """Closing only ends the writing."""

    def __init__(self) -> None:
        super().__init__()
        self.is_held = True

    def close(self) -> None:
        self.is_held = False


def _written_to(handle: int) -> IO[str]:
    """What UTF-8 has no bytes for is escaped, as JSON has it: the name of a user that is no text ends no run."""
    return os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace")


def _lock(handle: int, *, waits: bool = False) -> None:
    """Raises BlockingIOError, unless it waits. A file system without locks does without."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError:
        return
