"""Manifests of every kind, and what is refused as one."""

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.oci import media_type as mt
from regtui.oci.config import ImageConfig
from regtui.oci.descriptor import InvalidManifest
from regtui.oci.digest import Digest
from regtui.oci.manifest import (
    Index,
    Manifest,
    NoManifest,
    Schema1Manifest,
    UnknownManifest,
    parse_manifest,
    platform_of,
)
from regtui.oci.platform import Platform
from regtui.oci.schema1 import signed_payload

A, B, C = (Digest("sha256:" + letter * 64) for letter in "abc")


def descriptor(digest: str = A, size: int = 1, **extra: object) -> dict[str, object]:
    return {"mediaType": "application/x", "digest": digest, "size": size, **extra}


def image(**extra: object) -> dict[str, object]:
    config = descriptor(A, 2) | {"mediaType": mt.OCI_CONFIG}
    return {"schemaVersion": 2, "config": config, "layers": [descriptor(B, 10), descriptor(C, 20)], **extra}


def parse(value: object, content_type: str = "application/json") -> Any:
    return parse_manifest(json.dumps(value).encode(), content_type)


def test_a_docker_image() -> None:
    manifest = parse(image(mediaType=mt.DOCKER_MANIFEST))
    assert isinstance(manifest, Manifest)
    assert [(blob.digest, blob.size) for blob in manifest.blobs()] == [(A, 2), (B, 10), (C, 20)]
    assert not manifest.is_artifact


def test_an_oci_image_needs_no_media_type_inside() -> None:
    assert parse(image(), mt.OCI_MANIFEST + "; charset=utf-8").media_type == mt.OCI_MANIFEST
    # Where a proxy made the header vague, the shape tells.
    assert parse(image(), "text/plain").media_type == mt.OCI_MANIFEST
    assert parse({"schemaVersion": 2, "manifests": []}).media_type == mt.OCI_INDEX


def test_the_media_type_inside_counts_before_the_header() -> None:
    assert isinstance(parse({"mediaType": mt.DOCKER_LIST, "manifests": []}, mt.DOCKER_MANIFEST), Index)


def test_an_index_tells_images_from_attestations() -> None:
    amd64 = descriptor(A, platform={"os": "linux", "architecture": "amd64"})
    attestation = descriptor(
        B,
        platform={"os": "unknown", "architecture": "unknown"},
        annotations={
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": A,
            "wrong": 5,
        },
    )
    index = parse({"mediaType": mt.OCI_INDEX, "manifests": [amd64, attestation]})
    assert [child.digest for child in index.images()] == [A]
    (attested,) = index.attestations().items()
    assert (attested[0], [child.digest for child in attested[1]]) == (A, [B])
    assert platform_of(index.manifests[0]) == Platform("linux", "amd64")
    assert platform_of(index.manifests[1]) is None
    assert "wrong" not in index.manifests[1].annotations


def test_an_artifact_has_a_type_a_subject_and_an_empty_config() -> None:
    config = descriptor(A, 2) | {"mediaType": "application/vnd.oci.empty.v1+json"}
    artifact = parse(
        image(artifactType="application/sbom", subject=descriptor(C)) | {"config": config}, mt.OCI_MANIFEST
    )
    assert artifact.is_artifact
    assert artifact.subject.digest == C
    chart = {"config": descriptor(A) | {"mediaType": "application/vnd.cncf.helm.config.v1+json"}}
    assert parse(image() | chart, mt.OCI_MANIFEST).is_artifact


def test_schema_1_has_layers_without_sizes() -> None:
    value = {
        "schemaVersion": 1,
        "name": "old",
        "tag": "1",
        "architecture": "amd64",
        "fsLayers": [{"blobSum": A}, {"blobSum": B}],
        "history": [{"v1Compatibility": "{}"}, "nonsense"],
    }
    manifest = parse(value)
    assert isinstance(manifest, Schema1Manifest)
    assert (manifest.layers, manifest.history) == ((A, B), ("{}",))


def test_a_kind_that_nobody_knows_is_shown_as_it_is() -> None:
    assert parse({"mediaType": "application/vnd.new+json"}) == UnknownManifest("application/vnd.new+json")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "it is no manifest, but a list in JSON"),
        ("x", "it is no manifest, but a text in JSON"),
        (5, "a number"),
        (None, "null"),
        ({}, "it is no manifest, but an empty JSON object"),
        ({"hello": 1}, "it is no manifest, but a JSON object with hello"),
        ({"errors": [], "b": 1, "c": 2, "d": 3, "e": 4}, "a JSON object with errors, b, c and 2 more"),
        ({"mediaType": "", "schemaVersion": "2"}, "a JSON object with mediaType, schemaVersion"),
        ({"mediaType": 5, "schemaVersion": True}, "it is no manifest"),
        ({"\x1b[2J": 1}, r"a JSON object with \\x1b\[2J"),
        (image(mediaType=mt.OCI_MANIFEST, manifests=[]), "at once"),
        ({"mediaType": mt.OCI_INDEX, "manifests": [], "config": {}}, "at once"),
        ({"mediaType": mt.OCI_MANIFEST}, "not an object"),
        ({"mediaType": mt.OCI_INDEX, "manifests": {}}, "manifests is not a list"),
        ({"mediaType": mt.OCI_INDEX, "manifests": [descriptor(size=-1)]}, "size is -1"),
        ({"mediaType": mt.OCI_INDEX, "manifests": [descriptor() | {"size": True}]}, "size is no whole number"),
        ({"mediaType": mt.OCI_INDEX, "manifests": [descriptor() | {"size": None}]}, "has no size"),
        ({"mediaType": mt.OCI_INDEX, "manifests": [descriptor() | {"size": {"a": None}}]}, "size is no whole number"),
        ({"mediaType": mt.OCI_INDEX, "manifests": [descriptor("sha256:zz")]}, "digest is wrong"),
        ({"mediaType": mt.DOCKER_SCHEMA1, "fsLayers": [{}]}, "has no digest"),
        ({"mediaType": mt.DOCKER_SCHEMA1}, "fsLayers"),
    ],
)
def test_refusals_say_why(value: object, said: str) -> None:
    with pytest.raises(InvalidManifest, match=said):
        parse(value)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", mt.OCI_MANIFEST, mt.OCI_INDEX, "a/b"])
def test_no_content_type_makes_a_manifest_of_what_is_none(content_type: str) -> None:
    with pytest.raises(NoManifest):
        parse({"hello": 1}, content_type)


@pytest.mark.parametrize(
    "value",
    [
        {"schemaVersion": 2},
        {"schemaVersion": 9, "anything": 1},
        {"mediaType": "application/vnd.acme.thing+json", "x": 1},
    ],
)
def test_what_says_that_it_is_a_manifest_is_one_that_isn_t_known(value: object) -> None:
    assert isinstance(parse(value, "application/vnd.acme.thing+json"), UnknownManifest)


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe\x00", b"[" * 200_000, b'{"a":' * 100_000, b"1" * 10_000, b'{"size": 1' + b"0" * 9_000 + b"}"],
    ids=["empty", "no text", "deep lists", "deep objects", "long number", "long size"],
)
def test_hostile_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidManifest):
        parse_manifest(body, mt.OCI_MANIFEST)
    with pytest.raises(InvalidManifest):
        ImageConfig.parse(body)
    assert signed_payload(body) == body


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | st.text() | st.sampled_from([A, mt.OCI_INDEX]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
KEYS = ["mediaType", "config", "layers", "manifests", "subject", "annotations", "fsLayers", "history", "schemaVersion"]
DESCRIPTORISH = st.dictionaries(st.sampled_from(["digest", "size", "mediaType", "platform", "annotations"]), JSON)
MANIFESTISH = st.dictionaries(st.sampled_from(KEYS), JSON | DESCRIPTORISH | st.lists(DESCRIPTORISH, max_size=2))


@given(JSON | MANIFESTISH, st.sampled_from([*mt.ACCEPT_MANIFESTS.split(", "), "application/json"]))
def test_any_json_is_read_or_refused(value: object, content_type: str) -> None:
    body = json.dumps(value).encode()
    if isinstance(value, dict):
        body = json.dumps({"mediaType": content_type} | value).encode()
    with suppress(InvalidManifest):
        parse_manifest(body, content_type)


@given(st.binary())
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    signed_payload(body)
    with suppress(InvalidManifest):
        parse_manifest(body, "")


def signed(payload: bytes, **header: object) -> bytes:
    """A "pretty" JSON web signature: the payload's last brace makes room for the signatures."""
    head = payload[:-2]
    tail = base64.urlsafe_b64encode(payload[-2:]).rstrip(b"=").decode()
    protected = {"formatLength": len(head), "formatTail": tail, **header}
    encoded = base64.urlsafe_b64encode(json.dumps(protected).encode()).rstrip(b"=").decode()
    return head + b',\n "signatures": [' + json.dumps({"protected": encoded}).encode() + b"]\n}"


def test_a_signed_schema_1_is_named_by_its_payload() -> None:
    payload = json.dumps({"schemaVersion": 1, "name": "old"}, indent=3).encode()
    assert signed_payload(signed(payload)) == payload
    assert signed_payload(payload) == payload


@pytest.mark.parametrize("length", [float("inf"), float("nan"), "x", None, []])
def test_a_signature_that_makes_no_sense_changes_nothing(length: object) -> None:
    body = signed(b'{"a": 1\n}', formatLength=length)
    assert signed_payload(body) == body
