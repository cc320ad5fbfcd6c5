"""The filler: what is looked at first, in batches, and an end that leaves nothing running."""

import asyncio
import itertools
from contextlib import aclosing

import pytest

from regtui.listing.filler import Filler
from regtui.listing.summary import Batch
from regtui.oci.digest import Digest
from regtui.registry.errors import NotAuthenticated, ServerFailed, Unreachable
from tests.support.virtual_time import in_virtual_time, now
from tests.unit.listing.contents import WHERE, MemorySource

NAMES = [f"1.{number}" for number in range(100)]


@pytest.fixture
def source() -> MemorySource:
    source = MemorySource()
    for name in NAMES:
        source.image(name)
    return source


async def everything(filler: Filler) -> list[Batch]:
    return [batch async for batch in filler.run()]


def manifests(source: MemorySource) -> list[str]:
    return [reference for reference in source.requests if ":" not in reference]


async def test_every_tag_is_filled_once_in_order(source: MemorySource) -> None:
    batches = await everything(Filler(source, "team/app", NAMES, interval=0))
    assert sorted(tag for batch in batches for tag, _ in batch) == sorted(NAMES)
    assert manifests(source) == NAMES
    assert 1 < source.most_at_once <= 8


async def test_nothing_to_fill_ends_at_once(source: MemorySource) -> None:
    assert await everything(Filler(source, "team/app", [])) == []


async def test_what_is_wanted_comes_next(source: MemorySource) -> None:
    filler = Filler(source, "team/app", NAMES, in_flight=lambda: 2, interval=0)
    filler.prioritise(["1.50", "1.51", "not there"])
    async with aclosing(filler.run()) as batches:
        await anext(batches)
        filler.prioritise(["1.90", "1.50"])
        async for _ in batches:
            pass
    asked = manifests(source)
    assert asked[:2] == ["1.50", "1.51"]
    assert asked.index("1.90") < asked.index("1.30")
    assert sorted(asked) == sorted(NAMES)


async def test_as_many_at_a_time_as_is_said_meanwhile(source: MemorySource) -> None:
    allowed = 2
    filler = Filler(source, "team/app", NAMES, in_flight=lambda: allowed, interval=0)
    async with aclosing(filler.run()) as batches:
        await anext(batches)
        assert source.most_at_once == 2
        allowed = 20
        async for _ in batches:
            pass
    assert source.most_at_once == 20


def test_batches_keep_their_distance(source: MemorySource) -> None:
    source.delay = 0.002
    times = []

    async def read() -> None:
        async with aclosing(Filler(source, "team/app", NAMES, interval=0.03).run()) as batches:
            async for _ in batches:
                times.append(now())

    in_virtual_time(read())
    # The last may come sooner: with all done, there is nothing to wait for.
    assert all(later - earlier > 0.0299 for earlier, later in itertools.pairwise(times[:-1]))


def test_while_something_is_looked_at_the_rest_is_told_five_times_as_seldom(source: MemorySource) -> None:
    source.delay = 0.002
    told = []

    async def read() -> None:
        filler = Filler(source, "team/app", NAMES, in_flight=lambda: 2, interval=0.01)
        filler.prioritise(["1.40", "not there"])
        async with aclosing(filler.run()) as batches:
            async for batch in batches:
                told.append((now(), [tag for tag, _ in batch]))

    in_virtual_time(read())
    assert "1.40" in told[0][1]
    # Again the last may come sooner.
    assert all(later - earlier > 0.0499 for (earlier, _), (later, _) in itertools.pairwise(told[:-1]))
    assert sorted(tag for _, tags in told for tag in tags) == sorted(NAMES)


async def test_what_is_looked_at_is_not_held_back(source: MemorySource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regtui.listing.filler._SELDOM", 1_000_000)
    filler = Filler(source, "team/app", NAMES, in_flight=lambda: 2, interval=0)
    filler.prioritise(["1.0"])
    async with aclosing(filler.run()) as batches:
        await anext(batches)
        filler.prioritise(["1.60"])
        told = [tag for tag, _ in await anext(batches)]
        assert "1.60" in told
        assert "1.99" not in told


async def test_a_fault_in_one_row_is_told_there_and_the_others_go_on(source: MemorySource) -> None:
    source.errors["1.7"] = ZeroDivisionError()
    summaries = dict(pair for batch in await everything(Filler(source, "team/app", NAMES)) for pair in batch)
    assert len(summaries) == len(NAMES)
    assert summaries["1.7"].error == "an internal error: ZeroDivisionError"
    assert [name for name, summary in summaries.items() if summary.error] == ["1.7"]


async def test_one_tag_that_fails_is_told_and_worth_another_try(source: MemorySource) -> None:
    source.errors["1.7"] = ServerFailed(WHERE, "It failed.")
    del source.manifests["1.8"]
    summaries = dict(pair for batch in await everything(Filler(source, "team/app", NAMES)) for pair in batch)
    assert len(summaries) == len(NAMES)
    assert (summaries["1.7"].error, summaries["1.7"].is_retryable, summaries["1.7"].is_broken) == (
        "It failed.",
        True,
        False,
    )
    assert summaries["1.8"].is_broken


async def test_where_something_below_a_tag_fails_its_own_digest_is_told(source: MemorySource) -> None:
    child = source.image("child")
    digest = source.index("index", {child: "linux/amd64"})
    source.errors[child] = ServerFailed(WHERE, "It failed.")
    image = source.image("image", created="2020-01-01T00:00:00Z")
    config = Digest.of(list(source.configs.values())[-1])
    source.errors[config] = ServerFailed(WHERE, "It failed.")
    [[*batch]] = await everything(Filler(source, "team/app", ["index", "image"]))
    told = {tag: (summary.digest, summary.error, summary.is_retryable) for tag, summary in batch}
    assert told == {"index": (digest, "It failed.", True), "image": (image, "It failed.", True)}


@pytest.mark.parametrize("error", [Unreachable(WHERE, "gone"), NotAuthenticated(WHERE, "who?")])
async def test_what_would_meet_all_tags_ends_it_after_what_was_done(
    source: MemorySource, error: Unreachable | NotAuthenticated
) -> None:
    source.errors["1.20"] = error
    got: Batch = []

    async def read() -> None:
        async with aclosing(Filler(source, "team/app", NAMES).run()) as batches:
            async for batch in batches:
                got.extend(batch)

    with pytest.raises(type(error)):
        await read()
    assert {"1.0", "1.5"} <= {tag for tag, _ in got}
    assert len(manifests(source)) < 40
    assert source.under_way == 0


async def turns() -> None:
    """So many turns of the loop that everything stands where it waits."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_closing_it_leaves_nothing_running(source: MemorySource) -> None:
    filler = Filler(source, "team/app", NAMES, interval=0)
    async with aclosing(filler.run()) as batches:
        await anext(batches)
        source.delay = 60
        await turns()
        assert source.under_way > 0
    assert source.under_way == 0
    assert source.cancelled == 8
    assert len(asyncio.all_tasks()) == 1


async def test_cancelling_who_reads_it_leaves_nothing_running(source: MemorySource) -> None:
    source.delay = 60

    async def read() -> None:
        async with aclosing(Filler(source, "team/app", NAMES).run()) as batches:
            async for _ in batches:
                pass

    task = asyncio.create_task(read())
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.under_way == 0
