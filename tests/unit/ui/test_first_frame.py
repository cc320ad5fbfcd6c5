"""Until something is seen, only what that needs is imported: by the names of modules, since times lie."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen

from regtui.ui.screens.browser import BrowserScreen
from tests.unit.ui.demo_app import browsing, demo_app

_SHOW = "import sys, regtui.cli.session, regtui.ui.start, regtui.ui.driver; print(*sys.modules)"
LATER = {
    "aiohttp",
    "httpx_aiohttp",
    "keyring",
    "markdown_it",
    "regtui.demo",
    "regtui.diagnosis",
    "regtui.garbage.procedure",
    "regtui.ui.screens.browser",
    "regtui.ui.screens.connect",
    "regtui.ui.screens.delete",
    "regtui.ui.screens.doctor",
    "regtui.ui.screens.garbage",
    "regtui.ui.screens.help",
    "regtui.ui.screens.rule",
    "regtui.ui.screens.undo",
    "shtab",
    "textual.widgets._data_table",
    "textual.widgets._markdown",
    "tomlkit",
    "tree_sitter",
    "yaml",
}


def test_what_is_opened_later_is_imported_later() -> None:
    done = subprocess.run([sys.executable, "-c", _SHOW], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert "textual.app" in loaded
    assert not loaded & LATER


@pytest.mark.parametrize(("size", "width"), [((80, 24), "-narrow"), ((120, 40), "-medium"), ((200, 50), "-wide")])
async def test_the_first_frame_fits_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], width: str
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
        assert {width, "-tall"} <= seen[0]
