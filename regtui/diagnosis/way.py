"""Name, port and TLS: told by how far the first request came, so by the way that all take: by proxy, tunnel."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from regtui.aside import aside
from regtui.diagnosis.values import Check, failed, good, skipped
from regtui.errors import RegtuiError, SettingsError
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.errors import (
    CertificateRejected,
    NotAllowed,
    NotARegistry,
    NotAuthenticated,
    RegistryError,
    SpeaksHttp,
    SpeaksHttps,
    TokenRefused,
    Unreachable,
)
from regtui.registry.unreachable import causes, port_of
from regtui.ssh.errors import SshError
from regtui.text import plural

# Whoever has to renew it may need some days.
_SOON: Final = timedelta(days=14)
_ON_THE_WAY: Final = ("SSH", "name", "port", "TLS", "registry", "login")


def stopped_at(error: RegtuiError, address: Address) -> str:
    """The subject at which a first request came to its end."""
    if isinstance(error, SshError):
        return "SSH"
    if isinstance(error, SettingsError | CertificateRejected | SpeaksHttp | SpeaksHttps):
        return "TLS"
    # Its token service, on another host, is part of logging in.
    elsewhere = isinstance(error, RegistryError) and error.host != address.name
    if elsewhere or isinstance(error, NotAuthenticated | TokenRefused | NotAllowed):
        return "login"
    if not isinstance(error, Unreachable) or isinstance(error, NotARegistry) or error.dropped:
        return "registry"
    reasons = list(causes(error))
    if any(isinstance(reason, socket.gaierror) for reason in reasons):
        return "name"
    return "TLS" if any(isinstance(reason, ssl.SSLError) for reason in reasons) else "port"


def is_before(subject: str, other: str) -> bool:
    """Whether a request passes `subject` before `other`."""
    return _ON_THE_WAY.index(subject) < _ON_THE_WAY.index(other)


async def way(client: RegistryClient, error: RegtuiError | None, *, in_memory: bool) -> "list[Check]":
    """name, port and TLS after a first request that ended in `error`."""
    if in_memory:
        return [skipped(subject, "in memory: no network is used") for subject in ("name", "port", "TLS")]
    end = stopped_at(error, client.address) if error else ""
    checks = []
    for subject, found in (("name", _name), ("port", _port), ("TLS", _tls)):
        if error is not None and end == subject:
            checks.append(failed(subject, error))
        elif end and is_before(end, subject):
            checks.append(skipped(subject, "not reached"))
        else:
            checks.append(await found(client))
    return checks


async def _name(client: RegistryClient) -> Check:
    address = client.address
    if client.by_way_of:
        return skipped("name", f"{address.host} is looked up by {client.by_way_of}")
    try:
        found = await aside(lambda: list(_addresses(address)))
    except OSError:
        # Asked a second time, and answered otherwise.
        return skipped("name", f"{address.host} was found a moment ago")
    if found == [address.host]:
        return skipped("name", f"{address.host} is an address")
    return good("name", f"{address.host} is {', '.join(found[:4])}{' …' if len(found) > 4 else ''}")


def _addresses(address: Address) -> Iterator[str]:
    entries = socket.getaddrinfo(address.host, port_of(address), type=socket.SOCK_STREAM)
    yield from dict.fromkeys(str(entry[4][0]) for entry in entries)


async def _port(client: RegistryClient) -> Check:
    through = f", through {client.by_way_of}" if client.by_way_of else ""
    return good("port", f"{port_of(client.address)} answers{through}")


async def _tls(client: RegistryClient) -> Check:
    address = client.address
    if address.is_plain:
        return _plain(client)
    if client.is_insecure:
        return skipped("TLS", "the certificate is not checked (--insecure)", "Give its authority with --ca-file.")
    certificate = await client.certificate()
    if certificate is None and not client.has_answered:
        return skipped("TLS", "no certificate was seen")
    if certificate is None:
        return good("TLS", "the certificate is trusted")
    text = f"the certificate is trusted{f', signed by {certificate.issuer}' if certificate.issuer else ''}"
    text = f"{text}, valid until {certificate.ends:%Y-%m-%d}"
    left = certificate.ends - datetime.now(UTC)
    return good("TLS", text, f"It ends in {plural(left.days, 'day')}: see that it is renewed." if left < _SOON else "")


def _plain(client: RegistryClient) -> Check:
    """Who can read along. A proxy changes nothing about that: what it hands on is as plain."""
    if client.address.is_loopback:
        where = ", inside the SSH tunnel" if client.tunneled_to else ", which does not leave this machine"
        return skipped("TLS", f"plain HTTP{where}")
    where = f" from {client.tunneled_to} on" if client.tunneled_to else ""
    return skipped("TLS", f"plain HTTP{where}: passwords and images can be read on the way", "Put TLS in front of it.")
