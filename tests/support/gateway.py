"""A server on loopback that a test scripts: it answers by itself, or hands on to a registry, and remembers what it was
sent."""

import http.client
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support import watch
from tests.support.tls import TlsFiles

# Of one connection alone.
_HOP: frozenset[str] = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def authorization(self) -> str:
        return self.headers.get("authorization", "")


@dataclass(frozen=True)
class Reply:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Script = Callable[[Asked], Reply | None]
Change = Callable[[Asked, Reply], Reply]


@dataclass
class Gateway:
    """`script` answers; where it gives None the request goes on to `upstream` (HOST:PORT), and `change` may alter what
    comes back. Without either it is 404."""

    script: Script | None = None
    upstream: str = ""
    change: Change | None = None
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    name: str = "127.0.0.1"
    passes_logins: bool = False
    """Whether `upstream` sees Authorization too."""
    scheme: str = "http"

    @property
    def host(self) -> str:
        return f"{self.name}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if "proxy-authorization" in asked.headers:
            watch.tell(f"a proxy's login came to {self.host}")
        reply = self.script(asked) if self.script else None
        if reply is None:
            reply = self._from_upstream(asked) if self.upstream else Reply(404)
            reply = self.change(asked, reply) if self.change else reply
        return reply

    def _from_upstream(self, asked: Asked) -> Reply:
        connection = http.client.HTTPConnection(self.upstream, timeout=60)
        try:
            dropped = _HOP if self.passes_logins else {*_HOP, "authorization"}
            headers = {k: v for k, v in asked.headers.items() if k not in dropped}
            connection.request(asked.method, asked.path, asked.body or None, headers)
            response = connection.getresponse()
            body = response.read()
            kept = {k: v for k, v in response.getheaders() if k.lower() not in _HOP}
            if asked.method == "HEAD" and (length := response.getheader("Content-Length")):
                kept["Content-Length"] = length
            return Reply(response.status, kept, body)
        finally:
            connection.close()


@contextmanager
def start_gateway(
    script: Script | None = None,
    *,
    upstream: str = "",
    change: Change | None = None,
    name: str = "127.0.0.1",
    tls: TlsFiles | None = None,
) -> Iterator[Gateway]:
    """Listens until the block ends. `name`: what it is called, such as localhost, for an origin of its own. `tls`: the
    certificate that it shows."""
    gateway = Gateway(script, upstream, change, name=name, scheme="https" if tls else "http")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {key.lower(): value for key, value in self.headers.items()}
            reply = gateway.answer(Asked(self.command, self.path, headers, self.rfile.read(length)))
            self.send_response_only(reply.status)
            sent = {key.lower() for key in reply.headers}
            if "date" not in sent:
                self.send_header("Date", self.date_time_string())
            for key, value in reply.headers.items():
                self.send_header(key, value)
            if "content-length" not in sent:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self._handle
            raise AttributeError(name)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is nothing to print."""

    with Server(("127.0.0.1", 0), Handler) as server:
        gateway.port = server.server_address[1]
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.cert, tls.key)
            # In the request's own thread: who hangs up in the middle holds up nobody.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield gateway
        finally:
            server.shutdown()
            thread.join()
