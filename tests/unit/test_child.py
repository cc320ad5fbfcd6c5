"""No program that regtui starts has its password in the environment."""

import ast
from pathlib import Path

import pytest

import regtui
from regtui.child import child_environment
from regtui.host import hosts
from regtui.ssh import process
from tests.support.patience import PATIENCE

PASSWORD = "only for the registry"
STARTS = {"Popen", "run", "call", "check_call", "check_output", "create_subprocess_exec", "create_subprocess_shell"}


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGTUI_PASSWORD", PASSWORD)


def test_ours_without_the_password() -> None:
    assert "REGTUI_PASSWORD" not in child_environment()
    assert "PATH" in child_environment()
    assert child_environment({"A": "b", "REGTUI_PASSWORD": "c"}) == {"A": "b"}


def test_ssh_has_it_not(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    child = process._start(["/bin/sh", "-c", f"env > {seen}"], tmp_path / "c", own_session=True)
    assert child.stdin is not None
    assert child.stderr is not None
    child.stderr.read()
    child.stderr.close()
    child.stdin.close()
    child.wait(PATIENCE)
    assert "PATH=" in seen.read_text()
    assert PASSWORD not in seen.read_text()


async def test_scripts_on_this_machine_have_it_not() -> None:
    child = await hosts._start(["env"])
    out, _ = await child.communicate()
    assert b"PATH=" in out
    assert PASSWORD.encode() not in out


def test_whatever_is_started_is_given_an_environment() -> None:
    """Of all calls in the program that start another one."""
    found = []
    root = Path(regtui.__file__).parent
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner = ast.unparse(node.func.value)
            if owner.rpartition(".")[2] in ("subprocess", "asyncio") and node.func.attr in STARTS - (
                {"run"} if owner == "asyncio" else set()
            ):
                found.append((file.name, node.lineno, any(keyword.arg == "env" for keyword in node.keywords)))
    assert len(found) >= 4
    assert [place for place in found if not place[2]] == []
