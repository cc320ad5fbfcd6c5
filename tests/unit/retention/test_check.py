"""Entries that never count, overlap, or name nothing."""

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from regtui.retention.check import _takes_in, entry_problems
from tests.unit.retention.test_planning import entry


def problems(*patterns: str | tuple[str, ...], names: tuple[str, ...] = ("team/app", "team/web", "lib")) -> list[str]:
    entries = [
        entry(*([each] if isinstance(each, str) else each), number=number, keep="1")
        for number, each in enumerate(patterns, 1)
    ]
    return [f"{problem.entry.number}: {problem.words}" for problem in entry_problems(entries, names)]


def test_entries_side_by_side_are_fine() -> None:
    assert problems("team/*", "lib") == []


def test_an_entry_behind_one_that_takes_all_never_counts() -> None:
    assert problems("team/*", "team/app") == ["2: never counts: line 12 names everything that it names"]
    assert problems("*", ("lib", "team/*")) == ["2: never counts: line 12 names everything that it names"]


def test_an_overlap_is_told_with_what_it_is_about() -> None:
    assert problems("team/app", "team/*") == ["2: overlaps line 12, which counts for team/app"]
    assert problems(("*p", "team/w*"), "team/[aw]*") == [
        "2: counts for none now: line 12 names team/app and 1 more before"
    ]


def test_an_entry_that_names_nothing_is_told() -> None:
    assert problems("nothing/*") == ["1: names no repository that there is now"]


def test_without_the_repositories_only_what_the_patterns_say_is_told() -> None:
    entries = [entry("team/*", keep="1"), entry("nothing", number=2, keep="1"), entry("team/a", number=3, keep="1")]
    assert [problem.entry for problem in entry_problems(entries, None)] == [entries[2]]


patterns = st.text(alphabet="ab*?/[]!", max_size=6)


@given(patterns, patterns, st.text(alphabet="ab/", max_size=6))
def test_a_pattern_that_takes_in_another_matches_whatever_that_does(wide: str, narrow: str, name: str) -> None:
    if _takes_in(wide, narrow) and fnmatchcase(name, narrow):
        assert fnmatchcase(name, wide)
