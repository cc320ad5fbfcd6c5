"""Other registries on the same storage: they go on taking pushes while it is swept."""

import posixpath
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from regtui.host.configuration import StorageSettings, read_storage
from regtui.host.container_files import read_file
from regtui.host.containers import Container, blobs_below, config_of
from regtui.host.errors import NotOnHost, Unsafe
from regtui.host.hosts import Host, Script
from regtui.host.mounts import Mount, OnDevice, mounts_of, nearest, places
from regtui.text import one_line

# What a process tells may never end: whatever was begun for it ends with that.
_ASK: Final = """\
text=$1 pid=$2 root=$3 harmless=$4 limit=
shift 4
! command -v timeout >/dev/null 2>&1 || limit='timeout -s KILL 100'
"$@" $limit sh -c "$text" sh "$pid" "$root" "$harmless"
"""
_KILLED: Final = 137
_SHOWN: Final = 80
"""Characters of a program's name."""
_PROCESSES: Final = (Path(__file__).parent / "remote" / "processes.sh").read_text(encoding="utf-8")


async def containers_beside(
    host: Host, runtime: Sequence[str], containers: Iterable[Container], ours: Container, storage: StorageSettings
) -> list[str]:
    """The names of other running containers that may write to the storage of `ours`: whatever their images are called
    where they have it mounted. Raises SshError."""
    others = [c for c in containers if c.id != ours.id and c.is_running and not c.is_stand_in and not c.is_collector]
    mounts = await mounts_of(host, [ours.pid, *(other.pid for other in others)]) if storage.root and others else {}
    sharers = []
    for other in others:
        has_it = storage.root and _has_mounted(mounts, ours, other, storage.root)
        if has_it or (_may_serve(other) and await _same_store(host, runtime, other, storage)):
            sharers.append(other.name)
    return sharers


def _has_mounted(mounts: Mapping[int, Sequence[Mount]], ours: Container, other: Container, root: str) -> bool:
    """By what their processes have mounted; where that can't be seen, by what the runtime tells."""
    blobs = blobs_below(root)
    if ours.pid in mounts and other.pid in mounts:
        wanted = places(mounts[ours.pid], blobs)
        on = nearest(mounts[ours.pid], blobs)
        theirs = [OnDevice(mount.device, mount.path) for mount in mounts[other.pid] if mount.is_writable]
        own = OnDevice(on.device, on.path) if on is not None else None
    else:
        wanted = [OnDevice("", posixpath.normpath(path))] if (path := ours.on_host(blobs)) else []
        own = OnDevice("", posixpath.normpath(ours.mounts[ours.mount_of(blobs)])) if wanted else None
        sources = (source for point, source in other.mounts.items() if source and point not in other.read_only)
        theirs = [OnDevice("", posixpath.normpath(source)) for source in sources]
    return any(_is_shared(place, has, own, may_serve=_may_serve(other)) for place in wanted for has in theirs)


def _is_shared(wanted: OnDevice, has: OnDevice, own: OnDevice | None, *, may_serve: bool) -> bool:
    """`own`: what our registry has mounted. Above that there is much else, and what has it mounted has a reason of its
    own, unless it is a registry."""
    if wanted.holds(has):
        return True
    return has.holds(wanted) and (may_serve or own is None or own.holds(has))


def _may_serve(container: Container) -> bool:
    """Whether a registry may be in it, whatever it is called."""
    words = [word for word in container.command if word.endswith((".yml", ".yaml")) or word == "serve"]
    return container.is_registry or bool(words) or any(name.startswith("REGISTRY_") for name in container.environment)


async def _same_store(host: Host, runtime: Sequence[str], other: Container, storage: StorageSettings) -> bool:
    """Whether it is configured for a bucket of the same name, and the same directory in it. One server has many
    addresses: whether two of them are of one isn't known."""
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
    """As `serving`, by name alone."""
    return [*(await serving(host, sudo, pid, root, harmless)).values()]


async def serving(
    host: Host, sudo: Sequence[str], pid: int, root: str, harmless: Collection[int] = ()
) -> dict[int, str]:
    """Other processes of this host, in containers or not, that serve from the storage of process `pid`, where they can
    be seen. 0 where ours doesn't run: then `root` is the host's own path, and whatever serves from it is another one.
    `harmless`: pids of those that can't write, or are stopped with ours. What one of these started, or has in its
    container, ends with it. Raises SshError."""
    if not root:
        return {}
    told = await host.run(Script(_ASK, (_PROCESSES, str(pid), root, " ".join(map(str, harmless)), *sudo)))
    if told.code == _KILLED:
        raise Unsafe(
            f"Whether others on {host.place} serve from the same storage can't be told: looking at its processes took "
            "more than 100 seconds.",
            "See which process with the word serve among its words hangs there, and end it.",
        )
    found: dict[int, tuple[int, str]] = {}
    for line in told.stdout.splitlines():
        match line.split(" ", 3):
            case ["process", number, parent, program] if _is_pid(number) and _is_pid(parent):
                found[int(number)] = int(parent), f"process {number} ({one_line(program, limit=_SHOWN)})"
    # What starts a registry, as tini does, has the same words.
    return {number: named for number, (parent, named) in found.items() if parent not in found}


def _is_pid(text: str) -> bool:
    return text.isdecimal() and len(text) < 12
