"""The widget under both lists: whatever its length, it renders what is seen, and is moved by keys and mouse alike."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from regtui.ui.widgets.lines import CursorLines

COUNT = 100_000
HEIGHT = 12


class Numbers(CursorLines):
    """So many lines, with their numbers below a header."""

    has_header = True

    def __init__(self) -> None:
        super().__init__()
        self.count = COUNT
        self.current = 0
        self.rendered: list[int] = []

    def line_count(self) -> int:
        return self.count

    def header(self, width: int) -> Text:
        return Text("NUMBER")

    def line(self, number: int, width: int) -> Text:
        self.rendered.append(number)
        return Text(f"line {number} " + "名" * 60)

    def cursor_line(self) -> int:
        return self.current

    def put_cursor(self, line: int) -> None:
        self.current = min(max(line, 0), self.count - 1)


class NumbersApp(App[None]):
    CSS = "Numbers { border: none; }"

    def __init__(self, numbers: Numbers | None = None) -> None:
        super().__init__()
        self.numbers = numbers or Numbers()
        self.chosen = 0
        self.moved = 0

    def compose(self) -> ComposeResult:
        yield self.numbers

    def on_mount(self) -> None:
        self.animation_level = "none"
        self.numbers.lines_changed()
        self.numbers.focus()

    def on_cursor_lines_chosen(self) -> None:
        self.chosen += 1

    def on_cursor_lines_cursor_moved(self) -> None:
        self.moved += 1


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Pilot[None], NumbersApp]]:
    app = NumbersApp()
    async with app.run_test(size=(40, HEIGHT)) as pilot:
        await pilot.pause()
        app.numbers.rendered.clear()
        yield pilot, app


def seen(app: App[Any]) -> list[str]:
    return [
        "".join(segment.text for segment in strip).rstrip()
        for strip in app.screen._compositor.render_strips(app.screen.size)
    ]


async def test_a_hundred_thousand_lines_are_rendered_by_the_screenful() -> None:
    async with running() as (pilot, app):
        for key in ("pagedown", "end", "home", "pagedown", "pageup"):
            await pilot.press(key)
            await pilot.pause()
        # Each time what is seen, and of what moved on its way what was seen then.
        assert len(app.numbers.rendered) <= 5 * 3 * HEIGHT
        assert seen(app)[0] == "NUMBER"


async def test_the_cursor_repaints_two_lines() -> None:
    async with running() as (pilot, app):
        await pilot.press("down")
        await pilot.pause()
        assert sorted(set(app.numbers.rendered)) == [0, 1]
        assert app.moved == 1


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (["j", "j", "k"], 1),
        (["up"], 0),
        (["G"], COUNT - 1),
        (["end", "down"], COUNT - 1),
        (["end", "g"], 0),
        (["pagedown"], HEIGHT - 1),
        (["ctrl+d"], (HEIGHT - 1) // 2),
        (["ctrl+d", "ctrl+u"], 0),
    ],
)
async def test_keys(keys: list[str], line: int) -> None:
    async with running() as (pilot, app):
        await pilot.press(*keys)
        assert app.numbers.current == line
        assert line in app.numbers.visible_lines


async def test_clicks_move_and_open() -> None:
    async with running() as (pilot, app):
        await pilot.click(Numbers, offset=(3, 4))
        assert (app.numbers.current, app.chosen) == (3, 0)
        await pilot.click(Numbers, offset=(3, 6), times=2)
        assert (app.numbers.current, app.chosen) == (5, 1)
        # The header is no line.
        await pilot.click(Numbers, offset=(3, 0), times=2)
        assert (app.numbers.current, app.chosen) == (5, 1)


async def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    async with running() as (pilot, app):
        numbers = app.numbers
        numbers.post_message(events.MouseScrollDown(numbers, 3, 4, 0, 0, 0, False, False, False))
        await pilot.pause()
        assert numbers.visible_lines.start > 0
        assert numbers.current == 0
        await pilot.press("down")
        await pilot.pause()
        assert 1 in numbers.visible_lines
        assert numbers.vertical_scrollbar.display


async def test_the_cursor_is_in_sight_as_soon_as_few_lines_become_many_again() -> None:
    """A filter that is cleared: the line it was used to find stays before one's eyes."""
    async with running() as (pilot, app):
        numbers = app.numbers
        numbers.count = 2
        numbers.lines_changed()
        await pilot.pause()
        numbers.count, numbers.current = COUNT, 500
        numbers.lines_changed()
        numbers.show_line(500)
        await pilot.pause()
        assert 500 in numbers.visible_lines
        assert any(line.startswith("line 500 ") for line in seen(app))


async def test_lines_are_cut_to_the_width_wide_characters_too() -> None:
    async with running() as (_, app):
        line = seen(app)[3]
        assert line.startswith("line 2 名")
        assert "…" in line


async def test_a_sentence_takes_the_place_of_the_lines_and_gives_it_back() -> None:
    async with running() as (pilot, app):
        app.numbers.tell("Nothing \x1b[31mhere\nyet.")
        await pilot.pause()
        assert [line.strip() for line in seen(app)[1:3]] == ["Nothing \ufffd[31mhere", "yet."]
        app.numbers.tell("")
        await pilot.pause()
        assert seen(app)[1].startswith("line 0")


class Faulty(Numbers):
    """One of its lines can't be drawn."""

    def line(self, number: int, width: int) -> Text:
        if number == 1:
            raise ZeroDivisionError
        return super().line(number, width)


async def test_a_fault_in_one_line_is_told_there_and_in_the_crash_log_once(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[BaseException] = []
    monkeypatch.setattr("regtui.ui.widgets.lines.log_crash", logged.append)
    app = NumbersApp(Faulty())
    async with app.run_test(size=(80, HEIGHT)) as pilot:
        for key in ("pagedown", "home"):
            await pilot.press(key)
            await pilot.pause()
        lines = seen(app)
        assert lines[1].startswith("line 0 ")
        assert lines[2].startswith("This line can't be shown: an internal error (ZeroDivisionError).")
        assert lines[3].startswith("line 2 ")
        assert [type(error) for error in logged] == [ZeroDivisionError]
