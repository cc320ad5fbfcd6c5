"""A token service as distribution's specification has it: its tokens are signed, and real registries check them.

with start_token_service(directory, users={"ci": "secret"}) as tokens:
    with start_registry("3.1.1", directory / "registry", tokens=tokens) as registry:
        ...

RS256 with the certificate in the header (x5c) is what 2.8.2 and 3.1.1 both take.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.support import watch
from tests.support.gateway import Asked, Gateway, Reply, start_gateway
from tests.support.tls import TlsFiles

ISSUER, SERVICE = "test token service", "test-registry"

Allow = Callable[[str, str, set[str]], set[str]]
"""(user, `repository:NAME` or `registry:catalog`, actions wanted) → actions granted. The user is empty for nobody."""


def allow_all(user: str, what: str, actions: set[str]) -> set[str]:
    """Whoever is logged in may do everything; nobody else anything."""
    return actions if user else set()


@dataclass
class TokenService:
    """`life`: how long tokens are valid, in seconds; registries allow 60 more. `expires_in`: what clients are told."""

    users: Mapping[str, str]
    bundle: Path
    gateway: Gateway
    allow: Allow = allow_all
    life: float = 300.0
    expires_in: float | None = 300.0
    issued: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """(user, scopes asked for) of each token."""
    ahead: float = 0.0
    """Seconds by which its clock is ahead of everybody's."""
    identities: dict[str, str] = field(default_factory=dict)
    """User by identity token: those are taken by POST, as OAuth2 has it."""
    certificate: str = ""
    _key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048), repr=False)

    @property
    def realm(self) -> str:
        return f"{self.gateway.url}/token"

    def write_bundle(self) -> str:
        """The certificate that registries trust: written, and as it goes into each token's header."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()

    def answer(self, asked: Asked) -> Reply:
        if asked.method == "POST":
            query = parse_qs(asked.body.decode())
            query["scope"] = " ".join(query.get("scope", ())).split()
            user = self.identities.get(query["refresh_token"][0]) if query["grant_type"] == ["refresh_token"] else None
        else:
            query = parse_qs(urlsplit(asked.path).query)
            user = self._user(asked.authorization)
        if user is None:
            return Reply(401, {"WWW-Authenticate": 'Basic realm="tokens"'}, b'{"details":"incorrect login"}')
        scopes = tuple(query.get("scope", ()))
        self.issued.append((user, scopes))
        value: dict[str, object] = {"token": self.token(user, scopes)}
        if self.expires_in is not None:
            value["expires_in"] = self.expires_in
        headers = {"Content-Type": "application/json", "Date": formatdate(time.time() + self.ahead, usegmt=True)}
        return Reply(200, headers, json.dumps(value).encode())

    def _user(self, authorization: str) -> str | None:
        """Empty for nobody, None for a wrong password."""
        if not authorization:
            return ""
        name, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        return name if self.users.get(name) == password else None

    def token(self, user: str, scopes: tuple[str, ...]) -> str:
        """One that registries accept."""
        access = []
        for scope in scopes:
            what, _, actions = scope.rpartition(":")
            kind, _, name = what.partition(":")
            if granted := self.allow(user, what, set(actions.split(","))):
                access.append({"type": kind, "name": name, "actions": sorted(granted)})
        now = int(time.time() + self.ahead)
        claims = {
            "iss": ISSUER,
            "sub": user,
            "aud": SERVICE,
            "exp": now + int(self.life),
            "nbf": now - 600,
            "iat": now - 600,
            "jti": secrets.token_hex(8),
            "access": access,
        }
        signed = ".".join(_part(part) for part in ({"typ": "JWT", "alg": "RS256", "x5c": [self.certificate]}, claims))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64(signature)}"


@contextmanager
def start_token_service(
    directory: Path,
    *,
    users: Mapping[str, str],
    allow: Allow = allow_all,
    name: str = "localhost",
    tls: TlsFiles | None = None,
) -> Iterator[TokenService]:
    """Listens until the block ends, on a host of another name than the registry's, as Docker Hub has it."""
    watch.keep_secret(users)
    directory.mkdir(parents=True, exist_ok=True)
    service: list[TokenService] = []
    with start_gateway(lambda asked: service[0].answer(asked), name=name, tls=tls) as gateway:
        service.append(TokenService(users, directory / "tokens.pem", gateway, allow))
        service[0].certificate = service[0].write_bundle()
        yield service[0]


def _part(value: object) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
