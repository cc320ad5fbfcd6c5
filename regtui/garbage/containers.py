"""Containers as docker and podman tell of them, and which one the registry is."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from regtui.garbage.plain import list_at, plain, plain_name, table_at, text_at
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
    id: str = ""
    restart: str = ""
    """Its restart policy: `always`, `unless-stopped`, `on-failure`, `no`."""
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
    except (ValueError, RecursionError):
        return []
    return [_read(entry) for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def check_names(container: Container) -> Container:
    """As it is. Raises NotOnHost where a word that goes into command lines can't be one."""
    what = f"of a container on the registry's host ({clean(container.name)[:80]})"
    plain_name(container.name, f"The name {what}")
    plain_name(container.image, f"The image {what}")
    for word in (container.user, container.network, *container.command):
        plain(word, f"A setting {what}")
    for path in (*container.mounts, *container.mounts.values()):
        plain(path, f"A mount {what}")
    return container


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
    bindings = [
        binding
        for bound in table_at(entry, "HostConfig", "PortBindings").values()
        for binding in (bound if isinstance(bound, list) else ())
    ]
    ports = [text_at(binding, "HostPort") for binding in bindings]
    environment = [variable for variable in list_at(entry, "Config", "Env") if isinstance(variable, str)]
    return Container(
        name=text_at(entry, "Name").removeprefix("/"),
        image=text_at(entry, "Image"),
        image_name=text_at(entry, "ImageName") or text_at(entry, "Config", "Image"),
        command=(text_at(entry, "Path"), *map(str, list_at(entry, "Args"))),
        is_running=table_at(entry, "State").get("Running") is True,
        environment=read_environment(environment),
        mounts={text_at(m, "Destination"): text_at(m, "Source") for m in list_at(entry, "Mounts")},
        ports=frozenset(int(port) for port in ports if port.isdecimal() and len(port) < 6),
        user=text_at(entry, "Config", "User"),
        network=text_at(entry, "HostConfig", "NetworkMode"),
        id=text_at(entry, "Id"),
        restart=text_at(entry, "HostConfig", "RestartPolicy", "Name"),
        is_podmans="ImageName" in entry,
        keeper=_keeper(
            table_at(entry, "Config", "Labels"), removes_itself=table_at(entry, "HostConfig").get("AutoRemove") is True
        ),
    )


def _keeper(labels: Mapping[str, Any], *, removes_itself: bool) -> str:
    if removes_itself:
        return "it was run with --rm, and would be removed"
    if "com.docker.swarm.service.name" in labels:
        return "swarm would start another one; say how it is made read-only (read_only, read_write)"
    if "io.kubernetes.pod.name" in labels:
        return 'Kubernetes would start another one; use runtime = "kubectl"'
    return ""
