"""A run of the whole app, recorded behind Textual's driver: after each of its frames, ours shows the same."""

import os
import re
import sys
from pathlib import Path

from regtui.ui.driver.picture import Picture
from regtui.ui.driver.sequences import tokens
from regtui.ui.driver.terminal import Terminal
from tests.support.emulator import Emulator
from tests.support.live import live

WIDTH, HEIGHT = 120, 30
# Moves, marks, a filter, orders, dialogs, help, the palette, the details' tabs, the zoom.
STEPS = [
    "j",
    "/common\r",
    "\r",
    "j",
    " ",
    "\x1b[6~",
    "G",
    "s",
    "S",
    "d",
    "\x1b",
    "?",
    "\x1b",
    "\x10",
    "\x1b",
    "]",
    "z",
    "y",
]
_FRAME = re.compile("\x1b\\[\\?2026h(.*?)\x1b\\[\\?2026l", re.DOTALL)


def recorded(home: Path) -> list[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "TEXTUAL_ANIMATIONS": "none",
        "REGTUI_DRIVER": "stock",
    }
    command = [sys.executable, "-m", "regtui", "demo"]
    with live(command, environment, size=(WIDTH, HEIGHT)) as terminal:
        terminal.wait_for("repositories")
        terminal.wait_quiet()
        for keys in STEPS:
            terminal.type(keys)
            terminal.wait_quiet(0.2)
        return _FRAME.findall(terminal.received.decode())


def test_every_frame_of_the_app_looks_the_same(tmp_path: Path) -> None:
    everything = Terminal(erases_in_color=True, erases_cells=True, repeats=True, scrolls=True)
    pairs = [(Picture(terminal), Emulator(WIDTH, HEIGHT)) for terminal in (everything, Terminal())]
    stock = Emulator(WIDTH, HEIGHT)
    for picture, _ in pairs:
        picture.start(WIDTH, HEIGHT)
    frames = recorded(tmp_path)
    assert len(frames) > len(STEPS)
    written = sent = 0
    for number, frame in enumerate(frames):
        # The terminal's driver makes a return of each new line; the emulator does so itself.
        stock.feed(frame)
        for picture, ours in pairs:
            picture.take(tokens(frame.replace("\r\n", "\n")))
            difference = picture.difference()
            ours.feed(difference)
            assert ours.cells == stock.cells, f"frame {number}"
            assert ours.cursor == stock.cursor, f"frame {number}"
            sent += len(difference)
        written += 2 * len(frame)
    assert sent < written / 4
