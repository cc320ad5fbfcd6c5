"""What rules select, and above all what they don't."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.deletion.judging import Choice, Judged, TagFate, choose, judge
from regtui.deletion.rules import KeepBy, Rule, parse_period, parse_rule
from regtui.errors import UsageError
from regtui.names.kinds import NameKind, tag_name
from regtui.oci.digest import Digest

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Tag:
    """A candidate, `days` old; None has no date. `image` names its digest. `others`: likewise, more platforms of it."""

    tag: str
    days: float | None = None
    image: str = ""
    is_read: bool = True
    others: tuple[float | None, ...] = ()

    @property
    def digest(self) -> Digest | None:
        return Digest.of((self.image or self.tag).encode()) if self.is_read else None

    @property
    def dates(self) -> Sequence[datetime | None]:
        ages = (self.days, *self.others) if self.is_read else ()
        return [NOW - timedelta(days=age) if age is not None else None for age in ages]

    @property
    def created(self) -> datetime | None:
        """Where every platform has a date that can be believed."""
        dates = [date for date in self.dates if date is not None and date.year >= 2013 and date <= NOW + timedelta(1)]
        return max(dates) if dates and len(dates) == len(self.dates) else None


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


def _named(*names: str) -> list[Tag]:
    return [Tag(name) for name in names]


@pytest.mark.parametrize(
    ("keep", "gone", "names"),
    [
        # Commits and dates have no place: the releases are what is counted.
        (
            "2",
            "1.0.0",
            "1.0.0 1.1.0 1.2.0 1234567 7654321 30481516 9c1f6d0 20241115 2024-11-15 main-1234567 1731628800",
        ),
        ("1", "release-1.0 4.0.0", "release-1.0 4.0.0 5.0.0"),
        ("1", "app-1.0 app-2.0 4.0.0", "app-1.0 app-2.0 4.0.0 5.0.0"),
        # A word of one tag alone is no prefix.
        ("1", "4.0.0", "customer-2.0.1 4.0.0 5.0.0"),
        ("1", "1.1.0-alpine 1.0.0", "1.1.0-alpine 1.1.0 1.0.0"),
        ("2", "1.0.0", "1.1.0-alpine 1.1.0 1.0.0"),
        ("1", "1.1.0-rc1", "1.1.0-rc1 1.1.0 feature-42-beta-signup feature-1.2 api-v2-beta pr-812 1234"),
        # A number that is missing is zero.
        ("2", "3.0.0-SNAPSHOT release-1.0", "release-1.0 v3 3.0.0-SNAPSHOT 4.0.0"),
        ("3", "2.0.0-rc.1 2.0.0-alpine", "2 2.0 2.0.0-rc.1 2.0.0-alpine 2.0.0"),
        ("1", "2 2.0 2.0.0-rc.1 2.0.0-alpine", "2 2.0 2.0.0-rc.1 2.0.0-alpine 2.0.0"),
        ("3", "1.1.0-rc1-alpine 1.0.0", "1.0.0 1.1.0-rc1-alpine 1.1.0-rc1 1.1.0-alpine 1.1.0"),
    ],
)
def test_keep_by_version(keep: str, gone: str, names: str) -> None:
    tags = _named(*names.split())
    assert set(chosen(keep=keep, keep_by="version", tags=tags)) == set(gone.split())


def test_prereleases_are_versions() -> None:
    meant = ["1.0.0-rc.1", "3.13.0a2", "1.21-rc-alpine", "2.1.0-SNAPSHOT", "app-1.0-beta", "app-2.0"]
    others = [
        *("sha-0b1e44f", "main-9c1a2d0", "1.4.2-9c1a2d0", "feature-42-beta-signup", "web3-alpha-team", "b2b", "beta"),
        *("nightly-20241115", "1.0.0", "2.0.0-alpine", "customer-3.0-beta", "42-beta-signup"),
    ]
    assert chosen(prereleases=True, tags=_named(*meant, *others)) == meant[:-1]


@pytest.mark.parametrize(
    "names", ["prod 1234567", "1.4.2 prod", "1234 latest", "20241115 latest", "prod 9c1f6d0", "9c1f6d0 some-word"]
)
def test_duplicates_prefer(names: str) -> None:
    better, worse = names.split()
    tags = [Tag(better, 1, "x"), Tag(worse, 1, "x")]
    assert chosen(duplicates=True, tags=tags) == [worse]


def test_a_date_that_is_still_to_come_is_none() -> None:
    """It would be the newest for ever."""
    tags = [Tag("future", -400), Tag("soon", -0.5), Tag("new", 1), Tag("old", 100)]
    rule = parse_rule(keep="2")
    assert choose(rule, tags, now=NOW) == Choice(("old",), future=("future",))
    assert choose(parse_rule(older_than="1h"), tags, now=NOW) == Choice(("new", "old"), future=("future",))
    # Once it isn't any more, it counts.
    later = choose(rule, tags, now=NOW + timedelta(days=500))
    assert later == Choice(("new", "old"))


@pytest.mark.parametrize("other", [None, 20_000, -400])
def test_a_platform_without_a_date_leaves_none(other: float | None) -> None:
    """It may be the newest of them: an index is not old because of those that are known."""
    index = Tag("index", 400, others=(other,))
    choice = choose(parse_rule(older_than="30d"), [index, Tag("whole", 400, others=(500,))], now=NOW)
    assert choice.selected == ("whole",)
    assert choice.undated + choice.future == ("index",)
    assert chosen(keep="1", tags=[index, Tag("a", 1), Tag("b", 2)]) == ["b"]


def test_keep_images_keeps_all_names_of_the_newest_images() -> None:
    """Five tags may be two images."""
    tags = [Tag(name, 1, "a") for name in ("2.1", "2", "latest")]
    tags += [Tag("2.0", 5, "b"), Tag("old", 9, "c"), Tag("older", 20, "d"), Tag("undated", None, "e")]
    assert chosen(keep_images="2", tags=tags) == ["old", "older"]
    assert chosen(keep="2", tags=tags) == ["latest", "2.0", "old", "older"]
    assert chosen(keep_images="1", keep_by="version", tags=tags) == ["2.0"]
    assert chosen("2.1", keep_images="1", keep_match="^(2|latest)$", tags=tags) == ["old", "older"]


def test_an_unread_name_may_be_of_any_image() -> None:
    tags = [Tag("1.0", 1, "a"), Tag("2.0", 1, "b"), Tag("3.0", 1, "a", is_read=False)]
    rule = parse_rule(keep_images="1", keep_by="version")
    assert choose(rule, tags, now=NOW) == Choice((), unread=("3.0",))
    assert choose(rule, [*tags[:2], Tag("3.0", 1, "a")], now=NOW) == Choice(("2.0",))


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


def fates(
    tags: Sequence[Tag] = REPOSITORY, in_use: Sequence[str] = (), protect: str = "", **texts: str
) -> dict[str, str]:
    rule = parse_rule(**texts)  # type: ignore[arg-type]
    found = judge(rule, tags, now=NOW, protect=(protect,) if protect else (), in_use=in_use)
    return {each.tag: each.fate.value + (f" {each.place}" if each.place else "") for each in found}


def test_what_is_in_use_stays_and_does_not_count_for_keep() -> None:
    rule = parse_rule(match="^dev-", keep="1")
    assert choose(rule, REPOSITORY, now=NOW).selected == ("dev-1", "dev-2")
    choice = choose(rule, REPOSITORY, now=NOW, in_use={"dev-3"})
    assert choice == Choice(("dev-1",), in_use=("dev-3",))
    assert choose(rule, REPOSITORY, now=NOW, in_use={"dev-1"}) == Choice(("dev-2",), in_use=("dev-1",))


def test_why_each_tag_goes_or_stays() -> None:
    assert fates(match=r"^(\d|dev)", keep="3", older_than="30d", keep_match="^1.0.0$", in_use=["1.1.0-rc1"]) == {
        "1.0.0": "kept by name",
        "1.1.0-rc1": "in use",
        "1.1.0": "goes",
        "1.2.0": "goes",
        "1.3.0": "newest 2",
        "latest": "other name",
        "dev-1": "goes",
        "dev-2": "newest 3",
        "dev-3": "newest 1",
        "artifact": "other name",
    }
    assert fates(older_than="30d", protect="1.*")["1.0.0"] == "protected"
    assert fates(older_than="30d")["artifact"] == "undated"
    assert fates(older_than="30d")["dev-3"] == "young"
    assert fates(keep="1")["artifact"] == "unplaced"
    assert fates(prereleases=True)["1.0.0"] == "no prerelease"  # type: ignore[arg-type]
    assert fates(duplicates=True)["1.3.0"] == "only name"  # type: ignore[arg-type]
    assert set(fates(keep_match="1").values()) == {"other name"}


def test_not_pulled_for_needs_somebody_who_knows() -> None:
    rule = parse_rule(not_pulled_for="90d")
    assert rule.selects
    assert rule.needs_reading
    assert choose(rule, REPOSITORY, now=NOW).selected == ()
    unused = {"1.0.0": 400, "1.1.0": 10}
    choice = choose(
        rule, REPOSITORY, now=NOW, not_pulled=lambda each, period: timedelta(days=unused.get(each.tag, 0)) > period
    )
    assert choice.selected == ("1.0.0",)
    judged = judge(rule, REPOSITORY[:1], now=NOW)
    assert judged == [Judged("1.0.0", TagFate.PULLED)]
    assert choose(rule, [Tag("x", 1, is_read=False)], now=NOW, not_pulled=lambda *_: True).selected == ()


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
        ({"keep": "1", "keep_images": "1"}, "--keep and --keep-images both say how much is kept."),
        ({"keep_images": "0"}, "--keep-images: 0 keeps nothing."),
        ({"keep_images": "x"}, "--keep-images: 'x' is no number of images."),
        ({"keep_match": "*"}, "--keep-match: '*' is no valid expression: "),
        ({"not_pulled_for": "ever"}, "--not-pulled-for: 'ever' is no period of time."),
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
    st.sampled_from(["release-1.0", "app-1.0", "app-3.0", "app-3.0-rc1", "2.0.0-alpine", "20241115", "1234567", "57"]),
    st.from_regex(r"[a-z0-9][a-z0-9.-]{0,6}", fullmatch=True),
)
ages = st.none() | st.floats(-10, 25_000)


@st.composite
def _repositories(draw: st.DrawFn) -> list[Tag]:
    """Tags of the same image are of the same age."""
    images = {
        image: (draw(ages), tuple(draw(st.lists(ages, max_size=2))) if draw(st.booleans()) else ())
        for image in "abcdef"
    }
    found = draw(
        st.lists(
            st.tuples(names, st.sampled_from("abcdef"), st.sampled_from([True, True, False])),
            max_size=30,
            unique_by=lambda each: each[0],
        )
    )
    return [Tag(name, images[image][0], image, is_read, images[image][1]) for name, image, is_read in found]


repositories = _repositories()
expressions = st.sampled_from(["", "", ".", "^v", r"\d", "dev", "0$", "nothing"])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    keep = draw(st.sampled_from(["", "", "1", "2", "5"]))
    images = draw(st.booleans())
    return parse_rule(
        match=draw(expressions),
        older_than=draw(st.sampled_from(["", "", "1h", "30d", "1y"])),
        keep="" if images else keep,
        keep_images=keep if images else "",
        keep_by=draw(st.sampled_from(["", "version", "created"])) if keep else "",
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
        assert not rule.prereleases or tag_name(tag.tag).kind is NameKind.PRERELEASE
        assert "*" not in protect
        assert tag.tag != "latest" or "latest" not in protect
        if rule.older_than is not None:
            assert tag.created is not None
            assert max(date for date in tag.dates if date is not None) < NOW - rule.older_than
    if rule.keep is not None:
        assert all(tag.created is not None for tag in tags if tag.tag in selected and rule.keep_by is KeepBy.CREATED)
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
    read = [replace(tag, is_read=True) for tag in tags]
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


unknowns = st.lists(
    st.sampled_from(["prod", "feature-x", "1234567", "main-9c1f6d0", "20241115", "57", "hotfix", "customer-9.9"]),
    unique=True,
    max_size=4,
)


@given(rules(), repositories, unknowns)
def test_a_tag_of_which_nothing_is_known_takes_no_other(rule: Rule, tags: list[Tag], names: list[str]) -> None:
    """Neither version, nor date, nor image: no other tag goes because it is there."""
    here = {tag.tag for tag in tags}
    more = [*tags, *(Tag(name, None, f"its own {name}") for name in names if name not in here)]
    before = set(choose(rule, tags, now=NOW).selected)
    assert set(choose(rule, more, now=NOW).selected) & here <= before


@given(repositories, st.integers(1, 5), st.sampled_from(["", "version"]))
def test_so_many_images_are_kept(tags: list[Tag], number: int, by: str) -> None:
    selected = set(chosen(keep_images=str(number), keep_by=by, tags=tags))
    gone = {tag.image for tag in tags if tag.tag in selected}
    left = {tag.image for tag in tags if tag.tag not in selected}
    assert not gone or len(left) >= number
    if not by:
        assert not gone & {tag.image for tag in tags if tag.tag not in selected and tag.created}


@given(repositories, st.integers(1, 8))
def test_keep_keeps_so_many_of_the_newest(tags: list[Tag], number: int) -> None:
    selected = set(chosen(keep=str(number), tags=tags))
    dates = {tag.tag: tag.created for tag in tags if tag.created is not None}
    assert selected <= dates.keys()
    assert len(selected) == max(len(dates) - number, 0)
    if selected:
        assert min(dates[tag] for tag in dates.keys() - selected) >= max(dates[tag] for tag in selected)


@given(rules(), repositories, protections, st.lists(names, max_size=4))
def test_what_is_in_use_is_as_protected(rule: Rule, tags: list[Tag], protect: list[str], in_use: list[str]) -> None:
    """Naming the same tags by patterns selects the same."""
    used = {name for name in in_use if not set("*?[") & set(name)}
    by_use = choose(rule, tags, now=NOW, protect=protect, in_use=used)
    by_name = choose(rule, tags, now=NOW, protect=[*protect, *used])
    assert by_use.selected == by_name.selected
    assert set(by_use.protected) | set(by_use.in_use) == set(by_name.protected)
    judged = judge(rule, tags, now=NOW, protect=protect, in_use=used)
    assert [each.tag for each in judged] == [tag.tag for tag in tags]
    assert tuple(each.tag for each in judged if each.fate is TagFate.GOES) == by_use.selected
