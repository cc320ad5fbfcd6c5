"""A storage as httpx sees it, behind a registry's protocol: routes, methods, authentication and latency."""

import asyncio
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from email.utils import formatdate
from hmac import compare_digest
from typing import Final, Generic, TypeVar

import httpx

from regtui.local.answers import Refusal, not_allowed, not_routed
from regtui.local.blobs import delete_blob, get_blob
from regtui.local.catalog import get_catalog, get_tags
from regtui.local.dialect import Dialect, Version
from regtui.local.manifests import delete_manifest, get_manifest, put_manifest
from regtui.local.service import Service
from regtui.local.storage import LocalStorage
from regtui.local.uploads import append_to_upload, cancel_upload, finish_upload, get_upload, start_upload

S = TypeVar("S", bound=LocalStorage)

_Handler = Callable[..., httpx.Response]

_COMPONENT = r"[A-Za-z0-9]+(?:(?:\.|_|__|-+)[A-Za-z0-9]+)*"
_NAME = rf"(?P<name>{_COMPONENT}(?:/{_COMPONENT})*)"
_DIGEST = r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[A-Za-z0-9=_-]+"
_TAG = r"\w[\w.-]{0,127}"

_ROUTES: Final[list[tuple[re.Pattern[str], Mapping[str, _Handler]]]] = [
    (re.compile(pattern), methods)
    for pattern, methods in (
        (r"/v2/_catalog", {"GET": get_catalog}),
        (rf"/v2/{_NAME}/tags/list", {"GET": get_tags}),
        (
            rf"/v2/{_NAME}/manifests/(?P<reference>{_TAG}|{_DIGEST})",
            {"GET": get_manifest, "HEAD": get_manifest, "PUT": put_manifest, "DELETE": delete_manifest},
        ),
        (
            rf"/v2/{_NAME}/blobs/(?P<digest>{_DIGEST})",
            {"GET": get_blob, "HEAD": get_blob, "DELETE": delete_blob},
        ),
        (
            rf"/v2/{_NAME}/blobs/uploads/(?P<upload_id>[A-Za-z0-9._=-]*)",
            {
                "GET": get_upload,
                "HEAD": get_upload,
                "POST": lambda service, request, name, upload_id: start_upload(service, request, name),
                "PATCH": append_to_upload,
                "PUT": finish_upload,
                "DELETE": cancel_upload,
            },
        ),
    )
]

_READING = frozenset({"GET", "HEAD"})
_ACTIONS = {"GET": ["pull"], "HEAD": ["pull"], "DELETE": ["delete"]}


class LocalTransport(httpx.AsyncBaseTransport, Generic[S]):
    """Answers as a registry of that version would, from the storage, without any network.

    Every answer waits `latency` seconds first. `htpasswd` maps users to plain passwords; without it nobody is
    asked. `delete_enabled=False` and `read_only=True` refuse as the real settings do.

    The cache that keeps real servers from noticing a collection is not played: this registry always looks as
    a real one does after its restart.
    """

    def __init__(
        self,
        storage: S,
        version: Version = "2.8.2",
        *,
        delete_enabled: bool = True,
        read_only: bool = False,
        latency: float = 0.0,
        htpasswd: Mapping[str, str] | None = None,
    ) -> None:
        self.storage = storage
        self._service = Service(storage, Dialect.of(version), delete_enabled, read_only)
        self._latency = latency
        self._htpasswd = htpasswd

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._latency > 0:
            await asyncio.sleep(self._latency)
        await request.aread()
        with self.storage.lock:
            response = self._answer(request)
        response.headers["Date"] = formatdate(usegmt=True)
        if request.url.path != "/":
            response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
        if request.method == "HEAD":
            # The headers, Content-Length among them, are those of the body that is not sent.
            return httpx.Response(response.status_code, headers=response.headers, stream=_nothing())
        return response

    def _answer(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._route(request)
        except Refusal as refusal:
            return refusal.answer(self._service.dialect)

    def _route(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/":
            return httpx.Response(200, headers={"Cache-Control": "no-cache"})
        if path == "/v2/":
            self._authenticate(request, {})
            kind = {"Content-Type": self._service.dialect.json_type}
            return httpx.Response(200, headers=kind, content=b"{}")
        clean = "/v2/" if path == "/v2" else re.sub(r"/{2,}", "/", path)
        if clean != path:
            return httpx.Response(301, headers={"Location": clean})
        for pattern, methods in _ROUTES:
            if found := pattern.fullmatch(path):
                self._authenticate(request, found.groupdict())
                return self._handle(request, methods, found.groupdict())
        return not_routed()

    def _handle(
        self, request: httpx.Request, methods: Mapping[str, _Handler], arguments: dict[str, str]
    ) -> httpx.Response:
        allowed = [method for method in methods if method in _READING or not self._service.read_only]
        if request.method == "OPTIONS":
            return httpx.Response(200, headers={"Allow": ", ".join(sorted(allowed))})
        if request.method not in allowed:
            return not_allowed(allowed)
        return methods[request.method](self._service, request, **arguments)

    def _authenticate(self, request: httpx.Request, arguments: Mapping[str, str]) -> None:
        """No credential, a wrong one and an unknown user are answered alike."""
        if self._htpasswd is None or self._knows(request.headers.get("Authorization", "")):
            return
        challenge = {"Www-Authenticate": 'Basic realm="Registry Realm"'}
        raise Refusal("UNAUTHORIZED", _wanted(request, arguments), headers=challenge)

    def _knows(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        try:
            user, _, password = b64decode(encoded, validate=True).decode().partition(":")
        except (NotBase64, UnicodeDecodeError):
            return False
        expected = (self._htpasswd or {}).get(user)
        return (
            scheme.lower() == "basic" and expected is not None and compare_digest(expected.encode(), password.encode())
        )


def _wanted(request: httpx.Request, arguments: Mapping[str, str]) -> list[dict[str, str]] | None:
    """The detail of a 401: the accesses that were needed; null for the ping."""
    if request.url.path == "/v2/":
        return None
    if "name" not in arguments:
        return [{"Type": "registry", "Class": "", "Name": "catalog", "Action": "*"}]
    actions = _ACTIONS.get(request.method, ["pull", "push"])
    return [{"Type": "repository", "Class": "", "Name": arguments["name"], "Action": action} for action in actions]


def _nothing() -> httpx.AsyncByteStream:
    return httpx.ByteStream(b"")
