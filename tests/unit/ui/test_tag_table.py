"""The table of tags: what moves by itself doesn't move the cursor on the screen."""

from datetime import UTC, datetime, timedelta

from textual.app import App, ComposeResult

from regtui.listing.summary import Summary
from regtui.listing.tags import TagList
from regtui.oci import Digest
from regtui.ui.widgets.tags import TagTable

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
        line = model.line
        model.fill([(f"1.{number}", summary(number)) for number in range(100, 150)])
        assert model.line > line
        table.changed()
        table.hold_cursor(line)
        await pilot.pause()
        assert (model.cursor, model.line - table.scroll_offset.y) == (tag, row)


async def test_a_cursor_that_is_not_in_sight_is_not_followed() -> None:
    app = TableApp()
    async with app.run_test(size=(100, 20)) as pilot:
        table, model = app.table, TagList()
        model.add([f"1.{number}" for number in range(200)])
        table.show(model)
        await pilot.pause()
        table.scroll_to(y=100, animate=False, immediate=True)
        line = model.line
        model.fill([("1.5", summary(5))])
        table.changed()
        table.hold_cursor(line)
        assert table.scroll_offset.y == 100
