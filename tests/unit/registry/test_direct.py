"""The transport for reads, over real sockets: answers in all their forms, connections used again or not, bounds."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from regtui.registry.direct import WHOLE, DirectTransport
from regtui.registry.http1 import Http1Connection

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nA-Trailer: x\r\n\r\n"
IMPATIENT = httpx.Timeout(20.0, read=0.05)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 740\r\nEtag: x\r\n\r\n"


@dataclass
class Server:
    """Answers one after the other, the last one again and again; `hangs_up` after each."""

    answers: list[bytes]
    hangs_up: bool = False
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
                await writer.drain()
                if self.hangs_up:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(*answers: bytes, hangs_up: bool = False) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    """A server on loopback, and a client of it whose every request takes the transport."""
    server = Server(list(answers), hangs_up)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    transport = DirectTransport("127.0.0.1", server.port)
    base = f"http://127.0.0.1:{server.port}"
    async with listening, httpx.AsyncClient(transport=transport, base_url=base, timeout=20.0) as client:
        yield server, client


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.to_thread(time.sleep, 0.001)


async def test_a_request_as_it_goes_over_the_wire() -> None:
    async with serving(OK) as (server, client):
        await client.get("/v2/a%2Fb/ä?n=1&last=x%2Fy", headers={"Accept": "a, b"})
    line, *headers = server.heads[0].decode("ascii").split("\r\n")
    assert line == "GET /v2/a%2Fb/%C3%A4?n=1&last=x%2Fy HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in headers
    assert "Accept: a, b" in headers
    assert headers[-2:] == ["", ""]


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK, b"{}"),
        (CHUNKED, b"abcde"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", b""),
        (b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + OK, b"{}"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000, b"x" * 200_000),
    ],
    ids=["short", "chunked", "empty", "204", "304", "after a hint", "long"],
)
async def test_one_connection_for_one_answer_after_the_other(answer: bytes, body: bytes) -> None:
    async with serving(answer) as (server, client):
        for _ in range(3):
            response = await client.get("/")
            assert response.content == body
            assert "Link" not in response.headers
    assert server.connections == 1


async def test_what_a_head_announces_is_not_waited_for() -> None:
    async with serving(HEAD, OK, HEAD) as (server, client):
        for method in ("HEAD", "GET", "HEAD"):
            response = await client.request(method, "/")
            assert (response.status_code, len(response.content)) == (200, 2 if method == "GET" else 0)
            assert response.headers["Content-Length"] == ("2" if method == "GET" else "740")
    assert server.connections == 1


async def test_a_short_answer_comes_whole_and_a_coded_one_is_decoded() -> None:
    coded = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\xae\x05\x00C\xbf\xa6\xa3\x02\x00\x00\x00"
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(coded)
    async with serving(OK, head + coded) as (_, client):
        assert WHOLE in (await client.get("/")).extensions
        response = await client.get("/")
        assert WHOLE not in response.extensions
        assert response.content == b"{}"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine",
        OK + b"and more",
    ],
    ids=["close", "1.0", "a second answer", "too much"],
)
async def test_a_connection_that_has_ended_or_said_too_much_is_not_used_again(answer: bytes) -> None:
    async with serving(answer) as (server, client):
        for _ in range(2):
            assert (await client.get("/")).content == b"{}"
    assert server.connections == 2


async def test_a_body_after_a_head_is_nobodys_answer() -> None:
    async with serving(HEAD + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine", OK) as (server, client):
        assert (await client.head("/")).headers["Etag"] == "x"
        assert (await client.get("/")).content == b"{}"
    assert server.connections == 2


async def test_a_connection_that_was_closed_meanwhile_is_not_used_again() -> None:
    async with serving(OK, hangs_up=True) as (server, client):
        for _ in range(3):
            assert (await client.get("/")).content == b"{}"
            # Until the end of the connection was heard.
            await until(lambda: not client._transport._idle[0].is_idle)  # type: ignore[attr-defined]
    assert server.connections == 3


async def test_without_a_length_the_end_of_the_connection_is_the_end() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\n\r\nall of it", hangs_up=True) as (_, client):
        assert (await client.get("/")).content == b"all of it"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Len", "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\nhalf", "broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha", "broke off"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "status line"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}", "malformed"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 2_000_000, "no end"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: x\r\n" * 300_000, "no end"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000, "no end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: x\r\n" * 300_000, "no end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 300_000, "around the chunks"),
    ],
    ids=[
        *("nothing", "half a head", "half", "half of a long one", "half a chunk", "no HTTP", "two lengths"),
        *("a length below zero", "an endless header", "endless headers", "endless hints", "endless trailers"),
        "a byte in each chunk",
    ],
)
async def test_what_is_no_answer(answer: bytes, told: str) -> None:
    async with serving(answer, hangs_up=True) as (_, client):
        with pytest.raises(httpx.RemoteProtocolError, match=told):
            await client.get("/")


async def test_of_a_body_that_nobody_takes_little_is_read_ahead() -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n" + b"x" * 50_000_000
    async with serving(endless) as (server, client):
        async with client.stream("GET", "/") as response:
            chunks = response.aiter_raw()
            first = await anext(chunks)
            connection = client._transport._open  # type: ignore[attr-defined]
            # The loop comes round as often as it likes: the server writes, and isn't read.
            for _ in range(200):
                await asyncio.sleep(0)
            assert sum(each._waiting for each in connection) < 2_000_000
            assert set(first) == {ord("x")}
        assert not connection
    assert server.connections == 1


class Wire(asyncio.Transport):
    """Remembers whether it is read from."""

    def __init__(self) -> None:
        super().__init__()
        self.is_read = True

    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def abort(self) -> None: ...

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True


async def test_a_connection_whose_long_body_came_with_its_end_is_read_from_again() -> None:
    """What is read ahead was so much that reading paused, and nothing more was to come: nobody resumed it, and the next
    request on that connection waited for its time-out."""
    connection, wire = Http1Connection(), Wire()
    connection.connection_made(wire)
    long = b"x" * (512 * 1024)
    for _ in range(2):
        asked = asyncio.ensure_future(connection.ask(b"GET / HTTP/1.1\r\n\r\n", has_body=True, timeout=None))
        await asyncio.sleep(0)
        assert wire.is_read
        connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(long) + long)
        await asked
        assert b"".join([part async for part in connection.chunks()]) == long
        assert connection.is_idle


async def test_silence_is_a_time_out_and_ends_the_connection() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\n", OK) as (server, client):
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/", timeout=IMPATIENT)
        assert (await client.get("/")).content == b"{}"
    assert server.connections == 2


async def test_silence_within_a_long_body() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\nhalf") as (_, client):
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/", timeout=IMPATIENT)


async def test_who_gives_up_leaves_no_answer_to_the_next() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\n", OK) as (server, client):
        asking = asyncio.ensure_future(client.get("/"))
        await until(lambda: bool(server.heads))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert (await client.get("/")).content == b"{}"
    assert server.connections == 2


async def test_as_many_connections_as_requests_and_no_more_kept_than_wanted() -> None:
    async with serving(OK) as (server, client):
        await asyncio.gather(*(client.get("/") for _ in range(12)))
        await asyncio.gather(*(client.get("/") for _ in range(8)))
        assert len(client._transport._open) == 8  # type: ignore[attr-defined]
    assert 8 <= server.connections <= 20


@pytest.mark.parametrize("value", ["a\r\nX: b", "a\nX: b", "a\0b"])
async def test_a_header_stays_one(value: str) -> None:
    async with serving(OK) as (server, client):
        with pytest.raises(httpx.LocalProtocolError):
            await client.get("/", headers={"Accept": value})
    assert server.heads == []


async def test_nobody_there_nobody_of_that_name_and_a_socket_that_is_gone() -> None:
    async with serving(OK) as (server, _):
        pass
    for transport in (
        DirectTransport("127.0.0.1", server.port),
        DirectTransport("no.such.host.invalid", 80),
        DirectTransport("registry", 80, way="no/such/socket"),
    ):
        async with httpx.AsyncClient(transport=transport) as client:
            with pytest.raises(httpx.ConnectError) as caught:
                await client.get("http://registry/")
            assert isinstance(caught.value.__cause__, OSError)


class Timers:
    """A loop whose time a test lets pass."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.now = 1_000.0
        self.create_future = loop.create_future
        self.due: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        self.due.append((self.now + delay, callback))

    def go_on(self, seconds: float) -> None:
        self.now += seconds
        ripe = [callback for at, callback in self.due if at <= self.now]
        self.due = [(at, callback) for at, callback in self.due if at > self.now]
        for callback in ripe:
            callback()


async def test_a_head_that_began_with_much_is_not_waited_for_at_a_byte_a_second() -> None:
    connection, wire = Http1Connection(), Wire()
    timers = connection._loop = Timers(asyncio.get_running_loop())  # type: ignore[assignment]
    connection.connection_made(wire)
    asked = asyncio.ensure_future(connection.ask(b"GET / HTTP/1.1\r\n\r\n", has_body=True, timeout=30.0))
    await asyncio.sleep(0)
    connection.data_received(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000)
    seconds = 0
    while not asked.done() and seconds < 200:
        seconds += 1
        timers.go_on(1.0)
        connection.data_received(b"x")
        await asyncio.sleep(0)
    with pytest.raises(httpx.ReadTimeout):
        await asked
    assert 29 <= seconds <= 62
