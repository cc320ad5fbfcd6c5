"""Many things at once: never more than allowed, none lost, and one that is slow holds no other up."""

import asyncio
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui import limit


class Expected(Exception):
    pass


async def ended(
    turns: Iterable[int], at_once: int, *, fails: frozenset[int] = frozenset(), begins: int = 1_000
) -> tuple[list[tuple[int, bool, bool]], int]:
    """(number, whether it failed, whether it was begun) as they ended, and the most that were under way at once."""
    running = most = asked = 0
    turns = list(turns)

    async def do(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(turns[number]):
            await asyncio.sleep(0)
        running -= 1
        if number in fails:
            raise Expected(number)
        return number

    def goes_on() -> bool:
        nonlocal asked
        asked += 1
        return asked <= begins

    each = limit.each(range(len(turns)), do, at_once=at_once, expect=Expected, goes_on=goes_on)
    found = [(one.item, one.error is not None, one.begun) async for some in each for one in some]
    return found, most


@given(st.lists(st.integers(0, 5), max_size=20), st.integers(1, 5), st.frozensets(st.integers(0, 19)))
def test_each_is_done_once_and_never_too_many_at_a_time(turns: list[int], at_once: int, fails: frozenset[int]) -> None:
    found, most = asyncio.run(ended(turns, at_once, fails=fails))
    assert sorted(found) == [(number, number in fails, True) for number in range(len(turns))]
    assert most <= at_once


@given(st.integers(0, 12), st.integers(1, 5))
def test_what_a_stop_left_out_is_told_last(begins: int, at_once: int) -> None:
    found, _ = asyncio.run(ended([1] * 12, at_once, begins=begins))
    assert [number for number, _, _ in found if number >= begins] == list(range(begins, 12))
    assert all(begun == (number < begins) for number, _, begun in found)


async def test_one_that_is_slow_holds_no_other_up() -> None:
    found, _ = await ended([1_000, *[1] * 20], 2)
    assert found[-1] == (0, False, True)


async def test_an_error_that_nobody_expects_ends_it_once_what_was_begun_has_ended() -> None:
    finished: list[int] = []

    async def do(number: int) -> None:
        if number == 0:
            raise ValueError(number)
        for _ in range(10):
            await asyncio.sleep(0)
        finished.append(number)

    with pytest.raises(ValueError, match="0"):
        async for _ in limit.each(range(8), do, at_once=3, expect=Expected):
            pass
    assert finished == [1, 2]
