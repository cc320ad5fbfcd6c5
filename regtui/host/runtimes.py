"""How a registry is run, as command lines for a POSIX shell: to collect in it and beside it, to stop and to start it.

All of them can be copied and run by hand; every word that came from outside is quoted. Behaviour of docker and podman
as seen on podman 4.3.1, whose command line is docker's.
"""

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from json import dumps
from shlex import join, quote
from typing import Final

from regtui import bounds
from regtui.host.asker import line_beside
from regtui.host.compose import Compose
from regtui.host.containers import Container
from regtui.host.keep_out import KeepOut
from regtui.host.ours import ASKER, COLLECTOR, STAND_IN, prints
from regtui.host.profile import HostSettings
from regtui.host.redis_cache import REQUEST, Redis
from regtui.host.stand_in import StandIn, stand_in
from regtui.text import one_line

ENVIRONMENT_FILE: Final = "registry.env"
"""Beside the run's script: the environment of the registry, for the collector beside it. It may hold passwords."""

# Of a service's environment, what the registry and its storage drivers read.
_OF_REGISTRY: Final = ("REGISTRY_", "AWS_", "GOOGLE_", "OTEL_")
_EXPORT: Final = r"s/^\({}[A-Za-z0-9_]*\)=\(.*\)$/export \1='\2'/p"

# A shell in directory $1, which is where it is called and nothing that a link leads to.
_WITHIN: Final = 'cd -P -- "$1" && test "$(pwd -P)" = "$1" && shift && exec sh "$@"'

# A value with line breaks would be several variables to whoever reads lines. What Go's %#q leaves as it is, it puts
# between backquotes; the rest is told apart by that, and left out.
_VARIABLES: Final = r'{{range .Config.Env}}{{printf "%#q\n" .}}{{end}}'
_AS_A_FILE: Final = r"sed -n 's/^`\([A-Za-z_][A-Za-z0-9_]*=.*\)`$/\1/p'"
_IN_NO_FILE: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f`\ufeff\ufffd]")

_KINDS: Final = {
    **dict.fromkeys(("docker", "podman"), "The container"),
    "systemd": "The service",
    "kubectl": "The deployment",
    "command": "What runs as",
}
_NO_CONTAINER: Final = "While {} is stopped nothing can serve pulls: a stand-in can be had for containers only."
READ_ONLY_BY: Final = "REGISTRY_STORAGE_MAINTENANCE_READONLY"
_READ_ONLY: Final = f"""{READ_ONLY_BY}='{{"enabled":true}}'"""
_NEVER_SAID: Final = "The profile doesn't say how to stop it and how to start it: stop, start."
_NOT_PUT_BACK: Final = (
    f"{READ_ONLY_BY} of {{}} comes from elsewhere, or is set in several of its containers: made read-only by it, the "
    "deployment could not be put back as it was. Say how it is made read-only and back: read_only, read_write."
)


@dataclass(frozen=True, slots=True)
class Unit:
    """One registry on its host. Command lines are empty where there is none.

    `inside` and `beside` run the registry's program, the one where the registry is running, the other while it is
    stopped; `shell` and `shell_beside` likewise a shell (its -c follows) that sees the storage, below `root` (which
    is not the config's path where the shell runs outside a container). `check` succeeds while the registry is
    running. `is_still` succeeds where what has the registry's name is still what was looked at, and `is_another`
    where that is something else by now: that is neither stopped nor started. `quit` ends what was started beside
    it, the collector and what stands in for it, and `gone` succeeds where there is neither; `process` is the
    command line of one that is a process of the host's own, `user` whose it is, `kill` what ends such a process, and
    `readlink` what tells its namespaces. `prepare` comes before `stop`, `tidy` after the collector. `hold` sees to it
    that the registry comes up with its host while it is stopped, `release` takes that back. `lock`: what no two
    collections may share. `place`: beside runtime and name, what tells it from all others on its host.
    """

    runtime: str
    name: str
    config: str
    is_running: bool
    inside: str
    root: str = ""
    shell: str = ""
    shell_beside: str = ""
    beside: str = ""
    prepare: tuple[str, ...] = ()
    tidy: tuple[str, ...] = ()
    stop: str = ""
    start: str = ""
    check: str = ""
    any_runs: str = ""
    """Succeeds while anything runs that `stop` stops: any replica, also a new one. Empty where `check` tells."""
    is_still: str = ""
    is_another: str = ""
    quit: str = ""
    gone: str = ""
    quit_asking: str = ""
    """Ends what asks something beside it."""
    process: str = ""
    user: str = ""
    kill: str = "kill"
    readlink: str = "readlink"
    hold: str = ""
    release: str = ""
    lock: str = ""
    place: tuple[str, ...] = ()
    read_only: str = ""
    read_write: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    obstacle: str = ""
    """Why the registry can't be stopped for it, with what to do."""
    no_restart: str = ""
    """Why it can't be stopped and started at all, also where nothing runs beside it."""
    rolls_out: bool = False
    """Made read-only and back, it is another process each time."""
    redis: Redis | None = None
    """What the registry keeps of its blobs there is cleared before the sweep and after it; `redis_via`: a command line
    that leads there as the registry gets there, empty where the host itself gets there."""
    redis_via: str = ""
    stand_in: StandIn | None = None
    """What answers pulls while it is stopped; `no_stand_in` says why nothing can."""
    no_stand_in: str = ""
    loses_storage: bool = False
    """Stopped, restarted or made anew it loses its storage."""
    is_shared: bool = False
    """Other registries have the same storage: what keeps pushes out of this one doesn't keep them out of those, nor
    does what clears its cache clear theirs."""
    container: str = ""
    """What commands call the only container that it is; empty where it is none, or has replicas."""
    is_by_name: bool = False
    """It was found by its name alone: config and storage aren't known. A run of it can be told of, and ended."""
    is_outside: bool = False
    """The shell is the host's own, and may have rights that the registry hasn't: it removes nothing while the registry
    could put links under its hands."""

    @property
    def title(self) -> str:
        """What begins a sentence about it."""
        return f"{_KINDS.get(self.runtime, 'The compose service')} {self.name}" if self.name else "The registry"

    @property
    def identity(self) -> str:
        """One for this registry, and no other one on its host: whatever words it is made of."""
        return join([self.runtime, self.name, *self.place])

    @property
    def forget(self) -> str:
        """Clears what the registry keeps of its blobs in redis: in the run's directory, where the request lies."""
        if self.redis is None:
            return ""
        return f"sh redis.sh {join(self.redis_words)} < {REQUEST}"

    @property
    def redis_words(self) -> tuple[str, ...]:
        """What redis.sh is called with."""
        assert self.redis is not None
        return (self.redis_via, self.redis.host, str(self.redis.port), self.quit_asking, f"{bounds.REDIS:.0f}")

    @property
    def sees_storage(self) -> bool:
        """Whether there is a shell now that does."""
        return bool(self.root and (self.shell if self.is_running else self.shell_beside))

    @property
    def ways(self) -> tuple[KeepOut, ...]:
        """How pushes can be kept out, the best first."""
        if self.is_shared:
            return ()
        if self.loses_storage:
            return (KeepOut.ONLINE,)
        stop = (KeepOut.STOP,) if self.stop and self.start and not self.obstacle else ()
        stand_in = (KeepOut.STAND_IN,) if stop and self.stand_in else ()
        read_only = (KeepOut.READ_ONLY,) if self.read_only and self.read_write else ()
        return (*stop, *stand_in, *read_only, KeepOut.ONLINE)

    def collector(self, *, dry_run: bool = False, running: bool = True) -> str:
        """The collector's command line."""
        flags = " --dry-run" if dry_run else ""
        return f"{self.inside if running else self.beside} garbage-collect{flags} {quote(self.config)}"


def container_unit(
    runtime: Sequence[str],
    container: Container,
    settings: HostSettings,
    *,
    program: str,
    config: str,
    root: str,
    driver: str,
    has_shell: bool,
    host_root: str = "",
    compose: Compose | None = None,
    obstacle: str = "",
    loses_storage: bool = False,
    is_shared: bool = False,
    has_replicas: bool = False,
    no_stand_in: str = "",
) -> Unit:
    """A registry in docker or podman; `runtime` is its command, with sudo where that is needed. In compose it is
    stopped and started as a service. `host_root`: where the host has the storage, for images without a shell.
    `obstacle`: why it can't be stopped, where that isn't seen by the container itself.
    """
    name = container.name
    # The user's own commands that switch it to read-only and back may make it anew, which then has another id.
    handle = name if settings.read_only else container.handle
    # Not the image's name: by now it may be another version's.
    volumes = ["--volumes-from", handle]
    if container.is_podmans:
        # Before 4.7 it refuses a bind mount where the image, as all official ones, has a VOLUME.
        volumes += ["--image-volume", "ignore"]
    beside = [*runtime, "run", "--rm", *COLLECTOR.options(name), *container.confined, *volumes]
    # Only object stores need the network: without it nothing can push into what runs beside.
    beside += ["--network", "none" if driver == "filesystem" else container.network or "default"]
    beside += ["--user", container.user] if container.user else []
    # Of what is relative in its config.
    beside += ["--workdir", container.directory] if container.directory else []
    shell = line_beside(runtime, container, ("-i", "--network", "none", *volumes), "sh")
    outside = _with_sudo(settings, join(["sh", "-c", _WITHIN, "sh", host_root])) if host_root else ""
    stop, start = join([*runtime, "stop", "--", handle]), join([*runtime, "start", "--", handle])
    if compose is not None:
        stop, start = (join(compose.words(verb, settings.container)) for verb in ("stop", "start"))
    inspect = [*runtime, "inspect", "--type", "container", "--format"]
    variables = join([*inspect, _VARIABLES, "--", handle])
    is_still, is_another = _identity(inspect, container)
    if settings.read_only:
        is_another = ""
    hold, release = _kept_for_a_reboot(runtime, container)
    check = prints(join([*inspect, "{{.State.Running}}", "--", handle]), "true")
    kept = _kept(container)
    unlike = _in_itself(container, root if driver == "filesystem" else "") or _unsaid(container)
    return Unit(
        runtime=compose.name if compose else runtime[-1],
        name=settings.container if compose else name,
        config=config,
        container="" if has_replicas else handle,
        is_running=container.is_running,
        inside=join([*runtime, "exec", "--", handle, program]),
        root=root if has_shell else "." if host_root else "",
        is_outside=not has_shell and bool(host_root),
        shell=join([*runtime, "exec", "-i", "--", handle, "sh"]) if has_shell else outside,
        shell_beside=shell if has_shell else outside,
        beside=f"{join(beside)} --env-file {ENVIRONMENT_FILE} {join(['--entrypoint', program, '--', container.image])}",
        prepare=(f"{variables} | {_AS_A_FILE} > {ENVIRONMENT_FILE}",),
        tidy=(f"rm -f {ENVIRONMENT_FILE}",),
        stop=stop,
        start=start,
        check=check,
        any_runs=f"{check} || {_any_of(runtime, container)}" if compose and container.service else "",
        is_still=is_still,
        is_another=is_another,
        # One at a time: where one isn't there, podman leaves the others.
        quit="; ".join(each.removal(runtime, name) for each in (COLLECTOR, STAND_IN)),
        quit_asking=ASKER.removal_of_all(runtime, name),
        # Where the runtime doesn't answer, nobody knows.
        gone=f"names=$({{ {COLLECTOR.listing(runtime, name)} && {STAND_IN.listing(runtime, name)} && echo .; }} "
        f'| head -c {bounds.HOST_IDS}) && test "$(printf \'%s\\n\' "$names" | tail -n 1)" = . && '
        f"! printf '%s\\n' \"$names\" | grep -Fxq -e {quote(COLLECTOR.name(name))} -e {quote(STAND_IN.name(name))}",
        hold=hold,
        release=release,
        lock=(container.on_host(root) if driver == "filesystem" else "") or f"container {container.id or name}",
        # As root there are other containers of the same names, and every project of compose may have such a service.
        place=(*runtime[:-1], *((posixpath.normpath(settings.directory or "."),) if compose else ())),
        read_only=settings.read_only,
        read_write=settings.read_write,
        environment=container.environment,
        obstacle=obstacle or kept or unlike,
        no_restart=obstacle if loses_storage else kept,
        loses_storage=loses_storage,
        is_shared=is_shared,
        stand_in=None if no_stand_in else stand_in(runtime, container, ENVIRONMENT_FILE),
        no_stand_in=no_stand_in,
    )


def _identity(inspect: Sequence[str], container: Container) -> tuple[str, str]:
    """Whether the name still is that of the container that was looked at, as it was started then; and whether it is
    another one's by now."""
    if not container.id:
        return "", ""
    asked = join([*inspect, "{{.Id}}", "--", container.name])
    # Started anew it may have another config, though it is the same one.
    begun = join([*inspect, "{{.Id}} {{json .State.StartedAt}}", "--", container.name])
    started = container.started_at
    return (
        prints(begun, f"{container.id} {dumps(started)}") if started else prints(asked, container.id),
        # Where none has the name, or the runtime doesn't answer, no other one has been seen.
        f"case $({{ {asked} && echo .; }} | head -c {bounds.HOST_VERSION} | tr '\\n' ' ') in "
        f"' . ' | '. ' | {quote(f'{container.id} . ')}) false ;; *' . ') ;; *) false ;; esac",
    )


def _any_of(runtime: Sequence[str], container: Container) -> str:
    """Succeeds while a container of its compose service runs."""
    filters = [word for label in container.service for word in ("--filter", f"label={label}")]
    return f'test -n "$({join([*runtime, "ps", "-q", *filters])} | head -c {bounds.HOST_VERSION})"'


def _unsaid(container: Container) -> str:
    """What of its environment the collector beside it couldn't have."""
    for name, value in sorted(container.environment.items()):
        if name.startswith(_OF_REGISTRY) and _IN_NO_FILE.search(value):
            return (
                f"The variable {one_line(name)[:80]} of {container.name} holds line breaks or other control "
                "characters: what runs beside it can't have it so. Write it in one line, or into the config file."
            )
    return ""


def _kept_for_a_reboot(runtime: Sequence[str], container: Container) -> tuple[str, str]:
    """Stopped by us, docker would leave a container of this policy alone when the host comes up again."""
    if runtime[-1] != "docker" or container.restart != "unless-stopped":
        return "", ""
    hold, release = (
        join([*runtime, "update", f"--restart={policy}", "--", container.handle])
        for policy in ("always", container.restart)
    )
    return hold, release


def _kept(container: Container) -> str:
    if not container.keeper:
        return ""
    return f"The container {container.name} can't be stopped for a collection: {container.keeper}."


def _in_itself(container: Container, root: str) -> str:
    if not root or container.mount_of(root):
        return ""
    return (
        f"The storage {root} of {container.name} is in the container itself, in no volume: nothing beside it can "
        "collect there. Give the registry a volume."
    )


def by_name(unit: Unit) -> Unit:
    """What is known of it where its config can't be read, or is none."""
    return replace(unit, is_by_name=True, inside="", beside="", shell="", shell_beside="", stand_in=None)


@dataclass(frozen=True, slots=True)
class Process:
    """A systemd unit, and its process where it is running. `user` is empty for root's own."""

    unit: str
    program: str
    config: str
    pid: int
    user: str
    environment: Mapping[str, str] = field(repr=False)
    directory: str = ""
    """Where it runs, where something of its config is relative to that."""


def systemd_unit(
    process: Process,
    settings: HostSettings,
    *,
    root: str,
    me: str,
    obstacle: str = "",
    loses_storage: bool = False,
    is_shared: bool = False,
) -> Unit:
    """A plain binary as a systemd service; `me` is who is logged in on the host. The registry's program, and what reads
    and changes its storage, run as the service's user: nothing that they write belongs to root, and what the service
    may have arranged (its command line, links in its storage) gives it no rights that it hasn't."""
    user = process.user or "root"
    as_user = "".join(f"{quote(word)} " for word in words_as_user(settings, user, me))
    program = quote(process.program)
    if process.directory:
        program = f'sh -c \'cd -- "$1" && shift && exec "$@"\' sh {quote(process.directory)} {program}'
    run = f"{as_user}{program}"
    prepare: tuple[str, ...] = ()
    if any(name.startswith(_OF_REGISTRY) for name in process.environment):
        # Through a file and stdin: values may be passwords, and what stands in a command line everybody can read.
        kept = " ".join(f"-e {quote(_EXPORT.format(name))}" for name in _OF_REGISTRY)
        read = _with_sudo(settings, f"cat /proc/{process.pid}/environ")
        # A line break within a value, else the begin of another variable, is \001 meanwhile, which YAML can't have. Of
        # a process that has ended nothing is there: without it the collector would take another storage.
        quoted = f"LC_ALL=C sed -n -e \"s/'/'\\\\\\\\''/g\" {kept}"
        prepare = (
            f"{read} | tr '\\n\\0' '\\001\\n' | {quoted} | tr '\\001' '\\n' > {ENVIRONMENT_FILE}",
            f"test -s {ENVIRONMENT_FILE}",
        )
        # Read, and not opened again as /dev/stdin: the service's user has no right to the file.
        run = f'<{ENVIRONMENT_FILE} {as_user}sh -c \'eval "$(cat)"; exec "$@"\' sh {program}'
    shell = f"{as_user}sh"
    return Unit(
        runtime="systemd",
        name=process.unit,
        config=process.config,
        is_running=process.pid > 0,
        inside=run,
        beside=run,
        prepare=prepare,
        tidy=(f"rm -f {ENVIRONMENT_FILE}",) if prepare else (),
        root=root,
        shell=shell,
        shell_beside=shell,
        stop=_with_sudo(settings, join(["systemctl", "stop", "--", process.unit])),
        start=_with_sudo(settings, join(["systemctl", "start", "--", process.unit])),
        check=join(["systemctl", "is-active", "--quiet", "--", process.unit]),
        # Started anew it may have another config, or another storage. Afterwards it is told by its name alone.
        is_still=f"{join(['systemctl', 'show', '-p', 'MainPID', '--', process.unit])} | "
        f"grep -Fxq MainPID={max(process.pid, 0)}",
        process=f"{process.program} garbage-collect {process.config}",
        user=user,
        kill=_with_sudo(settings, "kill"),
        readlink=_with_sudo(settings, "readlink"),
        lock=root or f"service {process.unit}",
        read_only=settings.read_only,
        read_write=settings.read_write,
        environment=process.environment,
        obstacle=obstacle,
        no_stand_in=_NO_CONTAINER.format(process.unit),
        no_restart=obstacle if loses_storage else "",
        loses_storage=loses_storage,
        is_shared=is_shared,
    )


def words_as_user(settings: HostSettings, user: str, me: str) -> tuple[str, ...]:
    """What comes before a command that runs with the rights of `user`; `me` is who is logged in on the host."""
    if user == me:
        return ()
    return ("sudo", "-n", "-u", user, "--") if settings.sudo else ("runuser", "-u", user, "--")


def kubectl_words(settings: HostSettings, context: str) -> list[str]:
    """What each call of kubectl begins with. `context`: empty where there is none."""
    pinned = [f"--context={context}"] if context else []
    return ["kubectl", *pinned, *(["--namespace", settings.namespace] if settings.namespace else [])]


def exec_words(target: str, container: str, *options: str) -> list[str]:
    """What runs a command in a deployment's pod, in its container of that name, else in the first one."""
    return ["exec", *options, target, *_of_container(container)]


def _of_container(name: str) -> list[str]:
    return ["-c", name] if name else []


def kubectl_unit(
    settings: HostSettings,
    *,
    program: str,
    config: str,
    root: str,
    lost: str = "",
    place: tuple[str, str] = ("", ""),
    inside: str = "",
    was_read_only: str | None = "",
) -> Unit:
    """A deployment. Pushes are kept out by rolling it out read-only: a stopped deployment has no pod to collect in.
    `place`: its kubectl context and namespace. `inside`: its container's name. `was_read_only`: the variable that it is
    made read-only by, as it is set already; None where that can't be put back."""
    context, _ = place
    kubectl = kubectl_words(settings, context)
    target = f"deployment/{settings.container}"

    def words(*arguments: str) -> str:
        return _with_sudo(settings, join([*kubectl, *arguments]))

    rolled_out = words("rollout", "status", target, "--timeout=120s")
    put_back = quote(f"{READ_ONLY_BY}={was_read_only}") if was_read_only else f"{READ_ONLY_BY}-"
    can_be_set = was_read_only is not None
    set_variable = words("set", "env", target, *_of_container(inside))
    read_only = f"{set_variable} {_READ_ONLY} && {rolled_out}" if can_be_set else ""
    read_write = f"{set_variable} {put_back} && {rolled_out}" if can_be_set else ""
    return Unit(
        runtime="kubectl",
        name=settings.container,
        config=config,
        is_running=True,
        inside=words(*exec_words(target, inside), "--", program),
        root=root,
        shell=words(*exec_words(target, inside, "-i"), "--", "sh"),
        start=f"{words('rollout', 'restart', target)} && {rolled_out}",
        check=words("get", target),
        read_only=settings.read_only or read_only,
        read_write=settings.read_write or read_write,
        obstacle=lost or ("" if can_be_set or settings.read_only else _NOT_PUT_BACK.format(target)),
        no_restart=lost,
        rolls_out=can_be_set and not settings.read_only and not settings.read_write,
        loses_storage=bool(lost),
        lock=join(["kubectl", settings.container, *place]),
        place=place,
    )


def command_unit(settings: HostSettings) -> Unit:
    """A free template: `{}` in the command is where the collector's arguments go; without one they go to its end."""
    before, has_place, after = settings.command.partition("{}")
    if has_place and after.strip():
        # A function, so that what is left of {} and what is right of it stay one command.
        run = f'{before}"$@"{after}'
        run = f"sh -c {quote(run)} registry"
    else:
        run = before.rstrip()
    shell = _with_sudo(settings, "sh") if settings.storage else ""
    no_restart = "" if settings.stop and settings.start else _NEVER_SAID
    return Unit(
        runtime="command",
        name=settings.container or "the registry",
        config=settings.config,
        is_running=True,
        inside=run,
        beside=run,
        root=settings.storage,
        shell=shell,
        shell_beside=shell,
        is_outside=bool(shell),
        stop=settings.stop,
        start=settings.start,
        read_only=settings.read_only,
        read_write=settings.read_write,
        lock=settings.storage,
        place=(settings.command, settings.config, settings.storage, settings.stop, settings.start),
        no_stand_in=_NO_CONTAINER.format(settings.container or "the registry"),
        obstacle=no_restart,
        no_restart=no_restart,
    )


def _with_sudo(settings: HostSettings, command: str) -> str:
    return f"sudo -n {command}" if settings.sudo else command
