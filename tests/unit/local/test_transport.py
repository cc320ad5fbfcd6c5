"""What the transport adds to the protocol, which test_protocol.py checks."""

import time

import httpx

from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport


def client(transport: LocalTransport[MemoryStorage]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=transport, base_url="http://demo.invalid")


async def test_a_synthetic_layer_is_made_while_it_is_read() -> None:
    storage = MemoryStorage()
    digest = storage.add_synthetic_blob("seed", 10**12)
    storage.link_layer("a", digest)
    async with client(LocalTransport(storage)) as http:
        path = f"/v2/a/blobs/{digest}"
        assert (await http.head(path)).headers["Content-Length"] == str(10**12)
        part = await http.get(path, headers={"Range": "bytes=0-0"})
        assert (part.status_code, part.content) == (206, b"\0")
        async with http.stream("GET", path) as whole:
            async for chunk in whole.aiter_raw():
                assert not any(chunk)
                break


async def test_latency_is_waited_for() -> None:
    async with client(LocalTransport(MemoryStorage(), latency=0.05)) as http:
        started = time.perf_counter()
        await http.get("/v2/")
        assert time.perf_counter() - started >= 0.05


async def test_a_request_body_may_be_a_stream() -> None:
    async def body() -> object:
        yield b"streamed "
        yield b"bytes"

    storage = MemoryStorage()
    async with client(LocalTransport(storage)) as http:
        location = (await http.post("/v2/a/blobs/uploads/")).headers["Location"]
        answer = await http.patch(location, content=body())  # type: ignore[arg-type]
        assert answer.headers["Range"] == "0-13"


async def test_a_dangling_tag_says_which_digest_is_missing() -> None:
    storage = MemoryStorage()
    storage.set_tag("a", "x", "sha256:" + "1" * 64)
    async with client(LocalTransport(storage, "3.1.1")) as http:
        assert (await http.get("/v2/a/tags/list")).json()["tags"] == ["x"]
        answer = await http.get("/v2/a/manifests/x")
        assert answer.status_code == 404
        assert answer.json()["errors"][0]["detail"] == f"unknown manifest name=a revision=sha256:{'1' * 64}"
        assert (await http.delete("/v2/a/manifests/x")).status_code == 202
        assert (await http.get("/v2/a/tags/list")).json()["tags"] is None


async def test_2x_breaks_an_image_whose_config_is_deleted_as_a_manifest() -> None:
    """Here without the cache that hides it on a real server."""
    storage = MemoryStorage()
    config = storage.add_blob(b"{}")
    storage.link_layer("a", config)
    async with client(LocalTransport(storage, "2.8.2")) as http:
        assert (await http.delete(f"/v2/a/manifests/{config}")).status_code == 202
        assert (await http.get(f"/v2/a/blobs/{config}")).status_code == 404
