"""What of an image is the registry's: not foreign layers, nor more of an index than anybody looks at."""

import json
from typing import Any

import pytest

from regtui import bounds
from regtui.bounded_json import count_values
from regtui.listing.details import load_details
from regtui.listing.images import _Budget, load
from regtui.listing.summary import summarize
from regtui.oci.digest import Digest
from regtui.oci.media_type import OCI_INDEX, OCI_MANIFEST
from tests.unit.listing.contents import LAYER, MemorySource, descriptor

CONFIG = json.dumps({"os": "windows", "architecture": "amd64"}).encode()
FOREIGN_LAYERS = [
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.zstd",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip; charset=utf-8",
    "Application/VND.oci.image.layer.nondistributable.v1.tar",
]
ELSEWHERE: list[dict[str, Any]] = [
    {**descriptor(f"base {kind}".encode(), kind, 5_000_000), "urls": ["https://mcr.example.com/base"]}
    for kind in (LAYER, *FOREIGN_LAYERS)
]


@pytest.mark.parametrize("layer", ELSEWHERE, ids=lambda layer: layer["mediaType"])
async def test_layers_that_are_elsewhere_are_no_bytes_of_the_registry(layer: dict[str, Any]) -> None:
    source = MemorySource()
    config = source.put_config(CONFIG)
    layers = [layer, descriptor(b"own", LAYER, 70)]
    source.put_json("x", {"mediaType": OCI_MANIFEST, "config": config, "layers": layers}, OCI_MANIFEST)
    summary = await summarize(source, "a", "x")
    assert summary.size == 70 + len(CONFIG)
    assert dict(summary.blobs) == {Digest.of(CONFIG): len(CONFIG), Digest.of(b"own"): 70}
    details = await load_details(source, "a", "x")
    assert details.size == summary.size
    # It is shown all the same.
    image = details.platforms[0]
    assert [one.size for one in image.layers] == [5_000_000, 70]
    # Marked, and said how much it is.
    assert [one.is_foreign for one in image.layers] == [True, False]
    assert image.layers[0].made_by == "(foreign)"
    assert image.layers[0].urls == tuple(layer.get("urls", ()))
    assert image.foreign_words == "5 MB in 1 layer, not counted: the registry need not have it"
    assert image.pull_size == summary.size


@pytest.mark.parametrize("kind", FOREIGN_LAYERS)
async def test_a_layer_without_urls_is_the_registry_s_whatever_it_is_called(kind: str) -> None:
    """Each registry that looks refuses an image without it."""
    source = MemorySource()
    layers = [descriptor(b"base", kind, 5_000_000)]
    source.put_json(
        "x", {"mediaType": OCI_MANIFEST, "config": source.put_config(CONFIG), "layers": layers}, OCI_MANIFEST
    )
    assert (await summarize(source, "a", "x")).size == 5_000_000 + len(CONFIG)
    image = (await load_details(source, "a", "x")).platforms[0]
    assert (image.foreign, image.pull_size) == ((), 5_000_000 + len(CONFIG))


async def test_an_index_that_names_no_version_of_windows_has_that_of_the_config() -> None:
    source = MemorySource()
    config = json.dumps({"os": "windows", "architecture": "amd64", "os.version": "10.0.1", "os.features": ["win32k"]})
    value = {"mediaType": OCI_MANIFEST, "config": source.put_config(config.encode()), "layers": []}
    image = source.put_json("image", value, OCI_MANIFEST)
    child = {**_child(image), "platform": {"os": "windows", "architecture": "amd64"}}
    source.put_json("x", {"mediaType": OCI_INDEX, "manifests": [child]}, OCI_INDEX)
    (found,) = (await load(source, "a", "x")).images
    assert found.platform is not None
    assert found.platform.details == "windows/amd64 10.0.1 (win32k)"


async def test_of_an_index_as_many_images_are_read_as_anybody_looks_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "IMAGES", 20)
    source = MemorySource()
    children = {source.image(f"{number}", architecture=f"a{number}"): f"linux/a{number}" for number in range(50)}
    source.index("x", children)
    source.requests.clear()
    loaded = await load(source, "a", "x")
    assert len(loaded.images) == 20
    assert loaded.error == "30 images more, which weren't read"
    assert len(source.requests) == 1 + 2 * 20


@pytest.mark.parametrize(("bound", "most"), [("IMAGES_BYTES", 20_000), ("VALUES", 1_000)])
async def test_of_an_index_no_more_is_held_than_the_details_may_cost(
    monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    monkeypatch.setattr(bounds, bound, most)
    source = MemorySource()
    children = {}
    for number in range(50):
        history = [{"created_by": "x" * 200, "n": number}] * 10
        children[source.image(f"{number}", history=history, annotations={"n": "y" * 1_000})] = f"linux/a{number}"
    source.index("x", children)
    loaded = await load(source, "a", "x")
    assert 0 < len(loaded.images) < 10
    assert loaded.error == f"{50 - len(loaded.images)} images more, which weren't read"
    held = [body for image in loaded.images for body in (image.body, image.config_body) if body is not None]
    if bound == "VALUES":
        assert sum(map(count_values, held)) <= most
    else:
        assert sum(map(len, held)) <= most


async def test_attestations_that_all_images_have_are_held_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that is named a thousand times over, with thirty thousand attestations, would be 300 MB of references."""
    source = MemorySource()
    image = source.image("i")
    attested = [descriptor(b"%d" % number, OCI_MANIFEST) for number in range(20)]
    for one in attested:
        one["annotations"] = {"vnd.docker.reference.type": "a", "vnd.docker.reference.digest": image}
    inner = {"mediaType": OCI_INDEX, "manifests": [_child(image)] * 5 + attested}
    source.put_json("inner", inner, OCI_INDEX)
    loaded = await load(source, "a", "inner")
    first, *others = (one.attestations for one in loaded.images)
    assert (len(first), len(others)) == (20, 4)
    assert all(other is first for other in others)
    # With those of an index around it, as long as they are no flood.
    digest = source.manifests["inner"].digest
    around = descriptor(b"around", OCI_MANIFEST)
    around["annotations"] = {"vnd.docker.reference.type": "a", "vnd.docker.reference.digest": digest}
    source.put_json("x", {"mediaType": OCI_INDEX, "manifests": [_child(digest, OCI_INDEX), around]}, OCI_INDEX)
    assert [len(one.attestations) for one in (await load(source, "a", "x")).images] == [21] * 5
    room = _Budget()
    monkeypatch.setattr(room, "_joined", 50)
    assert [len(room.joined(first, first)) for _ in range(3)] == [40, 20, 20]


async def test_nested_indexes_multiply_to_no_more_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "IMAGES", 10)
    source = MemorySource()
    images = [source.image(f"{number}", architecture=f"a{number}") for number in range(10)]
    inner = [
        source.put_json(
            f"i{number}",
            {
                "mediaType": OCI_INDEX,
                "manifests": [_child(image) for image in images],
                "annotations": {"n": str(number)},
            },
            OCI_INDEX,
        )
        for number in range(10)
    ]
    outer = {"mediaType": OCI_INDEX, "manifests": [_child(each, OCI_INDEX) for each in inner]}
    source.put_json("x", outer, OCI_INDEX)
    source.requests.clear()
    loaded = await load(source, "a", "x")
    assert len(loaded.images) < 10
    assert "which weren't read" in loaded.error
    assert len(source.requests) <= 1 + 2 * 10


def _child(digest: Digest, kind: str = OCI_MANIFEST) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest, "size": 1}


async def test_a_config_that_was_deleted_by_its_digest_is_told_with_its_cause_and_remedy() -> None:
    source = MemorySource()
    source.image("x")
    config = next(iter(source.configs))
    source.configs.clear()
    details = await load_details(source, "a", "x")
    assert details.error.startswith(f"the config ({config.short}) is gone: the image can't be pulled")
    assert "by its config's digest" in details.error
    assert "regtui check --repair" in details.error
    assert "else push the image again, or delete it" in details.error
    # A row has no room for it.
    assert (await summarize(source, "a", "x")).error == f"the config ({config.short}) is gone"
