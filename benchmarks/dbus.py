"""Starting with a D-Bus that works, without one, and with one that hangs: `regtui ls`, and the app's first frame.

A registry that asks for no login is opened without a look at any keyring. At one that asks, the login is in the keyring
of the D-Bus that works, else in Docker's config file. Whoever has no D-Bus should wait no longer than whoever has one.
"""

import json
import os
import resource
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from benchmarks.support.registry import workplace
from benchmarks.support.screen import REGTUI, processor_time, until
from benchmarks.support.table import Table
from benchmarks.support.timing import shown as in_words
from benchmarks.support.timing import side_by_side
from tests.support.images import open_registry, push_image
from tests.support.live import live
from tests.support.secret_service import silent_bus, start_secret_service
from tests.support.servers import RegistryServer, start_registry

_RUNS = 9
_USER, _PASSWORD = "ci", "s3cret-word"
Buses = Mapping[str, Mapping[str, str]]


def run() -> Iterable[Table]:
    with (
        workplace() as place,
        start_registry("2.8.2", place / "open") as free,
        start_registry("2.8.2", place / "asks", htpasswd={_USER: _PASSWORD}) as asks,
        start_secret_service(place / "service") as service,
        silent_bus(place) as silent,
    ):
        for server, auth in ((free, None), (asks, (_USER, _PASSWORD))):
            with open_registry(server.url, auth=auth) as client:
                push_image(client, "team/app", "1.0")
        buses = {
            "with D-Bus": _home(place / "with", service.environment),
            "without": _docker_login(_home(place / "without", {}), asks),
            "with one that hangs": _docker_login(_home(place / "hangs", silent), asks),
        }
        login = [REGTUI, "login", asks.url, "-u", _USER, "--password-stdin"]
        subprocess.run(login, env=buses["with D-Bus"], input=_PASSWORD.encode(), check=True, stderr=subprocess.DEVNULL)
        yield _compared("A registry that asks for no login", free, buses)
        yield _compared("A registry that asks for one", asks, buses)


def _compared(title: str, server: RegistryServer, buses: Buses) -> Table:
    rows: dict[str, Callable[[Mapping[str, str]], object]] = {
        "regtui ls": partial(_ls, server),
        "regtui ls, processor time": partial(_ls_work, server),
        "browse: something is seen": partial(_frame, server, "127.0.0.1"),
        "browse: the repository is seen": partial(_frame, server, "team"),
        "browse: processor time until then": partial(_frame_work, server, "team"),
    }
    table = Table(f"{title}, median of {_RUNS}", ["", *buses, "without / with"])
    for name, measured in rows.items():
        times = side_by_side({bus: partial(measured, environment) for bus, environment in buses.items()}, _RUNS)
        there, without, _ = times.values()
        table.row(name, *map(in_words, times.values()), f"{without / there:.2f}")
    return table


def _home(folder: Path, bus: Mapping[str, str]) -> dict[str, str]:
    """The environment of somebody whose keyring is found as it is without our say."""
    folder.mkdir()
    terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none"}
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **terminal, **bus}


def _docker_login(environment: dict[str, str], server: RegistryServer) -> dict[str, str]:
    file = Path(environment["HOME"]) / ".docker/config.json"
    file.parent.mkdir()
    auth = b64encode(f"{_USER}:{_PASSWORD}".encode()).decode()
    file.write_text(json.dumps({"auths": {server.host: {"auth": auth}}}))
    return environment


def _ls(server: RegistryServer, environment: Mapping[str, str]) -> None:
    done = subprocess.run([REGTUI, "ls", server.url], env=dict(environment), capture_output=True, check=True)
    assert done.stdout == b"team/app\n"


def _ls_work(server: RegistryServer, environment: Mapping[str, str]) -> float:
    before = _children()
    _ls(server, environment)
    return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _frame(server: RegistryServer, text: str, environment: Mapping[str, str]) -> float:
    with live([REGTUI, server.url], environment) as terminal:
        return until(lambda: text in terminal.text, text)


def _frame_work(server: RegistryServer, text: str, environment: Mapping[str, str]) -> float:
    with live([REGTUI, server.url], environment) as terminal:
        until(lambda: text in terminal.text, text)
        return processor_time(terminal)
