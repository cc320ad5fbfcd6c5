"""What is in use is as protected as what the config protects: by name, by digest, and by what an index needs."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regtui.content.store import ContentStore
from regtui.deletion.proposal import DeletionProposal
from regtui.deletion.request import Request
from regtui.deletion.undo_words import not_unasked, undo_confirmation, undo_notes, undo_sentences
from regtui.garbage.contents import read
from regtui.local.dialect import Version
from regtui.oci.digest import Digest
from regtui.retention.values import InUse, PlaceKind, UnreadSource, UsePlace
from regtui.session.session import Session
from tests.support.alike import examples

from .test_deletion import execute
from .test_properties import REPOSITORY, Shape, build, shapes
from .worlds import World

WEB = UsePlace("app1 as web", PlaceKind.CONTAINER)


def uses(session: Session, digests: Iterable[Digest] = (), tags: Iterable[str] = (), *unread: UnreadSource) -> None:
    """From now on the session's registry is used like that."""
    here = dict.fromkeys(digests, (WEB,))
    in_use = InUse(
        here,
        {(REPOSITORY, tag): (WEB,) for tag in tags},
        unread,
        {digest: frozenset({REPOSITORY}) for digest in here},
    )

    async def told() -> InUse:
        return in_use

    setattr(session, "in_use", told)  # noqa: B010 (of this one session)


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
@settings(max_examples=examples(30))
@given(shape=shapes(), data=st.data())
def test_whatever_goes_without_being_typed_what_runs_can_still_be_pulled(
    version: Version, shape: Shape, data: st.DataObject
) -> None:
    """By digest: any manifest, tagged or not, below an index or above. And what nothing uses goes."""
    asyncio.run(check(version, shape, data))


async def check(version: Version, shape: Shape, data: st.DataObject) -> None:
    world = World(version)
    before = await build(world, shape)
    manifests = sorted(map(Digest, world.storage.repositories[REPOSITORY].revisions))
    used = data.draw(st.sets(st.sampled_from(manifests), max_size=3))
    whole = [digest for digest in used if await world.is_whole(REPOSITORY, digest)]
    children = {digest: await children_of(world, digest) for digest in manifests}
    # No API tells of an index that no tag leads to, and that nothing names.
    known = below(children, [*before.values(), *used])
    staying = kept({digest: children[digest] for digest in known}, used)
    session = await world.open()
    uses(session, used)
    request = Request(REPOSITORY, tuple(tag for tag in before if not tag.startswith("sha256-")))
    while True:
        proposal = DeletionProposal(request, await session.plan_deletion(request))
        assert proposal.held.keys() == proposal.used.keys()
        if not proposal.used:
            break
        assert proposal.typed
        request = replace(request, tags=tuple(tag for tag in request.tags if tag not in proposal.used))
    await execute(session, proposal.plan)
    after = await world.tags(REPOSITORY)
    assert {tag for tag in after if not tag.startswith("sha256-")} == {
        tag for tag, digest in before.items() if digest in staying and not tag.startswith("sha256-")
    }
    reading = await read(
        world.client(), ContentStore(world.client()), REPOSITORY, frozenset(manifests), frozenset(used)
    )
    assert not kept(children, used) & set(reading.untagged)
    for digest in whole:
        assert await world.is_whole(REPOSITORY, digest)


Children = Mapping[Digest, list[Digest]]


def kept(children: Children, used: set[Digest]) -> set[Digest]:
    """By a count of its own: what is used, the indexes above, and all below those."""
    above = {digest for digest in children if digest in used or used & below(children, [digest])}
    return below(children, above)


def below(children: Children, roots: Iterable[Digest]) -> set[Digest]:
    """Themselves included. No index here has indexes below it."""
    return {each for digest in roots for each in (digest, *children.get(digest, ()))}


async def children_of(world: World, digest: Digest) -> list[Digest]:
    document = json.loads((await world.client().manifest(REPOSITORY, digest)).body)
    return [Digest(entry["digest"]) for entry in document.get("manifests", [])]


async def test_the_name_is_typed_and_the_proposal_says_where_it_runs() -> None:
    world = World("2.8.2")
    digest = await world.image(REPOSITORY, ["a"], ["1.4"])
    await world.image(REPOSITORY, ["b"], ["1.5"])
    session = await world.open()
    uses(session, [digest])
    request = Request(REPOSITORY, ("1.4", "1.5"))
    proposal = DeletionProposal(request, await session.plan_deletion(request))
    assert "1.4 is in use: runs on app1 as web." in proposal.sentences
    assert proposal.typed == "1.4"
    assert proposal.held["1.4"].startswith("stays: runs on app1 as web")
    assert proposal.notes[f"{REPOSITORY}:1.4"] == "in use: runs on app1 as web"
    uses(session, (), ["1.5"])
    proposal = DeletionProposal(request, await session.plan_deletion(request))
    assert (proposal.typed, list(proposal.held)) == ("1.5", ["1.5"])


@pytest.mark.parametrize("how", ["by tag", "by digest", "protected"])
async def test_an_undo_of_an_undo_deletes_it_as_any_deletion_does(how: str) -> None:
    world = World("3.1.1")
    digest = await world.image(REPOSITORY, ["a"], ["stable"])
    await world.image(REPOSITORY, ["b"], ["old"])
    await world.image(REPOSITORY, ["c"], ["stays"])
    session = await world.open()
    await execute(session, await session.plan_deletion(Request(REPOSITORY, ("stable", "old"))))
    deletion = await session.changes.last()
    assert deletion is not None
    restored = session.changes.undoing(await session.changes.plan_undo(deletion))
    async for _ in restored.outcomes():
        pass
    if how == "protected":
        session.target = replace(session.target, protect=("stab*",))
    else:
        uses(session, [digest] if how == "by digest" else (), ["stable"] if how == "by tag" else ())
    plan = await session.plan_deletion(Request(REPOSITORY, ("stable", "old")))
    undo = await session.changes.plan_undo(await session.changes.entry(restored.report.run))
    assert undo_confirmation(undo) == DeletionProposal(Request(REPOSITORY), plan).typed == "stable"
    assert not_unasked(undo) == f"stable of {REPOSITORY} is protected or in use, and it would be deleted again."
    why = "protected" if how == "protected" else "in use: runs on app1 as web"
    assert undo_notes(undo)[f"{REPOSITORY}:stable"] == why
    assert any("stable is " in sentence for sentence in undo_sentences(undo))


async def test_an_undo_of_an_undo_leaves_what_is_needed_by_what_runs() -> None:
    """An index that runs, and that nobody put back, has below it what was."""
    world = World("3.1.1")
    child = await world.image(REPOSITORY, ["child"], ["child"])
    session = await world.open()
    await execute(session, await session.plan_deletion(Request(REPOSITORY, ("child",))))
    deletion = await session.changes.last()
    assert deletion is not None
    restored = session.changes.undoing(await session.changes.plan_undo(deletion))
    async for _ in restored.outcomes():
        pass
    uses(session, [await world.index(REPOSITORY, [child])])
    undo = await session.changes.plan_undo(await session.changes.entry(restored.report.run))
    assert undo.deletion is not None
    assert (undo.deletion.obstacle, undo_confirmation(undo)) == ("", "child")


async def test_a_digest_that_runs_is_named_by_its_begin() -> None:
    world = World("3.1.1")
    digest = await world.image(REPOSITORY, ["a"])
    await world.image(REPOSITORY, ["b"], ["1.5"])
    session = await world.open()
    uses(session, [digest])
    request = Request(REPOSITORY, digests=(digest,))
    proposal = DeletionProposal(request, await session.plan_deletion(request))
    assert proposal.typed == digest.short
    assert proposal.used_manifests == f"manifest {digest} is in use: runs on app1 as web."


async def test_any_tag_may_be_meant_by_a_tag_that_is_not_written_out() -> None:
    world = World("2.8.2")
    await world.image(REPOSITORY, ["a"], ["1.4"])
    session = await world.open()
    uses(session, (), [""])
    request = Request(REPOSITORY, ("1.4",))
    assert DeletionProposal(request, await session.plan_deletion(request)).typed == "1.4"


async def test_by_hand_it_is_said_what_is_not_known() -> None:
    world = World("2.8.2")
    await world.image(REPOSITORY, ["a"], ["1.4"])
    session = await world.open()
    uses(session, (), (), UnreadSource("app1", "It is down."))
    request = Request(REPOSITORY, ("1.4",))
    proposal = DeletionProposal(request, await session.plan_deletion(request))
    assert proposal.is_possible
    assert "Whether any of it is in use is not known. app1 could not be read: It is down." in proposal.sentences
