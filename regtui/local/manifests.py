"""Manifests: what is sent for which Accept, what is taken, and what a DELETE removes."""

import json
from typing import Any, Final

import httpx

from regtui.local.answers import Refusal
from regtui.local.blobs import is_digest
from regtui.local.service import Service, absolute
from regtui.local.stored import LocalManifest, digest_of
from regtui.oci import media_type as mt

_LARGEST = 4 * 1024 * 1024

_INDEXES: Final = frozenset({mt.DOCKER_LIST, mt.OCI_INDEX})
_MANIFESTS: Final = _INDEXES | {mt.DOCKER_MANIFEST, mt.OCI_MANIFEST}


def get_manifest(service: Service, request: httpx.Request, name: str, reference: str) -> httpx.Response:
    """GET and HEAD."""
    by_tag = not is_digest(reference)
    digest = _resolve(service, name, reference) if by_tag else reference
    if request.headers.get("If-None-Match") in (digest, f'"{digest}"'):
        return httpx.Response(304)  # also where that manifest does not exist
    manifest = _load(service, name, digest)
    accepted = _accepted(request)
    dialect = service.dialect
    _refuse_unaccepted_oci(service, manifest, accepted)
    if by_tag and manifest.media_type == mt.DOCKER_LIST and mt.DOCKER_LIST not in accepted:
        manifest = _default_child(service, name, manifest)
        if mt.DOCKER_MANIFEST not in accepted and not dialect.converts_to_schema1:
            raise Refusal("MANIFEST_INVALID", message="Schema 2 manifest not supported by client")
    if (
        by_tag
        and dialect.converts_to_schema1
        and manifest.media_type == mt.DOCKER_MANIFEST
        and mt.DOCKER_MANIFEST not in accepted
    ):
        return _in_schema1(name, reference, manifest)
    return _sent(manifest.data, manifest.media_type, manifest.digest)


def put_manifest(service: Service, request: httpx.Request, name: str, reference: str) -> httpx.Response:
    data = request.content
    if len(data) > _LARGEST:
        raise Refusal("MANIFEST_INVALID", "http: request body too large")
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
    manifest = _parse(data, media_type)
    digest = digest_of(data)
    by_tag = not is_digest(reference)
    if not by_tag and reference != digest:
        raise Refusal("DIGEST_INVALID")
    if by_tag and ":" in reference:
        raise Refusal("UNKNOWN", {})
    if manifest.get("schemaVersion") != 2:
        raise Refusal("UNKNOWN", {})
    _check_present(service, name, manifest, media_type)
    service.storage.put_manifest(name, data, media_type, *([reference] if by_tag else []))
    headers = {
        "Docker-Content-Digest": digest,
        "Location": absolute(request, f"/v2/{name}/manifests/{digest}"),
    }
    return httpx.Response(201, headers=headers)


def delete_manifest(service: Service, request: httpx.Request, name: str, reference: str) -> httpx.Response:
    storage, dialect = service.storage, service.dialect
    if not service.delete_enabled:
        raise Refusal("UNSUPPORTED")
    if is_digest(reference):
        found = storage.delete_manifest(name, reference)
        if dialect.manifests_reach_layers:
            # The hazard of 2.x: the digest of a config or layer is taken too, and the image is broken.
            found = storage.unlink_layer(name, reference) or found
        if not found:
            raise Refusal("MANIFEST_UNKNOWN")
    elif not dialect.deletes_tags:
        raise Refusal("DIGEST_INVALID")
    elif ":" in reference:
        raise Refusal("UNKNOWN", f"filesystem: invalid path: {_tag_path(name, reference)}")
    elif not storage.untag(name, reference):
        raise Refusal("MANIFEST_UNKNOWN", f"filesystem: Path not found: {_tag_path(name, reference)}")
    return httpx.Response(202)


def _resolve(service: Service, name: str, tag: str) -> str:
    explains = service.dialect.explains
    if ":" in tag:  # a digest that is none: taken for a tag, it ends in an invalid path
        path = f"{_tag_path(name, tag)}/current/link"
        raise Refusal(
            "UNKNOWN",
            f"filesystem: invalid path: {path}" if explains else {"Path": path, "DriverName": "filesystem"},
        )
    digest = service.storage.tag(name, tag)
    if digest is None:
        raise Refusal("MANIFEST_UNKNOWN", f"unknown tag={tag}" if explains else {"Tag": tag})
    return digest


def _load(service: Service, name: str, digest: str) -> LocalManifest:
    manifest = service.storage.manifest(name, digest)
    if manifest is not None:
        return manifest
    if service.storage.layer(name, digest) is not None:
        # A config or layer is found, and can't be read as a manifest.
        raise Refusal("UNKNOWN", "invalid character" if service.dialect.explains else {})
    raise Refusal(
        "MANIFEST_UNKNOWN",
        f"unknown manifest name={name} revision={digest}"
        if service.dialect.explains
        else {"Name": name, "Revision": digest},
    )


def _accepted(request: httpx.Request) -> set[str]:
    """The media types named; `q` and wildcards mean nothing to the registry."""
    values = ",".join(request.headers.get_list("Accept")).split(",")
    return {value.partition(";")[0].strip().lower() for value in values}


def _refuse_unaccepted_oci(service: Service, manifest: LocalManifest, accepted: set[str]) -> None:
    if manifest.media_type in accepted:
        return
    if manifest.media_type == mt.OCI_MANIFEST:
        raise Refusal(
            "MANIFEST_UNKNOWN",
            message="OCI manifest found, but accept header does not support OCI manifests",
        )
    if manifest.media_type == mt.OCI_INDEX and service.dialect.checks_index_accept:
        raise Refusal(
            "MANIFEST_UNKNOWN",
            message="OCI index found, but accept header does not support OCI indexes",
        )


def _default_child(service: Service, name: str, manifest_list: LocalManifest) -> LocalManifest:
    """What a client that does not know lists gets: the first image for linux/amd64."""
    for child in json.loads(manifest_list.data).get("manifests") or ():
        platform = child.get("platform") or {}
        if (platform.get("os"), platform.get("architecture")) == ("linux", "amd64"):
            return _load(service, name, child["digest"])
    raise Refusal("MANIFEST_UNKNOWN")


def _in_schema1(name: str, tag: str, manifest: LocalManifest) -> httpx.Response:
    """An answer as useless as the real conversion: its digest is neither the stored one nor the body's.

    Simplified: no compatibility history and no signature that would verify.
    """
    layers = json.loads(manifest.data).get("layers") or ()
    if not layers:
        raise Refusal("MANIFEST_INVALID", {})
    payload = {
        "schemaVersion": 1,
        "name": name,
        "tag": tag,
        "architecture": "amd64",
        "fsLayers": [{"blobSum": layer["digest"]} for layer in reversed(layers)],
        "history": [],
    }
    digest = digest_of(json.dumps(payload, indent=3).encode())
    body = json.dumps(payload | {"signatures": []}, indent=3).encode()
    return _sent(body, mt.DOCKER_SCHEMA1_SIGNED, digest)


def _sent(data: bytes, media_type: str, digest: str) -> httpx.Response:
    headers = {"Content-Type": media_type, "Docker-Content-Digest": digest, "Etag": f'"{digest}"'}
    return httpx.Response(200, headers=headers, content=data)


def _parse(data: bytes, media_type: str) -> dict[str, Any]:
    """The manifest, if its form is that of the media type; schema 1 and the old artifact manifest are not."""
    try:
        manifest = json.loads(data)
    except ValueError:
        raise Refusal("MANIFEST_INVALID", {}) from None
    if media_type not in _MANIFESTS or not isinstance(manifest, dict):
        raise Refusal("MANIFEST_INVALID", {})
    docker = media_type in (mt.DOCKER_MANIFEST, mt.DOCKER_LIST)
    stated = manifest.get("mediaType", "")
    foreign = ("config", "layers") if media_type in _INDEXES else ("manifests",)
    if (stated or docker) and stated != media_type:
        raise Refusal("MANIFEST_INVALID", {})
    if not docker and any(manifest.get(key) is not None for key in foreign):
        raise Refusal("MANIFEST_INVALID", {})
    return manifest


def _check_present(service: Service, name: str, manifest: dict[str, Any], media_type: str) -> None:
    """Everything referred to has to be in the repository; a subject does not."""
    storage = service.storage
    if media_type in _INDEXES:
        wanted = [child.get("digest", "") for child in manifest.get("manifests") or ()]
        # A layer will do as well: BuildKit's caches are indexes of layers.
        missing = [d for d in wanted if storage.manifest(name, d) is None and storage.layer(name, d) is None]
    else:
        entries = [manifest.get("config") or {}, *(manifest.get("layers") or ())]
        wanted = [entry.get("digest", "") for entry in entries]
        missing = [digest for digest in wanted if storage.layer(name, digest) is None]
    if missing:
        raise Refusal("MANIFEST_BLOB_UNKNOWN", *missing)


def _tag_path(name: str, tag: str) -> str:
    return f"/docker/registry/v2/repositories/{name}/_manifests/tags/{tag}"
