"""A host that means no good, for what asks one: its ssh, its login, or the programs there answer whatever they like."""

import json
import random
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.campaigns.hostile_registry import PAYLOADS, REPOSITORY, TAGS
from tests.support.hostile_host import HostileHost, make_hostile_host
from tests.support.ssh_host import start_ssh_host

# What an ssh does in place of logging in: shell.
_SSH: Final = {
    "floods": "exec yes '{payload}'",
    "floods both": "yes '{payload}' >&2 & exec yes '{payload}'",
    "writes one line without end": "exec tr '\\0' x </dev/zero",
    "writes zeros": "exec cat /dev/zero",
    "writes a payload": "echo '{payload}'; echo '{payload}' >&2; exit {code}",
    "says nothing": "exit {code}",
    "says nothing to what it reads": "cat >/dev/null; exit {code}",
    "trickles": "while :; do printf x; sleep 1; done",
    "never ends": "exec sleep 1000000",
    "asks": "echo '{payload} password: ' >/dev/tty; exit 255",
}
# What a real sshd runs in place of a shell, once it let somebody in: before, after or instead of what was asked for.
_LOGINS: Final = {
    "runs what is asked": 'exec sh -c "$SSH_ORIGINAL_COMMAND"',
    "greets first": "echo '{payload}'; echo '{payload}' >&2; exec sh -c \"$SSH_ORIGINAL_COMMAND\"",
    "adds its own words": "sh -c \"$SSH_ORIGINAL_COMMAND\"; echo '{payload}'; echo '{payload}' >&2; exit {code}",
    "repeats what it reads": "exec cat",
    "cuts what it says": 'sh -c "$SSH_ORIGINAL_COMMAND" | head -c 100; exit {code}',
    "doubles what it says": 'sh -c "$SSH_ORIGINAL_COMMAND" | sed p; exit {code}',
}
_RARE: Final = frozenset({"trickles", "never ends"})
"""They take all the time that they are given."""
_TOLD: Final = ("names", "environment", "compose-ps", "version", "collected", "show", "deployment", "inspect", "config")


@dataclass(frozen=True)
class AskedHost:
    """`how` reads on after "the host". `bin` goes first on PATH; `config` names the host in the profile `lab`."""

    how: str
    bin: Path
    config: Path


@contextmanager
def start_hostile_host(directory: Path, url: str, rng: random.Random) -> Iterator[AskedHost]:
    """Of the registry at `url`; hostile in one way that `rng` chooses."""
    directory.mkdir(parents=True)
    made = make_hostile_host(directory / "host")
    # As the registry's own storage would be: else nothing but that is said.
    repositories = made.root / "docker/registry/v2/repositories"
    for repository, tags in ((REPOSITORY, TAGS), ("team/other", ())):
        (repositories / repository / "_manifests/tags").mkdir(parents=True, exist_ok=True)
        for tag in tags:
            (repositories / repository / "_manifests/tags" / tag / "current").mkdir(parents=True, exist_ok=True)
    config = directory / "config.toml"
    way = rng.choices(("ssh", "login", "programs"), (30, 30, 40))[0]
    with ExitStack() as stack:
        found, ssh = made.bin, ""
        if way == "ssh":
            how, ssh = _by_ssh(made, rng), 'ssh = "ci@host.example"'
        elif way == "programs":
            how = _by_programs(made, rng)
        else:
            how, login = _by_login(made, rng)
            host = stack.enter_context(start_ssh_host(directory / "sshd", made.bin, login=login))
            found, ssh = host.server.directory / "bin", f'ssh = "{host.destination}"'
        _write_config(config, url, made, ssh, rng)
        yield AskedHost(how, found, config)


def _write_config(config: Path, url: str, made: HostileHost, ssh: str, rng: random.Random) -> None:
    runtime = rng.choice(("docker", "systemd"))
    # Named, so that a registry which this machine really has is never found in its place.
    named = f'config = "{made.directory / "config"}"' if runtime == "systemd" else ""
    config.write_text(
        f'[registries.lab]\naddress = "{url}"\n[registries.lab.host]\n{ssh}\n'
        f'runtime = "{runtime}"\ncontainer = "registry"\n{named}\n'
    )


def _by_ssh(made: HostileHost, rng: random.Random) -> str:
    how = rng.choice([way for way in _SSH if way not in _RARE or rng.random() < 0.1])
    code = rng.choice((0, 1, 127, 255))
    script = _SSH[how].replace("{payload}", rng.choice(PAYLOADS)).replace("{code}", str(code))
    made.write("bin/ssh", f"#!/bin/sh\n{script}\n")
    (made.bin / "ssh").chmod(stat.S_IRWXU)
    return f"whose ssh {how} ({code})"


def _by_login(made: HostileHost, rng: random.Random) -> tuple[str, Path]:
    """In words, and the program. The programs that it runs may be hostile as well."""
    ways = _LOGINS | {way: script for way, script in _SSH.items() if "/dev/tty" not in script}
    how = rng.choice([way for way in ways if way not in _RARE or rng.random() < 0.1])
    code = rng.choice((0, 1, 127, 255))
    script = ways[how].replace("{payload}", rng.choice(PAYLOADS)).replace("{code}", str(code))
    told = f", and {_by_programs(made, rng)}" if rng.random() < 0.5 else ""
    login = made.directory / "login"
    login.write_text(f"#!/bin/sh\n{script}\n")
    login.chmod(stat.S_IRWXU)
    return f"whose login {how} ({code}){told}", login


def _by_programs(made: HostileHost, rng: random.Random) -> str:
    name = rng.choice(_TOLD)
    before = (made.directory / name).read_text()
    changes: dict[str, Callable[[], str]] = {
        "nothing": lambda: "",
        "a payload": lambda: rng.choice(PAYLOADS) * 3 + "\n",
        "a payload in each line": lambda: before.replace("\n", f"{rng.choice(PAYLOADS)}\n"),
        "half of it": lambda: before[: len(before) // 2],
        "it a thousand times": lambda: before * 1_000,
        "90 MB of lines": lambda: "x" * 89 + "\n" + ("y" * 89 + "\n") * 1_000_000,
        "a line of 30 MB": lambda: "x" * 30_000_000 + "\n",
        "deep JSON": lambda: "[" * 100_000,
        "another value": lambda: _with_another_value(before, rng),
        "zeros": lambda: "\0" * 10_000,
    }
    how = rng.choice(list(changes))
    made.write(name, changes[how]())
    return f"tells {how} as {name}"


def _with_another_value(text: str, rng: random.Random) -> str:
    """One value of what is JSON is another one."""
    values: list[Any] = [None, True, -1, 10**400, "", rng.choice(PAYLOADS), "x" * 70_000, [], {}, [[[]]]]
    try:
        document = json.loads(text)
    except ValueError:
        return text + json.dumps(rng.choice(values))
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            places.append((node, key))
            walk(node[key])

    walk(document)
    node, key = rng.choice(places)
    node[key] = rng.choice(values)
    return json.dumps(document)
