"""A real redis server on loopback, for registries that keep what they know of blobs there."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import watch
from tests.support.containers import Containers, free_port
from tests.support.processes import clean_environment, running
from tests.support.programs import find_program
from tests.support.registry_images import write_program_root


@dataclass(frozen=True)
class RedisServer:
    port: int
    password: str = ""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __call__(self, *command: str) -> list[str]:
        """What redis's own client prints; empty while nothing answers."""
        client = find_program("redis-cli")
        environment = clean_environment(Path("/"), REDISCLI_AUTH=self.password)
        asked = [str(client), "-p", str(self.port), *command]
        done = subprocess.run(asked, env=environment, capture_output=True, text=True)
        return done.stdout.split("\n")[:-1]


@contextmanager
def start_redis_container(containers: Containers, network: str, alias: str) -> Iterator[None]:
    """In a network of containers, where it is known by `alias` and nowhere else."""
    image, name = "localhost/redis:of-tests", f"{network}-redis"
    if image not in containers("images", "--format", "{{.Repository}}:{{.Tag}}").split():
        archive = containers.directory / "redis.tar"
        write_program_root("redis-server", archive)
        containers("import", str(archive), image)
        archive.unlink()
    containers("network", "create", network)
    try:
        words = ("run", "-d", "--name", name, "--network", network, "--network-alias", alias, "--workdir", "/bin")
        containers(*words, image, "/bin/redis-server", "--protected-mode", "no", "--save", "")
        yield
    finally:
        containers.remove(name)
        containers("network", "rm", network, check=False)


@contextmanager
def start_redis(directory: Path, *, password: str = "") -> Iterator[RedisServer]:
    directory.mkdir(parents=True, exist_ok=True)
    server = RedisServer(free_port(), password)
    config = directory / "redis.conf"
    lines = ["bind 127.0.0.1", f"port {server.port}", f"dir {directory}", 'save ""', "appendonly no"]
    if password:
        watch.keep_secret({"redis": password})
        lines.append(f"requirepass {password}")
    config.write_text("\n".join(lines) + "\n")
    config.chmod(0o600)
    with running(
        [str(find_program("redis-server")), str(config)],
        log=directory / "redis.log",
        environment=clean_environment(directory),
        ready=lambda: server("ping") == ["PONG"],
    ):
        yield server
