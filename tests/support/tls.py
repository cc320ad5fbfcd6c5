"""A certificate authority of our own, and a certificate for the loopback addresses."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class TlsFiles:
    """PEM files: what a client has to trust, and what a server presents."""

    ca: Path
    cert: Path
    key: Path

    def client_context(self) -> ssl.SSLContext:
        """A context that trusts this authority and nothing else."""
        return ssl.create_default_context(cafile=str(self.ca))


def make_tls(directory: Path, *names: str) -> TlsFiles:
    """Write a new authority and a certificate for the names: loopback, unless told otherwise."""
    directory.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    leaf = authority.issue_cert(*(names or ("127.0.0.1", "localhost")))
    files = TlsFiles(directory / "ca.pem", directory / "cert.pem", directory / "key.pem")
    authority.cert_pem.write_to_path(str(files.ca))
    leaf.private_key_pem.write_to_path(str(files.key))
    # The chain, not the leaf alone: that is what a server has to send.
    files.cert.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    return files
