"""The driver: Textual's own for Linux and macOS, with another way to write."""

import asyncio
import contextlib
import signal
import sys
import time
from typing import Any, ClassVar, Final, TextIO

from textual import events
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message

from regtui.ui.driver.flow import QUESTION, Flow
from regtui.ui.driver.output import OutputThread
from regtui.ui.driver.pens import NotUnderstood
from regtui.ui.driver.picture import Picture
from regtui.ui.driver.sequences import SequenceKind, Token, tokens
from regtui.ui.driver.terminal import Colors, Terminal

_BEGIN: Final = "\x1b[?2026h"
_END: Final = "\x1b[?2026l"
# Seconds that leaving waits for answers under way, which would be typed into the shell otherwise.
_LAST_ANSWERS: Final = 2.0


class DifferenceDriver(LinuxDriver):
    """Writes only the cells that changed; frames that come faster than the terminal shows them become one."""

    colors: ClassVar[Colors] = None
    """To how many colours styles are reduced; None leaves them as Textual makes them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Where Textual's own writes, too.
        self._terminal: TextIO = self._file or sys.stderr
        self._picture = Picture(Terminal.of(colors=self.colors))
        self._output: OutputThread | None = None
        self._flow = Flow()
        self._questions = self._answers = 0
        self._is_due = False
        self._is_synchronized = False
        self._timer: asyncio.TimerHandle | None = None
        self._behind: list[str] = []
        self._is_asked_behind = False

    # What Textual writes

    def write(self, data: str) -> None:
        parts = list(tokens(data))
        kinds = {part.kind for part in parts}
        if kinds <= {SequenceKind.HARMLESS}:
            # Also from the thread that reads the keys.
            self._send(data)
        elif kinds == {SequenceKind.SYNCHRONIZED}:
            # Around each frame, if at all; here it is around what is made of it.
            self._is_synchronized = True
        elif kinds == {SequenceKind.ALTERNATE_SCREEN}:
            self._send(data)
            if data.endswith("h"):
                self._lost_screen()
        else:
            self._take(data, parts)

    def _take(self, data: str, parts: list[Token]) -> None:
        size = (self._app.size.width, self._app.size.height)
        if size != self._picture.size:
            self._picture.start(*size)
        try:
            self._picture.take(parts)
        except NotUnderstood:
            self._paint()
            self._send(data)
            self._picture.forget()
            return
        for part in parts:
            if part.kind is SequenceKind.HARMLESS:
                self._send(part.value)
        self._is_due = True
        self._paint_when_possible()

    # What the terminal is sent

    @property
    def is_behind(self) -> bool:
        """Whether what was painted is still on its way: the line is slow."""
        return self._output is not None and (self._output.is_busy() or not self._flow.may_write())

    def _paint_when_possible(self) -> None:
        if not self._is_due or self._output is None or self._output.is_busy():
            return
        if self._flow.may_write():
            self._paint()
        elif self._timer is None:
            self._timer = self._loop.call_later(self._flow.patience, self._stop_waiting)

    def _stop_waiting(self) -> None:
        self._timer = None
        self._paint_when_possible()

    def _paint(self) -> None:
        self._is_due = False
        output = self._output
        difference = self._picture.difference()
        if output is not self._output:
            # Suspended and resumed by a signal meanwhile: this was for the screen before.
            return
        if difference:
            self._ask(f"{_BEGIN}{difference}{_END}" if self._is_synchronized else difference)
        behind, self._behind = self._behind, []
        for question in behind:
            self._send_asking(question)

    def _ask(self, data: str) -> None:
        self._send_asking(data + QUESTION)

    def _send_asking(self, data: str) -> None:
        """`data` holds at least one question."""
        questions = data.count(QUESTION)
        self._questions += questions
        count = self._send(data)
        for number in range(questions):
            self._flow.written(0 if number else count)

    def _send(self, data: str) -> int:
        """How many bytes it is."""
        encoded = data.encode(self._terminal.encoding, "replace")
        if self._output is not None:
            self._output.write(encoded)
        return len(encoded)

    def _on_written(self) -> None:
        # The program may be closing.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._paint_when_possible)

    def write_behind(self, question: str) -> None:
        """Writes `question`, which asks for the cursor's position and leaves it, once all that was taken by now has
        been painted. From then on the app gets all positions that the terminal tells: it knows its own."""
        self._is_asked_behind = True
        self._behind.append(question)
        self._is_due = True
        self._paint_when_possible()

    # What the terminal answers

    def process_message(self, message: Message) -> None:
        """On the thread that reads the keys."""
        if isinstance(message, events.Resize):
            self._size_told(message.size)
        if isinstance(message, events.CursorPosition) and self._answers < self._questions:
            self._answers += 1
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._on_answer)
            if not self._is_asked_behind:
                return
        super().process_message(message)

    def _on_answer(self) -> None:
        self._flow.answered()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._paint_when_possible()

    def _size_changed(self, *_: object) -> None:
        """A signal. Not looked at before the loop gets to it: Textual's own handler does at once, and where another
        signal interrupts it, tells the size of the first one last."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._tell_size)

    def _tell_size(self) -> None:
        if not self._in_band_window_resize:
            size = Size(*self._get_terminal_size())
            self.process_message(events.Resize(size, size))

    def _size_told(self, size: tuple[int, int]) -> None:
        # Another size comes with a whole frame of Textual's. To another one and back doesn't, and what the terminal
        # made of its cells meanwhile, nobody knows.
        if tuple(size) == self._picture.size:
            self._lost_screen()

    def _lost_screen(self) -> None:
        """From any thread, and from signal handlers."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._repaint)

    def _repaint(self) -> None:
        self._picture.repaint()
        self._is_due = True
        self._paint_when_possible()

    # Coming and going

    def start_application_mode(self) -> None:
        self._close_output()
        self._flow = Flow()
        self._questions = self._answers = 0
        self._output = OutputThread(self._terminal.fileno(), self._on_written)
        self._output.start()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        signal.signal(signal.SIGWINCH, self._size_changed)
        # While nothing else is under way: how long an answer takes.
        self._ask("")

    def stop_application_mode(self) -> None:
        self._is_due = False
        give_up = time.monotonic() + _LAST_ANSWERS
        while self._flow.waits and self._answers < self._questions and time.monotonic() < give_up:
            time.sleep(0.005)
        super().stop_application_mode()

    def close(self) -> None:
        super().close()
        self._close_output()

    def _close_output(self) -> None:
        output, self._output = self._output, None
        if output is not None:
            output.close()
