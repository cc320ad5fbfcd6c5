"""Real containers by podman, as root, with everything of theirs below one directory: nothing of the machine is touched.

`docker` and `podman` are stand-ins first on PATH that lead to podman with these directories; its command line is
docker's. Images are made from the registries' own programs and busybox: nothing is pulled.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx

from tests.support.processes import START_SECONDS, clean_environment
from tests.support.programs import Program, ProgramMissing, find_program
from tests.support.servers import PROGRAMS

CONFIGS = {"2.8.2": "/etc/docker/registry/config.yml", "3.1.1": "/etc/distribution/config.yml"}
STORAGE = "/var/lib/registry"

_CONFIG = {
    "version": "0.1",
    "log": {"level": "info", "accesslog": {"disabled": True}},
    "storage": {
        "filesystem": {"rootdirectory": STORAGE},
        # As all images ship it: the cache that doesn't notice a collection.
        "cache": {"blobdescriptor": "inmemory"},
        "delete": {"enabled": True},
    },
    "http": {"addr": ":5000"},
}
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
_BUSYBOX = ("sh", "awk", "cat", "dirname", "find", "grep", "head", "ls", "rm", "rmdir", "sed", "xargs", "df", "test")


@dataclass(frozen=True)
class Containers:
    """A place for containers. `bin` has `docker` and `podman`."""

    directory: Path

    @property
    def bin(self) -> Path:
        return self.directory / "bin"

    def __call__(self, *arguments: str, check: bool = True) -> str:
        """Runs podman; what it prints."""
        done = subprocess.run(
            [self.bin / "podman", *arguments],
            env=clean_environment(self.directory),
            capture_output=True,
            text=True,
            timeout=120,
        )
        if check and done.returncode:
            raise AssertionError(f"podman {' '.join(arguments)}: exit {done.returncode}\n{done.stderr}")
        return done.stdout.strip()

    def image(self, version: str, *, shell: bool = True) -> str:
        """The image of a registry, made when it is first asked for."""
        name = f"localhost/registry:{version}{'' if shell else '-without-shell'}"
        if name not in self("images", "--format", "{{.Repository}}:{{.Tag}}"):
            self._make(name, version, shell)
        return name

    def _make(self, name: str, version: str, shell: bool) -> None:
        program, config = find_program(PROGRAMS[version]), CONFIGS[version]
        archive = self.directory / "image.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(program, "bin/registry")
            for library in _libraries(program):
                tar.add(library.resolve(), str(library)[1:])
            if shell:
                tar.add(find_program("busybox"), "bin/busybox")
                for applet in _BUSYBOX:
                    link = tarfile.TarInfo(f"bin/{applet}")
                    link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                    tar.addfile(link)
            text = json.dumps(_CONFIG).encode()
            entry = tarfile.TarInfo(config[1:])
            entry.size = len(text)
            tar.addfile(entry, BytesIO(text))
        entry_point = json.dumps(["/bin/registry"])
        command = json.dumps(["serve", config])
        self("import", "-c", f"ENTRYPOINT {entry_point}", "-c", f"CMD {command}", str(archive), name)
        archive.unlink()


@dataclass(frozen=True)
class RegistryContainer:
    """A registry in a running container. `storage`: its volume, as this machine has it."""

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
def start_containers(directory: Path) -> Iterator[Containers]:
    """A place for containers; everything in it is stopped and removed when the block ends."""
    podman, runc = find_program("podman"), find_program("runc")
    if os.geteuid() != 0:
        raise ProgramMissing(Program("podman for root", apt="podman (and run the tests as root)"))
    for folder in ("bin", "root", "run", "tmp"):
        (directory / folder).mkdir(parents=True)
    conf = directory / "containers.conf"
    conf.write_text(_CONTAINERS_CONF)
    places = f"--root {directory}/root --runroot {directory}/run --tmpdir {directory}/tmp"
    script = (
        f"#!/bin/sh\nCONTAINERS_CONF={conf} exec {podman} {places} --storage-driver vfs --runtime {runc} "
        '--log-level error "$@"\n'
    )
    for name in ("docker", "podman"):
        (directory / "bin" / name).write_text(script)
        (directory / "bin" / name).chmod(0o755)
    containers = Containers(directory)
    try:
        yield containers
    finally:
        containers("rm", "-f", "-a", "-t", "1", check=False)
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def start_registry_container(
    containers: Containers,
    version: str,
    storage: Path,
    *,
    name: str = "registry",
    shell: bool = True,
    environment: tuple[str, ...] = (),
    volume: bool = True,
    options: tuple[str, ...] = (),
) -> Iterator[RegistryContainer]:
    """Runs a registry in a container, on the host's network: a bridge can't be made on every kernel."""
    storage.mkdir(parents=True, exist_ok=True)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    variables = (f"REGISTRY_HTTP_ADDR=127.0.0.1:{port}", "OTEL_TRACES_EXPORTER=none", *environment)
    containers(
        *("run", "-d", "--name", name, *options),
        *(part for variable in variables for part in ("-e", variable)),
        *(("-v", f"{storage}:{STORAGE}") if volume else ()),
        containers.image(version, shell=shell),
    )
    registry = RegistryContainer(containers, name, version, f"http://127.0.0.1:{port}", storage)
    try:
        wait_until_up(registry.url)
        yield registry
    finally:
        containers("rm", "-f", "-t", "1", name, check=False)


def wait_until_up(url: str, seconds: float = START_SECONDS) -> None:
    give_up = time.monotonic() + seconds
    while True:
        try:
            if httpx.get(f"{url}/v2/", trust_env=False).status_code in (200, 401):
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < give_up, f"{url} does not answer after {seconds:.0f} s"
        time.sleep(0.05)


def _libraries(program: Path) -> list[Path]:
    """What the dynamic linker loads for it; nothing for a static program."""
    told = subprocess.run(["ldd", program], capture_output=True, text=True, env={"PATH": os.defpath})
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", told.stdout)]
