"""Authentication: Basic (RFC 7617), and Bearer tokens as distribution's token specification has them.

A credential goes to the registry's own origin and to its token service alone: redirects to other origins lose it
(httpx does that), and a token service over plain HTTP never gets it from an HTTPS registry.
"""

import asyncio
import base64
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import httpx

from regtui.registry import errors
from regtui.registry.answers import error_codes, wrong_password
from regtui.registry.challenge import Challenge, parse_challenges
from regtui.registry.errors import Where
from regtui.registry.values import Credential

# Token spec: "expires_in" is optional, 60 seconds where it's missing.
_DEFAULT_LIFE: Final = 60.0
_LONGEST_LIFE: Final = 24 * 3600.0
# What a header can hold.
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
# Renewed this much earlier than it ends, so that a request under way doesn't lose its token.
_MARGIN: Final = 10.0

Send = Callable[[httpx.Request], Awaitable[httpx.Response]]


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    ends: float


class Authenticator:
    """Knows what to put into `Authorization` for a scope, and learns from challenges.

    Scopes are texts of the token specification: `repository:NAME:pull,push`, `registry:catalog:*`, or empty.
    """

    def __init__(
        self, origin: httpx.URL, credential: Credential | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._origin = origin
        self._credential = credential
        self._clock = clock
        self._basic = False
        self._bearer: Challenge | None = None
        self._tokens: dict[str, _Token] = {}
        self._refreshing: dict[str, asyncio.Lock] = {}

    @property
    def is_anonymous(self) -> bool:
        """No credential is known: a token, if there is one, is what anybody gets."""
        return self._credential is None

    @property
    def scheme(self) -> str:
        """`basic`, `bearer`, or empty while nothing was asked for."""
        return "basic" if self._basic else "bearer" if self._bearer else ""

    async def header(self, scope: str, send: Send, where: Where) -> str | None:
        """The value of `Authorization`; None for an anonymous request. Fetches a token where one is needed."""
        if self._basic and self._credential:
            return _basic(self._credential)
        if self._bearer is None:
            return None
        return f"Bearer {await self._token(self._bearer, scope, send, where, stale=None)}"

    async def answer(self, response: httpx.Response, scope: str, send: Send, where: Where) -> str | None:
        """The value to try again with after a 401; None where there's nothing better to send."""
        if not _is_at(self._origin, response.request.url):
            # A redirect's target (an object store) can't ask for what is the registry's.
            return None
        challenges = parse_challenges(response.headers.get_list("WWW-Authenticate"))
        used = response.request.headers.get("Authorization")
        bearer = next((c for c in challenges if c.scheme == "bearer" and c.get("realm")), None)
        if bearer is not None:
            self._bearer, self._basic = bearer, False
            stale = used.removeprefix("Bearer ") if used and used.startswith("Bearer ") else None
            if stale is not None and bearer.get("error") == "insufficient_scope" and not _wants_more(bearer, scope):
                return None
            return f"Bearer {await self._token(bearer, bearer.get('scope') or scope, send, where, stale, scope)}"
        if any(c.scheme == "basic" for c in challenges) and self._credential and used is None:
            self._basic = True
            return _basic(self._credential)
        return None

    async def _token(
        self,
        challenge: Challenge,
        scope: str,
        send: Send,
        where: Where,
        stale: str | None,
        key: str | None = None,
    ) -> str:
        """One request for however many wait for the same scope. `stale`: a token that was just refused."""
        key = scope if key is None else key
        async with self._refreshing.setdefault(key, asyncio.Lock()):
            token = self._tokens.get(key)
            if token is None or token.value == stale or self._clock() >= token.ends:
                token = await self._fetch(challenge, scope, send, where)
                self._tokens[key] = token
            return token.value

    async def _fetch(self, challenge: Challenge, scope: str, send: Send, where: Where) -> _Token:
        """Token specification, "Requesting a Token" (GET; several scopes become several parameters)."""
        realm = self._realm(challenge, where)
        parameters: dict[str, str | list[str]] = {"scope": scope.split()} if scope else {}
        if challenge.get("service"):
            parameters["service"] = challenge.get("service")
        request = httpx.Request("GET", realm.copy_merge_params(parameters))
        if self._credential is not None:
            request.headers["Authorization"] = _basic(self._credential)
        response = await send(request)
        if response.status_code in (401, 403):
            if self._credential is None:
                raise errors.NotAuthenticated(
                    where, f"Not logged in to {where.host}.", f"Run: regtui login {where.host}", status=401
                )
            raise wrong_password(where, error_codes(response))
        return self._read(response, realm, where)

    def _realm(self, challenge: Challenge, where: Where) -> httpx.URL:
        try:
            realm = httpx.URL(challenge.get("realm"))
        except httpx.InvalidURL:
            realm = httpx.URL()
        if realm.scheme not in ("http", "https") or not realm.host:
            raise errors.BadAnswer(where, f"{where.host} names a token service that is no address.")
        if self._credential and self._origin.scheme == "https" and realm.scheme == "http":
            raise errors.BadAnswer(
                where,
                f"{where.host} wants the password sent to {realm.host} over plain HTTP. That was not done.",
                "Its administrator should give its token service (the realm) an https address.",
            )
        return realm

    def _read(self, response: httpx.Response, realm: httpx.URL, where: Where) -> _Token:
        try:
            value = response.json() if response.is_success else {}
        except (ValueError, RecursionError):
            value = {}
        token = (value.get("token") or value.get("access_token")) if isinstance(value, dict) else None
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise errors.BadAnswer(
                where,
                f"The token service of {where.host} ({realm.host}) answered {response.status_code} without a token.",
            )
        life = value.get("expires_in")
        seconds = float(min(life, _LONGEST_LIFE)) if isinstance(life, int | float) and life > 0 else _DEFAULT_LIFE
        return _Token(token, self._clock() + max(seconds - _MARGIN, seconds / 2))


def _is_at(origin: httpx.URL, url: httpx.URL) -> bool:
    """Whether `url` is of `origin`, or of its HTTPS on the usual port: what httpx sends Authorization to as well."""
    usual = {"http": 80, "https": 443}
    one, other = [(u.scheme, u.host, u.port or usual.get(u.scheme)) for u in (origin, url)]
    return one == other or (one == ("http", url.host, 80) and other == ("https", url.host, 443))


def _basic(credential: Credential) -> str:
    return "Basic " + base64.b64encode(f"{credential.username}:{credential.password}".encode()).decode("ascii")


def _wants_more(challenge: Challenge, scope: str) -> bool:
    """Whether the registry names another scope than the one that we asked a token for."""
    return bool(challenge.get("scope")) and set(challenge.get("scope").split()) != set(scope.split())
