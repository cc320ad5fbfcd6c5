"""Nobody loads what only others need: commands start fast, and the client knows no face."""

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

import regtui
from tests.support.modules import modules_after

PRODUCT: Final = Path(regtui.__file__).parent
HEAVY = ("textual", "httpx", "httpcore", "keyring", "tomlkit", "rich")


def loaded_by(code: str) -> set[str]:
    """Which of the heavy packages a fresh interpreter has after running `code`."""
    return modules_after(code) & set(HEAVY)


@pytest.mark.parametrize(
    ("module", "may"),
    [
        ("regtui.errors", set()),
        ("regtui.oci.manifest", set()),
        ("regtui.registry.settings", set()),
        ("regtui.registry.client", {"httpx"}),
        ("regtui.content.store", {"httpx"}),
        ("regtui.settings.credentials", set()),
        ("regtui.ui.client_thread", set()),
        ("regtui.session.target", set()),
        ("regtui.session.resolving", set()),
        ("regtui.session.session", {"httpx"}),
        ("regtui.cli.invocation", set()),
        ("regtui.local.transport", {"httpx"}),
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
    ours = ("regtui.deletion", "regtui.session.changes", "regtui.ui")
    needless = (*ours, "textual", "keyring", "aiohttp", "humanize", "re2")
    assert not {name for name in modules if name.startswith(needless)}


def test_packages_offer_nothing_themselves() -> None:
    """What a module needs is imported from the module that defines it: a package's own imports would be everybody's.
    The driver alone is offered to other programs."""
    with_imports = [
        str(file.relative_to(PRODUCT))
        for file in PRODUCT.rglob("__init__.py")
        if any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(ast.parse(file.read_text())))
    ]
    assert with_imports == ["ui/driver/__init__.py"]


# Files of the user's own, records of ours, and the demo's registry, whose content is ours.
OWN_JSON: Final = {
    "bounded_json.py",
    "deletion/entry.py",
    *("settings/registry_lock.py", "settings/history.py", "settings/docker_files.py", "settings/own_logins.py"),
    *("demo/sample.py", "demo/reachable.py", "local/manifests.py", "local/collection.py"),
}
UNBOUNDED: Final = {"load", "loads", "raw_decode", "JSONDecoder"}


def test_what_others_sent_is_read_within_bounds() -> None:
    """Neither by `json` itself nor by httpx, whose answers have `json()`."""
    reading = {
        str(file.relative_to(PRODUCT))
        for file in PRODUCT.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and _reads_json(node)
    }
    assert reading <= OWN_JSON


def _reads_json(node: ast.Attribute) -> bool:
    of = node.value.id if isinstance(node.value, ast.Name) else ""
    return (of == "json" and node.attr in UNBOUNDED) or (of == "response" and node.attr == "json")
