"""Lines are drawn in the colour that says what they are."""

from pathlib import Path

from textual.strip import Strip

from regtui.ui.widgets.details.drawing import field
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


async def test_namespaces_counts_and_labels_stand_back(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), "fullstack/common") as (_, browser):
        lines = browser.lines
        shown = lines.model.shown
        namespace = next(number for number, node in enumerate(shown) if not node.is_repository)
        counted = next(number for number, node in enumerate(shown) if node.count and node.is_repository)
        assert _dim(lines.render_line(namespace)).startswith("▾")
        assert _dim(lines.render_line(counted)).strip() == f"{shown[counted].count}"


def _dim(strip: Strip) -> str:
    return "".join(segment.text for segment in strip if segment.style and segment.style.dim)


def test_a_label_stands_back_and_its_value_does_not() -> None:
    (line,) = field("digest", "sha256:12", 80)
    assert [line.plain[span.start : span.end].strip() for span in line.spans if span.style == "dim"] == ["digest"]
    assert not line.style
