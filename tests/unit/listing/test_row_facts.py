"""What is known of tags besides the registry: shown, sorted by, and as true after rows came and were filled in."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from regtui.listing.columns import SortColumn
from regtui.listing.row_facts import NOTHING_KNOWN, RowFacts
from regtui.listing.summary import Summary
from regtui.listing.tags import TagList
from regtui.oci.digest import Digest
from regtui.ui.widgets.tags.columns import columns_for

NOW = datetime(2026, 11, 28, tzinfo=UTC)
KNOWN = (SortColumn.IN_USE, SortColumn.PULLED, SortColumn.PUSHED)


def summary(number: int) -> Summary:
    return Summary(Digest(f"sha256:{number:064x}"), "", NOW, number, ())


def facts_of(tag: str, known: Summary | None) -> RowFacts:
    """By the number in the tag; the use only once its digest is known."""
    number = int(tag[1:])
    if number % 3 == 0:
        return NOTHING_KNOWN
    return RowFacts(number if known else None, NOW - timedelta(days=number), None)


def test_one_key_steps_to_what_is_known_and_to_nothing_else() -> None:
    tags = TagList()
    assert [SortColumn.DIGEST.next_of(()), SortColumn.DIGEST.next_of(KNOWN)] == [SortColumn.VERSION, SortColumn.IN_USE]
    tags.add(["v1", "v2", "v3"])
    tags.learn(facts_of, KNOWN[:2])
    for _ in range(4):
        tags.next_sort()
    assert (tags.column, tags.order_words) == (SortColumn.PULLED, "by pulled, newest first")
    assert [row.tag for row in tags.shown] == ["v1", "v2", "v3"]
    tags.next_sort()
    assert tags.column is SortColumn.VERSION


@given(
    st.lists(st.tuples(st.sampled_from(["add", "fill", "learn", "sort", "remove"]), st.integers(0, 40)), max_size=30),
    st.sampled_from(KNOWN[:2]),
    st.booleans(),
)
def test_the_order_is_that_of_the_facts_whatever_came_first(
    steps: list[tuple[str, int]], column: SortColumn, reverse: bool
) -> None:
    tags = TagList(column=column, reverse=reverse)
    for what, number in steps:
        match what:
            case "add":
                tags.add([f"v{number}", f"v{number + 1}"])
            case "fill":
                tags.fill([(f"v{number}", summary(number))])
            case "learn":
                tags.learn(facts_of, KNOWN)
            case "sort":
                tags.sort(column, number % 2 == 0)
            case _:
                tags.remove([f"v{number}"])
    tags.learn(facts_of, KNOWN)
    tags.sort(column, reverse)
    values = [column.of(row) for row in tags.shown]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=reverse)
    assert values == known + [None] * (len(values) - len(known))
    assert all(row.facts == facts_of(row.tag, row.summary) for row in tags.shown)


def test_columns_come_with_what_is_known_and_one_that_fits_stays_at_every_larger_width() -> None:
    tags = TagList()
    tags.add(["v1", "v2"])
    without = [column.title for column in columns_for(tags, 200, NOW)]
    tags.learn(facts_of, KNOWN)
    tags.fill([("v1", summary(1))])
    row = tags.find("v1")
    assert row is not None
    before: set[str] = set()
    for width in range(20, 220):
        columns = columns_for(tags, width, NOW)
        titles = {column.title for column in columns if column.title}
        assert before <= titles | {"SAME IMAGE"}, width
        before = titles
        assert sum(column.width + 2 for column in columns) - 2 <= max(width, 12)
    cells = {column.title: column.text(row) for column in columns}
    assert (cells["IN USE"], cells["PULLED"], cells["PUSHED"]) == ("1", "1d", "")
    assert {*without, "IN USE", "PULLED", "PUSHED"} == set(cells)
