"""The raw limit: the same requests as regtui sends, by a generator that does nothing else with the answers.

Keep-alive connections, requests made beforehand, answers cut at their Content-Length and thrown away: what is left is
what the registry and the loopback need.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def request(host: str, path: str, method: str = "GET", accept: str = "*/*") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\nUser-Agent: load\r\n\r\n".encode("ascii")


def load(host: str, requests: Sequence[bytes], connections: int = 8) -> None:
    """Sends all `requests` (of `request`) to `host` (HOST:PORT). Raises RuntimeError for any answer but 200."""
    asyncio.run(_load(host, requests, connections))


async def _load(host: str, requests: Sequence[bytes], connections: int) -> None:
    waiting = iter(requests)
    name, _, port = host.partition(":")
    loop = asyncio.get_running_loop()
    lines = [
        (await loop.create_connection(lambda: _Line(waiting, loop.create_future()), name, int(port)))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(line.done for line in lines))


class _Line(asyncio.Protocol):
    """One connection: takes the next request when the answer to the last one is complete."""

    def __init__(self, waiting: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self.done = done
        self._waiting = waiting
        self._got = bytearray()
        self._wanted = 0
        self._has_body = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        following = next(self._waiting, None)
        if following is None:
            self._transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self._has_body = not following.startswith(b"HEAD")
        self._transport.write(following)

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._wanted:
            head = self._got.find(b"\r\n\r\n")
            if head < 0:
                return
            length = _LENGTH.search(self._got, 0, head + 2)
            if not self._got.startswith(b"HTTP/1.1 200") or length is None:
                self.done.set_exception(RuntimeError(bytes(self._got[:head]).decode("latin-1")))
                self._transport.close()
                return
            self._wanted = head + 4 + (int(length[1]) if self._has_body else 0)
        if len(self._got) >= self._wanted:
            self._got.clear()
            self._wanted = 0
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError("the connection was closed"))
