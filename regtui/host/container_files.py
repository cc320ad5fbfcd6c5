"""Files out of a container, as the runtime copies them: no program inside is needed, and it need not run."""

import posixpath
import re
import tarfile
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from regtui.host.hosts import Host, call
from regtui.host.trouble import last_line

# As docker and podman of several years say it.
_ABSENT: Final = re.compile(r"no such (?:file|container:path)|could not (?:find|be found)|not found", re.IGNORECASE)
LARGEST: Final = 1024 * 1024
"""Bytes of a file: a registry's config has some thousand."""
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
    except (tarfile.TarError, ValueError, OSError, EOFError, IndexError, OverflowError, RecursionError):
        # Headers that aren't what they say, or one before the other without an end.
        return None
