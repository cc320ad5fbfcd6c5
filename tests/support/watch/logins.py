"""Every request that leaves a client of ours, whatever its transport: a login goes to the registry's own origin, and to
the token service that this registry has named."""

import re
from collections.abc import Callable
from typing import Any

import httpx

from regtui.registry.http import RegistryHttp

Origin = tuple[str, str, int | None]

_REALM = re.compile(r'realm="?(https?://[^",\s]+)', re.IGNORECASE)
_USUAL = {"http": 80, "https": 443}


class Watching(httpx.AsyncBaseTransport):
    """Hands on to `inner`, and tells of each login that goes astray. `base`: the registry's URL."""

    def __init__(self, inner: httpx.AsyncBaseTransport, base: str, tell: Callable[[str], None]) -> None:
        self._inner = inner
        self._tell = tell
        self._own = origin(httpx.URL(base))
        self._realms: set[Origin] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if wrong := self._wrong_with(request):
            self._tell(
                f"a login of {self._own} was sent with {request.method} {request.url.copy_with(query=None)}: {wrong}"
            )
        response = await self._inner.handle_async_request(request)
        if response.status_code == 401 and origin(request.url) == self._own:
            realms = _REALM.findall(",".join(response.headers.get_list("WWW-Authenticate")))
            self._realms |= {origin(httpx.URL(realm)) for realm in realms}
        return response

    def _wrong_with(self, request: httpx.Request) -> str:
        """Empty where nothing is."""
        if "Proxy-Authorization" in request.headers:
            return "a proxy's, which is for the connection to it alone"
        there = origin(request.url)
        login = request.headers.get("Authorization", "")
        # An identity token travels in the form, and is none of the registry's business either.
        if not login and not _has_token_in_form(request):
            return ""
        if self._own[0] == "https" and there[0] != "https":
            return "in plain text, though the registry speaks HTTPS"
        if there in self._realms:
            return "a token, which is for the registry" if login.startswith("Bearer") and there != self._own else ""
        # httpx's own rule: the same host's HTTPS is no other origin than its HTTP.
        upgraded = self._own[0] == "http" and self._own[2] == 80 and there == ("https", self._own[1], 443)
        return "" if there == self._own or upgraded else "to an origin that it doesn't belong to"

    async def aclose(self) -> None:
        await self._inner.aclose()


def origin(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port or _USUAL.get(url.scheme)


def _has_token_in_form(request: httpx.Request) -> bool:
    is_form = request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
    return is_form and b"refresh_token=" in request.content


def watch(tell: Callable[[str], None]) -> None:
    """All clients that are made in this process from now on."""
    make = RegistryHttp.__init__

    def made(self: RegistryHttp, address: Any, *rest: Any, **named: Any) -> None:
        make(self, address, *rest, **named)
        inner = self._transport
        assert inner is not None
        self._transport = self._client._transport = Watching(inner, address.url, tell)

    RegistryHttp.__init__ = made  # type: ignore[method-assign]
