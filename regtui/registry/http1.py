"""One HTTP/1.1 connection on asyncio: a request at a time, the answers taken apart by Node's parser (httptools).

What a server sends is bounded: the head of an answer by what is kept of it, a long body by what is read ahead.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from regtui import bounds

# Bytes: a body that was announced as no longer comes with its head.
_SHORT: Final = 64 * 1024
# Bytes of a long body that are read ahead of whoever takes them.
_AHEAD: Final = 256 * 1024
_BODILESS: Final = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is None where it is to be read by `Http1Connection.chunks`."""

    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes | None


class Http1Connection(asyncio.Protocol):
    """Made by an event loop's `create_connection`. Raises httpx's errors, as httpx's own transport does.

    A time-out is for each silence; once it has passed, what comes is no slower than the slowest rate.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: HttpResponseParser | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._more: asyncio.Future[None] | None = None
        self._failure: httpx.TransportError | None = None
        self._timeout: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.heard = 0.0
        """When something was sent or received, in the loop's time (seconds)."""
        self._is_complete = True
        self._is_reusable = False
        # Of the answer that is under way.
        self._has_body = True
        self._status = 0
        self._status_came = False
        self._reason = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: deque[bytes] = deque()
        self._comes_whole = False
        self._ends_with_connection = False
        self._waiting = 0
        """Bytes of the body that nobody has taken yet."""
        self._silent = 0
        """Bytes that came since the last ones of a body."""
        self._size = 0
        """Bytes that came in all."""
        self._body_size = 0
        """Of those, the body's."""
        self._paid_until = 0.0
        """Until when what came is no slower than the slowest rate, in the loop's time."""

    @property
    def is_idle(self) -> bool:
        """Whether it can take another request: open, and the last answer was read to its end."""
        return self._is_complete and self._is_reusable and self._transport is not None

    async def ask(self, request: bytes, *, has_body: bool, timeout: float | None) -> Answer:
        """Sends a request to an idle connection. `has_body`: its answer may have one. `timeout`: seconds of silence."""
        if self._transport is None:
            raise self._failure or httpx.ReadError("the connection was closed")
        self._begin(has_body)
        self._watch(timeout)
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._answer = answer
        self._transport.write(request)
        try:
            return await answer
        except asyncio.CancelledError:
            self.close()
            raise

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body of an answer that came without it."""
        while True:
            while self._parts:
                part = self._parts.popleft()
                self._waiting -= len(part)
                yield part
            if self._failure is not None:
                raise self._failure
            if self._is_complete:
                return
            if self._transport is not None:
                self._transport.resume_reading()
            self._more = self._loop.create_future()
            await self._more

    def close(self) -> None:
        """At once: what is under way is given up."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._is_reusable = True
        self.heard = self._loop.time()

    def data_received(self, data: bytes) -> None:
        self.heard = self._loop.time()
        if self._is_complete or self._parser is None:
            # Nobody asked for it.
            self._is_reusable = False
            self.close()
            return
        self._silent += len(data)
        self._size += len(data)
        if self._timeout is not None:
            # No more is paid ahead than a silence may take: else what came at once would buy hours of a byte a second.
            paid = self._paid_until + len(data) / bounds.SLOWEST
            self._paid_until = min(paid, self.heard + self._timeout)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._is_reusable = False
            what = "malformed answer" if self._status_came else "illegal status line"
            self._fail(httpx.RemoteProtocolError(f"{what}: {error}"))
            return
        if self._silent > bounds.HEAD and not self._is_complete:
            self._fail(httpx.RemoteProtocolError("the head of the answer has no end"))
        elif self._size - 2 * self._body_size > bounds.HEAD and not self._is_complete:
            # A byte in each chunk: a minute's work for a body that is within its limit.
            self._fail(httpx.RemoteProtocolError("what stands around the chunks is more than what is in them"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._is_complete:
            return
        if exc is not None:
            error: httpx.TransportError = httpx.ReadError(str(exc))
            error.__cause__ = exc
        elif self._ends_with_connection:
            self._complete()
            return
        else:
            half = "broke off its answer" if self._status_came else "closed the connection without an answer"
            error = httpx.RemoteProtocolError(f"the server {half}")
        self._fail(error)

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._is_complete:
            self._is_reusable = False

    def on_status(self, reason: bytes) -> None:
        self._reason += reason
        self._status_came = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        self._status_came = True
        self._status = status = self._parser.get_status_code()
        if status < 100:
            # It is neither an answer nor something on the way to one.
            self._fail(httpx.RemoteProtocolError(f"illegal status line: {status}"))
        if status < 200 or self._is_complete:
            return
        length, is_coded, is_chunked = None, False, False
        for name, value in self._headers:
            match name.lower():
                case b"content-length":
                    length = int(value)
                case b"content-encoding":
                    is_coded = True
                case b"transfer-encoding":
                    is_chunked = True
        self._is_reusable = self._parser.should_keep_alive()
        if not self._has_body:
            # llhttp would wait for what a HEAD's Content-Length announces: it goes with its answer.
            self._parser = None
            self._complete()
            return
        self._ends_with_connection = length is None and not is_chunked and status not in _BODILESS
        self._comes_whole = not is_coded and (status in _BODILESS or (length is not None and length <= _SHORT))
        self._silent = 0
        if not self._comes_whole:
            self._tell(None)

    def on_body(self, part: bytes) -> None:
        if self._status < 200:
            # Of what is on the way to an answer (199, by the parser): nobody takes it.
            return
        self._silent = 0
        self._body_size += len(part)
        if self._is_complete:
            self._is_reusable = False
            return
        self._parts.append(part)
        self._waiting += len(part)
        if not self._comes_whole:
            if self._waiting > _AHEAD and self._transport is not None:
                self._transport.pause_reading()
            self._wake()

    def on_message_complete(self) -> None:
        if self._is_complete:
            return
        if self._status < 200:
            # Something on the way (100 Continue, 103 Early Hints): the answer is still to come.
            self._headers, self._reason = [], b""
            return
        self._complete()

    # Within

    def _begin(self, has_body: bool) -> None:
        # The parser of a HEAD's answer still waits for the body: the next answer needs another.
        self._parser = self._parser or HttpResponseParser(self)
        self._has_body = has_body
        self._is_complete = self._status_came = self._comes_whole = self._ends_with_connection = False
        self._status = self._waiting = self._silent = self._size = self._body_size = 0
        self._reason = b""
        self._headers = []
        self._parts = deque()

    def _complete(self) -> None:
        self._is_complete = True
        if self._transport is not None:
            # However much of it waits to be taken: the next answer comes over the same connection.
            self._transport.resume_reading()
        if self._comes_whole or not self._has_body:
            self._tell(b"".join(self._parts))
        self._wake()

    def _tell(self, body: bytes | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(self._status, self._reason, self._headers, body))

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    def _fail(self, error: httpx.TransportError) -> None:
        self._is_reusable = False
        if not self._is_complete and self._failure is None:
            self._failure = error
            if self._answer is not None and not self._answer.done():
                self._answer.set_exception(error)
            self._wake()
        self.close()

    def _watch(self, timeout: float | None) -> None:
        self.heard = self._loop.time()
        self._paid_until = self.heard + (timeout or 0.0)
        if self._timer is not None and timeout != self._timeout:
            self._timer.cancel()
            self._timer = None
        self._timeout = timeout
        # One timer for all that go over it: setting one for each costs as much as parsing the answer.
        if self._timer is None and timeout is not None:
            self._timer = self._loop.call_later(timeout, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._is_complete or self._timeout is None:
            return
        now = self._loop.time()
        if self._waiting and not self._comes_whole:
            # A body that isn't taken is nobody's silence but ours.
            self._paid_until = now + self._timeout
            left = self._timeout
        else:
            left = min(self.heard + self._timeout, self._paid_until) - now
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._fail(httpx.ReadTimeout("no answer came in time"))
