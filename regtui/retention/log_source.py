"""Where the log of a registry's requests is on its host, and the script that prints what is new in it.

A file is read with those that it was rotated into (`.1`, `.2.gz`, `-20261128.gz`), the oldest first; of the one that
was read before, what has come since. What a runtime keeps itself is asked for from a moment on. Only lines that tell
anything leave the host.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from regtui.host.errors import NotOnHost
from regtui.host.finding import find
from regtui.host.hosts import Host, Script
from regtui.host.in_container import runtime_command
from regtui.host.plain import plain
from regtui.host.profile import HostSettings
from regtui.retention.access_log import WANTED

# $1 is a mark that no log can know of, $2 to $4 what is looked for; what follows prints the log.
_FILTER: Final = """\
mark=$1 one=$2 two=$3 three=$4
shift 4
{ "$@" 2>&1; printf '%s end %s\\n' "$mark" "$?"; } | grep -aF -e "$one" -e "$two" -e "$three" -e "$mark"
"""
# $1 is the mark, $2 the file, $3 and $4 the inode and the size of what was read the last time, $5 when that was in
# seconds since 1970. A file that is being written is read to where it is now; the next time begins some bytes before.
_FILE: Final = """\
mark=$1 path=$2 inode=$3 size=$4 since=$5
test -f "$path" || { echo "$mark fail $path"; exit 0; }
ls -tr -- "$path" "$path".* "$path"-* 2>/dev/null | while IFS= read -r file; do
    test -f "$file" || continue
    facts=$(stat -c '%i %s %Y' -- "$file") || { echo "$mark fail $file"; continue; }
    set -- $facts
    test "$3" -ge "$since" || continue
    if test "$file" = "$path"; then echo "$mark at $1 $2"; fi
    case $file in
        *.gz) gzip -dc -- "$file" 2>/dev/null || echo "$mark fail $file" ;;
        *.bz2 | *.xz | *.zst) ;;
        *)
            if test "$1" = "$inode" && test "$2" -ge "$size"; then from=$((size + 1)); else from=1; fi
            tail -c "+$from" -- "$file" 2>/dev/null || echo "$mark fail $file"
            ;;
    esac
done
exit 0"""
_OVERLAP: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class ReadBefore:
    """How far a log was read. `end`: seconds since 1970 of the last line about a request; 0 where it never was."""

    inode: int = 0
    size: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class LogSource:
    """`name` tells one log from another: what was read of one says nothing of the other. `words`: the command that
    prints it; of a file what it is called with (sudo), and its path."""

    name: str
    words: tuple[str, ...]
    is_file: bool = False

    def script(self, mark: str, before: ReadBefore) -> Script:
        words = self.words
        if self.is_file:
            begin = str(max(before.size - _OVERLAP, 0))
            *command, path = words
            words = (*command, "sh", "-c", _FILE, "sh", mark, path, str(before.inode), begin, str(before.end))
        else:
            # The last line that was read is to be there again: else something is missing in between.
            since = str(max(before.end - 2, 0))
            words = tuple(word.replace("{since}", since) for word in words)
        return Script(_FILTER, (mark, *WANTED, *words))


def new_mark() -> str:
    return f"regtui-{secrets.token_hex(8)}"


async def find_log(host: Host, settings: HostSettings, port: int) -> LogSource:
    """`port`: the registry's as clients reach it. Raises NotOnHost where nothing there keeps its log, GarbageError,
    SshError."""
    sudo: Sequence[str] = ("sudo", "-n") if settings.sudo else ()
    if settings.access_log:
        path = plain(settings.access_log, "The path of access_log")
        return LogSource(f"{host.place} {path}", (*sudo, path), is_file=True)
    unit = (await find(host, settings, port)).unit
    if unit.runtime in ("docker", "podman", "docker compose", "docker-compose"):
        runtime = runtime_command("podman" if unit.runtime == "podman" else "docker", settings)
        return LogSource(f"{host.place} {unit.name}", (*runtime, "logs", "--since", "{since}", unit.name))
    if unit.runtime == "systemd":
        journal = (*sudo, "journalctl", "--unit", unit.name, "--output", "cat", "--no-pager", "--since", "@{since}")
        return LogSource(f"{host.place} {unit.name}", journal)
    raise NotOnHost(
        f"Where the log of {unit.name} on {host.place} is isn't known.",
        'Say it: access_log = "…", below [registries.NAME.host] in the config file.',
    )
