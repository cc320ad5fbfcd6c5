"""Containers as docker and podman tell of them, and which one the registry is."""

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from regtui import bounds
from regtui.bounded_json import parse_json_text
from regtui.host.configuration import CANDIDATES
from regtui.host.errors import NotOnHost
from regtui.host.ours import ASKER, COLLECTOR, STAND_IN
from regtui.host.plain import list_at, plain, plain_name, table_at, text_at
from regtui.text import clean

_KEPT_OPTIONS: Final = ("no-new-privileges", "apparmor", "label")
# Of what a tmpfs is more is said.
_LASTING: Final = ("bind", "volume", "tmpfs", "")
PROGRAMS: Final = ("registry", "docker-registry")
# CONTAINER:HOST:COUNT
_MAPPING: Final = re.compile(r"[0-9]{1,10}:[0-9]{1,10}:[0-9]{1,10}")
# That podman sets where nothing was said; where it can't limit them, it says so too.
_PODMANS_PIDS: Final = 2048
_PORT: Final = re.compile(r"[0-9]{1,5}/(?:tcp|udp|sctp)")
_HOST_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_IP: Final = re.compile(r"[0-9a-fA-F.:]{0,45}")
_FULL_ID: Final = re.compile("[0-9a-f]{64}")
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
    publications: tuple[str, ...] = ()
    """How they are published, as the runtimes' option has it: `127.0.0.1:80:5000/tcp`; empty where any isn't fixed."""
    user: str = ""
    network: str = ""
    networks: tuple[str, ...] = ()
    """All that it is in, by name, where that is told."""
    id: str = ""
    restart: str = ""
    """Its restart policy: `always`, `unless-stopped`, `on-failure`, `no`."""
    pid: int = 0
    """Its first process, as the host numbers it; 0 where it isn't running."""
    started: float = 0.0
    """Seconds since 1970; 0 where that isn't told."""
    started_at: str = ""
    """The same as the runtime tells it; empty where that is no moment."""
    directory: str = ""
    """Where its program starts; empty for /."""
    in_memory: frozenset[str] = frozenset()
    """Paths inside that are lost when it stops: a tmpfs each."""
    unlasting: frozenset[str] = frozenset()
    """Paths inside of mounts that aren't known to keep what is written: an overlay that goes with the container."""
    read_only: frozenset[str] = frozenset()
    """Paths inside of mounts that it can't write to."""
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Path inside → the volume's name."""
    service: tuple[str, ...] = ()
    """The labels that all containers of its compose service have; empty where it is of none."""
    is_one_off: bool = False
    """Made by `compose run`, beside a service: it isn't stopped with that."""
    keeper: str = ""
    """What would start another one, or remove this one, when it is stopped: in words."""
    is_podmans: bool = False
    """Podman also answers by the name of docker."""
    confined: tuple[str, ...] = ()
    """Options of `run` for what runs beside it: it gets no more rights than it has."""
    unconfined: str = ""
    """What of its limits no option can say, in words: nothing may run beside it."""
    is_collector: bool = False
    """By its name and its label: a collection began it beside a registry that is stopped."""
    is_asker: bool = False
    """By its name and its label: it was asked something beside a registry."""
    is_stand_in: bool = False
    """By its name, its label and its mounts: it answers pulls for a registry that is stopped, and can't write."""

    @property
    def handle(self) -> str:
        """What commands call it by: its full id, which no other container ever has. Its name where none is told."""
        return self.id if _FULL_ID.fullmatch(self.id) else self.name

    @property
    def is_registry(self) -> bool:
        """By its image's name, or its program's. The entry point of the official images is a script of another name;
        what collects beside a registry is none, nor what stands in for it."""
        if self.is_stand_in or self.is_collector or self.is_asker:
            return False
        program = self.command[0].rpartition("/")[2]
        return bool(_IMAGE.search(self.image_name)) or program in PROGRAMS

    @property
    def program(self) -> str:
        named = [word for word in self.command if word.rpartition("/")[2] in PROGRAMS]
        # As in the official images, whose entry point is a script.
        return named[0] if named else "registry"

    @property
    def only_network(self) -> str:
        """The one that gets what runs beside it where it gets itself; empty where it is in several: those can't be
        given all at once. It may have been put into another one than it was made in."""
        if self.network in ("host", "none") or ":" in self.network or not self.networks:
            return self.network or "default"
        return self.networks[0] if len(self.networks) == 1 else ""

    def mount_of(self, path: str) -> str:
        """The mount that `path` is on; empty where it is in the container's own layer."""
        return max((point for point in self.mounts if _is_within(path, point)), key=len, default="")

    def absolute(self, path: str) -> str:
        """A path as its program means it."""
        return posixpath.normpath(posixpath.join("/", self.directory, path)) if path else ""

    def loses(self, root: str) -> str:
        """The mount on which something of a storage below `root` is lost when it stops: in memory, or not known to
        last; empty where nothing is."""
        return self.loses_at(blobs_below(root))

    def loses_at(self, blobs: str) -> str:
        """The same of what is at that path, without links."""
        lost = self.in_memory | self.unlasting
        points = {*self.mounts, *lost}
        nearest = max((point for point in points if _is_within(blobs, point)), key=len, default="")
        inside = [point for point in lost if _is_within(point, blobs)]
        return nearest if nearest in lost else min(inside, default="")

    def on_host(self, path: str) -> str:
        """The same path as the host has it; empty where the host has none."""
        mount = self.mount_of(path)
        return self.mounts[mount] + path[len(mount) :] if mount and self.mounts[mount] else ""


def blobs_below(root: str) -> str:
    """What is a registry's of the directory that its config names."""
    return f"{root.rstrip('/')}/docker/registry/v2"


def read_containers(text: str) -> list[Container]:
    """What `inspect` prints, in the dialect of either. Raises NotOnHost where that can't be read."""
    return [_read(entry) for entry in entries(text)]


def entries(text: str) -> list[dict[str, Any]]:
    """Whatever `inspect` prints of each; nothing where it prints nothing. Raises NotOnHost where that can't be read."""
    try:
        listed = parse_json_text(text, bounds.HOST_VALUES) if text.strip() else []
    except ValueError as error:
        raise _unreadable(str(error)) from None
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise _unreadable("it is no list of containers")
    return listed


def _unreadable(why: str) -> NotOnHost:
    return NotOnHost(
        f"What the host tells of its containers can't be read: {why}. Which of them have the registry's storage isn't "
        "known.",
        "See what inspect prints of them, and remove those that nobody needs.",
    )


def check_names(container: Container) -> Container:
    """As it is. Raises NotOnHost where a word that goes into command lines can't be one."""
    what = f"of a container on the registry's host ({clean(container.name)[:80]})"
    plain_name(container.name, f"The name {what}")
    plain_name(container.image, f"The image {what}")
    for word in (
        container.user,
        container.network,
        *container.networks,
        container.directory,
        *container.command,
        *container.confined,
        *container.service,
    ):
        plain(word, f"A setting {what}")
    for path in (*container.mounts, *container.mounts.values(), *container.in_memory):
        plain(path, f"A mount {what}")
    for volume in container.volumes.values():
        plain_name(volume, f"A volume {what}")
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
        (port, binding)
        for port, bound in table_at(entry, "HostConfig", "PortBindings").items()
        for binding in (bound if isinstance(bound, list) else ())
    ]
    ports = [text_at(binding, "HostPort") for _, binding in bindings]
    publications = [_publication(port, binding) for port, binding in bindings]
    began = text_at(entry, "State", "StartedAt")
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
        publications=tuple(publications) if all(publications) else (),
        user=text_at(entry, "Config", "User"),
        network=text_at(entry, "HostConfig", "NetworkMode"),
        networks=tuple(table_at(entry, "NetworkSettings", "Networks")),
        id=text_at(entry, "Id"),
        restart=text_at(entry, "HostConfig", "RestartPolicy", "Name"),
        is_podmans="ImageName" in entry,
        confined=(
            *_confined(table_at(entry, "HostConfig"), is_podmans="ImageName" in entry),
            *_users(table_at(entry, "HostConfig"), is_podmans="ImageName" in entry)[0],
            *_limits(table_at(entry, "HostConfig"), is_podmans="ImageName" in entry),
        ),
        unconfined=_users(table_at(entry, "HostConfig"), is_podmans="ImageName" in entry)[1],
        is_collector=COLLECTOR.is_one(entry),
        is_asker=ASKER.is_one(entry),
        is_stand_in=_is_stand_in(entry),
        pid=pid if isinstance(pid := table_at(entry, "State").get("Pid"), int) and 0 < pid < 1 << 31 else 0,
        started=_moment(began),
        started_at=began if _moment(began) else "",
        directory=text_at(entry, "Config", "WorkingDir"),
        in_memory=_in_memory(entry),
        unlasting=frozenset(text_at(m, "Destination") for m in list_at(entry, "Mounts") if not _lasts(m)),
        read_only=frozenset(
            text_at(m, "Destination") for m in list_at(entry, "Mounts") if isinstance(m, dict) and m.get("RW") is False
        ),
        volumes={text_at(m, "Destination"): text_at(m, "Name") for m in list_at(entry, "Mounts") if text_at(m, "Name")},
        service=_service(entry),
        is_one_off=text_at(entry, "Config", "Labels", "com.docker.compose.oneoff") == "True",
        keeper=_keeper(
            table_at(entry, "Config", "Labels"), removes_itself=table_at(entry, "HostConfig").get("AutoRemove") is True
        ),
    )


def named_config(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """The config that its command line names, or its environment; empty where neither does. The registry takes the word
    after `serve`, whatever that is called; entry points add the word where it is missing."""
    after = command[command.index("serve") + 1 :] if "serve" in command else ()
    named = [word for word in after if not word.startswith("-")][:1]
    named = named or [word for word in command if word.endswith((".yml", ".yaml"))]
    return named[-1] if named else environment.get("REGISTRY_CONFIGURATION_PATH", "")


def config_of(container: Container) -> tuple[str, ...]:
    """Where its config may be: what it was started with, else where images have it."""
    given = named_config(container.command, container.environment)
    return (container.absolute(given),) if given else CANDIDATES


def _service(entry: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("com.docker.compose.project", "com.docker.compose.service")
    labels = [f"{name}={value}" for name in names if (value := text_at(entry, "Config", "Labels", name))]
    # One alone would be those of others, too.
    return (*labels, "com.docker.compose.oneoff=False") if len(labels) == len(names) else ()


def _is_within(path: str, point: str) -> bool:
    return path == point or path.startswith(point.rstrip("/") + "/")


def _is_stand_in(entry: Mapping[str, Any]) -> bool:
    return STAND_IN.is_one(entry) and all(
        isinstance(mount, dict) and mount.get("RW") is False for mount in list_at(entry, "Mounts")
    )


def _publication(port: str, binding: object) -> str:
    """Empty where it is at a port that is chosen anew each time, or what can't be."""
    address, at = text_at(binding, "HostIp"), text_at(binding, "HostPort")
    if not (_PORT.fullmatch(port) and _HOST_PORT.fullmatch(at) and _IP.fullmatch(address)):
        return ""
    ip = f"[{address}]" if ":" in address else address
    return f"{ip}:{at}:{port}" if ip else f"{at}:{port}"


def _moment(text: str) -> float:
    """RFC 3339 in seconds since 1970; 0 where it is none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _in_memory(entry: Mapping[str, Any]) -> frozenset[str]:
    mounted = [text_at(m, "Destination") for m in list_at(entry, "Mounts") if text_at(m, "Type") == "tmpfs"]
    return frozenset(map(posixpath.normpath, filter(None, (*table_at(entry, "HostConfig", "Tmpfs"), *mounted))))


def _lasts(mount: object) -> bool:
    """Whether what is written there is still there when the container was stopped. Podman tells an overlay (`-v …:O`)
    by its options, as a bind or a volume."""
    options = [option for option in list_at(mount, "Options") if isinstance(option, str)]
    is_overlay = any(option == "O" or option.startswith(("upperdir=", "lowerdir=")) for option in options)
    return text_at(mount, "Type") in _LASTING and not is_overlay


def _confined(settings: Mapping[str, Any], *, is_podmans: bool) -> tuple[str, ...]:
    """What was added to the usual rights isn't needed beside it, unless all of them were taken first. A seccomp profile
    is told by its text, and can't be given as that: there the usual one has to do."""
    dropped, added, options = (
        [word for word in list_at(settings, key) if isinstance(word, str)]
        for key in ("CapDrop", "CapAdd", "SecurityOpt")
    )
    words = [f"--cap-drop={name}" for name in dropped]
    words += [f"--cap-add={name}" for name in added] if "ALL" in map(str.upper, dropped) else []
    words += [f"--security-opt={option}" for option in options if option.startswith(_KEPT_OPTIONS)]
    words += ["--read-only"] if settings.get("ReadonlyRootfs") is True else []
    runtime = text_at(settings, "Runtime")
    words += [f"--runtime={runtime}"] if runtime not in ("", "runc") and not is_podmans else []
    return tuple(words)


def _users(settings: Mapping[str, Any], *, is_podmans: bool) -> tuple[tuple[str, ...], str]:
    """Whose its root is on the host: options for the same, or why there are none. Docker maps all of its containers
    alike but for those that have the host's own users; podman each by itself, and tells how."""
    mode = text_at(settings, "UsernsMode")
    if not is_podmans:
        if mode in ("", "host"):
            return ((f"--userns={mode}",) if mode else ()), ""
        return (), f"it has a user namespace of its own ({clean(mode)[:80]})"
    mappings = [
        (option, mapping)
        for option, key in (("uidmap", "UidMap"), ("gidmap", "GidMap"))
        for mapping in list_at(settings, "IDMappings", key)
    ]
    if not mappings and mode in ("", "host"):
        return (), ""
    options = {option for option, mapping in mappings if _MAPPING.fullmatch(str(mapping))}
    if options != {"uidmap", "gidmap"} or not all(_MAPPING.fullmatch(str(mapping)) for _, mapping in mappings):
        return (), f"it has a user namespace of its own ({clean(mode)[:80]})"
    return tuple(f"--{option}={mapping}" for option, mapping in mappings), ""


def _limits(settings: Mapping[str, Any], *, is_podmans: bool) -> tuple[str, ...]:
    """Of memory, in bytes, and of processes."""

    def number(key: str) -> int:
        value = settings.get(key)
        return value if isinstance(value, int) and 0 < value < 1 << 62 else 0

    memory, swap, processes = number("Memory"), number("MemorySwap"), number("PidsLimit")
    words = [f"--memory={memory}"] if memory else []
    # Twice the memory is what it is without a word.
    words += [f"--memory-swap={swap}"] if memory and swap not in (0, 2 * memory) else []
    is_usual = is_podmans and processes == _PODMANS_PIDS
    words += [f"--pids-limit={processes}"] if processes and not is_usual else []
    return tuple(words)


def _keeper(labels: Mapping[str, Any], *, removes_itself: bool) -> str:
    if removes_itself:
        return (
            "it was run with --rm, and would be removed. Make it anew without that, once its storage is in a named "
            "volume or in a directory of the host"
        )
    if "com.docker.swarm.service.name" in labels:
        return "swarm would start another one; say how it is made read-only (read_only, read_write)"
    if "io.kubernetes.pod.name" in labels:
        return 'Kubernetes would start another one; use runtime = "kubectl"'
    return ""
