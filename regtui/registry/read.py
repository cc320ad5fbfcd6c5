"""Reads, of which a list needs a thousand in a row: httpx's view of them is made only where it is wanted.

Taking URL and headers apart, for each request, to put them together again costs as much as sending it.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

import httpx

from regtui.registry.address import Address

# What goes over the wire as it stands. A catalog may name what doesn't.
_PLAIN: Final = re.compile(r"/[A-Za-z0-9._/:@~-]*")
# What would be another header, or another request.
_SPLITTING: Final = re.compile(rb"[\r\n\0]")
_NO_BODY: Final = httpx.ByteStream(b"")
# Heads that are kept: a repository's has its token in it.
_KEPT: Final = 64


class Head:
    """The headers of requests that differ in nothing else than what they ask for."""

    def __init__(self, headers: httpx.Headers) -> None:
        self.headers = headers

    @cached_property
    def written(self) -> bytes:
        """As they go over the wire. Raises httpx.LocalProtocolError for a header that would be two."""
        lines = [b"%b: %b\r\n" % header for header in self.headers.raw]
        if any(_SPLITTING.search(line, 0, len(line) - 2) for line in lines):
            raise httpx.LocalProtocolError("a header holds a line break")
        return b"".join(lines)


class Read(httpx.Request):
    """A GET or HEAD of `path`, at `origin`, a URL without one."""

    def __init__(self, method: str, origin: str, path: str, head: Head, extensions: dict[str, Any]) -> None:
        # Not httpx's own, which would make url and headers.
        self.method = method
        self.stream = _NO_BODY
        self.extensions = extensions
        self.head = head
        self.path = path
        self.origin = origin

    @cached_property
    def url(self) -> httpx.URL:  # type: ignore[override]
        return httpx.URL(self.origin + self.path)

    @cached_property
    def headers(self) -> httpx.Headers:  # type: ignore[override]
        return httpx.Headers(self.head.headers)


class Reads:
    """Makes those of one registry. `headers` go with all; `timeout` as httpx has it."""

    def __init__(self, address: Address, headers: Mapping[str, str], timeout: Mapping[str, float | None]) -> None:
        self._origin = address.url.removesuffix(address.prefix)
        self._prefix = address.prefix
        self._headers = httpx.Headers({"Host": httpx.URL(self._origin).netloc.decode("ascii"), **headers})
        self._extensions = {"timeout": dict(timeout)}
        self._heads: dict[tuple[object, ...], Head] = {}

    def read(self, method: str, path: str, headers: Mapping[str, str], authorization: str | None) -> Read:
        """`path` starts at `/v2/`, below the registry's prefix."""
        return Read(method, self._origin, self._prefix + path, self._head(headers, authorization), self._extensions)

    def _head(self, headers: Mapping[str, str], authorization: str | None) -> Head:
        key = (authorization, *headers.items())
        if (known := self._heads.get(key)) is not None:
            return known
        made = httpx.Headers(self._headers)
        made.update(headers)
        if authorization is not None:
            made["Authorization"] = authorization
        if len(self._heads) >= _KEPT:
            self._heads.clear()
        self._heads[key] = head = Head(made)
        return head


def target(request: httpx.Request) -> bytes:
    """What its first line asks for, percent-encoded where it has to be."""
    if isinstance(request, Read) and _PLAIN.fullmatch(request.path):
        return request.path.encode("ascii")
    return request.url.raw_path
