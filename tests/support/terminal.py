"""A command on a terminal of its own: what is typed goes in, what is shown comes out."""

import os
import pty
import re
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from select import select

from tests.support import watch
from tests.support.patience import PATIENCE
from tests.support.watch import passwords

_ASKED = re.compile(r"\x1b7(?:\x1b\[\d+;\d+H\x1b\[6n)+\x1b8")
_IS_APP = "\x1b[?1049h"
_PLACE = re.compile(r"\x1b\[(\d+);(\d+)H")


class Terminal:
    """The other end of a running command's terminal."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self._process = process
        self._descriptor = descriptor
        self.shown = ""
        self.answers = True
        """Whether it says at once where its cursor is."""
        self._unanswered = ""

    def wait_asked(self) -> None:
        """Reads until it was asked where its cursor is, and hasn't answered."""
        give_up = time.monotonic() + PATIENCE
        while not self._unanswered:
            assert self._read(give_up), f"it ended without asking:\n{self.shown}"

    def answer(self) -> None:
        """What it hasn't answered yet."""
        answer, self._unanswered = self._unanswered, ""
        self.type(answer)

    def wait_for(self, text: str) -> None:
        """Reads until `text` was shown. Fails where it never is."""
        give_up = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert self._read(give_up), f"it ended without {text!r}:\n{self.shown}"

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def end(self) -> int:
        """Reads the rest; the exit code."""
        give_up = time.monotonic() + PATIENCE
        while self._read(give_up):
            pass
        return self._process.wait(PATIENCE)

    def _read(self, give_up: float) -> bool:
        readable, _, _ = select([self._descriptor], [], [], max(give_up - time.monotonic(), 0.0))
        assert readable, f"nothing more came:\n{self.shown}"
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # Linux: the command has closed its end
            data = b""
        self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        # It leaves the cursor where it was: nobody sees it.
        self.shown = _ASKED.sub(self._asked, self.shown)
        return bool(data)

    def _asked(self, question: re.Match[str]) -> str:
        self._unanswered += "".join(f"\x1b[{row};{column}R" for row, column in _PLACE.findall(question[0]))
        # The app asks after each frame, too: it gets no answer at all.
        if self.answers and _IS_APP not in self.shown:
            self.answer()
        return ""


def on_terminal(arguments: Sequence[str], environment: Mapping[str, str]) -> AbstractContextManager[Terminal]:
    """`python -m regtui …` with stdin, stdout and stderr on a terminal that is its controlling one."""
    return on_command([sys.executable, "-m", "regtui", *arguments], environment)


@contextmanager
def on_command(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Terminal]:
    """Any command, likewise."""
    ours, theirs = pty.openpty()
    # So wide that no sentence is broken: what a test waits for is on one line.
    termios.tcsetwinsize(theirs, (50, 250))
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("own_terminal.py")), *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**watch.environment(), **environment},
        start_new_session=True,
    )
    os.close(theirs)
    terminal = Terminal(process, ours)
    try:
        yield terminal
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        passwords.look_at("what was on the terminal", terminal.shown)
