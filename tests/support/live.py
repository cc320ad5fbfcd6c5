"""A program on a terminal of its own, seen as a person sees it: what is on the screen, and how many bytes it took."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from select import select
from threading import Event, Lock, Thread

from tests.support import watch
from tests.support.emulator import Emulator
from tests.support.patience import PATIENCE
from tests.support.watch import passwords

_ASKS_FOR_SYNC = "\x1b[?2026$p"
_SYNC_ANSWER = b"\x1b[?2026;2$y"
_CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Line:
    """What is between the program and the screen. It takes in all it is given, as an ssh does, and shows it later.

    `rate` in bytes a second, None for as quick as it comes; `delay` in seconds, each way. `answers`: whether the
    terminal tells where its cursor is, and that it can synchronize.
    """

    rate: float | None = None
    delay: float = 0.0
    answers: bool = True


class LiveTerminal:
    """The other end of the terminal. `received`: all that was written to it; `worst`: the most that was waiting."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int, size: tuple[int, int], line: Line) -> None:
        self.process = process
        self.received = b""
        self.worst = 0
        self._descriptor = descriptor
        self._line = line
        self._lock = Lock()
        self._ended = Event()
        self._is_stalled = False
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._to_type: deque[tuple[float, bytes]] = deque()
        self.emulator = Emulator(*size, answer=lambda text: self._answer(text.encode()))
        self._last_change = time.monotonic()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def type(self, keys: str) -> None:
        self._last_change = time.monotonic()
        if self._is_stalled:
            self._to_type.append((0.0, keys.encode()))
        else:
            os.write(self._descriptor, keys.encode())

    @contextmanager
    def stalled(self, last: str) -> Iterator[None]:
        """While nothing passes, in either direction, behind the keys `last`. What is typed meanwhile arrives before the
        answers to what is shown then."""
        self._is_stalled = True
        try:
            os.write(self._descriptor, last.encode())
            yield
        finally:
            self._is_stalled = False

    def resize(self, width: int, height: int) -> None:
        with self._lock:
            self.emulator.resize(width, height)
            _set_size(self._descriptor, width, height)
        self._last_change = time.monotonic()

    @contextmanager
    def held(self) -> Iterator[None]:
        """While somebody else writes to the emulator."""
        with self._lock:
            yield

    @property
    def unanswered(self) -> int:
        """Answers that the terminal gave, or would have given, after nobody was there to read them."""
        return len(self._to_type)

    @property
    def text(self) -> str:
        with self._lock:
            return "\n".join(self.emulator.lines)

    def wait_for(self, text: str, patience: float = PATIENCE) -> None:
        """Until `text` is on the screen; fails where it isn't after so many seconds."""
        self.wait_until(lambda: text in self.text, repr(text), patience)

    def wait_gone(self, text: str) -> None:
        """Until `text` is on the screen no more."""
        self.wait_until(lambda: text not in self.text, f"end of {text!r}")

    def wait_until(self, happened: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
        """Until it has; fails where it hasn't after so many seconds."""
        give_up = time.monotonic() + patience
        while not happened():
            assert time.monotonic() < give_up, f"no {what} on the screen:\n{self.text}"
            time.sleep(0.01)

    def wait_quiet(self, seconds: float = 0.3, patience: float = PATIENCE) -> None:
        """Until nothing has come, and nothing was on its way, for so long."""
        give_up = time.monotonic() + patience
        while self._waiting or time.monotonic() - self._last_change < seconds:
            assert time.monotonic() < give_up, f"the program never rests:\n{self.text}"
            time.sleep(0.01)

    def wait_end(self) -> int:
        """The exit code; all that was written has been read then."""
        code = self.process.wait(PATIENCE)
        self._thread.join(PATIENCE)
        return code

    def close(self) -> None:
        self._ended.set()
        self.process.kill()
        self.process.wait()
        self._thread.join()
        os.close(self._descriptor)

    # On the thread

    def _run(self) -> None:
        before = time.monotonic()
        while not self._ended.is_set():
            readable, _, _ = select([self._descriptor], [], [], 0.005 if self._line.rate else 0.02)
            if readable:
                try:
                    data = os.read(self._descriptor, 65536)
                except OSError:  # Linux: the program has closed its end
                    break
                self.received += data
                self._waiting.append((time.monotonic() + self._line.delay, data))
                self.worst = max(self.worst, sum(len(data) for _, data in self._waiting))
                self._last_change = time.monotonic()
            now = time.monotonic()
            if self._is_stalled:
                before = now
                continue
            self._show(None if self._line.rate is None else (now - before) * self._line.rate)
            before = now
            while self._to_type and self._to_type[0][0] <= now:
                os.write(self._descriptor, self._to_type.popleft()[1])
        self._show(None)

    _credit = 0.0
    _rest = b""

    def _show(self, allowed: float | None) -> None:
        """As much of what has arrived as the line lets through."""
        self._credit = (self._credit + allowed) if allowed is not None and self._waiting else 0.0
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            arrived, data = self._waiting[0]
            count = len(data) if allowed is None else min(int(self._credit), len(data))
            if not count:
                return
            self._credit -= count
            self._feed(data[:count])
            if count < len(data):
                self._waiting[0] = (arrived, data[count:])
                return
            self._waiting.popleft()

    def _feed(self, data: bytes) -> None:
        """Whole sequences and characters alone: the emulator is fed with text."""
        data = self._rest + data
        cut = _whole(data)
        self._rest = data[cut:]
        text = data[:cut].decode(errors="replace")
        if _ASKS_FOR_SYNC in text:
            self._answer(_SYNC_ANSWER)
        with self._lock:
            self.emulator.feed(text)
        self._last_change = time.monotonic()

    def _answer(self, data: bytes) -> None:
        if self._line.answers:
            self._to_type.append((time.monotonic() + self._line.delay, data))


_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*)?\Z")


def _whole(data: bytes) -> int:
    """How much of it isn't a sequence or a character that has only begun."""
    if match := _UNFINISHED.search(data, max(len(data) - 4096, 0)):
        return match.start()
    end = len(data)
    while end and len(data) - end < 3 and data[end - 1] & 0xC0 == 0x80:
        end -= 1
    starts = end and data[end - 1] >= 0xC0
    complete = starts and len(data) - end + 1 >= (2 if data[end - 1] < 0xE0 else 3 if data[end - 1] < 0xF0 else 4)
    return end - 1 if starts and not complete else len(data)


@contextmanager
def live(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    size: tuple[int, int] = (120, 40),
    line: Line = Line(),
) -> Iterator[LiveTerminal]:
    """Runs `command` on a terminal of `size` (columns, lines), which is its controlling one."""
    ours, theirs = pty.openpty()
    _set_size(ours, *size)
    process = subprocess.Popen(
        list(command),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**watch.environment(), **environment},
        cwd=_CHECKOUT,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(theirs)
    terminal = LiveTerminal(process, ours, size, line)
    try:
        yield terminal
    finally:
        terminal.close()
        passwords.look_at("what was on the terminal", terminal.received)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _set_size(descriptor: int, width: int, height: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
