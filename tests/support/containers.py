"""Real containers, as root, with everything of theirs below one directory: by podman, or by a Docker Engine of our own.

`docker` and `podman` stand first on PATH and lead there. Images are made here, and nothing is pulled.
"""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

import httpx

from tests.support.processes import START_SECONDS, clean_environment
from tests.support.programs import Program, ProgramMissing, find_program
from tests.support.registry_images import STORAGE, ImageForm, write_root

Mount = Literal["bind", "volume", "anonymous"]
"""Where a container keeps its storage: a directory of the host, a named volume, or what the image's VOLUME makes."""

# Below those that the kernel gives to connections (ip_local_port_range).
_PORTS: Final = range(20_000, 32_000)
# Kernels in small virtual machines refuse podman's own defaults.
_CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=8192:8192"]
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
# Those in shared memory are one set for the whole machine, whatever the directories.
lock_type = "file"
"""


@dataclass(frozen=True)
class Containers:
    """A place for containers. `program`: `docker` or `podman`, whose real one it is; `bin` has what leads there.
    `publishes`: whether containers have networks of their own, and ports are published."""

    directory: Path
    program: Literal["docker", "podman"]
    publishes: bool = False

    @property
    def bin(self) -> Path:
        return self.directory / "bin"

    def __call__(self, *arguments: str, check: bool = True) -> str:
        """Runs docker or podman; what it prints."""
        done = subprocess.run(
            [self.bin / self.program, *arguments],
            env=clean_environment(self.directory),
            capture_output=True,
            text=True,
            timeout=120,
        )
        if check and done.returncode:
            raise AssertionError(f"{self.program} {' '.join(arguments)}: exit {done.returncode}\n{done.stderr}")
        return (done.stdout + (done.stderr if arguments[0] == "logs" else "")).strip()

    def image(self, version: str, *, slim: bool = False) -> str:
        """The image of a registry, made when it is first asked for."""
        form = ImageForm(version, slim)
        # A test may have removed it.
        if form.name not in self("images", "--format", "{{.Repository}}:{{.Tag}}").split():
            archive = self.directory / "image.tar"
            write_root(form, archive)
            self("import", *(part for line in form.instructions for part in ("-c", line)), str(archive), form.name)
            archive.unlink()
        return form.name

    def remove(self, *names: str) -> None:
        """At once, running or not, with the volumes that have no name; whether they are there or not."""
        if names:
            at_once = ("-t", "1") if self.program == "podman" else ()
            self("rm", "-f", "-v", *at_once, *names, check=False)


@dataclass(frozen=True)
class RegistryContainer:
    """A registry in a running container. `storage`: where this machine has it."""

    containers: Containers
    name: str
    version: str
    url: str
    storage: Path
    runtime: str = "docker"

    @property
    def bin(self) -> Path:
        """What its host has before everything else on PATH."""
        return self.containers.bin

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    def is_running(self) -> bool:
        return self.containers("inspect", "--format", "{{.State.Running}}", self.name) == "true"


@contextmanager
def start_podman(directory: Path) -> Iterator[Containers]:
    """A place for containers; everything in it is stopped and removed when the block ends."""
    podman, runc = find_program("podman"), find_program("runc")
    must_be_root("podman")
    for folder in ("bin", "root", "run", "tmp"):
        (directory / folder).mkdir(parents=True)
    conf = directory / "containers.conf"
    conf.write_text(_CONTAINERS_CONF)
    places = f"--root {directory}/root --runroot {directory}/run --tmpdir {directory}/tmp"
    driver = "overlay" if can_overlay(directory) else "vfs"
    # Its command line is docker's: many hosts have it by that name.
    for name in ("docker", "podman"):
        write_program(
            directory / "bin" / name,
            f"GOMAXPROCS=1 CONTAINERS_CONF={conf} exec {podman} {places} --storage-driver {driver} --runtime {runc} "
            '--log-level error "$@"',
        )
    containers = Containers(directory, "podman")
    try:
        yield containers
    finally:
        containers("rm", "-f", "-a", "-t", "1", check=False)
        unmount_all(directory)
        shutil.rmtree(directory, ignore_errors=True)


def can_overlay(directory: Path) -> bool:
    """Whether layers can lie over one another there, as on most hosts: else each container has a copy of its image."""
    with TemporaryDirectory(dir=directory) as place:
        for name in ("lower", "upper", "work", "merged"):
            (Path(place) / name).mkdir()
        layers = ",".join(f"{name}dir={place}/{name}" for name in ("lower", "upper", "work"))
        done = subprocess.run(
            ["mount", "-t", "overlay", "-o", layers, "overlay", f"{place}/merged"], capture_output=True
        )
        if done.returncode == 0:
            subprocess.run(["umount", f"{place}/merged"], check=True)
        return done.returncode == 0


def unmount_all(directory: Path) -> None:
    """What a runtime leaves mounted when it ends, as the network of no container, keeps its directory from going."""
    mounted = [line.split(" ")[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in sorted((place for place in mounted if place.startswith(f"{directory}/")), reverse=True):
        subprocess.run(["umount", "--lazy", place], capture_output=True)


def must_be_root(program: str) -> None:
    if os.geteuid() != 0:
        raise ProgramMissing(Program(f"{program} for root", apt=f"{program} (and run the tests as root)"))


def write_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@contextmanager
def start_registry_container(
    containers: Containers,
    version: str,
    storage: Path,
    *,
    name: str = "registry",
    slim: bool = False,
    environment: tuple[str, ...] = (),
    mount: Mount = "bind",
    options: tuple[str, ...] = (),
    port: int = 0,
) -> Iterator[RegistryContainer]:
    """Runs a registry in a container, with its port published where containers have networks of their own, else on the
    host's. `storage`: the directory that is mounted by `bind`."""
    port = port or free_port()
    if containers.publishes and not any(option.startswith("--network") for option in options):
        network: tuple[str, ...] = ("-p", f"127.0.0.1:{port}:5000")
    else:
        network = ("-e", f"REGISTRY_HTTP_ADDR=127.0.0.1:{port}")
        network += ("--network", "host") if not any(option.startswith("--network") for option in options) else ()
    volumes: dict[Mount, tuple[str, ...]] = {
        "bind": ("-v", f"{storage}:{STORAGE}"),
        "volume": ("-v", f"{name}-storage:{STORAGE}"),
        "anonymous": (),
    }
    if mount == "bind":
        storage.mkdir(parents=True, exist_ok=True)
    try:
        containers(
            *("run", "-d", "--name", name, *network, *volumes[mount]),
            *(part for variable in environment for part in ("-e", variable)),
            *options,
            containers.image(version, slim=slim),
        )
        if mount != "bind":
            mounts = containers("inspect", "--format", "{{range .Mounts}}{{.Source}} {{end}}", name).split()
            storage = Path(mounts[0]) if mounts else storage
        registry = RegistryContainer(containers, name, version, f"http://127.0.0.1:{port}", storage)
        wait_until_up(registry.url, lives=registry.is_running, tell=lambda: containers("logs", name, check=False))
        yield registry
    finally:
        containers.remove(name)
        if mount == "volume":
            containers("volume", "rm", f"{name}-storage", check=False)


def free_port() -> int:
    """One that nobody listens on now, and that no connection is given for its own end until the runtime takes it."""
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


def wait_until_up(
    url: str,
    seconds: float = START_SECONDS,
    *,
    lives: Callable[[], bool] = lambda: True,
    tell: Callable[[], str] = lambda: "",
) -> None:
    """Fails soon after it no longer `lives`, with what it may `tell`. That is asked once a second: asking a container
    costs more than starting it."""
    begun = time.monotonic()
    give_up, look = begun + seconds, begun + 1
    while True:
        try:
            if httpx.get(f"{url}/v2/", trust_env=False).status_code in (200, 401):
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > look:
            assert lives(), f"{url} has ended: {tell()}"
            look = time.monotonic() + 1
        assert time.monotonic() < give_up, f"{url} does not answer after {seconds:.0f} s. {tell()}"
        time.sleep(0.05)
