"""What rules select, and above all what they don't."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.deletion.rules import Choice, Rule, choose, parse_period, parse_rule
from regtui.errors import UsageError
from regtui.listing.names import is_version, name_rank
from regtui.listing.order import is_prerelease, order_key
from regtui.oci import Digest

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Tag:
    """A candidate, `days` old; None has no date. `image` names its digest."""

    tag: str
    days: float | None = None
    image: str = ""
    is_read: bool = True

    @property
    def digest(self) -> Digest | None:
        return Digest.of((self.image or self.tag).encode()) if self.is_read else None

    @property
    def created(self) -> datetime | None:
        return NOW - timedelta(days=self.days) if self.days is not None and self.is_read else None

    @property
    def version(self) -> str | None:
        return order_key(self.tag) if is_version(self.tag) else None

    @property
    def is_prerelease(self) -> bool:
        return is_prerelease(self.tag)

    @property
    def name_rank(self) -> tuple[int, int, bool, str]:
        return name_rank(self.tag)


REPOSITORY = [
    Tag("1.0.0", 400, "a"),
    Tag("1.1.0-rc1", 310, "b"),
    Tag("1.1.0", 300, "c"),
    Tag("1.2.0", 40, "d"),
    Tag("1.3.0", 10, "e"),
    Tag("latest", 10, "e"),
    Tag("dev-1", 50, "f"),
    Tag("dev-2", 20, "g"),
    Tag("dev-3", 5, "h"),
    Tag("artifact", None, "i"),
]


def chosen(*protect: str, tags: Sequence[Tag] = REPOSITORY, **texts: object) -> list[str]:
    rule = parse_rule(**texts)  # type: ignore[arg-type]
    return list(choose(rule, tags, now=NOW, protect=protect).selected)


def test_match() -> None:
    assert chosen(match="^dev-") == ["dev-1", "dev-2", "dev-3"]
    assert chosen(match="0$") == ["1.0.0", "1.1.0", "1.2.0", "1.3.0"]
    assert chosen(match="nothing") == []


def test_older_than() -> None:
    assert chosen(older_than="30d") == ["1.0.0", "1.1.0-rc1", "1.1.0", "1.2.0", "dev-1"]
    assert chosen(older_than="1y") == ["1.0.0"]


def test_what_has_no_date_is_never_old() -> None:
    assert "artifact" not in chosen(older_than="1h")
    assert chosen(older_than="1h", tags=[Tag("epoch", 20_000), Tag("buildpacks", 17_000)]) == []
    choice = choose(parse_rule(older_than="1h"), [Tag("epoch", 20_000), Tag("no", None)], now=NOW)
    assert choice == Choice((), undated=("epoch", "no"))


def test_exactly_as_old_is_not_older() -> None:
    assert chosen(older_than="30d", tags=[Tag("x", 30)]) == []
    assert chosen(older_than="30d", tags=[Tag("x", 30.001)]) == ["x"]


def test_conditions_are_added_up() -> None:
    assert chosen(match="^dev-", older_than="30d") == ["dev-1"]
    assert chosen(prereleases=True) == ["1.1.0-rc1"]
    assert chosen(prereleases=True, older_than="1y") == []


def test_keep_alone_selects_all_but_the_newest() -> None:
    assert chosen(keep="4") == ["1.0.0", "1.1.0-rc1", "1.1.0", "1.2.0", "dev-1"]
    assert chosen(keep="100") == []


def test_keep_counts_among_those_of_the_name() -> None:
    assert chosen(match="^dev-", keep="2") == ["dev-1"]
    assert chosen(match=r"^\d", keep="1") == ["1.0.0", "1.1.0-rc1", "1.1.0", "1.2.0"]


def test_keep_holds_against_age() -> None:
    """The newest two are kept however old they are; and what isn't old stays without being counted."""
    assert chosen(match="^dev-", keep="2", older_than="1d") == ["dev-1"]
    assert chosen(keep="1", older_than="30d") == chosen(older_than="30d")


def test_without_a_date_there_is_no_place_among_the_newest() -> None:
    assert "artifact" not in chosen(keep="1")


def test_of_equally_new_tags_the_better_name_is_kept() -> None:
    assert chosen(keep="1", tags=[Tag("latest", 1), Tag("1.3.0", 1), Tag("1.2.0", 2)]) == ["latest", "1.2.0"]


def test_keep_by_version_passes_over_what_is_none() -> None:
    assert chosen(keep="2", keep_by="version") == ["1.0.0", "1.1.0-rc1", "1.1.0"]
    # The name is all that is asked for.
    assert not parse_rule(keep="2", keep_by="version").needs_reading


def test_keep_match_protects_and_does_not_count() -> None:
    assert chosen(keep="4", keep_match="^(latest|1.3.0)$") == ["1.0.0", "1.1.0-rc1", "1.1.0"]
    assert chosen(match=".", keep_match="^dev") == [tag.tag for tag in REPOSITORY if not tag.tag.startswith("dev")]


def test_duplicates_leave_the_best_name() -> None:
    same = [Tag(name, 1, "x") for name in ("latest", "1.3", "9c1f6d0", "1.3.1", "1")]
    assert chosen(duplicates=True) == ["latest"]
    assert chosen(duplicates=True, tags=same) == ["latest", "1.3", "9c1f6d0", "1"]
    assert chosen(duplicates=True, match="^[0-9a-f]{7}$", tags=same) == ["9c1f6d0"]


def test_a_tag_that_stays_may_be_the_best_name() -> None:
    same = [Tag("1.3.1", 1, "x"), Tag("latest", 1, "x")]
    assert chosen(duplicates=True, keep_match="1.3.1", tags=same) == ["latest"]
    assert chosen("latest", duplicates=True, tags=same) == []


def test_protected_tags_are_never_selected() -> None:
    choice = choose(parse_rule(match="."), REPOSITORY, now=NOW, protect=("latest", "1.*"))
    assert choice.selected == ("dev-1", "dev-2", "dev-3", "artifact")
    assert choice.protected == ("1.0.0", "1.1.0-rc1", "1.1.0", "1.2.0", "1.3.0", "latest")
    assert "1.0.0" in chosen("latest", keep="2")


def test_what_is_not_read_yet_is_told_and_left() -> None:
    tags = [Tag("old", 400), Tag("unread", 400, is_read=False)]
    rule = parse_rule(older_than="30d")
    assert choose(rule, tags, now=NOW) == Choice(("old",), unread=("unread",))
    assert choose(parse_rule(match="u"), tags, now=NOW) == Choice(("unread",))


def test_what_only_stays_selects_nothing() -> None:
    rule = parse_rule(keep_match="^v")
    assert not rule.selects
    assert chosen(keep_match="^v") == []


# From texts


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        (" 2 W ", timedelta(days=14)),
        ("6m", timedelta(days=180)),
        ("1y", timedelta(days=365)),
        ("99999y", timedelta(days=99_999 * 365)),
    ],
)
def test_periods(text: str, period: timedelta) -> None:
    assert parse_period(text, "--older-than") == period
    assert chosen(older_than=text, tags=[Tag("x", 0.1)]) == []


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ({"older_than": "30"}, "--older-than: '30' has no unit."),
        ({"older_than": "soon"}, "--older-than: 'soon' is no period of time."),
        ({"older_than": "0d"}, "--older-than: '0d' is no time at all."),
        ({"older_than": "-3d"}, "--older-than: '-3d' is no period of time."),
        ({"older_than": "999999d"}, "--older-than: '999999d' is no period of time."),
        ({"keep": "0"}, "--keep: 0 keeps nothing."),
        ({"keep": "-1"}, "--keep: '-1' is no number of tags."),
        ({"keep": "many"}, "--keep: 'many' is no number of tags."),
        ({"keep": "9" * 5000}, "is no number of tags."),
        ({"keep": "²"}, "--keep: '²' is no number of tags."),
        ({"match": "("}, "--match: '(' is no valid expression: missing )."),
        ({"keep_match": "*"}, "--keep-match: '*' is no valid expression: "),
        ({"keep_by": "version", "match": "x"}, "--keep-by says how --keep counts, which isn't given."),
    ],
)
def test_a_mistake_is_told_with_its_place(texts: dict[str, str], sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_rule(**texts)  # type: ignore[arg-type]
    assert sentence in refused.value.message


# Whatever the repository, whatever the rule

names = st.one_of(
    st.sampled_from(
        ["latest", "stable", "1", "1.0", "1.0.0", "v1.0.0", "1.0.0-rc1", "2.0.0", "9c1f6d0", "dev-1", "prod"]
    ),
    st.from_regex(r"[a-z0-9][a-z0-9.-]{0,6}", fullmatch=True),
)
tags = st.builds(
    Tag, names, st.none() | st.floats(-10, 25_000), st.sampled_from("abcdef"), st.sampled_from([True, True, False])
)
repositories = st.lists(tags, max_size=30, unique_by=lambda tag: tag.tag)
expressions = st.sampled_from(["", "", ".", "^v", r"\d", "dev", "0$", "nothing"])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    return parse_rule(
        match=draw(expressions),
        older_than=draw(st.sampled_from(["", "", "1h", "30d", "1y"])),
        keep=draw(st.sampled_from(["", "", "1", "2", "5"])),
        keep_match=draw(expressions),
        prereleases=draw(st.booleans()),
        duplicates=draw(st.booleans()),
    )


protections = st.lists(st.sampled_from(["latest", "1*", "dev-?", "*"]), max_size=2)


@given(rules(), repositories, protections)
def test_each_condition_alone_would_have_selected_it(rule: Rule, tags: list[Tag], protect: list[str]) -> None:
    selected = set(choose(rule, tags, now=NOW, protect=protect).selected)
    for tag in (tag for tag in tags if tag.tag in selected):
        assert rule.match is None or rule.match.is_in(tag.tag)
        assert rule.keep_match is None or not rule.keep_match.is_in(tag.tag)
        assert not rule.prereleases or tag.is_prerelease
        assert "*" not in protect
        assert tag.tag != "latest" or "latest" not in protect
        if rule.older_than is not None:
            assert tag.created is not None
            assert tag.created < NOW - rule.older_than
    if rule.keep is not None:
        left = [tag for tag in tags if tag.tag not in selected]
        assert len(left) >= min(rule.keep, len(tags))


@given(rules(), repositories, protections)
def test_duplicates_leave_every_image_a_name(rule: Rule, tags: list[Tag], protect: list[str]) -> None:
    selected = set(choose(rule, tags, now=NOW, protect=protect).selected)
    if rule.duplicates:
        left = {tag.digest for tag in tags if tag.tag not in selected}
        assert {tag.digest for tag in tags} <= left


@given(rules(), repositories, protections)
def test_reading_more_selects_the_same_and_more(rule: Rule, tags: list[Tag], protect: list[str]) -> None:
    """So that marks set while a list fills in are right, whenever enter was pressed."""
    early = choose(rule, tags, now=NOW, protect=protect)
    read = [Tag(tag.tag, tag.days, tag.image) for tag in tags]
    late = choose(rule, read, now=NOW, protect=protect)
    assert set(early.selected) <= set(late.selected)
    assert not late.unread


@given(rules(), repositories, st.randoms(use_true_random=False))
def test_the_order_of_the_tags_is_of_no_account(rule: Rule, tags: list[Tag], random: object) -> None:
    shuffled = list(tags)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = choose(rule, shuffled, now=NOW)
    assert sorted(again.selected) == sorted(choose(rule, tags, now=NOW).selected)
    assert list(again.selected) == [tag.tag for tag in shuffled if tag.tag in set(again.selected)]


@given(repositories, st.integers(1, 8))
def test_keep_keeps_so_many_of_the_newest(tags: list[Tag], number: int) -> None:
    selected = set(chosen(keep=str(number), tags=tags))
    dates = {tag.tag: tag.created for tag in tags if tag.created is not None and tag.created.year >= 2013}
    assert selected <= dates.keys()
    assert len(selected) == max(len(dates) - number, 0)
    if selected:
        assert min(dates[tag] for tag in dates.keys() - selected) >= max(dates[tag] for tag in selected)
