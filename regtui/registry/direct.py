"""Straight to one server, for reads: HTTP/1.1 on asyncio behind httpx's interface.

CPU for a manifest of 1 KB on loopback, 8 in flight: httpx's own transport 0.7 ms and more where tasks wait in its pool,
this one 0.1 ms; and it takes 10 ms to import, where the usual fast client, aiohttp, takes 130. What is changed goes
over httpx's own, the way that is tested most, and so does whatever needs a proxy.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Final

import httpx
from aiohappyeyeballs import start_connection

from regtui.registry.http1 import Http1Connection
from regtui.registry.read import Head, Read, target

WHOLE: Final = "regtui.whole"
"""The extension of a response whose body came with it, with nothing to decode."""

# Seconds: servers close what is idle after a minute and more, what is in between forgets it earlier.
_LONGEST_IDLE: Final = 15.0
# Seconds until the next address of a host is tried beside the first (RFC 8305).
_NEXT_ADDRESS: Final = 0.25
_EXTENSIONS: Final = {"http_version": b"HTTP/1.1"}


class DirectTransport(httpx.AsyncBaseTransport):
    """To `host`:`port`, over TLS where there is a `context`; or to the local socket `way`, which leads there. At most
    `connections` stay open while they are idle: how many there are is for whoever sends to bound."""

    def __init__(
        self, host: str, port: int, context: ssl.SSLContext | None = None, connections: int = 8, way: str = ""
    ) -> None:
        self._host = host
        self._port = port
        self._context = context
        self._most_idle = connections
        self._way = way
        self._idle: list[Http1Connection] = []
        self._open: set[Http1Connection] = set()
        if context is not None:
            context.set_alpn_protocols(["http/1.1"])

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeouts = request.extensions.get("timeout") or {}
        connection = self._take() or await self._connected(timeouts.get("connect"))
        try:
            has_body = request.method != "HEAD"
            answer = await connection.ask(_written(request), has_body=has_body, timeout=timeouts.get("read"))
        except BaseException:
            self._give_back(connection)
            raise
        extensions = {**_EXTENSIONS, "reason_phrase": answer.reason}
        if answer.body is None:
            body = _Body(self, connection)
            return httpx.Response(answer.status, headers=answer.headers, stream=body, extensions=extensions)
        self._give_back(connection)
        extensions[WHOLE] = b""
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body, extensions=extensions)

    async def aclose(self) -> None:
        self._most_idle = 0
        for connection in self._open:
            connection.close()
        self._open.clear()
        self._idle.clear()
        # They are closed once the loop comes round.
        await asyncio.sleep(0)

    def _take(self) -> Http1Connection | None:
        """The one that was used last, if it is still good."""
        oldest = asyncio.get_running_loop().time() - _LONGEST_IDLE
        while self._idle:
            connection = self._idle.pop()
            if connection.is_idle and connection.heard > oldest:
                return connection
            self._drop(connection)
        return None

    def _give_back(self, connection: Http1Connection) -> None:
        if connection.is_idle and len(self._idle) < self._most_idle:
            self._idle.append(connection)
        else:
            self._drop(connection)

    def _drop(self, connection: Http1Connection) -> None:
        self._open.discard(connection)
        connection.close()

    async def _connected(self, timeout: float | None) -> Http1Connection:
        try:
            async with asyncio.timeout(timeout):
                connection = await self._connect()
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        self._open.add(connection)
        return connection

    async def _connect(self) -> Http1Connection:
        loop = asyncio.get_running_loop()
        name = self._host if self._context is not None else None
        if self._way:
            _, connection = await loop.create_unix_connection(
                Http1Connection, self._way, ssl=self._context, server_hostname=name
            )
            return connection
        addresses = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        reached = await start_connection(addresses, happy_eyeballs_delay=_NEXT_ADDRESS, interleave=1)
        _, connection = await loop.create_connection(
            Http1Connection, sock=reached, ssl=self._context, server_hostname=name
        )
        return connection


class _Body(httpx.AsyncByteStream):
    def __init__(self, transport: DirectTransport, connection: Http1Connection) -> None:
        self._transport = transport
        self._connection = connection

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._connection.chunks()

    async def aclose(self) -> None:
        # Back among the idle ones; where it wasn't read to its end, it is closed.
        self._transport._give_back(self._connection)


def _written(request: httpx.Request) -> bytes:
    """The request as it goes over the wire. Raises httpx.LocalProtocolError for a header that would be two."""
    head = request.head if isinstance(request, Read) else Head(request.headers)
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (request.method.encode("ascii"), target(request), head.written)
