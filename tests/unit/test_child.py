"""Programs that regtui starts have no password of its in their environment, and end with it."""

import ast
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import regtui
from regtui.child import ChildGroups, child_environment
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


RUNS = """
import asyncio, signal, sys
from regtui.child import CHILDREN
from regtui.host.hosts import LocalHost, Script
# Whatever the tests themselves were started with.
signal.signal(signal.SIGHUP, signal.SIG_IGN if sys.argv[1] == "nohup" else signal.SIG_DFL)
CHILDREN.end_with_us()
asyncio.run(LocalHost().run(Script(sys.argv[2])))
"""
# The second takes no notice of being told to end.
HOST_RUNS = ("sleep 600 & echo $!; wait", "trap '' TERM; sleep 600 & echo $!; wait; sleep 600; :")


@pytest.mark.parametrize("script", HOST_RUNS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_runs_on_this_machine_ends_with_us(tmp_path: Path, number: signal.Signals, script: str) -> None:
    pids = tmp_path / "pids"
    noted = script.replace("echo $!", f"echo $$ $! > {pids}")
    ours = subprocess.Popen([sys.executable, "-c", RUNS, "", noted])
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    ours.send_signal(number)
    # Whoever started it sees what ended it.
    assert ours.wait(PATIENCE) == -number
    wait_until(lambda: not any(runs(int(pid)) for pid in pids.read_text().split()))


def test_a_hangup_that_is_to_be_ignored_ends_nothing(tmp_path: Path) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    script = f"touch {begun}; until test -e {go}; do sleep 0.02; done"
    ours = subprocess.Popen([sys.executable, "-c", RUNS, "nohup", script])
    wait_until(begun.exists)
    ours.send_signal(signal.SIGHUP)
    go.touch()
    assert ours.wait(PATIENCE) == 0


def test_a_signal_waits_for_the_pid_of_what_is_being_started(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    groups = ChildGroups()
    monkeypatch.setattr("regtui.child.os.kill", lambda _, number: sent.append(number))
    with groups.starting() as known:
        groups._end(signal.SIGTERM, None)
        known.add(1)
        assert sent == []
    assert sent == [signal.SIGTERM]


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def runs(pid: int) -> bool:
    """What nobody has heard of yet is over all the same."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
