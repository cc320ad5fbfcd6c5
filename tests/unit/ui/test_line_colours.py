"""Lines are drawn in the colour that says what they are."""

from pathlib import Path

from tests.unit.ui.demo_app import browsing, demo_app


async def test_marked_and_broken_tags_have_their_colour(tmp_path: Path) -> None:
    """A Text without parts has its style at one place only, which rich leaves out when it renders it."""
    async with browsing(demo_app(tmp_path), "legacy/billing") as (pilot, browser):
        table, model = browser.table, browser.table.model
        broken = next(line for line, row in enumerate(model.shown) if row.error)
        whole = next(line for line, row in enumerate(model.shown) if not row.error and line != model.line)
        model.mark([model.row(whole).tag])
        await pilot.pause()
        for line, name in ((broken, "tags--broken"), (whole, "tags--marked")):
            strip = table.render_line(line + 1)
            wanted = table.get_component_rich_style(name).color
            assert {segment.style.color for segment in strip if segment.style and segment.text.strip()} == {wanted}
