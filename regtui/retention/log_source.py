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

# $1 is a mark that no log can know of, $2 to $4 what is looked for; what follows prints the log. A line without an end
# would fill the host's memory: it is cut, further on than anybody can make a registry write what they choose.
_FILTER: Final = """\
mark=$1 one=$2 two=$3 three=$4
shift 4
{ "$@" 2>&1; printf '\\n%s end %s\\n' "$mark" "$?"; } | fold -b -w 8388608 |
    grep -aF -e "$one" -e "$two" -e "$three" -e "$mark"
"""
# $1 is the mark, $2 the file, $3 the inode of what was read the last time, $4 where to begin in it now, $5 when that
# was in seconds since 1970, $6 its size then, and $7 a checksum of the bytes before that. A file that is being written
# is read to where it is now; the next time begins some bytes before. One that was emptied and has grown has others.
_FILE: Final = """\
mark=$1 path=$2 inode=$3 size=$4 since=$5 end=$6 sum=$7
sum_of() {
    tail -c "+$(($2 > 4096 ? $2 - 4095 : 1))" -- "$1" 2>/dev/null |
        head -c "$(($2 > 4096 ? 4096 : $2))" | cksum | cut -d ' ' -f 1
}
test -f "$path" || { echo "$mark fail $path"; exit 0; }
ls -tr -- "$path" "$path".* "$path"-* 2>/dev/null | while IFS= read -r file; do
    test -f "$file" || continue
    facts=$(stat -c '%i %s %Y' -- "$file") || { echo "$mark fail $file"; continue; }
    set -- $facts
    test "$3" -ge "$since" || continue
    from=1 goes_on=no
    if test "$1" = "$inode" && test "$2" -ge "$end" && test "$(sum_of "$file" "$end")" = "$sum"; then
        from=$((size + 1)) goes_on=yes
    fi
    if test "$file" = "$path"; then echo "$mark at $1 $2 $(sum_of "$file" "$2") $goes_on"; fi
    case $file in
        *.gz) gzip -dc -- "$file" 2>/dev/null || echo "$mark fail $file" ;;
        *.bz2 | *.xz | *.zst) ;;
        *)
            tail -c "+$from" -- "$file" 2>/dev/null || echo "$mark fail $file"
            ;;
    esac
done
exit 0"""
_OVERLAP: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class ReadBefore:
    """How far a log was read. `end`: seconds since 1970 of the last line about a request; 0 where it never was. `sum`:
    a checksum of the file's bytes right before `size`. `goes_on`: from where it was read to before."""

    inode: int = 0
    size: int = 0
    end: int = 0
    sum: str = ""
    goes_on: bool = False


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
            known = (str(before.inode), begin, str(before.end), str(before.size), before.sum)
            words = (*command, "sh", "-c", _FILE, "sh", mark, path, *known)
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
        if not unit.container:
            raise NotOnHost(
                f"{unit.title} on {host.place} has several containers, each with a log of its own.",
                'Give the log of the proxy before them: access_log = "…", below [registries.NAME.host].',
            )
        runtime = runtime_command("podman" if unit.runtime == "podman" else "docker", settings)
        return LogSource(f"{host.place} {unit.name}", (*runtime, "logs", "--since", "{since}", unit.container))
    if unit.runtime == "systemd":
        journal = (*sudo, "journalctl", "--unit", unit.name, "--output", "cat", "--no-pager", "--since", "@{since}")
        return LogSource(f"{host.place} {unit.name}", journal)
    raise NotOnHost(
        f"Where the log of {unit.name} on {host.place} is isn't known.",
        'Say it: access_log = "…", below [registries.NAME.host] in the config file.',
    )
