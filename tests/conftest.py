"""What every test has: a home of its own, no credentials, no animation; and real servers, or a loud skip."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.programs import ProgramMissing

_UNWANTED = (
    "SSH_CONNECTION",
    "NO_COLOR",
    "FORCE_COLOR",
    "TEXTUAL_THEME",
    "DOCKER_CONFIG",
    "REGISTRY_AUTH_FILE",
    "SSL_CERT_FILE",
    *(f"{scheme}_proxy" for scheme in ("http", "https", "all")),
    *(f"{scheme}_PROXY" for scheme in ("HTTP", "HTTPS", "ALL")),
)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
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
    for name in [*_UNWANTED, *(name for name in os.environ if name.startswith("REGTUI_"))]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("TZ", "UTC")
    return directory


# Read before any test changes the environment.
_REQUIRED = bool(os.environ.get("CI") or os.environ.get("REGTUI_REQUIRE_SERVERS"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    return (yield from _missing_program())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    return (yield from _missing_program())


def _missing_program() -> Iterator[None]:
    """A server that isn't installed skips the test with the way to install it; in CI it fails it."""
    try:
        yield
    except ProgramMissing as error:
        if _REQUIRED:
            raise
        pytest.skip(str(error))
