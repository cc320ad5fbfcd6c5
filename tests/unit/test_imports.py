"""Nobody loads what only others need: commands start fast, and the client knows no face."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

HEAVY = ("textual", "httpx", "httpcore", "keyring", "tomlkit", "rich")


def loaded_by(code: str) -> set[str]:
    """Which of the heavy packages a fresh interpreter has after running `code`."""
    script = f"import sys\n{code}\nprint('LOADED', *(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    last = done.stdout.splitlines()[-1].split()
    assert last[0] == "LOADED", done.stdout
    return set(last[1:])


@pytest.mark.parametrize(
    ("module", "may"),
    [
        ("regtui.errors", set()),
        ("regtui.oci", set()),
        ("regtui.registry", {"httpx"}),
        ("regtui.content", {"httpx"}),
        ("regtui.settings", {"httpx"}),
        ("regtui.crossing", set()),
        ("regtui.targets", {"httpx"}),
        ("regtui.demo", {"httpx"}),
    ],
)
def test_what_a_module_brings_with_it(module: str, may: set[str]) -> None:
    # httpx's own command line brings rich where that is installed: not our doing.
    assert loaded_by(f"import {module}") <= may | ({"rich"} if "httpx" in may else set())


@pytest.mark.skipif(find_spec("regtui.cli.main") is None, reason="no commands yet")
def test_the_version_is_told_without_loading_anything() -> None:
    code = """
from regtui.cli.main import run
sys.argv = ["regtui", "--version"]
try:
    run()
except SystemExit as end:
    assert not end.code, end.code
"""
    assert loaded_by(code) == set()
