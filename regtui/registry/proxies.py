"""Which proxy leads to a URL: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, read as Docker and curl read them.

Never one to this machine itself, as in Docker: a proxy would look for the registry on its own.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network

import httpx

from regtui.errors import SettingsError


def proxy_for(url: httpx.URL, environment: Mapping[str, str] | None = None) -> str:
    """The proxy's URL; empty where the way is direct. Raises SettingsError for one that can't be used."""
    environment = os.environ if environment is None else environment
    if _is_loopback(url.host) or _is_excepted(url, _variable(environment, "no_proxy")):
        return ""
    proxy = _variable(environment, f"{url.scheme}_proxy") or _variable(environment, "all_proxy")
    if not proxy:
        return ""
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        fits = httpx.URL(proxy).scheme in ("http", "https") and bool(httpx.URL(proxy).host)
    except httpx.InvalidURL:
        fits = False
    if not fits:
        # Not shown: there may be a password in it.
        raise SettingsError(
            f"The proxy that {url.scheme.upper()}_PROXY or ALL_PROXY names can't be used.",
            "Expected [http://|https://][USER:PASSWORD@]HOST[:PORT]; SOCKS is not supported.",
        )
    return proxy


def _variable(environment: Mapping[str, str], name: str) -> str:
    """In lower case first: servers may set HTTP_PROXY from a request's header, so some programs know it only so."""
    return (environment.get(name) or environment.get(name.upper()) or "").strip()


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
    if name and wanted.isdecimal() and (name.count(":") == 0 or name.endswith("]")):
        if int(wanted) != port:
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
