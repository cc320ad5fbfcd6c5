"""A registry in a container, of docker, podman or a compose project: found, with its config and its storage."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from regtui.host.asker import line_beside, words_beside
from regtui.host.compose import Compose, find_compose
from regtui.host.configuration import StorageSettings, read_storage
from regtui.host.container_files import ContainerFile, read_file
from regtui.host.container_list import inspect_containers
from regtui.host.containers import (
    Container,
    check_names,
    choose,
    config_of,
    names_of,
    read_containers,
)
from regtui.host.errors import NotOnHost, Unsafe
from regtui.host.found import Found, can_run, shell_and_version, sudo_of, version_of
from regtui.host.hosts import Host, ScriptOutput, call
from regtui.host.network_names import means_another, reach
from regtui.host.plain import plain, plain_name
from regtui.host.profile import HostSettings
from regtui.host.real_places import seen_by
from regtui.host.redis_cache import Redis
from regtui.host.running import RunningProcess, is_as_set, running_below, unlike_its_settings
from regtui.host.runtimes import by_name, container_unit
from regtui.host.sharing import containers_beside, processes_beside
from regtui.host.stand_in import why_not
from regtui.host.stopping import (
    edited,
    lost_by_container,
    outdated,
    shared,
    taken,
    unconfined,
)
from regtui.host.trouble import check
from regtui.text import clean

_BY_NAME: Final = "Its config can't be read."
_ID: Final = re.compile("[0-9a-f]{1,64}")
_REPLICAS: Final = 1000
IS_THERE: Final = 'command -v "$1" >/dev/null 2>&1'


def runtime_command(name: str, settings: HostSettings) -> list[str]:
    """The words that its commands begin with."""
    return [*(["sudo", "-n"] if settings.sudo else []), "docker" if name == "compose" else name]


async def find_in_container(
    host: Host, settings: HostSettings, port: int, *, by_its_name: bool = False, asks_redis: bool = True
) -> Found:
    """`port`: the registry's as clients reach it. `by_its_name`: without its config. Raises NotOnHost, and what SSH and
    the runtime have against it."""
    command = runtime_command(settings.runtime, settings)
    compose = await find_compose(host, command, settings.directory) if settings.runtime == "compose" else None
    replicas = await _of_service(host, command, settings, compose) if compose else []
    there: list[Container] = []
    if not replicas and not settings.container:
        there = await _all(host, command)
    container = check_names(
        _first(replicas, port) if replicas else await _container(host, command, settings, port, there)
    )
    await _must_publish(host, command, container, port)
    program = settings.binary or container.program
    if by_its_name:
        named = container_unit(
            command,
            container,
            settings,
            program=program,
            config="",
            root="",
            driver="",
            has_shell=False,
            compose=compose,
            no_stand_in=_BY_NAME,
        )
        return Found(by_name(named), StorageSettings("", "", False, ""), "")
    has_shell, version = False, ""
    if container.is_running:
        has_shell, version = await shell_and_version(host, (*command, "exec", "--", container.handle), program)
    else:
        if why := unconfined(container):
            # All that is asked of it is asked beside it.
            raise Unsafe(why)
        has_shell = await can_run(host, *words_beside(command, container, ("--network", "none"), "sh", "-c", ":"))
    running = await _running(host, settings, command, container, has_shell)
    started = container
    if running is not None:
        started = replace(container, command=running.command, environment=running.environment)
    file = await _config_file(host, command, started, settings.config, has_shell)
    storage = read_storage(file.text or "", started.environment, file.path)
    unlike = unlike_its_settings(container, running, file.text or "", file.path, storage) if has_shell else None
    storage = replace(storage, root=container.absolute(storage.root))
    host_root = "" if has_shell else await _on_host(host, settings, container, storage.root)
    shell = (*command, "exec", "--", container.handle, "sh")
    real = await seen_by(host, shell, storage.root) if has_shell and container.is_running and storage.root else ()
    lost = await lost_by_container(host, command, container, storage, real)
    there = there or await _all(host, command)
    sharers = await _sharers(host, settings, command, container, storage, replicas, there)
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
        obstacle=lost
        or unconfined(container)
        or shared(sharers, container.name)
        or taken(there, container.name)
        or await edited(host, command, container, file.path),
        loses_storage=bool(lost),
        is_shared=bool(sharers),
        has_replicas=len(replicas) > 1,
        no_stand_in=why_not(container, storage),
    )
    redis = storage.redis
    if asks_redis and redis is not None and not redis.why_not:
        redis, via = await _within(host, command, container, redis, has_shell)
        storage, unit = replace(storage, redis=redis), replace(unit, redis_via=via)
    if container.is_running and not has_shell:
        version = await version_of(host, f"{unit.inside} --version")
    return Found(unit, storage, version, unlike or outdated(container, file))


async def _running(
    host: Host, settings: HostSettings, command: Sequence[str], container: Container, has_shell: bool
) -> RunningProcess | None:
    """Its registry's own process, where what its settings say may not be what that has."""
    if is_as_set(container) or not container.pid:
        return None
    within = [(*command, "exec", "--", container.handle)] if has_shell else []
    return await running_below(host, container.pid, sudo_of(settings), *within)


# $1 is what is mounted, and nothing but it is the host's own: below it no link leads anywhere.
_WHERE: Final = """\
top=$(cd -P -- "$1" && pwd -P) && cd -P -- "$top$2" && test "$(pwd -P)" = "${top%/}$2" && test -r . && pwd -P"""


async def _on_host(host: Host, settings: HostSettings, container: Container, root: str) -> str:
    """Where the host has the storage, without links; empty where it has none, or can't read it."""
    mount = container.mount_of(root) if root else ""
    if not mount or not container.mounts[mount]:
        return ""
    place = (container.mounts[mount], root[len(mount) :])
    told = await host.run(call(*sudo_of(settings), "sh", "-c", _WHERE, "sh", *place))
    path = told.stdout.removesuffix("\n")
    return plain(path, f"The storage of {container.name}") if told.code == 0 else ""


async def _within(
    host: Host, command: Sequence[str], container: Container, redis: Redis, has_shell: bool
) -> tuple[Redis, str]:
    """By what the container's network has, never by what the host takes its address for: a command line that leads
    there, or the IP address that does from the host, too."""
    told = await inspect_containers(host, command)
    leads = reach(redis.host, container, told)
    # What has the host's network gets there as the host does; what has none gets nowhere.
    may_ask = container.network != "none" and not (container.network == "host" and leads.why_not)
    if has_shell and may_ask and not means_another(redis.host, container, told):
        via = await _by_container(host, command, container, redis)
        if via:
            return redis, via
    return replace(redis, host=leads.address or redis.host, why_not=leads.why_not), ""


async def _by_container(host: Host, command: Sequence[str], container: Container, redis: Redis) -> str:
    """A command line that leads to redis from the container's network, which has names of its own."""
    if container.unconfined or not container.only_network:
        return ""
    options = ("-i", "--network", container.only_network)
    if not await can_run(host, *words_beside(command, container, options, "sh", "-c", "command -v nc")):
        return ""
    return line_beside(command, container, options, "nc", redis.host, str(redis.port))


async def _sharers(
    host: Host,
    settings: HostSettings,
    command: Sequence[str],
    container: Container,
    storage: StorageSettings,
    replicas: Sequence[Container],
    there: Sequence[Container],
) -> list[str]:
    """Other registries on the same storage, by name. `replicas`: what is stopped and started together with ours;
    `there`: all of the host's containers."""
    together = {replica.id for replica in replicas}
    names = await containers_beside(host, command, (c for c in there if c.id not in together), container, storage)
    # What a killed collection left can't write.
    harmless = {other.pid for other in there if other.is_stand_in or other.id in together}
    if names:
        # Those of containers have names already.
        return names
    root = storage.root if container.pid or not storage.root else container.on_host(storage.root)
    found = await processes_beside(host, sudo_of(settings), container.pid, root, harmless)
    # Where it runs, and its process isn't told, one of them is its own.
    return found if container.pid or not container.is_running or len(found) > 1 else []


async def _all(host: Host, command: Sequence[str]) -> list[Container]:
    return read_containers(await inspect_containers(host, command))


async def _container(
    host: Host, command: Sequence[str], settings: HostSettings, port: int, containers: Sequence[Container]
) -> Container:
    """The one that the profile names, else the one of `containers`, all that there are, that is a registry."""
    if settings.container:
        told = await host.run(call(*command, "inspect", "--type", "container", "--", settings.container))
        if told.code != 0 and _NO_SUCH.search(told.said):
            there = await _all(host, command)
            raise NotOnHost(f"There is no container {settings.container} on {host.place}.", _there(there))
        return _one(told, host.place, command[-1])
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
    there = await _all(host, command)
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


async def _of_service(host: Host, command: Sequence[str], settings: HostSettings, compose: Compose) -> list[Container]:
    """The containers that compose stops and starts as the service: one, or its replicas."""
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
    ids = [word for word in told.stdout.split() if _ID.fullmatch(word)][:_REPLICAS]
    if ids:
        told = await host.run(call(*command, "inspect", "--type", "container", "--", *ids))
        check(told, host.place, command[-1])
    # What `compose run` left, it lists as well, and leaves alone when it stops the service.
    containers = [container for container in read_containers(told.stdout) if not container.is_one_off] if ids else []
    if not containers:
        raise NotOnHost(
            f"The compose service {settings.container} has no container on {host.place}.",
            'Check the service\'s name, and directory = "…" where its compose file is.',
        )
    return containers


def _first(replicas: Sequence[Container], port: int) -> Container:
    """The one that is reached at `port`, else one that runs."""
    return min(replicas, key=lambda replica: (port not in replica.ports, not replica.is_running))


async def _config_file(
    host: Host, command: Sequence[str], container: Container, config: str, has_shell: bool
) -> ContainerFile:
    """The config. What is on a tmpfs can't be copied out: there a program inside is asked, if there is one."""
    paths = (container.absolute(config),) if config else config_of(container)
    unreadable = None
    for path in paths:
        plain(path, f"The config's path of the container {container.name}")
        file = await read_file(host, command, container.handle, path)
        if file.text is not None and file.text.strip():
            return file
        if has_shell and container.is_running:
            told = await host.run(call(*command, "exec", "--", container.handle, "cat", "--", path))
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
