"""Finds the registry on its host: the runtime, the container or the service, its config, its storage. Changes nothing.

What a profile names is taken at its word; the rest is found where it is unambiguous, else the error says what is there.
"""

from collections.abc import Sequence
from dataclasses import replace
from shlex import join

from regtui.bounded_json import parse_json_text
from regtui.host.as_service import DEFAULT_SERVICE, find_as_service
from regtui.host.configuration import CANDIDATES, StorageSettings, read_storage
from regtui.host.container_list import LIST_CONTAINERS
from regtui.host.containers import (
    PROGRAMS,
    named_config,
    read_containers,
)
from regtui.host.errors import NotOnHost, Unsafe
from regtui.host.found import Found, can_run, sudo_of, version_of
from regtui.host.hosts import Host, Script, call
from regtui.host.in_container import IS_THERE, find_in_container, runtime_command
from regtui.host.plain import list_at, plain, plain_name, table_at, text_at
from regtui.host.profile import HostSettings
from regtui.host.redis_cache import Redis, as_process, asking_script
from regtui.host.running import running_below, unknown_variables
from regtui.host.runtimes import (
    READ_ONLY_BY,
    command_unit,
    exec_words,
    kubectl_unit,
    kubectl_words,
)
from regtui.host.sharing import serving
from regtui.host.stopping import lost_by_pod, serving_together
from regtui.host.trouble import check, last_line


async def find_by_name(host: Host, settings: HostSettings, port: int) -> Found | None:
    """What is known of it without its config; None where nothing is. Raises GarbageError, SshError."""
    match settings.runtime:
        case "docker" | "podman" | "compose":
            return await find_in_container(host, settings, port, by_its_name=True)
        case "systemd":
            return await find_as_service(host, settings, by_its_name=True)
        case "kubectl" | "command":
            return None
    return await find_by_name(host, await _detected(host, settings), port)


async def find(host: Host, settings: HostSettings, port: int, *, asks_redis: bool = True) -> Found:
    """`port`: the registry's as clients reach it, to tell several apart. `asks_redis`: where the registry keeps
    something there, whether it can be cleared. Raises GarbageError, SshError."""
    match settings.runtime:
        case "docker" | "podman" | "compose":
            found = await find_in_container(host, settings, port, asks_redis=asks_redis)
        case "kubectl":
            found = await _in_deployment(host, settings, asks_redis=asks_redis)
        case "systemd":
            found = await find_as_service(host, settings)
        case "command":
            found = await _by_command(host, settings)
        case _:
            return await find(host, await _detected(host, settings), port, asks_redis=asks_redis)
    return await _with_redis(host, found) if asks_redis and found.storage.redis is not None else found


async def _with_redis(host: Host, found: Found) -> Found:
    """With what clears the registry's blob cache; unsafe where that can't be reached."""
    redis = found.storage.redis
    assert redis is not None
    why = redis.why_not
    if not why:
        words = (asking_script(), *replace(found.unit, redis=redis).redis_words)
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
        command = runtime_command(runtime, settings)
        listed = await host.run(Script(f"{IS_THERE} || exit 127\nshift\n{LIST_CONTAINERS}", (runtime, *command)))
        if listed.code == 0 and any(container.is_registry for container in read_containers(listed.stdout)):
            return replace(settings, runtime=runtime)
    unit = settings.container or DEFAULT_SERVICE
    if await can_run(host, "systemctl", "cat", "--", unit):
        return replace(settings, runtime="systemd")
    for runtime in ("docker", "podman"):
        # What keeps docker from telling is a better answer than that there is nothing.
        if (await host.run(Script(IS_THERE, (runtime,)))).code == 0:
            return replace(settings, runtime=runtime)
    raise NotOnHost(
        f"There is no registry on {host.place}: neither docker nor podman is there, nor a service {DEFAULT_SERVICE}.",
        "Say how it is run: runtime and container, below [registries.NAME.host] in the config file.",
    )


async def _in_deployment(host: Host, settings: HostSettings, *, asks_redis: bool) -> Found:
    if not settings.container:
        raise NotOnHost("Which deployment the registry is isn't said.", 'Add it: container = "DEPLOYMENT".')
    named = await host.run(call(*sudo_of(settings), "kubectl", "config", "current-context"))
    # In a pod there is none. Whatever becomes the current one meanwhile, all that follows is of this cluster.
    context = plain(named.stdout.strip(), "kubectl's current context") if named.code == 0 else ""
    kubectl = kubectl_words(settings, context)
    target = f"deployment/{settings.container}"
    told = await host.run(call(*sudo_of(settings), *kubectl, "get", "-o", "json", "--", target))
    if told.code != 0 and "NotFound" in told.said:
        raise NotOnHost(f"There is no {target} on {host.place}.", "Check container and namespace in the profile.")
    check(told, host.place, "kubectl")
    try:
        described = parse_json_text(told.stdout)
    except ValueError:
        described = {}
    template = table_at(described, "spec", "template", "spec")
    pods = list_at(template, "containers")
    if not pods:
        raise NotOnHost(f"kubectl on {host.place} tells nothing of {target}.")
    pod = pods[0]
    container = plain_name(text_at(pod, "name"), f"The name of the container of {target}")
    words = [str(word) for word in (*list_at(pod, "command"), *list_at(pod, "args"))]
    command = [plain(word, f"A word of the command of {target}") for word in words]
    environment = {text_at(variable, "name"): text_at(variable, "value") for variable in list_at(pod, "env")}
    programs = [word for word in command if word.rpartition("/")[2] in PROGRAMS]
    program = settings.binary or (programs[0] if programs else "registry")
    running = await running_below(host, 0, (*sudo_of(settings), *kubectl, *exec_words(target, container), "--"))
    if running is not None:
        command, environment = [*running.command], {**running.environment}
    config = settings.config or named_config(command, environment)
    for path in (plain(config, f"The config's path of {target}"),) if config else CANDIDATES:
        told = await host.run(
            call(*sudo_of(settings), *kubectl, *exec_words(target, container), "--", "cat", "--", path)
        )
        if told.code == 0 and told.stdout.strip():
            storage = read_storage(told.stdout, environment, path)
            lost = lost_by_pod(target, template, pod, storage)
            unit = kubectl_unit(
                settings,
                program=program,
                config=path,
                root=storage.root,
                lost=lost,
                was_read_only=_read_only_by(pods[:1] if container else pods),
                place=(context, text_at(described, "metadata", "namespace") or settings.namespace),
                inside=container,
            )
            if asks_redis and storage.redis is not None and not storage.redis.why_not:
                inside = (*sudo_of(settings), *kubectl, *exec_words(target, container, "-i"), "--")
                redis, via = await _by_pod(host, inside, storage.redis)
                storage, unit = replace(storage, redis=redis), replace(unit, redis_via=via)
            unsafe = None if running is not None else unknown_variables(target, pod)
            return Found(unit, storage, await version_of(host, f"{unit.inside} --version"), unsafe)
    check(told, host.place, "kubectl")
    raise NotOnHost(f"There is no config file in {target}.", 'Say where it is: config = "…".')


async def _by_pod(host: Host, inside: Sequence[str], redis: Redis) -> tuple[Redis, str]:
    """With a command line that leads to redis from the pod, whose loopback, names and networks are its own: what
    answers to the host at the same address may be another one. `inside`: what runs a command in the pod."""
    if await can_run(host, *inside, "sh", "-c", "command -v nc"):
        return redis, join((*inside, "nc", redis.host, str(redis.port)))
    return replace(redis, why_not="it is reached from the pod alone, and there is no nc in its image to ask by"), ""


def _read_only_by(pods: Sequence[object]) -> str | None:
    """The variable that makes a registry read-only, as the deployment sets it: empty where it doesn't, None where it
    could not be set so again."""
    told = [
        (number, variable)
        for number, pod in enumerate(pods)
        for variable in list_at(pod, "env")
        if text_at(variable, "name") == READ_ONLY_BY
    ]
    if not told:
        return ""
    number, variable = told[0]
    value = text_at(variable, "value")
    is_plain = len(told) == 1 and number == 0 and value and value.isprintable()
    return value if is_plain else None


async def _by_command(host: Host, settings: HostSettings) -> Found:
    if not settings.command or not settings.config:
        raise NotOnHost(
            'Runtime "command" needs command and config.',
            'command = "…" runs the registry\'s program; {} are its arguments.',
        )
    unit = command_unit(settings)
    read = await host.run(call(*sudo_of(settings), "cat", "--", settings.config))
    storage = StorageSettings("filesystem" if settings.storage else "", settings.storage, True, "inmemory")
    beside = await serving(host, sudo_of(settings), 0, settings.storage)
    if len(beside) > 1:
        unit = replace(unit, is_shared=True, obstacle=serving_together([*beside.values()], settings.storage))
    pid = next(iter(beside)) if len(beside) == 1 else 0
    running = await running_below(host, pid, sudo_of(settings)) if pid else None
    if read.code == 0:
        environment = running.environment if running is not None else {}
        storage = replace(read_storage(read.stdout, environment, settings.config), root=settings.storage or "")
        storage = replace(storage, redis=await as_process(host, sudo_of(settings), pid, storage.redis))
    return Found(unit, storage, await version_of(host, f"{unit.inside} --version"))
