"""Between the program and who sits there: warnings and progress on stderr, questions and hidden prompts."""

import os
import signal
import stat
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from regtui.cli.fitting import cut, terminal_width, wrapped
from regtui.errors import UsageError
from regtui.text import one_line

# Seconds between two states of the progress: more than people read, less than they wait.
_INTERVAL: Final = 0.1


def warn(text: str) -> None:
    """A line on stderr, marked as ours."""
    say(f"regtui: {one_line(text)}")


def say(text: str = "") -> None:
    """A line on stderr: plans, results in words. Cleaned; on a terminal broken between its words."""
    line = one_line(text)
    if sys.stderr.isatty():
        line = wrapped(line, _width_of_stderr())
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def _width_of_stderr() -> int:
    """In cells. What goes to stdout may go elsewhere."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or terminal_width()
    except OSError:
        return terminal_width()


def is_interactive() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str) -> str:
    """The line typed since it was asked, by somebody who could read what was printed before; empty at the end of input.
    Raises KeyboardInterrupt, also within asyncio.run."""
    with _interruptible():
        line = ""
        try:
            if not _is_seen():
                return ""
            # Only now: who sees the question may already press Ctrl+C.
            sys.stderr.write(one_line(question) + " ")
            sys.stderr.flush()
            line = sys.stdin.readline()
        finally:
            _end_line(line)
        return line.strip()


def _is_seen() -> bool:
    """Before a question stands there nobody answers it: who typed ahead hasn't read the plan. Waits until that is on
    the terminal; False where that has gone."""
    if not is_interactive():
        return True
    from regtui.cli.seen import can_be_asked, until_seen

    if can_be_asked():
        return until_seen()
    with suppress(termios.error, OSError):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    return True


def _end_line(typed: str) -> None:
    """What comes after Ctrl+C or Ctrl+D has a line of its own, as after Enter."""
    if not typed.endswith("\n"):
        sys.stderr.write("\n")
        sys.stderr.flush()


def ask_password(prompt: str) -> str:
    """A line typed without being shown. Raises UsageError where nobody is there or nothing was typed."""
    import getpass

    try:
        password = getpass.getpass(one_line(prompt) + " ", sys.stderr)
    except EOFError:
        _end_line("")
        password = ""
    except KeyboardInterrupt:
        _end_line("")
        raise
    if not password:
        raise UsageError("No password was given.")
    return password


def read_password() -> str:
    """All of stdin, without the line break at its end. Raises UsageError."""
    try:
        password = sys.stdin.buffer.read(1024 * 1024).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise UsageError("The password on standard input is no UTF-8 text.") from None
    if not password:
        raise UsageError("There is no password on standard input.")
    return password


@contextmanager
def _interruptible() -> Iterator[None]:
    """asyncio.run turns the first Ctrl+C into a cancellation, which a blocking read would never notice."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if _is_cancelled():
            raise KeyboardInterrupt
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _is_cancelled() -> bool:
    """Whether a Ctrl+C came already, and waits for an await that a question never reaches."""
    import asyncio

    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop is running
        return False
    return task is not None and task.cancelling() > 0


def _is_piped() -> bool:
    """Whether somebody reads stdout as it comes: it is neither a terminal nor a file."""
    try:
        return stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
    except (OSError, ValueError):
        return False


class Progress:
    """`Reading team/app: 340/2,000` on one line of stderr, erased at the end. Silent where stderr is no terminal.
    `beside_records`: records go to stdout meanwhile. Who reads them from a pipe may show them on the same terminal."""

    def __init__(self, what: str, *, beside_records: bool = False) -> None:
        self._what = one_line(what)
        self._enabled = sys.stderr.isatty() and not (beside_records and _is_piped())
        self._shown = False
        self._next = time.monotonic() + _INTERVAL

    def begin(self, total: int) -> None:
        """At once: what begins may take long before there is anything to count."""
        self._next = time.monotonic()
        self.show(0, total)

    def show(self, done: int, total: int, what: str = "") -> None:
        """`what`: something that comes in between."""
        if self._enabled and time.monotonic() >= self._next:
            self._next = time.monotonic() + _INTERVAL
            self._write(what or self._what, f" {done:,}/{total:,}")

    def count(self, done: int) -> None:
        """Of what nobody knows how much it is."""
        if self._enabled:
            self._write(self._what, f" {done:,} requests so far")

    def _write(self, what: str, count: str) -> None:
        self._shown = True
        # On one line, however long the name: only that one is erased.
        what = cut(what, max(terminal_width() - len(count) - 1, 1))
        sys.stderr.write(f"\r{what}{count}\x1b[K")
        sys.stderr.flush()

    def clear(self) -> None:
        if self._shown:
            self._shown = False
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
