"""A pane's titles: what changes each second while tags are read repaints a line, not all that is within the border."""

import pytest
from rich.text import Text
from textual.app import App, ComposeResult
from textual.geometry import Region

from regtui.ui.widgets.lines import Lines
from regtui.ui.widgets.pane import Pane
from tests.support.pilots import resize


class Numbers(Lines):
    def line_count(self) -> int:
        return 100

    def line(self, number: int, width: int) -> Text:
        return Text(f"line {number}")


class PaneApp(App[None]):
    CSS = "Pane { border: round white; padding: 1 2; } #beside { width: 10; }"

    def __init__(self) -> None:
        super().__init__()
        self.pane = Pane(Numbers(), id="numbers")

    def compose(self) -> ComposeResult:
        yield self.pane

    @property
    def lines(self) -> list[str]:
        return [strip.text for strip in self.screen._compositor.render_strips()]


@pytest.fixture
def repainted(monkeypatch: pytest.MonkeyPatch) -> list[Region]:
    """What was asked to be repainted."""
    regions: list[Region] = []
    refresh = Pane.refresh

    def noted(pane: Pane, *given: Region, **options: bool) -> Pane:
        before = set(pane._repaint_regions)
        done = refresh(pane, *given, **options)
        regions.extend(pane._repaint_regions - before)
        return done

    monkeypatch.setattr(Pane, "refresh", noted)
    return regions


async def test_a_title_repaints_its_own_line_of_the_border(repainted: list[Region]) -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.pane.title("above", "below")
        await pilot.pause()
        assert "above" in app.lines[0]
        assert "below" in app.lines[11]
        repainted.clear()
        app.pane.title("above", "340/2,000 read")
        assert repainted == [Region(0, 11, 40, 1)]
        await pilot.pause()
        assert "340/2,000 read" in app.lines[11]
        repainted.clear()
        app.pane.title("another", "340/2,000 read")
        assert repainted == [Region(0, 0, 40, 1)]
        await pilot.pause()
        assert "another" in app.lines[0]


async def test_the_same_titles_again_repaint_nothing(repainted: list[Region]) -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.pane.title("above", "below")
        await pilot.pause()
        repainted.clear()
        app.pane.title("above", "below")
        assert repainted == []


async def test_titles_that_are_told_before_the_first_layout_are_seen() -> None:
    app = PaneApp()
    app.pane.title("early", "too")
    async with app.run_test(size=(40, 12)):
        assert "early" in app.lines[0]
        assert "too" in app.lines[11]


async def test_of_several_titles_the_longest_that_fits_is_shown_at_each_width() -> None:
    app = PaneApp()
    async with app.run_test(size=(30, 12)) as pilot:
        app.pane.title(
            "team/very/long/name · 6 tags, by size", shorter=["team/very/long/name · 6 tags", "…/name · 6 tags"]
        )
        for width, title in ((30, "…/name"), (36, "long/name · 6 tags"), (50, "by size"), (31, "…/name"), (15, "…/na")):
            await resize(pilot, width, 12)
            await pilot.pause()
            assert title in app.lines[0]


async def test_a_title_after_the_pane_grew_is_on_its_new_border() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.pane.title("above", "below")
        await resize(pilot, 60, 20)
        app.pane.title("above", "lower")
        await pilot.pause()
        assert "lower" in app.lines[19]
        assert not any("below" in line for line in app.lines)
