"""Every screen at two sizes, and those that lay themselves out by the width at five; on the demo registry at a fixed
time."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from textual.pilot import Pilot

from regtui.deletion import journal
from regtui.deletion.request import Request
from regtui.demo.sample import sample_storage
from regtui.local.transport import LocalTransport
from regtui.registry.errors import NotAuthenticated, Where
from regtui.registry.values import Credential
from regtui.settings.credentials import Credentials
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.connect import ConnectScreen
from regtui.ui.screens.keep import KeepScreen
from tests.support.screens import COMMON, EVERY_SIZE, NOW, SIZES, app_on, empty_registry, keys, target

Compare = Callable[..., bool]


def _in_words(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


at_each_size = pytest.mark.parametrize("size", SIZES, ids=_in_words)

SCREENS = {
    "first": (),
    "tags": COMMON,
    "filtered": (*COMMON, "slash", "'0.0.3", "enter"),
    "marked": (*COMMON, "space", "space", "j", "space"),
    "by_size": (*COMMON, "s"),
    "zoomed": (*COMMON, "z"),
    "index": ("slash", "'builder", "enter", "enter", "enter"),
    "layers": (*COMMON, "enter", "right_square_bracket"),
    "history": (*COMMON, "enter", "right_square_bracket", "right_square_bracket"),
    "manifest_search": (*COMMON, "enter", "left_square_bracket", "slash", "'sha256", "enter"),
    "artifact": ("slash", "'chart", "enter", "enter", "enter"),
    "broken_tag": ("slash", "'reports", "enter", "enter"),
    "hostile": ("slash", "'hostile", "enter", "enter", "enter"),
    "empty_repository": ("slash", "'empty", "enter", "enter"),
    "no_match": (*COMMON, "slash", "'nothing"),
    "delete_plan": (*COMMON, "space", "space", "space", "d"),
    "delete_typed": (*COMMON, "a", "d"),
    "delete_result": (*COMMON, "space", "space", "space", "d", "y"),
    "rule": (*COMMON, "asterisk", "'0.0.1", "tab", "'1", "d"),
    "rule_empty": (*COMMON, "asterisk"),
    "rule_mistake": (*COMMON, "asterisk", "'1.(2"),
    "undo_plan": (*COMMON, "space", "space", "space", "d", "y", "escape", "U"),
    "undo_result": (*COMMON, "space", "space", "space", "d", "y", "U", "y"),
    "help": ("question_mark",),
    "choose": ("c",),
}


# What has more columns, or more panes, the wider the terminal is.
BY_WIDTH = ("first", "tags", "index", "layers", "delete_plan", "help")
PICTURES = [(name, size) for name in SCREENS for size in (EVERY_SIZE if name in BY_WIDTH else SIZES)]


@pytest.mark.parametrize(("name", "size"), PICTURES, ids=lambda one: one if isinstance(one, str) else _in_words(one))
def test_screen(name: str, size: tuple[int, int], snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "utc_now", lambda: NOW)
    assert snap_compare(app_on(target()), terminal_size=size, run_before=keys(*SCREENS[name]))


@at_each_size
def test_while_it_is_opened(size: tuple[int, int], snap_compare: Compare) -> None:
    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError("it never answers")

    async def at_once(pilot: Pilot[None]) -> None:
        await pilot.pause()

    assert snap_compare(app_on(target(Silent())), terminal_size=size, run_before=at_once)


@at_each_size
def test_a_deletion_that_was_interrupted_is_asked_about(
    size: tuple[int, int], snap_compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "utc_now", lambda: NOW)

    async def interrupted(pilot: Pilot[int]) -> None:
        await keys(*COMMON)(pilot)
        browser = pilot.app.screen
        assert isinstance(browser, BrowserScreen)
        plan = await browser.registry.thread.call(
            browser.session.plan_deletion, Request("fullstack/common", ["0.0.42", "0.0.41"])
        )
        run = browser.session.journal.begin(browser.session.identity, "", plan)
        run.placed(plan.manifests[0].digest, ["0.0.42", "0.0.41"])
        run.close()
        browser.settle_interrupted()
        while pilot.app.screen is browser:
            await pilot.pause(0.02)
        await pilot.pause()

    assert snap_compare(app_on(target()), terminal_size=size, run_before=interrupted)


@pytest.mark.parametrize("size", EVERY_SIZE, ids=_in_words)
def test_connect(size: tuple[int, int], snap_compare: Compare) -> None:
    assert snap_compare(app_on(None), terminal_size=size, run_before=keys())


def test_connect_after_a_refused_login(snap_compare: Compare) -> None:
    app = app_on(None)
    error = NotAuthenticated(Where("registry.example.com"), "Not logged in to registry.example.com.", "Run: …")

    async def open_it(pilot: object) -> None:
        await keys()(pilot)  # type: ignore[arg-type]
        app.push_screen(ConnectScreen(app.config, Credentials(environment={}), None, error))
        await keys()(pilot)  # type: ignore[arg-type]

    assert snap_compare(app, terminal_size=(80, 24), run_before=open_it)


@at_each_size
def test_doctor(size: tuple[int, int], snap_compare: Compare) -> None:
    transport = LocalTransport(sample_storage(NOW), "2.8.2", htpasswd={"ci": "right"}, delete_enabled=False)
    app = app_on(target(transport, credential=Credential("ci", "right")))

    async def open_it(pilot: object) -> None:
        await keys()(pilot)  # type: ignore[arg-type]
        app.examine(target(transport))
        await keys()(pilot)  # type: ignore[arg-type]

    assert snap_compare(app, terminal_size=size, run_before=open_it)


@at_each_size
def test_keep(size: tuple[int, int], snap_compare: Compare) -> None:
    app = app_on(target())

    async def open_it(pilot: object) -> None:
        await keys()(pilot)  # type: ignore[arg-type]
        way = "in ~/.docker/config.json, as Docker does: readable by you alone, but not encrypted"
        app.push_screen(KeepScreen("this machine has no usable keyring", way))
        await keys()(pilot)  # type: ignore[arg-type]

    assert snap_compare(app, terminal_size=size, run_before=open_it)


@at_each_size
def test_empty_registry(size: tuple[int, int], snap_compare: Compare) -> None:
    assert snap_compare(app_on(target(empty_registry())), terminal_size=size, run_before=keys())


@at_each_size
@pytest.mark.parametrize("name", ["whole", "lacks_a_layer"])
def test_check(name: str, size: tuple[int, int], snap_compare: Compare) -> None:
    transport = LocalTransport(sample_storage(NOW), "2.8.2")

    async def check(pilot: Pilot[int]) -> None:
        await keys(*COMMON)(pilot)
        browser = pilot.app.screen
        assert isinstance(browser, BrowserScreen)
        if name == "lacks_a_layer":
            storage = transport.storage
            manifest = storage.manifest("fullstack/common", storage.repositories["fullstack/common"].tags["0.0.43"])
            assert manifest is not None
            layer = json.loads(manifest.data)["layers"][-1]["digest"]
            storage.link_layer("spare/common", layer)
            storage.unlink_layer("fullstack/common", layer)
        browser.action_check()
        await keys()(pilot)

    assert snap_compare(app_on(target(transport)), terminal_size=size, run_before=check)


class _NoCatalog(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/_catalog"):
            return httpx.Response(
                503, json={"errors": [{"code": "UNAVAILABLE", "message": "storage [/]is away\x1b[2J"}]}
            )
        return httpx.Response(200, json={}, headers={"Docker-Distribution-Api-Version": "registry/2.0"})


@at_each_size
def test_a_failure_is_told_in_its_pane(size: tuple[int, int], snap_compare: Compare) -> None:
    assert snap_compare(app_on(target(_NoCatalog())), terminal_size=size, run_before=keys())


def test_too_small(snap_compare: Compare) -> None:
    assert snap_compare(app_on(target()), terminal_size=(38, 9), run_before=keys())
