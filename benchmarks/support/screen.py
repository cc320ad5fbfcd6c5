"""Programs on a terminal of 120x40, as the benchmarks see them."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.live import Line, LiveTerminal, live

# Seconds: Textual's own driver takes minutes over a slow line.
PATIENCE = 300.0
REGTUI = str(Path(sys.executable).with_name("regtui"))
BARE = (
    sys.executable,
    "-c",
    "from textual.app import App\n"
    "from textual.widgets import Static\n"
    "class Bare(App):\n"
    "    def compose(self):\n"
    "        yield Static('nothing else')\n"
    "Bare().run()",
)
"""The least that Textual can show: `nothing else`."""


@contextmanager
def shown(command: Sequence[str], *, driver: str = "difference", line: Line | None = None) -> Iterator[LiveTerminal]:
    """`command` in a home of its own; `driver` is regtui's."""
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "TEXTUAL_ANIMATIONS": "none",
            "REGTUI_DRIVER": driver,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        with live(command, environment, line=line or Line()) as terminal:
            yield terminal


def until(happened: Callable[[], bool], what: str, *, every: float = 0.0005) -> float:
    """Seconds until it has, looked at so often: looking takes from what is measured. Fails where it never does."""
    start = time.perf_counter()
    while not happened():
        if time.perf_counter() - start > PATIENCE:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(every)
    return time.perf_counter() - start


def press(terminal: LiveTerminal, keys: str) -> float:
    """Seconds from the key to the first byte of what it changes; the rest is awaited too."""
    before = len(terminal.received)
    terminal.type(keys)
    taken = until(lambda: len(terminal.received) > before, f"an answer to {keys!r}")
    terminal.wait_quiet(0.05, PATIENCE)
    return taken


def has_gaps(terminal: LiveTerminal) -> bool:
    """Whether one of the tags that are seen has an ellipsis in place of its age: it isn't filled in."""
    return any(" … " in line for line in terminal.text.splitlines()[2:20])


def memory(terminal: LiveTerminal) -> float:
    """Megabytes that are resident."""
    status = Path(f"/proc/{terminal.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def processor_time(terminal: LiveTerminal, *, main_thread: bool = False) -> float:
    """Seconds that it has computed, or its main thread alone; to a hundredth."""
    pid = terminal.process.pid
    fields = (
        Path(f"/proc/{pid}/task/{pid}/stat" if main_thread else f"/proc/{pid}/stat")
        .read_text()
        .rpartition(")")[2]
        .split()
    )
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
