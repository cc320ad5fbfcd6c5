"""Uploads of blobs: started, appended to, finished, cancelled; and mounts from another repository.

A POST with `?digest=` and a body is not taken as the whole blob: the real servers answer 202 and start an
upload, as if neither was there.
"""

import re
from urllib.parse import quote

import httpx

from regtui.local.answers import Refusal
from regtui.local.blobs import is_digest
from regtui.local.service import Service, absolute
from regtui.local.stored import Upload, digest_of

_CONTENT_RANGE = re.compile(r"(\d+)-(\d+)")


def start_upload(service: Service, request: httpx.Request, name: str) -> httpx.Response:
    storage = service.storage
    mount, source = request.url.params.get("mount", ""), request.url.params.get("from", "")
    if storage.layer(source, mount) is not None:
        storage.link_layer(name, mount)
        return _created(request, name, mount)
    return _accepted(request, storage.start_upload(name), 202, received=0)


def get_upload(service: Service, request: httpx.Request, name: str, upload_id: str) -> httpx.Response:
    upload = _find(service, request, name, upload_id)
    return _accepted(request, upload, 204)


def append_to_upload(service: Service, request: httpx.Request, name: str, upload_id: str) -> httpx.Response:
    upload = _find(service, request, name, upload_id)
    _check_state(service, request, upload)
    span = _CONTENT_RANGE.fullmatch(request.headers.get("Content-Range", ""))
    if span and service.dialect.explains and int(span[1]) != len(upload.data):
        raise Refusal("RANGE_INVALID")  # 2.x does not look
    upload.data += request.content
    return _accepted(request, upload, 202)


def finish_upload(service: Service, request: httpx.Request, name: str, upload_id: str) -> httpx.Response:
    upload = _find(service, request, name, upload_id)
    digest = request.url.params.get("digest", "")
    if not digest:
        raise Refusal("DIGEST_INVALID", "digest missing")
    if not is_digest(digest):
        raise Refusal("DIGEST_INVALID", "digest parsing failed")
    _check_state(service, request, upload)
    data = upload.data + request.content
    if digest_of(bytes(data)) != digest:
        upload.data = data  # what was sent stays: the state the client holds is outdated now
        detail = (
            f"invalid digest for referenced layer: {digest}, content does not match digest"
            if service.dialect.explains
            else {"Digest": digest, "Reason": {}}
        )
        raise Refusal("DIGEST_INVALID", detail)
    upload.data = data
    service.storage.finish_upload(upload)
    return _created(request, name, digest)


def cancel_upload(service: Service, request: httpx.Request, name: str, upload_id: str) -> httpx.Response:
    service.storage.cancel_upload(_find(service, request, name, upload_id))
    return httpx.Response(204, headers={"Docker-Upload-UUID": upload_id})


def _find(service: Service, request: httpx.Request, name: str, upload_id: str) -> Upload:
    if not upload_id:
        raise Refusal("BLOB_UPLOAD_UNKNOWN")
    upload = service.storage.upload(name, upload_id)
    if upload is None:
        raise Refusal("BLOB_UPLOAD_UNKNOWN", "blob upload unknown" if service.dialect.explains else {})
    if "_state" not in request.url.params:
        # Whoever replaces the query instead of adding to it ends here.
        raise Refusal("BLOB_UPLOAD_INVALID", "invalid secret" if service.dialect.explains else {})
    return upload


def _check_state(service: Service, request: httpx.Request, upload: Upload) -> None:
    """Each answer's Location carries how much had arrived; going on from an older one is refused."""
    if request.url.params["_state"] != _state(upload):
        raise Refusal("RANGE_INVALID" if service.dialect.explains else "BLOB_UPLOAD_INVALID")


def _state(upload: Upload) -> str:
    return f"{upload.id}.{len(upload.data)}"


def _accepted(request: httpx.Request, upload: Upload, status: int, *, received: int | None = None) -> httpx.Response:
    path = f"/v2/{upload.repository}/blobs/uploads/{upload.id}?_state={quote(_state(upload))}"
    end = max(0, (len(upload.data) if received is None else received) - 1)
    return httpx.Response(
        status,
        headers={
            "Docker-Upload-UUID": upload.id,
            "Location": absolute(request, path),
            "Range": f"0-{end}",
        },
    )


def _created(request: httpx.Request, name: str, digest: str) -> httpx.Response:
    headers = {
        "Docker-Content-Digest": digest,
        "Location": absolute(request, f"/v2/{name}/blobs/{digest}"),
    }
    return httpx.Response(201, headers=headers)
