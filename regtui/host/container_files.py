"""Files out of a container, as the runtime copies them: no program inside is needed, and it need not run."""

import posixpath
import re
import tarfile
from base64 import b64decode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from regtui.host.hosts import Host, call
from regtui.host.plain import LONGEST
from regtui.host.trouble import last_line

# As docker and podman of several years say it.
_ABSENT: Final = re.compile(r"no such (?:file|container:path)|could not (?:find|be found)|not found", re.IGNORECASE)
LARGEST: Final = 1024 * 1024
"""Bytes of a file: a registry's config has some thousand."""
# Headers that aren't what they say, or one before the other without an end.
_NO_ARCHIVE: Final = (
    tarfile.TarError,
    ValueError,
    OSError,
    EOFError,
    IndexError,
    OverflowError,
    RecursionError,
)
_STEPS: Final = 64
"""Parts of a path that are looked at, with those of its links."""
_HEADERS: Final = 16 * 1024
"""Bytes of an archive's begin, in which its first name is told."""
_LINKS: Final = 8
"""Links that are followed."""


@dataclass(frozen=True, slots=True)
class ContainerFile:
    """`text` is None where it couldn't be read: then `why` says so, and `is_absent` whether it isn't there.

    `changed`: when, in seconds since 1970.
    """

    path: str
    text: str | None = None
    changed: float = 0.0
    why: str = ""
    is_absent: bool = False


async def way_to(host: Host, runtime: Sequence[str], container: str, path: str, mounts: Collection[str]) -> list[str]:
    """`path` without links, and each link on the way to it by the path that it is at itself. `mounts`: where something
    is mounted, which is no link. What can't be copied out counts as none. Raises SshError."""
    links: list[str] = []
    at, waiting, steps = "/", path.split("/"), 0
    while waiting:
        steps += 1
        if steps > _STEPS:
            return [*links, posixpath.normpath(posixpath.join(at, *waiting))]
        part = waiting.pop(0)
        here = posixpath.normpath(posixpath.join(at, part))
        target = (
            "" if here in ("/", at) or here in mounts or part == ".." else await _link(host, runtime, container, here)
        )
        if target and len(links) < _LINKS:
            links.append(here)
            waiting = [*target.split("/"), *waiting]
            at = "/" if target.startswith("/") else at
        else:
            at = here
    return [*links, at]


async def _link(host: Host, runtime: Sequence[str], container: str, path: str) -> str:
    """What the link at `path` leads to; empty where there is none."""
    member = await _begin(host, runtime, container, path)
    return member.linkname[:LONGEST] if member is not None and member.issym() else ""


async def true_name(host: Host, runtime: Sequence[str], container: str, path: str) -> str:
    """Of what is copied out as `path`: podman follows links by itself, and tells but the name at their end. Empty where
    nothing is copied. Raises SshError."""
    member = await _begin(host, runtime, container, path)
    return posixpath.basename(member.name.rstrip("/")) if member is not None else ""


async def _begin(host: Host, runtime: Sequence[str], container: str, path: str) -> tarfile.TarInfo | None:
    """Of a directory no more is read than its begin."""
    told = await host.run(call(*runtime, "cp", "--", f"{container}:{path}", "-", then=f"| head -c {_HEADERS} | base64"))
    try:
        with tarfile.open(fileobj=BytesIO(b64decode(told.stdout)), mode="r:") as tar:
            return tar.next()
    except _NO_ARCHIVE:
        return None


async def read_file(host: Host, runtime: Sequence[str], container: str, path: str) -> ContainerFile:
    """`runtime`: its command. Raises SshError."""
    wanted = path
    for _ in range(_LINKS):
        told = await host.run(call(*runtime, "cp", "--", f"{container}:{wanted}", "-", then="| base64"))
        entry = _entry(told.stdout)
        if entry is None:
            why = last_line(told.stderr) or "the runtime gives no file"
            return ContainerFile(path, why=why, is_absent=bool(_ABSENT.search(told.stderr)))
        member, content = entry
        if member.issym() or member.islnk():
            wanted = posixpath.normpath(posixpath.join(posixpath.dirname(wanted), member.linkname))
            continue
        if not member.isfile():
            return ContainerFile(path, why="it is no file")
        if len(content) > LARGEST:
            return ContainerFile(path, why=f"it is larger than {LARGEST // 1024:,} KiB")
        return ContainerFile(path, content.decode("utf-8", "replace"), float(member.mtime))
    return ContainerFile(path, why="it is a link without an end")


def _entry(encoded: str) -> tuple[tarfile.TarInfo, bytes] | None:
    """The first of a tar archive; None where it is none."""
    try:
        # Neither unpacked nor read as long as its header says: what was sent is bounded, what that makes isn't.
        with tarfile.open(fileobj=BytesIO(b64decode(encoded)), mode="r:") as tar:
            member = tar.next()
            if member is None:
                return None
            file = tar.extractfile(member) if member.isfile() else None
            return member, file.read(LARGEST + 1) if file else b""
    except _NO_ARCHIVE:
        return None
