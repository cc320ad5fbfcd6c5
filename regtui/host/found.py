"""What is found of a registry on its host, and what all ways to find it ask there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from shlex import join
from typing import Final

from regtui import bounds
from regtui.host.configuration import StorageSettings
from regtui.host.errors import Unsafe
from regtui.host.hosts import Host, Script, ScriptOutput, call
from regtui.host.keep_out import KeepOut
from regtui.host.profile import HostSettings
from regtui.host.runtimes import Unit

# What goes on and on is ended by head.
_SAY: Final = """\
{ code=$({ { eval "$1" 2>/dev/null 3>&- 4>&-; echo "$?" >&3; } | head -c "$2" >&4; } 3>&1); } 4>&1
exit "${code:-1}"
"""
_BY_SHELL: Final = 'echo shell; "$0" --version'
_FOR_ITS_CACHE: Final = "Not restarted, it would go on believing to have what was swept: its blob cache is in memory."
_WITHOUT_CACHE: Final = (
    "Or run it without storage.cache in its config: then it needs no restart, and can be collected while it runs on "
    "(--online), when nobody pushes."
)
_VERSION: Final = re.compile(r"\bv?(\d+\.\d+\.\d+)")


@dataclass(frozen=True, slots=True)
class Found:
    """The registry on its host. `version` is empty where its program doesn't tell. `unsafe`: why what was read there
    may not be what the running registry uses."""

    unit: Unit
    storage: StorageSettings
    version: str
    unsafe: Unsafe | None = None

    def needs_restart(self, way: KeepOut) -> bool:
        """Whether it has to be restarted after the sweep, to forget what it believes to have. What stops it, or rolls
        it out, does that; the user's own commands may not."""
        is_rolled_out = self.unit.rolls_out and way is KeepOut.READ_ONLY
        return self.storage.blob_cache == "inmemory" and not way.stops and not is_rolled_out

    @property
    def no_restart(self) -> str:
        """Why it can't be restarted, where its cache may need that."""
        is_needed = self.unit.no_restart and self.needs_restart(KeepOut.ONLINE)
        return f"{self.unit.no_restart} {_FOR_ITS_CACHE}" if is_needed else ""

    @property
    def ways(self) -> tuple[KeepOut, ...]:
        """How it can be collected: what keeps pushes out, and what clears its cache afterwards. The best first."""
        return tuple(way for way in self.unit.ways if not (self.needs_restart(way) and self.unit.no_restart))

    @property
    def remedy(self) -> str:
        """What there is beside doing away with the obstacle."""
        if self.unit.loses_storage or self.unit.is_shared:
            return ""
        return "Or let it run on (--online), when nobody pushes." if KeepOut.ONLINE in self.ways else _WITHOUT_CACHE

    def why_not(self, way: KeepOut) -> Unsafe | None:
        """Why it can't be collected so; None where it can."""
        if way in self.ways:
            return None
        unit = self.unit
        unknown = unit.no_stand_in if way is KeepOut.STAND_IN else ""
        unknown = unknown or f"It isn't known how {unit.name} is made {way.value}."
        return Unsafe((self.no_restart if way in unit.ways else unit.obstacle) or unknown, self.remedy)


async def version_of(host: Host, line: str) -> str:
    """Of the program itself; a registry whose environment is in a file tells it too, from an empty one. `line`: a
    command line as the shell reads it."""
    return _version_in(await _say(host, re.sub(r"^<\S+ ", "</dev/null ", line)))


async def shell_and_version(host: Host, within: Sequence[str], program: str) -> tuple[bool, str]:
    """Whether there is a shell, and what the program tells by it, by one question: in a container each takes a fifth of
    a second. `within`: what runs a command there."""
    told = await _say(host, join([*within, "sh", "-c", _BY_SHELL, program]))
    return told.stdout.startswith("shell\n"), _version_in(told)


async def _say(host: Host, line: str) -> ScriptOutput:
    return await host.run(Script(_SAY, (line, str(bounds.HOST_VERSION))))


def _version_in(told: ScriptOutput) -> str:
    match = _VERSION.search(told.stdout)
    return match[1] if match and told.code == 0 else ""


async def can_run(host: Host, *words: str) -> bool:
    """Whether that command line succeeds there."""
    return (await host.run(call(*words, then=">/dev/null 2>&1"))).code == 0


def sudo_of(settings: HostSettings) -> tuple[str, ...]:
    return ("sudo", "-n") if settings.sudo else ()
