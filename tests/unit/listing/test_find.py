"""What is found by a name, by words of it, and by a digest."""

import pytest

from regtui.listing.find import MOST, Hit, Query, named
from regtui.listing.summary import PlatformSummary, Summary
from regtui.oci.digest import Digest
from regtui.oci.platform import Platform

INDEX, CHILD = Digest.of(b"index"), Digest.of(b"child")
SUMMARY = Summary(INDEX, "x", None, None, (PlatformSummary(Platform("linux", "arm64"), CHILD, None, None),))
TAGS = {
    "fullstack/common": ["0.0.4", "0.0.43", "latest"],
    "fullstack/gateway": ["0.0.4", "Latest-RC"],
    "x": ["9c1f6d0"],
}


def found(text: str) -> list[str]:
    hits, _ = named(Query.parse(text), TAGS.items())
    return [f"{hit.repository}:{hit.tag}" for hit in hits]


def test_words_of_the_tag_and_of_the_repository() -> None:
    assert found("latest") == ["fullstack/common:latest", "fullstack/gateway:Latest-RC"]
    assert found("common 0.0.4") == found("common:0.0.4") == ["fullstack/common:0.0.4", "fullstack/common:0.0.43"]
    assert found("RC gate") == ["fullstack/gateway:Latest-RC"]
    assert found("9c1f6d0") == ["x:9c1f6d0"]
    assert found("") == found("  ") == []


def test_a_repository_s_name_alone_does_not_find_all_its_tags() -> None:
    assert found("common") == []


def test_hits_are_bounded() -> None:
    hits, more = named(Query.parse("v"), [("a", [f"v{number}" for number in range(MOST + 1)])])
    assert (len(hits), more) == (MOST, True)
    assert named(Query.parse("v"), [("a", [f"v{number}" for number in range(MOST)])])[1] is False


@pytest.mark.parametrize(
    ("text", "is_whole", "is_digest"),
    [
        (str(INDEX), True, True),
        (f" {INDEX.upper()} ", True, True),
        (INDEX.short, False, True),
        (f"sha256:{INDEX.short}", False, True),
        (INDEX.encoded, False, True),
        ("abcdef", False, False),
        ("latest", False, False),
        ("sha256:xyz", False, False),
        ("a:1", False, False),
    ],
)
def test_what_may_be_a_digest(text: str, is_whole: bool, is_digest: bool) -> None:
    query = Query.parse(text)
    assert (query.digest is not None, query.is_digest) == (is_whole, is_digest)


def test_an_image_is_found_by_its_digest_and_by_a_platform_s() -> None:
    assert Query.parse(INDEX).is_image(SUMMARY) == f"its digest is {INDEX.short}"
    assert Query.parse(CHILD.short).is_image(SUMMARY) == f"its linux/arm64 is {CHILD.short}"
    assert Query.parse(Digest.of(b"other")).is_image(SUMMARY) == ""
    assert Query.parse(INDEX.short).is_image(Summary.gone()) == ""


def test_a_hit_by_name_and_by_digest_are_told_apart() -> None:
    assert Hit("a", "1") != Hit("a", "1", "its digest is …")
