"""What many integration tests share: registries of each version, the command, a place for containers."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.support.commands import Regtui
from tests.support.containers import Containers, start_containers
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
def containers() -> Iterator[Containers]:
    """A place for containers, made once for the whole run."""
    # Not pytest's folder: podman refuses a runroot of more than 50 characters.
    with (
        TemporaryDirectory(prefix="regtui-", ignore_cleanup_errors=True) as directory,
        start_containers(Path(directory)) as place,
    ):
        yield place
