"""How many requests at once: tried on simulated servers, in simulated time."""

import asyncio
import heapq
from collections.abc import Callable
from contextlib import suppress

import pytest

from regtui.registry.pace import START, Gate, Pace
from tests.support.patience import PATIENCE

Seconds = Callable[[int], float | None]
"""What an answer takes with so many under way; None where the server refuses it at once."""


def simulate(pace: Pace, server: Seconds, answers: int) -> list[int]:
    """The number under way at each answer. As many wait as are let in."""
    now, refused = 0.0, 0
    taken: list[int] = []
    under_way: list[tuple[float, int, bool]] = []
    number = 0
    while len(taken) + refused < answers:
        while len(under_way) < pace.limit:
            number += 1
            seconds = server(len(under_way) + 1)
            heapq.heappush(under_way, (now + (seconds or 0.001), number, seconds is not None))
        full = len(under_way) >= pace.limit
        now, _, good = heapq.heappop(under_way)
        if good:
            taken.append(len(under_way) + 1)
            pace.answered(now, full=full)
        else:
            refused += 1
            pace.refused(now)
    return taken


def serves(at_once: int, seconds: float) -> Seconds:
    """A server that works on so many at once; the others wait for their turn."""
    return lambda under_way: seconds * max(1, under_way / at_once)


@pytest.mark.parametrize("at_once", [1, 2, 8, 20])
def test_it_finds_what_the_server_works_on_at_once(at_once: int) -> None:
    under_way = simulate(Pace(32), serves(at_once, 0.01), 6000)
    assert under_way[0] == START
    settled = sorted(under_way[3000:])[1500]
    assert max(START, at_once) <= settled <= max(START, 2 * at_once)


def test_a_distant_server_gets_all_that_is_allowed_and_soon() -> None:
    under_way = simulate(Pace(32), lambda _: 0.2, 500)
    assert under_way[-1] == 32


def test_never_above_the_limit_that_was_set() -> None:
    assert max(simulate(Pace(6), lambda _: 0.2, 500)) == 6
    assert max(simulate(Pace(1), lambda _: 0.2, 500)) == 1


@pytest.mark.parametrize("allowed", [1, 3, 10])
def test_a_server_that_limits_requests_is_left_in_peace(allowed: int) -> None:
    refused = 0

    def server(under_way: int) -> float | None:
        nonlocal refused
        if under_way > allowed:
            refused += 1
            return None
        return 0.05

    under_way = simulate(Pace(32), server, 4000)
    # Now and then it looks whether more is taken by now.
    assert max(allowed // 2, 1) <= sorted(under_way[-1000:])[500] <= allowed
    assert refused < 200


def test_a_burst_of_refusals_is_one_reason_to_slow_down() -> None:
    pace = Pace(32)
    simulate(pace, lambda _: 0.2, 500)
    for _ in range(8):
        pace.refused(1000.0)
    assert pace.limit == 16
    simulate(pace, lambda _: 0.2, 100)
    pace.refused(2000.0)
    assert pace.limit == 8


def test_few_requests_teach_nothing() -> None:
    pace = Pace(32)
    for number in range(1000):
        pace.answered(number * 0.01, full=False)
    assert pace.limit == START


async def test_the_gate_lets_in_as_many_as_the_limit_in_their_order() -> None:
    gate = Gate(Pace(2))
    order: list[int] = []
    inside = most = 0

    async def one(number: int) -> None:
        nonlocal inside, most
        async with gate:
            inside += 1
            most = max(most, inside)
            order.append(number)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*map(one, range(10)))
    assert order == list(range(10))
    assert most == 2


async def test_who_gives_up_waiting_keeps_nobody_out() -> None:
    gate = Gate(Pace(1))
    entered: list[str] = []

    async def one(name: str) -> None:
        async with gate:
            entered.append(name)
            await asyncio.sleep(0)

    await gate.__aenter__()
    first, second, third = (asyncio.create_task(one(name)) for name in ("first", "second", "third"))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    await gate.__aexit__(None, None, None)
    # Its turn has come, but it has not run yet.
    second.cancel()
    for task in (first, second):
        with suppress(asyncio.CancelledError):
            await task
    await third
    assert entered == ["third"]
    await asyncio.wait_for(one("later"), PATIENCE)


async def test_a_turn_is_one_slot_for_all_that_is_sent_within_and_nobody_comes_between() -> None:
    """Also for what is begun within: where it waited for a slot, all turns together would wait for ever."""
    gate = Gate(Pace(2))
    order: list[str] = []
    inside = most = 0

    async def one(name: str) -> None:
        nonlocal inside, most
        async with gate.slot():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
            order.append(name)

    async def several(name: str) -> None:
        async with gate.turn(), gate.turn():
            await one(f"{name} looks")
            await asyncio.ensure_future(one(f"{name} changes"))

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(several(name) for name in "abcd"), one("e"))
    assert order == [
        *("a looks", "b looks", "a changes", "b changes"),
        *("c looks", "d looks", "c changes", "d changes"),
        "e",
    ]
    assert most == 2


async def test_what_outlives_a_turn_waits_like_everybody_else_and_another_gate_is_another() -> None:
    gate, other = Gate(Pace(1)), Gate(Pace(1))
    go, is_over = asyncio.Event(), False

    async def later() -> None:
        await go.wait()
        async with gate.slot():
            assert is_over

    async with gate.turn():
        late = asyncio.ensure_future(later())
        async with other.slot(), gate.slot():
            await asyncio.sleep(0)
    async with gate.slot():
        go.set()
        for _ in range(10):
            await asyncio.sleep(0)
        is_over = True
    await asyncio.wait_for(late, PATIENCE)
