"""A registry as a service of systemd: found by its process, with its config and its storage."""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from regtui.host.configuration import CANDIDATES, StorageSettings, read_storage
from regtui.host.containers import (
    PROGRAMS,
    named_config,
    read_environment,
)
from regtui.host.errors import HostNotAllowed, NotOnHost, Unsafe
from regtui.host.found import Found, sudo_of, version_of
from regtui.host.hosts import Host, Script, call
from regtui.host.plain import plain, plain_name
from regtui.host.profile import HostSettings
from regtui.host.real_places import named_on_host
from regtui.host.redis_cache import as_process
from regtui.host.runtimes import (
    Process,
    by_name,
    systemd_unit,
    words_as_user,
)
from regtui.host.sharing import processes_beside
from regtui.host.stopping import (
    lost_by_service,
    outdated_by_process,
    shared,
)
from regtui.host.trouble import check, last_line, trouble
from regtui.text import one_line

DEFAULT_SERVICE: Final = "docker-registry.service"
_INTERPRETER: Final = re.compile(r"(?:ba|da|a|z|k|fi)?sh|busybox|env|python[0-9.]*|perl|tini|dumb-init")
# Whether process $1 has the rights of user $2, and no fewer: what it tells of itself runs with these. A setuid program
# has its rights from its file, and its words from whoever ran it; root's rights may have been taken from it one by one,
# or hold in a namespace of its own alone.
_HAS_RIGHTS: Final = """\
has() {
    sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr -s '[:space:]' ' '
}
user=$(id -u -- "$2") && whose=$(has "$1" Uid) && test -n "$whose" || exit 2
test "$whose" = "$user $user $user $user " || { echo "${whose%% *}"; exit 3; }
{ test -e "/proc/$1/exe" && test ! -u "/proc/$1/exe"; } || exit 4
test "$user" != 0 || {
    test "$(has "$1" CapEff)" = "$(has self CapEff)" &&
        test "$(readlink "/proc/$1/ns/user")" = "$(readlink /proc/self/ns/user)"
} || exit 4
"""
_ANOTHER_USER: Final = 3
_FEWER_RIGHTS: Final = 4
_PROPERTIES: Final = " ".join(
    f"-p {name}"
    for name in (
        *("LoadState", "MainPID", "User", "ExecStart", "WorkingDirectory"),
        *("PrivateTmp", "RuntimeDirectory", "RuntimeDirectoryPreserve"),
    )
)


async def find_as_service(host: Host, settings: HostSettings, *, by_its_name: bool = False) -> Found:
    """`by_its_name`: without its process and its config. Raises NotOnHost, and what SSH and systemd have against it."""
    unit = settings.container or DEFAULT_SERVICE
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
    if by_its_name:
        named = Process(unit=unit, program="", config="", pid=0, user="", environment={})
        found = systemd_unit(named, settings, root="", me=properties.get("Me", ""))
        return Found(by_name(replace(found, process="")), StorageSettings("", "", False, ""), "")
    main = properties.get("MainPID", "")
    pid = int(main) if main.isdecimal() and len(main) < 12 else 0
    user = plain_name(properties.get("User", ""), f"The user of {unit}")
    command, environment = await _of_process(host, settings, pid)
    await _must_have_rights(host, settings, pid, unit, user or "root")
    if not command:
        started = re.search(r"argv\[\]=(.*?) ;", properties.get("ExecStart", ""))
        command = started[1].split() if started else []
    directory = await _directory(host, settings, pid) or properties.get("WorkingDirectory", "").lstrip("!-") or "/"
    plain(directory, f"The directory of {unit}")
    config = settings.config or plain(
        named_config(command, environment) or CANDIDATES[-1], f"The config's path of {unit}"
    )
    process = Process(
        unit=unit,
        program=settings.binary or _program(command, unit),
        config=posixpath.join(directory, config),
        pid=pid,
        user=user,
        environment=environment,
    )
    text = await _text(host, settings, process, properties.get("Me", ""))
    storage = read_storage(text, environment, process.config)
    if storage.root and not storage.root.startswith("/"):
        process = replace(process, directory=directory)
        storage = replace(storage, root=posixpath.normpath(posixpath.join(directory, storage.root)))
    if pid > 0:
        storage = replace(storage, redis=await as_process(host, sudo_of(settings), pid, storage.redis))
    real = await named_on_host(host, sudo_of(settings), storage.root) if storage.root else ()
    lost = lost_by_service(unit, storage, properties, real)
    sharers = await processes_beside(host, sudo_of(settings), pid, storage.root)
    found = systemd_unit(
        process,
        settings,
        root=storage.root,
        me=properties.get("Me", ""),
        obstacle=lost or shared(sharers, unit),
        loses_storage=bool(lost),
        is_shared=bool(sharers),
    )
    version = await version_of(host, f"{found.inside} --version")
    return Found(found, storage, version, await outdated_by_process(host, pid, process.config, unit))


async def _directory(host: Host, settings: HostSettings, pid: int) -> str:
    """Where the process runs; empty where that isn't told."""
    if pid <= 0:
        return ""
    told = await host.run(call(*sudo_of(settings), "readlink", f"/proc/{pid}/cwd"))
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
    environment = await host.run(call(*sudo_of(settings), "cat", f"/proc/{pid}/environ"))
    if environment.code != 0 and "o such file" not in environment.said:
        # What overrides its config is there: without it another storage would be taken for the registry's.
        raise trouble(environment, host.place, "systemd")
    return command.stdout.removesuffix("\0").split("\0"), read_environment(environment.stdout.split("\0"))


async def _must_have_rights(host: Host, settings: HostSettings, pid: int, unit: str, user: str) -> None:
    """What the process tells (its program, its config, its environment) runs as the unit's user. Raises Unsafe where it
    hasn't that user's rights itself: somebody who took it over would have gained them."""
    if pid <= 0:
        return
    told = await host.run(call(*sudo_of(settings), "sh", "-c", _HAS_RIGHTS, "sh", str(pid), user))
    if told.code == 0:
        return
    if told.code == _ANOTHER_USER:
        whose = one_line(told.stdout)[:20]
        raise Unsafe(
            f"The process of {unit} on {host.place} runs as user {whose}, and systemd starts it as {user}: it gave up "
            f"rights that a collection as {user} would have.",
            f"Let systemd start it as that user: User={whose} in the unit, in place of what changes it now.",
        )
    if told.code == _FEWER_RIGHTS:
        raise Unsafe(
            f"The process of {unit} on {host.place} has fewer rights than {user}, as whom a collection would run what "
            "it names.",
            "Let systemd start the registry's own program as a user of its own: User= in the unit.",
        )
    why = last_line(told.stderr) or "it has ended"
    raise HostNotAllowed(
        f"As whom the process of {unit} runs on {host.place} can't be told: {why}.",
        "See that the service runs, and log in as root or as its user, or add sudo = true.",
    )


async def _text(host: Host, settings: HostSettings, process: Process, me: str) -> str:
    """The config, with the rights that the service itself has: which file it is, its process says, and may write into
    its own command line what it likes."""
    path, user = process.config, process.user or "root"
    # Who can't become another one reads with the login's own rights, that are no more.
    becoming = words_as_user(settings, user, me) if settings.sudo or me == "root" else ()
    told = await host.run(call(*becoming, "cat", "--", path))
    if told.code != 0 and "o such file" in told.said:
        raise NotOnHost(f"There is no config file {path} on {host.place}.", 'Say where it is: config = "…".')
    if told.code != 0 and becoming and "cat:" in told.said and "ermission denied" in told.said:
        raise HostNotAllowed(
            f"{user}, as whom {process.unit} runs on {host.place}, may not read its config file {path}.",
            'If it is another one, say which: config = "…".',
        )
    check(told, host.place, path)
    return told.stdout
