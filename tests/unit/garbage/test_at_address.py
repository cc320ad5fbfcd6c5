"""What counts as silence at a registry's address, and what as a registry that answers."""

import pytest

from regtui.garbage.at_address import answers_still
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from tests.support.gateway import Reply, start_gateway

JSON = {"Content-Type": "application/json"}
REGISTRY = {"Docker-Distribution-Api-Version": "registry/2.0", **JSON}


@pytest.mark.parametrize(
    ("reply", "is_one"),
    [
        (Reply(200, REGISTRY, b"{}"), True),
        (Reply(401, {"WWW-Authenticate": 'Basic realm="r"'}), True),
        (Reply(403), True),
        (Reply(429), True),
        (Reply(500, JSON, b'{"errors": [{"code": "UNKNOWN", "message": "?"}]}'), True),
        # By what stands in front of it.
        (Reply(502), False),
        (Reply(503, {"Content-Type": "text/html"}, b"<h1>sorry</h1>"), False),
        (Reply(404), False),
        (Reply(200, {"Content-Type": "text/html"}, b"<h1>sorry</h1>"), False),
    ],
)
async def test_only_what_surely_is_none_is_silence(reply: Reply, is_one: bool) -> None:
    with start_gateway(lambda asked: reply) as gateway:
        async with RegistryClient(Address.parse(gateway.url)) as client:
            assert await answers_still(client) is is_one


async def test_one_of_several_behind_a_balancer_is_enough() -> None:
    replies = [Reply(502), Reply(502), Reply(200, REGISTRY, b"{}")]
    with start_gateway(lambda asked: replies.pop(0)) as gateway:
        async with RegistryClient(Address.parse(gateway.url)) as client:
            assert await answers_still(client)


async def test_where_nobody_listens_it_is_silent() -> None:
    with start_gateway() as gateway:
        address = Address.parse(gateway.url)
    async with RegistryClient(address) as client:
        assert not await answers_still(client)
