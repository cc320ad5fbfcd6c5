"""What every test gets: a home of its own, no stray settings, and real registries on request.

A missing server program skips the tests that need it, loudly; where CI or REGTUI_REQUIRE_SERVERS is set it
fails them, so that a green run always means that the servers were there.
"""

import os
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest
from textual import constants

from regtui.ui import question
from tests.support import alike, pilots, watch
from tests.support.programs import ProgramMissing
from tests.support.servers import VERSIONS, RegistryServer, start_registry
from tests.support.tls import TlsFiles, make_tls
from tests.support.watch import logins, passwords

# How long an example takes, or takes to be made, says how busy this machine is.
hypothesis.settings.register_profile(
    "regtui",
    max_examples=alike.examples(100),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    print_blob=True,
)
hypothesis.settings.load_profile("regtui")

pilots.quicken()

_NO_KEYRING = "keyring.backends.null.Keyring"
os.environ["PYTHON_KEYRING_BACKEND"] = _NO_KEYRING

# Read before any test changes the environment.
_REQUIRED = bool(os.environ.get("CI") or os.environ.get("REGTUI_REQUIRE_SERVERS"))

_INTEGRATION = Path(__file__).parent / "integration"

_UNWANTED = (
    *("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "SSH_CONNECTION", "SSH_TTY", "SSH_AUTH_SOCK"),
    *("NO_COLOR", "FORCE_COLOR", "TEXTUAL_THEME", "SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)


@pytest.hookimpl(tryfirst=True)  # so that -m sees the mark
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Everything in tests/integration is an integration test: nobody has to remember the mark."""
    for item in items:
        if item.path.is_relative_to(_INTEGRATION):
            item.add_marker(pytest.mark.integration)
    alike.choose(config, items)


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
        if _REQUIRED:
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home directory, and nothing in the environment that leads out of it."""
    directory = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(directory))
    for name, below in (
        ("CONFIG", ".config"),
        ("STATE", ".local/state"),
        ("CACHE", ".cache"),
        ("DATA", ".local/share"),
    ):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(directory / below))
    for name in [*_UNWANTED, *(name for name in os.environ if name.startswith(("REGTUI_", "REGISTRY_")))]:
        monkeypatch.delenv(name, raising=False)
    # The variables are for programs that tests start. This process may have read them before: pytest's
    # snapshot plugin imports Textual, and keyring chooses when it is imported.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", _NO_KEYRING)
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr(constants, "TEXTUAL_ANIMATIONS", "none")
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "UTC")
        time.tzset()
        yield directory
    time.tzset()


@pytest.fixture(autouse=True)
def no_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests press keys as soon as a question stands there; how soon that counts is what some are about."""
    monkeypatch.setattr(question, "MOMENT", 0.0)


@pytest.fixture(autouse=True, scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> None:
    """All clients, from the first on, and every regtui that a test starts."""
    watch.begin(tmp_path_factory.mktemp("watched"))
    logins.watch(watch.tell)
    passwords.watch_command_lines()


@pytest.fixture(autouse=True)
def nothing_leaks(home: Path, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No login went where it doesn't belong, and no password was logged or kept in a file of ours."""
    yield
    passwords.look_at("the log", caplog.text)
    passwords.look_at_files(home)
    watch.check()


@pytest.fixture
def registry_2(tmp_path: Path) -> Iterator[RegistryServer]:
    """A fresh docker-registry 2.8.2, as Debian ships it."""
    with start_registry("2.8.2", tmp_path / "registry-2") as server:
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
