"""All that is typed in one write to the terminal, over quick and slow lines, by both drivers, and in tmux."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Regtui
from tests.support.live import Line, LiveTerminal, live
from tests.support.patience import PATIENCE
from tests.support.programs import find_program
from tests.support.terminal import on_terminal
from tests.support.watch import environment as watched

pytestmark = pytest.mark.integration

DEMO = (sys.executable, "-m", "regtui", "demo")
DRIVERS = ("difference", "stock")
# 20 KB a second, and 0.6 s from a key to what it paints.
SLOW = Line(rate=20_000, delay=0.3)
ASKED_TO_TYPE = "Type"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm-256color", "LANG": "C.UTF-8"}


def opened(terminal: LiveTerminal) -> None:
    """The demo's biggest repository, with the cursor among its tags."""
    terminal.wait_for("fullstack")
    terminal.wait_quiet()
    terminal.type("/fullstack/common\r\r")
    terminal.wait_for("fullstack/common · ")
    terminal.wait_until(lambda: "space mark" in terminal.text, "the tags' hints")
    terminal.wait_quiet()


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("line", [Line(), SLOW], ids=["quick", "slow"])
def test_in_one_write_as_by_hand(environment: dict[str, str], driver: str, line: Line) -> None:
    """Each goes where it was meant; `esc` between them, by itself, as everybody types it."""
    environment = environment | {"REGTUI_DRIVER": driver}
    with live(DEMO, environment, size=(120, 30), line=line) as terminal:
        opened(terminal)
        for typed, shown in (
            ("/deploy", "deploy"),
            ("/dyyyy", "dyyyy"),
            (":dyU", "dyU"),
            ("*ydU", "ydU"),
            ("\x06dyU", "dyU"),
            ("cdyU", "dyU"),
            ("tdyU", "dyU"),
        ):
            terminal.type(typed)
            terminal.wait_for(shown)
            terminal.wait_quiet()
            assert "delete tags" not in terminal.text
            assert "Copied" not in terminal.text
            # Its effect is waited for: read together with what is typed next it would be another key.
            terminal.type("\x1b")
            terminal.wait_gone(shown)
            # To the tags, wherever that has led; what is typed next comes after it.
            terminal.type("2")
            terminal.wait_for("space mark")
        # Nothing is gone.
        assert "42 tags" in terminal.text


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("line", [Line(), SLOW, Line(answers=False)], ids=["quick", "slow", "silent"])
def test_a_plan_is_confirmed_only_by_who_saw_it(environment: dict[str, str], driver: str, line: Line) -> None:
    environment = environment | {"REGTUI_DRIVER": driver}
    with live(DEMO, environment, size=(120, 30), line=line) as terminal:
        opened(terminal)
        terminal.type("dyyyyyy")
        if not line.answers:
            type_the_number(terminal)
        terminal.wait_for("y delete 1 tag")
        terminal.wait_quiet()
        assert "1 tag will be removed" in terminal.text
        terminal.type("y")
        terminal.wait_for("U undo")
        terminal.type("Uyyyy")
        if not line.answers:
            type_the_number(terminal)
        terminal.wait_for("y put back")
        assert "put back" in terminal.text
        terminal.type("\x1b")
        terminal.wait_until(lambda: "undo\n" not in terminal.text, "plan closed")


def type_the_number(terminal: LiveTerminal) -> None:
    """Of a terminal that doesn't answer, the one that stands beside a plan says that it was read."""
    terminal.wait_for(ASKED_TO_TYPE)
    match = re.search(ASKED_TO_TYPE + r" (\d{4}) to go on", terminal.text)
    assert match
    terminal.type(match[1])
    terminal.wait_gone(ASKED_TO_TYPE)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_line_that_stands_still_confirms_nothing(environment: dict[str, str], driver: str) -> None:
    """What is typed into it comes when the line goes on, before the plan is on the terminal; however long that takes:
    until after regtui has given up waiting for this answer alone, and offers another way."""
    environment = environment | {"REGTUI_DRIVER": driver}
    with live(DEMO, environment, size=(120, 30), line=Line()) as terminal:
        opened(terminal)
        terminal.type("d")
        terminal.wait_for("y delete 1 tag")
        terminal.type("\x1b")
        terminal.wait_gone("will be removed")
        terminal.wait_quiet()
        before = len(terminal.received)
        with terminal.stalled("d"):
            terminal.wait_until(lambda: ASKED_TO_TYPE.encode() in terminal.received[before:], "number")
            assert "will be removed" not in terminal.text
            terminal.type("y")
        terminal.wait_for("y delete 1 tag")
        assert "1 tag will be removed" in terminal.text
        assert ASKED_TO_TYPE not in terminal.text
        terminal.type("y")
        terminal.wait_for("U undo")


@pytest.mark.parametrize("command", [["rm", "-r", "demo", "fullstack/common:0.0.9"], ["gc", "demo"]])
def test_a_commands_question_is_answered_only_by_what_is_typed_once_it_stands_there(
    tmp_path: Path, command: list[str]
) -> None:
    with on_terminal(command, Regtui(tmp_path).environment) as terminal:
        terminal.type("y\n" * 3)
        terminal.wait_for("[y/N]")
        terminal.type("n\n")
        assert terminal.end() == 1
        assert "Nothing was" in terminal.shown


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_size_that_a_shell_exported_once_is_not_the_terminals(environment: dict[str, str], driver: str) -> None:
    environment = environment | {"REGTUI_DRIVER": driver, "COLUMNS": "200", "LINES": "60"}
    with live(DEMO, environment, size=(80, 24)) as terminal:
        terminal.wait_for("fullstack")
        terminal.wait_for("q quit")
        borders = [line for line in terminal.text.splitlines() if "─╮" in line]
        assert borders
        assert all(line.rstrip().endswith("─╮") and len(line.rstrip()) == 80 for line in borders)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[list[str]]:
    configuration = tmp_path / "tmux.conf"
    configuration.write_text("set -g status off\nset -g default-terminal tmux-256color\nset -g escape-time 0\n")
    command = [str(find_program("tmux")), "-S", str(tmp_path / "tmux.socket"), "-f", str(configuration)]
    yield command
    subprocess.run([*command, "kill-server"], check=True)


@pytest.mark.parametrize("driver", DRIVERS)
def test_in_tmux(tmux: list[str], environment: dict[str, str], driver: str) -> None:
    started = {**watched(), **environment, "REGTUI_DRIVER": driver, "SHELL": "/bin/sh"}
    size = ["-x", "120", "-y", "30"]
    subprocess.run([*tmux, "new-session", "-d", *size, " ".join(DEMO)], check=True, env=started)

    def text() -> str:
        return subprocess.run([*tmux, "capture-pane", "-p"], check=True, capture_output=True, text=True).stdout

    def wait_for(what: str) -> None:
        give_up = time.monotonic() + PATIENCE
        while what not in text():
            assert time.monotonic() < give_up, f"no {what!r}:\n{text()}"
            time.sleep(0.05)

    def type_at_once(keys: str) -> None:
        subprocess.run([*tmux, "send-keys", "-l", keys], check=True)

    wait_for("fullstack")
    type_at_once("/fullstack/common\r\r")
    wait_for("space mark")
    type_at_once("/deploy")
    wait_for("deploy")
    subprocess.run([*tmux, "send-keys", "Escape"], check=True)
    wait_for("42 tags")
    wait_for("space mark")
    type_at_once("dyyy")
    wait_for("y delete 1 tag")
    assert "1 tag will be removed" in text()
    type_at_once("y")
    wait_for("U undo")
    type_at_once("q")
