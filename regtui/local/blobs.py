"""Blobs of a repository: read whole, in part, conditionally, and unlinked."""

import re
from collections.abc import AsyncIterator

import httpx

from regtui.local.answers import Refusal, in_text
from regtui.local.service import Service
from regtui.local.stored import Blob

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class _BlobStream(httpx.AsyncByteStream):
    """Made while it is read: a synthetic layer of 1 GB never exists as a whole."""

    def __init__(self, blob: Blob, start: int, end: int) -> None:
        self._blob, self._start, self._end = blob, start, end

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._blob.read(self._start, self._end):
            yield chunk


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def get_blob(service: Service, request: httpx.Request, name: str, digest: str) -> httpx.Response:
    """GET and HEAD."""
    _check(service, digest)
    blob = service.storage.layer(name, digest)
    if blob is None:
        raise Refusal("BLOB_UNKNOWN", digest)
    headers = {
        "Cache-Control": "max-age=31536000",
        "Docker-Content-Digest": digest,
        "Etag": f'"{digest}"',
    }
    if request.headers.get("If-None-Match") == f'"{digest}"':
        return httpx.Response(304, headers=headers)
    wanted = _range(request.headers.get("Range", ""), blob.size)
    if wanted is None:
        return _out_of_range(service, digest, blob.size)
    start, end = wanted
    headers |= {
        "Accept-Ranges": "bytes",
        "Content-Length": str(end - start),
        "Content-Type": "application/octet-stream",
    }
    partial = end - start < blob.size
    if partial:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{blob.size}"
    return httpx.Response(206 if partial else 200, headers=headers, stream=_BlobStream(blob, start, end))


def delete_blob(service: Service, request: httpx.Request, name: str, digest: str) -> httpx.Response:
    if not service.delete_enabled:
        raise Refusal("UNSUPPORTED")
    _check(service, digest)
    if not service.storage.unlink_layer(name, digest):
        raise Refusal("BLOB_UNKNOWN")
    return httpx.Response(202)


def _check(service: Service, digest: str) -> None:
    if not is_digest(digest):
        raise Refusal("DIGEST_INVALID", "invalid checksum digest length" if service.dialect.explains else {})


def _range(header: str, size: int) -> tuple[int, int] | None:
    """The bytes asked for as [start, end); all of them without a usable header; None if there are none such."""
    found = _RANGE.fullmatch(header)
    if found is None or size == 0 or found[1] == found[2] == "":
        return 0, size
    if not found[1]:
        return max(0, size - int(found[2])), size
    start = int(found[1])
    last = int(found[2]) if found[2] else size - 1
    return (start, min(last + 1, size)) if start <= last and start < size else None


def _out_of_range(service: Service, digest: str, size: int) -> httpx.Response:
    if not service.dialect.explains:
        # 2.x announces the blob's length, sends less, and hangs up.
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")
    return in_text(
        416,
        "invalid range: failed to overlap\n",
        {"Content-Range": f"bytes */{size}", "Docker-Content-Digest": digest},
    )
