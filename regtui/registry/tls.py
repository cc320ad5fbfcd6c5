"""Certificates: what is trusted, what the client shows, and why a server's certificate was rejected."""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from regtui.errors import SettingsError

_SELF_SIGNED: Final = 18
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_UNKNOWN_AUTHORITY: Final = (2, 19, 20, 21, 27)
_WRONG_NAMES: Final = (62, 64)
"""OpenSSL's X509_V_ERR_* numbers, as SSLCertVerificationError carries them."""


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Nothing set: the system's trust store, or what SSL_CERT_FILE names."""

    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    insecure: bool = False

    def context(self) -> ssl.SSLContext:
        """Raises SettingsError where a file can't be read or isn't what it should be."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.client_cert is not None:
                # With a password given, even a wrong one, OpenSSL doesn't ask the terminal for it.
                context.load_cert_chain(self.client_cert, self.client_key, password="")
        except (OSError, ssl.SSLError) as error:
            files = ", ".join(str(f) for f in (self.ca_file, self.client_cert, self.client_key) if f)
            reason = error.strerror or str(error)
            raise SettingsError(f"The certificate files can't be used ({files}): {reason}.") from None
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def rejection(name: str, host: str, port: int, error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    """(what is wrong with the certificate of `host`, what to do), in words. Asks the host for it once more."""
    certificate = f"The certificate of {name}"
    if error.verify_code == _EXPIRED:
        return f"{certificate} has expired.", "Renew it there, or use --insecure if you must."
    if error.verify_code == _NOT_YET_VALID:
        return f"{certificate} is not valid yet.", "Compare the clocks, here and there."
    if error.verify_code in _WRONG_NAMES:
        return f"{certificate} is for another name.", "Use the name that it was issued for."
    if error.verify_code not in (_SELF_SIGNED, *_UNKNOWN_AUTHORITY):
        return f"{certificate} can't be verified: {error.verify_message}.", "It has to be issued anew there."
    issuer = issuer_name(host, port)
    issued_by = f" ({issuer})" if issuer else ""
    if error.verify_code == _SELF_SIGNED:
        return f"{certificate} is self-signed{issued_by}.", "Give it with --ca-file."
    return f"{certificate} is signed by an unknown authority{issued_by}.", "Give it with --ca-file."


def issuer_name(host: str, port: int, timeout: float = 3.0) -> str:
    """Who signed the certificate of `host`, as `CN=…` or `O=…`; empty where that can't be found out.

    The standard library decodes a certificate only after it has verified it: so the certificate itself is made the
    trust anchor of a second connection, over which nothing is sent. Blocks up to `timeout` seconds.
    """
    try:
        pem = ssl.get_server_certificate((host, port), timeout=timeout)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=pem)
        with socket.create_connection((host, port), timeout=timeout) as raw, context.wrap_socket(raw) as tls:
            issuer = (tls.getpeercert() or {}).get("issuer", ())
    except (OSError, ValueError):
        return ""
    names = {key: value for pairs in issuer for key, value in pairs}  # type: ignore[str-unpack]
    for label, key in (("CN", "commonName"), ("O", "organizationName")):
        if name := names.get(key):
            return f"{label}={name}"
    return ""
