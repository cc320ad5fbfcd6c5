"""Where a registry is: `[http://|https://]HOST[:PORT][/PREFIX]`."""

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from regtui.errors import UsageError

# What a URL's path holds without being quoted, less what a client would resolve or a server would fold.
_EXPECTED: Final = "Expected HOST[:PORT][/PREFIX], the port up to 65535."
_PREFIX: Final = re.compile(r"(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*/?")
_HOST_NAME: Final = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.(?!-)[A-Za-z0-9_-]{1,63})*\.?")

# `xn--` may not be one of another script; four numbers may be too large for an address.
_DOUBTFUL: Final = re.compile(r"xn--|[0-9]+(\.[0-9]+){3}$")


@dataclass(frozen=True, slots=True)
class Address:
    """A registry's address. `scheme` is empty where the user gave none: then https, with http as the second
    try on loopback hosts alone, as Docker does. `host` is without brackets for IPv6; `prefix` is `/path` or empty.
    """

    scheme: str
    host: str
    port: int | None = None
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Raises UsageError with the reason. A user name in it is refused: it would end up in histories."""
        text = text.strip()
        scheme, separator, _ = text.partition("://")
        scheme = scheme.lower()
        if separator and scheme not in ("http", "https"):
            raise UsageError(f"{text!r} is not a registry: the scheme is http or https.")
        try:
            parts = urlsplit(text if separator else f"//{text}")
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise UsageError(f"{text!r} is not a registry's address.", _EXPECTED) from None
        if "@" in parts.netloc:
            raise UsageError(
                "A registry's address holds no user name or password.",
                "Give them with -u, or by regtui login.",
            )
        if parts.query or parts.fragment or port == 0 or not _is_host(host) or not _PREFIX.fullmatch(parts.path):
            raise UsageError(f"{text!r} is not a registry's address.", _EXPECTED)
        prefix = parts.path.rstrip("/")
        return cls(scheme if separator else "", host, port, prefix.removesuffix("/v2"))

    @property
    def name(self) -> str:
        """Host and port, with the path prefix: how people call this registry. Without the scheme."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}{self.prefix}" if self.port else f"{host}{self.prefix}"

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end; https where no scheme was given."""
        return f"{self.scheme or 'https'}://{self.name}"

    @property
    def is_loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")

    @property
    def is_plain(self) -> bool:
        return self.scheme == "http"

    def over(self, scheme: str) -> "Address":
        return replace(self, scheme=scheme)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.name}" if self.scheme else self.name


def has_port(port: int | None) -> bool:
    """Whether what a server names can be connected to: httpx takes any number in a URL, for which the system's calls
    raise what is no OSError. None is the usual one."""
    return port is None or 0 < port < 65536


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _HOST_NAME.fullmatch(text) is not None and (not _DOUBTFUL.match(text) or _is_of_url(text))
    return True


def _is_of_url(host: str) -> bool:
    """Whether httpx takes it. Asked only where it may not, as that is seldom, and httpx loads slowly."""
    import httpx

    from regtui.registry.locations import NO_ADDRESS

    try:
        return bool(httpx.URL(f"https://{host}").host)
    except NO_ADDRESS:
        return False
