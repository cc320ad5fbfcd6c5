"""Until something is seen, only what that needs is imported: by the names of modules, since times lie."""

from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen

from regtui.ui.screens.browser import BrowserScreen
from tests.support.modules import modules_after
from tests.unit.ui.demo_app import browsing, demo_app

# The app's start as the commands make it, on no terminal, until its first frame was drawn.
_FIRST_FRAME = """
import os
from regtui.cli import browse, demo
from regtui.cli.arguments import parse
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.opening import OpeningScreen

browse.check_terminal = demo.check_terminal = lambda remedy: None
run, painted = RegtuiApp.run, OpeningScreen.painted
RegtuiApp.run = lambda app: run(app, headless=True)

async def seen(screen):
    await painted(screen)
    assert "Connecting to" in "".join(strip.text for strip in screen._compositor.render_strips())
    tell()
    os._exit(0)

OpeningScreen.painted = seen
command = {command}
command.run(parse({argv!r}))
"""


@pytest.mark.parametrize(
    ("command", "argv"), [("browse", ["http://127.0.0.1:1"]), ("browse", ["team.example.com"]), ("demo", ["demo"])]
)
def test_the_first_frame_comes_before_the_client_the_models_and_all_other_screens(
    command: str, argv: list[str]
) -> None:
    modules = modules_after(_FIRST_FRAME.format(command=command, argv=argv))
    ours = {name for name in modules if name.startswith("regtui.")}
    # Which registry is meant is known without a connection to it.
    named = {f"regtui.session{module}" for module in ("", ".place", ".resolving", ".target")}
    reading = ("session", "listing", "content", "oci.manifest", "registry.http")
    later = (*reading, "deletion", "demo.", "local.", "diagnosis")
    assert not {name for name in ours - named if name.removeprefix("regtui.").startswith(later)}
    assert {name for name in ours if name.startswith("regtui.ui.screens.")} == {"regtui.ui.screens.opening"}
    heavy = {"httpx", "aiohttp", "keyring", "sqlite3", "humanize", "urllib.request", "tomlkit", "re2", "yaml", "shtab"}
    assert not modules & (heavy | {"textual.widgets._data_table", "markdown_it"})


@pytest.mark.parametrize(
    ("size", "classes"),
    [((80, 24), {"-narrow", "-low"}), ((120, 40), {"-medium", "-tall"}), ((200, 50), {"-wide", "-tall"})],
)
async def test_the_first_frame_fits_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], classes: set[str]
) -> None:
    app = demo_app(tmp_path)
    seen: list[frozenset[str]] = []
    display = app._display

    def watched(screen: Screen[Any], renderable: Any) -> None:
        if isinstance(screen, BrowserScreen):
            seen.append(screen.classes)
        display(screen, renderable)

    monkeypatch.setattr(app, "_display", watched)
    async with browsing(app, size=size):
        assert classes <= seen[0]
