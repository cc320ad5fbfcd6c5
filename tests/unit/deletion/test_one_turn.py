"""A look at a tag and the change that depends on it go over the wire one right after the other, however much else
waits: no whole request of ours fits in between, so that somebody else's push has to hit that very moment."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest

from regtui.deletion.request import Request
from regtui.local.dialect import Version
from regtui.local.transport import LocalTransport
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.settings import HttpSettings
from regtui.registry.values import Credential
from regtui.session.session import Session

from .test_deletion import execute
from .test_moved_tags import undo_last
from .worlds import World

REPOSITORY = "team/app"
VERSIONS: list[Version] = ["2.8.2", "3.1.1"]
MANY = [f"v{number:02}" for number in range(24)]
_TURNS = 20


@dataclass
class Sent:
    """One request, `began` and `ended` counted in requests that began or ended before."""

    method: str
    reference: str
    began: int
    ended: int = 0


class Slow(httpx.AsyncBaseTransport):
    """Each request takes some turns of the event loop, so that others are under way as well. With `token`, it wants one
    of the right scope for each, as a registry with a token service does."""

    def __init__(self, world: World, *, token: bool = False) -> None:
        self._inner = LocalTransport(world.storage, world.version)
        self._token = token
        self._moment = 0
        self.sent: list[Sent] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sent = Sent(request.method, request.url.path.rpartition("/")[2], self._now())
        self.sent.append(sent)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        response = await self._answer(request)
        sent.ended = self._now()
        return response

    def _now(self) -> int:
        self._moment += 1
        return self._moment

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            scope = request.url.params.get("scope", "")
            return httpx.Response(200, json={"token": "for-" + re.sub("[^a-z]", "-", scope)})
        wanted = {"DELETE": "delete", "PUT": "push"}.get(request.method, "Bearer")
        if self._token and wanted not in request.headers.get("Authorization", ""):
            asks = 'Bearer realm="http://test.localhost/token",service="registry"'
            return httpx.Response(401, headers={"WWW-Authenticate": asks})
        return await self._inner.handle_async_request(request)

    def between(self) -> dict[str, list[Sent]]:
        """Of each change of a tag: the requests that began and ended after the look that it
        depends on, and before it."""
        found: dict[str, list[Sent]] = {}
        for change in self.sent:
            is_of_a_tag = not change.reference.startswith(("sha256:", "regtui-probe"))
            if change.method not in ("PUT", "DELETE") or not is_of_a_tag:
                continue
            looks = [
                look
                for look in self.sent
                if look.method in ("GET", "HEAD") and look.reference == change.reference and look.ended < change.began
            ]
            assert looks, change
            found[f"{change.method} {change.reference}"] = [
                other for other in self.sent if looks[-1].ended < other.began and other.ended < change.began
            ]
        return found


async def busy(session: Session, until: asyncio.Event) -> None:
    """What an app asks for beside it."""

    async def ask() -> None:
        async for _ in session.tags(REPOSITORY):
            pass

    while not until.is_set():
        await asyncio.gather(*(ask() for _ in range(8)))


async def while_busy(session: Session, doing: Awaitable[object]) -> None:
    done = asyncio.Event()
    beside = asyncio.ensure_future(busy(session, done))
    try:
        await doing
    finally:
        done.set()
        await beside


async def opened(world: World, tags: list[str]) -> tuple[Slow, Session]:
    for tag in tags:
        await world.image(REPOSITORY, [tag], [tag])
    transport = world.transport = Slow(world)
    return transport, await world.open()


@pytest.mark.parametrize("version", VERSIONS)
async def test_nothing_comes_between_a_look_at_a_tag_and_its_removal_nor_its_return(version: Version) -> None:
    world = World(version)
    transport, session = await opened(world, MANY)
    plan = await session.plan_deletion(Request(REPOSITORY, MANY))
    transport.sent.clear()
    await while_busy(session, execute(session, plan))
    between = transport.between()
    assert len(between) == len(MANY)
    assert not any(between.values()), between
    transport.sent.clear()
    await while_busy(session, undo_last(session))
    between = transport.between()
    assert len(between) == len(MANY)
    assert not any(between.values()), between


async def test_nothing_comes_between_a_look_at_a_tag_and_its_move() -> None:
    world = World("2.8.2")
    transport, session = await opened(world, ["v1", "v2"])
    tags = await world.tags(REPOSITORY)
    transport.sent.clear()
    await while_busy(session, session.add_tag(REPOSITORY, tags["v2"], "v1", instead_of=tags["v1"]))
    await while_busy(session, session.add_tag(REPOSITORY, tags["v2"], "v3", instead_of=None))
    between = transport.between()
    assert set(between) == {"PUT v1", "PUT v3"}
    assert not any(between.values()), between


@pytest.mark.parametrize("change", ["PUT", "DELETE"])
async def test_the_token_for_a_change_is_fetched_before_the_look(change: str) -> None:
    world = World("3.1.1")
    await world.image(REPOSITORY, ["layer"], ["v1"])
    transport = Slow(world, token=True)
    credential = Credential("ci", "secret")
    client = RegistryClient(
        Address.parse("http://test.localhost"), credential, settings=HttpSettings(transport=transport)
    )
    await client.ping()
    fetched = await client.manifest(REPOSITORY, "v1")
    turns: dict[str, Callable[[], Awaitable[object]]] = {
        "PUT": lambda: client.put_manifest(REPOSITORY, "v1", fetched.body, fetched.media_type),
        "DELETE": lambda: client.delete_tag(REPOSITORY, "v1"),
    }
    async with client.before_put(REPOSITORY) if change == "PUT" else client.before_delete(REPOSITORY):
        transport.sent.clear()
        await client.resolve(REPOSITORY, "v1")
        await turns[change]()
    assert [(sent.method, sent.reference) for sent in transport.sent] == [("HEAD", "v1"), (change, "v1")]
