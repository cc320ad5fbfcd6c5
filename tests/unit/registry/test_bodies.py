"""Bodies from a hostile server, over real sockets and both transports: coded, too long, trickling, without an end."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace

import httpx
import pytest

from regtui import bounds
from regtui.oci.digest import Digest
from regtui.registry import body
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.errors import BadAnswer, NotAllowed, RegistryError, Unreachable, Where
from regtui.registry.retry import RetryPolicy
from regtui.registry.settings import HttpSettings
from tests.support.patience import PATIENCE

Serve = Callable[[asyncio.StreamWriter], object]
LIST = b'{"name":"a","tags":["x","y"]}'
ENDS = 60.0
"""Seconds until a test calls what it waits for endless: a machine under load takes long even to connect."""


def head(*headers: str, status: int = 200) -> bytes:
    return "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status} OK", *headers, "")).encode()


@pytest.fixture(params=["direct", "httpx"])
def transport(request: pytest.FixtureRequest) -> str:
    """Our own for reads, and httpx's, which takes what needs a proxy, and all changes."""
    return str(request.param)


@asynccontextmanager
async def against(
    *parts: bytes, transport: str, timeout: float = 20.0, forever: bytes = b"", holds: bool = False
) -> AsyncIterator[RegistryClient]:
    """A client of a server that answers `parts`, then writes `forever` until the client hangs up, or `holds` the
    connection in silence."""

    left, served = asyncio.Event(), set[asyncio.Task[None] | None]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.add(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            for part in parts:
                writer.write(part)
                await writer.drain()
            while forever and not left.is_set():
                writer.write(forever)
                await writer.drain()
                await asyncio.sleep(0.001)
            if holds:
                await left.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = HttpSettings(timeout=timeout, retry=RetryPolicy(tries=1, base=0.0))
    async with server, RegistryClient(Address.parse(url), settings=settings) as client:
        assert client._http._network is not None
        client._http._network.is_direct = transport == "direct"
        try:
            async with asyncio.timeout(ENDS):
                yield client
        finally:
            left.set()
            await client.close()
            await asyncio.gather(*filter(None, served))


async def tags(client: RegistryClient) -> list[str]:
    return [name async for page in client.tags("a") for name in page]


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZip", "gzip, identity"])
async def test_gzip_once_is_taken_though_it_was_not_asked_for(transport: str, coding: str) -> None:
    packed = gzip.compress(LIST)
    lines = (f"Content-Encoding: {coding}", f"Content-Length: {len(packed)}")
    async with against(head(*lines), packed, transport=transport) as client:
        assert await tags(client) == ["x", "y"]


@pytest.mark.parametrize("coding", ["gzip, gzip", "gzip,gzip,gzip", "deflate", "br", "zstd", "nonsense", "gzip, br"])
async def test_other_codings_are_not(transport: str, coding: str) -> None:
    packed = gzip.compress(gzip.compress(LIST))
    lines = (f"Content-Encoding: {coding}", f"Content-Length: {len(packed)}")
    async with against(head(*lines), packed, transport=transport) as client:
        with pytest.raises(BadAnswer, match="a coding that wasn't asked for"):
            await tags(client)


async def test_of_what_is_packed_the_unpacked_bytes_count_as_they_come(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1 GiB in 1 MB: it is never unpacked."""
    monkeypatch.setattr(bounds, "LIST", 100_000)
    pressed = zlib.compressobj(9, zlib.DEFLATED, 31)
    megabyte = bytes(bounds.MIB)
    packed = b"".join(pressed.compress(megabyte) for _ in range(64)) + pressed.flush()
    unpacked: list[int] = []
    make = zlib.decompressobj

    class Counting:
        def __init__(self, wbits: int) -> None:
            self._inner = make(wbits)

        def decompress(self, data: bytes, most: int = 0) -> bytes:
            piece = self._inner.decompress(data, most)
            unpacked.append(len(piece))
            return piece

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    lines = ("Content-Encoding: gzip", f"Content-Length: {len(packed)}")
    async with against(head(*lines), packed, transport=transport) as client:
        with pytest.raises(BadAnswer, match="sent more than"):
            await client.blob("a", Digest.of(b""), limit=100_000)
    assert sum(unpacked) < 100_000 + 2 * 64 * bounds.KIB


@pytest.mark.parametrize("broken", [b"no gzip", gzip.compress(LIST)[:-9]], ids=["not at all", "cut off"])
async def test_what_cant_be_unpacked(transport: str, broken: bytes) -> None:
    lines = ("Content-Encoding: gzip", f"Content-Length: {len(broken)}")
    async with against(head(*lines), broken, transport=transport) as client:
        with pytest.raises(BadAnswer, match="can't be decoded"):
            await tags(client)


async def test_a_refusal_is_told_whatever_coding_its_words_have(transport: str) -> None:
    lines = ("Content-Encoding: br", "Content-Length: 4")
    async with against(head(*lines, status=403), b"\0\0\0\0", transport=transport) as client:
        with pytest.raises(NotAllowed):
            await tags(client)


async def test_of_a_refusal_without_end_a_little_is_read(transport: str) -> None:
    async with against(head(status=403), transport=transport, forever=b"x" * 65536) as client:
        with pytest.raises(NotAllowed):
            await tags(client)
        assert client.log.latest()[0].size < 2 * bounds.ERROR


async def test_a_body_that_trickles_is_too_slow(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SLOWEST", 10**9)
    async with against(head(), transport=transport, timeout=0.2, forever=b"x") as client:
        with pytest.raises(Unreachable, match=r"took too long"):
            await tags(client)


async def test_a_short_body_that_trickles_is_too_slow(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SLOWEST", 10**9)
    announced = head("Content-Length: 60000")
    async with against(announced, transport=transport, timeout=0.2, forever=b"x") as client:
        with pytest.raises(Unreachable, match=r"took too long"):
            await tags(client)


@pytest.mark.parametrize("endless", [b"A: b\r\n", b"x"], ids=["headers", "one header"])
async def test_a_head_that_trickles_is_too_slow(
    transport: str, endless: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "SLOWEST", 10**9)
    monkeypatch.setattr(bounds, "CONNECT", 0.2)
    begun = b"HTTP/1.1 200 OK\r\nA: "
    async with against(begun, transport=transport, timeout=0.2, forever=endless) as client:
        with pytest.raises(Unreachable):
            await tags(client)


async def test_hints_without_end_are_no_answer(transport: str) -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    async with against(transport=transport, timeout=0.5, forever=hint * 100) as client:
        with pytest.raises(Unreachable):
            await tags(client)


@pytest.mark.parametrize("status", ["099", "42", "000", "1", "-20", "1000", "2e2"])
async def test_a_status_that_is_none_ends_it(transport: str, status: str) -> None:
    answer = f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    async with against(answer, transport=transport, timeout=PATIENCE) as client:
        with pytest.raises(Unreachable, match=r"neither HTTPS nor HTTP|isn't valid HTTP"):
            await tags(client)


@pytest.mark.parametrize("status", [100, 102, 150, 199])
async def test_what_is_on_the_way_to_an_answer_is_none_even_with_a_body(transport: str, status: int) -> None:
    hint = head("Content-Length: 2", status=status) + b"{}"
    async with against(hint, transport=transport, timeout=1.0, holds=True) as client:
        with pytest.raises(RegistryError):
            await tags(client)


@pytest.mark.parametrize("status", [101, 600, 999])
async def test_a_status_of_its_own_ends_it(transport: str, status: int) -> None:
    async with against(head("Content-Length: 0", status=status), transport=transport, timeout=PATIENCE) as client:
        with pytest.raises(RegistryError):
            await tags(client)


async def test_what_stands_behind_the_end_of_gzip_is_not_waited_for(transport: str) -> None:
    packed = head("Content-Encoding: gzip") + gzip.compress(LIST)
    async with against(packed, transport=transport, timeout=PATIENCE, forever=b"x" * 65_536) as client:
        assert await tags(client) == ["x", "y"]


async def test_gzip_that_comes_to_nothing_ends(transport: str) -> None:
    """Ten bytes of a head, then empty blocks: of what they are the packing of not a byte ever comes."""
    begun = head("Content-Encoding: gzip") + gzip.compress(b"")[:10]
    empty = b"\0\0\0\xff\xff" * 13_000
    async with against(begun, transport=transport, timeout=PATIENCE, forever=empty) as client:
        with pytest.raises(BadAnswer, match="can't be decoded"):
            await tags(client)


async def test_what_a_redirect_says_besides_is_not_read(transport: str) -> None:
    lines = head("Location: /v2/elsewhere", status=307)
    async with against(lines, transport=transport, timeout=PATIENCE, forever=b"x" * 65_536) as client:
        with pytest.raises(BadAnswer, match="redirects in a circle"):
            await tags(client)


async def test_a_redirect_is_not_decoded(transport: str) -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * 1_000_000))
    lines = head(
        "Location: /v2/elsewhere",
        "Content-Encoding: gzip, gzip",
        f"Content-Length: {len(bomb)}",
        "Connection: close",
        status=307,
    )
    async with against(lines + bomb, transport=transport, timeout=PATIENCE) as client:
        with pytest.raises(BadAnswer, match="redirects in a circle"):
            await tags(client)


class Trickle(httpx.AsyncByteStream):
    """Much at once, then a byte for each second of a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.bytes = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"x" * 1_000_000
        while True:
            self.now += 1.0
            self.bytes += 1
            yield b"x"


async def test_what_came_at_once_does_not_pay_for_hours_of_a_byte_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    trickle = Trickle()
    monkeypatch.setattr(body, "time", SimpleNamespace(monotonic=lambda: trickle.now))
    request = httpx.Request("GET", "http://h/", extensions={"timeout": {"read": 30.0}})
    response = httpx.Response(200, stream=trickle, request=request)
    with pytest.raises(httpx.ReadTimeout):
        await body.BodyReader().read(response, Where("h", "listing the tags"), bounds.LIST)
    assert trickle.bytes <= 32
