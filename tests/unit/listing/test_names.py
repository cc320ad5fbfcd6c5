"""Which of an image's names is the best."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.listing.names import NameKind, is_version, name_kind, name_rank


@pytest.mark.parametrize(
    ("kind", "tags"),
    [
        (
            NameKind.RELEASE,
            "1.4.2 v1.4.2 1 2.1 1.4.2-alpine 1.4.2-9c1f6d0 20240115 2024-01-15 release-7 1.25-alpine3",
        ),
        (NameKind.PRERELEASE, "1.4.2-rc1 v2.0.0-beta.1 3.13.0a4 6.0.0-M1 1.0-SNAPSHOT 1.0-dev"),
        (NameKind.WORD, "prod feature-login alpine blue team-a stable-2024 build17"),
        (NameKind.MOVING, "latest stable main edge latest-alpine alpine-edge NIGHTLY"),
        (
            NameKind.HASH,
            "9c1f6d0 sha-9c1f6d0 main-9c1f6d0 v-g9c1f6d0 9c1f6d0b7a21 550e8400-e29b-41d4-a716-446655440000 "
            "23ffb64a5f8c23ffb64a5f8c23ffb64a5f8c23ff",
        ),
    ],
)
def test_kinds(kind: NameKind, tags: str) -> None:
    assert {tag: name_kind(tag) for tag in tags.split()} == dict.fromkeys(tags.split(), kind)


@pytest.mark.parametrize(
    "best_first",
    [
        "1.4.2 1.4.2-alpine 1.4 1 1.4.2-rc1 prod latest 9c1f6d0",
        "v1.4.2 v1.4 v1 latest sha-9c1f6d0",
        # The same image released twice: the later one, and versions count by number.
        "1.4.10 1.4.9",
        # The less a name moves the better, even where the other is plain.
        "1.4.2-alpine 1.4",
        "prod main",
        "latest main-9c1f6d0",
    ],
)
def test_the_best_name_of_an_image(best_first: str) -> None:
    tags = best_first.split()
    assert sorted(tags, key=name_rank, reverse=True) == tags


@given(st.text(max_size=600))
def test_any_text_has_a_rank(tag: str) -> None:
    assert name_rank(tag)[0] is name_kind(tag)
    assert is_version(tag) is (name_kind(tag) >= NameKind.PRERELEASE)


@given(st.lists(st.text(max_size=12), unique=True))
def test_no_two_names_are_equally_good(tags: list[str]) -> None:
    assert len({name_rank(tag) for tag in tags}) == len(tags)
