"""What can go wrong with a registry, each with its sentence, its remedy and its exit code.

    RegistryError                   1
    ├── Unreachable                 3   the name, the port, time-outs
    │   ├── SpeaksHttp                  HTTPS was tried, the other side speaks HTTP
    │   ├── SpeaksHttps                 HTTP was tried, the other side speaks HTTPS
    │   ├── CertificateRejected         unknown authority, expired, wrong name
    │   └── NotARegistry                something answers, but not as a registry
    ├── NotAuthenticated            4   no credential, or a wrong one
    ├── TokenRefused                4   by the registry, though its token service has given it
    ├── NotAllowed                  4   the credential doesn't cover this
    ├── NotFound                    5
    │   ├── RepositoryNotFound
    │   ├── ManifestNotFound
    │   └── BlobNotFound
    ├── Refused                     6   the registry doesn't do this at all
    │   ├── DeletionDisabled
    │   └── ReadOnly
    ├── BadAnswer                   1   an answer that makes no sense
    │   └── DigestMismatch              the content isn't what its digest says
    ├── RateLimited                 1   429, also after waiting
    └── ServerFailed                1   5xx, also after trying again

`host`, `operation`, `repository`, `status` and the registry's own error `codes` say where it came from.
"""

from dataclasses import dataclass
from typing import Final

from regtui import errors
from regtui.errors import RegtuiError

_BAD_DIGEST: Final = "invalid checksum digest"


@dataclass(frozen=True, slots=True)
class Where:
    """What was being done. `operation` reads on after "while": `reading the tags`."""

    host: str
    operation: str = ""
    repository: str = ""
    reference: str = ""

    @property
    def target(self) -> str:
        """The repository, with tag or digest where there is one."""
        separator = "@" if ":" in self.reference else ":"
        return f"{self.repository}{separator}{self.reference}" if self.reference else self.repository


class RegistryError(RegtuiError):
    """The root. Raised as itself for answers that fit nothing more precise."""

    affects_all = False
    """Whether any other request to this registry would fail in the same way: by its kind, until others fare better
    (`fails_alone`)."""
    silent = False
    """Whether it was connected, and said nothing in time."""
    unheard = False
    """Of a change: nobody knows what became of it, and it may be done yet."""

    def __init__(
        self, where: Where, message: str, remedy: str = "", *, status: int = 0, codes: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, remedy)
        self.where = where
        self.status = status
        self.codes = codes

    def fails_alone(self) -> None:
        """Others fare better: so the registry can be reached."""
        self.affects_all = False
        if self.exit_code == errors.UNREACHABLE:
            self.exit_code = errors.FAILED

    @property
    def host(self) -> str:
        return self.where.host

    @property
    def operation(self) -> str:
        return self.where.operation

    @property
    def repository(self) -> str:
        return self.where.repository


class Unreachable(RegistryError):
    """`reached`: the registry was there, and broke off, sent something that is no answer, or sent us where nobody is.
    `dropped`: it closed or broke off the connection."""

    exit_code = errors.UNREACHABLE
    affects_all = True
    dropped = False
    reached = False


class SpeaksHttp(Unreachable):
    """TLS was answered by something that isn't TLS."""


class SpeaksHttps(Unreachable):
    """Plain HTTP was answered by a TLS server."""


class CertificateRejected(Unreachable):
    """The server's certificate can't be trusted."""


class NotARegistry(Unreachable):
    """Something answers, but it isn't a registry."""


class NotAuthenticated(RegistryError):
    exit_code = errors.NOT_ALLOWED
    affects_all = True


class TokenRefused(RegistryError):
    """A token that the registry's own token service has just given: no other name or password helps."""

    exit_code = errors.NOT_ALLOWED
    affects_all = True


class NotAllowed(RegistryError):
    exit_code = errors.NOT_ALLOWED


class NotFound(RegistryError):
    exit_code = errors.NOT_FOUND


class RepositoryNotFound(NotFound):
    pass


class ManifestNotFound(NotFound):
    """`missing_digest`: the tag exists, but the manifest that it points at is gone (a dangling tag)."""

    def __init__(
        self,
        where: Where,
        message: str,
        remedy: str = "",
        *,
        status: int = 0,
        codes: tuple[str, ...] = (),
        missing_digest: str = "",
    ) -> None:
        super().__init__(where, message, remedy, status=status, codes=codes)
        self.missing_digest = missing_digest


class BlobNotFound(NotFound):
    pass


class Refused(RegistryError):
    exit_code = errors.REFUSED


class DeletionDisabled(Refused):
    """`by_setting`: of distribution's own, which its administrator can turn on."""

    affects_all = True
    by_setting = True


class ReadOnly(Refused):
    affects_all = True


class BadAnswer(RegistryError):
    pass


class DigestMismatch(BadAnswer):
    pass


class RateLimited(RegistryError):
    pass


class ServerFailed(RegistryError):
    """`detail`: what the registry's first error says besides its message, as it came; None where it says nothing."""

    detail: object = None

    @property
    def is_of_damage(self) -> bool:
        """Whether what can't be read is rather what a tag is kept in than its manifest: as 2.8.2 and 3.1.1 answer."""
        is_unknown = self.status == 500 and "UNKNOWN" in self.codes
        return is_unknown and (self.detail == {} or str(self.detail).startswith(_BAD_DIGEST))
