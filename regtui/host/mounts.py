"""What is mounted where, as processes of the host see it: more than a runtime tells of its containers, and links and
volumes of whatever options are resolved."""

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from regtui.host.hosts import Host, Script

# Everybody may read that of any process. Lines as "PID MAJOR:MINOR ROOT POINT rw|ro KIND"; blanks in paths are \040.
_ASK: Final = """\
for pid do
    head -c 1048576 "/proc/$pid/mountinfo" 2>/dev/null | awk -v pid="$pid" 'NF > 9 {
        kind = "-"
        for (i = 7; i < NF; i++) if ($i == "-") { kind = $(i + 1); break }
        print pid, $3, $4, $5, substr($6, 1, 2), kind
    }'
done"""
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")
_MOST: Final = 100_000
"""Mounts that are read, of all processes together."""


@dataclass(frozen=True, slots=True)
class Mount:
    """At `point`, as the process sees it: directory `path` of the device, a file system of kind `kind`."""

    device: str
    path: str
    point: str
    is_writable: bool
    kind: str


@dataclass(frozen=True, slots=True)
class OnDevice:
    """A directory of a device: the same through whatever mount it is seen."""

    device: str
    path: str

    def holds(self, other: "OnDevice") -> bool:
        """Whether the other one is it, or below it."""
        return self.device == other.device and is_within(other.path, self.path)


async def mounts_of(host: Host, pids: Iterable[int]) -> dict[int, tuple[Mount, ...]]:
    """Of processes of the host: nothing of those that it doesn't tell of. Raises SshError."""
    wanted = sorted({pid for pid in pids if pid > 0})
    if not wanted:
        return {}
    told = (await host.run(Script(_ASK, tuple(map(str, wanted))))).stdout
    found: dict[int, list[Mount]] = {pid: [] for pid in wanted}
    for line in told.splitlines()[:_MOST]:
        match line.split(" "):
            case [pid, device, path, point, mode, kind] if pid.isdecimal() and len(pid) < 12 and int(pid) in found:
                found[int(pid)].append(Mount(device, _plain(path), _plain(point), mode != "ro", kind))
    return {pid: tuple(mounts) for pid, mounts in found.items() if mounts}


def nearest(mounts: Sequence[Mount], path: str) -> Mount | None:
    """The one that `path` is on, by its name; of several at one point the last, which hides the others."""
    holding = [mount for mount in mounts if is_within(path, mount.point)]
    longest = max((len(mount.point) for mount in holding), default=0)
    return next((mount for mount in reversed(holding) if len(mount.point) == longest), None)


def places(mounts: Sequence[Mount], path: str) -> list[OnDevice]:
    """Where what is at `path` and below it really is."""
    found = [OnDevice(mount.device, mount.path) for mount in mounts if is_within(mount.point, path)]
    mount = nearest(mounts, path)
    if mount is not None:
        rest = posixpath.relpath(path, mount.point)
        found.append(OnDevice(mount.device, posixpath.normpath(posixpath.join(mount.path, rest))))
    return found


def is_within(path: str, other: str) -> bool:
    """Whether `path` is the other one, or below it."""
    return path == other or path.startswith(other.rstrip("/") + "/")


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), text)
