"""What a token says of the clock of who gave it, whatever is in it."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.registry.token_clock import LEEWAY, GivenToken, difference

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def token(**claims: object) -> str:
    return ".".join(
        urlsafe_b64encode(part).decode().rstrip("=") for part in (b"{}", json.dumps(claims).encode(), b"signature")
    )


def ahead(value: str, date: str = "") -> timedelta:
    return GivenToken(value, "auth", date, NOW).ahead(NOW)


HOUR = timedelta(hours=1)


def at(offset: timedelta) -> float:
    return (NOW + offset).timestamp()


@pytest.mark.parametrize(
    ("claims", "date", "expected"),
    [
        ({}, None, timedelta()),
        ({}, HOUR, HOUR),
        ({}, -HOUR, -HOUR),
        ({}, LEEWAY, timedelta()),
        ({"iat": at(HOUR), "nbf": at(HOUR / 2), "exp": at(2 * HOUR)}, None, HOUR),
        ({"nbf": at(-HOUR), "exp": at(HOUR)}, None, timedelta()),
        ({"iat": at(-HOUR), "exp": at(-HOUR / 2)}, None, -HOUR),
        ({"exp": at(-HOUR)}, None, -HOUR),
        # The header is about now, a token may be dated back.
        ({"nbf": at(HOUR / 2)}, HOUR, HOUR),
    ],
)
def test_how_far(claims: dict[str, object], date: timedelta | None, expected: timedelta) -> None:
    assert ahead(token(**claims), format_datetime(NOW + date) if date is not None else "") == expected


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner),
    max_leaves=3,
)


@given(st.dictionaries(st.sampled_from(["iat", "nbf", "exp"]), anything), st.text(max_size=30))
def test_claims_may_be_anything(claims: dict[str, object], date: str) -> None:
    assert isinstance(ahead(token(**claims), date), timedelta)


@given(st.text(max_size=40) | st.just("a.é.c") | st.just("...") | st.just("a." + "A" * 5 + ".c"))
def test_so_may_a_token(value: str) -> None:
    assert ahead(value) == timedelta()


def test_in_words() -> None:
    assert difference(HOUR) == "an hour ahead of"
    assert difference(timedelta(minutes=-2)) == "2 minutes behind"
