"""Platforms: what an image runs on. OCI image-spec 1.1, "image-index.md", `platform`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

# There is one, win32k.
_MOST_FEATURES: Final = 20
# `windows(10.0.20348.2849+win32k)`
_OS: Final = re.compile(r"([^()]+)\(([^()+]*)((?:\+[^()+]+)*)\)")


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
        """`linux/arm/v7`, `windows(10.0.20348.2849)/amd64`. Raises InvalidPlatform."""
        parts = text.split("/")
        if len(parts) not in (2, 3) or not all(parts):
            raise InvalidPlatform(f"not a platform: {text[:80]!r} (expected os/architecture[/variant])")
        variant = parts[2] if len(parts) > 2 else ""
        if match := _OS.fullmatch(parts[0]):
            return cls(match[1], parts[1], variant, match[2], tuple(filter(None, match[3].split("+"))))
        return cls(parts[0], parts[1], variant)

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
    def exact(self) -> str:
        """As containerd writes it with version and features of the system: `windows(10.0.20348.2849+win32k)/amd64`;
        without any as `str` does. One word, and `parse` reads it."""
        if not (self.os_version or self.os_features):
            return str(self)
        system = f"{self.os or '?'}({'+'.join((self.os_version, *self.os_features))})"
        return "/".join(part for part in (system, self.architecture or "?", self.variant) if part)

    def completed_by(self, other: "Platform | None") -> "Platform":
        """With the system's version and features of `other`, where it is the same platform and this one has none."""
        if other is None or str(other) != str(self) or not (other.os_version or other.os_features):
            return self
        return replace(
            self,
            os_version=self.os_version or other.os_version,
            os_features=self.os_features or other.os_features,
        )

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
