"""Containers as docker and podman tell of them, and which one the registry is."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from regtui.text import clean

COLLECTOR: Final = "regtui-gc-{}"
"""The name of the container that collects beside the one of that name."""

PROGRAMS: Final = ("registry", "docker-registry")
_IMAGE: Final = re.compile(r"(?:^|/)(?:registry|distribution|docker-registry)(?:[:@]|$)")


@dataclass(frozen=True, slots=True)
class Container:
    """What `inspect` prints of one. `mounts`: path inside → path on the host."""

    name: str
    image: str
    image_name: str
    command: tuple[str, ...]
    is_running: bool
    environment: Mapping[str, str] = field(repr=False)
    mounts: Mapping[str, str] = field(default_factory=dict)
    ports: frozenset[int] = frozenset()
    """Published on the host."""
    user: str = ""
    network: str = ""
    keeper: str = ""
    """What would start another one, or remove this one, when it is stopped: in words."""
    is_podmans: bool = False
    """Podman also answers by the name of docker."""

    @property
    def is_registry(self) -> bool:
        """By its image's name, or its program's. The entry point of the official images is a script of another name;
        what collects beside a registry is none."""
        if self.name.startswith(COLLECTOR.format("")):
            return False
        program = self.command[0].rpartition("/")[2]
        return bool(_IMAGE.search(self.image_name)) or program in PROGRAMS

    @property
    def program(self) -> str:
        named = [word for word in self.command if word.rpartition("/")[2] in PROGRAMS]
        # As in the official images, whose entry point is a script.
        return named[0] if named else "registry"

    def mount_of(self, path: str) -> str:
        """The mount that `path` is on; empty where it is in the container's own layer."""
        inside = [point for point in self.mounts if path == point or path.startswith(point.rstrip("/") + "/")]
        return max(inside, key=len, default="")

    def on_host(self, path: str) -> str:
        """The same path as the host has it; empty where the host has none."""
        mount = self.mount_of(path)
        return self.mounts[mount] + path[len(mount) :] if mount and self.mounts[mount] else ""


def read_containers(text: str) -> list[Container]:
    """What `inspect` prints, in the dialect of either; nothing where it is something else."""
    try:
        listed = json.loads(text) if text.strip() else []
    except ValueError:
        return []
    return [_read(entry) for entry in listed if isinstance(entry, dict)]


def choose(containers: Sequence[Container], port: int) -> list[Container]:
    """The registry, where it is unambiguous; else those that may be it. `port`: as clients reach it."""
    registries = [container for container in containers if container.is_registry]
    published = [container for container in registries if port in container.ports]
    running = [container for container in registries if container.is_running]
    for narrowed in (registries, published, running):
        if len(narrowed) == 1:
            return narrowed
    return registries


def names_of(containers: Iterable[Container]) -> str:
    """Harmless to show."""
    return ", ".join(f"{clean(c.name)} ({clean(c.image_name)})" for c in containers)


def read_environment(lines: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE lines."""
    return {name: value for name, separator, value in (line.partition("=") for line in lines) if separator}


def _read(entry: Mapping[str, Any]) -> Container:
    config: Mapping[str, Any] = entry.get("Config") or {}
    host: Mapping[str, Any] = entry.get("HostConfig") or {}
    bindings = [binding for bound in (host.get("PortBindings") or {}).values() for binding in bound or ()]
    return Container(
        name=str(entry.get("Name", "")).removeprefix("/"),
        image=str(entry.get("Image", "")),
        image_name=str(entry.get("ImageName") or config.get("Image") or ""),
        command=(str(entry.get("Path", "")), *map(str, entry.get("Args") or ())),
        is_running=bool((entry.get("State") or {}).get("Running")),
        environment=read_environment(map(str, config.get("Env") or ())),
        mounts={str(m.get("Destination", "")): str(m.get("Source", "")) for m in entry.get("Mounts") or ()},
        ports=frozenset(int(port) for b in bindings if (port := str(b.get("HostPort", ""))).isdecimal()),
        user=str(config.get("User") or ""),
        network=str(host.get("NetworkMode") or ""),
        is_podmans="ImageName" in entry,
        keeper=_keeper(config.get("Labels") or {}, removes_itself=bool(host.get("AutoRemove"))),
    )


def _keeper(labels: Mapping[str, Any], *, removes_itself: bool) -> str:
    if removes_itself:
        return "it was run with --rm, and would be removed"
    if "com.docker.swarm.service.name" in labels:
        return "swarm would start another one; say how it is made read-only (read_only, read_write)"
    if "io.kubernetes.pod.name" in labels:
        return 'Kubernetes would start another one; use runtime = "kubectl"'
    return ""
