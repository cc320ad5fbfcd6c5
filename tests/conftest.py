"""What every test gets: a home of its own, no stray settings, and real registries on request.

A missing server program skips the tests that need it, loudly; where CI or REGTUI_REQUIRE_SERVERS is set it
fails them, so that a green run always means that the servers were there.
"""

import os
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from textual import constants

from tests.support.programs import ProgramMissing
from tests.support.servers import VERSIONS, RegistryServer, start_registry
from tests.support.tls import TlsFiles, make_tls

# keyring picks its backend when it is first imported, which is after this: the tests' modules come later.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"

_INTEGRATION = Path(__file__).parent / "integration"

_UNSET = (
    *("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "SSH_CONNECTION", "SSH_TTY", "SSH_AUTH_SOCK"),
    *("NO_COLOR", "FORCE_COLOR", "TEXTUAL_THEME", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in tests/integration is an integration test: nobody has to remember the mark."""
    for item in items:
        if item.path.is_relative_to(_INTEGRATION):
            item.add_marker(pytest.mark.integration)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None]:
    yield from _skipping_what_is_missing()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    yield from _skipping_what_is_missing()


def _skipping_what_is_missing() -> Generator[None]:
    try:
        yield
    except ProgramMissing as missing:
        if os.environ.get("CI") or os.environ.get("REGTUI_REQUIRE_SERVERS") == "1":
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees, or writes to, the home and the settings of whoever runs it."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for kind in ("CONFIG", "CACHE", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / f".{kind.lower()}"))
    runtime = home / ".run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    for name in _UNSET:
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith(("REGTUI_", "REGISTRY_"))]:
        if name != "REGTUI_REQUIRE_SERVERS":
            monkeypatch.delenv(name)
    # The variable for programs that tests start; this process read it before, when a plugin imported Textual.
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr(constants, "TEXTUAL_ANIMATIONS", "none")
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    # monkeypatch puts TZ back after this, too late for tzset.
    if before is None:
        monkeypatch.delenv("TZ")
    else:
        monkeypatch.setenv("TZ", before)
    time.tzset()


@pytest.fixture
def registry_2(tmp_path: Path) -> Iterator[RegistryServer]:
    """A fresh docker-registry 2.8.2, as Debian ships it."""
    with start_registry("2.8.2", tmp_path / "registry-2") as server:
        yield server


@pytest.fixture
def registry_3(tmp_path: Path) -> Iterator[RegistryServer]:
    """A fresh distribution 3.1.1."""
    with start_registry("3.1.1", tmp_path / "registry-3") as server:
        yield server


@pytest.fixture(params=VERSIONS)
def any_registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RegistryServer]:
    """A fresh registry; the test runs once for each version."""
    with start_registry(request.param, tmp_path / "registry") as server:
        yield server


@pytest.fixture(scope="session", params=VERSIONS)
def shared_registry(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryServer]:
    """One registry a version for the whole run: for tests that read, or keep to a repository of their own."""
    with start_registry(request.param, tmp_path_factory.mktemp("shared-registry")) as server:
        yield server


@pytest.fixture(scope="session")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """A certificate for 127.0.0.1 and localhost, and the authority that signed it."""
    return make_tls(tmp_path_factory.mktemp("tls"))
