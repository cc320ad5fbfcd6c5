"""What many integration tests share: registries of each version, the command, a place for containers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.support.commands import Regtui
from tests.support.containers import Containers, start_podman
from tests.support.engine import start_engine
from tests.support.images import open_registry
from tests.support.servers import VERSIONS, RegistryServer, start_registry


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """The test runs once for each version."""
    version: str = request.param
    return version


@pytest.fixture
def server(version: str, tmp_path: Path) -> Iterator[RegistryServer]:
    """A fresh registry."""
    with start_registry(version, tmp_path / "registry") as started:
        yield started


@pytest.fixture
def writer(server: RegistryServer) -> Iterator[httpx.Client]:
    """What fills it."""
    with open_registry(server.url) as client:
        yield client


@pytest.fixture
def regtui(tmp_path: Path) -> Regtui:
    """The command, with a home of its own."""
    home = tmp_path / "home"
    home.mkdir()
    return Regtui(home)


@pytest.fixture(scope="session")
def podman() -> Iterator[Containers]:
    """Podman's, made once for the whole run."""
    with short_folder() as directory, start_podman(directory) as place:
        yield place


@pytest.fixture(scope="session")
def engine() -> Iterator[Containers]:
    """A Docker Engine's, started once for the whole run."""
    with short_folder() as directory, start_engine(directory) as place:
        yield place


@contextmanager
def short_folder() -> Iterator[Path]:
    """Not pytest's: podman refuses a runroot of more than 50 characters, and sockets have short paths, too."""
    with TemporaryDirectory(prefix="regtui-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@pytest.fixture(scope="session", params=["podman", "engine"])
def containers(request: pytest.FixtureRequest) -> Containers:
    """The test runs with podman and with the Docker Engine."""
    made: Containers = request.getfixturevalue(request.param)
    return made
