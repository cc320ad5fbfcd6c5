"""All that is known of an image."""

from typing import Any

import pytest

from regtui.listing.details import load_details
from regtui.oci.digest import Digest
from regtui.registry.errors import NotFound
from tests.unit.listing.contents import MemorySource

LAYERS = {"a": 1, "b": 2}


def step(text: str, *, empty: bool = False) -> dict[str, Any]:
    return {"created_by": text, "created": "2026-01-01T00:00:00Z", "empty_layer": empty}


async def instructions(history: list[dict[str, Any]]) -> list[str]:
    source = MemorySource()
    source.image("1.0", layers=LAYERS, history=history)
    details = await load_details(source, "team/app", "1.0")
    assert [layer.size for layer in details.platforms[0].layers] == [1, 2]
    return [layer.instruction for layer in details.platforms[0].layers]


async def test_layers_are_told_by_the_steps_that_made_them() -> None:
    history = [step("ADD x /"), step("ENV A=1", empty=True), step("RUN /bin/sh -c make # buildkit")]
    assert await instructions(history) == ["ADD x /", "RUN make"]


async def test_a_base_without_history_leaves_the_first_layers_blank() -> None:
    assert await instructions([step("COPY y /")]) == ["", "COPY y /"]
    assert await instructions([]) == ["", ""]


async def test_nothing_is_guessed_where_steps_are_too_many() -> None:
    assert await instructions([step("A"), step("B"), step("C")]) == ["", ""]


async def test_an_index_with_its_platforms_attestations_and_exact_bytes() -> None:
    source = MemorySource()
    amd, arm = source.image("amd"), source.image("arm", architecture="arm64")
    proof = Digest.of(b"proof")
    digest = source.index("1.0", {amd: "linux/amd64", arm: "linux/arm64"}, {proof: amd})
    details = await load_details(source, "team/app", "1.0")
    assert (details.digest, details.body) == (digest, source.manifests["1.0"].body)
    assert [str(platform.platform) for platform in details.platforms] == ["linux/amd64", "linux/arm64"]
    assert [[a.digest for a in platform.attestations] for platform in details.platforms] == [[proof], []]
    first = details.platforms[0]
    assert first.config is not None
    assert first.config_body in source.configs.values()
    sizes = [image.pull_size for image in details.platforms]
    assert details.pull_size == (min(sizes), max(sizes))  # type: ignore[type-var]
    assert details.size is not None
    assert details.pull_size[1] <= details.size


async def test_a_child_that_is_gone_keeps_its_place() -> None:
    source = MemorySource()
    source.index("1.0", {Digest.of(b"gone"): "linux/amd64", source.image("arm"): "linux/arm64"})
    details = await load_details(source, "team/app", "1.0")
    gone = details.platforms[0]
    assert (gone.manifest, gone.config, gone.layers) == (None, None, ())
    assert "is gone" in gone.error
    assert "is gone" in details.error


async def test_legacy_layers_come_oldest_first_without_sizes() -> None:
    source = MemorySource()
    source.schema1("old", {})
    (platform,) = (await load_details(source, "team/app", "old")).platforms
    assert [(layer.digest, layer.size) for layer in platform.layers] == [(Digest.of(b"layer"), None)]


async def test_a_reference_that_is_gone_is_raised() -> None:
    with pytest.raises(NotFound):
        await load_details(MemorySource(), "team/app", "1.0")
