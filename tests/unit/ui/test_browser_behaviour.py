"""The browser's keys do what docs/interface.md says, and nothing moves that the user didn't move."""

import asyncio
import threading
from pathlib import Path

import pytest
from textual.binding import Binding

from regtui.listing.details import Details
from regtui.local.memory import MemoryStorage
from regtui.registry.values import Deletion
from regtui.ui.app import RegtuiApp
from regtui.ui.palette import BrowserCommands, Palette
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.delete import DeleteScreen
from regtui.ui.screens.help import HelpScreen, KeyLines
from regtui.ui.widgets.hints import Hints
from tests.support.patience import PATIENCE
from tests.support.pilots import resize
from tests.support.screens import palette_offers
from tests.unit.ui.demo_app import MEDIUM, browsing, demo_app, settled, shown, transport_of, type_text

COMMON = "fullstack/common"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All that is told in passing: on the screen it is for a moment."""
    words: list[str] = []
    monkeypatch.setattr(RegtuiApp, "notify", lambda _, message, **__: words.append(message))
    return words


SMALL = (80, 24)


async def test_opens_the_first_repository_and_says_how_many_there_are(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path)) as (_, screen):
        assert screen.repository == "charts/gateway"
        assert screen.lines.model.total == 15
        assert shown(screen) == ["0.4.1", "0.4.0", "0.3.0"]
        assert screen.lines.has_focus


async def test_all_tags_are_filled_in_and_sorted_by_date_over_all_of_them(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (_, screen):
        model = screen.table.model
        assert model.filled == model.total == len(shown(screen))
        created = [row.summary.created for row in model.shown if row.summary and row.summary.created]
        assert created == sorted(created, reverse=True)
        assert "0.0.17" in model.same_image("0.0.16")


async def test_marks_one_and_moves_down(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        tags = shown(screen)
        await pilot.press("space", "space")
        assert screen.table.model.marked == tags[:2]
        assert screen.table.model.cursor == tags[2]
        assert "2 marked" in str(screen.tags_pane.border_subtitle)
        assert "frees up to" in str(screen.tags_pane.border_subtitle)


async def test_marks_a_range_in_both_directions(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        tags = shown(screen)
        await pilot.press("j", "j", "v", "j", "j", "v")
        assert screen.table.model.marked == tags[2:5]
        await pilot.press("escape", "v", "k", "v")
        assert screen.table.model.marked == tags[3:5]


async def test_escape_drops_a_range_that_was_begun_and_keeps_the_marks(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        await pilot.press("space", "v", "escape")
        assert screen.table.range_from is None
        assert screen.table.model.marked_count == 1


async def test_marks_all_that_the_filter_shows_and_inverts(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        total = screen.table.model.total
        await pilot.press("slash")
        await type_text(pilot, "0.0.4")
        await pilot.press("enter", "a")
        matching = shown(screen)
        assert 0 < len(matching) < total
        assert screen.table.model.marked == matching
        await pilot.press("escape")
        assert len(shown(screen)) == total
        assert screen.table.model.marked_count == len(matching)
        await pilot.press("i")
        assert screen.table.model.marked_count == total - len(matching)


async def test_enter_keeps_the_filter_and_escape_clears_it(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        total = len(shown(screen))
        await pilot.press("slash")
        await type_text(pilot, "43")
        assert shown(screen) == ["0.0.43"]
        await pilot.press("enter")
        assert screen.table.has_focus
        assert shown(screen) == ["0.0.43"]
        await pilot.press("escape")
        assert len(shown(screen)) == total
        await pilot.press("slash")
        await type_text(pilot, "43")
        await pilot.press("escape")
        assert len(shown(screen)) == total
        assert screen.table.has_focus


@pytest.mark.parametrize("keys", [["slash", "3", "9", "enter"], ["s", "s"], ["S"], ["full_stop"]])
async def test_the_details_are_those_of_the_tag_under_the_cursor_however_it_came_there(
    keys: list[str], tmp_path: Path
) -> None:
    """What `d` would take is what stands beside it."""
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        await pilot.press("home")
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
        await settled(pilot)
        assert screen.view.details is not None
        assert screen.view.details.reference == screen.table.model.cursor


async def test_a_filter_that_matches_nothing_says_so_and_escape_brings_everything_back(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        for pane in (screen.tags_pane, screen.repositories_pane):
            pane.focus()
            await pilot.pause()
            await pilot.press("slash")
            await type_text(pilot, "nothing")
            await pilot.press("enter")
            await pilot.pause()
            assert "match" in pane.body._said
            await pilot.press("escape")
            await pilot.pause()
            assert not pane.body._said
            assert pane.body.has_focus


async def test_where_a_filter_matches_nothing_there_are_no_details(tmp_path: Path) -> None:
    """Else they would be of a tag that is nowhere to be seen."""
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        await settled(pilot)
        before = screen.view.details
        assert before is not None
        await pilot.press("slash")
        await type_text(pilot, "nothing")
        await settled(pilot)
        assert screen.view.details is None
        assert str(screen.details_pane.border_title) == "Details"
        await pilot.press("escape")
        await settled(pilot)
        assert screen.view.details == before


async def test_sorting_keeps_the_cursor_on_its_tag(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        await pilot.press("j", "j", "j")
        tag = screen.table.model.cursor
        for key in ("s", "S", "s", "s"):
            await pilot.press(key)
            assert screen.table.model.cursor == tag
            assert screen.table.model.line in screen.table.visible_lines
            assert screen.table.model.order_words in str(screen.tags_pane.border_title)


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (["j", "j", "k"], 1),
        (["down", "up", "up"], 0),
        (["G"], -1),
        (["end", "home"], 0),
        (["G", "g"], 0),
        (["ctrl+d", "ctrl+u"], 0),
        (["pagedown", "pageup"], 0),
    ],
)
async def test_moves(tmp_path: Path, keys: list[str], line: int) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        await pilot.press(*keys)
        total = len(shown(screen))
        assert screen.table.model.line == line % total


async def test_zooms_the_focused_pane_and_back(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        width = screen.tags_pane.size.width
        await pilot.press("z")
        await pilot.pause()
        assert screen.tags_pane.size.width > width
        assert not screen.repositories_pane.display or screen.repositories_pane.size.width == 0
        await pilot.press("z")
        await pilot.pause()
        assert screen.tags_pane.size.width == width


async def test_tab_while_zoomed_never_leaves_the_focus_where_nothing_is_seen(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        await pilot.press("z", "tab")
        await pilot.pause()
        assert screen.focused is not None
        assert screen.focused.size.width > 0


async def test_reload_keeps_the_cursor_and_the_marks_and_shows_what_is_new(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, screen):
        await pilot.press("space", "j")
        cursor, marked = screen.table.model.cursor, screen.table.model.marked
        storage = transport_of(app).storage
        storage.set_tag(COMMON, "fresh", storage.tag(COMMON, "0.0.43") or "")
        await pilot.press("r")
        await settled(pilot)
        assert "fresh" in shown(screen)
        assert screen.table.model.cursor == cursor
        assert screen.table.model.marked == marked


async def test_reload_sees_tags_that_were_moved_to_another_image(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, screen):
        storage = transport_of(app).storage
        older = storage.tag(COMMON, "0.0.20")
        assert older
        storage.set_tag(COMMON, "latest", older)
        await pilot.press("r")
        await settled(pilot)
        row = screen.table.model.find("latest")
        assert row
        assert row.summary
        assert row.summary.digest == older


async def test_the_cursor_that_nobody_moved_is_on_the_newest(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (_, screen):
        assert screen.table.model.line == 0
        details = screen.view.details
        assert details
        assert details.reference == screen.table.model.cursor


async def test_the_palette_has_every_action_and_opens_repositories_that_are_not_listed(tmp_path: Path) -> None:
    app = demo_app(tmp_path, failing={"_catalog": 404})
    async with browsing(app) as (pilot, screen):
        provider = BrowserCommands(screen)
        titles = {str(hit.prompt) async for hit in provider.discover()}
        assert {"Mark a range", "Switch registry", "Copy the pull reference", "Next platform"} <= titles
        await pilot.press("ctrl+p")
        await pilot.pause()
        await type_text(pilot, "mirror/redis")
        await palette_offers(pilot, "mirror/redis")
        await pilot.press("enter", "enter")
        await settled(pilot)
        assert screen.repository == "mirror/redis"
        assert "7.4.1" in shown(screen)


async def test_the_palette_is_opened_again_while_the_last_one_is_still_closing(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path)) as (pilot, _):
        app = pilot.app
        app.action_command_palette()
        await settled(pilot)
        first = app.screen
        app.pop_screen()
        app.action_command_palette()
        await settled(pilot)
        assert isinstance(app.screen, Palette)
        assert app.screen is not first
        await pilot.press("escape")


async def test_an_action_from_the_palette_goes_to_its_pane(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app) as (pilot, screen):
        await pilot.press("ctrl+p")
        await pilot.pause()
        await type_text(pilot, "mark all")
        await palette_offers(pilot, "mark all")
        await pilot.press("enter", "enter")
        await settled(pilot)
        assert screen.table.model.marked_count == 3


async def test_reload_of_the_repositories_drops_those_that_are_gone(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app) as (pilot, screen):
        storage = transport_of(app).storage
        storage.link_layer("brand/new", storage.add_blob(b"layer"))
        storage.put_manifest("brand/new", b"{}", "application/vnd.oci.image.manifest.v1+json", "1")
        storage.repositories.pop("mirror/redis")  # type: ignore[attr-defined]
        screen.lines.model.select("mirror/nginx")
        await pilot.press("r")
        await settled(pilot)
        names = screen.lines.model.names()
        assert "brand/new" in names
        assert "mirror/redis" not in names
        node = screen.lines.model.cursor
        assert node
        assert node.name == "mirror/nginx"


async def test_copies_by_tag_and_by_digest(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, screen):
        tag = screen.table.model.cursor
        assert tag
        await pilot.press("y")
        assert app.clipboard == f"demo.localhost/{COMMON}:{tag}"
        await pilot.press("Y")
        row = screen.table.model.find(tag)
        assert row
        assert row.summary
        assert app.clipboard == f"demo.localhost/{COMMON}@{row.summary.digest}"
        assert any(app.clipboard in notification.message for notification in app._notifications)


async def test_escape_is_one_step_back_and_never_quits(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, screen):
        await pilot.press("enter")
        assert screen.view.has_focus
        await pilot.press("escape")
        assert screen.table.has_focus
        await pilot.press("escape")
        assert screen.lines.has_focus
        await pilot.press("escape", "escape")
        assert app.screen_stack[-1] is screen


async def test_delete_and_copy_do_nothing_among_the_repositories(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app) as (pilot, screen):
        await pilot.press("d", "y")
        await settled(pilot)
        assert app.screen_stack[-1] is screen
        assert not app.clipboard


async def test_deletes_the_marked_and_reloads(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, screen):
        first, second, *others = shown(screen)
        await pilot.press("space", "space", "d")
        await pilot.pause()
        assert isinstance(app.screen, DeleteScreen)
        while not app.screen._go.display:
            await pilot.pause(0.02)
        await pilot.press("y")
        while app.screen._report is None:
            await pilot.pause(0.02)
        await pilot.press("escape")
        await settled(pilot)
        assert app.screen_stack[-1] is screen
        assert shown(screen) == others
        storage = transport_of(app).storage
        assert storage.tag(COMMON, first) is storage.tag(COMMON, second) is None
        assert screen.table.model.marked_count == 0


@pytest.mark.parametrize(("delete_enabled", "read_only"), [(False, False), (True, True)])
async def test_says_why_nothing_can_be_deleted_when_the_first_tag_is_marked(
    tmp_path: Path, delete_enabled: bool, read_only: bool
) -> None:
    app = demo_app(tmp_path, delete_enabled=delete_enabled, read_only=read_only)
    async with browsing(app, COMMON) as (pilot, screen):
        await pilot.press("space")
        await settled(pilot)
        assert screen.deletion in (Deletion.DISABLED, Deletion.READ_ONLY)
        assert ("read-only" if read_only else "deletion disabled") in screen._header.render().plain
        await pilot.press("d")
        await pilot.pause()
        assert app.screen_stack[-1] is screen
        assert any(n.severity == "warning" for n in app._notifications)


async def test_an_error_stays_in_its_pane_and_r_tries_again(tmp_path: Path) -> None:
    app = demo_app(tmp_path, failing={f"{COMMON}/tags/list": 500})
    async with browsing(app, COMMON) as (pilot, screen):
        assert "try again" in screen.table._said
        assert screen.lines.model.total == 15
        transport_of(app).failing.clear()
        screen.tags_pane.focus()
        await pilot.press("r")
        await settled(pilot)
        assert len(shown(screen)) > 30


async def test_r_works_at_once_after_an_error_without_moving_the_focus(tmp_path: Path) -> None:
    app = demo_app(tmp_path, failing={"charts/gateway/tags/list": 500, f"{COMMON}/tags/list": 500})
    async with browsing(app, COMMON) as (pilot, screen):
        transport_of(app).failing.clear()
        await pilot.press("r")
        await settled(pilot)
        assert len(shown(screen)) > 30


async def test_a_registry_that_does_not_list_says_what_to_do(tmp_path: Path) -> None:
    app = demo_app(tmp_path, failing={"_catalog": 404})
    async with browsing(app) as (_, screen):
        assert "ctrl+p" in screen.lines._said


async def test_a_catalog_that_is_not_allowed_offers_typing_a_name_too(tmp_path: Path) -> None:
    app = demo_app(tmp_path, failing={"_catalog": 403})
    async with browsing(app) as (_, screen):
        assert "ctrl+p" in screen.lines._said


async def test_an_empty_registry_says_so(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path, storage=MemoryStorage())) as (_, screen):
        assert "no repositories" in screen.lines._said


async def test_late_answers_are_dropped(tmp_path: Path) -> None:
    app = demo_app(tmp_path, hanging=(f"{COMMON}/tags/list",))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, BrowserScreen)
        screen.open_repository(COMMON)
        async with asyncio.timeout(PATIENCE):
            while not any(path.endswith(f"{COMMON}/tags/list") for path in transport_of(app).asked):
                await pilot.pause(0.02)
        screen.open_repository("mirror/redis")
        transport_of(app).release.set()
        await settled(pilot)
        assert "7.4.1" in shown(screen)
        assert "0.0.43" not in shown(screen)


async def test_what_is_filled_in_never_moves_cursor_or_marks(tmp_path: Path) -> None:
    app = demo_app(tmp_path, hanging=(f"{COMMON}/manifests/",))
    async with app.run_test(size=(120, 40)) as pilot:
        while not isinstance(app.screen, BrowserScreen) or not app.screen.repository:
            await pilot.pause(0.02)
        screen = app.screen
        screen.open_repository(COMMON)
        while screen.table.model.total < 40:
            await pilot.pause(0.02)
        await pilot.press("j", "j", "space")
        cursor, marked = screen.table.model.cursor, screen.table.model.marked
        assert "/41 read" in str(screen.tags_pane.border_subtitle) or "read" in str(screen.tags_pane.border_subtitle)
        transport_of(app).release.set()
        await settled(pilot)
        assert screen.table.model.cursor == cursor
        assert screen.table.model.marked == marked
        assert screen.table.model.line in screen.table.visible_lines


async def test_a_tag_that_fails_alone_is_read_again_by_r(tmp_path: Path) -> None:
    app = demo_app(tmp_path, failing={f"{COMMON}/manifests/0.0.20": 500})
    async with browsing(app, COMMON) as (pilot, screen):
        row = screen.table.model.find("0.0.20")
        assert row
        assert row.error
        transport_of(app).failing.clear()
        await pilot.press("r")
        await settled(pilot)
        assert not row.error


async def test_what_was_listed_stays_in_sight_when_the_registry_is_lost(tmp_path: Path, said: list[str]) -> None:
    app = demo_app(tmp_path)
    async with browsing(app) as (pilot, screen):
        before = [node.name for node in screen.lines.model.shown]
        transport_of(app).failing["_catalog"] = 503
        await pilot.press("r")
        await settled(pilot)
        assert screen.lines.said == ""
        assert [node.name for node in screen.lines.model.shown] == before
        assert "not read" in str(screen.repositories_pane.border_subtitle)
        assert any("demo.localhost" in words for words in said)
        transport_of(app).failing.clear()
        await pilot.press("r")
        await settled(pilot)
        assert str(screen.repositories_pane.border_subtitle) == ""


async def test_the_details_that_are_shown_are_named_until_others_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        first, second = shown(screen)[:2]
        read, answers = screen.session.details, threading.Event()

        async def slowly(repository: str, reference: str) -> Details:
            await asyncio.to_thread(answers.wait, PATIENCE)
            return await read(repository, reference)

        monkeypatch.setattr(screen.session, "details", slowly)
        await pilot.press("down")
        async with asyncio.timeout(PATIENCE):
            while str(screen.details_pane.border_subtitle) != f"reading {second} …":
                await pilot.pause(0.02)
        assert str(screen.details_pane.border_title) == f"{COMMON}:{first}"
        answers.set()
        await settled(pilot)
        assert str(screen.details_pane.border_title) == f"{COMMON}:{second}"


async def test_the_focus_is_where_it_was_after_the_terminal_was_too_small(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        await resize(pilot, 40, 8)
        await pilot.pause()
        assert screen.query_one("#too-small").display
        await resize(pilot, *MEDIUM)
        await settled(pilot)
        assert screen.table.has_focus


async def test_the_theme_is_remembered(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app) as (pilot, _):
        app.theme = "nord"
        await pilot.pause()
    assert 'theme = "nord"' in (tmp_path / "config.toml").read_text()


async def test_help_opens_and_closes(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    async with browsing(app) as (pilot, screen):
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        keys = app.screen.query_one(KeyLines)
        assert all(keys.line(number, 76).cell_len <= 76 for number in range(keys.line_count())), "cut at 80 columns"
        await pilot.press("escape")
        assert app.screen_stack[-1] is screen


@pytest.mark.parametrize("pane", ["Repositories", "Tags", "Details"])
async def test_help_begins_with_the_keys_of_the_pane_it_is_asked_in(tmp_path: Path, pane: str) -> None:
    app = demo_app(tmp_path)
    async with browsing(app, COMMON) as (pilot, screen):
        {"Repositories": screen.lines, "Tags": screen.table, "Details": screen.view}[pane].focus()
        await pilot.press("question_mark")
        await pilot.pause()
        assert app.screen.query_one(KeyLines).line(0, 76).plain == pane


async def test_every_binding_has_an_id_and_says_what_it_does(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (_, screen):
        widgets = (screen, screen.lines, screen.table, screen.view)
        ours = [b for widget in widgets for b in type(widget).BINDINGS if isinstance(b, Binding)]
        assert all(binding.id and binding.description for binding in ours)
        # Those of the design's table of keys that belong to the browser.
        assert set(screen.active_bindings) >= {"asterisk", "U", "u", "t", "ctrl+f", "exclamation_mark"}


async def test_hidden_are_digest_tags_and_empty_repositories(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), "platform/auth") as (pilot, screen):
        assert not [tag for tag in shown(screen) if tag.startswith("sha256-")]
        await pilot.press("full_stop")
        assert len([tag for tag in shown(screen) if tag.startswith("sha256-")]) == 2
        await pilot.press("full_stop")
        assert not [tag for tag in shown(screen) if tag.startswith("sha256-")]


async def test_the_key_that_shows_what_is_hidden_shows_all_of_it_and_says_so_also_in_the_next_repository(
    tmp_path: Path, said: list[str]
) -> None:
    async with browsing(demo_app(tmp_path), "sandbox/empty") as (pilot, screen):
        await pilot.press("full_stop")
        assert "sandbox/empty" in [node.name for node in screen.lines.model.shown]
        assert said[-1] == "Signatures and empty repositories are shown."
        screen.open_typed("platform/auth")
        await settled(pilot)
        assert len([tag for tag in shown(screen) if tag.startswith("sha256-")]) == 2
        await pilot.press("full_stop")
        assert not [tag for tag in shown(screen) if tag.startswith("sha256-")]
        assert "sandbox/empty" not in [node.name for node in screen.lines.model.shown]
        assert said[-1] == "Signatures and empty repositories are hidden."


async def test_a_key_of_the_tags_says_why_it_does_nothing_elsewhere(tmp_path: Path, said: list[str]) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        await pilot.press("s", "v", "escape", "y")
        assert [words for words in said if "is for tags" in words] == []
        screen.lines.focus()
        await pilot.press("d", "equals_sign", "s")
        assert said[-3:] == [f"{key} is for tags: tab goes to them." for key in "d=s"]
        said.clear()
        await pilot.press("slash", "d", "escape", "space", "space", "j")
        assert said == []
        screen.view.focus()
        await pilot.press("y", "s")
        assert said[0].startswith("Copied ")
        assert said[1:] == ["s is for tags: shift+tab goes to them."]


async def test_the_mouse_sorts_marks_and_opens(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        before = screen.table.model.order_words
        await pilot.click(screen.table, offset=(4, 0))
        assert screen.table.model.order_words != before
        await pilot.click(screen.table, offset=(4, 3), control=True)
        assert screen.table.model.marked == [shown(screen)[2]]
        await pilot.click(screen.table, offset=(4, 2), times=2)
        await pilot.pause()
        assert screen.view.has_focus


async def test_the_mouse_folds_namespaces(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path)) as (pilot, screen):
        lines, folded = screen.lines, []
        assert screen.lines.model.shown[0].name == "charts"
        # Its sign, its name; below it a repository, which is opened.
        for x, y in ((0, 0), (4, 0), (0, 1)):
            await pilot.click(lines, offset=(x, y))
            folded.append(not screen.lines.model.shown[0].is_expanded)
        assert folded == [True, False, False]
        await settled(pilot)
        assert screen.table.has_focus


async def test_a_terminal_that_is_made_wider_shows_the_details_of_the_tag_under_the_cursor(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), "fullstack/common", (80, 24)) as (pilot, screen):
        assert not screen.details_pane.display
        await resize(pilot, 120, 40)
        await settled(pilot)
        assert screen.view.details is not None
        assert screen.view.details.reference == screen.table.model.cursor


async def test_tab_goes_to_the_next_pane_past_a_filter_that_is_kept(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        await pilot.press("slash")
        await type_text(pilot, "0.0.4")
        await pilot.press("enter", "tab")
        assert screen.view.has_focus
        await pilot.press("shift+tab")
        assert screen.table.has_focus
        assert screen.tags_pane.filter_text == "0.0.4"
        await pilot.press("slash")
        assert screen.tags_pane.is_filtering


async def test_a_filter_without_text_is_closed_by_tab(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        await pilot.press("slash", "tab")
        await pilot.pause()
        assert screen.view.has_focus
        assert not screen.tags_pane._filter.display


async def test_a_click_on_a_filter_that_is_kept_opens_it_again(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        await pilot.press("slash")
        await type_text(pilot, "0.0.4")
        await pilot.press("enter")
        await pilot.click(screen.tags_pane._filter)
        await pilot.pause()
        assert screen.tags_pane.is_filtering


async def test_a_filter_stays_open_while_the_terminals_window_is_in_the_background(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), COMMON) as (pilot, screen):
        await pilot.press("slash")
        pilot.app.app_focus = False
        await pilot.pause()
        pilot.app.app_focus = True
        await pilot.pause()
        await type_text(pilot, "0.0.4")
        assert screen.tags_pane.is_filtering
        assert screen.tags_pane.filter_text == "0.0.4"


@pytest.mark.parametrize("size", [SMALL, MEDIUM])
async def test_the_last_line_says_what_the_keys_do_while_a_filter_is_typed(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with browsing(demo_app(tmp_path), COMMON, size=size) as (pilot, _):
        for opened in ((), ("enter",)):
            await pilot.press(*opened)
            await settled(pilot)
            hints = pilot.app.screen.query_one(Hints)
            before = hints.render().plain
            await pilot.press("slash")
            await settled(pilot)
            assert hints.render().plain.split() == ["enter", "keep", "esc", "clear"]
            await pilot.press("escape")
            await settled(pilot)
            assert hints.render().plain == before


async def test_the_repository_that_a_filter_found_stays_in_sight_when_it_is_cleared(tmp_path: Path) -> None:
    async with browsing(demo_app(tmp_path), size=SMALL) as (pilot, screen):
        await pilot.press("slash")
        last = screen.lines.model.names()[-1]
        await type_text(pilot, last)
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("escape")
        await settled(pilot)
        node = screen.lines.model.cursor
        assert node is not None
        assert node.name == last
        assert screen.lines.model.line in screen.lines.visible_lines
