"""What the name of a tag is, by names as public repositories have them."""

import random
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from regtui.names.kinds import NameKind, TagName, Versions, name_rank, tag_name
from regtui.names.order import order_key
from regtui.oci.reference import is_tag

HERE = Path(__file__).parent


def _rows(file: str) -> list[tuple[str, str]]:
    lines = (HERE / file).read_text(encoding="utf-8").splitlines()
    # A tag may begin with #, a comment has a blank behind it.
    return [(tag, kind) for tag, _, kind in (line.partition("\t") for line in lines if not line.startswith("# "))]


NAMES = [*_rows("tag-names.tsv"), *_rows("public-names.tsv")]


def _words(name: TagName) -> str:
    if name.kind is NameKind.VERSION and name.is_variant:
        return "variant"
    return f"{name.kind.name.lower()}{' variant' if name.is_variant else ''}"


@pytest.mark.parametrize(("tag", "kind"), NAMES)
def test_kinds(tag: str, kind: str) -> None:
    assert _words(tag_name(tag)) == kind


def test_the_names_are_there() -> None:
    assert len(NAMES) > 250
    assert len(dict(NAMES)) == len(NAMES)


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "sha-{}",
        "git-{}",
        "main-{}",
        "master-{}",
        "dev-{}",
        "1.4.2-{}",
        "v3.0.1-rc.1-{}",
        "1.4.2-12-g{}",
        "1.9-dev.{}",
    ],
)
def test_every_commit_is_one(form: str) -> None:
    """A fifth of all short ones has `a` or `b` between two digits, every 27th no letter at all."""
    chance = random.Random(form)
    for _ in range(2_000):
        commit = "".join(chance.choices("0123456789abcdef", k=chance.choice((7, 8, 12, 40))))
        if commit.isdecimal() and len(commit) in (8, 12):
            continue  # may be a date, or the number of a build
        assert tag_name(form.format(commit)) == TagName(NameKind.COMMIT), form.format(commit)


@pytest.mark.parametrize(
    "best_first",
    [
        "1.4.2 1.4.2-alpine 1.4 1 1.4.2-rc1 build-57 20241115 latest 9c1f6d0 feature-login",
        "v1.4.2 v1.4 v1 latest sha-9c1f6d0",
        # The same image released twice: the later one, and versions count by number.
        "1.4.10 1.4.9",
        # The less a name moves the better, even where the other is plain.
        "1.4.2-alpine 1.4",
        "prod 1234567",
        "latest main-9c1f6d0",
    ],
)
def test_the_best_name_of_an_image(best_first: str) -> None:
    tags = best_first.split()
    assert sorted(tags, key=name_rank, reverse=True) == tags


def test_a_prefix_is_one_where_several_tags_have_it() -> None:
    versions = Versions(["app-1.0", "app-2.0", "release-1.0", "4.0.0", "customer-9.9", "customer-rc"])
    ordered = sorted(["4.0.0", "app-2.0", "app-1.0", "release-1.5"], key=lambda tag: versions.key(tag) or "")
    assert ordered == ["app-1.0", "release-1.5", "app-2.0", "4.0.0"]
    assert versions.key("customer-9.9") is None
    assert not versions.is_prerelease("customer-9.9-rc1")
    assert versions.is_prerelease("app-3.0-rc1")


# Whatever the name

texts = st.one_of(
    st.text(max_size=600),
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,40}", fullmatch=True),
    st.lists(
        st.sampled_from(
            [
                "1",
                "2.0",
                "1.4.2",
                "v",
                "rc",
                "rc1",
                "a",
                "b2",
                "alpine",
                "3.19",
                "main",
                "9c1f6d0",
                "1234567",
                "feature",
                "20241115",
                "sha",
                "latest",
                "app",
                "r4",
                "build",
                "m1",
                "x",
                "jdk17",
            ]
        ),
        min_size=1,
        max_size=5,
    ).flatmap(lambda parts: st.sampled_from(["-", ".", "_", ""]).map(lambda separator: separator.join(parts))),
)


@given(texts)
def test_any_text_has_a_kind(tag: str) -> None:
    name = tag_name(tag)
    assert name.kind is name_rank(tag)[0]
    assert bool(name.version) == (name.kind >= NameKind.PRERELEASE) == (name.numbers > 0)
    assert name.version or not (name.is_variant or name.prefix)
    assert Versions([tag, tag]).is_prerelease(tag) is (name.kind is NameKind.PRERELEASE)


@given(st.lists(texts, unique=True, max_size=8))
def test_no_two_names_are_equally_good(tags: list[str]) -> None:
    assert len({name_rank(tag) for tag in tags}) == len(tags)


@given(texts, st.lists(st.sampled_from(["feature-x", "prod", "1234567", "main-9c1f6d0", "20241115"]), max_size=3))
def test_what_is_no_version_changes_nothing(tag: str, others: list[str]) -> None:
    alone, among = Versions([tag]), Versions([tag, *others])
    assert (alone.key(tag), alone.is_prerelease(tag)) == (among.key(tag), among.is_prerelease(tag))


numbers = st.lists(st.integers(0, 40), min_size=2, max_size=4).map(lambda parts: ".".join(map(str, parts)))


@given(numbers, st.sampled_from(["-rc1", "-alpha", ".dev3", "rc2", "-beta.1", "-SNAPSHOT", "-ea", "-M2"]))
def test_the_places_of_one_version(version: str, stage: str) -> None:
    """Prereleases, variants of them before each; variants, the release, built again, the next patch."""
    ascending = [
        *(f"{version}{stage}-alpine", f"{version}{stage}", f"{version}-alpine", version, f"{version}-r4-slim"),
        *(f"{version}-r4", f"{version}-r10", f"{version}.1-rc1", f"{version}.1"),
    ]
    for prefix in ("", "v", "release-", "app-"):
        tags = [f"{prefix}{tag}" for tag in ascending]
        versions = Versions(tags)
        shuffled = tags[5:] + tags[:5]
        assert sorted(shuffled, key=lambda tag: versions.key(tag) or "") == tags
        assert [versions.is_prerelease(tag) for tag in tags] == [True, True, *(False,) * 5, True, False]


@given(texts)
@example("0-0CR")
@example("9.5.0-112233pre")
@example("1.0-r4-rc1")
def test_a_prerelease_comes_before_its_release(tag: str) -> None:
    name = tag_name(tag)
    if is_tag(tag) and name.kind is NameKind.PRERELEASE:
        release = name.version.removesuffix(_behind_numbers(name.version))
        assert order_key(name.version) < order_key(release)


shortened = st.tuples(st.lists(st.integers(0, 40), min_size=1, max_size=3), st.integers(0, 2), st.integers(0, 2))


@given(shortened, st.sampled_from(["-rc1", "-alpha", ".dev3", "rc2", "-SNAPSHOT"]), st.sampled_from(["", "-alpine"]))
@example(([3], 0, 2), "-SNAPSHOT", "")
@example(([2], 1, 0), "-rc1", "")
def test_a_number_that_is_missing_is_zero(version: tuple[list[int], int, int], stage: str, behind_stage: str) -> None:
    """3 and 3.0 are 3.0.0: its prereleases and variants come before all three of them, its successor behind."""
    parts, zeros, other_zeros = version
    short, long = (".".join(map(str, [*parts, *[0] * count])) for count in (zeros, other_zeros))
    # A number alone is no version of its own where it is large.
    tags = [f"release-{short}", f"v{long}{stage}{behind_stage}", f"v{long}-alpine", f"v{long}.1", f"v{long}"]
    key = Versions(tags).key
    release, prerelease, variant, patch, same = (key(tag) or "" for tag in tags)
    assert "" < prerelease < variant < release < patch
    assert variant < same < patch
    assert (release < same) == (zeros < other_zeros)


def _behind_numbers(version: str) -> str:
    return version.lstrip("0123456789.") if "." in version else version.lstrip("0123456789")


@pytest.mark.parametrize(
    "hostile", ["." * 100_000, "1" * 100_000, "a-" * 50_000, "1-a" * 50_000, "a1." * 50_000, "-" * 9_999]
)
def test_floods_take_no_time(hostile: str) -> None:
    name_rank(hostile)
