"""A real Docker Engine: a dockerd of our own, with all its files below one directory, stopped by its own pid."""

import json
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.containers import Containers, can_overlay, must_be_root, unmount_all, write_program
from tests.support.processes import ServerDidNotStart, clean_environment, running
from tests.support.programs import find_program


@dataclass
class Engine:
    """Its daemon can be killed, and started anew with all that the first one left behind."""

    containers: Containers
    bridge: str
    stack: ExitStack

    def start(self) -> None:
        directory = self.containers.directory
        command = [
            *(str(find_program("dockerd")), "--host", f"unix://{directory}/docker.sock"),
            *("--config-file", f"{directory}/daemon.json", "--data-root", f"{directory}/data"),
            *("--exec-root", f"{directory}/exec", "--pidfile", f"{directory}/pid"),
            *("--storage-driver", "overlay2" if can_overlay(directory) else "vfs"),
            *("--iptables=false", "--ip6tables=false", f"--bridge={self.bridge or 'none'}"),
        ]
        environment = clean_environment(directory)
        # Debian has what it starts in sbin.
        environment["PATH"] += ":/usr/sbin:/sbin"
        log = directory / "dockerd.log"
        ready = lambda: _answers(self.containers)  # noqa: E731
        # It gives up where its containerd takes long; systemd, too, starts it again then.
        for attempt in range(3):
            try:
                self.stack.enter_context(running(command, log=log, environment=environment, ready=ready))
                return
            except ServerDidNotStart:
                if attempt == 2:
                    raise

    def kill(self) -> None:
        """As the kernel does where there is no memory left. What it started may live on."""
        pid = int((self.containers.directory / "pid").read_text())
        os.kill(pid, signal.SIGKILL)
        # As long as nobody has heard of its end, its pid seems to run.
        os.waitpid(pid, 0)
        # Its containerd goes with it; where nobody hears of that, its file would be taken for one that runs.
        (self.containers.directory / "exec/containerd/containerd.pid").unlink(missing_ok=True)


@contextmanager
def start_engine(directory: Path) -> Iterator[Containers]:
    """Containers have a bridge and published ports where this machine allows bridges, else the host's network."""
    with start_killable_engine(directory) as engine:
        yield engine.containers


@contextmanager
def start_killable_engine(directory: Path, *, live_restore: bool = False) -> Iterator[Engine]:
    """`live_restore`: containers go on without the daemon."""
    docker = find_program("docker")
    must_be_root("docker.io")
    for folder in ("bin", "data", "exec"):
        (directory / folder).mkdir(parents=True)
    write_program(directory / "bin" / "docker", f'DOCKER_HOST=unix://{directory}/docker.sock exec {docker} "$@"')
    # Not the file that the machine's own engine is set up by.
    (directory / "daemon.json").write_text(json.dumps({"live-restore": live_restore}))
    with _bridge() as bridge, ExitStack() as stack:
        engine = Engine(Containers(directory, "docker", publishes=bool(bridge)), bridge, stack)
        engine.start()
        try:
            yield engine
        finally:
            engine.containers.remove(*engine.containers("ps", "-aq", check=False).split())
    unmount_all(directory)
    shutil.rmtree(directory, ignore_errors=True)


def write_compose(containers: Containers, path: Path) -> None:
    """Compose v1 that speaks to this engine."""
    compose = find_program("docker-compose")
    write_program(path, f'DOCKER_HOST=unix://{containers.directory}/docker.sock exec {compose} "$@"')


def _answers(containers: Containers) -> bool:
    return bool(containers("version", "--format", "{{.Server.Version}}", check=False))


@contextmanager
def _bridge() -> Iterator[str]:
    """A bridge for one engine: the one that engines make by themselves is the same for all of a machine. Empty where
    none can be made."""
    name = f"regtui{random.getrandbits(32):08x}"
    ip = shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin")
    subnet = f"10.{random.randrange(100, 250)}.{random.randrange(250)}.1/24"
    steps = (("link", "add", name, "type", "bridge"), ("addr", "add", subnet, "dev", name), ("link", "set", name, "up"))
    try:
        made = ip is not None and all(not subprocess.run([ip, *step], capture_output=True).returncode for step in steps)
        yield name if made else ""
    finally:
        if ip is not None:
            subprocess.run([ip, "link", "del", name], capture_output=True)
