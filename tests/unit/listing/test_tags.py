"""The list of tags: order, filter, marks, and a cursor that nothing moves but its user."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from regtui import bounds
from regtui.listing import sorted_rows
from regtui.listing.columns import SortColumn
from regtui.listing.summary import Summary
from regtui.listing.tags import Changed, TagList
from regtui.names.order import order_key
from regtui.oci.digest import Digest

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def summary(image: str, *, day: int | None = 0, size: int | None = 1, blobs: Iterable[tuple[str, int]] = ()) -> Summary:
    created = None if day is None else EPOCH + timedelta(days=day)
    pairs = tuple((Digest.of(name.encode()), count) for name, count in blobs)
    return Summary(Digest.of(image.encode()), "type", created, size, (), blobs=pairs)


def listed(tags: TagList) -> list[str]:
    return [row.tag for row in tags.shown]


def versions(*names: str) -> TagList:
    tags = TagList(column=SortColumn.VERSION)
    tags.add(names)
    return tags


def test_versions_newest_first_and_the_other_way_round() -> None:
    tags = versions("0.9", "latest", "0.10", "1.0-rc1", "1.0")
    assert listed(tags) == ["latest", "1.0", "1.0-rc1", "0.10", "0.9"]
    tags.sort(SortColumn.VERSION, reverse=False)
    assert listed(tags) == ["0.9", "0.10", "1.0-rc1", "1.0", "latest"]


def test_sorting_steps_through_the_columns_and_says_so() -> None:
    tags = versions("1.0")
    words = []
    for _ in range(4):
        tags.next_sort()
        words.append(tags.order_words)
    assert words == ["by created, newest first", "by size, largest first", "by digest", "by version, newest first"]


def test_unknown_values_come_last_in_both_directions_and_equal_ones_by_version() -> None:
    tags = TagList()
    tags.add(["1", "2", "3", "4", "5"])
    tags.fill([("1", summary("a", day=9)), ("2", summary("b", day=1)), ("3", summary("c", day=1))])
    tags.fill([("4", summary("d", day=None))])
    assert listed(tags) == ["1", "3", "2", "5", "4"]
    tags.sort(SortColumn.CREATED, reverse=False)
    assert listed(tags) == ["2", "3", "1", "4", "5"]


def test_filling_names_the_lines_that_changed_also_those_that_share_the_image() -> None:
    tags = versions("1.0", "1.1", "latest")
    assert tags.fill([("1.1", summary("a"))]) == Changed((1,), False)
    change = tags.fill([("latest", summary("a")), ("gone", summary("x"))])
    assert (change.lines, change.reordered) == ((0, 1), False)
    assert tags.fill([("latest", summary("a"))]).lines == ()
    assert (tags.filled, tags.total) == (2, 3)


def test_filling_may_reorder_but_the_cursor_stays_on_its_tag() -> None:
    tags = TagList()
    tags.add(["1", "2", "3"])
    tags.move_to(1)
    assert tags.cursor == "2"
    assert tags.fill([("1", summary("a", day=5))]).reordered
    assert (listed(tags), tags.cursor, tags.line) == (["1", "3", "2"], "2", 2)
    assert not tags.fill([("3", summary("b", day=1))]).reordered


def test_an_untouched_cursor_stays_on_the_first_line_while_pages_arrive() -> None:
    tags = versions("1.0")
    tags.add(["2.0"])
    assert (tags.cursor, tags.line) == ("2.0", 0)
    tags.move_to(1)
    tags.add(["3.0"])
    assert (tags.cursor, tags.line) == ("1.0", 2)


def test_an_untouched_cursor_stays_on_the_first_line_while_filling_reorders() -> None:
    tags = TagList()
    tags.add(["1", "2"])
    assert tags.fill([("1", summary("a"))]).reordered
    assert (tags.cursor, tags.line) == ("1", 0)


def test_the_filter_needs_every_word_in_any_case() -> None:
    tags = versions("1.0-Alpine", "1.0", "1.1-alpine")
    tags.filter("ALP 1.0")
    assert listed(tags) == ["1.0-Alpine"]
    tags.filter("alp 1.0x")
    assert (listed(tags), tags.cursor) == ([], None)
    tags.filter("")
    assert len(tags.shown) == 3


def test_a_cursor_that_the_filter_hid_comes_back_unless_it_was_moved() -> None:
    tags = versions("1", "2", "3", "33")
    tags.select("1")
    tags.filter("3")
    assert tags.cursor == "33"
    tags.filter("")
    assert tags.cursor == "1"
    tags.filter("3")
    tags.move_to(tags.line + 1)
    tags.filter("")
    assert tags.cursor == "3"


def test_a_filter_that_hides_everything_does_not_forget_the_cursor() -> None:
    tags = versions("1", "2", "3")
    tags.select("2")
    tags.filter("x")
    tags.filter("")
    assert tags.cursor == "2"


def test_the_cursor_of_a_deleted_tag_goes_to_the_one_that_follows() -> None:
    tags = versions("1", "2", "3")
    tags.select("2")
    tags.remove(["2", "never was"])
    assert (listed(tags), tags.cursor) == (["3", "1"], "1")
    tags.remove(["1"])
    assert tags.cursor == "3"
    tags.remove(["3"])
    assert (tags.line, listed(tags)) == (0, [])


def test_a_reload_keeps_what_stays() -> None:
    tags = versions("1", "2", "3")
    tags.fill([("2", summary("a"))])
    tags.mark(["1", "2"])
    tags.select("2")
    tags.replace(["2", "3", "4"])
    assert listed(tags) == ["4", "3", "2"]
    assert (tags.marked, tags.marked_count, tags.cursor, tags.filled) == (["2"], 1, "2", 1)


def test_marks_survive_filtering_and_mark_shown_means_shown() -> None:
    tags = versions("1.0", "1.1", "2.0", "2.1")
    tags.filter("1.")
    tags.mark_shown()
    tags.filter("2.")
    assert tags.marked == ["1.1", "1.0"]
    tags.invert()
    tags.filter("")
    assert tags.marked == ["2.1", "2.0", "1.1", "1.0"]
    tags.toggle("2.0")
    tags.toggle("1.0")
    assert (tags.marked, tags.marked_count) == (["2.1", "1.1"], 2)
    tags.clear_marks()
    assert tags.marked == []


def test_a_range_is_marked_in_either_direction() -> None:
    tags = versions("1", "2", "3", "4")
    tags.mark_range(2, 1)
    assert tags.marked == ["3", "2"]


def test_digest_tags_are_folded_under_their_image() -> None:
    digest = Digest.of(b"a")
    signature = f"sha256-{digest.encoded}.sig"
    tags = versions("1.0", signature, f"sha256-{Digest.of(b'b').encoded}", "sha256-short")
    assert listed(tags) == ["sha256-short", "1.0"]
    tags.fill([("1.0", summary("a"))])
    assert tags.attached("1.0") == (signature,)
    tags.mark_shown()
    assert tags.marked_count == 2
    tags.set_show_hidden(True)
    assert len(tags.shown) == 4
    tags.remove([signature])
    assert tags.attached("1.0") == ()


def test_the_same_image_is_known_by_digest_and_forgotten_with_it() -> None:
    tags = versions("1.0", "1.1", "latest")
    tags.fill([(name, summary("a")) for name in ("latest", "1.1", "1.0")])
    assert tags.same_image("1.1") == ("1.0", "latest")
    tags.fill([("latest", summary("b"))])
    assert tags.same_image("latest") == ()
    tags.remove(["1.1"])
    assert tags.same_image("1.0") == ()
    assert tags.same_image("?") == ()


def freed(tags: TagList, names: list[str]) -> int | None:
    """What deleting these frees."""
    tags.clear_marks()
    tags.mark(names)
    return tags.marked_free_up_to()


def test_what_deletion_frees_is_what_nobody_else_uses_each_blob_once() -> None:
    tags = versions("1", "2", "3")
    base, top = ("base", 100), ("top", 7)
    tags.fill([("1", summary("a", blobs=[base, top])), ("2", summary("b", blobs=[base, ("two", 20)]))])
    assert freed(tags, ["1"]) is None
    tags.fill([("3", summary("c", blobs=[top]))])
    assert freed(tags, ["1"]) == 0
    assert freed(tags, ["2"]) == 20
    assert freed(tags, ["1", "3"]) == 7
    assert freed(tags, ["1", "2", "3"]) == 127
    tags.remove(["3"])
    assert freed(tags, ["1"]) == 7


def test_of_more_blobs_than_are_held_no_less_is_told_than_deletion_frees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "BLOBS", 3)
    tags = versions("1", "2", "3")
    base = ("base", 100)
    for name, top in (("1", 1), ("2", 20), ("3", 7)):
        tags.fill([(name, summary(name, size=100 + top, blobs=[base, (name, top)]))])
    assert [len(row.blobs) for row in tags.rows] == [0, 2, 2]
    assert (freed(tags, ["1"]), freed(tags, ["2"]), freed(tags, ["3"])) == (1, 20, 107)
    assert freed(tags, ["1", "2", "3"]) == 121 + 107
    # Where there is room again, they are told apart again.
    tags.remove(["2"])
    tags.fill([("3", summary("3", size=107, blobs=[base, ("3", 7)]))])
    assert freed(tags, ["3"]) == 7
    # Uses of the same blobs take memory, too.
    many = versions(*(f"1.{number}" for number in range(40)))
    many.fill([(f"1.{number}", summary(f"{number}", size=100, blobs=[base])) for number in range(40)])
    assert sum(len(row.blobs) for row in many.rows) == 30


def test_what_deletion_frees_has_the_manifests_that_no_other_tag_leads_to() -> None:
    tags = versions("1", "2", "latest")
    one, two = (replace(summary(name), manifest_bytes=size) for name, size in (("a", 500), ("b", 30)))
    tags.fill([("1", one), ("latest", one), ("2", two)])
    assert freed(tags, ["1"]) == 0
    assert freed(tags, ["1", "2"]) == 30
    assert freed(tags, ["1", "latest"]) == 500


def test_what_the_marked_ones_free_follows_marks_and_summaries() -> None:
    tags = versions("1", "2")
    tags.fill([("1", summary("a", blobs=[("one", 1)])), ("2", summary("b", blobs=[("two", 20)]))])
    assert tags.marked_free_up_to() == 0
    tags.mark(["1"])
    assert tags.marked_free_up_to() == 1
    tags.invert()
    assert tags.marked_free_up_to() == 20
    tags.fill([("2", summary("c", blobs=[("two", 20), ("three", 300)]))])
    assert tags.marked_free_up_to() == 320
    tags.add(["3"])
    assert tags.marked_free_up_to() is None
    tags.remove(["3", "2"])
    assert tags.marked_free_up_to() == 0


def test_a_tag_that_failed_is_not_filled_and_asked_for_again() -> None:
    tags = versions("1", "2", "3")
    tags.fill([("1", Summary.failed("It failed.")), ("2", Summary.gone())])
    assert (tags.filled, tags.unfilled()) == (1, ["3", "1"])
    row = tags.find("1")
    assert row is not None
    assert row.error == "It failed."


NAMES = [f"1.{number}{variant}" for number in range(6) for variant in ("", "-Alpine")]
NAMES += [f"sha256-{Digest.of(b'a').encoded}.sig"]
SUMMARIES = st.one_of(
    st.just(Summary.gone()),
    st.just(Summary.failed("no")),
    st.builds(
        summary,
        st.sampled_from("abc"),
        day=st.none() | st.integers(0, 3),
        size=st.none() | st.integers(0, 3),
        blobs=st.lists(st.sampled_from([("x", 1), ("y", 2), ("z", 4)]), unique=True),
    ),
)


class AnySession(RuleBasedStateMachine):
    """Whatever is done in whatever order: the list equals one that is computed anew the slow way."""

    def __init__(self) -> None:
        super().__init__()
        self.few = sorted_rows._FEW
        self.tags = TagList()
        self.known: dict[str, Summary | None] = {}
        self.marks: set[str] = set()

    @initialize(few=st.sampled_from([0, 1_000]))
    def sort_all_or_put_in_place(self, few: int) -> None:
        """Which of them is quicker at so many rows makes no difference."""
        sorted_rows._FEW = few  # type: ignore[misc]

    def teardown(self) -> None:
        sorted_rows._FEW = self.few  # type: ignore[misc]

    @rule(names=st.lists(st.sampled_from(NAMES)))
    def add(self, names: list[str]) -> None:
        before = self.tags.cursor
        self.tags.add(names)
        self.known = dict.fromkeys(names) | self.known
        if self.tags._cursor.is_touched and before is not None:
            assert self.tags.cursor == before

    @rule(names=st.lists(st.sampled_from(NAMES)))
    def remove(self, names: list[str]) -> None:
        self.tags.remove(names)
        self.marks -= set(names)
        self.known = {name: value for name, value in self.known.items() if name not in names}

    @rule(batch=st.lists(st.tuples(st.sampled_from(NAMES), SUMMARIES)))
    def fill(self, batch: list[tuple[str, Summary]]) -> None:
        before, lines = self.tags.cursor, listed(self.tags)
        change = self.tags.fill(batch)
        self.known |= {name: value for name, value in batch if name in self.known}
        if self.tags._cursor.is_touched:
            assert self.tags.cursor == before
        assert change.reordered == (lines != listed(self.tags))

    @rule(text=st.sampled_from(["", "1", "1.2", "alp", "ALP 1", "nothing"]))
    def filter(self, text: str) -> None:
        self.tags.filter(text)

    @rule(column=st.sampled_from(SortColumn), reverse=st.booleans())
    def sort(self, column: SortColumn, reverse: bool) -> None:
        before = self.tags.cursor
        self.tags.sort(column, reverse)
        assert self.tags.cursor == before

    @rule(show=st.booleans())
    def show_hidden(self, show: bool) -> None:
        self.tags.set_show_hidden(show)

    @rule(line=st.integers(-2, 15))
    def move(self, line: int) -> None:
        self.tags.move_to(line)

    @rule(name=st.sampled_from(NAMES))
    def toggle(self, name: str) -> None:
        self.tags.toggle(name)
        self.marks ^= {name} & set(self.known)

    @rule()
    def mark_shown(self) -> None:
        self.tags.mark_shown()
        self.marks |= set(listed(self.tags))

    @invariant()
    def the_order_is_right(self) -> None:
        column, reverse = self.tags.column, self.tags.reverse
        words = self.tags.filter_text.lower().split()
        names = [
            name
            for name in sorted(self.known, key=order_key)
            if all(word in name.lower() for word in words) and (self.tags.show_hidden or not name.startswith("sha256-"))
        ]
        values: dict[str, Any] = {name: getattr(self.known[name], column.value, None) for name in names}
        if column is SortColumn.VERSION:
            expected = names[::-1] if reverse else names
        else:
            with_value = sorted((n for n in names if values[n] is not None), key=lambda n: values[n])
            without = [n for n in names if values[n] is None]
            expected = with_value[::-1] + without[::-1] if reverse else with_value + without
        assert listed(self.tags) == expected

    @invariant()
    def the_cursor_is_on_its_line(self) -> None:
        if self.tags.shown:
            assert self.tags.row(self.tags.line).tag == self.tags.cursor
        else:
            assert self.tags.cursor is None

    @invariant()
    def the_counts_are_right(self) -> None:
        done = [value for value in self.known.values() if value is not None and not value.is_retryable]
        assert (self.tags.filled, self.tags.total) == (len(done), len(self.known))
        assert set(self.tags.marked) == self.marks
        assert self.tags.marked_count == len(self.marks)

    @invariant()
    def what_is_freed_is_right(self) -> None:
        if any(value is None or value.is_retryable for value in self.known.values()):
            assert self.tags.marked_free_up_to() is None
            return
        blobs = {name: set(value.blobs) for name, value in self.known.items() if value is not None}
        kept = set().union(*(blobs[name] for name in blobs if name not in self.marks))
        gone = set().union(*(blobs[name] for name in self.marks)) - kept
        assert self.tags.marked_free_up_to() == sum(size for _, size in gone)

    @invariant()
    def the_same_images_are_right(self) -> None:
        for name, value in self.known.items():
            digest = value.digest if value is not None else None
            same = {n for n, v in self.known.items() if v is not None and v.digest == digest and n != name}
            assert set(self.tags.same_image(name)) == (same if digest is not None else set())


AnySession.TestCase.settings = settings(max_examples=100, stateful_step_count=20)
TestAnySession = AnySession.TestCase


def test_a_mark_is_of_what_the_tag_led_to_when_it_was_marked() -> None:
    tags = versions("a", "b", "c", "d")
    tags.fill([("a", summary("one")), ("b", Summary.gone()), ("d", summary("four"))])
    tags.mark(["a", "b", "c"])
    tags.fill([("a", summary("other")), ("b", summary("other")), ("c", summary("other"))])
    one, other, four = (Digest.of(name) for name in (b"one", b"other", b"four"))
    # What was not known when it was marked is what is shown since; what isn't marked is what is shown.
    assert tags.seen(["a", "b", "c", "d", "e"]) == {"a": one, "b": None, "c": other, "d": four}
    tags.toggle("a")
    tags.toggle("a")
    tags.invert()
    assert tags.seen(["a", "b"]) == {"a": other, "b": other}
    assert tags.marked == ["d"]


def test_what_rules_judged_is_marked_where_nothing_else_is_shown() -> None:
    tags = versions("a", "b", "c")
    tags.fill([("a", summary("one")), ("b", summary("two"))])
    one, judged = Digest.of(b"one"), Digest.of(b"judged")
    assert tags.mark_as({"a": one, "b": judged, "c": judged, "gone": judged}) == ["b"]
    assert set(tags.marked) == {"a", "c"}
    tags.fill([("c", summary("other"))])
    assert tags.seen(["a", "c"]) == {"a": one, "c": judged}


def test_what_leads_elsewhere_by_now_is_read_again_where_it_stands_and_unmarked() -> None:
    tags = versions("a", "b")
    tags.fill([("a", summary("one")), ("b", summary("two"))])
    tags.mark(["a", "b"])
    tags.select("a")
    tags.ask_again(["a", "gone"])
    assert (tags.unfilled(), tags.marked, tags.cursor) == (["a"], ["b"], "a")
    tags.fill([("a", summary("one"))])
    assert tags.unfilled() == []
