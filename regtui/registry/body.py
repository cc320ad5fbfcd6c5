"""The body of an answer: read to a limit that counts what it is decoded to, and no slower than the slowest rate."""

import asyncio
import time
import zlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Final

import httpx

from regtui import bounds
from regtui.registry import errors
from regtui.registry.direct import WHOLE
from regtui.registry.errors import Where

_GZIP: Final = 16 + zlib.MAX_WBITS
_PIECE: Final = 64 * bounds.KIB
_IDENTITY: Final = frozenset({"", "identity"})
_GZIPPED: Final = frozenset({"gzip", "x-gzip"})


class BodyReader:
    """Of one client: however many answers come at once, only few large ones are in memory."""

    def __init__(self) -> None:
        self._large = asyncio.Semaphore(bounds.LARGE_AT_ONCE)

    async def read(self, response: httpx.Response, where: Where, limit: int, enough: int | None = None) -> bytes:
        """At most `limit` bytes, decoded; of a body that is longer than `enough`, some more than that.

        Raises BadAnswer for a longer body and for codings that weren't asked for, httpx.ReadTimeout for one that
        trickles.
        """
        if WHOLE in response.extensions and len(response.content) <= limit:
            return response.content
        if response.status_code >= 300:
            enough = bounds.ERROR if enough is None else min(enough, bounds.ERROR)
            try:
                return await self._read(response, where, limit, enough)
            except errors.BadAnswer:
                # That it refuses is told, with whatever coding the words may have.
                return b""
        return await self._read(response, where, limit, enough)

    async def _read(self, response: httpx.Response, where: Where, limit: int, enough: int | None) -> bytes:
        body = bytearray()
        is_large = False
        try:
            async with aclosing(_decoded(response, where, limit)) as chunks:
                async for chunk in chunks:
                    body += chunk
                    if enough is not None and len(body) > enough:
                        break
                    if len(body) > limit:
                        raise errors.BadAnswer(
                            where, f"{where.host} sent more than {_amount(limit)} while {where.operation}."
                        )
                    if len(body) > bounds.LARGE and not is_large:
                        await self._large.acquire()
                        is_large = True
            return bytes(body)
        finally:
            if is_large:
                self._large.release()


async def _timed(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """As it comes over the wire. The time that whoever takes it needs is not the server's."""
    timeout = (response.request.extensions.get("timeout") or {}).get("read")
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    left, asked = timeout, time.monotonic()
    async for chunk in stream:
        if left is not None:
            left -= time.monotonic() - asked
            if left < 0:
                raise httpx.ReadTimeout("the answer trickles")
            # No more is paid ahead than a silence may take.
            left = min(left + len(chunk) / bounds.SLOWEST, timeout)
        yield chunk
        asked = time.monotonic()


async def _decoded(response: httpx.Response, where: Where, limit: int) -> AsyncGenerator[bytes, None]:
    """What was sent in no coding, or in gzip once: that is all that is taken, though identity was asked for. Of what is
    packed no more than `limit` bytes are read."""
    named = response.headers.get("Content-Encoding", "").lower().split(",")
    codings = [coding for coding in map(str.strip, named) if coding not in _IDENTITY]
    decoder = None
    packed = 0
    async with aclosing(_timed(response)) as chunks:
        async for chunk in chunks:
            if not codings:
                yield chunk
                continue
            packed += len(chunk)
            if packed > limit + _PIECE:
                # Packed, it is never longer than what it is the packing of: this one comes to nothing.
                raise _undecodable(where)
            if len(codings) > 1 or codings[0] not in _GZIPPED:
                raise errors.BadAnswer(
                    where, f"{where.host} sent a coding that wasn't asked for while {where.operation}."
                )
            decoder = decoder or zlib.decompressobj(_GZIP)
            try:
                for piece in _inflated(decoder, chunk):
                    yield piece
            except zlib.error:
                raise _undecodable(where) from None
            if decoder.eof:
                break  # What stands behind the end is nobody's.
    if decoder is not None and not decoder.eof:
        raise _undecodable(where)


def _inflated(decoder: "zlib._Decompress", chunk: bytes) -> Iterator[bytes]:
    """Piece by piece, so that whoever counts them can stop in time. What stands behind the end is dropped."""
    rest = chunk
    while rest and not decoder.eof:
        if piece := decoder.decompress(rest, _PIECE):
            yield piece
        rest = decoder.unconsumed_tail


def _undecodable(where: Where) -> errors.BadAnswer:
    return errors.BadAnswer(where, f"{where.host} sent what can't be decoded while {where.operation}.")


def _amount(limit: int) -> str:
    if limit >= bounds.MIB:
        return f"{limit // bounds.MIB} MiB"
    return f"{limit // bounds.KIB} KiB" if limit >= bounds.KIB else f"{limit} bytes"
