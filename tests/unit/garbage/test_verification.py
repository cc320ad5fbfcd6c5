"""What is checked after a collection, and which of what is broken the collection has broken."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.garbage.values import TagsVerified
from regtui.garbage.verification import remember, verify
from regtui.garbage.words import verified_sentences
from regtui.local.transport import LocalTransport
from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.retry import RetryPolicy
from regtui.registry.settings import HttpSettings
from tests.unit.deletion.worlds import World

REPOSITORY = "team/app"


@pytest.fixture(params=["2.8.2", "3.1.1"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


def client_of(world: World) -> RegistryClient:
    settings = HttpSettings(transport=LocalTransport(world.storage, world.version), retry=RetryPolicy(tries=1))
    return RegistryClient(Address.parse("http://test.localhost"), settings=settings)


async def checked(
    world: World, tags: Sequence[str], gone: Sequence[Digest] | None, lost: Sequence[Digest]
) -> TagsVerified:
    client = client_of(world)
    before = await remember(client, [(REPOSITORY, tag) for tag in tags], verify_all=False)
    for digest in lost:
        world.storage.remove_blob(digest)
    return await verify(client, before, gone)


async def test_a_tag_that_lacks_what_was_collected_is_broken_and_no_other(world: World) -> None:
    child = await world.image(REPOSITORY, ["child layer"])
    await world.index(REPOSITORY, [child], ["multi"])
    await world.image(REPOSITORY, ["other"], ["whole"])
    lost = Digest.of(b"child layer")
    found = await checked(world, ["multi", "whole"], [lost], [lost])
    assert found == TagsVerified(2, 2, (f"{REPOSITORY}:multi lacks layer {lost}",))


async def test_where_it_is_not_known_what_went_nothing_is_said_to_have_lacked_before(world: World) -> None:
    await world.image(REPOSITORY, ["layer"], ["v1"])
    lost = Digest.of(b"layer")
    found = await checked(world, ["v1"], None, [lost])
    assert found == TagsVerified(1, 1, (f"{REPOSITORY}:v1 lacks layer {lost}",))


async def test_what_this_collection_did_not_take_was_lacking_before(world: World) -> None:
    await world.image(REPOSITORY, ["layer"], ["v1"])
    lost = Digest.of(b"layer")
    found = await checked(world, ["v1"], [], [lost])
    assert found == TagsVerified(1, 1, (), (f"{REPOSITORY}:v1 lacks layer {lost}",))
    assert verified_sentences(found) == [
        "1 tag checked: nothing of them was lost.",
        f"1 of them was broken before already: {REPOSITORY}:v1 lacks layer {lost}.",
    ]


async def test_what_was_lacking_before_hides_nothing_that_is_lacking_now(world: World) -> None:
    await world.image(REPOSITORY, ["first", "second"], ["v1"])
    first, second = Digest.of(b"first"), Digest.of(b"second")
    for now, before in ((first, second), (second, first)):
        found = await checked(world, ["v1"], [now], [first, second])
        assert found.broken == (f"{REPOSITORY}:v1 lacks layer {now}",), before


async def test_a_config_and_a_platform_image_are_part_of_it(world: World) -> None:
    child = await world.image(REPOSITORY, ["child"])
    await world.index(REPOSITORY, [child], ["multi"])
    single = await world.image(REPOSITORY, ["single"], ["v1"])
    manifest = json.loads((await world.client().manifest(REPOSITORY, single)).body)
    config = Digest(manifest["config"]["digest"])
    found = await checked(world, ["multi", "v1"], [child], [child, config])
    assert found.broken == (f"{REPOSITORY}:multi lacks platform image {child}",)
    assert found.broken_before == (f"{REPOSITORY}:v1 lacks config {config}",)


async def test_a_tag_that_is_gone_is_broken_and_one_that_was_before_is_said_to_have_been(world: World) -> None:
    digest = await world.image(REPOSITORY, ["layer"], ["v1"])
    client = client_of(world)
    before = await remember(client, [(REPOSITORY, "v1"), (REPOSITORY, "never")], verify_all=False)
    assert (list(before.tags.values()), before.total) == ([digest], 2)
    world.storage.repositories[REPOSITORY].tags.clear()
    found = await verify(client, before, [])
    assert (found.checked, found.broken) == (2, (f"{REPOSITORY}:v1 is gone",))
    assert found.broken_before == (f"{REPOSITORY}:never leads to no manifest",)


def test_no_tag_that_could_be_checked_is_no_proof() -> None:
    assert not TagsVerified(0, 4).is_whole
    assert verified_sentences(TagsVerified(0, 4)) == ["NONE of 4 tags could be checked."]
    # An empty registry has nothing to lose.
    assert TagsVerified(0, 0).is_whole
    assert verified_sentences(TagsVerified(0, 0)) == ["There are no tags that could be checked."]


references = st.lists(st.sampled_from(["a:1 lacks config x", "b:2 is gone", "c:3 lacks layer y"]), unique=True)


@given(st.integers(0, 9), st.integers(0, 9), references, references)
def test_sentences_hide_nothing(checked: int, more: int, broken: list[str], before: list[str]) -> None:
    found = TagsVerified(checked, checked + more, tuple(broken), tuple(before))
    text = " ".join(verified_sentences(found))
    assert ("MISS SOMETHING" in text) == bool(broken)
    assert ("all of them have all their blobs" in text) == (found.is_whole and not before and found.total > 0)
    assert found.is_whole or broken or "NONE of" in text
    for reference in (*broken, *(before if found.is_whole or broken else ())):
        assert reference in text
