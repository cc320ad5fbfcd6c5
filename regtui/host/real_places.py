"""Where a storage really is: any part of it may be a link that leads elsewhere, and only what is kept there is kept."""

from collections.abc import Sequence
from typing import Final

from regtui.host.hosts import Host, Script

# "$@" is a shell that sees what the registry sees, but for its last word, which is the storage's root.
_PARTS: Final = """\
for part in '' /docker /docker/registry /docker/registry/v2 /docker/registry/v2/blobs /docker/registry/v2/blobs/sha256 \
    /docker/registry/v2/repositories
do"""
_BY_SHELL: Final = f"""\
root=$1
shift
"$@" -c '{_PARTS.replace("''", '""')}
    (cd -P -- "$1$part" 2>/dev/null && pwd -P)
done' sh "$root"
exit 0"""
_BY_READLINK: Final = f"""\
root=$1
shift
{_PARTS}
    "$@" readlink -f -- "$root$part"
done 2>/dev/null
exit 0"""
_MOST: Final = 100


async def seen_by(host: Host, shell: Sequence[str], root: str) -> tuple[str, ...]:
    """Of the root and its parts that are there, without links. `shell`: what runs one where the registry runs."""
    return _lines((await host.run(Script(_BY_SHELL, (root, *shell)))).stdout)


async def named_on_host(host: Host, sudo: Sequence[str], root: str) -> tuple[str, ...]:
    """The same by the host's names, also where a link leads to what only the registry's process sees."""
    return _lines((await host.run(Script(_BY_READLINK, (root, *sudo)))).stdout)


def _lines(told: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for line in told.split("\n")[:_MOST] if line))
