"""What the client answers with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from regtui.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class Credential:
    """A user and a password, or a token in place of the password. No secret is ever part of a repr, a log line or an
    exception."""

    username: str
    """Empty where a token doesn't tell whose it is."""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    """What `docker login` gets from some registries (`identitytoken`): the token service takes it by POST."""
    registry_token: str = field(default="", repr=False)
    """A Bearer token as it stands (`registrytoken`): sent with every request, never renewed."""

    @property
    def is_sendable(self) -> bool:
        """Whether requests can carry it: a token is of printable ASCII, user and password any text that has bytes."""
        try:
            basic_login(self.username, self.password)
        except UnicodeEncodeError:
            return False
        tokens = self.identity_token + self.registry_token
        return tokens.isascii() and tokens.isprintable() and " " not in tokens


def basic_login(username: str, password: str) -> bytes:
    """What Basic authentication packs. Bytes that are no UTF-8, from the environment, go out as they came in."""
    return f"{username}:{password}".encode(errors="surrogateescape")


@dataclass(frozen=True, slots=True)
class Keychain:
    """What is known for one registry. `general`: for all of it. `scoped`: for repositories below a prefix (Podman)."""

    general: Credential | None = None
    scoped: tuple[tuple[str, Credential], ...] = ()

    def credential_for(self, repository: str) -> Credential | None:
        """The longest prefix of whole path components wins. Without a repository (ping, catalog) the general one; where
        there is none the shortest prefix's, else nothing of the registry could be opened."""
        by_length = sorted(self.scoped, key=lambda entry: len(entry[0]), reverse=True)
        if not repository:
            return self.general or (by_length[-1][1] if by_length else None)
        below = f"{repository}/"
        return next((credential for prefix, credential in by_length if below.startswith(f"{prefix}/")), self.general)


LookUp = Callable[[], Keychain]
"""Finds the logins of a registry, when it first asks for one."""


@dataclass(frozen=True, slots=True)
class Pong:
    """What `GET /v2/` tells. `api_version` is the header's text, empty where a proxy drops it."""

    api_version: str
    looks_like: str
    """`distribution 2.x`, `distribution 3.x`, or empty: told from the answer's Content-Type (both measured)."""


class BlobState(Enum):
    """Whether a blob's content is in the registry."""

    THERE = "there"
    GONE = "gone"
    CUT = "cut"
    """It isn't as long as its descriptor says: a full disk leaves that behind."""


@dataclass(frozen=True, slots=True)
class CatalogPage:
    """Repositories not named by an earlier page. `doubt`: why the list may not be complete, else empty."""

    repositories: tuple[str, ...]
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a tag or digest leads to. `size` of the manifest in bytes; None where the registry didn't say."""

    digest: Digest
    media_type: str
    size: int | None


@dataclass(frozen=True, slots=True)
class FetchedManifest:
    """A manifest's exact bytes, verified against `digest`."""

    digest: Digest
    media_type: str
    body: bytes = field(repr=False)


class Deletion(Enum):
    """What the registry lets this user delete, found out without deleting anything."""

    BY_TAG = "tags"
    """A tag can be deleted alone (distribution 3.x, zot)."""
    BY_DIGEST = "digests"
    """Only by digest (distribution 2.x): all tags of the digest would go."""
    DISABLED = "disabled"
    """By distribution's own setting."""
    UNSUPPORTED = "unsupported"
    """By a server that isn't distribution."""
    CACHE = "pull-through cache"
    """Distribution with another registry behind it: deletion can't be turned on there."""
    READ_ONLY = "read-only"
    NOT_ALLOWED = "not allowed"
    UNKNOWN = "unknown"

    @property
    def is_possible(self) -> bool:
        """Whether trying makes sense."""
        return self in (Deletion.BY_TAG, Deletion.BY_DIGEST, Deletion.UNKNOWN)
