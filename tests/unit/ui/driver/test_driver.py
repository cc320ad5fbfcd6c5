"""Whole apps on a terminal: behind both drivers the same is on the screen, and the terminal is left as it was."""

import base64
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.support.live import Line, LiveTerminal, live
from tests.support.patience import PATIENCE

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


STEPS = ["", DOWN, DOWN, "w", DOWN, PAGE_DOWN, "d", "\x1b", "n", END, "\t", "e\u0301名", "o", DOWN]


def seen(terminal: LiveTerminal) -> tuple[object, ...]:
    return terminal.text, terminal.emulator.cells, terminal.emulator.cursor


def assert_alike(ours: LiveTerminal, stock: LiveTerminal, step: str) -> None:
    """Both may need their time; when both rest, they show the same."""
    give_up = time.monotonic() + PATIENCE
    while True:
        ours.wait_quiet()
        stock.wait_quiet()
        if seen(ours) == seen(stock):
            return
        assert time.monotonic() < give_up, f"after {step}:\n{ours.text}\n\n{stock.text}"


@pytest.mark.parametrize("term", ["xterm-256color", "screen", "unheard-of"])
def test_an_app_looks_the_same_behind_both_drivers(environment: dict[str, str], term: str) -> None:
    environment = environment | {"TERM": term}
    with (
        live([*SAMPLE, "difference"], environment, size=(90, 24)) as ours,
        live([*SAMPLE, "stock"], environment, size=(90, 24)) as stock,
    ):
        for terminal in (ours, stock):
            terminal.wait_for("line 0")
        for keys in STEPS:
            for terminal in (ours, stock):
                terminal.type(keys)
            assert_alike(ours, stock, repr(keys))
        for size in ((60, 15), (90, 24)):
            for terminal in (ours, stock):
                terminal.resize(*size)
            assert_alike(ours, stock, repr(size))


def test_of_two_changes_of_its_size_in_a_row_the_last_one_counts(environment: dict[str, str]) -> None:
    with live([*SAMPLE, "interrupted"], environment, size=(90, 24)) as terminal:
        terminal.wait_for("line 0")
        terminal.wait_quiet()
        # To 70 by 20, and by the program itself to 60 by 15.
        terminal.resize(70, 20)
        bottom = f"▊{'▁' * 58}▎"

        def is_laid_out() -> bool:
            lines = terminal.text.split("\n")
            return lines[14].rstrip() == bottom and not any(line.strip() for line in lines[15:])

        terminal.wait_until(is_laid_out, "frame of the last size")


def comes_to_rest(terminal: LiveTerminal) -> bool:
    """Whether nothing is sent for a second, some day: on a busy machine the last frame may come late."""
    for _ in range(int(PATIENCE)):
        before = len(terminal.received)
        terminal.wait_quiet(1.0)
        if len(terminal.received) == before:
            return True
    return False


def test_a_key_is_a_few_bytes_and_rest_is_none(environment: dict[str, str]) -> None:
    with live([*SAMPLE, "difference"], environment) as terminal:
        terminal.wait_for("line 0")
        terminal.wait_quiet()
        before = len(terminal.received)
        terminal.type(DOWN)
        terminal.wait_until(lambda: len(terminal.received) > before, "answer to a key")
        terminal.wait_quiet()
        assert len(terminal.received) - before < 600
        assert comes_to_rest(terminal)


def test_the_clipboard_passes_through(environment: dict[str, str]) -> None:
    with live([*SAMPLE, "difference"], environment) as terminal:
        terminal.wait_for("line 0")
        terminal.type("y")
        copied = b"\x1b]52;c;" + base64.b64encode(b"copied") + b"\x07"
        terminal.wait_until(lambda: copied in terminal.received, "copy to the clipboard")


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
        terminal.wait_quiet()
        first = terminal.emulator.cells
        terminal.type(DOWN)
        terminal.wait_until(lambda: terminal.emulator.cells != first, "cursor that moved")
        terminal.wait_quiet()
        before = terminal.emulator.cells
        terminal.type("\x1a")
        terminal.wait_until(lambda: stopped(terminal), "stop")
        terminal.wait_quiet()
        assert_left_clean(terminal.received)
        with terminal.held():
            terminal.emulator.feed("\x1b[m$ somebody else has written here\n" * 30)
        terminal.process.send_signal(signal.SIGCONT)
        terminal.wait_until(lambda: terminal.emulator.cells == before, "frame as it was before")


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
