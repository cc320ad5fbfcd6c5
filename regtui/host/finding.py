"""Finds the registry on its host: the runtime, the container or the service, its config, its storage. Changes nothing.

What a profile names is taken at its word; the rest is found where it is unambiguous, else the error says what is there.
"""

import json
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import join
from typing import Final

from regtui.host.compose import Compose, find_compose
from regtui.host.configuration import CANDIDATES, StorageSettings, read_storage
from regtui.host.container_files import ContainerFile, read_file
from regtui.host.containers import (
    PROGRAMS,
    Container,
    address_in,
    check_names,
    choose,
    config_of,
    names_of,
    read_containers,
    read_environment,
)
from regtui.host.errors import NotOnHost, Unsafe
from regtui.host.hosts import Host, Script, ScriptOutput, call
from regtui.host.plain import list_at, plain, plain_name, table_at, text_at
from regtui.host.profile import HostSettings
from regtui.host.redis_cache import Redis, asking_script
from regtui.host.runtimes import (
    Process,
    Unit,
    command_unit,
    container_unit,
    kubectl_unit,
    systemd_unit,
)
from regtui.host.sharing import containers_beside, processes_beside
from regtui.host.stand_in import why_not
from regtui.host.stopping import (
    edited,
    lost_by_container,
    lost_by_pod,
    lost_by_service,
    outdated,
    outdated_by_process,
    shared,
)
from regtui.host.trouble import check, last_line, trouble
from regtui.text import clean, one_line

_UNIT: Final = "docker-registry.service"
_INTERPRETER: Final = re.compile(r"(?:ba|da|a|z|k|fi)?sh|busybox|env|python[0-9.]*|perl|tini|dumb-init")
_LOOPBACK: Final = re.compile(r"localhost\.?$|127\.|0\.|0*:[0:]*1?$|::ffff:127\.|0$", re.IGNORECASE)
_VERSION: Final = re.compile(r"\bv?(\d+\.\d+\.\d+)")


@dataclass(frozen=True, slots=True)
class Found:
    """The registry on its host. `version` is empty where its program doesn't tell. `unsafe`: why what was read there
    may not be what the running registry uses."""

    unit: Unit
    storage: StorageSettings
    version: str
    unsafe: Unsafe | None = None


async def find(host: Host, settings: HostSettings, port: int) -> Found:
    """`port`: the registry's as clients reach it, to tell several apart. Raises GarbageError, SshError."""
    match settings.runtime:
        case "docker" | "podman" | "compose":
            found = await _in_container(host, settings, port)
        case "kubectl":
            found = await _in_deployment(host, settings)
        case "systemd":
            found = await _as_service(host, settings)
        case "command":
            found = await _by_command(host, settings)
        case _:
            return await find(host, await _detected(host, settings), port)
    return await _with_redis(host, found) if found.storage.redis is not None else found


async def _with_redis(host: Host, found: Found) -> Found:
    """With what clears the registry's blob cache; unsafe where that can't be reached."""
    redis = found.storage.redis
    assert redis is not None
    why = redis.why_not
    if not why:
        words = (asking_script(), found.unit.redis_via, redis.host, str(redis.port))
        told = await host.run(Script('text=$1\nshift\nsh -c "$text" sh "$@"', words, redis.asking))
        why = "" if told.code == 0 else last_line(told.stderr) or "it does not answer"
    if not why:
        return replace(found, unit=replace(found.unit, redis=redis))
    unsafe = Unsafe(
        f"What the registry knows of its blobs is in redis, which can't be cleared from {host.place} ({why}): after a "
        "collection pushes would lose layers.",
        "Set storage.cache.blobdescriptor to inmemory in its config, restart it, then collect.",
    )
    return replace(found, unsafe=found.unsafe or unsafe)


async def _detected(host: Host, settings: HostSettings) -> HostSettings:
    """Which runtime there is a registry in: the first that has one, of those that are there."""
    for runtime in ("docker", "podman"):
        command = _runtime(runtime, settings)
        listed = await host.run(Script(f"{_IS_THERE} || exit 127\nshift\n{_LIST}", (runtime, *command)))
        if listed.code == 0 and any(container.is_registry for container in read_containers(listed.stdout)):
            return replace(settings, runtime=runtime)
    unit = settings.container or _UNIT
    if await _can(host, "systemctl", "cat", "--", unit):
        return replace(settings, runtime="systemd")
    for runtime in ("docker", "podman"):
        # What keeps docker from telling is a better answer than that there is nothing.
        if (await host.run(Script(_IS_THERE, (runtime,)))).code == 0:
            return replace(settings, runtime=runtime)
    raise NotOnHost(
        f"There is no registry on {host.place}: neither docker nor podman is there, nor a service {_UNIT}.",
        "Say how it is run: runtime and container, below [registries.NAME.host] in the config file.",
    )


# Containers

_IS_THERE: Final = 'command -v "$1" >/dev/null 2>&1'
# "$@" is the runtime. Its ids are hexadecimal: what isn't is no id.
_LIST: Final = """\
ids=$("$@" ps -aq --no-trunc) || exit $?
ids=$(printf '%s\\n' "$ids" | grep -x '[0-9a-f]*')
test -z "$ids" || "$@" inspect --type container $ids"""


def _runtime(name: str, settings: HostSettings) -> list[str]:
    return [*(["sudo", "-n"] if settings.sudo else []), "docker" if name == "compose" else name]


async def _in_container(host: Host, settings: HostSettings, port: int) -> Found:
    command = _runtime(settings.runtime, settings)
    compose = await find_compose(host, command, settings.directory) if settings.runtime == "compose" else None
    container = check_names(await _container(host, command, settings, port, compose))
    await _must_publish(host, command, container, port)
    program = settings.binary or container.program
    has_shell = container.is_running and await _can(host, *command, "exec", "--", container.name, "sh", "-c", ":")
    if not container.is_running:
        shell = [*command, "run", "--rm", "--network", "none", *container.confined, "--entrypoint", "sh"]
        has_shell = await _can(host, *shell, "--", container.image, "-c", ":")
    file = await _config_file(host, command, container, settings.config, has_shell)
    storage = read_storage(file.text or "", container.environment, file.path)
    storage = replace(storage, root=container.absolute(storage.root))
    host_root = "" if has_shell else await _on_host(host, settings, container, storage.root)
    lost = await lost_by_container(host, command, container, storage)
    sharers = await _sharers(host, settings, command, container, storage)
    unit = container_unit(
        command,
        container,
        settings,
        program=program,
        config=file.path,
        root=storage.root,
        driver=storage.driver,
        has_shell=has_shell,
        host_root=host_root,
        compose=compose,
        obstacle=lost or shared(sharers, container.name) or await edited(host, command, container, file.path),
        loses_storage=bool(lost),
        is_shared=bool(sharers),
        no_stand_in=why_not(container, storage),
    )
    redis = storage.redis
    if redis is not None and not redis.why_not and container.network != "host":
        via = await _by_container(host, command, container, redis) if has_shell else ""
        unit = replace(unit, redis_via=via)
        if not via and _LOOPBACK.match(redis.host):
            # What answers there to the host is another one.
            storage = replace(storage, redis=replace(redis, why_not="it is at the container's own loopback"))
        elif not via:
            storage = replace(storage, redis=await _by_address(host, command, container, redis))
    version = await _version(host, f"{unit.inside} --version") if container.is_running else ""
    return Found(unit, storage, version, outdated(container, file))


# $1 is what is mounted, and nothing but it is the host's own: below it no link leads anywhere.
_WHERE: Final = """\
top=$(cd -P -- "$1" && pwd -P) && cd -P -- "$top$2" && test "$(pwd -P)" = "${top%/}$2" && test -r . && pwd -P"""


async def _on_host(host: Host, settings: HostSettings, container: Container, root: str) -> str:
    """Where the host has the storage, without links; empty where it has none, or can't read it."""
    mount = container.mount_of(root) if root else ""
    if not mount or not container.mounts[mount]:
        return ""
    place = (container.mounts[mount], root[len(mount) :])
    told = await host.run(call(*_sudo(settings), "sh", "-c", _WHERE, "sh", *place))
    path = told.stdout.removesuffix("\n")
    return plain(path, f"The storage of {container.name}") if told.code == 0 else ""


async def _by_container(host: Host, command: Sequence[str], container: Container, redis: Redis) -> str:
    """A command line that leads to redis from the container's network, which has names of its own."""
    image = ("--", container.image)
    network = ("--network", container.network or "default")
    run = (*command, "run", "--rm", "-i", *network, *container.confined, "--entrypoint")
    if not await _can(host, *run, "sh", *image, "-c", "command -v nc"):
        return ""
    return join((*run, "nc", *image, redis.host, str(redis.port)))


async def _by_address(host: Host, command: Sequence[str], container: Container, redis: Redis) -> Redis:
    """By the address that its name has in the container's network: that leads there from the host, too. As it is where
    nothing there has that name."""
    told = (await host.run(Script(_LIST, tuple(command)))).stdout
    return replace(redis, host=address_in(told, container.network, redis.host) or redis.host)


async def _sharers(
    host: Host, settings: HostSettings, command: Sequence[str], container: Container, storage: StorageSettings
) -> list[str]:
    """Other registries on the same storage, by name."""
    there = read_containers((await host.run(Script(_LIST, tuple(command)))).stdout)
    names = await containers_beside(host, command, there, container, storage)
    # What a killed collection left can't write.
    standing_in = {other.pid for other in there if other.is_stand_in}
    # Those of containers have names already.
    return names or await processes_beside(host, _sudo(settings), container.pid, storage.root, standing_in)


async def _container(
    host: Host, command: Sequence[str], settings: HostSettings, port: int, compose: Compose | None
) -> Container:
    if compose is not None:
        return await _of_service(host, command, settings, compose)
    if settings.container:
        told = await host.run(call(*command, "inspect", "--type", "container", "--", settings.container))
        if told.code != 0 and _NO_SUCH.search(told.said):
            there = read_containers((await host.run(Script(_LIST, tuple(command)))).stdout)
            raise NotOnHost(f"There is no container {settings.container} on {host.place}.", _there(there))
        return _one(told, host.place, command[-1])
    told = await host.run(Script(_LIST, tuple(command)))
    check(told, host.place, command[-1])
    containers = read_containers(told.stdout)
    registries = choose(containers, port)
    if len(registries) == 1:
        return registries[0]
    if registries:
        raise NotOnHost(f"Several containers on {host.place} look like a registry.", _there(registries))
    raise NotOnHost(
        f"No container on {host.place} looks like a registry.", _there(containers) if containers else _OTHERWISE
    )


async def _must_publish(host: Host, command: Sequence[str], container: Container, port: int) -> None:
    """Raises Unsafe where the port that clients reach is another registry's. A proxy in front may publish it as well:
    then no registry does."""
    if not container.ports or port in container.ports:
        return
    there = read_containers((await host.run(Script(_LIST, tuple(command)))).stdout)
    others = [c for c in there if c.is_registry and c.is_running and port in c.ports and c.name != container.name]
    if others:
        raise Unsafe(
            f"The container {container.name} on {host.place} publishes port {min(container.ports)}, and port {port}, "
            f"where this registry is reached, is that of another registry: {names_of(others)}.",
            f'Say which one it is: container = "{clean(others[0].name)}".',
        )


def _one(told: ScriptOutput, place: str, runtime: str) -> Container:
    """The only one that `inspect` was asked for."""
    check(told, place, runtime)
    containers = read_containers(told.stdout)
    if len(containers) != 1:
        raise NotOnHost(f"{runtime} on {place} doesn't tell what the container is.", "Try: " + f"{runtime} inspect")
    return containers[0]


_OTHERWISE: Final = (
    "There is none at all. What runs as a service, or by itself, needs to be named in the config file, below "
    '[registries.NAME.host]: runtime = "systemd", or "command" with its commands.'
)
_NO_SUCH: Final = re.compile(r"no such (?:container|object)|no container with name", re.IGNORECASE)


def _there(containers: Iterable[Container]) -> str:
    names = names_of(containers)
    if not names:
        return "There is none at all."
    return f'Name one of these below [registries.NAME.host] in the config file: container = "…": {names}.'


async def _of_service(host: Host, command: Sequence[str], settings: HostSettings, compose: Compose) -> Container:
    if not settings.container:
        raise NotOnHost("Which compose service the registry is isn't said.", 'Add it: container = "SERVICE".')
    plain_name(settings.container, "The compose service's name")
    told = await host.run(call(*compose.words("ps", "-a", "-q", settings.container)))
    if told.code != 0 and "o such service" in told.said:
        raise NotOnHost(
            f"There is no compose service {settings.container} on {host.place}.",
            'Check the service\'s name, and directory = "…" where its compose file is.',
        )
    check(told, host.place, compose.name)
    name = (told.stdout.split() or [""])[0]
    if not name:
        raise NotOnHost(
            f"The compose service {settings.container} has no container on {host.place}.",
            'Check the service\'s name, and directory = "…" where its compose file is.',
        )
    told = await host.run(call(*command, "inspect", "--type", "container", "--", name))
    return _one(told, host.place, command[-1])


def _config(command: Sequence[str], environment: Mapping[str, str]) -> str:
    named = [word for word in command if word.endswith((".yml", ".yaml"))]
    return named[-1] if named else environment.get("REGISTRY_CONFIGURATION_PATH", "")


async def _config_file(
    host: Host, command: Sequence[str], container: Container, config: str, has_shell: bool
) -> ContainerFile:
    """The config. What is on a tmpfs can't be copied out: there a program inside is asked, if there is one."""
    paths = (container.absolute(config),) if config else config_of(container)
    unreadable = None
    for path in paths:
        plain(path, f"The config's path of the container {container.name}")
        file = await read_file(host, command, container.name, path)
        if file.text is not None and file.text.strip():
            return file
        if has_shell and container.is_running:
            told = await host.run(call(*command, "exec", "--", container.name, "cat", "--", path))
            if told.code == 0 and told.stdout.strip():
                return ContainerFile(path, told.stdout)
        if not file.is_absent:
            unreadable = unreadable or file
    if unreadable is not None:
        raise NotOnHost(
            f"The config file {unreadable.path} in {container.name} on {host.place} can't be read: "
            f"{clean(unreadable.why) or 'it is empty'}.",
            'If it is another one, say which: config = "…".',
        )
    raise NotOnHost(
        f"There is no config file {' or '.join(paths)} in {container.name} on {host.place}.",
        'Say where it is: config = "…".',
    )


# Services

_PROPERTIES: Final = " ".join(
    f"-p {name}"
    for name in (
        *("LoadState", "MainPID", "User", "ExecStart", "WorkingDirectory"),
        *("PrivateTmp", "RuntimeDirectory", "RuntimeDirectoryPreserve"),
    )
)


async def _as_service(host: Host, settings: HostSettings) -> Found:
    unit = settings.container or _UNIT
    unit = unit if "." in unit else f"{unit}.service"
    told = await host.run(
        Script(
            f'systemctl show {_PROPERTIES} -- "$1" || exit $?\nprintf \'Me=%s\\n\' "$(id -un)"',
            (unit,),
        )
    )
    check(told, host.place, "systemd")
    properties = read_environment(told.stdout.splitlines())
    if properties.get("LoadState") == "not-found":
        raise NotOnHost(
            f"There is no service {unit} on {host.place}.", 'Say how the registry is run: runtime and container = "…".'
        )
    main = properties.get("MainPID", "")
    pid = int(main) if main.isdecimal() and len(main) < 12 else 0
    command, environment = await _of_process(host, settings, pid)
    if not command:
        started = re.search(r"argv\[\]=(.*?) ;", properties.get("ExecStart", ""))
        command = started[1].split() if started else []
    directory = await _directory(host, settings, pid) or properties.get("WorkingDirectory", "").lstrip("!-") or "/"
    plain(directory, f"The directory of {unit}")
    config = settings.config or plain(_config(command, environment) or CANDIDATES[-1], f"The config's path of {unit}")
    process = Process(
        unit=unit,
        program=settings.binary or _program(command, unit),
        config=posixpath.join(directory, config),
        pid=pid,
        user=plain_name(properties.get("User", ""), f"The user of {unit}"),
        environment=environment,
    )
    text = await _text(host, settings, process.config)
    storage = read_storage(text, environment, process.config)
    if storage.root and not storage.root.startswith("/"):
        process = replace(process, directory=directory)
        storage = replace(storage, root=posixpath.normpath(posixpath.join(directory, storage.root)))
    lost = lost_by_service(unit, storage, properties)
    sharers = await processes_beside(host, _sudo(settings), pid, storage.root) if pid else []
    found = systemd_unit(
        process,
        settings,
        root=storage.root,
        me=properties.get("Me", ""),
        obstacle=lost or shared(sharers, unit),
        loses_storage=bool(lost),
        is_shared=bool(sharers),
    )
    version = await _version(host, f"{found.inside} --version")
    return Found(found, storage, version, await outdated_by_process(host, pid, process.config, unit))


async def _directory(host: Host, settings: HostSettings, pid: int) -> str:
    """Where the process runs; empty where that isn't told."""
    if pid <= 0:
        return ""
    told = await host.run(call(*_sudo(settings), "readlink", f"/proc/{pid}/cwd"))
    return told.stdout.removesuffix("\n") if told.code == 0 else ""


def _program(command: Sequence[str], unit: str) -> str:
    """The registry's program, by the command line of its service. Raises NotOnHost where that is a script around it."""
    named = [word for word in command if word.rpartition("/")[2] in PROGRAMS]
    program = command[0] if command else "docker-registry"
    if named:
        program = named[0]
    elif _INTERPRETER.fullmatch(program.rpartition("/")[2]):
        raise NotOnHost(
            f"The service {unit} runs a script, not the registry's program: {one_line(' '.join(command))[:200]}.",
            'Say what it runs: binary = "…" and config = "…", below [registries.NAME.host] in the config file.',
        )
    return plain_name(program, f"The program of {unit}")


async def _of_process(host: Host, settings: HostSettings, pid: int) -> tuple[list[str], dict[str, str]]:
    """Command line and environment: what the service really was started with."""
    if pid <= 0:
        return [], {}
    command = await host.run(call("cat", f"/proc/{pid}/cmdline"))
    environment = await host.run(call(*_sudo(settings), "cat", f"/proc/{pid}/environ"))
    if environment.code != 0 and "o such file" not in environment.said:
        # What overrides its config is there: without it another storage would be taken for the registry's.
        raise trouble(environment, host.place, "systemd")
    return command.stdout.removesuffix("\0").split("\0"), read_environment(environment.stdout.split("\0"))


async def _text(host: Host, settings: HostSettings, path: str) -> str:
    told = await host.run(call(*_sudo(settings), "cat", "--", path))
    if told.code != 0 and "o such file" in told.said:
        raise NotOnHost(f"There is no config file {path} on {host.place}.", 'Say where it is: config = "…".')
    check(told, host.place, path)
    return told.stdout


# Deployments and commands


async def _in_deployment(host: Host, settings: HostSettings) -> Found:
    if not settings.container:
        raise NotOnHost("Which deployment the registry is isn't said.", 'Add it: container = "DEPLOYMENT".')
    kubectl = ["kubectl", *(["--namespace", settings.namespace] if settings.namespace else [])]
    target = f"deployment/{settings.container}"
    told = await host.run(call(*_sudo(settings), *kubectl, "get", "-o", "json", "--", target))
    if told.code != 0 and "NotFound" in told.said:
        raise NotOnHost(f"There is no {target} on {host.place}.", "Check container and namespace in the profile.")
    check(told, host.place, "kubectl")
    try:
        template = table_at(json.loads(told.stdout), "spec", "template", "spec")
    except (ValueError, RecursionError):
        template = {}
    pods = list_at(template, "containers")
    if not pods:
        raise NotOnHost(f"kubectl on {host.place} tells nothing of {target}.")
    pod = pods[0]
    words = [str(word) for word in (*list_at(pod, "command"), *list_at(pod, "args"))]
    command = [plain(word, f"A word of the command of {target}") for word in words]
    environment = {text_at(variable, "name"): text_at(variable, "value") for variable in list_at(pod, "env")}
    named = [word for word in command if word.rpartition("/")[2] in PROGRAMS]
    program = settings.binary or (named[0] if named else "registry")
    config = settings.config or _config(command, environment)
    for path in (plain(config, f"The config's path of {target}"),) if config else CANDIDATES:
        told = await host.run(call(*_sudo(settings), *kubectl, "exec", target, "--", "cat", "--", path))
        if told.code == 0 and told.stdout.strip():
            storage = read_storage(told.stdout, environment, path)
            lost = lost_by_pod(target, template, pod, storage)
            unit = kubectl_unit(settings, program=program, config=path, root=storage.root, lost=lost)
            return Found(unit, storage, await _version(host, f"{unit.inside} --version"))
    check(told, host.place, "kubectl")
    raise NotOnHost(f"There is no config file in {target}.", 'Say where it is: config = "…".')


async def _by_command(host: Host, settings: HostSettings) -> Found:
    if not settings.command or not settings.config:
        raise NotOnHost(
            'Runtime "command" needs command and config.',
            'command = "…" runs the registry\'s program; {} are its arguments.',
        )
    unit = command_unit(settings)
    read = await host.run(call(*_sudo(settings), "cat", "--", settings.config))
    storage = StorageSettings("filesystem" if settings.storage else "", settings.storage, True, "inmemory")
    if read.code == 0:
        storage = replace(read_storage(read.stdout, {}, settings.config), root=settings.storage or "")
    return Found(unit, storage, await _version(host, f"{unit.inside} --version"))


async def _version(host: Host, line: str) -> str:
    """Of the program itself; a registry whose environment is in a file tells it too, from an empty one. `line`: a
    command line as the shell reads it."""
    told = await host.run(Script('eval "$1"', (re.sub(r"^<\S+ ", "</dev/null ", line),)))
    match = _VERSION.search(told.stdout[:10_000])
    return match[1] if match and told.code == 0 else ""


async def _can(host: Host, *words: str) -> bool:
    return (await host.run(call(*words, then=">/dev/null 2>&1"))).code == 0


def _sudo(settings: HostSettings) -> tuple[str, ...]:
    return ("sudo", "-n") if settings.sudo else ()
