"""Answers in the forms the registry gives them: JSON, its errors, and the plain text of its router."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import httpx

from regtui.local.dialect import Dialect

_MESSAGES: Final = {
    "BLOB_UNKNOWN": (404, "blob unknown to registry"),
    "BLOB_UPLOAD_INVALID": (404, "blob upload invalid"),
    "BLOB_UPLOAD_UNKNOWN": (404, "blob upload unknown to registry"),
    "DIGEST_INVALID": (400, "provided digest did not match uploaded content"),
    "MANIFEST_BLOB_UNKNOWN": (400, "blob unknown to registry"),
    "MANIFEST_INVALID": (400, "manifest invalid"),
    "MANIFEST_UNKNOWN": (404, "manifest unknown"),
    "NAME_UNKNOWN": (404, "repository name not known to registry"),
    "PAGINATION_NUMBER_INVALID": (400, "invalid number of results requested"),
    "RANGE_INVALID": (416, "invalid content range"),
    "UNAUTHORIZED": (401, "authentication required"),
    "UNKNOWN": (500, "unknown error"),
    "UNSUPPORTED": (405, "The operation is unsupported."),
}

NO_DETAIL: Final = object()
"""Unlike None, which is sent as null."""


class Refusal(Exception):
    """A request that is answered with an error: the JSON form, one entry for each of `details`."""

    def __init__(
        self,
        code: str,
        *details: Any,
        message: str | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status, text = _MESSAGES[code]
        self.status = status or self.status
        self.headers = headers or {}
        self.errors: list[dict[str, Any]] = []
        for detail in details or (NO_DETAIL,):
            error = {"code": code, "message": message or text}
            self.errors.append(error if detail is NO_DETAIL else error | {"detail": detail})

    def answer(self, dialect: Dialect) -> httpx.Response:
        return in_json({"errors": self.errors}, dialect, status=self.status, headers=self.headers)


def in_json(
    value: object, dialect: Dialect, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    return httpx.Response(status, headers={"Content-Type": dialect.json_type, **(headers or {})}, content=body)


def in_text(status: int, text: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    kind = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return httpx.Response(status, headers={**kind, **(headers or {})}, content=text.encode())


def not_routed() -> httpx.Response:
    return in_text(404, "404 page not found\n")


def not_allowed(methods: Iterable[str]) -> httpx.Response:
    return in_text(405, "Method not allowed\n", {"Allow": ", ".join(sorted(methods))})
