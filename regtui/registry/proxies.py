"""Which proxy leads to a URL: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, read as Docker and curl read them.

Never one to this machine itself, as in Docker: a proxy would look for the registry on its own.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network

import httpx

from regtui.errors import SettingsError
from regtui.registry.address import has_port
from regtui.registry.locations import NO_ADDRESS


def proxy_for(url: httpx.URL, environment: Mapping[str, str] | None = None) -> str:
    """The proxy's URL; empty where the way is direct. Raises SettingsError for one that can't be used."""
    environment = os.environ if environment is None else environment
    if _is_loopback(url.host) or _is_excepted(url, _variable(environment, "no_proxy")):
        return ""
    for variable in (f"{url.scheme}_proxy", "all_proxy"):
        if not (proxy := _variable(environment, variable)):
            continue
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        if not _is_usable(proxy):
            # Not shown: there may be a password in it.
            raise SettingsError(
                f"The proxy that {_written(environment, variable)} names can't be used.",
                "Expected [http://|https://][USER:PASSWORD@]HOST[:PORT]; SOCKS is not supported.",
            )
        return proxy
    return ""


def _is_usable(proxy: str) -> bool:
    try:
        url = httpx.URL(proxy)
        # As the system's calls take it: labels of 1 to 63 characters.
        host = url.raw_host.decode("ascii").encode("idna") and url.host
        return url.scheme in ("http", "https") and bool(host) and has_port(url.port)
    except NO_ADDRESS:
        return False


def _variable(environment: Mapping[str, str], name: str) -> str:
    return environment.get(_written(environment, name), "").strip()


def _written(environment: Mapping[str, str], name: str) -> str:
    """In lower case first: servers may set HTTP_PROXY from a request's header, so some programs know it only so."""
    return name if environment.get(name) else name.upper()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_excepted(url: httpx.URL, no_proxy: str) -> bool:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    return any(_covers(entry.strip().lower(), url.host, port) for entry in no_proxy.split(","))


def _covers(entry: str, host: str, port: int | None) -> bool:
    """Entries are `*`, names (with all below them), addresses or networks, the former two with a port or without."""
    if not entry:
        return False
    if entry == "*":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    name, _, wanted = entry.rpartition(":")
    if name and wanted.isascii() and wanted.isdecimal() and (name.count(":") == 0 or name.endswith("]")):
        if wanted.lstrip("0") != str(port):
            return False
        entry = name
    entry = entry.strip("[]")
    if address is not None:
        try:
            return address in ip_network(entry, strict=False)
        except ValueError:
            return False
    # `.example.com` stands for what is below it, `example.com` for itself too.
    suffix = entry.removeprefix("*")
    return host == suffix or host.endswith(suffix if suffix.startswith(".") else f".{suffix}")
