"""One registry's HTTP: one pool, bounded concurrency, authentication, retries, time-outs, a log without secrets."""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpx

from regtui import __version__, bounds
from regtui.aside import aside
from regtui.registry import errors
from regtui.registry.address import Address
from regtui.registry.answers import error_for, refused_elsewhere, speaks_https, token_refused, wants_certificate
from regtui.registry.auth import Authenticator, Send
from regtui.registry.body import BodyReader
from regtui.registry.direct import WHOLE
from regtui.registry.errors import Where
from regtui.registry.exchanges import Exchange, RequestLog
from regtui.registry.locations import NO_ADDRESS
from regtui.registry.network import Network
from regtui.registry.others import Moment, OtherRequests
from regtui.registry.pace import Gate, Pace
from regtui.registry.read import Read, Reads
from regtui.registry.retry import Safety, asked_to_wait
from regtui.registry.settings import HttpSettings
from regtui.registry.tls import Certificate, certificate
from regtui.registry.token_clock import GivenToken
from regtui.registry.unreachable import causes, no_http, unreachable, wants_client_certificate
from regtui.registry.values import LookUp

_READS: Final = frozenset({"GET", "HEAD"})
requests_log: Final = logging.getLogger("regtui.requests")

# httpx's own pool gets slower the more tasks wait inside it. So they wait in front of it, and this many go in.
_IN_HTTPX_POOL: Final = 8
# What says "too much at once". Not 500: a single corrupt tag answers so, for ever.
_TOO_MUCH: Final = frozenset({429, 502, 503, 504})
# What can't be true of a registry that answers something else.
_NO_REGISTRY: Final = (errors.NotARegistry, errors.SpeaksHttp, errors.SpeaksHttps)
# DELETE by digest takes 0.35 s at 10,000 tags and 6 s on a cold disk; a client that hangs up leaves a dangling
# tag on 3.1.1. So it is given all the time it may need.
_DELETE_TIMEOUT: Final = bounds.DELETE
# People wait for an answer, and have one in ten seconds.
_CONNECT_TIMEOUT: Final = bounds.CONNECT


Explain = Callable[[errors.NotAuthenticated], errors.NotAuthenticated]


class RegistryHttp:
    """Sends requests below one registry's base URL. Not thread-safe: lives on one event loop."""

    def __init__(
        self, address: Address, look_up: LookUp, settings: HttpSettings, log: RequestLog | None = None
    ) -> None:
        self.address = address
        self._settings = settings
        self._base = httpx.URL(address.url)
        self._auth = Authenticator(self._base, look_up)
        self._network = (
            None if settings.is_in_memory else Network(address, settings.tls, settings.in_flight, settings.tunnel)
        )
        self._transport = self._network or settings.in_memory()
        is_direct = self._network is not None and self._network.is_direct
        self._gate = Gate(Pace(settings.in_flight if is_direct else min(settings.in_flight, _IN_HTTPX_POOL)))
        self._client = httpx.AsyncClient(
            transport=self._transport,
            timeout=httpx.Timeout(settings.timeout, connect=min(settings.timeout, _CONNECT_TIMEOUT), pool=None),
            headers={"User-Agent": f"regtui/{__version__}", "Accept-Encoding": "identity"},
            # Proxies and certificates are the network's: as Docker has them, not as httpx.
            trust_env=False,
            cookies=_FewCookies(_SendableCookies()),
        )
        self._bodies = BodyReader()
        self._reads = Reads(address, self._client.headers, self._client.timeout.as_dict())
        self._redirects = False
        # Once anything was heard, a connection that can't be made is bad luck, not a wrong address.
        self._heard = False
        self._others = OtherRequests(lambda: self.ping(at_once=True))
        self._waiting_for = 0
        self._silent_since = 0.0
        self.log = log or RequestLog()
        self.explain: Explain = lambda error: error
        """Says of a refused login which one it was."""
        self.date = ""
        """The `Date` of the registry's last answer, as it was sent."""

    @property
    def in_flight(self) -> int:
        """How many requests the registry can take at once, as far as is known now."""
        return self._gate.pace.limit

    @property
    def waited_in_vain(self) -> float:
        """Seconds for which requests about repositories hung until they were given up; those side by side, once."""
        return self._others.waited_in_vain

    @property
    def has_answered(self) -> bool:
        """Whether anything came that is an answer, whatever it says."""
        return self._heard

    @property
    def silent_for(self) -> float:
        """Seconds since the last answer, or since requests wait for one; 0 while none does, or while the registry has
        asked to be left alone."""
        if not self._waiting_for or self._settings.waiting.left > 0:
            return 0.0
        return time.monotonic() - self._silent_since

    @property
    def given_token(self) -> GivenToken | None:
        """The last one that its token service gave; None where there is none."""
        return self._auth.given

    @property
    def auth_scheme(self) -> str:
        return self._auth.scheme

    @property
    def username(self) -> str:
        """Who is logged in; empty where nobody is, or a token doesn't say whose it is."""
        credential = self._auth.credential()
        return credential.username if credential else ""

    @property
    def by_way_of(self) -> str:
        """What leads to the registry: a proxy or a tunnel; empty where the way is direct."""
        if self._network is None:
            return ""
        if self._network.tunnel is not None:
            return "the SSH tunnel"
        # Without its login.
        return f"the proxy {httpx.URL(proxy).host}" if (proxy := self._network.proxy(self._base)) else ""

    async def certificate(self) -> Certificate | None:
        """What the registry shows; None without TLS, and where it can't be found out."""
        network, base = self._network, self._base
        if network is None or self.address.is_plain:
            return None
        return await aside(lambda: certificate(base.host, lambda timeout: network.dial(base, timeout)))

    async def close(self) -> None:
        await self._client.aclose()

    async def ping(self, *, at_once: bool = False) -> httpx.Response:
        """`GET /v2/`: what tells whether it answers, and takes the login. `at_once`: beside however many requests are
        under way. Raises RegistryError."""
        return await self.send("GET", "/v2/", Where(self.address.name, "answering"), at_once=at_once)

    async def send(
        self,
        method: str,
        path: str,
        where: Where,
        *,
        scope: str = "",
        safety: Safety = Safety.IDEMPOTENT,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        accept: frozenset[int] = frozenset(),
        limit: int = bounds.LIST,
        enough: int | None = None,
        patient: bool = True,
        at_once: bool = False,
    ) -> httpx.Response:
        """The answer, its body read (at most `limit` bytes). `path` starts at `/v2/`, below the prefix, or is a
        whole URL of this registry (an upload's Location). Of a body longer than `enough` the rest isn't waited for; of
        what a change is answered, the status tells.
        `patient`: a DELETE is waited for longer than anything else. `at_once`: it doesn't wait for others to end.

        Raises a RegistryError for every status of 300 and above that isn't in `accept`, and for no answer: for what is
        about a repository it `affects_all` only where others don't fare better.
        """

        if enough is None and method not in _READS:
            enough = bounds.ERROR
        since = self._others.now

        def request(authorization: str | None) -> httpx.Request:
            return self._request(method, path, headers, params, content, authorization, patient=patient)

        try:
            async with nullcontext() if at_once else self._gate.slot():
                if method in _READS:
                    self._others.check(where)
                response = await self._answer(request, where, scope, safety, limit, enough)
            if response.status_code >= 300 and response.status_code not in accept:
                raise self._refusal(response, where, scope)
        except errors.RegistryError as error:
            told = self.explain(error) if isinstance(error, errors.NotAuthenticated) else error
            told.unheard = method not in _READS and _may_be_done(told)
            # What HEAD is refused, GET decides; what a change is refused, is refused.
            if where.repository and (method == "GET" or isinstance(told, errors.Unreachable)):
                told = await self._judged(told, since, is_read=method in _READS)
            raise told from error.__cause__
        if method == "GET" and where.repository and not where.reference:
            self._others.listed(where.repository)
        elif where.repository:
            self._others.answered(where.repository)
        return response

    async def _judged(self, error: errors.RegistryError, since: Moment, *, is_read: bool) -> errors.RegistryError:
        """As it is told once it is known whether it affects all."""
        if not self._heard and _is_nobody(error):
            return error
        await self._others.judge(error, since, is_read=is_read)
        if error.affects_all:
            if error.silent:
                self._gate.refused()
        elif isinstance(error, _NO_REGISTRY):
            error = no_http(error.where)
            error.fails_alone()
        return error

    def _request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None,
        params: Mapping[str, str] | None,
        content: bytes | None,
        authorization: str | None,
        *,
        patient: bool,
    ) -> httpx.Request:
        # Cookies: some proxies with a login of their own need them.
        if method in _READS and not params and not self._client.cookies:
            return self._reads.read(method, path, headers or {}, authorization)
        url = httpx.URL(path if "://" in path else self.address.url + path)
        if params:
            url = url.copy_merge_params(params)
        # A manifest may call its type anything: httpx takes ASCII alone, and any bytes.
        encoded = {name.encode(): value.encode(errors="replace") for name, value in (headers or {}).items()}
        made = self._client.build_request(method, url, headers=encoded, content=content)
        if method == "DELETE" and patient:
            timeout = httpx.Timeout(_DELETE_TIMEOUT, connect=_CONNECT_TIMEOUT, pool=None)
            made.extensions["timeout"] = timeout.as_dict()
        if authorization is not None:
            made.headers["Authorization"] = authorization
        return made

    async def _answer(
        self,
        request: Callable[[str | None], httpx.Request],
        where: Where,
        scope: str,
        safety: Safety,
        limit: int,
        enough: int | None,
    ) -> httpx.Response:
        """With the login that it asks for. `request` makes it, with an Authorization."""
        send = self._send_token_request(where)
        authorization = await self._auth.header(scope, send, where)
        response = await self._try(request(authorization), where, safety, limit, enough)
        if response.status_code == 401:
            offer = await self._auth.answer(response, scope, send, where)
            if offer is not None:
                response = await self._try(request(offer.authorization), where, safety, limit, enough)
                if response.status_code != 401:
                    self._auth.learn(scope, offer.challenge)
        if (given := self._auth.refused(response)) is not None:
            raise token_refused(where, given, response.headers.get("Date", ""))
        return response

    def _refusal(self, response: httpx.Response, where: Where, scope: str) -> errors.RegistryError:
        """What an answer means that isn't what was asked for."""
        if speaks_https(response):
            return errors.SpeaksHttps(
                where, f"{where.host} speaks HTTPS, not plain HTTP.", f"Use {self.address.over('https')}", status=400
            )
        if wants_certificate(response):
            return wants_client_certificate(where)
        if not self._is_own(response.request):
            return refused_elsewhere(response, where)
        credential = self._auth.credential(scope)
        # Without a scope nothing but the login was asked about.
        is_good = bool(scope) and self._auth.took_login(credential)
        return error_for(response, where, anonymous=credential is None, login_is_good=is_good)

    @asynccontextmanager
    async def turn(self, scope: str, where: Where) -> AsyncIterator[None]:
        """One slot for all that is sent within: what follows upon an answer doesn't wait for anybody else's requests.
        The token for `scope` is there by then. Raises RegistryError where there is none to be had."""
        async with self._gate.turn():
            try:
                await self._auth.header(scope, self._send_token_request(where), where)
            except errors.NotAuthenticated as error:
                raise self.explain(error) from None
            yield

    async def _try(
        self, request: httpx.Request, where: Where, safety: Safety, limit: int, enough: int | None = None
    ) -> httpx.Response:
        """Sends, and sends again where that's safe and may help."""
        if not self._waiting_for:
            self._silent_since = time.monotonic()
        self._waiting_for += 1
        try:
            return await self._try_again(request, where, safety, limit, enough)
        finally:
            self._waiting_for -= 1

    async def _try_again(
        self, request: httpx.Request, where: Where, safety: Safety, limit: int, enough: int | None
    ) -> httpx.Response:
        retry, waiting = self._settings.retry, self._settings.waiting
        attempt, patience, silences = 1, retry.patience, 0
        while True:
            last = attempt >= retry.tries
            # What one request was told holds for all.
            if (left := waiting.left) > 0:
                await asyncio.sleep(left)
            try:
                response = await self._once(request, where, limit, enough)
            except httpx.TransportError as error:
                silences += _is_silence(error)
                borne = 0 if self._others.is_often_silent(where.repository) else retry.silences
                is_definite = silences > borne or (not self._heard and _is_definite(error))
                if last or is_definite or not retry.after_error(error, safety):
                    raise await asyncio.to_thread(
                        unreachable, error, self.address, where, self._network, request.url, heard=self._heard
                    ) from error
                await asyncio.sleep(retry.wait(attempt))
                attempt += 1
                continue
            if not retry.after_answer(response, safety):
                return response
            pause, asked = retry.wait(attempt), asked_to_wait(response)
            attempt += 1
            if asked is not None and (pause := max(pause, asked)) <= patience:
                patience -= pause
                waiting.begin(pause)
            elif last or asked is not None:
                return response
            else:
                await asyncio.sleep(pause)

    async def _once(self, request: httpx.Request, where: Where, limit: int, enough: int | None) -> httpx.Response:
        began, started = time.time(), time.monotonic()
        asked = asyncio.get_running_loop().time()
        status, size = None, 0
        try:
            response = await self._sent(request, where)
            self._heard, self._silent_since = True, time.monotonic()
            if self._is_own(request):
                self.date = response.headers.get("Date", "")
            status = response.status_code
            try:
                body = await self._bodies.read(response, where, limit, enough)
            finally:
                await response.aclose()
            size = len(body)
            self._pace(response.status_code)
            return _with_body(response, body)
        except httpx.TimeoutException:
            # Of what is about a repository it is looked at first whether it is silent alone.
            if where.repository:
                self._others.gave_up(asked)
            else:
                self._gate.refused()
            raise
        except ssl.SSLError as error:
            # TLS 1.3: what the server thinks of our certificate comes with its first answer; httpx lets it through.
            raise httpx.ReadError(str(error), request=request) from error
        except httpx.TooManyRedirects:
            raise errors.BadAnswer(where, f"{where.host} redirects in a circle while {where.operation}.") from None
        except httpx.RemoteProtocolError as error:
            if "location header" in str(error):
                raise errors.BadAnswer(where, f"{where.host} redirects to something that is no address.") from None
            raise
        except (*NO_ADDRESS, httpx.UnsupportedProtocol):
            raise errors.BadAnswer(where, f"{where.host} redirects to something that is no address.") from None
        finally:
            self._tell(Exchange(began, request.method, _shown(request), status, size, time.monotonic() - started))

    def _is_own(self, request: httpx.Request) -> bool:
        return isinstance(request, Read) or request.url.netloc == self._base.netloc

    def _tell(self, done: Exchange) -> None:
        self.log.add(done)
        if requests_log.isEnabledFor(logging.INFO):
            status = "failed" if done.status is None else str(done.status)
            requests_log.info("%s %s %s %d B %.0f ms", done.method, done.url, status, done.size, done.seconds * 1000)

    async def _sent(self, request: httpx.Request, where: Where) -> httpx.Response:
        """The answer, its body not read. Only reads follow redirects (blobs in object stores); httpx drops
        Authorization at another origin."""
        if request.method not in _READS:
            return await self._client.send(request, stream=True)
        if not self._redirects:
            # httpx's client costs as much as the request itself, and adds nothing to an answer that is no redirect.
            assert self._transport is not None
            response = await self._transport.handle_async_request(request)
            response.request = request
            if "Set-Cookie" in response.headers:
                self._client.cookies.extract_cookies(response)
            if not response.has_redirect_location:
                return response
            await response.aclose()
            # A registry that keeps its blobs elsewhere redirects them all: not to be asked twice for each.
            self._redirects = True
        return await self._followed(request, where)

    async def _followed(self, request: httpx.Request, where: Where) -> httpx.Response:
        """To where it leads, as httpx makes the requests. What a redirect says besides isn't read: httpx would read all
        of it, however much that is. From HTTPS to plain HTTP only blobs are followed, which their digest proves: of a
        list anybody on the way could make what they like."""
        is_blob = request.url.path.rpartition("/")[0].endswith("/blobs")
        for _ in range(bounds.REDIRECTS + 1):
            response = await self._client.send(request, stream=True)
            if response.next_request is None:
                return response
            await response.aclose()
            following = response.next_request
            if request.url.scheme == "https" and following.url.scheme != "https" and not is_blob:
                raise errors.BadAnswer(
                    where, f"{where.host} redirects {where.operation} from HTTPS to plain HTTP, which is not followed."
                )
            request = following
        raise httpx.TooManyRedirects("too many redirects", request=request)

    def _pace(self, status: int) -> None:
        if status in _TOO_MUCH:
            self._gate.refused()
        else:
            self._gate.answered()

    def _send_token_request(self, where: Where) -> Send:
        async def send(request: httpx.Request) -> httpx.Response:
            made = self._client.build_request(
                request.method, request.url, headers=request.headers, content=request.content
            )
            # What its answer's body is at fault in is the token service's.
            there = replace(where, host=request.url.netloc.decode("ascii").rpartition("@")[2])
            return await self._try(made, there, Safety.IDEMPOTENT, bounds.TOKEN)

        return send


class _SendableCookies(DefaultCookiePolicy):
    """What can't be part of a request isn't kept: it would break every one that follows."""

    def set_ok(self, cookie: Cookie, request: Any) -> bool:
        text = cookie.name + (cookie.value or "")
        sendable = text.isascii() and text.isprintable() and len(text) <= bounds.PARAMETER
        return sendable and super().set_ok(cookie, request)


class _FewCookies(CookieJar):
    """Those of an answer that sets some. What sets hundreds means no login, and would be sent with every request."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        if len(response.info().get_all("Set-Cookie", ())) <= bounds.COOKIES:
            super().extract_cookies(response, request)

    def set_cookie(self, cookie: Cookie) -> None:
        kept = [one for one in self if (one.domain, one.path, one.name) != (cookie.domain, cookie.path, cookie.name)]
        size = sum(len(one.name) + len(one.value or "") for one in (*kept, cookie))
        if len(kept) < bounds.COOKIES and size <= bounds.COOKIES_SIZE:
            super().set_cookie(cookie)


def _with_body(response: httpx.Response, body: bytes) -> httpx.Response:
    """The same answer, read: a streamed response refuses `.text` even when all of it went by."""
    read = response
    if WHOLE not in response.extensions:
        read = httpx.Response(
            response.status_code,
            # Content-Length stays: HEAD tells by it the size of what it doesn't send.
            headers=[(name, value) for name, value in response.headers.raw if name.lower() not in _OF_THE_WAY],
            content=body,
            request=response.request,
        )
    # Whatever charset an answer claims: JSON is UTF-8, and Python knows "charsets" that aren't texts.
    read.encoding = "utf-8"
    return read


_OF_THE_WAY: Final = frozenset({b"transfer-encoding", b"content-encoding"})


def _is_definite(error: httpx.TransportError) -> bool:
    """Names that don't resolve, TLS that doesn't fit, hosts that drop packets or say nothing: told at once."""
    return _is_silence(error) or any(isinstance(cause, socket.gaierror | ssl.SSLError) for cause in causes(error))


def _may_be_done(error: errors.RegistryError) -> bool:
    """Whether a change may be done yet: nobody knows what became of what was sent, or a proxy has given up waiting."""
    dropped = isinstance(error, errors.Unreachable) and error.dropped
    return error.silent or dropped or error.status in (502, 504)


def _is_nobody(error: errors.RegistryError) -> bool:
    """Whether there was no connection at all."""
    is_there = isinstance(error, errors.NotARegistry)
    return isinstance(error, errors.Unreachable) and not (error.reached or error.silent or is_there)


def _is_silence(error: httpx.TransportError) -> bool:
    return isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.PoolTimeout)


def _shown(request: httpx.Request) -> str:
    """The URL without its query where that may hold a secret: upload states, signed links, token requests."""
    if isinstance(request, Read):
        return request.origin + request.path
    url = request.url
    query = "" if not url.query or not url.path.endswith(("/_catalog", "/list")) else f"?{url.query.decode('ascii')}"
    return f"{url.scheme}://{url.netloc.decode('ascii').rpartition('@')[2]}{url.path}{query}"
