"""Platforms: what an image runs on. OCI image-spec 1.1, "image-index.md", `platform`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# There is one, win32k.
_MOST_FEATURES: Final = 20


class InvalidPlatform(ValueError):
    """The text is not a platform."""


@dataclass(frozen=True, slots=True)
class Platform:
    """`os/architecture[/variant]`, with an operating system's version and features where Windows needs them."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Platform":
        """`linux/arm/v7`. Raises InvalidPlatform."""
        parts = text.split("/")
        if len(parts) not in (2, 3) or not all(parts):
            raise InvalidPlatform(f"not a platform: {text[:80]!r} (expected os/architecture[/variant])")
        return cls(parts[0], parts[1], parts[2] if len(parts) > 2 else "")

    @classmethod
    def from_json(cls, value: object) -> "Platform | None":
        """What a descriptor or an image config says; None where it says nothing usable."""
        if not isinstance(value, Mapping):
            return None
        os, architecture = _text(value.get("os")), _text(value.get("architecture"))
        if not os and not architecture:
            return None
        return cls(
            os,
            architecture,
            _text(value.get("variant")),
            _text(value.get("os.version")),
            _texts(value.get("os.features")),
        )

    @property
    def is_unknown(self) -> bool:
        """`unknown/unknown` is how buildx marks attestations: no platform at all."""
        return self.os in ("", "unknown") and self.architecture in ("", "unknown")

    def __str__(self) -> str:
        return "/".join(part for part in (self.os or "?", self.architecture or "?", self.variant) if part)

    @property
    def details(self) -> str:
        """With version and features of the system, as `windows/amd64 10.0.20348.2849 (win32k)`. Several images
        of an index may differ in these alone."""
        features = f"({', '.join(self.os_features)})" if self.os_features else ""
        return " ".join(filter(None, (str(self), self.os_version, features)))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(filter(None, map(_text, value[:_MOST_FEATURES]))) if isinstance(value, list) else ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
