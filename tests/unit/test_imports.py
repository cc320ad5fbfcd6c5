"""Nobody loads what only others need: commands start fast, and the client knows no face."""

from importlib import import_module
from importlib.util import find_spec

import pytest

from tests.support.modules import modules_after

HEAVY = ("textual", "httpx", "httpcore", "keyring", "tomlkit", "rich")


def loaded_by(code: str) -> set[str]:
    """Which of the heavy packages a fresh interpreter has after running `code`."""
    return modules_after(code) & set(HEAVY)


@pytest.mark.parametrize(
    ("module", "may"),
    [
        ("regtui.errors", set()),
        ("regtui.oci", set()),
        ("regtui.registry", set()),
        ("regtui.registry.client", {"httpx"}),
        ("regtui.content", {"httpx"}),
        ("regtui.settings", set()),
        ("regtui.connection.crossing", set()),
        ("regtui.connection.target", set()),
        ("regtui.connection.resolving", set()),
        ("regtui.connection", set()),
        ("regtui.connection.connection", {"httpx"}),
        ("regtui.cli.session", set()),
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


def test_listing_repositories_needs_nothing_of_what_changes_a_registry() -> None:
    code = """
from regtui.cli.main import main
assert main(["ls", "demo"]) == 0
"""
    modules = modules_after(code)
    ours = ("regtui.deletion", "regtui.connection.changes", "regtui.ui")
    needless = (*ours, "textual", "keyring", "aiohttp", "humanize", "re2")
    assert not {name for name in modules if name.startswith(needless)}


@pytest.mark.parametrize("package", ["regtui.oci", "regtui.registry", "regtui.connection"])
def test_a_package_has_all_that_it_says(package: str) -> None:
    module = import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        module.nothing  # noqa: B018
