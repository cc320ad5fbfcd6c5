"""Work on another thread's loop, as if it were here: results, errors and cancelling cross over, ends are ends."""

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator

import anyio
import pytest

from regtui.errors import InternalError, RegtuiError
from regtui.session.crossing import Crossing, OwnThread, SameLoop
from regtui.settings.paths import state_dir
from tests.support.patience import PATIENCE


@pytest.fixture
async def own() -> AsyncIterator[OwnThread]:
    crossing = OwnThread()
    yield crossing
    crossing.close()


@pytest.fixture(params=["same loop", "own thread"])
async def crossing(request: pytest.FixtureRequest) -> AsyncIterator[Crossing]:
    made: Crossing = SameLoop() if request.param == "same loop" else OwnThread()
    yield made
    made.close()


class Mishap(RegtuiError):
    def __init__(self, message: str = "") -> None:
        super().__init__(message)


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        await asyncio.sleep(0)
        yield number


async def test_results_and_errors_come_back(crossing: Crossing) -> None:
    async def result() -> int:
        return 5

    async def fails() -> None:
        raise Mishap("there")

    assert await crossing.run(result) == 5
    with pytest.raises(Mishap, match="there"):
        await crossing.run(fails)


async def test_what_nobody_expected_is_told_where_it_is_wanted_and_logged_with_its_traceback(own: OwnThread) -> None:
    async def fails() -> None:
        raise ZeroDivisionError("\ud800 unexpected")

    async def breaks() -> AsyncIterator[int]:
        yield 1
        await fails()

    log = state_dir() / "crash.log"
    with pytest.raises(
        InternalError, match=r"An internal error: ZeroDivisionError\. The details are in .*crash\.log\."
    ):
        await own.run(fails)
    assert "in fails" in log.read_text()
    assert "unexpected" in log.read_text()
    log.unlink()
    stream = own.stream(breaks)
    assert await anext(stream) == 1
    with pytest.raises(InternalError):
        await anext(stream)
    assert "in breaks" in log.read_text()


async def test_streams_are_whole_and_in_order(crossing: Crossing) -> None:
    assert [number async for number in crossing.stream(lambda: numbers(100))] == list(range(100))


async def test_a_flood_is_whole_and_in_order_too() -> None:
    async def flood() -> AsyncIterator[int]:
        for number in range(20_000):
            if number % 977 == 0:
                await asyncio.sleep(0)
            yield number

    for _ in range(3):
        crossing = OwnThread()
        assert [number async for number in crossing.stream(flood)] == list(range(20_000))
        crossing.close()


async def test_a_stream_gives_what_it_had_before_its_error(crossing: Crossing) -> None:
    async def breaks() -> AsyncIterator[int]:
        yield 1
        yield 2
        raise Mishap

    stream = crossing.stream(breaks)
    assert [await anext(stream), await anext(stream)] == [1, 2]
    with pytest.raises(Mishap):
        await anext(stream)


async def test_it_is_another_thread_and_always_the_same(own: OwnThread) -> None:
    async def where() -> threading.Thread:
        return threading.current_thread()

    first, second = await asyncio.gather(own.run(where), own.run(where))
    assert first is second is not threading.current_thread()


async def test_cancelling_here_cancels_there(own: OwnThread) -> None:
    started, cancelled = threading.Event(), threading.Event()

    async def hangs() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    running = asyncio.create_task(own.run(hangs))
    assert await asyncio.to_thread(started.wait, PATIENCE)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await asyncio.to_thread(cancelled.wait, PATIENCE)


async def test_closing_a_stream_here_closes_it_there(own: OwnThread) -> None:
    closed = threading.Event()

    async def endless() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
                await asyncio.sleep(0)
        finally:
            closed.set()

    stream = own.stream(endless)
    assert await anext(stream) == 1
    await stream.aclose()  # type: ignore[attr-defined]
    assert await asyncio.to_thread(closed.wait, PATIENCE)


async def test_close_ends_what_hangs_and_half_a_list_is_not_a_whole_one() -> None:
    crossing = OwnThread()
    started = threading.Event()

    async def hangs() -> None:
        started.set()
        await asyncio.Event().wait()

    async def stops_short() -> AsyncIterator[int]:
        yield 1
        await hangs()

    async def collect() -> list[int]:
        return [number async for number in crossing.stream(stops_short)]

    waiting = [asyncio.create_task(crossing.run(hangs)), asyncio.create_task(collect())]
    assert await asyncio.to_thread(started.wait, PATIENCE)
    await asyncio.sleep(0)
    before = time.monotonic()
    crossing.close()
    assert time.monotonic() - before < 20.0
    results = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), PATIENCE)
    assert [type(result) for result in results] == [asyncio.CancelledError] * 2


async def test_work_that_wont_end_does_not_keep_us(caplog: pytest.LogCaptureFixture) -> None:
    crossing = OwnThread()
    started, release = threading.Event(), threading.Event()

    async def blocks() -> None:
        started.set()
        release.wait(60.0)

    running = asyncio.create_task(crossing.run(blocks))
    assert await asyncio.to_thread(started.wait, PATIENCE)
    before = time.monotonic()
    crossing.close()
    assert 0.9 < time.monotonic() - before < 30.0
    release.set()
    await asyncio.wait_for(asyncio.gather(running, return_exceptions=True), PATIENCE)
    assert caplog.records == []


async def test_a_stream_closed_at_once_still_ends() -> None:
    for _ in range(20):
        crossing = OwnThread()
        reading = asyncio.create_task(anext(crossing.stream(lambda: numbers(1)), None))
        await asyncio.sleep(0)
        crossing.close()
        assert (await asyncio.wait_for(asyncio.gather(reading, return_exceptions=True), PATIENCE)) is not None


@pytest.mark.parametrize("end", ["finish", "close"])
async def test_a_connection_that_is_just_being_made_is_cancelled_without_a_warning(end: str) -> None:
    """anyio says "never awaited" on stderr, the user's screen, when its child is cancelled before its first step."""
    crossing = OwnThread()

    async def hold() -> None:
        time.sleep(0.05)  # noqa: ASYNC251 (what is handed over meanwhile starts in one turn of the loop)

    async def connect() -> None:
        await anyio.connect_tcp("127.0.0.1", 9)

    async def nothing() -> None:
        pass

    held = asyncio.create_task(crossing.run(hold))
    await asyncio.sleep(0.01)
    connecting = asyncio.create_task(crossing.run(connect))
    await asyncio.sleep(0)
    if end == "finish":
        await crossing.finish(nothing)
    else:
        crossing.close()
    await asyncio.gather(held, connecting, return_exceptions=True)
    # Here pytest makes an error of it.
    gc.collect()


async def test_after_closing_nothing_can_be_run(own: OwnThread) -> None:
    own.close()
    own.close()
    with pytest.raises(RuntimeError, match="closed"):
        await own.run(lambda: asyncio.sleep(0))
    with pytest.raises(RuntimeError, match="closed"):
        await anext(own.stream(lambda: numbers(1)))
