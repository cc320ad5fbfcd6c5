"""Digests: the names of content.

OCI image-spec 1.1, descriptor.md, "Digests".
"""

import hashlib
import re
from typing import Final

from regtui import bounds

_GRAMMAR: Final = re.compile(r"([a-z0-9]+(?:[.+_-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)")
_SHA256: Final = re.compile(r"sha256:[a-f0-9]{64}")
_REGISTERED: Final = {
    algorithm: re.compile(rf"[a-f0-9]{{{length}}}")
    for algorithm, length in (("sha256", 64), ("sha384", 96), ("sha512", 128))
}


class InvalidDigest(ValueError):
    """The text is not a digest."""


class Digest(str):
    """A digest, `algorithm:encoded`. A `str`, so it is hashed, sorted, and written as JSON like one.

    Raises InvalidDigest where the grammar, or the length of a registered algorithm, rejects the text.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> "Digest":
        if type(text) is cls:
            return text
        # Nearly all are of this one kind.
        if _SHA256.fullmatch(text):
            return super().__new__(cls, text)
        parts = _GRAMMAR.fullmatch(text) if len(text) <= bounds.DIGEST else None
        if parts is None:
            raise InvalidDigest(f"not a digest: {text[:100]!r}")
        algorithm, encoded = parts.groups()
        registered = _REGISTERED.get(algorithm)
        if registered is not None and not registered.fullmatch(encoded):
            raise InvalidDigest(f"not a {algorithm} digest: {text[:100]!r}")
        return super().__new__(cls, text)

    @classmethod
    def of(cls, content: bytes, algorithm: str = "sha256") -> "Digest":
        """The digest of `content`. Raises InvalidDigest for an algorithm that is not registered."""
        if algorithm not in _REGISTERED:
            raise InvalidDigest(f"cannot compute a digest with {algorithm[:40]!r}")
        return cls(f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}")

    @classmethod
    def or_none(cls, text: object) -> "Digest | None":
        """The digest that `text` is, or None where it is none."""
        try:
            return cls(text) if isinstance(text, str) else None
        except InvalidDigest:
            return None

    @property
    def algorithm(self) -> str:
        return self.partition(":")[0]

    @property
    def encoded(self) -> str:
        return self.partition(":")[2]

    @property
    def short(self) -> str:
        """The first twelve characters, as Docker shows digests."""
        return self.encoded[:12]

    def matches(self, content: bytes) -> bool:
        """Whether `content` is what this digest names. False for algorithms that cannot be computed."""
        algorithm, _, encoded = self.partition(":")
        return algorithm in _REGISTERED and hashlib.new(algorithm, content).hexdigest() == encoded
