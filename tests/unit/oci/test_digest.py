"""Digests: the grammar of the OCI image-spec, and lengths of registered algorithms."""

import hashlib
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.oci.digest import Digest, InvalidDigest

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [f"sha256:{HEX}", f"sha384:{HEX}{HEX[:32]}", f"sha512:{HEX}{HEX}", "md5+b64u:LCa0a2j_xo-5m0U8HTBBNBNCLXBkg7=="],
)
def test_what_is_a_digest(text: str) -> None:
    assert Digest(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        f":{HEX}",
        f"sha256:{HEX[1:]}",
        f"sha256:{HEX}0",
        f"sha256:{HEX.upper()}",
        f"SHA256:{HEX}",
        f" sha256:{HEX}",
        f"sha256:{HEX}\n",
        f"sha256:{HEX[:-1]}g",
        "a..b:xyz",
        "foo:bar/baz",
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(InvalidDigest):
        Digest(text)
    assert Digest.or_none(text) is None


def test_or_none_takes_anything() -> None:
    others: list[object] = [None, 5, [], {}, b"sha256:00"]
    assert all(Digest.or_none(value) is None for value in others)


@given(st.binary())
def test_a_digest_matches_its_content_alone(content: bytes) -> None:
    digest = Digest.of(content)
    assert digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert digest.matches(content)
    assert not digest.matches(content + b"\0")
    assert Digest.of(content, "sha512").matches(content)


def test_an_algorithm_that_nobody_registered_matches_nothing() -> None:
    assert not Digest("md5:d41d8cd98f00b204e9800998ecf8427e").matches(b"")
    with pytest.raises(InvalidDigest):
        Digest.of(b"", "md5")


def test_a_digest_is_a_text_that_can_be_sorted_written_and_copied() -> None:
    digest = Digest.of(b"x")
    assert json.dumps([digest]) == f'["{digest}"]'
    assert pickle.loads(pickle.dumps(digest)) == digest
    assert Digest(digest) is digest
    assert (digest.algorithm, digest.short) == ("sha256", digest.encoded[:12])


@given(st.text())
def test_any_text_is_a_digest_or_refused(text: str) -> None:
    try:
        assert Digest(text) == text
    except InvalidDigest:
        assert Digest.or_none(text) is None
