"""Why each tag of a repository goes or stays: the first entry that names it, what is in use, what was pulled."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from regtui.deletion.judging import TagFate
from regtui.deletion.values import Contents, StoredManifest
from regtui.oci.digest import Digest
from regtui.oci.manifest import UnknownManifest
from regtui.retention.planning import RepositoryRetention, candidates_of, judge_repository
from regtui.retention.policy import RetentionEntry, entry_for, entry_of
from regtui.retention.values import NOT_USED, UNKNOWN_PULLS, InUse, PlaceKind, Pulls, UsePlace
from regtui.retention.words import rule_words, stays_sentences, why

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
WEB = UsePlace("app1 as web", PlaceKind.CONTAINER)


def digest(name: str) -> Digest:
    return Digest.of(name.encode())


def manifest(name: str, *children: str) -> StoredManifest:
    return StoredManifest(digest(name), "x", b"", UnknownManifest("x"), tuple(map(digest, children)))


def contents(tags: Mapping[str, str], indexes: Mapping[str, Sequence[str]] | None = None) -> Contents:
    """`tags`: each with the name of its image. `indexes`: index → its images."""
    indexes = indexes or {}
    names = {*tags.values(), *indexes, *(child for children in indexes.values() for child in children)}
    made = [manifest(name, *indexes.get(name, ())) for name in names]
    return Contents("team/app", {tag: digest(name) for tag, name in tags.items()}, {m.digest: m for m in made})


def entry(*patterns: str, number: int = 1, flags: Sequence[str] = (), **texts: str) -> RetentionEntry:
    return entry_of(texts, patterns or ("*",), flags=flags, number=number, line=12)


def judged(
    found: Contents,
    ages: Mapping[str, int],
    by: RetentionEntry | None,
    in_use: InUse = NOT_USED,
    pulls: Pulls = UNKNOWN_PULLS,
    protect: Sequence[str] = (),
) -> RepositoryRetention:
    """`ages`: of each image, in days."""
    dates = {digest(name): [NOW - timedelta(days=age)] for name, age in ages.items()}
    candidates = candidates_of(found, list(found.tags), dates)
    return judge_repository(found, by, candidates, in_use=in_use, pulls=pulls, now=NOW, protect=protect)


FIVE = {f"1.{number}": f"image{number}" for number in range(5)}
AGES = {f"image{number}": 50 - number for number in range(5)}


def test_the_first_entry_that_names_a_repository_counts() -> None:
    entries = [entry("fullstack/*", keep="1"), entry("*", number=2, keep="2")]
    assert entry_for(entries, "fullstack/a/b") is entries[0]
    assert entry_for(entries, "other") is entries[1]
    assert entry_for(entries[:1], "other") is None
    # Names have capital letters nowhere, and patterns are not folded.
    assert entry_for([entry("Other")], "other") is None


def test_no_entry_or_one_without_conditions_keeps_all() -> None:
    assert judged(contents(FIVE), AGES, None).going == ()
    assert judged(contents(FIVE), AGES, entry()).going == ()


def test_what_is_protected_or_in_use_stays_and_does_not_count() -> None:
    rule = entry(keep="2")
    assert judged(contents(FIVE), AGES, rule).going == ("1.0", "1.1", "1.2")
    used = InUse({digest("image4"): (WEB,)})
    retention = judged(contents(FIVE), AGES, rule, used)
    assert retention.going == ("1.0", "1.1")
    assert retention.in_use == ("1.4",)
    assert judged(contents(FIVE), AGES, rule, used, protect=["1.3"]).going == ("1.0",)
    named = InUse(tags={("team/app", "1.0"): (WEB,), ("other", "1.1"): (WEB,)})
    assert judged(contents(FIVE), AGES, rule, named).going == ("1.1", "1.2")


def test_an_index_stays_for_one_of_its_images_and_its_images_stay_with_it() -> None:
    found = contents({"multi": "index", "amd64": "amd", "old": "x"}, {"index": ["amd", "arm"]})
    ages = {"index": 9, "amd": 9, "x": 9}
    by_child = judged(found, ages, entry(match="."), InUse({digest("arm"): (WEB,)}))
    assert by_child.going == ("amd64", "old")
    by_index = judged(found, ages, entry(match="."), InUse({digest("index"): (WEB,)}))
    assert by_index.going == ("old",)
    assert by_index.kept == {digest("index"), digest("amd"), digest("arm")}
    # Two indexes that share an image: only the one that is in use stays, and the image with it.
    sharing = contents({"a": "one", "b": "two"}, {"one": ["amd"], "two": ["amd", "arm"]})
    retention = judged(sharing, {"one": 9, "two": 9}, entry(match="."), InUse({digest("one"): (WEB,)}))
    assert retention.going == ("b",)
    assert digest("amd") in retention.kept
    assert digest("arm") not in retention.kept


def test_not_pulled_for_needs_a_record_that_reaches_that_far() -> None:
    rule = entry(not_pulled_for="90d")
    assert judged(contents(FIVE), AGES, rule).going == ()
    recent = Pulls(since=NOW - timedelta(days=89))
    assert judged(contents(FIVE), AGES, rule, pulls=recent).going == ()
    pulls = Pulls(
        {"1.0": NOW - timedelta(days=3), "1.1": NOW - timedelta(days=100)},
        {digest("image2"): NOW - timedelta(days=10)},
        NOW - timedelta(days=200),
    )
    assert judged(contents(FIVE), AGES, rule, pulls=pulls).going == ("1.1", "1.3", "1.4")


def words(retention: RepositoryRetention, tag: str) -> str:
    reason = retention.of(tag)
    assert reason is not None
    return why(reason, retention, NOW)


def test_the_reasons_in_words() -> None:
    rule = entry(keep="2", older_than="45d", keep_match="^1.0$", match="^1")
    found = contents({**FIVE, "latest": "image4"})
    retention = judged(found, AGES, rule, InUse({digest("image1"): (WEB,)}))
    assert words(retention, "1.0") == "its name matches keep_match ^1.0$"
    assert words(retention, "1.1") == "runs on app1 as web"
    assert words(retention, "1.2") == "matches ^1, not among the newest 2, older than 45 days"
    assert words(retention, "1.3") == "second newest of 2"
    assert words(retention, "1.4") == "newest of 2"
    assert words(retention, "latest") == "its name doesn't match ^1"
    assert stays_sentences(retention) == ["1.1 stays: runs on app1 as web."]
    assert words(judged(found, AGES, None), "1.0") == "no entry of the config file names team/app"
    assert words(judged(found, AGES, entry()), "1.0") == "line 12 keeps everything here"
    assert words(judged(found, AGES, entry(older_than="1y")), "1.0") == "created less than 365 days ago"
    by_pulls = entry(not_pulled_for="90d")
    assert words(judged(found, AGES, by_pulls), "1.0") == "when it was pulled isn't known"
    pulls = Pulls({"1.0": NOW - timedelta(days=3)}, {}, NOW - timedelta(days=30))
    assert words(judged(found, AGES, by_pulls, pulls=pulls), "1.0") == "pulled 3 days ago"
    assert "known since 2026-10-29 12:00 UTC only" in words(judged(found, AGES, by_pulls, pulls=pulls), "1.1")
    assert words(judged(found, AGES, entry(keep_images="1")), "1.4") == "of the newest image of 1"
    assert words(judged(contents({"x": "image0"}), AGES, entry(keep="1", keep_by="version")), "x").startswith(
        "no version"
    )
    assert rule_words(entry(flags=["prereleases", "duplicates"]).rule).startswith("a prerelease, another tag")


tags = st.dictionaries(st.sampled_from([f"{a}.{b}" for a in range(3) for b in range(4)]), st.sampled_from("abcdef"))
images = st.lists(st.sampled_from("abcdef"), unique=True, max_size=3)


@given(tags, st.dictionaries(st.sampled_from("pqr"), images, max_size=2), images, images, st.integers(1, 4))
def test_whatever_is_in_use_every_manifest_of_it_stays(
    flat: dict[str, str], indexes: dict[str, list[str]], used: list[str], used_tags: list[str], keep: int
) -> None:
    """By whichever names: no tag that leads to something in use goes, and nothing in use may be deleted."""
    tagged = {**flat, **{f"9.{number}": name for number, name in enumerate(indexes)}}
    found = contents(tagged, indexes)
    names = [name for name in tagged.values() if name in used_tags]
    in_use = InUse(
        {digest(name): (WEB,) for name in used if digest(name) in found.manifests},
        {("team/app", tag): (WEB,) for tag, name in tagged.items() if name in names},
    )
    ages = {name: 10 + ord(name) for name in {*tagged.values()}}
    retention = judged(found, ages, entry(keep=str(keep)), in_use)
    for reason in retention.tags:
        assert reason.goes == (reason.fate is TagFate.GOES)
        if reason.goes:
            assert reason.digest is not None
            below = {reason.digest, *found.manifests[reason.digest].children}
            assert not below & in_use.digests.keys()
            assert ("team/app", reason.tag) not in in_use.tags
    free = [each for each in retention.tags if not each.used]
    assert len([each for each in free if not each.goes]) >= min(keep, len(free))
    assert in_use.digests.keys() <= retention.kept
