"""Numbers, lengths and depths that no registry means well by: refused where they come in, whatever reads them."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui import bounds, text
from regtui.bounded_json import parse_json
from regtui.oci import media_type as mt
from regtui.oci.config import ImageConfig, created_and_platform
from regtui.oci.descriptor import Descriptor, InvalidManifest
from regtui.oci.digest import Digest, InvalidDigest
from regtui.oci.manifest import Index, Manifest, parse_manifest
from regtui.oci.schema1 import signed_payload

A = "sha256:" + "a" * 64
SIZES = ["-1", "1.5", "1e309", "-1e309", "1e3", "true", "null", '"5"', "[]", str(2**63), "9" * 4_000, "9" * 5_000]


def image(size: str = "1", digest: str = A) -> bytes:
    descriptor = f'{{"mediaType":"application/x","digest":{json.dumps(digest)},"size":{size}}}'
    return f'{{"mediaType":"{mt.OCI_MANIFEST}","config":{descriptor},"layers":[{descriptor}]}}'.encode()


@pytest.mark.parametrize("size", SIZES)
def test_a_size_that_is_none(size: str) -> None:
    with pytest.raises(InvalidManifest):
        parse_manifest(image(size), mt.OCI_MANIFEST)


def test_the_largest_size_can_be_summed_and_shown() -> None:
    manifest = parse_manifest(image(str(2**63 - 1)), mt.OCI_MANIFEST)
    assert isinstance(manifest, Manifest)
    total = sum(blob.size for blob in manifest.blobs())
    assert (text.size(total), text.exact_size(total)) == ("18.4 EB", "18,446,744,073,709,551,614 bytes")


@pytest.mark.parametrize("digest", ["sha999:" + "x" * 70_000, "sha256:" + "a" * 63, "x" * 70_000, "", ":", "\ud800:x"])
def test_a_digest_that_is_none(digest: str) -> None:
    assert Digest.or_none(digest) is None
    with pytest.raises(InvalidDigest) as caught:
        Digest(digest)
    assert len(str(caught.value)) < 200
    with pytest.raises(InvalidManifest):
        parse_manifest(image(digest=digest), mt.OCI_MANIFEST)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_python_takes_for_json_and_nobody_else(number: str) -> None:
    with pytest.raises(ValueError, match=f"it has {number} in place of a number"):
        parse_json(f'{{"x":{number}}}'.encode())


@pytest.mark.parametrize("document", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 990 + b"]" * 990])
def test_what_is_nested_deeper_than_the_stack(document: bytes) -> None:
    for read in (ImageConfig.parse, created_and_platform, lambda body: parse_manifest(body, mt.OCI_MANIFEST)):
        with pytest.raises(InvalidManifest):
            read(document)
    assert signed_payload(document) == document


@pytest.mark.parametrize("value", [b"{}", b"[]", b"0", b'"ab"', b'{"a":0}', b"null"])
def test_more_values_than_anything_has(value: bytes) -> None:
    with pytest.raises(ValueError, match="more than 400,000 values"):
        parse_json(b"[" + b",".join([value] * (bounds.VALUES + 1)) + b"]")


@pytest.mark.parametrize(("key", "kind"), [("layers", mt.OCI_MANIFEST), ("manifests", mt.OCI_INDEX)])
def test_more_layers_or_platforms_than_anything_has(key: str, kind: str) -> None:
    named = {"digest": A, "size": 1}
    config = {"config": named} if key == "layers" else {}
    most = json.dumps({key: [named] * bounds.DESCRIPTORS, **config}).encode()
    assert isinstance(parse_manifest(most, kind), Manifest | Index)
    more = json.dumps({key: [named] * (bounds.DESCRIPTORS + 1), **config}).encode()
    with pytest.raises(InvalidManifest, match=f"it has more than 5,000 {key}"):
        parse_manifest(more, kind)


def test_what_is_no_utf_8_is_read_as_go_reads_it() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a":"\xff"}') == {"a": "\ufffd"}


NUMBERS = st.sampled_from([0, -1, 1.5, 1e308, 2**63, 10**400, True])
TEXTS = st.sampled_from(
    [A, "sha512:x", "\ud800", "9" * 5_000, "0000-00-00T00:00:00Z", "9999-12-31T23:59:59-14:00", "x"]
)
JSON = st.recursive(
    st.none() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)
DESCRIPTOR = st.fixed_dictionaries(
    {"digest": st.just(A) | JSON, "size": st.integers(0, 2**64) | JSON},
    optional={"mediaType": JSON, "platform": JSON, "annotations": JSON, "urls": JSON, "artifactType": JSON},
)
FIELDS = {
    name: DESCRIPTOR | st.lists(DESCRIPTOR, max_size=3) | JSON
    for name in ("config", "layers", "manifests", "subject", "annotations", "fsLayers", "history", "artifactType")
}
MANIFESTS = st.fixed_dictionaries(
    {"mediaType": st.sampled_from([mt.OCI_MANIFEST, mt.OCI_INDEX, mt.DOCKER_LIST, mt.DOCKER_SCHEMA1]) | JSON},
    optional=FIELDS,
)


@given(MANIFESTS)
def test_every_manifest_is_read_or_refused_and_what_is_read_is_within_bounds(value: object) -> None:
    body = json.dumps(value).encode()
    with suppress(InvalidManifest):
        manifest = parse_manifest(body, "")
        named: list[Descriptor] = []
        if isinstance(manifest, Manifest):
            named = list(manifest.blobs())
        elif isinstance(manifest, Index):
            named = list(manifest.manifests)
        assert all(0 <= each.size <= bounds.SIZE and len(each.digest) <= bounds.DIGEST for each in named)
    signed_payload(body)


@given(st.dictionaries(st.sampled_from(["created", "config", "rootfs", "history", "os", "architecture"]), JSON))
def test_every_config_is_read_and_its_times_can_be_shown(value: object) -> None:
    config = ImageConfig.parse(json.dumps(value).encode())
    text.time_utc(config.created)
    text.rfc3339(config.created)
    if config.created is not None:
        assert text.age(config.created, config.created)
