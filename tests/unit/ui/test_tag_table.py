"""The table of tags: what moves by itself doesn't move the cursor on the screen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region

from regtui.listing.summary import Summary
from regtui.listing.tags import TagList
from regtui.oci.digest import Digest
from regtui.ui.widgets.tags.table import TagTable

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class TableApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.table = TagTable(lambda: NOW)

    def compose(self) -> ComposeResult:
        yield self.table


def summary(number: int) -> Summary:
    return Summary(Digest.of(str(number).encode()), "", NOW - timedelta(days=number), number, ())


async def test_tags_that_sort_in_above_leave_the_cursor_where_it_is_on_the_screen() -> None:
    app = TableApp()
    async with app.run_test(size=(100, 20)) as pilot:
        table, model = app.table, TagList()
        model.add([f"1.{number}" for number in range(200)])
        table.show(model)
        table.focus()
        await pilot.press(*["down"] * 5)
        tag, row = model.cursor, model.line - table.scroll_offset.y
        assert tag is not None
        held, line = table.held_row(), model.line
        model.fill([(f"1.{number}", summary(number)) for number in range(100, 150)])
        assert model.line > line
        table.moved()
        assert held is not None
        table.hold(*held)
        await pilot.pause()
        assert (model.cursor, model.line - table.scroll_offset.y) == (tag, row)


async def test_where_the_cursor_is_not_in_sight_the_first_row_that_is_stays_there() -> None:
    app = TableApp()
    async with app.run_test(size=(100, 20)) as pilot:
        table, model = app.table, TagList()
        model.add([f"1.{number}" for number in range(200)])
        table.show(model)
        await pilot.pause()
        # As the wheel does: the cursor stays behind.
        table.scroll_to(y=100, animate=False, immediate=True)
        held, top = table.held_row(), model.row(100)
        assert held == (top, 100)
        model.fill([(f"1.{number}", summary(number)) for number in (5, 6, 7)])
        table.moved()
        table.hold(*held)
        assert table.scroll_offset.y == 103
        assert model.row(103) is top


async def test_the_first_tag_is_nobodys_choice_as_long_as_nothing_was_moved() -> None:
    app = TableApp()
    async with app.run_test(size=(100, 20)):
        model = TagList()
        app.table.show(model)
        assert app.table.held_row() is None
        model.add([f"1.{number}" for number in range(200)])
        app.table.changed()
        assert app.table.held_row() is None


async def test_of_tags_that_move_by_themselves_only_what_is_seen_to_change_is_repainted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = TableApp()
    async with app.run_test(size=(110, 20)) as pilot:
        table, model = app.table, TagList()
        model.add([f"1.{number}" for number in range(200)])
        model.fill([(f"1.{number}", summary(number)) for number in range(10, 60)])
        table.show(model)
        await pilot.pause()
        repainted: list[int] = []
        refresh = table.refresh

        def counted(*regions: Region, **options: bool) -> TagTable:
            repainted.extend([region.y for region in regions] or range(20))
            return refresh(*regions, **options)

        monkeypatch.setattr(table, "refresh", counted)

        async def after(*batch: tuple[str, Summary]) -> list[int]:
            repainted.clear()
            assert model.fill(batch).reordered
            table.moved()
            done = list(repainted)
            await pilot.pause()
            width = table.scrollable_content_region.width
            shown = [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]
            assert shown[1:] == [table.line(number, width).plain.rstrip() for number in table.visible_lines]
            return done

        assert await after(*[(f"1.{number}", summary(number)) for number in range(100, 150)]) == []
        assert await after(("1.160", replace(summary(12), created=NOW - timedelta(days=160)))) == [3]
        assert await after(("1.170", summary(5))) == list(range(1, 20))
