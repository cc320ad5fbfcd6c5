"""What is shown before the registry answers, and how it is put right."""

import asyncio
import time
from collections.abc import Callable

import pytest

from regtui.content.store import NotCached
from regtui.listing.filler import Filler
from regtui.listing.recall import Recollection
from regtui.listing.summary import Summary, summarize
from regtui.listing.tags import TagList
from regtui.oci.digest import Digest
from regtui.registry.values import FetchedManifest
from tests.support.patience import PATIENCE
from tests.unit.listing.contents import MemorySource

NAMES = [f"1.{number}" for number in range(450)]


class KeptSource(MemorySource):
    """What is kept; anything else would have to be asked for."""

    async def current(self, repository: str, reference: str) -> FetchedManifest:
        if reference not in self.manifests:
            raise NotCached(reference)
        return await super().current(repository, reference)

    async def config(self, repository: str, digest: Digest) -> bytes:
        if digest not in self.configs:
            raise NotCached(digest)
        return await super().config(repository, digest)


@pytest.fixture
def kept() -> KeptSource:
    source = KeptSource()
    for number, name in enumerate(NAMES):
        source.image(name, created=f"2026-01-{number % 28 + 1:02}T00:00:00Z")
    return source


def digests(source: MemorySource) -> dict[str, Digest]:
    return {name: source.manifests[name].digest for name in NAMES if name in source.manifests}


async def remembered(source: MemorySource, known: dict[str, Digest]) -> dict[str, Summary]:
    batches = Recollection(source, "team/app", known).batches()
    return {tag: summary async for batch in batches for tag, summary in batch}


async def test_summaries_are_those_of_the_last_time_and_say_so(kept: KeptSource) -> None:
    found = await remembered(kept, digests(kept))
    assert list(found) == NAMES
    fresh = await summarize(kept, "team/app", NAMES[7])
    assert found[NAMES[7]].is_remembered
    assert found[NAMES[7]].created == fresh.created


async def test_what_is_not_kept_whole_is_not_recalled(kept: KeptSource) -> None:
    known = digests(kept)
    del kept.configs[next(iter(kept.configs))]
    gone = kept.manifests[NAMES[9]].digest
    del kept.manifests[gone]
    found = await remembered(kept, known)
    assert NAMES[9] not in found
    # Sharing one config, those of the same day aren't whole either.
    assert NAMES[0] not in found
    assert NAMES[1] in found


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await asyncio.to_thread(time.sleep, 0.001)


async def filled(source: MemorySource, recollection: Recollection) -> dict[str, Summary]:
    filler = Filler(source, "team/app", NAMES)
    return {tag: summary async for batch in filler.run(recollection) for tag, summary in batch}


@pytest.fixture
def registry(kept: KeptSource) -> MemorySource:
    """Has what is kept, and counts what it is asked for."""
    registry = MemorySource()
    registry.manifests, registry.configs = dict(kept.manifests), dict(kept.configs)
    return registry


async def test_checking_costs_one_request_for_what_did_not_move(kept: KeptSource, registry: MemorySource) -> None:
    recollection = Recollection(kept, "team/app", digests(kept))
    before = await summarize(kept, "team/app", NAMES[5])
    moved, gone = NAMES[3], NAMES[4]
    new = registry.image(moved, architecture="arm64")
    del registry.manifests[gone]
    await recollection.read(NAMES)
    checked = await filled(registry, recollection)
    assert sorted(checked) == sorted(NAMES)
    assert not any(summary.is_remembered for summary in checked.values())
    assert checked[moved].digest == new
    assert checked[gone].is_broken
    assert checked[NAMES[5]] == before
    # Beside one for each tag, the manifest and the config of the one that moved.
    assert len(registry.requests) == len(NAMES) + 2


async def test_where_head_names_what_is_not_there_the_tag_itself_decides(
    kept: KeptSource, registry: MemorySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nonsense(repository: str, tag: str) -> Digest:
        return Digest.of(b"nonsense")

    monkeypatch.setattr(registry, "digest", nonsense)
    checked = await filled(registry, Recollection(kept, "team/app", digests(kept)))
    assert {tag: summary.digest for tag, summary in checked.items()} == digests(kept)
    assert not any(summary.error for summary in checked.values())


async def test_what_is_kept_is_read_once_whoever_wants_it_first(kept: KeptSource, registry: MemorySource) -> None:
    recollection = Recollection(kept, "team/app", digests(kept))
    kept.requests.clear()
    batches = recollection.batches()
    told = dict(await anext(batches))
    checked = await filled(registry, recollection)
    told.update({pair async for batch in batches for pair in batch})
    assert len(checked) == len(NAMES)
    # The rest was wanted by the filler before its turn came: it is told by that alone.
    assert 0 < len(told) < len(NAMES)
    assert len(kept.requests) == 2 * len(NAMES)
    assert len(registry.requests) == len(NAMES)


async def test_what_is_not_kept_whole_is_asked_for(kept: KeptSource, registry: MemorySource) -> None:
    recollection = Recollection(kept, "team/app", digests(kept))
    kept.configs.clear()
    checked = await filled(registry, recollection)
    assert all(summary.created is not None for summary in checked.values())
    assert len(registry.requests) == 3 * len(NAMES)


async def test_reading_ahead_follows_the_order_that_is_asked_for(kept: KeptSource) -> None:
    recollection = Recollection(kept, "team/app", digests(kept))
    kept.requests.clear()
    await recollection.read([*reversed(NAMES[-60:]), "not there"])
    manifests = [request for request in kept.requests if request in kept.manifests]
    assert manifests == [kept.manifests[name].digest for name in reversed(NAMES[-60:])]


async def test_no_more_is_held_than_is_said(
    kept: KeptSource, registry: MemorySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regtui.listing.recall._HELD", 100)
    recollection = Recollection(kept, "team/app", digests(kept))
    reading = asyncio.create_task(recollection.read(NAMES))
    await until(lambda: len(kept.requests) >= 2 * 100)
    kept.requests.clear()
    registry.image(NAMES[0], architecture="arm64")
    checked = await filled(registry, recollection)
    await reading
    assert len(checked) == len(NAMES)
    # The first hundred were held; those that came after were read once, ahead or when they were asked for.
    assert len(kept.requests) == 2 * (len(NAMES) - 100)
    assert len(registry.requests) == len(NAMES) + 2


async def test_a_list_is_told_all_whatever_is_held(kept: KeptSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regtui.listing.recall._HELD", 100)
    assert list(await remembered(kept, digests(kept))) == NAMES


async def test_the_list_shows_them_at_once_and_drops_what_is_not_listed(kept: KeptSource) -> None:
    found = await remembered(kept, digests(kept))
    model = TagList()
    assert model.recall(found.items()).reordered
    assert (model.total, model.filled) == (450, 0)
    row = model.find(NAMES[5])
    assert row is not None
    assert row.summary is not None
    assert (row.is_being_checked, row.is_filled) == (True, False)
    assert set(model.unfilled()) == set(NAMES)
    # By date, as what is known has it.
    assert model.row(0).summary is not None
    model.replace([*NAMES[:100], "new"])
    assert (model.total, model.remembered_count) == (101, 100)
    # Now that the registry has spoken, nothing comes back.
    model.recall(found.items())
    assert model.total == 101


async def test_what_was_checked_stays_so_whenever_it_is_recalled(kept: KeptSource) -> None:
    found = await remembered(kept, digests(kept))
    fresh = await summarize(kept, "team/app", NAMES[0])
    model = TagList()
    model.replace(NAMES)
    model.fill([(NAMES[0], fresh)])
    model.recall(found.items())
    assert (model.filled, model.remembered_count) == (1, 449)
    model.fill([(NAMES[1], fresh)])
    assert (model.filled, model.remembered_count) == (2, 448)
    model.mark([NAMES[0]])
    assert model.marked_free_up_to() is None
