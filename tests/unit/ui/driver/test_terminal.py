"""What a terminal can do is known by its name; of a name that isn't known, nothing is expected."""

import json
import subprocess
import sys

import pytest

from regtui.ui.driver.terminal import Terminal

_TELL = """
import json, sys
from dataclasses import asdict
from regtui.ui.driver.terminal import Terminal
print(json.dumps(asdict(Terminal.of(json.loads(sys.argv[1])))))
"""


def told(**environment: str) -> Terminal:
    """In a process of its own: curses reads one entry in its life."""
    done = subprocess.run(
        [sys.executable, "-c", _TELL, json.dumps(environment)], capture_output=True, text=True, check=True
    )
    return Terminal(**json.loads(done.stdout))


@pytest.mark.parametrize(
    ("environment", "terminal"),
    [
        ({"TERM": "xterm-256color"}, Terminal(erases_in_color=True, erases_cells=True, scrolls=True)),
        (
            {"TERM": "xterm-256color", "XTERM_VERSION": "XTerm(379)"},
            Terminal(erases_in_color=True, erases_cells=True, repeats=True, scrolls=True),
        ),
        ({"TERM": "screen"}, Terminal()),
        (
            {"TERM": "screen", "TMUX": "/tmp/tmux-0/default,1,0"},
            Terminal(erases_in_color=True, erases_cells=True),
        ),
        ({"TERM": "linux"}, Terminal(erases_in_color=True, erases_cells=True, scrolls=True)),
        ({"TERM": "vt100"}, Terminal()),
        ({"TERM": "unheard-of"}, Terminal()),
        ({}, Terminal()),
    ],
)
def test_known_terminals(environment: dict[str, str], terminal: Terminal) -> None:
    assert told(**environment) == terminal
