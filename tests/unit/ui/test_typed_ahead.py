"""Keys that come all at once go where they would have gone one by one: what follows `/` is text, in every screen."""

import random
from collections.abc import Awaitable, Callable, Iterable

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from regtui.ui.app import RegtuiApp
from regtui.ui.keys import keys_held
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.choose import ChooseScreen
from regtui.ui.screens.find import FindScreen
from regtui.ui.screens.requests import RequestsScreen
from regtui.ui.screens.rule import RuleScreen
from regtui.ui.screens.tag import TagScreen
from tests.support.screens import COMMON, app_on, keys, settled, target

NAMED = {"\n": "enter", "\t": "tab", " ": "space", "\x06": "ctrl+f", "↓": "down", "↑": "up"}


@pytest.fixture(autouse=True)
def _nothing_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the cursor rests depends on time, not on keys alone."""
    monkeypatch.setattr(BrowserScreen, "follow_cursor", lambda _: None)


def key(character: str) -> events.Key:
    name = NAMED.get(character) or _character_to_key(character)
    return events.Key(name, character if character.isprintable() else None)


def at_once(app: RegtuiApp, typed: Iterable[str]) -> None:
    """All of it is there before the app has taken in the first one, as by one read of the terminal."""
    for character in typed:
        app.post_message(key(character))


async def one_by_one(pilot: Pilot[int], typed: Iterable[str]) -> None:
    for character in typed:
        pilot.app.post_message(key(character))
        await settled(pilot)


def lines(app: RegtuiApp) -> list[str]:
    return [strip.text for strip in app.screen._compositor.render_strips()]


async def end_of(
    typed: str, before: tuple[str, ...], size: tuple[int, int], how: Callable[[Pilot[int], str], Awaitable[None]]
) -> tuple[object, ...]:
    app = app_on(target())
    async with app.run_test(size=size) as pilot:
        await keys(*before)(pilot)
        await how(pilot, typed)
        await settled(pilot)
        return *state(app), lines(app)


def state(app: RegtuiApp) -> tuple[object, ...]:
    """What keys have made of it, without what is read from the registry meanwhile."""
    fields = [field.value for field in app.screen.query(Input)]
    browser = next(screen for screen in app.screen_stack if isinstance(screen, BrowserScreen))
    tags = browser.table.model
    shown = (tags.cursor, tags.marked, tags.column, tags.reverse, tags.show_hidden, browser.table.range_from)
    screens = [type(screen) for screen in app.screen_stack]
    return screens, type(app.focused), fields, browser.repository, shown


async def fast(pilot: Pilot[int], typed: str) -> None:
    at_once(pilot.app, typed)  # type: ignore[arg-type]


OPENING = {
    "the repositories' filter": ((), "/deploy"),
    "the repositories' filter, kept": ((), "/com\n\n"),
    "the tags' filter": (COMMON, "/deploy"),
    "the tags' filter, kept": (COMMON, "/dyyyy\n"),
    "the details' search": ((*COMMON, "enter"), "/dyU"),
    "the palette": (COMMON, ":dy"),
    "the palette's first hit": (COMMON, ":mark by r\n"),
    "the rule": (COMMON, "*yd"),
    "the rule's marks": (COMMON, "*^0.0.1\njv"),
    "find": (COMMON, "\x06latest"),
    "find's first hit": (COMMON, "\x060.0.41\n"),
    "another registry": ((), "cdem"),
    "another registry by hand": ((), "cquay\ny"),
    "another tag": (COMMON, "tdy"),
    "the log of requests": ((), "!/dyq"),
    "help": ((), "?q/dy"),
    "panes": (COMMON, "\t\t\t/dy\n"),
}


@pytest.mark.parametrize("case", OPENING)
async def test_what_follows_the_key_that_opens_an_input_belongs_to_it(case: str) -> None:
    before, typed = OPENING[case]
    size = [(80, 24), (120, 30), (200, 50)][list(OPENING).index(case) % 3]
    assert await end_of(typed, before, size, fast) == await end_of(typed, before, size, one_by_one)


ALPHABET = "/:*c?z!u\x06\n\n\t jkGgvais.dyYUtnNp[]\x06↓↑abclo019"


@pytest.mark.parametrize("seed", range(12))
async def test_any_keys_at_once_end_where_they_end_one_by_one(seed: int) -> None:
    chance = random.Random(seed)
    # What a plan is asked about is answered only by keys that were typed when it stood there: none after `d` and `U`.
    typed = "".join(chance.choices(ALPHABET, k=chance.randrange(2, 9)))
    before = chance.choice([(), COMMON, (*COMMON, "enter")])
    size = chance.choice([(80, 24), (120, 30)])
    together = await end_of(typed, before, size, fast)
    apart = await end_of(typed, before, size, one_by_one)
    assert together[:-1] == apart[:-1], repr(typed)


async def test_an_interrupt_does_not_wait() -> None:
    app = app_on(target())
    async with app.run_test() as pilot:
        await settled(pilot)
        with keys_held(app):
            at_once(app, "/abc")
            app.post_message(events.Key("ctrl+c", None))
            await pilot.pause()
            await pilot.pause()
        await pilot.pause()
    assert app.return_code == 0


async def test_keys_wait_for_what_an_earlier_one_finds_out_here() -> None:
    app = app_on(target())
    async with app.run_test() as pilot:
        await keys(*COMMON)(pilot)
        browser = app.screen
        assert isinstance(browser, BrowserScreen)
        with keys_held(app):
            at_once(app, "j")
            await pilot.pause()
            assert browser.table.model.line == 0
        await settled(pilot)
        assert browser.table.model.line == 1


@pytest.mark.parametrize(
    ("pressed", "screen"),
    [
        (("slash",), BrowserScreen),
        (("c",), ChooseScreen),
        (("ctrl+f",), FindScreen),
        ((*COMMON, "asterisk"), RuleScreen),
        ((*COMMON, "t"), TagScreen),
    ],
)
async def test_what_is_pasted_into_an_input_is_its_text(pressed: tuple[str, ...], screen: type) -> None:
    app = app_on(target())
    async with app.run_test(size=(120, 30)) as pilot:
        await keys(*pressed)(pilot)
        app.post_message(events.Paste("dyU"))
        await settled(pilot)
        assert isinstance(app.screen, screen)
        assert "dyU" in [field.value for field in app.screen.query(Input)]


@pytest.mark.parametrize("pressed", [(), COMMON, (*COMMON, "enter"), ("exclamation_mark",)])
@pytest.mark.parametrize("size", [(80, 24), (120, 30)])
async def test_what_is_pasted_into_a_list_filters_it(pressed: tuple[str, ...], size: tuple[int, int]) -> None:
    app = app_on(target())
    async with app.run_test(size=size) as pilot:
        await keys(*pressed)(pilot)
        before = type(app.screen)
        app.post_message(events.Paste("dy\x1b[2J\nq"))
        await settled(pilot)
        assert type(app.screen) is before
        assert before in (BrowserScreen, RequestsScreen)
        assert [field.value for field in app.screen.query(Input) if field.value][-1:] == ["dy\ufffd[2J"]


async def test_a_pasted_slash_opens_the_filter_as_a_typed_one_does() -> None:
    app = app_on(target())
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        app.post_message(events.Paste("/common"))
        await settled(pilot)
        assert [field.value for field in app.screen.query(Input) if field.value] == ["common"]


async def test_what_is_pasted_while_keys_wait_comes_after_them() -> None:
    app = app_on(target())
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        at_once(app, "/a")
        app.post_message(events.Paste("b"))
        at_once(app, "c")
        await settled(pilot)
        assert [field.value for field in app.screen.query(Input)] == ["abc"]
