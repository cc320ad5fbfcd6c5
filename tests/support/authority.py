"""A certificate authority with a name, for certificates that something is wrong with."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.tls import TlsFiles


class Authority:
    """As an administrator makes one: `name` is its CN. `file` is what clients have to trust."""

    def __init__(self, directory: Path, name: str = "Internal CA") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.file = directory / "ca.pem"
        self._name = _named(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._made = 0
        certificate = self._sign(self._name, self._key, x509.SubjectAlternativeName([]), 1, is_ca=True)
        self.file.write_bytes(certificate)

    def issue(self, *names: str, days: int = 1, subject: str = "registry") -> TlsFiles:
        """For host names and addresses; loopback, unless told otherwise. `days` until it ends; negative: it has."""
        key = ec.generate_private_key(ec.SECP256R1())
        self._made += 1
        files = TlsFiles(self.file, self.directory / f"cert-{self._made}.pem", self.directory / f"key-{self._made}.pem")
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names or ("127.0.0.1", "localhost")])
        files.cert.write_bytes(self._sign(_named(subject), key, alternatives, days))
        files.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        names: x509.SubjectAlternativeName,
        days: int,
        is_ca: bool = False,
    ) -> bytes:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(names, critical=False)
            .sign(self._key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
