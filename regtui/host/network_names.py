"""Where an address in a registry's config leads to, seen from its container and not from the host: what answers to the
host by the same name may be another one."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any, Final

from regtui.host.containers import Container, entries
from regtui.host.plain import list_at, table_at, text_at

# Names of their own have only containers in networks that somebody made.
_WITHOUT_NAMES: Final = frozenset({"bridge", "default", "host", "none", "podman"})
_LOCAL: Final = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})
# Mounted from elsewhere, nobody but the container knows what names mean there.
_RESOLVING: Final = ("/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf")
# Where the runtime has the container's /etc/hosts and resolv.conf: empty where it was told to make none.
_KEPT_FOR_IT: Final = ("HostsPath", "ResolvConfPath")
_NO_NETWORK: Final = "the container has no network of its own, and reaches none"
_LOOPBACK: Final = "it is at the container's own loopback"
_UNKNOWN: Final = "what its name means in the container can't be told from outside: give its IP address instead"


@dataclass(frozen=True, slots=True)
class Reach:
    """How the host gets to what a container calls by a name. `address`: an IP address that leads there from the host,
    too, or a name that both have; else `why_not` says why there is none."""

    address: str = ""
    why_not: str = ""


def reach(name: str, container: Container, text: str) -> Reach:
    """`name`: as the container's program has it. `text`: what `inspect` prints of all containers."""
    if container.network == "none":
        return Reach(why_not=_NO_NETWORK)
    if container.network == "host":
        return _by_host(name, container, text)
    if _ip(name):
        return _by_address(name)
    known = name.lower().rstrip(".")
    if known in _LOCAL or known.endswith(".localhost"):
        return Reach(why_not=_LOOPBACK)
    found = _addresses(known, container, text)
    address = found.pop() if len(found) == 1 else ""
    return _by_address(address) if address else Reach(why_not=_UNKNOWN)


def _by_host(name: str, container: Container, text: str) -> Reach:
    """On the host's network: an address is the host's own, and a name is where both have the same names."""
    ours = _entry_of(container, text)
    has_hosts_names = all(text_at(ours, key) for key in _KEPT_FOR_IT)
    if not _ip(name) and (not has_hosts_names or means_another(name, container, text)):
        return Reach(why_not=_UNKNOWN)
    return Reach(_ip(name) or name)


def means_another(name: str, container: Container, text: str) -> bool:
    """Whether to another container in the same network the name may mean something else than to this one."""
    if _ip(name):
        return False
    ours, own = _entry_of(container, text), name.lower().rstrip(".")
    # Where nothing is told of it, nobody knows.
    return not ours or own in _own_names(ours) or _resolves_by_mounts(container) or _resolves_by_options(ours)


def _by_address(text: str) -> Reach:
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return Reach(why_not="its address holds within the container only")
        address = address.ipv4_mapped or address
    # All of 0.0.0.0/8 is "this host".
    if address.is_loopback or address.is_unspecified or (address.packed[0] == 0 and address.version == 4):
        return Reach(why_not=_LOOPBACK)
    if address.is_link_local or address.is_multicast:
        return Reach(why_not="its address holds within the container only")
    return Reach(str(address))


def _addresses(name: str, container: Container, text: str) -> set[str]:
    """All that the name may mean; an empty one where it means what isn't told. What was said for the container alone
    goes before the names of its networks."""
    ours = _entry_of(container, text)
    if _resolves_by_mounts(container):
        return set()
    if name in _own_names(ours):
        return {_ip(address) for host, address in _extra_hosts(ours) if host == name}
    networks = table_at(ours, "NetworkSettings", "Networks").keys() - _WITHOUT_NAMES
    return set(_known_as(name, networks, entries(text)))


def _entry_of(container: Container, text: str) -> dict[str, Any]:
    return next((entry for entry in entries(text) if text_at(entry, "Id") == container.id), {})


def _resolves_by_mounts(container: Container) -> bool:
    return any(container.mount_of(path) for path in _RESOLVING)


def _resolves_by_options(entry: dict[str, Any]) -> bool:
    """By name servers, search domains or links that were said for it alone."""
    return any(list_at(entry, "HostConfig", key) for key in ("Dns", "DnsSearch", "DnsOptions", "Links"))


def _own_names(entry: dict[str, Any]) -> set[str]:
    """Of the container alone: its host name, and what was added to its hosts."""
    return {text_at(entry, "Config", "Hostname").lower(), *(host for host, _ in _extra_hosts(entry))}


def _known_as(name: str, networks: Iterable[str], there: Iterable[dict[str, Any]]) -> Iterable[str]:
    for entry in there:
        for network in networks:
            settings = table_at(entry, "NetworkSettings", "Networks", network)
            names = (
                text_at(entry, "Name").removeprefix("/"),
                *list_at(settings, "Aliases"),
                *list_at(settings, "DNSNames"),
            )
            if name in (str(known).lower() for known in names) and (address := _ip(text_at(settings, "IPAddress"))):
                yield address


def _extra_hosts(entry: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """What `--add-host` said: docker keeps NAME:ADDRESS, newer ones NAME=ADDRESS too."""
    for said in list_at(entry, "HostConfig", "ExtraHosts"):
        name, _, address = str(said).replace("=", ":", 1).partition(":")
        yield name.lower(), address.strip("[]")


def _ip(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return ""
