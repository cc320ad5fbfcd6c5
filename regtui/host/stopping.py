"""Why a registry can't be stopped for a collection, or not be collected at all: what it would lose, who shares its
storage, whether what its config says is what it runs with. Sentences; empty where nothing speaks against it."""

import posixpath
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from regtui.bounded_json import parse_json_text
from regtui.host.configuration import StorageSettings
from regtui.host.container_files import ContainerFile, true_name, way_to
from regtui.host.containers import Container, blobs_below
from regtui.host.errors import Unsafe
from regtui.host.hosts import Host, Script, call
from regtui.host.mounts import is_within, mounts_of, nearest
from regtui.host.ours import COLLECTOR, STAND_IN
from regtui.host.plain import list_at, table_at, text_at
from regtui.text import clean

_LASTING_VOLUMES: Final = frozenset(
    (
        *("persistentVolumeClaim", "hostPath", "nfs", "iscsi", "fc", "rbd", "cephfs", "glusterfs", "cinder"),
        *("awsElasticBlockStore", "azureDisk", "azureFile", "gcePersistentDisk", "vsphereVolume", "portworxVolume"),
    )
)
_REMEDY: Final = "Give the registry a volume or a directory of the host before anything else."
# Process $1 was started before file $2 was changed.
_IS_NEWER: Final = """\
started=$(sed 's/.*) //' "/proc/$1/stat" | awk '{ print $20 }') || exit 1
boot=$(awk '$1 == "btime" { print $2 }' /proc/stat)
ticks=$(getconf CLK_TCK 2>/dev/null || echo 100)
changed=$(stat -Lc %Y -- "$2" 2>/dev/null) || exit 1
test "$changed" -gt $((boot + started / ticks + 1))"""


async def lost_by_container(
    host: Host, command: Sequence[str], container: Container, storage: StorageSettings, real: Sequence[str] = ()
) -> str:
    """Why stopping it would lose the storage. `real`: where parts of it are, without links."""
    if storage.driver == "inmemory":
        return f"The storage of {container.name} is in its memory: stopped, it loses all images. {_REMEDY}"
    if storage.driver != "filesystem":
        return ""
    point = container.loses(storage.root)
    if point and point not in container.in_memory:
        return _unlasting(container, f"on a mount at {point} that isn't known to keep what is written")
    if not point and (volume := container.volumes.get(container.mount_of(storage.root))):
        # A volume can be a tmpfs as well; it goes with the last container that uses it.
        told = await host.run(call(*command, "volume", "inspect", "--format", "{{json .Options}}", "--", volume))
        point = container.mount_of(storage.root) if _type_of(told.stdout) in ("tmpfs", "ramfs") else ""
    if point:
        return _unlasting(container, f"in memory (a tmpfs at {point})")
    return _lost_by_links(container, storage.root, real) or await _lost_unseen(host, container, storage.root, real)


def _unlasting(container: Container, where: str) -> str:
    return f"The storage of {container.name} is {where}: stopped or restarted, it loses all images. {_REMEDY}"


def _lost_by_links(container: Container, root: str, real: Sequence[str]) -> str:
    for place in real:
        if is_within(place, root) and container.mount_of(place) == container.mount_of(root):
            continue
        if point := container.loses_at(place):
            kind = "in memory (a tmpfs" if point in container.in_memory else "not known to be kept (a mount"
            return _unlasting(container, f"{kind} at {point}), where a link leads: {clean(place)}")
        if not container.mount_of(place):
            return _unlasting(container, f"in the container itself, where a link leads: {clean(place)}")
    return ""


async def _lost_unseen(host: Host, container: Container, root: str, real: Sequence[str]) -> str:
    """By what its process has mounted: podman doesn't tell of every tmpfs."""
    if not container.is_running:
        return ""
    mounts = (await mounts_of(host, [container.pid])).get(container.pid, ())
    mount = nearest(mounts, blobs_below(root))
    told = container.mount_of(root)
    if mount is None:
        return "" if told else _unlasting(container, "in no volume, and what it is on can't be seen")
    inside = [each for each in mounts if is_within(each.point, blobs_below(root))]
    led_to = [found for place in real if (found := nearest(mounts, place)) is not None]
    for each in (mount, *inside, *led_to):
        if each.point in container.mounts or (each is mount and each.point == "/"):
            continue
        if each.kind in ("tmpfs", "ramfs"):
            return _unlasting(container, f"in memory (a tmpfs at {each.point})")
        return _unlasting(container, f"on a mount at {each.point} that isn't known to keep what is written")
    return ""


def _type_of(options: str) -> str:
    try:
        return text_at(parse_json_text(options), "type") if options.strip() else ""
    except ValueError:
        return ""


def _in_its_own_layer(changed: Collection[str], container: Container) -> set[str]:
    """The files and links among them: neither directories that hold others, nor what is mounted."""
    above = {parent for path in (*changed, *container.mounts) for parent in _parents(path)}
    return {path for path in changed if path not in above and not container.mount_of(path)}


def _parents(path: str) -> Iterable[str]:
    while path not in ("", "/"):
        path = posixpath.dirname(path)
        yield path


# Podman mounts files of its own below them, and tells of the directories alone: `C /etc`, of any container.
_RUNTIMES_OWN: Final = frozenset(("/etc", "/run", "/dev"))


async def edited(host: Host, command: Sequence[str], container: Container, config: str) -> str:
    """Why what runs beside the container would have another config."""
    told = await host.run(call(*command, "diff", "--", container.handle))
    changed = _in_its_own_layer({line[2:] for line in told.stdout.splitlines()}, container)
    changed -= _RUNTIMES_OWN
    if not changed:
        return ""
    way = {config, *_parents(config), *await way_to(host, command, container.handle, config, container.mounts)}
    name = await true_name(host, command, container.handle, config)
    if way.isdisjoint(changed) and name not in map(posixpath.basename, changed):
        return ""
    return (
        f"The config {config} was changed in the container {container.name} itself: a collector beside it would run "
        "with the image's own. Mount the config file into the container."
    )


# Docker's and Podman's cp rounds a file's time to the nearest second (Go's tar writer): one that was written right
# before the start would count as changed after it.
_ROUNDED: Final = 1.0


def outdated(container: Container, file: ContainerFile) -> Unsafe | None:
    """Where it may be another one than the running registry's."""
    if not container.is_running or not container.started or file.changed <= container.started + _ROUNDED:
        return None
    return _changed_since(file.path, container.name)


async def outdated_by_process(host: Host, pid: int, config: str, name: str) -> Unsafe | None:
    told = await host.run(Script(_IS_NEWER, (str(pid), config)))
    return _changed_since(config, name) if pid and told.code == 0 else None


def _changed_since(path: str, name: str) -> Unsafe:
    return Unsafe(
        f"{path} was changed after {name} was started: it isn't known which storage the running registry uses.",
        "Restart it, see that all is well, then collect.",
    )


def unconfined(container: Container) -> str:
    """Why what runs beside it would have more rights than it."""
    if not container.unconfined:
        return ""
    return (
        f"What collects beside {container.name} would have more rights than it: {container.unconfined}, which can't be "
        "given to another container. Make it anew with --uidmap and --gidmap, or without."
    )


def shared(sharers: Sequence[str], name: str) -> str:
    if not sharers:
        return ""
    return (
        f"Others have the same storage as {name}, and would take pushes into the sweep: "
        f"{', '.join(map(clean, sharers))}. Stop them for as long as it takes."
    )


def serving_together(processes: Sequence[str], root: str) -> str:
    """Where one of them is its own, and nothing tells which."""
    return (
        f"More than one registry has the storage {clean(root)}, and the others would take pushes into the sweep: "
        f"{', '.join(map(clean, processes))}. Leave only the one running that the profile stops."
    )


def taken(there: Sequence[Container], name: str) -> str:
    """Why what a collection of `name` makes beside it couldn't be called as it is. `there`: the host's containers."""
    wanted = {COLLECTOR.name(name), STAND_IN.name(name)}
    strangers = [c.name for c in there if c.name in wanted and not c.is_collector and not c.is_stand_in]
    if not strangers:
        return ""
    return (
        f"The container {clean(strangers[0])} has the name that a collection of {name} needs, and no collection of "
        "regtui's made it: it is left alone. Rename or remove it."
    )


def lost_by_service(
    unit: str, storage: StorageSettings, properties: Mapping[str, str], real: Sequence[str] = ()
) -> str:
    """Why stopping it would lose the storage. `real`: where parts of it are, without links."""
    if storage.driver == "inmemory":
        return f"The storage of {unit} is in its memory: stopped, it loses all images."
    runtime = [f"/run/{name}" for name in properties.get("RuntimeDirectory", "").split()]
    if properties.get("RuntimeDirectoryPreserve", "no") != "no":
        runtime = []
    private = ["/tmp", "/var/tmp"] if properties.get("PrivateTmp") == "yes" else []  # noqa: S108 - as systemd has them
    for place in (*runtime, *private):
        if storage.driver == "filesystem" and any(is_within(each, place) for each in (storage.root, *real)):
            return (
                f"The storage of {unit} is in {place}, which systemd removes when the service stops. "
                "Give the registry another directory."
            )
    return ""


def lost_by_pod(target: str, pod: Any, container: Any, storage: StorageSettings) -> str:
    """Why a roll-out would lose the storage, which a pod takes with it. `pod`, `container`: as kubectl tells them."""
    if storage.driver not in ("filesystem", "inmemory"):
        return ""
    points = {text_at(m, "mountPath"): text_at(m, "name") for m in list_at(container, "volumeMounts")}
    holds = [point for point in points if f"{storage.root}/".startswith(f"{point.rstrip('/')}/")]
    name = points.get(max(holds, key=len, default=""), "")
    # What is none of these, as `emptyDir`, `ephemeral` and `csi` within the pod, goes with it, or nobody knows.
    kept = [v for v in list_at(pod, "volumes") if text_at(v, "name") == name and _LASTING_VOLUMES & table_at(v).keys()]
    if storage.driver == "filesystem" and kept:
        return ""
    return (
        f"The storage of {target} is in no lasting volume: a new pod of it has none of the images. Give it a "
        "persistentVolumeClaim."
    )
