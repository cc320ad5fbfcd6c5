"""What the network's transport tells of mishaps, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from regtui import bounds
from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.errors import RegistryError, SpeaksHttp, Unreachable
from regtui.registry.retry import RetryPolicy
from regtui.registry.settings import HttpSettings

PONG = b"HTTP/1.1 200 OK\r\nDocker-Distribution-Api-Version: registry/2.0\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def answering(answer: Callable[[bytes], bytes]) -> AsyncIterator[str]:
    """A server on loopback that writes `answer(first line)` to each connection's first request, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(head.partition(b"\r\n")[0]))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[RegistryClient]:
    settings = HttpSettings(retry=RetryPolicy(tries=2, base=0.0))
    async with RegistryClient(Address.parse(url), settings=settings) as client:
        yield client


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha",
    ],
    ids=["nothing", "half a body", "half a chunk"],
)
async def test_a_connection_that_breaks_is_told_from_one_that_was_never_made(answer: bytes) -> None:
    async with answering(lambda line: answer) as url, opened(url) as client:
        with pytest.raises(Unreachable) as caught:
            await client.ping()
    assert caught.value.dropped
    assert "closed the connection" in caught.value.message


@pytest.mark.parametrize("port", [0, 65_536, 99_999])
async def test_a_redirect_to_a_port_that_is_none(port: int) -> None:
    answer = f"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n".encode()
    async with answering(lambda line: answer) as url, opened(url) as client:
        with pytest.raises(RegistryError, match="redirects to something that is no address"):
            await client.ping()


async def test_a_redirect_to_a_host_whose_name_is_none() -> None:
    """httpx takes it, and can't say its host."""
    answer = b"HTTP/1.1 307 X\r\nLocation: http://xn--a/\r\nContent-Length: 0\r\n\r\n"
    async with answering(lambda line: answer) as url, opened(url) as client:
        with pytest.raises(RegistryError, match="redirects to something that is no address"):
            await client.ping()


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\0" * 99])
async def test_what_is_not_http_is_an_error_of_ours(answer: bytes) -> None:
    async with answering(lambda line: answer) as url, opened(url) as client:
        with pytest.raises(RegistryError):
            await client.ping()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * bounds.HEAD + b"\r\n" * 9,
    ],
    ids=["a zero byte", "two lengths", "no chunk", "a head without end"],
)
async def test_an_answer_that_is_no_http_is_not_called_a_closed_connection(answer: bytes) -> None:
    async with answering(lambda line: answer) as url, opened(url) as client:
        with pytest.raises(Unreachable, match="sent an answer that isn't valid HTTP while answering") as caught:
            await client.ping()
    assert not caught.value.dropped


@pytest.mark.parametrize("hello", ["nothing", "reset"])
async def test_a_loopback_port_that_hangs_up_on_tls_is_asked_in_plain_http(hello: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(4)
        if first in (b"GET ", b"HEAD"):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(PONG)
        elif hello == "reset":
            writer.transport.abort()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with opened(f"localhost:{port}") as client:
            await client.ping()
            assert str(client.address) == f"http://localhost:{port}"
        async with opened(f"https://localhost:{port}") as client:
            with pytest.raises(SpeaksHttp):
                await client.ping()


async def test_nobody_there() -> None:
    async with answering(lambda line: PONG) as url:
        pass
    async with opened(url) as client:
        with pytest.raises(Unreachable, match="Nothing listens") as caught:
            await client.ping()
    assert not caught.value.dropped


async def test_a_delete_whose_answer_is_lost_is_sent_once_whatever_reads_use() -> None:
    lines: list[bytes] = []

    def answer(line: bytes) -> bytes:
        lines.append(line)
        return b"" if line.startswith(b"DELETE") else PONG

    async with answering(answer) as url, opened(url) as client:
        await client.ping()
        with pytest.raises(Unreachable):
            await client.delete_manifest("a", Digest.of(b"x"))
    assert [line.partition(b" ")[0] for line in lines] == [b"GET", b"DELETE", b"GET"]
