"""Names: of registries' hosts, repositories, tags; and references made of them.

The grammar is that of distribution's reference package and of OCI distribution-spec 1.1, "Pulling manifests".
"""

import re
from dataclasses import dataclass
from typing import Final

from regtui.oci.digest import Digest, InvalidDigest

_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
# distribution: the whole name, its host included, has at most 255 characters.
_LONGEST_NAME: Final = 255


class InvalidReference(ValueError):
    """The text is not a repository, tag or reference; the message says why."""


def is_repository(text: str) -> bool:
    return len(text) <= _LONGEST_NAME and _REPOSITORY.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def check_repository(text: str) -> str:
    """`text`, if it is a repository's name. Raises InvalidReference."""
    if is_repository(text):
        return text
    if not text:
        raise InvalidReference("a repository's name is missing")
    if len(text) > _LONGEST_NAME:
        raise InvalidReference(f"the repository's name has more than {_LONGEST_NAME} characters")
    if text != text.lower():
        raise InvalidReference(f"a repository's name has no capitals: {text!r}")
    raise InvalidReference(f"not a repository's name: {text!r}")


def check_tag(text: str) -> str:
    """`text`, if it is a tag. Raises InvalidReference."""
    if is_tag(text):
        return text
    raise InvalidReference(f"not a tag: {text[:140]!r}" if text else "the tag is missing")


def is_host(text: str) -> bool:
    """Whether Docker takes `text`, standing before the first slash, for a host and not for a namespace."""
    return "." in text or ":" in text or text == "localhost"


@dataclass(frozen=True, slots=True)
class Reference:
    """`[REGISTRY/]REPOSITORY[:TAG][@DIGEST]`, split. `registry` is a host with its port, or a profile's name."""

    registry: str | None
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str, profiles: frozenset[str] = frozenset()) -> "Reference":
        """Splits as Docker does; the part before the first slash may be one of `profiles` as well.

        Raises InvalidReference.
        """
        rest, at, digest_text = text.partition("@")
        try:
            digest = Digest(digest_text) if at else None
        except InvalidDigest as error:
            raise InvalidReference(f"{error} in {text[:200]!r}") from None
        registry, rest = _split_registry(rest, profiles)
        tag: str | None = None
        colon = rest.rfind(":")
        if colon > rest.rfind("/"):
            rest, tag = rest[:colon], check_tag(rest[colon + 1 :])
        return cls(registry, check_repository(rest), tag, digest)

    @property
    def identifier(self) -> str | None:
        """What the manifest is asked for by: the digest before the tag, as Docker does."""
        return self.digest or self.tag

    def __str__(self) -> str:
        registry = f"{self.registry}/" if self.registry else ""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{registry}{self.repository}{tag}{digest}"


def _split_registry(text: str, profiles: frozenset[str]) -> tuple[str | None, str]:
    """(registry, the rest). A scheme may stand before the host; then the host ends at the next slash."""
    for scheme in ("http://", "https://"):
        if text.startswith(scheme):
            host, slash, rest = text[len(scheme) :].partition("/")
            if not slash:
                raise InvalidReference(f"a repository's name is missing after {text!r}")
            return scheme + host, rest
    first, slash, rest = text.partition("/")
    if slash and (first in profiles or is_host(first)):
        return first, rest
    return None, text
