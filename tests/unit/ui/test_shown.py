"""A frame counts as seen by an answer of the terminal alone, however late that is. In virtual time."""

import asyncio
import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events

from regtui.ui.shown import ShownFrames
from tests.support.virtual_time import in_virtual_time, now

_ASKED = re.compile(r"\x1b\[(\d+);(\d+)H\x1b\[6n")
HOUR = 3_600.0


class Terminal:
    """At the end of a line. `delays`: seconds from here to there, of one writing after the other, then 0.1; None for
    one that is lost on the way."""

    _writer_thread = object()

    def __init__(self, delays: Sequence[float | None] = (), *, answers: bool = True) -> None:
        self.frames = ShownFrames(SimpleNamespace(_driver=self, is_headless=False), now)  # type: ignore[arg-type]
        self.arrivals: list[float] = []
        """When what was written got there."""
        self._delays = [*delays]
        self._answers = answers
        self._last = 0.0
        self.sent: list[str] = []

    def write(self, data: str) -> None:
        self.sent.append(data)
        delay = self._delays.pop(0) if self._delays else 0.1
        if delay is not None:
            # Nothing overtakes what was written before.
            self._last = max(self._last, now() + delay)
            asyncio.get_running_loop().call_at(self._last, self._arrive, data)

    def flush(self) -> None: ...

    def _arrive(self, data: str) -> None:
        self.arrivals.append(now())
        if self._answers:
            for row, column in _ASKED.findall(data):
                self.say(int(row), int(column))

    def say(self, row: int, column: int) -> None:
        event = events.CursorPosition(column - 1, row - 1)
        event.time = now()
        self.frames.answered(event)


class Frame:
    """Asked for at once. `seen`: when it was told to be on the terminal, and when that was told."""

    def __init__(self, terminal: Terminal) -> None:
        self.painted = now()
        self.seen: list[float] = []
        self.forget = terminal.frames.when(self.seen.append)


delays = st.one_of(st.floats(0.0, HOUR), st.floats(0.0, 10.0))


@given(st.lists(st.tuples(delays, delays), min_size=1, max_size=8))
def test_a_frame_is_seen_when_its_answer_comes_and_not_before(frames: list[tuple[float, float]]) -> None:
    """Each painted so long after the one before, and so long on its way: also after answers that took an hour."""

    async def over_the_line() -> None:
        terminal = Terminal()
        terminal.frames.ask_first()
        for pause, delay in frames:
            await asyncio.sleep(pause)
            terminal._delays = [delay]
            frame = Frame(terminal)
            on_screen = max(terminal._last, now())
            await asyncio.sleep(on_screen - now() + 0.2)
            assert len(frame.seen) == 1
            assert frame.seen[0] >= on_screen

    in_virtual_time(over_the_line())


@given(st.lists(st.one_of(st.none(), delays), max_size=6))
def test_an_answer_that_was_lost_is_asked_for_again(lost: list[float | None]) -> None:
    async def over_the_line() -> None:
        terminal = Terminal(lost)
        frame = Frame(terminal)
        await asyncio.sleep(8 * HOUR)
        assert len(frame.seen) == 1
        assert frame.seen[0] == terminal.arrivals[0]
        assert len(terminal.sent) < 10_000

    in_virtual_time(over_the_line())


noise = st.tuples(st.integers(1, 60), st.integers(1, 200))


@given(st.lists(noise, max_size=20), st.tuples(st.integers(1, 60), st.integers(1, 200)))
def test_positions_that_others_asked_for_say_nothing(others: list[tuple[int, int]], always: tuple[int, int]) -> None:
    """Of the frames' own driver, of a run before, Shift+F3, and of a terminal that always says the same."""

    async def over_the_line() -> None:
        terminal = Terminal([30.0])
        frame = Frame(terminal)
        for position in (*others, always, always):
            if position[0] not in (2, 3):
                terminal.say(*position)
        assert not frame.seen
        assert not terminal.frames._has_answered
        await asyncio.sleep(31.0)
        assert frame.seen == terminal.arrivals[:1]

    in_virtual_time(over_the_line())


@pytest.mark.parametrize("half", [0, 1])
def test_half_an_answer_says_nothing(half: int) -> None:
    async def over_the_line() -> None:
        terminal = Terminal([None])
        frame = Frame(terminal)
        row, column = _ASKED.findall(terminal.sent[0])[half]
        for _ in range(3):
            terminal.say(int(row), int(column))
        assert not frame.seen

    in_virtual_time(over_the_line())


def test_the_answer_to_the_question_before_is_none_to_this_one() -> None:
    async def over_the_line() -> None:
        terminal = Terminal([5.0, 10.0])
        first = Frame(terminal)
        await asyncio.sleep(0.1)
        second = Frame(terminal)
        await asyncio.sleep(5.0)
        assert first.seen == [5.0]
        assert not second.seen
        await asyncio.sleep(10.0)
        assert second.seen == [10.1]

    in_virtual_time(over_the_line())


def test_what_never_answered_is_called_silent_until_it_does() -> None:
    async def over_the_line() -> None:
        terminal = Terminal([60.0])
        silent = [terminal.frames.is_silent]
        terminal.frames.ask_first()
        for pause in (0.0, 30.0, 31.0):
            await asyncio.sleep(pause)
            silent.append(terminal.frames.is_silent)
        assert silent == [False, False, True, False]
        # Once and for all: one late answer afterwards changes nothing.
        terminal._delays = [HOUR]
        frame = Frame(terminal)
        await asyncio.sleep(HOUR / 2)
        assert not terminal.frames.is_silent
        assert not frame.seen

    in_virtual_time(over_the_line())


def test_a_silent_terminal_is_asked_more_and_more_seldom_and_not_for_ever() -> None:
    async def over_the_line() -> None:
        terminal = Terminal(answers=False)
        terminal.frames.ask_first()
        await asyncio.sleep(HOUR)
        assert len(terminal.sent) == 1
        frame = Frame(terminal)
        await asyncio.sleep(HOUR)
        assert 10 < len(terminal.sent) < 80
        assert not frame.seen
        frame.forget()
        before = len(terminal.sent)
        await asyncio.sleep(HOUR)
        assert len(terminal.sent) == before

    in_virtual_time(over_the_line())


def test_without_a_terminal_everything_is_seen_at_once() -> None:
    for app in (SimpleNamespace(_driver=None), SimpleNamespace(_driver=object(), is_headless=True)):
        told: list[Any] = []
        frames = ShownFrames(app, lambda: 7.0)  # type: ignore[arg-type]
        frames.ask_first()
        frames.when(told.append)
        assert told == [7.0]
        assert not frames.is_silent
