"""Name, port and TLS, told by how far the first request came."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from regtui.diagnosis.values import Verdict
from regtui.diagnosis.way import way
from regtui.errors import RegtuiError
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.retry import RetryPolicy
from regtui.registry.settings import HttpSettings

GREETING = b"SSH-2.0-OpenSSH_9\r\n"
NO_RECORD = b"\x16" * 16


@asynccontextmanager
async def answering(junk: bytes, *, after: bytes = b"") -> AsyncIterator[int]:
    """The port of what sends `junk`, without being asked; as a proxy, `after` it has led the way."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            if after:
                await reader.readuntil(b"\r\n\r\n")
            writer.write(after + junk)
            await writer.drain()
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("junk", [GREETING, NO_RECORD])
@pytest.mark.parametrize("is_behind_a_proxy", [False, True])
async def test_where_no_tls_is_spoken_no_certificate_is_trusted(
    junk: bytes, is_behind_a_proxy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = b"HTTP/1.1 200 Connection established\r\n\r\n" if is_behind_a_proxy else b""
    async with answering(junk, after=after) as port:
        name = f"127.0.0.1:{port}"
        if is_behind_a_proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://{name}")
            name = "registry.example.com"
        settings = HttpSettings(timeout=2.0, retry=RetryPolicy(tries=1))
        async with RegistryClient(Address.parse(f"https://{name}"), settings=settings) as client:
            with pytest.raises(RegtuiError) as caught:
                await client.ping()
            checks = {check.subject: check for check in await way(client, caught.value, in_memory=False)}
    assert checks["TLS"].verdict is not Verdict.GOOD
    assert "trusted" not in checks["TLS"].text
