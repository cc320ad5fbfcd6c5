"""Whole apps on a terminal: behind both drivers the same is on the screen, and the terminal is left as it was."""

import base64
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.live import Line, LiveTerminal, live

SAMPLE = (sys.executable, "-m", "tests.unit.ui.driver.sample_app")
DOWN, END, PAGE_DOWN = "\x1b[B", "\x1b[F", "\x1b[6~"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path_factory.mktemp("home")),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "TEXTUAL_ANIMATIONS": "none",
    }


STEPS = ["", DOWN, DOWN, PAGE_DOWN, "d", "\x1b", "n", END, "\t", "e\u0301名", "o", DOWN]


def screens(driver: str, environment: Mapping[str, str], size: tuple[int, int] = (90, 24)) -> list[object]:
    """What is seen after each step."""
    seen: list[object] = []
    with live([*SAMPLE, driver], environment, size=size) as terminal:
        terminal.wait_for("line 0")
        for keys in STEPS:
            terminal.type(keys)
            terminal.wait_quiet()
            seen.append((terminal.text, terminal.emulator.cells, terminal.emulator.cursor))
        terminal.resize(60, 15)
        terminal.wait_quiet()
        seen.append((terminal.text, terminal.emulator.cells))
        terminal.resize(90, 24)
        terminal.wait_quiet()
        seen.append((terminal.text, terminal.emulator.cells))
    return seen


@pytest.fixture(scope="module")
def stock(environment: dict[str, str]) -> list[object]:
    return screens("stock", environment)


@pytest.mark.parametrize("term", ["xterm-256color", "screen", "unheard-of"])
def test_an_app_looks_the_same_behind_both_drivers(environment: dict[str, str], term: str, stock: list[object]) -> None:
    ours = screens("difference", environment | {"TERM": term})
    for step, (one, other) in enumerate(zip(ours, stock, strict=True)):
        assert one == other, f"step {step}"


def test_a_key_is_a_few_bytes_and_rest_is_none(environment: dict[str, str]) -> None:
    with live([*SAMPLE, "difference"], environment) as terminal:
        terminal.wait_for("line 0")
        terminal.wait_quiet()
        before = len(terminal.received)
        terminal.type(DOWN)
        terminal.wait_quiet()
        assert 0 < len(terminal.received) - before < 600
        before = len(terminal.received)
        terminal.wait_quiet(1.0)
        assert len(terminal.received) == before


def test_the_clipboard_passes_through(environment: dict[str, str]) -> None:
    with live([*SAMPLE, "difference"], environment) as terminal:
        terminal.wait_for("line 0")
        terminal.type("y")
        terminal.wait_quiet()
        assert b"\x1b]52;c;" + base64.b64encode(b"copied") + b"\x07" in terminal.received


def assert_left_clean(received: bytes) -> None:
    """The modes that were set are reset, in the alternate screen everything that was shown."""
    for mode in (b"?1049", b"?1000", b"?1003", b"?1006", b"?2004", b"?1004"):
        assert received.rfind(b"\x1b[" + mode + b"l") > received.rfind(b"\x1b[" + mode + b"h"), mode
    assert received.rfind(b"\x1b[?25h") > received.rfind(b"\x1b[?25l")
    assert received.rfind(b"\x1b[?7h") > received.rfind(b"\x1b[?7l")
    assert b"line 0" not in received[received.rfind(b"\x1b[?1049l") :]


def test_quitting_leaves_the_terminal_as_it_was(environment: dict[str, str]) -> None:
    with live([*SAMPLE, "difference"], environment, line=Line(delay=0.2)) as terminal:
        terminal.wait_for("line 0")
        terminal.type(DOWN + "q")
        assert terminal.wait_end() == 0
        assert_left_clean(terminal.received)
        # Every question has been answered while somebody listened: nothing is typed into the shell afterwards.
        assert terminal.unanswered == 0


def test_a_crash_leaves_it_too(environment: dict[str, str]) -> None:
    with live([*SAMPLE, "difference"], environment) as terminal:
        terminal.wait_for("line 0")
        terminal.type("x")
        assert terminal.wait_end() == 1
        assert_left_clean(terminal.received)
        assert b"on purpose" in terminal.received[terminal.received.rfind(b"\x1b[?1049l") :]


def stopped(terminal: LiveTerminal) -> bool:
    state = Path(f"/proc/{terminal.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "T"


def test_ctrl_z_and_back(environment: dict[str, str]) -> None:
    with live([*SAMPLE, "difference"], environment) as terminal:
        terminal.wait_for("line 0")
        terminal.type(DOWN)
        terminal.wait_quiet()
        before = terminal.emulator.cells
        terminal.type("\x1a")
        while not stopped(terminal):
            time.sleep(0.01)
        terminal.wait_quiet()
        assert_left_clean(terminal.received)
        with terminal.held():
            terminal.emulator.feed("\x1b[m$ somebody else has written here\n" * 30)
        terminal.process.send_signal(signal.SIGCONT)
        terminal.wait_for("line 0")
        terminal.wait_quiet()
        assert terminal.emulator.cells == before


@pytest.mark.parametrize("answers", [True, False])
def test_over_a_slow_line_frames_become_one(environment: dict[str, str], answers: bool) -> None:
    line = Line(rate=3_000.0, delay=0.1, answers=answers)
    with live([*SAMPLE, "difference"], environment, line=line) as terminal:
        terminal.wait_for("line 0")
        terminal.wait_quiet(0.6)
        terminal.worst, before = 0, len(terminal.received)
        for _ in range(40):
            terminal.type(DOWN)
            time.sleep(0.03)
        terminal.wait_for("line 40 ")
        terminal.wait_quiet(0.6)
        written = len(terminal.received) - before
        if answers:
            # One second of the line, and a page more: what is shown is never far behind the keys.
            assert terminal.worst < 3_000
            assert written < 40 * 300
        else:
            # Nobody says what has been shown: nothing can be held back, and nothing is lost.
            assert "line 40 " in terminal.text
