"""Work on another thread's loop, as if it were here: results, errors and cancelling cross over, ends are ends."""

import asyncio
import gc
import sys
import threading
import time
from collections.abc import AsyncIterator

import anyio
import pytest

from regtui.errors import InternalError, RegtuiError
from regtui.host.hosts import LocalHost, Script
from regtui.settings.paths import state_dir
from regtui.ui import client_thread
from regtui.ui.client_thread import ClientThread
from tests.support.patience import PATIENCE


@pytest.fixture
async def thread() -> AsyncIterator[ClientThread]:
    made = ClientThread()
    yield made
    await made.close()


class Mishap(RegtuiError):
    def __init__(self, message: str = "") -> None:
        super().__init__(message)


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        await asyncio.sleep(0)
        yield number


async def test_results_and_errors_come_back(thread: ClientThread) -> None:
    async def result() -> int:
        return 5

    async def fails() -> None:
        raise Mishap("there")

    assert await thread.call(result) == 5
    with pytest.raises(Mishap, match="there"):
        await thread.call(fails)


async def test_what_nobody_expected_is_told_where_it_is_wanted_and_logged_with_its_traceback(
    thread: ClientThread,
) -> None:
    async def fails() -> None:
        raise ZeroDivisionError("\ud800 unexpected")

    async def breaks() -> AsyncIterator[int]:
        yield 1
        await fails()

    log = state_dir() / "crash.log"
    with pytest.raises(
        InternalError, match=r"An internal error: ZeroDivisionError\. The details are in .*crash\.log\."
    ):
        await thread.call(fails)
    assert "in fails" in log.read_text()
    assert "unexpected" in log.read_text()
    log.unlink()
    stream = thread.stream(breaks)
    assert await anext(stream) == 1
    with pytest.raises(InternalError):
        await anext(stream)
    assert "in breaks" in log.read_text()


async def test_streams_are_whole_and_in_order(thread: ClientThread) -> None:
    assert [number async for number in thread.stream(numbers, 100)] == list(range(100))


async def test_a_flood_is_whole_and_in_order_too() -> None:
    async def flood() -> AsyncIterator[int]:
        for number in range(20_000):
            if number % 977 == 0:
                await asyncio.sleep(0)
            yield number

    for _ in range(3):
        thread = ClientThread()
        assert [number async for number in thread.stream(flood)] == list(range(20_000))
        await thread.close()


async def test_a_stream_gives_what_it_had_before_its_error(thread: ClientThread) -> None:
    async def breaks() -> AsyncIterator[int]:
        yield 1
        yield 2
        raise Mishap

    stream = thread.stream(breaks)
    assert [await anext(stream), await anext(stream)] == [1, 2]
    with pytest.raises(Mishap):
        await anext(stream)


async def test_it_is_another_thread_and_always_the_same(thread: ClientThread) -> None:
    async def where() -> threading.Thread:
        return threading.current_thread()

    first, second = await asyncio.gather(thread.call(where), thread.call(where))
    assert first is second is not threading.current_thread()


async def test_cancelling_here_cancels_there(thread: ClientThread) -> None:
    started, cancelled = threading.Event(), threading.Event()

    async def hangs() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    running = asyncio.create_task(thread.call(hangs))
    assert await asyncio.to_thread(started.wait, PATIENCE)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await asyncio.to_thread(cancelled.wait, PATIENCE)


async def test_closing_a_stream_here_closes_it_there(thread: ClientThread) -> None:
    closed = threading.Event()

    async def endless() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
                await asyncio.sleep(0)
        finally:
            closed.set()

    stream = thread.stream(endless)
    assert await anext(stream) == 1
    await stream.aclose()
    assert await asyncio.to_thread(closed.wait, PATIENCE)


async def test_close_ends_what_hangs_and_half_a_list_is_not_a_whole_one() -> None:
    thread = ClientThread()
    started = threading.Event()

    async def hangs() -> None:
        started.set()
        await asyncio.Event().wait()

    async def stops_short() -> AsyncIterator[int]:
        yield 1
        await hangs()

    async def collect() -> list[int]:
        return [number async for number in thread.stream(stops_short)]

    waiting = [asyncio.create_task(thread.call(hangs)), asyncio.create_task(collect())]
    assert await asyncio.to_thread(started.wait, PATIENCE)
    await asyncio.sleep(0)
    await thread.close()
    results = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), PATIENCE)
    assert [type(result) for result in results] == [asyncio.CancelledError] * 2


async def test_work_that_wont_end_does_not_keep_us(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_thread, "_CLOSE_SECONDS", 0.05)
    thread = ClientThread()
    started, release = threading.Event(), threading.Event()

    async def blocks() -> None:
        started.set()
        release.wait(60.0)

    running = asyncio.create_task(thread.call(blocks))
    assert await asyncio.to_thread(started.wait, PATIENCE)
    await thread.close()
    assert not running.done()
    release.set()
    await asyncio.wait_for(asyncio.gather(running, return_exceptions=True), PATIENCE)
    assert caplog.records == []


async def test_closing_keeps_nobody_from_the_keys() -> None:
    """What is closed last may take its time, as an ssh that is slow to end: the app's loop goes on meanwhile."""
    thread = ClientThread()
    begun, release = threading.Event(), threading.Event()

    async def slow() -> None:
        begun.set()
        release.wait(PATIENCE)

    closing = asyncio.create_task(thread.close(slow))
    # Only where this loop is free does this go on, and lets the other one end.
    assert await asyncio.to_thread(begun.wait, PATIENCE)
    assert not closing.done()
    release.set()
    await asyncio.wait_for(closing, PATIENCE)


async def test_the_end_needs_nobody_who_waits_for_it() -> None:
    thread = ClientThread()
    closed = threading.Event()

    async def last() -> None:
        closed.set()

    closing = asyncio.create_task(thread.close(last))
    await asyncio.sleep(0)
    closing.cancel()
    assert await asyncio.to_thread(closed.wait, PATIENCE)


async def test_a_stream_closed_at_once_still_ends() -> None:
    for _ in range(20):
        thread = ClientThread()
        reading = asyncio.create_task(anext(thread.stream(numbers, 1), None))
        await asyncio.sleep(0)
        await thread.close()
        assert (await asyncio.wait_for(asyncio.gather(reading, return_exceptions=True), PATIENCE)) is not None


async def test_a_connection_that_is_just_being_made_is_cancelled_without_a_warning() -> None:
    """anyio says "never awaited" on stderr, the user's screen, when its child is cancelled before its first step."""
    thread = ClientThread()

    async def hold() -> None:
        time.sleep(0.05)  # noqa: ASYNC251 (what is handed over meanwhile starts in one turn of the loop)

    async def connect() -> None:
        await anyio.connect_tcp("127.0.0.1", 9)

    held = asyncio.create_task(thread.call(hold))
    await asyncio.sleep(0.01)
    connecting = asyncio.create_task(thread.call(connect))
    await asyncio.sleep(0)
    await thread.close()
    await asyncio.gather(held, connecting, return_exceptions=True)
    # Here pytest makes an error of it.
    gc.collect()


async def test_what_is_called_after_the_end_ends_quietly(thread: ClientThread) -> None:
    """As what is cut off by it: whoever still calls is a worker of a screen that goes, too."""
    await thread.close()
    await thread.close()
    with pytest.raises(asyncio.CancelledError):
        await thread.call(asyncio.sleep, 0)
    with pytest.raises(asyncio.CancelledError):
        await anext(thread.stream(numbers, 1))


@pytest.mark.parametrize("way", ["run", "follow"])
async def test_a_program_of_a_host_that_outlives_the_thread_leaves_nothing_to_python(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Its pipes were closed by the garbage collector, on a loop that is gone: a traceback on the user's terminal."""
    unraisable: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    thread, begun = ClientThread(), threading.Event()
    # It ends by neither signal at once, and holds its pipes.
    stubborn = Script('trap "" TERM; echo begun; sleep 60 & sleep 60')

    async def follow() -> None:
        async for _ in LocalHost().lines(stubborn):
            begun.set()

    async def run() -> None:
        begun.set()
        await LocalHost().run(stubborn)

    calling = asyncio.ensure_future(thread.call(run if way == "run" else follow))
    assert await asyncio.to_thread(begun.wait, PATIENCE)
    await asyncio.sleep(0.1)
    await thread.close()
    with pytest.raises(asyncio.CancelledError):
        await calling
    del calling
    gc.collect()
    assert unraisable == []
