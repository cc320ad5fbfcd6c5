"""A registry in a container on a host to log in to, whose docker can be held in each phase of a collection."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from regtui.garbage.values import Stage
from tests.support.containers import Containers, RegistryContainer, start_registry_container
from tests.support.patience import PATIENCE
from tests.support.ssh_host import SshHostForTests, start_ssh_host

# Each phase is held where a file says so: then there is all the time to cut in.
_HOLDING = """\
#!/bin/sh
case "$1 $*" in
    *regtui-pulls-*) phase=none ;;
    stop*) phase={stop} ;;
    run*--env-file*) phase={run} ;;
    start*) phase={start} ;;
    *) phase=none ;;
esac
while test -e "{directory}/hold-$phase"; do sleep 0.05; done
exec {docker} "$@"
"""


@dataclass(frozen=True)
class Place:
    """A registry in a container, the host that it runs on, and a docker that can be held."""

    registry: RegistryContainer
    host: SshHostForTests
    directory: Path

    def hold(self, phase: Stage) -> None:
        (self.directory / f"hold-{phase.name}").touch()

    def let_go(self) -> None:
        for file in self.directory.glob("hold-*"):
            file.unlink()

    def pids(self, *names: str) -> list[int]:
        """Of the run's processes, by its files: pid, guard, collecting. A file that is there and has nothing in it yet
        is being written."""
        texts = [file.read_text() for name in names for file in self.host.state.rglob(name)]
        return [int(text.split()[0]) for text in texts if text.strip()]


@contextmanager
def start_held_host(
    containers: Containers, version: str, directory: Path, *, options: tuple[str, ...] = ()
) -> Iterator[Place]:
    """Put its host's `path` on PATH."""
    holding = directory / "holding"
    holding.mkdir()
    docker = holding / "docker"
    names = {"stop": Stage.KEEP_OUT.name, "run": Stage.COLLECT.name, "start": Stage.BRING_BACK.name}
    docker.write_text(_HOLDING.format(directory=holding, docker=containers.bin / "docker", **names))
    docker.chmod(0o755)
    made = start_registry_container(containers, version, directory / "storage", name="interrupted", options=options)
    with (
        made as registry,
        start_ssh_host(directory / "host", holding) as host,
    ):
        place = Place(registry, host, holding)
        yield place
        place.let_go()


async def until(happened: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < give_up
        await asyncio.to_thread(time.sleep, 0.02)


def begun(host: SshHostForTests, phase: Stage) -> bool:
    """By the log that the collection keeps on its host."""
    name = {Stage.KEEP_OUT: "keep-out", Stage.COLLECT: "collect", Stage.BRING_BACK: "bring-back"}[phase]
    return any(f"stage {name} started" in log.read_text() for log in host.state.rglob("log"))


def said(host: SshHostForTests, word: str) -> bool:
    """Whether the log has a line of the script's own that is this word alone, such as `up`."""
    lines = [line for log in host.state.rglob("log") for line in log.read_text().splitlines()]
    return any(line.startswith("::regtui-") and line.split(" ")[1:] == [word] for line in lines)
