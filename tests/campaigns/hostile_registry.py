"""A registry that means no good: small and whole where it is left alone, and hostile wherever a case says so.

It speaks HTTP/1.1 letter by letter, since a library would refuse to send most of this.
"""

import asyncio
import contextlib
import gzip
import hashlib
import json
import random
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from regtui.oci import media_type as mt

# What a terminal would act on. None of it may ever reach one as it stands.
PAYLOADS: Final = (
    "\x1b]0;pwned\x07",
    "\x1b[31mpwned\x1b[m",
    "\x9b2Jpwned",
    "pwned\rover",
    "pwned\x08\x08",
    "\u202epwned",
    "\x1bcpwned",
)
MIB: Final = 1024 * 1024
REPOSITORY: Final = "team/app"
TAGS: Final = ("1.0", "1.1", "latest", "windows", "index")
_PARTS: Final = ("ping", "catalog", "tags", "manifest", "blob", "referrers", "token", "change", "upload")


@dataclass(frozen=True)
class Answer:
    """What goes over the wire: a head, then pieces, `pause` seconds before each."""

    status: str = "200"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    pieces: Callable[[], Iterator[bytes]] | None = None
    """In place of `body`, without a length; may never end."""
    pause: float = 0.0
    length: str | None = None
    """In place of the true one."""
    raw_head: bytes | None = None
    drops: bool = False


@dataclass
class Hostile:
    """`seen` has the lines of all requests, `logins` the hosts... of those with an Authorization header."""

    url: str
    content: "Content"
    hostility: dict[str, "Hostility"] = field(default_factory=dict)
    odd: tuple[str, ...] = ()
    """What of a path it is hostile about alone; empty for all. Then both of its repositories have tags."""
    seen: list[str] = field(default_factory=list)


Hostility = Callable[[Answer, random.Random, str], Answer]


def digest_of(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


class Content:
    """Manifests and configs by digest; the tags that lead to them. Texts within hold `payload`."""

    def __init__(self, payload: str) -> None:
        self.blobs: dict[str, bytes] = {digest_of(b"layer"): b"layer"}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.tags: dict[str, str] = {}
        images = [self._image(tag, payload, number) for number, tag in enumerate(TAGS[:-1])]
        self._index(images, payload)

    def _image(self, tag: str, payload: str, number: int) -> dict[str, Any]:
        config = {
            "created": f"2026-01-0{number + 1}T00:00:00Z",
            "os": payload if number == 2 else "linux",
            "architecture": f"amd64{payload}" if number == 2 else "amd64",
            "author": payload,
            "config": {"Env": [f"A={payload}"], "Cmd": [payload], "Labels": {payload: payload}, "User": payload},
            "history": [{"created_by": payload, "comment": payload, "author": payload}] * 2,
            "rootfs": {"diff_ids": [digest_of(b"d")]},
        }
        body = json.dumps(config, ensure_ascii=bool(number % 2)).encode()
        self.blobs[digest_of(body)] = body
        layer = {"mediaType": f"a/{payload}", "digest": digest_of(b"layer"), "size": 2**63 - 1}
        manifest = {
            "schemaVersion": 2,
            "mediaType": mt.OCI_MANIFEST,
            "config": {"mediaType": mt.OCI_CONFIG, "digest": digest_of(body), "size": len(body)},
            "layers": [layer, {**layer, "urls": [payload]}],
            "annotations": {payload: payload, "org.opencontainers.image.created": payload},
        }
        return self._put(tag, manifest, mt.OCI_MANIFEST)

    def _index(self, images: list[dict[str, Any]], payload: str) -> None:
        children = [{**image, "platform": {"os": payload, "architecture": str(n)}} for n, image in enumerate(images)]
        lost = {
            "mediaType": mt.OCI_MANIFEST,
            "digest": digest_of(payload.encode()),
            "size": 5,
            "annotations": {"a": payload},
        }
        self._put(
            "index", {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": [*children, lost]}, mt.OCI_INDEX
        )

    def _put(self, tag: str, manifest: dict[str, Any], media_type: str) -> dict[str, Any]:
        body = json.dumps(manifest).encode()
        self.manifests[digest_of(body)] = (media_type, body)
        self.tags[tag] = digest_of(body)
        return {"mediaType": media_type, "digest": digest_of(body), "size": len(body)}


def honest(content: Content, method: str, path: str, *, are_both_full: bool = False) -> tuple[str, Answer]:
    """(which part of a registry was asked, what it answers)"""
    route, _, query = path.partition("?")
    missing = Answer("404", (("Content-Type", "application/json"),), b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
    as_json = (("Content-Type", "application/json"),)
    last = route.rpartition("/")[2]
    if route.startswith("/token"):
        return "token", Answer(headers=as_json, body=b'{"token":"t"}')
    if "/blobs/uploads" in route:
        return "upload", Answer("202" if method == "POST" else "404", (("Location", "/v2/team/app/blobs/uploads/x"),))
    if method in ("PUT", "DELETE", "POST"):
        known = last in content.manifests or last in content.tags
        return "change", Answer("201" if method == "PUT" else "202") if known or method == "PUT" else missing
    if route == "/v2/":
        return "ping", Answer(headers=(*as_json, ("Docker-Distribution-Api-Version", "registry/2.0")), body=b"{}")
    if route == "/v2/_catalog":
        names = [] if "last=" in query else [REPOSITORY, "team/other"]
        return "catalog", Answer(headers=as_json, body=json.dumps({"repositories": names}).encode())
    if route.endswith("/tags/list"):
        tags = list(content.tags) if REPOSITORY in route or are_both_full else None
        return "tags", Answer(headers=as_json, body=json.dumps({"name": REPOSITORY, "tags": tags}).encode())
    if "/referrers/" in route:
        return "referrers", Answer(headers=as_json, body=b'{"schemaVersion":2,"manifests":[]}')
    if "/blobs/" in route:
        blob = content.blobs.get(last)
        return "blob", Answer(body=blob) if blob is not None else missing
    found = content.manifests.get(content.tags.get(last, last))
    if found is None:
        return "manifest", missing
    return "manifest", Answer(
        headers=(("Content-Type", found[0]), ("Docker-Content-Digest", digest_of(found[1]))), body=found[1]
    )


# What can be wrong with an answer

_STATUSES: Final = (
    *("099", "000", "100", "101", "103", "199", "201", "204", "206", "300", "304", "400", "401", "402", "403", "404"),
    *("405", "406", "409", "410", "416", "418", "422", "429", "451", "500", "501", "502", "503", "504", "507", "599"),
    *("600", "999", "42", "-1", "abc"),
)


def a_status(answer: Answer, rng: random.Random, payload: str) -> Answer:
    status = rng.choice(_STATUSES)
    body = json.dumps({"errors": [{"code": payload, "message": payload, "detail": {payload: payload}}]}).encode()
    return Answer(
        f"{status} {rng.choice(('OK', ''))}", answer.headers, rng.choice((answer.body, body, payload.encode()))
    )


def a_body(answer: Answer, rng: random.Random, payload: str) -> Answer:
    body = rng.choice(
        [
            *(
                b"",
                b"{}",
                b"[]",
                b"null",
                b"NaN",
                b"0",
                b'""',
                b"{}{}",
                b"\xff\xfe",
                b"\0" * 999,
                b"<html>",
                payload.encode(),
            ),
            *(b"[" * 200_000, b'{"a":' * 200_000, b"9" * 5_000, b'{"tags":{},"repositories":5,"manifests":0}'),
            b'{"repositories":null,"tags":null,"errors":[null,5,{"code":[]}]}',
            answer.body[: len(answer.body) // 2],
            answer.body + answer.body,
        ]
    )
    return Answer(answer.status, answer.headers, body)


def a_value(answer: Answer, rng: random.Random, payload: str) -> Answer:
    """One value of the answer's JSON is another one: what it says of itself no longer fits, or its digest is right."""
    try:
        document = json.loads(answer.body)
    except ValueError:
        return a_body(answer, rng, payload)
    values: list[Any] = [
        None,
        True,
        -1,
        1e308,
        10**400,
        2**64,
        "",
        payload,
        "x" * 70_000,
        "sha999:" + "x" * 70_000,
        [],
        {},
        [[[]]],
    ]
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            places.append((node, key))
            walk(node[key])

    walk(document)
    for node, key in rng.sample(places, min(len(places), rng.randint(1, 3))):
        with contextlib.suppress(LookupError):
            node[key] = rng.choice(values)
    body = json.dumps(document).encode()
    headers = tuple(
        (name, digest_of(body) if name == "Docker-Content-Digest" else value) for name, value in answer.headers
    )
    return Answer(answer.status, headers, body)


def a_flood(answer: Answer, rng: random.Random, payload: str) -> Answer:
    kinds: dict[str, tuple[bytes, bytes]] = {
        "values": (b'{"tags":[{}', b",{}" * 20_000),
        "manifests": (b'{"schemaVersion":2,"manifests":[{}', b",{}" * 20_000),
        "one name": (b'{"repositories":["', b"x" * 60_000),
        "spaces": (b" ", b" " * 60_000),
        "wide": ('{"tags":["\U0001f600'.encode(), b"x" * 60_000),
        "zeros": (b"\0", b"\0" * 60_000),
    }
    start, more = kinds[rng.choice(list(kinds))]
    most = rng.choice((20 * MIB, 60 * MIB, 10**12))

    def pieces() -> Iterator[bytes]:
        yield start
        sent = 0
        while sent < most:
            sent += len(more)
            yield more

    return Answer(answer.status, answer.headers, pieces=pieces)


@cache
def _bomb(layers: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(packer.compress(b" " * MIB) for _ in range(256)) + packer.flush()
    for _ in range(layers - 1):
        body = gzip.compress(body)
    return body


def a_coding(answer: Answer, rng: random.Random, payload: str) -> Answer:
    coding, body = rng.choice(
        [
            ("gzip", _bomb(1)),
            ("gzip, gzip", _bomb(2)),
            ("gzip", gzip.compress(answer.body)),
            ("gzip", gzip.compress(answer.body)[:-5]),
            ("gzip", answer.body),
            ("br", answer.body),
            ("deflate", zlib.compress(answer.body)),
            (payload.replace("\r", ""), answer.body),
        ]
    )
    return Answer(answer.status, (*answer.headers, ("Content-Encoding", coding)), body)


def a_length(answer: Answer, rng: random.Random, payload: str) -> Answer:
    wrong = rng.choice(
        (str(len(answer.body) + 5), str(max(len(answer.body) - 5, 0)), "-1", "9" * 30, "abc", "0", "1, 2")
    )
    return Answer(answer.status, answer.headers, answer.body, length=wrong, drops=True)


def a_trickle(answer: Answer, rng: random.Random, payload: str) -> Answer:
    def pieces() -> Iterator[bytes]:
        while True:
            yield b" "

    if rng.random() < 0.3:
        # An answer that never comes, and a head that never ends.
        return Answer(
            raw_head=rng.choice((b"", b"HTTP/1.1 200 OK\r\nA: ", b"HTTP/1.1 100 Continue\r\n\r\n")),
            pieces=pieces,
            pause=rng.choice((0.05, 0.5, 9.0)),
        )
    return Answer(answer.status, answer.headers, pieces=pieces, pause=rng.choice((0.05, 0.5)))


def a_head(answer: Answer, rng: random.Random, payload: str) -> Answer:
    raw = rng.choice(
        [
            *(b"SSH-2.0-x\r\n", b"\0" * 99, b"HTTP/1.1\r\n\r\n", b"HTTP/9.9 200 OK\r\n\r\n", b"\r\n\r\n\r\n"),
            b"HTTP/1.1 200 OK\r\nA: " + b"x" * 2_000_000,
            b"HTTP/1.1 200 OK\r\n" + b"A: x\r\n" * 200_000,
            b"HTTP/1.1 103 Hint\r\n\r\n" * 100_000,
            b"HTTP/1.1 200 " + payload.encode() + b"\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + b"x" * 500_000,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        ]
    )
    return Answer(raw_head=raw, drops=True)


def a_header(answer: Answer, rng: random.Random, payload: str) -> Answer:
    text = payload.replace("\r", "")
    values: dict[str, list[str]] = {
        "Link": [
            f"<?last={'x' * 70_000}>; rel=next",
            f"<?last={text}>; rel=next",
            "<" * 999,
            "<?n=1&last=\x7f>; rel=next",
        ],
        "WWW-Authenticate": [
            f'Basic realm="{text}"',
            'Bearer realm="/token"',
            'Bearer realm="http://127.0.0.1:1/x",service="s"',
            f'Bearer realm="http://{text}/"',
            f'Bearer realm="SELF/token",service="{text}",scope="{"x" * 60_000}"',
            'Bearer realm="SELF/token",service="s"',
            ",".join(["Bearer"] * 10_000),
        ],
        "Location": ["", "/", "SELF/v2/", f"http://{text}/", "http://[::1", "x:.evil.example/y", "/" + "x" * 70_000],
        "Docker-Content-Digest": ["", "sha256:" + "0" * 64, "sha999:" + "x" * 70_000, text],
        "Content-Type": ["", "text/html", text, mt.DOCKER_SCHEMA1_SIGNED, "application/json;charset=rot13"],
        "Retry-After": ["0", "-5", "1", "99999999999", text, "Mon, 99 Foo 0000"],
        "Set-Cookie": [f"a={text}", "a=b; expires=Mon, 99 Foo 0000", "=" * 9_999],
        "Date": [text, "Mon, 01 Jan 0000 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359"],
        "Docker-Distribution-Api-Version": [text],
        "Server": [text],
        "Allow": ["GET, HEAD", text],
    }
    name = rng.choice(sorted(values))
    status = {
        "WWW-Authenticate": "401",
        "Location": rng.choice(("301", "302", "307", "308")),
        "Retry-After": "429",
    }.get(name)
    kept = tuple(header for header in answer.headers if header[0] != name)
    return Answer(status or answer.status, (*kept, (name, rng.choice(values[name]))), answer.body)


def an_end(answer: Answer, rng: random.Random, payload: str) -> Answer:
    return Answer(answer.status, answer.headers, answer.body[:1], length=str(len(answer.body) + 1), drops=True)


def endless_pages(answer: Answer, rng: random.Random, payload: str) -> Answer:
    """Of names, ever new or the same again."""
    start = rng.randrange(10**9) if rng.random() < 0.7 else 0
    size = rng.choice((1, 10, 5_000))
    names = [f"r{start + number}/{number % 10}/x" for number in range(size)]
    manifests = [{"mediaType": mt.OCI_MANIFEST, "digest": digest_of(name.encode()), "size": 1} for name in names]
    tags = [name.replace("/", "-") for name in names]
    body = json.dumps({"repositories": names, "tags": tags, "manifests": manifests}).encode()
    return Answer("200", (("Link", f'<?last={start}&n=5>; rel="next"'),), body)


HOSTILITIES: Final[tuple[Hostility, ...]] = (
    *(a_status, a_body, a_value, a_value, a_flood, a_coding, a_length, a_trickle, a_head, a_header, a_header, an_end),
    endless_pages,
)


def a_silence(answer: Answer, rng: random.Random, payload: str) -> Answer:
    """None ever comes."""

    def pieces() -> Iterator[bytes]:
        while True:
            yield b""

    return Answer(raw_head=b"", pieces=pieces, pause=1.0)


def a_dead_login(answer: Answer, rng: random.Random, payload: str) -> Answer:
    realm = rng.choice(("http://127.0.0.1:1/t", "file:///etc/passwd", "http://nowhere.invalid/", "SELF/v2/"))
    return Answer("401", (("WWW-Authenticate", f'Bearer realm="{realm}",service="x"'),))


def odd_tag(content: Content, tag: str) -> tuple[str, ...]:
    """Ends of paths: of a tag, its manifest and its config."""
    digest = content.tags[tag]
    config = json.loads(content.manifests[digest][1])["config"]["digest"]
    return f"/manifests/{tag}", digest, config


def choose_odd(rng: random.Random) -> Hostility:
    return rng.choice((*HOSTILITIES, a_silence, a_silence, a_dead_login, a_dead_login))


def choose(rng: random.Random) -> dict[str, Hostility]:
    """Which parts are hostile, and how."""
    parts = rng.sample(_PARTS, rng.choice((1, 1, 2, 3)))
    return {part: rng.choice(HOSTILITIES) for part in parts}


# The server


@contextmanager
def start_hostile(seed: str) -> Iterator[Hostile]:
    """On a free port of loopback, on a thread of its own, until the block ends."""
    loop = asyncio.new_event_loop()
    rng = random.Random(seed)
    payload = rng.choice(PAYLOADS)
    content = Content(payload)
    hostile = Hostile("", content)
    ready = threading.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async for method, path in _requests(reader):
                hostile.seen.append(f"{method} {path:.200}")
                part, answer = honest(content, method, path, are_both_full=bool(hostile.odd))
                is_meant = not hostile.odd or any(piece in path for piece in hostile.odd)
                if is_meant and (wrong := hostile.hostility.get(part)) is not None:
                    answer = wrong(answer, rng, payload)
                await _write(writer, answer, method, hostile.url)
                if answer.drops or answer.pieces is not None:
                    break
        writer.close()

    async def live() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        hostile.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await server.serve_forever()

    main = loop.create_task(live())

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(main)
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.wait(tasks)) if tasks else None
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    loop.set_exception_handler(lambda *_: None)
    thread.start()
    assert ready.wait(60)
    try:
        yield hostile
    finally:
        loop.call_soon_threadsafe(main.cancel)
        thread.join(60)


async def _requests(reader: asyncio.StreamReader) -> AsyncIterator[tuple[str, str]]:
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *headers = head.split("\r\n")
        length = next((int(h.partition(":")[2]) for h in headers if h.lower().startswith("content-length:")), 0)
        await reader.readexactly(length)
        method, path, *_ = line.split(" ")
        yield method, path


async def _write(writer: asyncio.StreamWriter, answer: Answer, method: str, url: str) -> None:
    if answer.raw_head is not None:
        writer.write(answer.raw_head)
    else:
        lines = [
            f"HTTP/1.1 {answer.status}",
            *(f"{name}: {value.replace('SELF', url)}" for name, value in answer.headers),
        ]
        if answer.pieces is None:
            lines.append(f"Content-Length: {answer.length if answer.length is not None else len(answer.body)}")
        writer.write("\r\n".join([*lines, "", ""]).encode("utf-8", "replace"))
    await writer.drain()
    if method == "HEAD":
        return
    writer.write(answer.body)
    await writer.drain()
    for piece in answer.pieces() if answer.pieces is not None else ():
        await asyncio.sleep(answer.pause)
        writer.write(piece)
        await writer.drain()
