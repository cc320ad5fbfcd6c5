"""A small HTTP proxy: CONNECT for HTTPS, absolute addresses for HTTP, and a password where one is wanted."""

import base64
import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support import watch


@dataclass
class ConnectProxy:
    """`asked` has the first line of each request. `login` is `USER:PASSWORD`, if one is wanted. `names` are resolved
    here alone."""

    login: str = ""
    names: dict[str, str] = field(default_factory=dict)
    refuses: bool = False
    port: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, login: str = "") -> str:
        return f"http://{login}@{self.host}" if login else f"http://{self.host}"

    def refusal(self, head: str) -> bytes:
        """Empty where it goes on."""
        wanted = f"Proxy-Authorization: Basic {base64.b64encode(self.login.encode()).decode()}".lower()
        if self.login and wanted not in head.lower():
            return b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
        return b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n" if self.refuses else b""

    def connect(self, where: str) -> socket.socket:
        host, _, port = where.rpartition(":")
        return socket.create_connection((self.names.get(host, host), int(port)), timeout=10)


@contextmanager
def start_connect_proxy(login: str = "") -> Iterator[ConnectProxy]:
    """Listens until the block ends."""
    if login:
        watch.keep_secret(dict([login.split(":", 1)]))
    proxy = ConnectProxy(login)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            client: socket.socket = self.request
            data = b""
            while b"\r\n\r\n" not in data:
                more = client.recv(65536)
                if not more:
                    return
                data += more
            head, _, rest = data.partition(b"\r\n\r\n")
            line = head.split(b"\r\n")[0].decode()
            proxy.asked.append(line)
            if line.startswith("CONNECT") and b"\nauthorization:" in head.lower():
                watch.tell(f"a registry's login was shown to the proxy: {line}")
            if refusal := proxy.refusal(head.decode()):
                client.sendall(refusal)
                return
            method, target, _ = line.split(" ")
            if method == "CONNECT":
                with proxy.connect(target) as server:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    _relay(client, server, rest)
                return
            # One request a connection is enough for tests: the answer ends with it.
            where, _, path = target.removeprefix("http://").partition("/")
            kept = [each for each in head.split(b"\r\n")[1:] if not each.lower().startswith((b"proxy-", b"connection"))]
            first = f"{method} /{path} HTTP/1.1".encode()
            with proxy.connect(where if ":" in where else f"{where}:80") as server:
                server.sendall(b"\r\n".join([first, *kept, b"Connection: close", b"", b""]))
                _relay(client, server, rest)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is nothing to print."""

    with Server(("127.0.0.1", 0), Handler) as server:
        proxy.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


def _relay(client: socket.socket, server: socket.socket, first: bytes) -> None:
    if first:
        server.sendall(first)
    while True:
        readable, _, _ = select.select([client, server], [], [], 30)
        for one in readable:
            data = one.recv(65536)
            if not data:
                return
            (server if one is client else client).sendall(data)
        if not readable:
            return
