"""Turns a request that got no answer into an error with its remedy: names, ports, TLS, proxies, tunnels."""

import os
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import httpx

from regtui.errors import RegtuiError
from regtui.registry import errors
from regtui.registry.address import Address
from regtui.registry.errors import Where
from regtui.registry.network import Network
from regtui.registry.tls import Dial, rejection

_PROBE_SECONDS: Final = 3.0
_GREETING_SECONDS: Final = 1.0
# OpenSSL's reasons for an answer that isn't TLS at all.
_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"})
# Where in its source Python met the error.
_OF_PYTHON: Final = re.compile(r"^\[[^]]*\] |\s*\(_ssl\.c:\d+\)")
# How h11 and our own connection say that an answer didn't come, or not to its end; all else isn't HTTP.
_BROKEN_OFF: Final = re.compile(r"^$|disconnected|closed|broke off")
_CERTIFICATE_WANTED: Final = frozenset(
    {"TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_HANDSHAKE_FAILURE"}
)


def causes(error: BaseException) -> Iterator[BaseException]:
    """`error`, and what it came from: httpx and httpcore wrap the operating system's error in their own."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        inner = current.__cause__ or current.__context__
        # Several addresses of one name that all failed: the first tells as much as any.
        current = inner.exceptions[0] if isinstance(inner, BaseExceptionGroup) else inner


def unreachable(
    error: httpx.TransportError,
    registry: Address,
    where: Where,
    network: Network | None = None,
    url: httpx.URL | None = None,
    *,
    heard: bool = True,
) -> errors.Unreachable:
    """The sentence. May block some seconds to look at what is there. Without a `network` nobody is asked. `url`: what
    was asked for, where the error itself doesn't know (it knows of redirects). `heard`: it did answer once."""
    url = _url(error) or url or httpx.URL(registry.url)
    address = _address(url)
    is_elsewhere = address.name.split("/")[0] != registry.name.split("/")[0]
    if is_elsewhere:
        # A token service or an object store: it is what can't be reached, not the registry.
        where = replace(where, host=address.name)
    else:
        address = registry
    tunnel = network.tunnel if network is not None else None
    if tunnel is not None and (trouble := _of_tunnel(error) or tunnel.forward_error(url.host, port_of(address))):
        return errors.Unreachable(where, trouble.message, trouble.remedy)
    proxy = network.proxy(url) if network is not None else ""
    if proxy and (found := _proxy_failed(error, proxy, where)):
        return found

    def dial(timeout: float) -> socket.socket:
        assert network is not None
        return network.dial(url, timeout)

    told = _told(error, address, where, dial if network is not None else _nobody, heard=heard)
    if is_elsewhere:
        told = _elsewhere(told, error, address.name, registry)
    if told.dropped and not heard and network is not None and _speaks_first(dial):
        return _not_http(where)
    return told


def no_http(where: Where) -> errors.Unreachable:
    """One answer that is none, of a registry that has given others."""
    invalid = errors.Unreachable(
        where,
        f"{where.host} sent an answer that isn't valid HTTP while {where.operation}.",
        "It, or a proxy on the way, is at fault.",
    )
    invalid.reached = True
    return invalid


def _elsewhere(
    error: errors.Unreachable, failure: httpx.TransportError, name: str, registry: Address
) -> errors.Unreachable:
    """The registry was reached. --insecure is about it alone."""
    if isinstance(error, errors.CertificateRejected):
        remedy = error.remedy.removesuffix(", or use --insecure if you must.").removesuffix(".")
        error.remedy = f"{remedy}, or use --insecure-host {name} if you must."
    else:
        error.remedy = f"{registry.name} sends regtui there: it has to be reachable from here."
    error.reached = True
    # However far it came: what goes there waits for nothing, and is counted as that.
    error.silent = error.silent or isinstance(failure, httpx.TimeoutException)
    return error


def _told(
    error: httpx.TransportError, address: Address, where: Where, dial: Dial, *, heard: bool
) -> errors.Unreachable:
    host = where.host
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            message, remedy = rejection(host, address.host, dial, cause)
            return errors.CertificateRejected(where, message, remedy)
        if isinstance(cause, ssl.SSLError):
            return _tls_failed(cause, address, where, dial)
        if isinstance(cause, ConnectionResetError) and _hangs_up_on_tls(error, address, dial):
            return _speaks_http(address, where)
        if isinstance(cause, socket.gaierror):
            return errors.Unreachable(
                where,
                f"There is no host {address.host}: its name can't be resolved.",
                "Check the name, or the DNS.",
            )
        if isinstance(cause, ConnectionRefusedError):
            at = host if host.endswith(f":{port_of(address)}") else f"{host} (port {port_of(address)})"
            return errors.Unreachable(
                where,
                f"Nothing listens at {at}: the connection was refused.",
                "Check the port, and that the registry is running.",
            )
    if isinstance(error, httpx.ConnectTimeout):
        return errors.Unreachable(
            where,
            f"{host} does not answer on port {port_of(address)}.",
            "Check the name, the port and the firewall.",
        )
    if isinstance(error, httpx.TimeoutException):
        silent = errors.Unreachable(
            where, f"{host} took too long while {where.operation}.", "Try again, or allow more with --timeout."
        )
        silent.silent = True
        return silent
    if isinstance(error, httpx.ConnectError):
        reason = next((os_reason(c) for c in causes(error) if os_reason(c)), "the connection failed")
        return errors.Unreachable(where, f"{host} can't be reached: {reason}.", "Check the network.")
    if isinstance(error, httpx.RemoteProtocolError) and "status line" in str(error) and not heard:
        return _not_http(where)
    if isinstance(error, httpx.RemoteProtocolError) and not _BROKEN_OFF.search(str(error)):
        return no_http(where)
    dropped = errors.Unreachable(where, f"{host} closed the connection while {where.operation}.", "Try again.")
    dropped.reached = dropped.dropped = True
    return dropped


def os_reason(error: BaseException) -> str:
    """The system's word for it; asyncio has its own, with the address in it."""
    if not isinstance(error, OSError):
        return ""
    number = error.errno or 0
    return os.strerror(number).lower() if number > 0 else (error.strerror or "").lower()


def port_of(address: Address) -> int:
    return address.port or (80 if address.is_plain else 443)


def _url(error: httpx.TransportError) -> httpx.URL | None:
    try:
        return error.request.url
    except RuntimeError:
        return None


def _address(url: httpx.URL) -> Address:
    # As it is asked for: httpx's `host` is in the script that `xn--` stands for.
    return Address(url.scheme, url.raw_host.decode("ascii"), url.port)


def _of_tunnel(error: httpx.TransportError) -> RegtuiError | None:
    return next((cause for cause in causes(error) if isinstance(cause, RegtuiError)), None)


def _proxy_failed(error: httpx.TransportError, proxy: str, where: Where) -> errors.Unreachable | None:
    """None where it isn't the proxy that failed, but what is behind it."""
    at = httpx.URL(proxy)
    name = f"{at.host}:{at.port}" if at.port else at.host
    remedy = "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY."
    if isinstance(error, httpx.ProxyError):
        said = f": {error}" if str(error) else ""
        return errors.Unreachable(where, f"The proxy {name} refuses the way to {where.host}{said}.", remedy)
    behind = any(isinstance(cause, ssl.SSLError) for cause in causes(error))
    if behind or not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return None
    reason = next(filter(None, map(os_reason, causes(error))), "no answer")
    return errors.Unreachable(
        where, f"The proxy {name}, on the way to {where.host}, can't be reached: {reason}.", remedy
    )


def _tls_failed(error: ssl.SSLError, address: Address, where: Where, dial: Dial) -> errors.Unreachable:
    # What can't be asked any more is taken for what it most often is.
    if (error.reason or "") in _NO_TLS:
        is_http = _answer_to_http(address, dial) in (b"HTTP/", b"", None)
        return _speaks_http(address, where) if is_http else _not_http(where)
    if (error.reason or "") in _CERTIFICATE_WANTED:
        return wants_client_certificate(where)
    if isinstance(error, ssl.SSLEOFError) and _answer_to_http(address, dial) == b"HTTP/":
        return _speaks_http(address, where)
    reason = _OF_PYTHON.sub("", error.reason or str(error)).replace("_", " ").lower()
    return errors.Unreachable(where, f"TLS with {where.host} failed: {reason}.", "Check the address and its TLS.")


def _hangs_up_on_tls(error: httpx.TransportError, address: Address, dial: Dial) -> bool:
    """Whether the connection ended while TLS was spoken there, where HTTP would have been answered."""
    is_connecting = isinstance(error, httpx.ConnectError) and not address.is_plain
    return is_connecting and _answer_to_http(address, dial) == b"HTTP/"


def _speaks_http(address: Address, where: Where) -> errors.SpeaksHttp:
    return errors.SpeaksHttp(
        where, f"{where.host} speaks plain HTTP, not HTTPS.", f"If that is intended, use {address.over('http')}"
    )


def wants_client_certificate(where: Where) -> errors.Unreachable:
    return errors.CertificateRejected(
        where,
        f"{where.host} wants a client certificate that it knows.",
        f"Give it with --client-cert and --client-key, or put both into ~/.docker/certs.d/{where.host.split('/')[0]}/",
    )


def _not_http(where: Where) -> errors.Unreachable:
    return errors.NotARegistry(
        where, f"{where.host} answers, but speaks neither HTTPS nor HTTP: it is no registry.", "Check the port."
    )


def _answer_to_http(address: Address, dial: Dial) -> bytes | None:
    """The first bytes of it, asked without any credential; None where the connection breaks."""
    try:
        with dial(_PROBE_SECONDS) as raw:
            raw.settimeout(_PROBE_SECONDS)
            raw.sendall(f"HEAD / HTTP/1.0\r\nHost: {address.name.split('/')[0]}\r\n\r\n".encode())
            return raw.recv(5)
    except OSError:
        return None


def _speaks_first(dial: Dial) -> bool:
    """As SSH and mail servers do; they hang up on HTTP, often before their greeting is read."""
    try:
        with dial(_PROBE_SECONDS) as raw:
            raw.settimeout(_GREETING_SECONDS)
            return bool(raw.recv(1))
    except OSError:
        return False


def _nobody(timeout: float) -> socket.socket:
    raise OSError("there is no network")
