"""What is found of a registry on its host, and what all ways to find it ask there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from regtui import bounds
from regtui.host.configuration import StorageSettings
from regtui.host.errors import Unsafe
from regtui.host.hosts import Host, Script, call
from regtui.host.profile import HostSettings
from regtui.host.runtimes import Unit

# What goes on and on is ended by head.
_SAY: Final = """\
{ code=$({ { eval "$1" 2>/dev/null 3>&- 4>&-; echo "$?" >&3; } | head -c "$2" >&4; } 3>&1); } 4>&1
exit "${code:-1}"
"""
_VERSION: Final = re.compile(r"\bv?(\d+\.\d+\.\d+)")


@dataclass(frozen=True, slots=True)
class Found:
    """The registry on its host. `version` is empty where its program doesn't tell. `unsafe`: why what was read there
    may not be what the running registry uses."""

    unit: Unit
    storage: StorageSettings
    version: str
    unsafe: Unsafe | None = None


async def version_of(host: Host, line: str) -> str:
    """Of the program itself; a registry whose environment is in a file tells it too, from an empty one. `line`: a
    command line as the shell reads it."""
    told = await host.run(Script(_SAY, (re.sub(r"^<\S+ ", "</dev/null ", line), str(bounds.HOST_VERSION))))
    match = _VERSION.search(told.stdout)
    return match[1] if match and told.code == 0 else ""


async def can_run(host: Host, *words: str) -> bool:
    """Whether that command line succeeds there."""
    return (await host.run(call(*words, then=">/dev/null 2>&1"))).code == 0


def sudo_of(settings: HostSettings) -> tuple[str, ...]:
    return ("sudo", "-n") if settings.sudo else ()


def named_config(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """The config that its command line names, or its environment; empty where neither does."""
    named = [word for word in command if word.endswith((".yml", ".yaml"))]
    return named[-1] if named else environment.get("REGISTRY_CONFIGURATION_PATH", "")
