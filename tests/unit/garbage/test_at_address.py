"""What counts as silence at a registry's address, and what as a registry that answers."""

import asyncio

import pytest

from regtui.garbage import at_address
from regtui.garbage.at_address import AtAddress, look_at_address
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from tests.support.gateway import Reply, start_gateway

JSON = {"Content-Type": "application/json"}
REGISTRY = {"Docker-Distribution-Api-Version": "registry/2.0", **JSON}


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(200, REGISTRY, b"{}"), AtAddress.ANSWERS),
        (Reply(401, {"WWW-Authenticate": 'Basic realm="r"'}), AtAddress.ANSWERS),
        (Reply(403), AtAddress.ANSWERS),
        (Reply(429), AtAddress.ANSWERS),
        (Reply(500, JSON, b'{"errors": [{"code": "UNKNOWN", "message": "?"}]}'), AtAddress.ANSWERS),
        # By what stands in front of it.
        (Reply(502), AtAddress.SILENT),
        (Reply(504), AtAddress.UNKNOWN),
        (Reply(503, {"Content-Type": "text/html"}, b"<h1>sorry</h1>"), AtAddress.SILENT),
        (Reply(404), AtAddress.SILENT),
        (Reply(200, {"Content-Type": "text/html"}, b"<h1>sorry</h1>"), AtAddress.SILENT),
    ],
)
async def test_only_what_surely_is_none_is_silence(reply: Reply, told: AtAddress) -> None:
    with start_gateway(lambda asked: reply) as gateway:
        async with RegistryClient(Address.parse(gateway.url)) as client:
            assert await look_at_address(client) is told


async def test_one_of_several_behind_a_balancer_is_enough() -> None:
    replies = [Reply(502), Reply(502), Reply(200, REGISTRY, b"{}")]
    with start_gateway(lambda asked: replies.pop(0)) as gateway:
        async with RegistryClient(Address.parse(gateway.url)) as client:
            assert await look_at_address(client) is AtAddress.ANSWERS


async def test_where_nobody_listens_it_is_silent() -> None:
    with start_gateway() as gateway:
        address = Address.parse(gateway.url)
    async with RegistryClient(address) as client:
        assert await look_at_address(client) is AtAddress.SILENT


async def test_a_connection_that_is_taken_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """What answers it may be late, and take pushes."""
    monkeypatch.setattr(at_address, "_SECONDS", 0.5)
    taken: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: taken.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with RegistryClient(Address.parse(f"http://127.0.0.1:{port}")) as client:
        assert await look_at_address(client) is AtAddress.UNKNOWN
    assert taken
    for writer in taken:
        writer.close()
    server.close()
