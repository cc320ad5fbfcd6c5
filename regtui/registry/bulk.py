"""The transport for many reads: aiohttp behind httpx's interface.

CPU for a manifest of 1 KB on loopback, 8 in flight: httpx's own 0.7 ms and more where tasks wait in its pool, this one
0.13 ms. But it takes long to import, so it is loaded when some hundred requests are due, in a thread; and only reads
take it: what is changed goes the way that is tested most.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    import aiohttp

# Bytes: what was announced as no longer is read at once.
_SHORT: Final = 64 * 1024
WHOLE: Final = "regtui.whole"
"""The extension of a response whose body came with it, with nothing to decode."""


async def bulk_transport(context: ssl.SSLContext, connections: int, way: str = "") -> httpx.AsyncBaseTransport:
    """`way`: a local socket that leads there, for plain HTTP alone. It knows of no proxies."""
    return await asyncio.to_thread(_load, context, connections, way)


def _load(context: ssl.SSLContext, connections: int, way: str) -> httpx.AsyncBaseTransport:
    import aiohttp

    def session() -> aiohttp.ClientSession:
        connector = (
            aiohttp.UnixConnector(path=way, limit=connections)
            if way
            else aiohttp.TCPConnector(ssl=context, limit=connections)
        )
        # httpx's client keeps the cookies, and knows whom they belong to.
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    return _AiohttpTransport(session)


class _AiohttpTransport(httpx.AsyncBaseTransport):
    """Errors are told as httpx tells them: a connection that broke is no connection that couldn't be made."""

    def __init__(self, make_session: "Callable[[], aiohttp.ClientSession]") -> None:
        self._make_session = make_session
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        from yarl import URL

        if self._session is None:
            self._session = self._make_session()
        with _told_by_httpx():
            answer = await self._session.request(
                request.method,
                # As it is: yarl would decode what needs no encoding by its own rules.
                URL(str(request.url), encoded=True),
                headers=request.headers,
                allow_redirects=False,
                auto_decompress=False,
                timeout=_timeout(**request.extensions.get("timeout", {})),
            )
            length = answer.content_length or 0
            short = length <= _SHORT and "Content-Encoding" not in answer.headers and "Content-Length" in answer.headers
            content = await answer.read() if short else None
        reason = (answer.reason or "").encode("latin-1", "replace")
        return httpx.Response(
            answer.status,
            headers=answer.raw_headers,
            # A manifest comes whole: a stream for each costs as much as parsing it.
            content=content,
            stream=None if short else _Body(answer),
            request=request,
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": reason, **({WHOLE: True} if short else {})},
        )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: "aiohttp.ClientResponse") -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _told_by_httpx():
            async for chunk in self._answer.content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        # Back into the pool; where it wasn't read to its end, the connection is closed.
        self._answer.release()


@lru_cache(maxsize=4)
def _timeout(
    connect: float | None = None, read: float | None = None, write: float | None = None, pool: float | None = None
) -> "aiohttp.ClientTimeout":
    import aiohttp

    return aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=read, connect=pool)


@contextmanager
def _told_by_httpx() -> Iterator[None]:
    import aiohttp

    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except aiohttp.ServerTimeoutError as error:
        raise httpx.ReadTimeout(str(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(str(error)) from error
    except aiohttp.ClientPayloadError as error:
        raise httpx.ReadError(str(error)) from error
    except aiohttp.ClientError as error:
        raise httpx.RemoteProtocolError(str(error)) from error
