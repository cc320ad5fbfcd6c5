"""The real registries do what the demo registry, held to the same checks, claims they do."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.protocol_checks import (
    CHECKS,
    NO_DELETION_CHECKS,
    PASSWORD,
    PASSWORD_CHECKS,
    READ_ONLY_CHECKS,
    USER,
    Check,
)
from tests.support.servers import RegistryServer, start_registry

pytestmark = pytest.mark.integration

SETUPS: dict[str, dict[str, Any]] = {
    "writable": {},
    "no-deletion": {"delete": False},
    "read-only": {"readonly": True},
    "passwords": {"htpasswd": {USER: PASSWORD}},
}
CASES: list[tuple[Check, str]] = [
    *((check, "writable") for check in CHECKS),
    *((check, "no-deletion") for check in NO_DELETION_CHECKS),
    *((check, "read-only") for check in READ_ONLY_CHECKS),
    *((check, "passwords") for check in PASSWORD_CHECKS),
]


class Servers:
    """One server for each version and setup, started when the first check wants it."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory, self._stack = directory, stack
        self._running: dict[tuple[str, str], RegistryServer] = {}

    def url(self, version: str, setup: str) -> str:
        key = (version, setup)
        if key not in self._running:
            directory = self._directory / f"{version}-{setup}"
            self._running[key] = self._stack.enter_context(start_registry(version, directory, **SETUPS[setup]))
        return self._running[key].url


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(tmp_path_factory.mktemp("registries"), stack)


@pytest.fixture
async def client(servers: Servers, version: str, setup: str) -> AsyncIterator[httpx.AsyncClient]:
    url = servers.url(version, setup)
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


@pytest.mark.parametrize(("check", "setup"), CASES, ids=lambda value: getattr(value, "__name__", value))
async def test_check(check: Check, client: httpx.AsyncClient, version: str) -> None:
    await check(client, version)
