"""Which registry something belongs to: a deletion of the journal, a login, what was kept of its tags."""

import ipaddress
from dataclasses import dataclass, field
from typing import Final, Self

from regtui.registry.address import Address
from regtui.ssh.destination import Destination

# What nobody has to type: a name without a port is the same registry as the name with either of these.
_USUAL_PORTS: Final = frozenset({80, 443})


@dataclass(frozen=True, slots=True)
class RegistryId:
    """One registry, however its address was written. Two of them are compared as values, addresses never as text.

    `address`: `HOST[:PORT][/PREFIX]`, with the host in small letters, without a dot at its end, an IPv6 address in its
    short form, without a usual port (80, 443), without a slash at the end. The scheme doesn't count, as it doesn't in
    an image's reference: a registry that got TLS is the same one.

    `via`: the host from which the address is reached, empty for this machine. Many hosts have a registry at their own
    127.0.0.1:5000. The user counts, because a bastion may choose the host by it; so does a port that was given.
    """

    address: str
    via: str = ""
    spoken: str = field(default="", compare=False, repr=False)
    """The address as it was given, with its scheme where that is known: for opening it again."""

    @classmethod
    def of(cls, address: Address, via: Destination | None = None) -> Self:
        port = f":{address.port}" if address.port and address.port not in _USUAL_PORTS else ""
        canonical = f"{_host(address.host)}{port}{address.prefix.rstrip('/')}"
        return cls(canonical, _via(via) if via is not None else "", str(address))

    @classmethod
    def parse(cls, address: str, via: str = "") -> Self:
        """Raises UsageError for what is no address, or no SSH destination."""
        return cls.of(Address.parse(address), Destination.parse(via) if via else None)

    @property
    def in_full(self) -> str:
        """With the scheme: `http://127.0.0.1:5000 via admin@example.com`."""
        written = self.spoken or self.address
        return f"{written} via {self.via}" if self.via else written

    def __str__(self) -> str:
        """`registry.example.com`, or `127.0.0.1:5000 via admin@example.com`."""
        return f"{self.address} via {self.via}" if self.via else self.address


def _host(host: str) -> str:
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return host.lower().rstrip(".")
    return f"[{literal}]" if literal.version == 6 else str(literal)


def _via(via: Destination) -> str:
    return str(Destination(via.host.lower(), via.user, via.port))
