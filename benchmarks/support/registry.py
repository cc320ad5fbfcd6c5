"""Real registries with content, and regtui as a process against them."""

import http.client
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from regtui.oci.media_type import ACCEPT_MANIFESTS
from tests.support.seed import seed_repository
from tests.support.servers import RegistryServer, start_registry

_CHECKOUT = Path(__file__).resolve().parents[2]
_FIRST = datetime(2021, 1, 1, tzinfo=UTC)


@contextmanager
def workplace() -> Iterator[Path]:
    """A directory for storage and homes, in memory where the system has that: disks are another benchmark."""
    memory = Path("/dev/shm")
    usable = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="regtui-benchmark-", dir=usable) as directory:
        yield Path(directory)


@contextmanager
def registry(version: str, directory: Path) -> Iterator[RegistryServer]:
    with start_registry(version, directory / version) as server:
        yield server


def add_tags(server: RegistryServer, repository: str, count: int) -> list[str]:
    """So many tags, each with an image of its own, built a day apart; their names."""
    names = [f"1.{number // 100}.{number % 100}" for number in range(count)]
    moments = [_FIRST + timedelta(days=number % 2000, seconds=number) for number in range(count)]
    seed_repository(server.storage, repository, zip(names, moments, strict=True))
    return names


class Regtui:
    """`regtui …` with a home of its own; nothing of it is kept where that home is new."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._environment = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }

    def __call__(self, *arguments: str) -> None:
        process([str(Path(sys.executable).with_name("regtui")), *arguments], self._environment)

    def measured(self, module: str, *arguments: str) -> float:
        """The seconds that a module of ours measures and prints."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            env=self._environment,
            cwd=_CHECKOUT,
            capture_output=True,
            text=True,
            check=True,
        )
        return float(done.stdout)


def process(command: Sequence[str], environment: dict[str, str]) -> None:
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)


class Connection:
    """One keep-alive connection, one request after the other: what a list costs at least."""

    def __init__(self, server: RegistryServer) -> None:
        self._connection = http.client.HTTPConnection(server.host)

    def get(self, path: str) -> tuple[dict[str, Any], str]:
        """The JSON at `path`, and the Link header."""
        self._connection.request("GET", path, headers={"Accept": ACCEPT_MANIFESTS})
        answer = self._connection.getresponse()
        return json.loads(answer.read()), answer.getheader("Link") or ""
