"""What a registry's running process was started with. A container's settings, or a deployment's, are what its entry
point was started with: that may have set more variables by then, and have written a config of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from regtui.host.configuration import StorageSettings, read_storage
from regtui.host.containers import PROGRAMS, Container
from regtui.host.errors import NotOnHost, Unsafe
from regtui.host.hosts import Host, Script
from regtui.host.plain import list_at, text_at
from regtui.text import clean

_SCRIPT: Final = (Path(__file__).parent / "remote" / "running.sh").read_text(encoding="utf-8")
_ASK: Final = 'text=$1 pid=$2\nshift 2\n"$@" sh -c "$text" sh "$pid"'


@dataclass(frozen=True, slots=True)
class RunningProcess:
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)


async def running_below(host: Host, pid: int, *shells: Sequence[str]) -> RunningProcess | None:
    """The registry that is process `pid` of the host, or was begun by it. `shells`: what comes before `sh`, to look
    from several places one after the other. None where none may see it."""
    for words in shells:
        found = _read((await host.run(Script(_ASK, (_SCRIPT, str(pid), *words)))).stdout)
        if found:
            # What starts it has its words as well, behind its own.
            itself = [each for each in found if each.command[1:2] == ("serve",)]
            return (itself or found)[-1]
    return None


def _read(told: str) -> list[RunningProcess]:
    found = []
    words: list[str] = []
    variables: dict[str, str] = {}
    for line in told.split("\n"):
        kind, _, value = line.partition(" ")
        value = value.replace("\x01", "\n")
        if kind == "word":
            words.append(value)
        elif kind == "variable":
            name, separator, text = value.partition("=")
            if separator:
                variables[name] = text
        elif kind in ("process", "unread"):
            if kind == "process":
                found.append(RunningProcess(tuple(words), variables))
            words, variables = [], {}
    return found


def is_as_set(container: Container) -> bool:
    """Whether nothing comes between its settings and its registry."""
    return container.command[0].rpartition("/")[2] in PROGRAMS


def unlike_its_settings(
    container: Container, running: RunningProcess | None, text: str, path: str, storage: StorageSettings
) -> Unsafe | None:
    """Where what collects beside it, with its settings, would collect elsewhere, or that isn't known."""
    if is_as_set(container):
        return None
    if not container.is_running:
        return Unsafe(
            f"What the registry in {clean(container.name)} runs with can't be told while it is stopped: its entry "
            f"point {clean(container.command[0])} may set variables, as that its blob cache is in redis.",
            "Start it, then collect.",
        )
    if running is None:
        return Unsafe(
            f"What the registry in {clean(container.name)} runs with can't be told: its entry point "
            f"{clean(container.command[0])} may have set variables, as that its blob cache is in redis, and its "
            "process can't be looked at.",
            "Log in as root, or add sudo = true to the profile.",
        )
    try:
        as_set = read_storage(text, container.environment, path)
    except NotOnHost:
        as_set = None
    if as_set is not None and (as_set.driver, as_set.root, as_set.bucket) == (
        storage.driver,
        storage.root,
        storage.bucket,
    ):
        return None
    return Unsafe(
        f"The entry point of {clean(container.name)} sets the registry's storage by variables of its own: what "
        "collects beside it would take another storage.",
        "Set them in the container's environment, or in the registry's config file.",
    )


def unknown_variables(target: str, container: object) -> Unsafe | None:
    """Where a deployment, whose process can't be looked at, takes variables from elsewhere."""
    named = [text_at(variable, "name") for variable in list_at(container, "env") if not text_at(variable, "value")]
    taken = [name for name in named if name.startswith("REGISTRY_")]
    if not taken and not list_at(container, "envFrom"):
        return None
    return Unsafe(
        f"What the registry of {target} runs with can't be told: {clean(', '.join(taken)) or 'some of its variables'} "
        "come from elsewhere (envFrom, valueFrom), and its process can't be looked at. Its blob cache may be in redis.",
        "Write the variables that begin with REGISTRY_STORAGE and REGISTRY_REDIS into the deployment itself.",
    )
