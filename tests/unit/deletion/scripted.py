"""The demo registry, but for the answers that a test puts in the place of its own."""

import asyncio
from collections.abc import Callable

import httpx

from regtui.local.transport import LocalTransport

from .worlds import World

Answer = Callable[[httpx.Request], int | None]
NO_ANSWER = 0
SILENCE = -1
"""It is waited for in vain."""


class Scripted(httpx.AsyncBaseTransport):
    """`instead`: a status in place of doing it. `after`: one in place of the answer, once it was done. None: the
    registry's own. `sent`: (method, reference) of the changes. `turns`: of the event loop until a request is done, so
    that what is sent at the same time is under way as well."""

    def __init__(self, world: World, instead: Answer = lambda _: None, after: Answer = lambda _: None) -> None:
        self._inner = LocalTransport(world.storage, world.version)
        self.instead = instead
        self.after = after
        self.sent: list[tuple[str, str]] = []
        self.turns = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reference = request.url.path.rpartition("/")[2]
        if "regtui-probe" in reference or reference.startswith("sha256:0000"):
            return await self._inner.handle_async_request(request)
        if request.method in ("PUT", "DELETE"):
            self.sent.append((request.method, reference))
        if (status := self.instead(request)) == SILENCE:
            raise httpx.ReadTimeout("", request=request)
        if status is not None:
            return httpx.Response(status)
        for _ in range(self.turns):
            await asyncio.sleep(0)
        response = await self._inner.handle_async_request(request)
        if (status := self.after(request)) == NO_ANSWER:
            raise httpx.ReadError("the connection was closed", request=request)
        if status == SILENCE:
            raise httpx.ReadTimeout("", request=request)
        return response if status is None else httpx.Response(status)
