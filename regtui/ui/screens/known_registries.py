"""Registries that are known before anybody types an address: the connect screen offers them."""

from dataclasses import dataclass

from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.settings.history import History

_MOST = 30
"""More than anyone scrolls through to find one; the rest is typed."""


@dataclass(frozen=True, slots=True)
class KnownRegistry:
    """`name`: what opens it, as it would be typed. `where`: how it is known."""

    name: str
    where: str


def known_registries(config: Config, credentials: Credentials) -> list[KnownRegistry]:
    """Profiles, registries that were open before, those that Docker and Podman have logins for, and the demo. Reads
    small files, which may block."""
    found = {name: profile.identity.in_full for name, profile in config.profiles.items()}
    addresses = {str(profile.identity) for profile in config.profiles.values()}
    for name in History().registries():
        if name not in addresses and " via " not in name:
            found.setdefault(name, "used before")
    for name in credentials.hosts_of_files():
        if name not in addresses:
            found.setdefault(name, "login of docker or podman")
    known = [KnownRegistry(name, where) for name, where in found.items() if name != "demo"][:_MOST]
    return [*known, KnownRegistry("demo", "the built-in sample registry")]
