"""The way to a registry, and to where it sends us: directly, by a proxy, or through a tunnel to the registry's host."""

import asyncio
import base64
import http.client
import os
import socket
import ssl
from pathlib import Path
from typing import Final, Protocol

import httpx

from regtui import bounds
from regtui.aside import aside
from regtui.errors import RegtuiError
from regtui.registry.address import Address, has_port
from regtui.registry.direct import DirectTransport
from regtui.registry.proxies import proxy_for
from regtui.registry.read import Read
from regtui.registry.tls import TlsSettings
from regtui.ssh.destination import Destination

_PORTS: Final = {"http": 80, "https": 443}
_READS: Final = frozenset({"GET", "HEAD"})


class Tunnel(Protocol):
    """Leads to what only another host can reach. Both methods block."""

    @property
    def destination(self) -> Destination:
        """The host that it leads to."""

    @property
    def end(self) -> str:
        """The host that it leads to, in words."""

    def forward(self, host: str, port: int) -> Path:
        """A local socket that leads to `host`:`port`. Raises RegtuiError."""

    def forward_error(self, host: str, port: int) -> RegtuiError | None:
        """What is wrong with the way, after a connection broke; None where nothing is known."""


class Network(httpx.AsyncBaseTransport):
    """Through `tunnel` go requests to the registry's own host, on whatever port; others, to a token service or an
    object store elsewhere, go directly or by their proxy. Raises SettingsError for what they
    can't work with."""

    def __init__(self, address: Address, tls: TlsSettings, connections: int, tunnel: Tunnel | None = None) -> None:
        self.address = address
        self.tunnel = tunnel
        self._tls = tls
        self._connections = connections
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._transports: dict[tuple[str, str], httpx.AsyncHTTPTransport] = {}
        self._ways: dict[tuple[str, int], str] = {}
        self._direct: dict[str, DirectTransport] = {}
        self._url = url = httpx.URL(address.url)
        # Now, so that what is wrong with the settings is told before anything is sent.
        self.is_direct = not self.proxy(url)
        """Whether reads from the registry itself take the faster transport: it knows no proxies."""
        self._verifying(url)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = self._url if isinstance(request, Read) else request.url
        if not has_port(url.port):
            raise httpx.UnsupportedProtocol(f"there is no port {url.port}")
        way = await self._way(url) if self.tunnel is not None else ""
        if self.is_direct and request.method in _READS and (url is self._url or self._is_own(url)):
            return await (self._direct.get(way) or self._direct_by(way)).handle_async_request(request)
        try:
            async with asyncio.timeout(_seconds_to_head(request)):
                return await self._transport(url, way).handle_async_request(request)
        except TimeoutError as error:
            raise httpx.ReadTimeout("no answer came in time") from error

    async def aclose(self) -> None:
        for transport in (*self._transports.values(), *self._direct.values()):
            await transport.aclose()

    def dial(self, url: httpx.URL, timeout: float) -> socket.socket:
        """A bare connection to where `url` leads, for finding out what is there. Blocks. Raises OSError."""
        port = _port(url)
        if self.tunnel is not None and self._is_tunneled(url):
            through = socket.socket(socket.AF_UNIX)
            through.settimeout(timeout)
            through.connect(str(self.tunnel.forward(url.host, port)))
            return through
        if proxy := self.proxy(url):
            return _dial_by_proxy(httpx.Proxy(proxy), url.host, port, timeout)
        return socket.create_connection((url.host, port), timeout=timeout)

    def _direct_by(self, way: str) -> DirectTransport:
        url = self._url
        context = self._context(url) if url.scheme == "https" else None
        host = url.raw_host.decode("ascii")
        made = self._direct[way] = DirectTransport(host, _port(url), context, self._connections, way)
        return made

    def _transport(self, url: httpx.URL, way: str) -> httpx.AsyncHTTPTransport:
        proxy = self.proxy(url)
        key = (proxy or way, _name(url) if url.scheme == "https" else "")
        transport = self._transports.get(key)
        if transport is None:
            transport = self._transports[key] = httpx.AsyncHTTPTransport(
                verify=self._verifying(url),
                limits=httpx.Limits(max_connections=self._connections, max_keepalive_connections=self._connections),
                trust_env=False,
                uds=way or None,
                proxy=self._as_httpx(proxy),
            )
        return transport

    async def _way(self, url: httpx.URL) -> str:
        """The local end of the tunnel; empty where none leads there. Raises httpx.ConnectError."""
        tunnel, port = self.tunnel, _port(url)
        if tunnel is None or not self._is_tunneled(url):
            return ""
        known = self._ways.get((url.host, port), "")
        # It goes when the tunnel goes: cheaper to ask than ssh.
        if not known or not os.path.exists(known):  # noqa: ASYNC240, PTH110 (3 µs, at each request)
            try:
                known = self._ways[url.host, port] = str(await aside(lambda: tunnel.forward(url.host, port)))
            except RegtuiError as error:
                raise httpx.ConnectError(error.message) from error
        return known

    def _as_httpx(self, proxy: str) -> httpx.Proxy | None:
        if not proxy.startswith("https:"):
            return httpx.Proxy(proxy) if proxy else None
        at = httpx.URL(proxy).copy_with(userinfo=b"")
        return httpx.Proxy(proxy, ssl_context=self._tls.context(_name(at), is_registry=False))

    def proxy(self, url: httpx.URL) -> str:
        """The URL of the proxy that leads there; empty for none."""
        return "" if self.tunnel is not None and self._is_tunneled(url) else proxy_for(url)

    def _is_tunneled(self, url: httpx.URL) -> bool:
        return url.host == self._url.host

    def _is_own(self, url: httpx.URL) -> bool:
        own = self._url
        return url.host == own.host and url.scheme == own.scheme and _port(url) == _port(own)

    def _is_own_by_tls(self, url: httpx.URL) -> bool:
        """Whether it is where a registry at the usual port for plain HTTP sends its clients."""
        own = self._url
        return (own.scheme, url.scheme, url.host) == ("http", "https", own.host) and (_port(own), _port(url)) == (
            80,
            443,
        )

    def _verifying(self, url: httpx.URL) -> ssl.SSLContext:
        """For plain HTTP one that trusts nobody: it isn't used, and loading the system's store takes 20 ms."""
        return self._context(url) if url.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def _context(self, url: httpx.URL) -> ssl.SSLContext:
        """Each host has its own in Docker's certs.d; the client certificate, and that nothing is checked, are for the
        registry's own origin alone: a token service elsewhere gets the password."""
        name = _name(url)
        if name not in self._contexts:
            self._contexts[name] = self._tls.context(name, is_registry=self._is_own(url) or self._is_own_by_tls(url))
        return self._contexts[name]


def _seconds_to_head(request: httpx.Request) -> float | None:
    """In which all that comes before an answer's body has to be there: httpx itself knows silences alone."""
    timeouts = request.extensions.get("timeout") or {}
    read, connect = timeouts.get("read"), timeouts.get("connect")
    content = int(request.headers.get("Content-Length", 0))
    return bounds.whole_answer(None if read is None else read + (connect or 0.0), content)


def _port(url: httpx.URL) -> int:
    return url.port or _PORTS.get(url.scheme, 443)


def _name(url: httpx.URL) -> str:
    """As Docker names it: with the port only where it isn't the usual one."""
    return url.netloc.decode("ascii")


def _dial_by_proxy(proxy: httpx.Proxy, host: str, port: int, timeout: float) -> socket.socket:
    kind = http.client.HTTPSConnection if proxy.url.scheme == "https" else http.client.HTTPConnection
    connection = kind(proxy.url.host, _port(proxy.url), timeout=timeout)
    login = base64.b64encode(b":".join(proxy.raw_auth)).decode("ascii") if proxy.raw_auth else ""
    connection.set_tunnel(host, port, {"Proxy-Authorization": f"Basic {login}"} if login else {})
    connection.connect()
    dialled: socket.socket = connection.sock
    return dialled
