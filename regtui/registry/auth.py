"""Authentication: Basic (RFC 7617), and Bearer tokens as distribution's token specification has them: by GET with a
password, by POST with an identity token.

Nothing is looked for before the registry asks: an open one never waits for a keyring. A credential goes to the
registry's own origin and to its token service alone: redirects to other origins lose it (httpx does that), and a token
service over plain HTTP never gets it from an HTTPS registry.
"""

import asyncio
import base64
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeVar

import httpx

from regtui import bounds
from regtui.aside import aside
from regtui.bounded_json import parse_json
from regtui.registry import errors
from regtui.registry.address import has_port
from regtui.registry.answers import error_codes, not_allowed, when_again, wrong_password
from regtui.registry.challenge import Challenge, parse_challenges
from regtui.registry.errors import Where
from regtui.registry.locations import NO_ADDRESS
from regtui.registry.retry import asked_to_wait
from regtui.registry.token_clock import GivenToken
from regtui.registry.values import Credential, Keychain, LookUp, basic_login

# Token spec: "expires_in" is optional, 60 seconds where it's missing.
_DEFAULT_LIFE: Final = 60.0
_LONGEST_LIFE: Final = 24 * 3600.0
# What a header can hold.
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
# Renewed this much earlier than it ends, so that a request under way doesn't lose its token.
_MARGIN: Final = 10.0

# Who asks: the token service's log shows it, and its administrator may have rules for it.
_CLIENT_ID: Final = "regtui"

# Token services of one answer that are tried.
_SERVICES: Final = 4

# Seconds for which what was looked up isn't looked up again: a wrong password stays one.
_SURE: Final = 60.0

K = TypeVar("K")
T = TypeVar("T")
# (realm, service, scope)
_TokenKey = tuple[str, str, str]

Send = Callable[[httpx.Request], Awaitable[httpx.Response]]
"""Blocks as long as keyrings and helpers take. Called off the event loop when a login is wanted, and again when what it
gave isn't accepted any more: some helpers give passwords for a day."""


@dataclass(frozen=True, slots=True)
class ChallengeAnswer:
    """What to try again with after a 401, and the challenge that it is for."""

    authorization: str = field(repr=False)
    challenge: Challenge


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    ends: float


class Authenticator:
    """Knows what to put into `Authorization` for a scope, and learns from challenges: once what it did upon them was
    taken. What one repository wants is asked of another only where it wants the same, or where the registry itself
    does: it may be one tag's storage, or whoever stands before it, that asks.

    Scopes are texts of the token specification: `repository:NAME:pull,push`, `registry:catalog:*`, or empty.
    """

    def __init__(self, origin: httpx.URL, look_up: LookUp, clock: Callable[[], float] = time.monotonic) -> None:
        self._origin = origin
        self._look_up = look_up
        self._keychain: Keychain | None = None
        self._looking = asyncio.Lock()
        self._looked = 0.0
        self._clock = clock
        self._scheme = ""
        self._of_all: Challenge | None = None
        self._of_repository: dict[str, Challenge] = {}
        self._tokens: dict[_TokenKey, _Token] = {}
        self._refreshing: dict[_TokenKey, asyncio.Lock] = {}
        # How many requests for it have failed, and the last one's error.
        self._failures: dict[_TokenKey, tuple[int, errors.RegistryError]] = {}
        self._accepted: list[Credential] = []
        self.given: GivenToken | None = None
        """The last token that a token service gave."""
        # Services may hand out a new identity token with each answer, and take the old one no more.
        self._renewed: dict[str, str] = {}

    def credential(self, scope: str = "") -> Credential | None:
        """What was sent, or would be, for `scope`. None where no credential is known: a token, if there is one, is what
        anybody gets. None as well while none was wanted."""
        return self._keychain.credential_for(_repository(scope)) if self._keychain else None

    @property
    def scheme(self) -> str:
        """`basic`, `bearer`, or empty while nothing was asked for."""
        return self._of_all.scheme if self._of_all is not None else self._scheme

    def took_login(self, credential: Credential | None) -> bool:
        """Whether the token service has given tokens for it: then neither name nor password can be wrong."""
        return credential is not None and credential in self._accepted

    def refused(self, response: httpx.Response) -> GivenToken | None:
        """The token that a token service had just given, where `response` says that it is none; else None."""
        given = self.given
        if given is None or response.status_code != 401:
            return None
        challenges = parse_challenges(response.headers.get_list("WWW-Authenticate"))
        is_meant = response.request.headers.get("Authorization") == f"Bearer {given.value}"
        return given if is_meant and any(each.get("error") == "invalid_token" for each in challenges) else None

    async def header(self, scope: str, send: Send, where: Where) -> str | None:
        """The value of `Authorization`; None for an anonymous request. Fetches a token where one is needed."""
        challenge = self._of_repository.get(_repository(scope), self._of_all)
        if challenge is None:
            return None
        credential = self.credential(scope)
        if challenge.scheme == "basic":
            return _basic(credential) if credential and credential.password else None
        if credential and credential.registry_token:
            return _as_it_stands(credential)
        try:
            return f"Bearer {await self._token(challenge, scope, send, where, stale=None)}"
        except errors.RegistryError:
            # The next request asks without: perhaps nothing is wanted any more.
            self._of_repository.pop(_repository(scope), None)
            raise

    def learn(self, scope: str, challenge: Challenge) -> None:
        """What was offered upon `challenge` was taken."""
        repository = _repository(scope)
        if repository:
            alike = any(_is_same(each, challenge) for name, each in self._of_repository.items() if name != repository)
            self._of_repository.pop(repository, None)
            _make_room(self._of_repository)
            self._of_repository[repository] = challenge
            # A password for the registry itself is nobody else's to be asked for.
            if self._of_all is None and (alike or challenge.scheme == "basic"):
                self._of_all = challenge
        else:
            self._of_all = challenge

    async def answer(self, response: httpx.Response, scope: str, send: Send, where: Where) -> ChallengeAnswer | None:
        """What to try again with after a 401; None where there's nothing better to send. Of several challenges the
        first that can be met, tokens before the password. Raises what is wrong with the first where none can."""
        if not _is_at(self._origin, response.request.url):
            # A redirect's target (an object store) can't ask for what is the registry's.
            return None
        challenges = parse_challenges(response.headers.get_list("WWW-Authenticate"))
        used = response.request.headers.get("Authorization")
        bearers = [c for c in challenges if c.scheme == "bearer" and c.get("realm")][:_SERVICES]
        basic = next((c for c in challenges if c.scheme == "basic"), None)
        if not bearers and basic is None:
            return None
        await self._find(anew=used is not None and used == _as_it_stands(self.credential(scope)))
        credential = self.credential(scope)
        failure: errors.RegistryError | None = None
        for bearer in bearers:
            self._scheme = "bearer"
            try:
                value = await self._bearer(bearer, used, scope, send, where)
            except (errors.Unreachable, errors.BadAnswer) as error:
                failure = failure or error
                continue
            return ChallengeAnswer(value, bearer) if value is not None and value != used else None
        if basic is not None and credential and credential.password:
            self._scheme = "basic"
            value = _basic(credential)
            return ChallengeAnswer(value, basic) if value != used else None
        if failure is not None and (basic is None or credential or isinstance(failure, errors.Unreachable)):
            raise failure
        return None

    async def _bearer(self, challenge: Challenge, used: str | None, scope: str, send: Send, where: Where) -> str | None:
        credential = self.credential(scope)
        if credential and credential.registry_token:
            return _as_it_stands(credential)
        stale = used.removeprefix("Bearer ") if used and used.startswith("Bearer ") else None
        if stale is not None and challenge.get("error") == "insufficient_scope" and not _wants_more(challenge, scope):
            return None
        return f"Bearer {await self._token(challenge, challenge.get('scope') or scope, send, where, stale, scope)}"

    async def _find(self, *, anew: bool = False) -> None:
        """Looks for the credentials, once for however many requests were refused at the same time."""
        async with self._looking:
            if self._keychain is None or (anew and self._clock() - self._looked > _SURE):
                self._keychain = await aside(self._look_up)
                self._looked = self._clock()

    async def _token(
        self,
        challenge: Challenge,
        scope: str,
        send: Send,
        where: Where,
        stale: str | None,
        key: str | None = None,
    ) -> str:
        """One request for however many wait for the same scope, also where it fails. `stale`: a token that was just
        refused."""
        asked = scope if key is None else key
        place = (challenge.get("realm"), challenge.get("service"), asked)
        failures, _ = self._failures.get(place, (0, None))
        async with self._refreshing.setdefault(place, asyncio.Lock()):
            failed, error = self._failures.get(place, (0, None))
            if error is not None and failed > failures:
                raise error
            token = self._tokens.get(place)
            if token is None or token.value == stale or self._clock() >= token.ends:
                try:
                    token = await self._fetch_surely(challenge, scope, send, where, asked)
                except errors.RegistryError as error:
                    _make_room(self._failures)
                    self._failures[place] = (failed + 1, error)
                    raise
                _make_room(self._tokens)
                self._tokens[place] = token
            return token.value

    async def _fetch_surely(self, challenge: Challenge, scope: str, send: Send, where: Where, key: str) -> _Token:
        credential = self.credential(key)
        try:
            return await self._fetch(challenge, scope, send, where, credential)
        except (errors.NotAuthenticated, errors.NotAllowed):
            await self._find(anew=True)
            if self.credential(key) == credential:
                raise
        return await self._fetch(challenge, scope, send, where, self.credential(key))

    async def _fetch(
        self, challenge: Challenge, scope: str, send: Send, where: Where, credential: Credential | None
    ) -> _Token:
        realm = self._realm(challenge, where, credential)
        service = challenge.get("service")
        by_identity = credential is not None and bool(credential.identity_token)
        if credential is not None and by_identity:
            request = self._by_identity_token(realm, service, scope, credential)
        else:
            request = _by_password(realm, service, scope, credential)
        response = await send(request)
        if response.status_code in (401, 403) or (by_identity and response.status_code == 400):
            if credential is None:
                raise errors.NotAuthenticated(
                    where, f"Not logged in to {where.host}.", f"Run: regtui login {where.host}", status=401
                )
            if response.status_code == 403 and self.took_login(credential):
                # It knows who that is, and it is a matter of rights.
                raise not_allowed(where, error_codes(response), 403)
            what = "identity token" if by_identity else "user name or password"
            raise wrong_password(where, error_codes(response), what)
        token, renewed = self._read(response, realm, where)
        self.given = GivenToken(token.value, _name(realm), response.headers.get("Date", ""), datetime.now(UTC))
        if credential is not None and credential not in self._accepted:
            self._accepted.append(credential)
        if credential is not None and by_identity and renewed:
            self._renewed[credential.identity_token] = renewed
        return token

    def _by_identity_token(self, realm: httpx.URL, service: str, scope: str, credential: Credential) -> httpx.Request:
        """Token specification, "Getting a token" with OAuth2 (POST; several scopes are one field)."""
        form = {
            "grant_type": "refresh_token",
            "service": service,
            "client_id": _CLIENT_ID,
            "scope": scope,
            "refresh_token": self._renewed.get(credential.identity_token, credential.identity_token),
        }
        return httpx.Request("POST", realm, data={name: value for name, value in form.items() if value})

    def _realm(self, challenge: Challenge, where: Where, credential: Credential | None) -> httpx.URL:
        try:
            realm = httpx.URL(challenge.get("realm"))
            host = realm.host
        except NO_ADDRESS:
            realm, host = httpx.URL(), ""
        if realm.scheme not in ("http", "https") or not host or not has_port(realm.port):
            raise errors.BadAnswer(where, f"{where.host} names a token service that is no address.")
        if credential and self._origin.scheme == "https" and realm.scheme == "http":
            raise errors.BadAnswer(
                where,
                f"{where.host} wants the password sent to {realm.host} over plain HTTP. That was not done.",
                "Its administrator should give its token service (the realm) an https address.",
            )
        return realm

    def _read(self, response: httpx.Response, realm: httpx.URL, where: Where) -> tuple[_Token, str]:
        """The token, and the identity token to use from now on; empty where it stays as it is."""
        if response.status_code == 429:
            raise errors.RateLimited(
                where,
                f"The token service of {where.host} ({realm.host}) limits the number of requests.",
                when_again(asked_to_wait(response)),
                status=429,
            )
        try:
            value = parse_json(response.content) if response.is_success else {}
        except ValueError:
            value = {}
        token = (value.get("token") or value.get("access_token")) if isinstance(value, dict) else None
        if not isinstance(token, str) or not _TOKEN.fullmatch(token) or len(token) > bounds.TOKEN_LENGTH:
            raise errors.BadAnswer(
                where,
                f"The token service of {where.host} ({realm.host}) answered {response.status_code} without a token.",
            )
        life = value.get("expires_in")
        seconds = float(min(life, _LONGEST_LIFE)) if isinstance(life, int | float) and life > 0 else _DEFAULT_LIFE
        renewed = value.get("refresh_token")
        return (
            _Token(token, self._clock() + max(seconds - _MARGIN, seconds / 2)),
            renewed if isinstance(renewed, str) else "",
        )


def _by_password(realm: httpx.URL, service: str, scope: str, credential: Credential | None) -> httpx.Request:
    """Token specification, "Requesting a Token" (GET; several scopes become several parameters)."""
    parameters: dict[str, str | list[str]] = {"scope": scope.split()} if scope else {}
    if service:
        parameters["service"] = service
    request = httpx.Request("GET", realm.copy_merge_params(parameters))
    if credential is not None:
        request.headers["Authorization"] = _basic(credential)
    return request


def _name(url: httpx.URL) -> str:
    return url.netloc.decode("ascii")


def _repository(scope: str) -> str:
    """The repository that a scope is about, the first of several; empty for the registry's own."""
    kind, _, rest = scope.partition(" ")[0].partition(":")
    return rest.rpartition(":")[0] if kind == "repository" else ""


def _is_at(origin: httpx.URL, url: httpx.URL) -> bool:
    """Whether `url` is of `origin`, or of its HTTPS on the usual port: what httpx sends Authorization to as well."""
    usual = {"http": 80, "https": 443}
    one, other = [(u.scheme, u.host, u.port or usual.get(u.scheme)) for u in (origin, url)]
    return one == other or (one == ("http", url.host, 80) and other == ("https", url.host, 443))


def _basic(credential: Credential) -> str:
    return "Basic " + base64.b64encode(basic_login(credential.username, credential.password)).decode("ascii")


def _as_it_stands(credential: Credential | None) -> str | None:
    """What goes to the registry itself; None where there is no credential."""
    if credential is not None and credential.registry_token:
        return f"Bearer {credential.registry_token}"
    return _basic(credential) if credential is not None else None


def _is_same(one: Challenge, other: Challenge) -> bool:
    """Whether both want the same, of whatever scope."""
    wanted = [(each.scheme, each.get("realm"), each.get("service")) for each in (one, other)]
    return wanted[0] == wanted[1]


def _make_room(kept: dict[K, T]) -> None:
    while len(kept) >= bounds.TOKENS:
        del kept[next(iter(kept))]


def _wants_more(challenge: Challenge, scope: str) -> bool:
    """Whether the registry names another scope than the one that we asked a token for."""
    return bool(challenge.get("scope")) and set(challenge.get("scope").split()) != set(scope.split())
