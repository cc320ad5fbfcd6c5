"""The natural order of tags."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.names.order import order_key


def test_the_order_of_versions() -> None:
    ascending = [
        "0.0.9",
        "0.0.10",
        "1",
        "1.0",
        "1.0.0-nightly",
        "1.0.0-alpha",
        "1.0.0-beta.2",
        "1.0.0-rc1",
        "1.0.0-rc.2",
        "1.0.0-rc10",
        "1.0.0-alpine",
        "1.0.0",
        "v1.0.0",
        "1.0.0-2",
        "1.0.0-r4",
        "1.0.0-r10",
        "v1.0.1",
        "2.0.0-SNAPSHOT",
        "2.0.0",
        "3.13.0a4",
        "3.13.0b1",
        "3.13.0rc2",
        "3.13.0",
        "6.0.0-M1",
        "6.0.0",
        "20240101",
        "23ffb64",
        "dev",
        "latest",
        "main",
        "main-2",
        "main-10",
        "main-alpine",
        "ubuntu-9.10",
        "ubuntu-22.04",
    ]
    as_text = sorted(ascending)
    assert sorted(as_text, key=order_key) == ascending


TAGS = st.one_of(
    st.text(),
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,40}", fullmatch=True),
    st.from_regex(r"v?[0-9]{1,3}(\.[0-9]{1,3}){0,3}([-.]?(rc|alpha|b|alpine)[.-]?[0-9]?)?", fullmatch=True),
)


@given(TAGS, TAGS)
def test_different_tags_have_different_keys(one: str, other: str) -> None:
    assert (order_key(one) == order_key(other)) == (one == other)


@given(TAGS)
def test_no_text_is_refused(tag: str) -> None:
    assert isinstance(order_key(tag), str)


VERSIONS = st.lists(st.integers(0, 10**6), min_size=1, max_size=4)


@given(VERSIONS, VERSIONS)
def test_numbers_count_as_numbers(one: list[int], other: list[int]) -> None:
    tags = [".".join(map(str, version)) for version in (one, other)]
    assert (order_key(tags[0]) < order_key(tags[1])) == (one < other)


@given(VERSIONS, st.sampled_from(["-rc1", "-alpha", ".dev3", "rc2", "-beta.1"]))
def test_prereleases_and_variants_come_before_their_release(version: list[int], stage: str) -> None:
    release = ".".join(map(str, version))
    variant = f"{release}-alpine"
    in_order = [release + stage, variant, release, f"v{release}", f"{release}.1"]
    for lower, higher in itertools.pairwise(in_order):
        assert order_key(lower) < order_key(higher)


@pytest.mark.parametrize("hostile", ["." * 100_000, "1" * 100_000, "1-" * 50_000, "\x00\x05" * 50_000, "1.a" * 50_000])
def test_floods_take_no_time(hostile: str) -> None:
    order_key(hostile)
