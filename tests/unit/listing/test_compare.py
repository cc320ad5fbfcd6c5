"""Two images compared, on images made for it."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from regtui.listing.compare import Change, Comparison, Side, compare, two_of
from regtui.listing.details import load_details
from regtui.listing.summary import Summary
from regtui.listing.tags import TagList
from regtui.oci.config import parse_time
from regtui.oci.digest import Digest
from tests.unit.listing.contents import MemorySource


async def compared(source: MemorySource) -> Comparison:
    return compare(await load_details(source, "a", "left"), await load_details(source, "a", "right"))


def signs(found: Comparison) -> str:
    return "".join(line.side.value for line in found.platforms[0].layers)


async def test_layers_that_are_shared_and_those_that_are_not() -> None:
    source = MemorySource()
    source.image("left", layers={"base": 100, "old": 10, "app": 5})
    source.image("right", layers={"base": 100, "new": 20, "app": 5, "more": 1})
    found = await compared(source)
    (platform,) = found.platforms
    assert signs(found) == "=-=++"
    assert [platform.size(side) for side in (Side.BOTH, Side.LEFT, Side.RIGHT)] == [105, 10, 21]
    assert not found.is_same


async def test_the_same_manifest() -> None:
    source = MemorySource()
    source.image("left")
    source.image("right")
    found = await compared(source)
    assert found.is_same
    assert found.platforms[0].is_same


def run(source: MemorySource, tag: str, **config: Any) -> Digest:
    value = {"os": "linux", "architecture": "amd64", "config": config}
    layers: list[Any] = []
    return source.put_json(
        tag,
        {"schemaVersion": 2, "config": source.put_config(json.dumps(value).encode()), "layers": layers},
        "application/vnd.oci.image.manifest.v1+json",
    )


async def test_how_they_are_run() -> None:
    source = MemorySource()
    run(source, "left", Env=["A=1", "B=2", "C=", "A=3"], Cmd=["a b"], Labels={"v": "1"}, ExposedPorts={"80/tcp": {}})
    run(source, "right", Env=["B=2", "A=4", "D=x=y"], Cmd=["a", "b"], Labels={"v": "1", "w": ""}, User="app")
    found = await compared(source)
    assert set(found.platforms[0].changes) == {
        Change("env A", "3", "4"),
        Change("env C", "", None),
        Change("env D", None, "x=y"),
        Change("cmd", '["a b"]', '["a", "b"]'),
        Change("label w", None, ""),
        Change("ports", "80/tcp", None),
        Change("user", None, "app"),
    }


async def test_platforms_are_paired_by_name() -> None:
    source = MemorySource()
    amd, arm = source.image("amd"), source.image("arm", architecture="arm64")
    new = source.image("new", layers={"l": 10, "m": 1})
    source.index("left", {amd: "linux/amd64", arm: "linux/arm64"})
    source.index("right", {new: "linux/amd64", amd: "linux/386"})
    found = await compared(source)
    assert [(p.name, p.left is None, p.right is None) for p in found.platforms] == [
        ("linux/amd64", False, False),
        ("linux/arm64", False, True),
        ("linux/386", True, False),
    ]
    assert signs(found) == "=+"


async def test_two_images_are_a_pair_whatever_their_platforms_are() -> None:
    source = MemorySource()
    source.image("left")
    source.image("right", architecture="arm64")
    found = await compared(source)
    (platform,) = found.platforms
    assert Change("platform", "linux/amd64", "linux/arm64") in platform.changes


async def test_a_child_that_is_gone_is_still_compared() -> None:
    source = MemorySource()
    source.index("left", {Digest.of(b"gone"): "linux/amd64"})
    source.image("right")
    (platform,) = (await compared(source)).platforms
    assert platform.left is not None
    assert "is gone" in platform.left.error


layers = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9), max_size=5)


@given(layers, layers)
async def test_swapped_sides_swap_the_signs(left: dict[str, int], right: dict[str, int]) -> None:
    source, swapped = MemorySource(), MemorySource()
    for to, one, other in ((source, left, right), (swapped, right, left)):
        to.image("left", layers=one or {"x": 1})
        to.image("right", layers=other or {"x": 1})
    there, back = await compared(source), await compared(swapped)
    sides = {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT, Side.BOTH: Side.BOTH}
    for side, opposite in sides.items():
        found = {line.layer.digest for line in there.platforms[0].layers if line.side is side}
        assert found == {line.layer.digest for line in back.platforms[0].layers if line.side is opposite}


def filled(**created: str) -> TagList:
    tags = TagList()
    tags.add(created)
    tags.fill(
        (tag, Summary(Digest.of(tag.encode()), "x", parse_time(time) if time else None, 1, ()))
        for tag, time in created.items()
    )
    return tags


def test_which_two_the_older_one_first() -> None:
    tags = filled(new="2026-01-02T00:00:00Z", old="2026-01-01T00:00:00Z", undated="")
    assert two_of(tags) is None
    tags.mark(["new", "old"])
    assert two_of(tags) == ("old", "new")
    tags.toggle("old")
    tags.select("undated")
    assert two_of(tags) == ("new", "undated")
    tags.select("new")
    assert two_of(tags) is None
    tags.mark(["new", "old", "undated"])
    assert two_of(tags) is None
