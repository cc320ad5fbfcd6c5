"""Which columns of the tags are shown, and what becomes of what is longer than its own."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len

from regtui.listing.summary import Summary
from regtui.listing.tags import TagList
from regtui.oci import Digest
from regtui.ui.widgets.tags.columns import columns_for, line_of

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
    assert titles(tags("1.0", "b" * 128), NARROW) == ["TAG", "CREATED", "SIZE"]


@pytest.mark.parametrize("width", [MEDIUM, WIDE])
def test_platform_and_digest_too_where_there_is_room(width: int) -> None:
    assert titles(tags("1.0", "b" * 128), width) == ["TAG", "CREATED", "SIZE", "PLATFORM", "DIGEST"]


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
