"""Until something is seen, only what that needs is imported: by the names of modules, since times lie."""

import subprocess
import sys

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
