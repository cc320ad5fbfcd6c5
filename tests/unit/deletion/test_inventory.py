"""What a repository holds, read for a plan: bounded by what honest manifests are."""

import pytest

from regtui import bounds
from regtui.content.store import ContentStore
from regtui.deletion.inventory import read_contents, read_manifests
from regtui.registry.errors import BadAnswer
from tests.unit.deletion.worlds import World

REPOSITORY = "team/app"


async def test_large_manifests_are_held_until_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags and what is below them count together, each manifest once."""
    world = World("3.1.1")
    one = await world.image(REPOSITORY, ["one"], ["a", "b", "c"])
    two = await world.image(REPOSITORY, ["two"])
    index = await world.index(REPOSITORY, [one, two], ["multi"])
    client = world.client()
    sizes = [len((await client.manifest(REPOSITORY, digest)).body) for digest in (one, two, index)]
    monkeypatch.setattr(bounds, "MANIFESTS_EACH", 0)
    monkeypatch.setattr(bounds, "MANIFESTS", sum(sizes))
    contents = await read_contents(client, ContentStore(client), REPOSITORY)
    assert set(contents.manifests) == {one, two, index}
    monkeypatch.setattr(bounds, "MANIFESTS", sum(sizes) - 1)
    with pytest.raises(BadAnswer, match="too much for one plan"):
        await read_contents(client, ContentStore(client), REPOSITORY)
    with pytest.raises(BadAnswer, match="too much for one plan"):
        await read_manifests(ContentStore(client), REPOSITORY, [index])


async def test_many_small_ones_are_never_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MANIFESTS", 0)
    world = World("3.1.1")
    for number in range(20):
        await world.image(REPOSITORY, [str(number)], [f"v{number}"])
    client = world.client()
    assert len((await read_contents(client, ContentStore(client), REPOSITORY)).manifests) == 20
