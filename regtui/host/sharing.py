"""Other registries on the same storage: they go on taking pushes while it is swept."""

import posixpath
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

from regtui.host.configuration import StorageSettings, read_storage
from regtui.host.container_files import read_file
from regtui.host.containers import PROGRAMS, Container, config_of
from regtui.host.errors import NotOnHost
from regtui.host.hosts import Host, Script

_ASK: Final = 'text=$1 pid=$2 root=$3\nshift 3\n"$@" sh -c "$text" sh "$pid" "$root"'
_PROCESSES: Final = (Path(__file__).parent / "remote" / "processes.sh").read_text(encoding="utf-8")


async def containers_beside(
    host: Host, runtime: Sequence[str], containers: Iterable[Container], ours: Container, storage: StorageSettings
) -> list[str]:
    """The names of other running registries with the storage of `ours`. Raises SshError."""
    sharers = []
    for other in containers:
        if other.id == ours.id or not other.is_running or not other.is_registry:
            continue
        if _overlap(_host_path(ours, storage), other) or await _same_store(host, runtime, other, storage):
            sharers.append(other.name)
    return sharers


def _host_path(container: Container, storage: StorageSettings) -> str:
    return container.on_host(storage.root) if storage.root else ""


def _overlap(path: str, other: Container) -> bool:
    """Whether one of its mounts is, holds, or is within that path of the host."""
    sources = [source for source in other.mounts.values() if source]
    return bool(path) and any(_within(path, source) or _within(source, path) for source in sources)


def _within(path: str, other: str) -> bool:
    path, other = posixpath.normpath(path), posixpath.normpath(other)
    return path == other or path.startswith(other.rstrip("/") + "/")


async def _same_store(host: Host, runtime: Sequence[str], other: Container, storage: StorageSettings) -> bool:
    """Whether it is configured for the same bucket."""
    if not storage.bucket:
        return False
    for path in config_of(other):
        found = await read_file(host, runtime, other.handle, path)
        if found.text is not None:
            try:
                return read_storage(found.text, other.environment, path).bucket == storage.bucket
            except NotOnHost:
                return False
    return False


async def processes_beside(
    host: Host, sudo: Sequence[str], pid: int, root: str, harmless: Collection[int] = ()
) -> list[str]:
    """Other processes of this host, in containers or not, that serve from the storage of process `pid`, where they can
    be seen; 0 where ours isn't known: then several are too many. `harmless`: pids of those that can't write. Raises
    SshError."""
    if not root:
        return []
    told = await host.run(Script(_ASK, (_PROCESSES, str(pid), root, *sudo)))
    found = []
    for line in told.stdout.splitlines():
        match line.split(" ", 2):
            case ["process", number, program] if (
                _is_pid(number) and program.rpartition("/")[2] in PROGRAMS and int(number) not in harmless
            ):
                found.append(f"process {number} ({program})")
    return found if pid or len(found) > 1 else []


def _is_pid(text: str) -> bool:
    return text.isdecimal() and len(text) < 12
