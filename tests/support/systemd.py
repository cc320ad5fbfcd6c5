"""A stand-in for systemd: a `systemctl` that really starts and stops one registry by its pid, and records its calls."""

import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.containers import wait_until_up
from tests.support.programs import find_program
from tests.support.servers import PROGRAMS, write_config

UNIT = "docker-registry.service"

_SYSTEMCTL = """\
#!/bin/sh
# Of systemd's words only those that regtui uses.
cd "{directory}" || exit 1
verb=$1
shift
test "$1" != -- || shift
set -- "$verb" "$@"
echo "$*" >> calls
pid=$(cat pid 2>/dev/null || echo 0)
# Also for who may not signal it.
alive() {{ test "$pid" -gt 0 && grep -q '^State:.[^Z]' "/proc/$pid/status" 2>/dev/null; }}
case $1 in
    cat) test "$2" = {unit} ;;
    is-active) alive ;;
    show)
        alive || pid=0
        for unit; do :; done
        if test "$unit" = {unit}; then loaded=loaded; else loaded=not-found; fi
        printf '%s\\n' "LoadState=$loaded" "MainPID=$pid" "User=" "WorkingDirectory={directory}" \\
            "ExecStart={{ path={program} ; argv[]={program} serve {config} ; ignore_errors=no }}"
        ;;
    stop)
        test "$2" = {unit} || exit 5
        alive && kill "$pid"
        while alive; do sleep 0.02; done
        ;;
    start)
        test "$2" = {unit} || exit 5
        alive && exit 0
        export OTEL_TRACES_EXPORTER=none REGISTRY_HTTP_SECRET="it's one"
        setsid {program} serve {config} >> log 2>&1 </dev/null &
        echo $! > pid
        ;;
    *) echo "no such word: $1" >&2; exit 1 ;;
esac
"""


@dataclass(frozen=True)
class RegistryService:
    """A registry as a service of this machine."""

    version: str
    directory: Path
    url: str
    storage: Path
    config: Path
    runtime: str = "systemd"

    @property
    def bin(self) -> Path:
        """What its host has before everything else on PATH: `systemctl`."""
        return self.directory / "bin"

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    @property
    def calls(self) -> list[str]:
        return (self.directory / "calls").read_text().splitlines()

    def is_running(self) -> bool:
        try:
            httpx.get(f"{self.url}/v2/", trust_env=False)
        except httpx.TransportError:
            return False
        return True


@contextmanager
def start_service(
    version: str, directory: Path, *, root: str = "", changes: Mapping[str, Any] | None = None
) -> Iterator[RegistryService]:
    """`root`: the storage's as its config has it, relative to `directory`, where it runs. `changes`: of its config."""
    (directory / "bin").mkdir(parents=True)
    storage = directory / "storage"
    storage.mkdir()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    config = write_config(directory / "config.yml", Path(root) if root else storage, port=port, changes=changes)
    systemctl = directory / "bin" / "systemctl"
    program = find_program(PROGRAMS[version])
    systemctl.write_text(_SYSTEMCTL.format(directory=directory, unit=UNIT, program=program, config=config))
    systemctl.chmod(0o755)
    service = RegistryService(version, directory, f"http://127.0.0.1:{port}", storage, config)
    try:
        os.spawnv(os.P_WAIT, str(systemctl), ["systemctl", "start", UNIT])
        wait_until_up(service.url)
        yield service
    finally:
        pid = int((directory / "pid").read_text())
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            time.sleep(0.05)
