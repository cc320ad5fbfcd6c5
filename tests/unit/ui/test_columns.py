"""Which columns of the tags are shown, and what becomes of what is longer than its own."""

import itertools
import re
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len

from regtui.listing.columns import SortColumn
from regtui.listing.summary import PlatformSummary, Summary
from regtui.listing.tags import TagList
from regtui.oci.digest import Digest
from regtui.ui.widgets.tags.columns import Times, columns_for, line_of
from tests.support.pilots import resize
from tests.support.screens import COMMON, browsing, settled

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SIGNED = f"sha256-{'e995fb291b01' * 5}"
# What the table has at 80x24, 120x30 and 200x50.
NARROW, MEDIUM, WIDE = 50, 84, 86


def tags(*names: str) -> TagList:
    model = TagList()
    model.set_show_hidden(True)
    model.add(names)
    return model


def titles(model: TagList, width: int) -> list[str]:
    return [column.title for column in columns_for(model, width, NOW)]


def lines(model: TagList, width: int) -> list[str]:
    columns = columns_for(model, width, NOW)
    return [line_of(columns, [column.text(row) for column in columns]) for row in model.shown]


def test_date_and_size_are_there_whatever_the_names() -> None:
    assert titles(tags("1.0", "b" * 128), NARROW) == ["TAG", "CREATED", "SIZE", ""]


@pytest.mark.parametrize("width", [MEDIUM, WIDE])
def test_the_digest_goes_before_the_names_of_the_same_image(width: int) -> None:
    """Those are why deleting by digest hurts."""
    assert titles(tags("1.0", "b" * 128), width) == ["TAG", "CREATED", "SIZE", "PLATFORM", "SAME IMAGE"]
    assert titles(tags("1.0", "latest"), width) == ["TAG", "CREATED", "SIZE", "PLATFORM", "DIGEST", "SAME IMAGE"]


def test_times_are_ages_or_dates_in_utc_or_in_the_zone_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    model = tags("1.0")
    created = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
    model.fill([("1.0", Summary(Digest.of(b"1"), "", created, None, ()))])
    shown: list[tuple[str, str]] = []
    times = Times.AGE
    for _ in Times:
        column = columns_for(model, NARROW, NOW, times)[1]
        shown.append((column.title, column.text(model.row(0))))
        times = times.next
    assert shown == [
        ("CREATED", "2 days ago"),
        ("CREATED UTC", "2026-11-20 22:30"),
        ("CREATED HERE", "2026-11-21 07:30"),
    ]
    assert times is Times.AGE


async def test_a_key_steps_through_them() -> None:
    headers = []
    async with browsing(*COMMON, size=(80, 24)) as (pilot, browser):
        for _ in range(4):
            headers.append(browser.table.header(NARROW).plain)
            await pilot.press("T")
            await settled(pilot)
    assert headers[0] == headers[3]
    assert "CREATED UTC" in headers[1]
    assert "CREATED HERE" in headers[2]


@pytest.mark.parametrize("longest", [1, 12, 20, 22, 23, 30, 40, 128])
def test_never_less_at_a_larger_width(longest: int) -> None:
    model = tags("b" * longest)
    before: set[str] = set()
    for width in range(20, 200):
        columns = columns_for(model, width, NOW)
        shown = {column.title for column in columns}
        # The names themselves stand in place of the sign.
        assert before - ({""} if "SAME IMAGE" in shown else set()) <= shown, width
        assert sum(column.width for column in columns) + 2 * (len(columns) - 1) <= max(width, 22)
        before = shown


def test_where_there_is_no_room_for_names_a_sign_tells_that_the_image_has_others() -> None:
    model = tags("1.0", "latest", "old")
    one, other = (Summary(Digest.of(text), "", NOW, None, ()) for text in (b"1", b"2"))
    model.fill([("1.0", one), ("latest", one), ("old", other)])
    assert titles(model, NARROW) == ["TAG", "CREATED", "SIZE", ""]
    assert {line.split()[0]: line.endswith("≡") for line in lines(model, NARROW)} == {
        "1.0": True,
        "latest": True,
        "old": False,
    }


def test_several_platforms_show_what_a_pull_takes_at_most_and_all_of_them_apart() -> None:
    model = tags("several", "single")
    images = tuple(PlatformSummary(None, Digest.of(text), size, NOW) for text, size in ((b"1", 10**7), (b"2", 10**9)))
    several = Summary(Digest.of(b"x"), "", NOW, 1_005_000_000, images)
    single = Summary(Digest.of(b"1"), "", NOW, 10**7, images[:1])
    model.fill([("several", several), ("single", single)])
    assert titles(model, WIDE + 9) == ["TAG", "CREATED", "SIZE", "TOTAL", "PLATFORM", "DIGEST", "SAME IMAGE"]
    shown = {line.split()[0]: line for line in lines(model, WIDE + 9)}
    assert re.search(r"  ≤1GB +1 GB ", shown["several"])
    assert " 10 MB " in shown["single"]
    model.sort(SortColumn.SIZE)
    assert [row.tag for row in model.shown] == ["several", "single"]


async def test_the_table_is_never_narrower_on_a_wider_terminal() -> None:
    """With the columns that it has."""
    seen = []
    async with browsing(*COMMON, size=(80, 24)) as (pilot, browser):
        for width in (80, 100, 120, 159, 160, 180, 199, 200, 240):
            await resize(pilot, width, 40)
            await settled(pilot)
            seen.append(
                (
                    browser.table.size.width,
                    [column.title for column in browser.table._fitting(browser.table.size.width)],
                )
            )
    fitting = [set(columns) - {""} for _, columns in seen]
    assert all(before <= after for before, after in itertools.pairwise(fitting)), seen


def test_long_names_that_differ_at_their_end_look_different() -> None:
    shown = lines(tags(f"{SIGNED}.sig", f"{SIGNED}.sbom"), NARROW)
    assert len({line.split()[0] for line in shown}) == 2
    assert all(line.startswith("sha256-e995") and "…" in line for line in shown)


def test_columns_stand_below_each_other_also_where_a_platform_is_wide() -> None:
    model = tags("1.0", "2.0")
    plain = Summary(Digest.of(b"1"), "", NOW, None, (), artifact_type="application/vnd.example")
    model.fill([("1.0", plain), ("2.0", replace(plain, artifact_type="application/" + "漢字" * 10))])
    columns = columns_for(model, MEDIUM, NOW)
    widths = [column.width for column in columns]
    for line in lines(model, MEDIUM):
        assert cell_len(line) == sum(widths) + 2 * (len(widths) - 1)
