"""Certificates: what is trusted, what the client shows, and why a server's certificate was rejected."""

import re
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Any, Final

from regtui.errors import SettingsError
from regtui.private_files import check_ends
from regtui.registry.docker_certs import docker_certs_directories, find_docker_certs

if TYPE_CHECKING:
    from datetime import datetime

_SELF_SIGNED: Final = 18
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_UNKNOWN_AUTHORITY: Final = (2, 19, 20, 21, 27)
_WRONG_NAMES: Final = (62, 64)
"""OpenSSL's X509_V_ERR_* numbers, as SSLCertVerificationError carries them."""

# OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which the standard library doesn't name.
_NO_CHECK_TIME: Final = 0x200000
# Where systems keep their store, for a Python that was built elsewhere and looks in a folder that isn't there.
_STORES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)

Dial = Callable[[float], socket]
"""Opens a bare connection to the server, the way that requests take; blocks up to so many seconds. Raises OSError."""


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Trusted is the system's store, or what SSL_CERT_FILE and SSL_CERT_DIR name in its place; and in addition what
    Docker's certs.d holds for the registry, and `ca_file`."""

    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    insecure: bool = False
    """Whether the certificate of the registry's own origin isn't checked."""
    insecure_hosts: tuple[str, ...] = ()
    """Other hosts of which it isn't, as `HOST` or `HOST:PORT`: a token service, an object store."""
    docker_dirs: tuple[Path, ...] = field(default_factory=docker_certs_directories, compare=False)

    def context(self, name: str = "", *, is_registry: bool = True) -> ssl.SSLContext:
        """For `name` (`HOST[:PORT]`). `is_registry`: the registry's own origin, which is shown the client certificate,
        and which `insecure` is about.

        Raises SettingsError where a file can't be read or isn't what it should be.
        """
        context = ssl.create_default_context()
        # One rule under every Python, and Docker's: 3.13 would refuse authorities that administrators made by hand, for
        # want of extensions that no other client asks for; 3.12 a certificate that was itself given as trusted.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        paths = ssl.get_default_verify_paths()
        if not (paths.cafile or paths.capath):
            _trust(context, [store for store in map(Path, _STORES) if store.is_file()][:1])
        placed = find_docker_certs(name, self.docker_dirs)
        _trust(context, [*placed.authorities, *([self.ca_file] if self.ca_file else [])])
        for certificate, key in placed.pairs:
            _show(context, certificate, key)
        if self.client_cert is not None and is_registry:
            _show(context, self.client_cert, self.client_key)
        if self.is_unchecked(name, is_registry=is_registry):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def is_unchecked(self, name: str, *, is_registry: bool) -> bool:
        """Whether the certificate of `name` isn't checked."""
        named = {name, name.rpartition(":")[0]} if re.search(r":[0-9]+\Z", name) else {name}
        return (self.insecure and is_registry) or not named.isdisjoint(self.insecure_hosts)


_NO_CERTIFICATE: Final = "there is no certificate in PEM form"
_NO_PAIR: Final = "there is no certificate with its key, both in PEM form, the key without a passphrase"


def _trust(context: ssl.SSLContext, files: Iterable[Path]) -> None:
    for file in files:
        try:
            check_ends(file, file.stat())
            context.load_verify_locations(file)
        except (OSError, ssl.SSLError) as error:
            raise _unusable((file,), error, _NO_CERTIFICATE) from None


def _show(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    try:
        for file in filter(None, (certificate, key)):
            check_ends(file, file.stat())
        # With a password given, even a wrong one, OpenSSL doesn't ask the terminal for it.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise _unusable((certificate, *([key] if key else [])), error, _NO_PAIR) from None


def _unusable(files: Iterable[Path], error: OSError, wanted: str) -> SettingsError:
    """`wanted`: what they should hold. OpenSSL's own words are `[SSL] PEM lib (_ssl.c:3926)`."""
    names = ", ".join(map(str, files))
    if not isinstance(error, ssl.SSLError):
        reason = (error.strerror or str(error)).lower()
    elif error.reason == "KEY_VALUES_MISMATCH":
        reason = "the key is that of another certificate"
    else:
        reason = wanted
    return SettingsError(f"The certificate files can't be used ({names}): {reason}.")


def rejection(name: str, host: str, dial: Dial, error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    """(what is wrong with the certificate of `host`, what to do), in words. Asks the host for it once more."""
    certificate = f"The certificate of {name}"
    shown = shown_certificate(host, dial)
    if error.verify_code == _EXPIRED:
        ended = _end(shown)
        when = f" on {ended.date().isoformat()}" if ended is not None else ""
        return f"{certificate} has expired{when}.", "Renew it there, or use --insecure if you must."
    if error.verify_code == _NOT_YET_VALID:
        return f"{certificate} is not valid yet.", "Compare the clocks, here and there."
    if error.verify_code in _WRONG_NAMES:
        names = ", ".join(value for _, value in shown.get("subjectAltName", ())[:3])
        return (
            f"{certificate} is for another name{f': {names}' if names else ''}.",
            "Use the name that it was issued for.",
        )
    if error.verify_code not in (_SELF_SIGNED, *_UNKNOWN_AUTHORITY):
        return f"{certificate} can't be verified: {error.verify_message}.", "It has to be issued anew there."
    issuer = _issuer(shown)
    issued_by = f" ({issuer})" if issuer else ""
    if error.verify_code == _SELF_SIGNED:
        return f"{certificate} is self-signed{issued_by}.", "Give it with --ca-file."
    return f"{certificate} is signed by an unknown authority{issued_by}.", "Give it with --ca-file."


def shown_certificate(host: str, dial: Dial, timeout: float = 3.0) -> dict[str, Any]:
    """What the server's certificate says, as `SSLSocket.getpeercert` has it; empty where that can't be found out.

    The standard library decodes a certificate only after it has verified it: so the certificate itself is made the
    trust anchor of a second connection, over which nothing is sent. Blocks up to `timeout` seconds for each.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with dial(timeout) as raw, context.wrap_socket(raw, server_hostname=host) as unverified:
            certificate = unverified.getpeercert(binary_form=True) or b""
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
        context.load_verify_locations(cadata=certificate)
        with dial(timeout) as raw, context.wrap_socket(raw, server_hostname=host) as tls:
            return dict(tls.getpeercert() or {})
    except (OSError, ValueError):
        return {}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server shows. `issuer` as `CN=…` or `O=…`, empty where it has no name; `ends` in UTC."""

    issuer: str
    ends: "datetime"


def certificate(host: str, dial: Dial) -> Certificate | None:
    """None where it can't be found out. Blocks some seconds."""
    shown = shown_certificate(host, dial)
    ends = _end(shown)
    return Certificate(_issuer(shown), ends) if ends is not None else None


def _issuer(shown: dict[str, Any]) -> str:
    """Who signed it, as `CN=…` or `O=…`."""
    names = {key: value for pairs in shown.get("issuer", ()) for key, value in pairs}
    for label, key in (("CN", "commonName"), ("O", "organizationName")):
        if name := names.get(key):
            return f"{label}={name}"
    return ""


def _end(shown: dict[str, Any]) -> "datetime | None":
    """`notAfter`, as OpenSSL writes it (`Nov 24 09:17:00 2026 GMT`), in UTC; None where it is no time, as in year 0."""
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown.get("notAfter", ""))), UTC)
    except (ValueError, OverflowError, OSError):
        return None
