"""Reads `WWW-Authenticate`: RFC 9110 section 11.6.1, several challenges in one header included."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.request import parse_http_list

from regtui import bounds

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]*)(?:\s+(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Challenge:
    """`scheme` in lower case; the names of the parameters too."""

    scheme: str
    parameters: Mapping[str, str]

    def get(self, name: str) -> str:
        return self.parameters.get(name, "")


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Every challenge in `headers`. Case doesn't matter, quotes may be missing (zot), nonsense is passed over."""
    found: list[tuple[str, dict[str, str]]] = []
    for header in headers:
        for item in parse_http_list(header):
            name, equals, value = item.partition("=")
            words = _SCHEME.fullmatch(item if not equals else name.strip())
            if words and (not equals or words[2]):
                # "Bearer realm" or a bare "Negotiate": a new challenge begins.
                found.append((words[1].lower(), {}))
                name = words[2] or ""
            if equals and found and name.strip() and len(value) <= bounds.PARAMETER:
                found[-1][1][name.strip().lower()] = _unquote(value.strip())
    return tuple(Challenge(scheme, parameters) for scheme, parameters in found)


def _unquote(text: str) -> str:
    # parse_http_list has taken the backslashes out already.
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text
