"""Stands between a client and a real registry, and lets things go wrong: errors, resets, silence, and a request that is
held until the client was killed.

    with meddling(server.url, lambda request: ERROR if request.number == 3 else None) as meddler:
        ...                       # the client talks to meddler.url, the witnesses to server.url
"""

import contextlib
import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_READING = ("GET", "HEAD", "OPTIONS")
# What hop-by-hop headers there are is this proxy's own business.
_OWN = ("connection", "transfer-encoding", "content-length", "keep-alive")


@dataclass(frozen=True)
class Request:
    """`number` counts the requests from 1; `change` those that change something, None for the others.

    The client's harmless probes are not counted as changes.
    """

    method: str
    path: str
    number: int
    change: int | None


@dataclass(frozen=True)
class Fault:
    """What happens to a request. `reaches`: whether the registry sees it, before the client sees the rest; `late`: only
    after those seconds, whoever listens then."""

    reaches: bool = False
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False
    seconds: float = 0.0
    hold: bool = False
    late: bool = False


@dataclass(frozen=True)
class Answer:
    """What the registry itself said, and when: `asked` right before the request was sent on, `answered` once all of
    the answer was there, both by `time.monotonic`. `digest`: what it said that a manifest's is, else empty."""

    asked: float
    answered: float
    digest: str


Decide = Callable[[Request], Fault | None]


@dataclass
class Meddler:
    """`decide` may be replaced at any time. `held` is set while a request is held, `seen` has all of them; `answers`,
    by their number, what the registry said to those that reached it."""

    url: str
    decide: Decide
    seen: list[Request] = field(default_factory=list)
    answers: dict[int, Answer] = field(default_factory=dict)
    held: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def host(self) -> str:
        return self.url.partition("://")[2]

    def next(self, method: str, path: str) -> Request:
        probe = "regtui-probe" in path or path.endswith("sha256:" + "0" * 64)
        with self._lock:
            changes = 1 + sum(1 for request in self.seen if request.change is not None)
            change = None if method in _READING or probe else changes
            request = Request(method, path, len(self.seen) + 1, change)
            self.seen.append(request)
        return request


@contextmanager
def meddling(upstream: str, decide: Decide = lambda _: None) -> Iterator[Meddler]:
    """A proxy on a free port of loopback until the block ends."""
    target = urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            self.upstream = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)

        def finish(self) -> None:
            self.upstream.close()
            with contextlib.suppress(OSError):
                super().finish()

        def log_message(self, *_: object) -> None:
            pass

        def handle_one_request(self) -> None:
            with contextlib.suppress(ConnectionError):
                super().handle_one_request()
                return
            self.close_connection = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = meddler.next(self.command, self.path)
            fault = meddler.decide(request) or Fault(reaches=True)
            if fault.late:
                time.sleep(fault.seconds)
            response, content = self.forward(request, body) if fault.reaches else (None, b"")
            if fault.hold:
                meddler.held.set()
                meddler.release.wait(60)
            if fault.seconds and not fault.late:
                time.sleep(fault.seconds)
            if fault.reset or fault.hold:
                return self.cut()
            if fault.status or response is None:
                return self.write(fault.status or 500, dict(fault.headers), b"")
            self.write(response.status, dict(response.getheaders()), content)
            return None

        def forward(self, request: Request, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
            asked = time.monotonic()
            self.upstream.request(self.command, self.path, body or None, headers)
            response = self.upstream.getresponse()
            content = response.read()
            digest = response.headers.get("Docker-Content-Digest", "")
            meddler.answers[request.number] = Answer(asked, time.monotonic(), digest)
            return response, content

        def write(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response_only(status)
            length = headers.get("Content-Length") if self.command == "HEAD" else None
            for name, value in headers.items():
                if name.lower() not in _OWN:
                    self.send_header(name, value)
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def cut(self) -> None:
            """A reset, not an orderly end."""
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

        do_GET = do_HEAD = do_OPTIONS = do_PUT = do_POST = do_DELETE = answer  # noqa: N815

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that was killed is part of the plan."""

    with Server(("127.0.0.1", 0), Handler) as server:
        meddler = Meddler(f"http://127.0.0.1:{server.server_address[1]}", decide)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield meddler
        finally:
            meddler.release.set()
            server.shutdown()
            thread.join()
