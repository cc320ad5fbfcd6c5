"""The demo registry does what the real ones do; tests/integration/test_protocol.py holds them to the same."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from regtui.local.dialect import Version
from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport
from tests.protocol_checks import (
    CHECKS,
    NO_DELETION_CHECKS,
    PASSWORD,
    PASSWORD_CHECKS,
    READ_ONLY_CHECKS,
    USER,
    Check,
)

CASES: list[tuple[Check, dict[str, Any]]] = [
    *((check, {}) for check in CHECKS),
    *((check, {"delete_enabled": False}) for check in NO_DELETION_CHECKS),
    *((check, {"read_only": True}) for check in READ_ONLY_CHECKS),
    *((check, {"htpasswd": {USER: PASSWORD}}) for check in PASSWORD_CHECKS),
]


@pytest.fixture(params=["2.7.1", "2.8.2", "3.1.1"])
def version(request: pytest.FixtureRequest) -> Version:
    version: Version = request.param
    return version


@pytest.fixture
async def client(version: Version, setup: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    transport = LocalTransport(MemoryStorage(), version, **setup)
    async with httpx.AsyncClient(transport=transport, base_url="http://demo.invalid") as client:
        yield client


@pytest.mark.parametrize(("check", "setup"), CASES, ids=lambda value: getattr(value, "__name__", ""))
async def test_check(check: Check, client: httpx.AsyncClient, version: Version) -> None:
    await check(client, version)
