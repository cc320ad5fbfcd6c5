"""Patterns that protect nothing are told; those that protect something never are."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.settings.protection import matches_no_tag, told


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        ("^latest$", ' Write "latest".'),
        ("^v.*", ' Write "v*".'),
        (r"^v1\.2\.\d+$", ' Write "v1.2.[0-9]*".'),
        ("^(latest|stable)$", ""),
        (".*", ' Write "*".'),
        ("latest|stable", ""),
        ("v[0-9]+", ""),
        ("{latest,stable}", ""),
    ],
)
def test_an_expression_is_told_with_what_is_meant(pattern: str, instead: str) -> None:
    sentence = (
        f'protect protects nothing by "{pattern}": shell patterns are meant (* ? [a-z]), not expressions.{instead}'
    )
    assert told(pattern, "protect") == sentence


@pytest.mark.parametrize(
    "pattern", ["", "team/app:1.0", "-x", ".hidden*", "a b", "[!a-zA-Z0-9_]*", "é", "a" * 129, "[abc"]
)
def test_what_no_tag_is_called_is_told(pattern: str) -> None:
    assert told(pattern, "protect") == f'protect protects nothing by "{pattern}": no tag can be called that.'


@pytest.mark.parametrize(
    "pattern", ["latest", "v*", "*", "?", "[0-9]*", "[!a]*", "*-rc?", "1.*", "*.sig", "**", "a" * 128, "[]a]", "[a-c]x"]
)
def test_what_protects_something_is_not(pattern: str) -> None:
    assert told(pattern, "protect") == ""


@given(
    st.text("av1._-*?[]!^$|(/", max_size=7),
    st.lists(st.from_regex(r"[av1_][av1._-]{0,6}", fullmatch=True), min_size=1, max_size=30),
)
def test_a_pattern_that_matches_a_tag_is_never_told(pattern: str, tags: list[str]) -> None:
    if any(fnmatchcase(tag, pattern) for tag in tags):
        assert not matches_no_tag(pattern)


@given(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True), st.data())
def test_any_tag_with_holes_matches_one(tag: str, data: st.DataObject) -> None:
    """A pattern made from a tag, by putting ?, * or a set in place of characters."""
    holes = data.draw(st.lists(st.sampled_from(["", "?", "*", "[x]"]), min_size=len(tag), max_size=len(tag)))
    pattern = "".join(hole.replace("x", char) if hole else char for char, hole in zip(tag, holes, strict=True))
    assert fnmatchcase(tag, pattern)
    assert not matches_no_tag(pattern)
