"""What is in use and what was pulled, as values: what isn't known never counts as known."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from regtui.oci.digest import Digest
from regtui.retention.values import NOT_USED, UNKNOWN_PULLS, InUse, NoPulls, PlaceKind, Pulls, UnreadSource, UsePlace

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
IMAGE = Digest("sha256:" + "a" * 64)
days = st.integers(1, 400)


def test_an_image_is_found_by_its_digest_in_any_repository_and_a_tag_by_both_names() -> None:
    web = UsePlace("app1 as web", PlaceKind.CONTAINER)
    named = UsePlace("compose.yaml:3", PlaceKind.FILE)
    in_use = InUse({IMAGE: (web,)}, {("team/app", "1.0"): (named,)})
    assert in_use.places_of_digest(IMAGE) == (web,)
    assert in_use.places_of_tag("team/app", "1.0") == (named,)
    assert in_use.places_of_tag("other/app", "1.0") == ()
    assert in_use.is_whole


def test_a_source_that_was_not_read_makes_it_not_whole() -> None:
    assert not InUse(unread=(UnreadSource("deploy@app1", "it can't be reached."),)).is_whole
    assert NOT_USED.is_whole


@given(days)
def test_unknown_pulls_never_say_that_nobody_pulled(period: int) -> None:
    assert not UNKNOWN_PULLS.not_for(period * DAY, "1.0", IMAGE, NOW)
    assert not NoPulls().of("team/app").not_for(period * DAY, "1.0", IMAGE, NOW)


@given(since=days, period=days, by_tag=st.none() | days, by_digest=st.none() | days)
def test_not_pulled_for_needs_a_record_that_reaches_that_far_and_no_pull_by_any_name(
    since: int, period: int, by_tag: int | None, by_digest: int | None
) -> None:
    pulls = Pulls(
        {"1.0": NOW - by_tag * DAY} if by_tag else {},
        {IMAGE: NOW - by_digest * DAY} if by_digest else {},
        NOW - since * DAY,
    )
    recent = [each for each in (by_tag, by_digest) if each is not None and each <= period]
    assert pulls.not_for(period * DAY, "1.0", IMAGE, NOW) == (since >= period and not recent)


def test_the_last_pull_is_the_newest_by_tag_or_by_digest() -> None:
    pulls = Pulls({"1.0": NOW - 3 * DAY}, {IMAGE: NOW - DAY})
    assert pulls.last("1.0", IMAGE) == NOW - DAY
    assert pulls.last("1.0", None) == NOW - 3 * DAY
    assert pulls.last("2.0", None) is None
