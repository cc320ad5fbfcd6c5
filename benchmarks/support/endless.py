"""A registry of as many tags as wanted, which exist only when they are asked for: it is never what is waited for.

`python -m benchmarks.support.endless TAGS REPOSITORIES answer|hang` prints its address and serves until it is ended;
with `hang`, it never answers for a manifest, so that the app is at rest.
"""

import asyncio
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

REPOSITORY = "big/tags"
_CHECKOUT = Path(__file__).resolve().parents[2]
_TYPE = "application/vnd.oci.image.manifest.v1+json"


@contextmanager
def endless(tags: int, *, repositories: int = 2, hangs: bool = False) -> Iterator[str]:
    """`http://HOST:PORT` of one that has `repositories`, among them REPOSITORY with so many `tags`."""
    command = [sys.executable, "-m", "benchmarks.support.endless", str(tags), str(repositories)]
    server = subprocess.Popen(
        [*command, "hang" if hangs else "answer"], stdout=subprocess.PIPE, text=True, cwd=_CHECKOUT
    )
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


class _Content:
    def __init__(self, tags: int, repositories: int) -> None:
        names = [f"{number % 7}.{number // 7 % 40}.{number}{'-alpine' if number % 3 else ''}" for number in range(tags)]
        self._tags = json.dumps({"name": REPOSITORY, "tags": names}).encode()
        # In an order in which the first is small.
        others = [f"a/small{number:05}" for number in range(repositories - 1)]
        self._catalog = json.dumps({"repositories": [*others, REPOSITORY]}).encode()
        self._blobs: dict[str, bytes] = {}

    def answer(self, path: str) -> tuple[bytes, dict[str, str]] | None:
        """Body and headers; None for what isn't there."""
        if path == "/v2/":
            return b"{}", {"Docker-Distribution-Api-Version": "registry/2.0"}
        if path.startswith("/v2/_catalog"):
            return self._catalog, {}
        if path.startswith(f"/v2/{REPOSITORY}/tags/list"):
            return self._tags, {}
        if "/tags/list" in path:
            return b'{"name":"a/small","tags":["1.0"]}', {}
        name = path.rpartition("/")[2]
        if "/manifests/" in path and not name.startswith("sha256:"):
            manifest = self._manifest(name)
            return manifest, {"Content-Type": _TYPE, "Docker-Content-Digest": _digest(manifest)}
        if name in self._blobs:
            return self._blobs[name], {"Content-Type": _TYPE if "/manifests/" in path else "application/octet-stream"}
        return None

    def _manifest(self, tag: str) -> bytes:
        number = int(hashlib.sha256(tag.encode()).hexdigest()[:8], 16)
        created = datetime(2026, 1, 1, tzinfo=UTC) - timedelta(seconds=number % 100_000_000)
        config = json.dumps(
            {"created": created.isoformat(), "architecture": "amd64", "os": "linux", "config": {"Env": [tag]}}
        ).encode()
        layers = [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": _digest(base), "size": size}
            for base, size in ((b"base", 30_000_000), (tag.encode(), 1_000 + number % 9_000_000))
        ]
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _TYPE,
                "config": {
                    "mediaType": "application/vnd.oci.image.config.v1+json",
                    "digest": _digest(config),
                    "size": len(config),
                },
                "layers": layers,
            }
        ).encode()
        self._blobs[_digest(config)], self._blobs[_digest(manifest)] = config, manifest
        return manifest


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class _Connection(asyncio.Protocol):
    def __init__(self, content: _Content, hangs: bool) -> None:
        self._content = content
        self._hangs = hangs
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while b"\r\n\r\n" in self._got:
            head, _, self._got = self._got.partition(b"\r\n\r\n")
            method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            if not (self._hangs and "/manifests/" in path):
                self._transport.write(self._answer(method, path))

    def _answer(self, method: str, path: str) -> bytes:
        found = self._content.answer(path) if method in ("GET", "HEAD") else None
        body, headers = found or (b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}', {})
        status = "200 OK" if found else "404 Not Found"
        headers = {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        return "\r\n".join(lines).encode() + (body if method == "GET" else b"")


async def _serve(tags: int, repositories: int, hangs: bool) -> None:
    content = _Content(tags, repositories)
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(content, hangs), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "hang"))
