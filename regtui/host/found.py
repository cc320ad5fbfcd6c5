"""What is found of a registry on its host, and what all ways to find it ask there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from regtui.host.configuration import StorageSettings
from regtui.host.errors import Unsafe
from regtui.host.hosts import Host, Script, call
from regtui.host.profile import HostSettings
from regtui.host.runtimes import Unit

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
    told = await host.run(Script('eval "$1"', (re.sub(r"^<\S+ ", "</dev/null ", line),)))
    match = _VERSION.search(told.stdout[:10_000])
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
