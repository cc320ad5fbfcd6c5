"""A tag that is moved to another image is recorded as everything that loses a tag is, and comes back."""

from datetime import timedelta

import httpx
import pytest

from regtui import bounds
from regtui.deletion.entry import Kind
from regtui.deletion.inventory import stored
from regtui.deletion.tagging import NotTagged
from regtui.deletion.undo import undone
from regtui.deletion.undo_words import (
    not_unasked,
    result_of,
    title_of,
    undo_confirmation,
    undo_sentences,
    verb_of,
    what_of,
)
from regtui.deletion.values import Action, Outcome, Status
from regtui.local.transport import LocalTransport
from regtui.oci.digest import Digest
from regtui.registry.errors import NotAllowed
from regtui.session import changes
from regtui.session.session import Session

from .worlds import World

REPOSITORY = "team/app"


@pytest.fixture(params=["2.8.2", "3.1.1"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


async def undo_last(connection: Session) -> tuple[Outcome, ...]:
    entry = await connection.changes.last()
    assert entry is not None
    running = connection.changes.undoing(await connection.changes.plan_undo(entry))
    async for _ in running.outcomes():
        pass
    assert running.report.is_complete
    return running.report.outcomes


async def two_images(world: World) -> tuple[Digest, Digest]:
    """`latest` is the old one alone."""
    amd = await world.image(REPOSITORY, ["amd"])
    old = await world.index(REPOSITORY, [amd], ["latest"])
    return old, await world.image(REPOSITORY, ["new"], ["v2"])


async def test_the_old_image_comes_back_also_where_it_was_deleted_since(world: World) -> None:
    old, new = await two_images(world)
    connection = await world.open()
    await connection.add_tag(REPOSITORY, new, "latest", instead_of=old)
    assert (await world.tags(REPOSITORY))["latest"] == new

    (entry,) = await connection.changes.entries()
    assert (entry.kind, entry.tags, entry.before) == (Kind.MOVE, {"latest": new}, {"latest": old})
    assert entry.results == (Outcome(f"{REPOSITORY}:latest", new, Action.TAG, Status.DONE),)
    assert (verb_of(entry), what_of(entry), entry.repository) == ("move", "latest", REPOSITORY)
    assert title_of(entry).startswith("Move of ")
    # As a collection of untagged images would.
    world.storage.repositories[REPOSITORY].revisions.clear()
    await world.image(REPOSITORY, ["new"], ["v2", "latest"])
    await undo_last(connection)
    assert await world.tags(REPOSITORY) == {"latest": old, "v2": new}
    assert await world.is_whole(REPOSITORY, "latest")
    assert await connection.changes.last() is None


async def test_that_is_undone_in_its_turn(world: World) -> None:
    old, new = await two_images(world)
    connection = await world.open()
    await connection.add_tag(REPOSITORY, new, "latest", instead_of=old)
    await undo_last(connection)
    (back, *_) = await connection.changes.entries()
    assert back.kind is Kind.RESTORE
    running = connection.changes.undoing(await connection.changes.plan_undo(back))
    async for _ in running.outcomes():
        pass
    assert running.report.is_complete
    assert await world.tags(REPOSITORY) == {"latest": new, "v2": new}


async def test_a_tag_pushed_anew_since_is_not_overwritten(world: World) -> None:
    old, new = await two_images(world)
    connection = await world.open()
    await connection.add_tag(REPOSITORY, new, "latest", instead_of=old)
    pushed = await world.image(REPOSITORY, ["pushed"], ["latest"])
    entry = await connection.changes.last()
    assert entry is not None
    undo = await connection.changes.plan_undo(entry)
    assert undo.restoration.moved == {"latest": pushed}
    assert undo.is_empty


async def test_an_additional_tag_takes_nothing_away_and_is_not_recorded(world: World) -> None:
    _, new = await two_images(world)
    connection = await world.open()
    await connection.add_tag(REPOSITORY, new, "v3", instead_of=None)
    assert await connection.changes.entries() == []


class Answering(httpx.AsyncBaseTransport):
    """Does what a PUT of `latest` asks, or not, and answers so, or not at all; and nothing from then on, either."""

    def __init__(self, world: World, status: int | None, *, does_it: bool, then_silent: bool = False) -> None:
        self._inner = LocalTransport(world.storage, world.version)
        self._status = status
        self._does_it = does_it
        self._then_silent = then_silent
        self._is_silent = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._is_silent:
            raise httpx.ReadError("gone", request=request)
        if request.method != "PUT" or not request.url.path.endswith("/latest"):
            return await self._inner.handle_async_request(request)
        if self._does_it:
            await self._inner.handle_async_request(request)
        self._is_silent = self._then_silent
        if self._status is None:
            raise httpx.ReadError("gone", request=request)
        return httpx.Response(self._status)


async def test_a_refused_move_is_no_change_that_could_be_undone(world: World) -> None:
    old, new = await two_images(world)
    world.transport = Answering(world, 403, does_it=False)
    connection = await world.open()
    with pytest.raises(NotAllowed):
        await connection.add_tag(REPOSITORY, new, "latest", instead_of=old)
    (entry,) = await connection.changes.entries()
    assert [outcome.status for outcome in entry.results] == [Status.FAILED]
    assert await connection.changes.last() is None
    assert await connection.changes.unfinished() == []


async def moved_with(world: World, transport: httpx.AsyncBaseTransport) -> tuple[Session, NotTagged]:
    """`latest` was to be moved, and nobody knows whether it was, or it isn't; then the registry is as ever."""
    old, new = await two_images(world)
    world.transport = transport
    connection = await world.open()
    with pytest.raises(NotTagged) as raised:
        await connection.add_tag(REPOSITORY, new, "latest", instead_of=old)
    world.transport = None
    again = await world.open()
    again.journal = connection.journal
    # A tag is never half moved: there is nothing to be finished.
    assert await again.changes.unfinished() == []
    return again, raised.value


async def test_a_move_whose_answer_got_lost_is_looked_at(world: World) -> None:
    old, new = await two_images(world)
    world.transport = Answering(world, None, does_it=True)
    connection = await world.open()
    done = await connection.add_tag(REPOSITORY, new, "latest", instead_of=old)
    (entry,) = await connection.changes.entries()
    assert (entry.name, result_of(entry)) == (done.run, "done")
    world.transport = None
    again = await world.open()
    again.journal = connection.journal
    await undo_last(again)
    assert (await world.tags(REPOSITORY))["latest"] == old


async def test_one_that_was_not_done_is_told_so_and_is_no_change(world: World) -> None:
    again, error = await moved_with(world, Answering(world, 500, does_it=False))
    assert f"{REPOSITORY}:latest is what it was." in error.message
    assert error.run == ""
    assert await again.changes.last() is None


@pytest.mark.parametrize("status", [None, 502, 504])
async def test_one_that_may_be_done_yet_is_told_so_and_found_by_undo(world: World, status: int | None) -> None:
    again, error = await moved_with(world, Answering(world, status, does_it=False))
    assert f"{REPOSITORY}:latest is what it was, and may be moved yet." in error.message
    entry = await again.changes.last()
    assert entry is not None
    assert entry.name == error.run
    # As a proxy does that has given up waiting.
    world.storage.set_tag(REPOSITORY, "latest", entry.tags["latest"] or "")
    await undo_last(again)
    assert (await world.tags(REPOSITORY))["latest"] == entry.before["latest"]


@pytest.mark.parametrize("status", [403, 404, 408, 429, 500])
async def test_whatever_was_answered_what_counts_is_what_the_tag_is(world: World, status: int) -> None:
    old, new = await two_images(world)
    world.transport = Answering(world, status, does_it=True)
    connection = await world.open()
    done = await connection.add_tag(REPOSITORY, new, "latest", instead_of=old)
    (entry,) = await connection.changes.entries()
    assert (entry.name, result_of(entry)) == (done.run, "done")


async def test_one_of_which_nobody_can_tell_names_the_command_that_moves_it_back(world: World) -> None:
    answering = Answering(world, None, does_it=True, then_silent=True)
    again, error = await moved_with(world, answering)
    (entry,) = await again.changes.entries()
    assert f"{REPOSITORY}:latest may be moved, or not." in error.message
    assert error.run == entry.name
    assert result_of(entry) == "interrupted"
    await undo_last(again)
    assert (await world.tags(REPOSITORY))["latest"] == entry.before["latest"]
    entries = await again.changes.entries()
    assert [result_of(entry, undone(entries)) for entry in entries] == ["done", "undone"]


async def test_one_that_came_to_nothing_is_not_the_last_change_once_that_was_seen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    again, _ = await moved_with(world, Answering(world, None, does_it=False, then_silent=True))
    entry = await again.changes.last()
    assert entry is not None
    undo = await again.changes.plan_undo(entry)
    assert undo.is_empty
    # It may be under way yet, for as long as a change is waited for.
    await again.changes.settle(undo)
    assert await again.changes.last() == entry
    monkeypatch.setattr(changes, "utc_now", lambda: entry.time + timedelta(seconds=bounds.DELETE + 1))
    await again.changes.settle(undo)
    assert await again.changes.last() is None
    (entry,) = await again.changes.entries()
    assert result_of(entry) == "1 failed"


async def test_the_config_comes_back_with_the_old_image(world: World) -> None:
    old, new = await two_images(world)
    connection = await world.open()
    await connection.add_tag(REPOSITORY, new, "latest", instead_of=old)
    (entry,) = await connection.changes.entries()
    assert entry.blobs()
    for digest in entry.blobs():
        world.storage.unlink_layer(REPOSITORY, digest)
    world.storage.repositories[REPOSITORY].revisions.clear()
    await world.image(REPOSITORY, ["new"], ["v2", "latest"])
    await undo_last(connection)
    assert await world.is_whole(REPOSITORY, "latest")


@pytest.mark.parametrize("kind", ["config", "layer"])
async def test_overwriting_an_image_that_no_undo_brings_back_is_said_before(world: World, kind: str) -> None:
    old, new = await two_images(world)
    connection = await world.open()
    await connection.add_tag(REPOSITORY, new, "latest", instead_of=old)
    pushed = await world.image(REPOSITORY, ["pushed"], ["latest"])
    blobs = list(stored(await connection.manifest(REPOSITORY, pushed)).needed_blobs)
    world.storage.unlink_layer(REPOSITORY, blobs[0] if kind == "config" else blobs[-1])
    world.storage.blobs.pop(blobs[0] if kind == "config" else blobs[-1])
    entry = await connection.changes.last()
    assert entry is not None
    undo = await connection.changes.plan_undo(entry, overwrite=True)
    assert undo.no_way_back.keys() == {"latest"}
    assert any(f"Undo could not move latest back to {pushed.short}, as its {kind} " in s for s in undo_sentences(undo))
    assert undo_confirmation(undo) == "forever"
    assert "could not be moved back: latest." in not_unasked(undo)
