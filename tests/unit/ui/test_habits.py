"""Keys and clicks that people bring along from lazygit, k9s, vim and file managers."""

import pytest
from textual import events
from textual.widget import Widget

from regtui.registry.values import Deletion
from regtui.ui.browsing.last_time import LastTime
from regtui.ui.screens.delete import DeleteScreen
from regtui.ui.screens.help import HelpScreen, KeyLines
from regtui.ui.screens.requests import RequestLines
from regtui.ui.widgets.hints import Hints, pressed_by
from tests.support.screens import COMMON, browsing, settled


def is_shown(widget: Widget) -> bool:
    return widget.display


async def test_digits_go_to_the_panes() -> None:
    async with browsing() as (pilot, browser):
        for key, pane in (("2", browser.table), ("3", browser.view), ("1", browser.lines)):
            await pilot.press(key)
            await settled(pilot)
            assert pane.has_focus


async def test_a_zoomed_screen_stays_zoomed_where_a_digit_goes_to_another_pane() -> None:
    async with browsing(*COMMON, "z", "3") as (pilot, browser):
        assert browser.details_pane.size.width > 110
        assert not is_shown(browser.tags_pane)
        await pilot.press("z")
        await settled(pilot)
        assert is_shown(browser.tags_pane)
        assert browser.view.has_focus


@pytest.mark.parametrize("key", ["r", "ctrl+r", "f5"])
async def test_keys_that_reload(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with browsing() as (pilot, browser):
        loaded: list[str] = []
        monkeypatch.setattr(browser, "load_repositories", lambda: loaded.append(key))
        await pilot.press(key)
        assert loaded == [key]


async def test_f1_helps_and_delete_deletes() -> None:
    async with browsing(*COMMON, "f1") as (pilot, _):
        assert isinstance(pilot.app.screen, HelpScreen)
        await pilot.press("escape", "delete")
        await settled(pilot)
        assert isinstance(pilot.app.screen, DeleteScreen)


async def test_shift_and_arrows_mark_and_a_step_back_takes_the_mark_away() -> None:
    async with browsing(*COMMON) as (pilot, browser):
        tags = [row.tag for row in browser.table.model.shown]
        marked = browser.table.model
        await pilot.press("j", "shift+down", "shift+down", "shift+down")
        assert marked.marked == tags[1:5]
        await pilot.press("shift+up", "shift+up")
        assert marked.marked == tags[1:3]
        await pilot.press("shift+up", "shift+up")
        assert set(marked.marked) == {tags[0], tags[1]}
        await pilot.press("G", "shift+up")
        assert set(marked.marked) == {tags[0], tags[1], tags[-1], tags[-2]}


async def test_n_and_capital_n_go_through_what_a_filter_left() -> None:
    async with browsing(*COMMON, "slash", *"0.0.3", "enter") as (pilot, browser):
        tags = [row.tag for row in browser.table.model.shown]
        await pilot.press("n")
        assert browser.table.model.cursor == tags[1]
        await pilot.press("N", "N")
        assert browser.table.model.cursor == tags[-1]


async def test_y_copies_the_references_of_all_marked_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    async with browsing(*COMMON, "space", "space") as (pilot, browser):
        copied: list[str] = []
        monkeypatch.setattr(pilot.app, "copy_to_clipboard", copied.append)
        await pilot.press("y", "Y")
        by_tag, by_digest = (text.splitlines() for text in copied)
        assert by_tag == [f"demo.localhost/fullstack/common:{tag}" for tag in browser.table.model.marked]
        assert len(by_digest) == 2
        assert all("@sha256:" in line for line in by_digest)


async def test_a_click_opens_a_repository_and_folds_a_namespace() -> None:
    async with browsing() as (pilot, browser):
        line = next(n for n, node in enumerate(browser.lines.model.shown) if node.name == "fullstack/common")
        await pilot.click(browser.lines, offset=(8, line))
        await settled(pilot)
        assert browser.repository == "fullstack/common"
        assert browser.table.has_focus
        namespace = next(n for n, node in enumerate(browser.lines.model.shown) if node.name == "fullstack")
        total = len(browser.lines.model.shown)
        await pilot.click(browser.lines, offset=(8, namespace))
        await settled(pilot)
        assert len(browser.lines.model.shown) < total


async def test_a_click_on_a_hint_presses_its_key() -> None:
    async with browsing(*COMMON) as (pilot, browser):
        hints = browser.query_one(Hints)
        x = hints.render().plain.index("space mark")
        await pilot.click(hints, offset=(x + 2, 0))
        await settled(pilot)
        assert browser.table.model.marked_count == 1
        assert browser.table.has_focus
        await pilot.click(hints, offset=(hints.render().plain.index("? help"), 0))
        await settled(pilot)
        assert isinstance(pilot.app.screen, HelpScreen)


def test_hints_name_keys_as_the_terminal_sends_them() -> None:
    assert pressed_by("^g") == pressed_by("ctrl+g") == ("ctrl+g", None)
    assert pressed_by("d") == ("d", "d")
    assert pressed_by("↑ ↓") is None
    assert events.Key(*(pressed_by("/") or ("", ""))).character == "/"


async def test_h_goes_back_one_pane_as_l_goes_on() -> None:
    async with browsing(*COMMON, "l") as (pilot, browser):
        assert browser.view.has_focus
        await pilot.press("h")
        await settled(pilot)
        assert browser.table.has_focus
        await pilot.press("h")
        await settled(pilot)
        assert browser.lines.has_focus


async def test_on_narrow_screens_the_details_take_the_whole_screen_and_their_keys_do_what_they_do_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with browsing(*COMMON, "enter", size=(80, 24)) as (pilot, browser):
        copied: list[str] = []
        monkeypatch.setattr(pilot.app, "copy_to_clipboard", copied.append)
        assert browser.details_pane.size.width > 70
        assert not is_shown(browser.tags_pane)
        assert "? help" in browser.query_one(Hints).render().plain
        await pilot.press("y")
        assert copied[-1].endswith(f"fullstack/common:{browser.table.model.cursor}")
        await pilot.press("d")
        await settled(pilot)
        assert isinstance(pilot.app.screen, DeleteScreen)
        await pilot.press("escape")
        await settled(pilot)
        for back in ("escape", "h", "2", "z"):
            assert browser.view.has_focus
            await pilot.press(back)
            await settled(pilot)
            assert browser.table.has_focus
            assert not is_shown(browser.details_pane)
            assert is_shown(browser.tags_pane)
            await pilot.press("enter")
            await settled(pilot)


async def test_the_tags_follow_the_cursor_in_the_tree_by_name_until_one_goes_there() -> None:
    async with browsing() as (pilot, browser):
        await pilot.press("slash", *"common", "enter")
        await settled(pilot)
        assert browser.repository == "fullstack/common"
        model = browser.table.model
        assert (model.total, model.filled) == (42, 0)
        assert "names only" in str(browser.tags_pane.border_subtitle)
        assert browser.view.details is None
        await pilot.press("tab")
        await settled(pilot)
        assert browser.table.has_focus
        assert model.filled == model.total
        assert browser.view.details is not None


async def test_no_mark_is_dropped_because_the_cursor_moves_in_the_tree() -> None:
    async with browsing(*COMMON, "space", "1", "down", "down") as (_, browser):
        assert browser.repository == "fullstack/common"
        assert browser.table.model.marked_count == 1


async def test_the_cursor_goes_from_layer_to_layer_whose_digest_y_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    async with browsing(*COMMON, "enter", "right_square_bracket") as (pilot, browser):
        copied: list[str] = []
        monkeypatch.setattr(pilot.app, "copy_to_clipboard", copied.append)
        assert browser.view.image is not None
        layers = browser.view.image.layers
        await pilot.press("j", "y")
        await settled(pilot)
        assert copied == [layers[1].digest]
        await pilot.press("enter")
        text = "\n".join(line.plain for line in browser.view._lines)
        assert layers[1].digest in text
        assert "also in" in text
        others = [tag for tag in browser.table.model.rows if tag.tag != browser.table.model.cursor]
        assert f"and {len(others) - 8} more" in text, "the base layer is in every tag"
        await pilot.press("s", "G", "y")
        await settled(pilot)
        smallest = min(layers, key=lambda layer: layer.size or 0)
        assert copied[-1] == smallest.digest


async def test_whether_deletion_is_on_is_asked_at_the_first_mark_and_known_the_next_time() -> None:
    async with browsing(*COMMON) as (pilot, browser):
        log = browser.session.requests

        def asked() -> int:
            return sum(each.method == "DELETE" for each in log.latest())

        assert asked() == 0, "opening a registry asks for no deletion, not even of nothing"
        assert browser.deletion is Deletion.UNKNOWN
        await pilot.press("space")
        await settled(pilot)
        assert asked() == 2
        assert "deletion on" in browser._header.render().plain
        await pilot.press("space")
        await settled(pilot)
        assert asked() == 2
        await pilot.press("exclamation_mark")
        await settled(pilot)
        lines = pilot.app.screen.query_one(RequestLines)
        told = [lines.line(number, 160).plain for number in range(lines.line_count())]
        assert sum("asks whether it may" in line for line in told) == asked()
        assert LastTime(browser.session).deletion in (Deletion.UNKNOWN, browser.deletion)


async def test_help_finds_a_key_by_a_word() -> None:
    async with browsing(*COMMON, "question_mark", "slash", *"palette", "enter") as (pilot, _):
        keys = pilot.app.screen.query_one(KeyLines)
        assert keys.line_count() == 0
        await pilot.press("escape", "slash", *"mark by rule", "enter")
        lines = [keys.line(number, 80).plain for number in range(keys.line_count())]
        assert [line.split()[0] for line in lines] == ["Tags", "*"]
        await pilot.press("escape", "escape")
        await settled(pilot)
        assert not isinstance(pilot.app.screen, HelpScreen)
