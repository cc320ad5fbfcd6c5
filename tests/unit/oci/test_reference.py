"""References split as Docker splits them; profiles and schemes before them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.oci.digest import Digest
from regtui.oci.reference import InvalidReference, Reference, is_repository, is_tag

DIGEST = Digest("sha256:" + "a" * 64)
PROFILES = frozenset({"prod", "my.profile"})


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("app", None, "app", None, None),
        ("app:1.0", None, "app", "1.0", None),
        ("team/app", None, "team/app", None, None),
        ("team/app:1.0", None, "team/app", "1.0", None),
        # A host has a dot, a colon, or is localhost; all else before the first slash is a namespace.
        ("example.com/app", "example.com", "app", None, None),
        ("localhost/app:x", "localhost", "app", "x", None),
        ("localhost:5000/team/app:x", "localhost:5000", "team/app", "x", None),
        ("[::1]:5000/app:x", "[::1]:5000", "app", "x", None),
        ("host:5000/app", "host:5000", "app", None, None),
        # Without a slash the colon begins a tag.
        ("host:5000", None, "host", "5000", None),
        (f"app@{DIGEST}", None, "app", None, DIGEST),
        (f"app:1.0@{DIGEST}", None, "app", "1.0", DIGEST),
        (f"example.com:1/a/b:t@{DIGEST}", "example.com:1", "a/b", "t", DIGEST),
        ("prod/app:x", "prod", "app", "x", None),
        ("my.profile/app", "my.profile", "app", None, None),
        ("http://plain:5000/a/b:x", "http://plain:5000", "a/b", "x", None),
        ("https://plain/a", "https://plain", "a", None, None),
        ("a__b/c-_d", None, None, None, None),
        ("a__b/c---d", None, "a__b/c---d", None, None),
    ],
)
def test_splitting(
    text: str, registry: str | None, repository: str | None, tag: str | None, digest: Digest | None
) -> None:
    if repository is None:
        with pytest.raises(InvalidReference):
            Reference.parse(text, PROFILES)
        return
    parsed = Reference.parse(text, PROFILES)
    assert parsed == Reference(registry, repository, tag, digest)
    assert str(parsed) == text
    assert parsed.identifier == (digest or tag)


def test_a_name_is_a_profile_only_where_one_is_called_so() -> None:
    assert Reference.parse("prod/app").repository == "prod/app"
    assert Reference.parse("prod", PROFILES) == Reference(None, "prod")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "missing"),
        ("Team/app", "capitals"),
        ("a" * 256, "255"),
        ("app:", "the tag is missing"),
        ("app:-x", "not a tag"),
        ("app:" + "x" * 129, "not a tag"),
        ("app@sha256:abc", "not a sha256 digest"),
        ("app@", "not a digest"),
        ("http://host", "missing after"),
        ("/app", "not a repository"),
        ("app/", "not a repository"),
        ("a//b", "not a repository"),
        ("a/../etc", "not a repository"),
        ("a_b__c___d", "not a repository"),
        ("app\n", "not a repository"),
        ("app:x\n", "not a tag"),
    ],
)
def test_refusals_say_why(text: str, said: str) -> None:
    with pytest.raises(InvalidReference, match=said):
        Reference.parse(text)


COMPONENT = st.from_regex(r"[a-z0-9]{1,5}(?:(?:\.|_|__|--?)[a-z0-9]{1,3}){0,2}", fullmatch=True)
NAMES = st.lists(COMPONENT, min_size=1, max_size=4).map("/".join)
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)
HOSTS = st.sampled_from(["localhost", "example.com", "h:5000", "[::1]:80", "http://h:1", "https://a.b"])


@given(st.none() | HOSTS, NAMES, st.none() | TAGS, st.none() | st.just(DIGEST))
def test_what_is_written_is_read_back(host: str | None, name: str, tag: str | None, digest: Digest | None) -> None:
    first = name.partition("/")[0]
    if host is None and "/" in name and ("." in first or first == "localhost"):
        return  # that name begins with a host
    reference = Reference(host, name, tag, digest)
    assert Reference.parse(str(reference)) == reference


@given(st.text() | st.text("aA1.:/@-_", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parsed = Reference.parse(text)
    except InvalidReference:
        return
    assert is_repository(parsed.repository)
    assert parsed.tag is None or is_tag(parsed.tag)
    assert Reference.parse(str(parsed)) == parsed
