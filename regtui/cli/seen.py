"""Whether what was printed is on the terminal. Over a slow line, or one that stands still, that is long afterwards, and
what is typed until then answers nothing: it was typed by somebody who hadn't read it."""

import os
import re
import secrets
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from select import select
from typing import Final

from regtui.cursor_question import CursorQuestions

# Seconds after which the terminal may be one that doesn't answer: then a number that it shows can be typed instead.
_OFFER: Final = 3.0
_LEAST_NUMBER: Final = 1000
_POSITION: Final = re.compile(rb"\x1b\[(\d+);(\d+)R\Z")
_LONGEST_POSITION: Final = 16

# Of the terminal, for as long as the program runs: a late answer belongs to the question that it was asked.
_questions = CursorQuestions()


def can_be_asked() -> bool:
    """Whether stdin and stderr are a terminal that knows sequences at all."""
    return sys.stdin.isatty() and sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def until_seen() -> bool:
    """Drops what is typed until everything that was printed is on the terminal, however long that takes. False where
    the terminal has gone. Raises KeyboardInterrupt."""
    descriptor = sys.stdin.fileno()
    try:
        with _key_by_key(descriptor):
            return _until_seen(descriptor)
    except (termios.error, OSError):
        return False


def _until_seen(descriptor: int) -> bool:
    asked, question = _questions.ask()
    _write(question)
    typed, number = b"", b""
    offer_at = time.monotonic() + _OFFER
    while True:
        readable, _, _ = select([descriptor], [], [], None if number else max(offer_at - time.monotonic(), 0.0))
        if not readable:
            typed, number = b"", str(_LEAST_NUMBER + secrets.randbelow(9 * _LEAST_NUMBER)).encode()
            _write(f"This terminal doesn't say what it shows. Type {number.decode()} to go on, Ctrl+C to cancel: ")
            continue
        # One at a time: what follows the answer is typed by somebody who sees the question.
        key = os.read(descriptor, 1)
        if not key:
            return False
        typed = (typed + key)[-_LONGEST_POSITION:]
        if _is_answer(typed, asked) or (number and typed.endswith(number)):
            _write("\n" if number else "")
            return True


def _is_answer(typed: bytes, asked: int) -> bool:
    position = _POSITION.search(typed)
    if position is None:
        return False
    answered = _questions.take((int(position[1]), int(position[2])))
    return answered is not None and answered >= asked


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


@contextmanager
def _key_by_key(descriptor: int) -> Iterator[None]:
    """Neither lines nor an echo: an answer isn't to be seen. What was typed before comes too. Ctrl+C interrupts."""
    before = termios.tcgetattr(descriptor)
    changed = termios.tcgetattr(descriptor)
    changed[3] &= ~(termios.ICANON | termios.ECHO)
    changed[6][termios.VMIN], changed[6][termios.VTIME] = 1, 0
    termios.tcsetattr(descriptor, termios.TCSANOW, changed)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)
