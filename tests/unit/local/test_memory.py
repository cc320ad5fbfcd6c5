"""The storage's semantics, and the collector's, version by version."""

import json

import pytest

from regtui.demo.images import DemoStep, Image, Publisher
from regtui.local.collection import LocalCollectionFailed
from regtui.local.memory import MemoryStorage
from regtui.local.stored import Blob, digest_of


def publish(storage: MemoryStorage, repository: str, mark: str, *tags: str) -> str:
    """Pushes an image with one layer of 1000 bytes of its own. Its digest."""
    image = Image((DemoStep(f"RUN {mark}", 1_000, mark),), None)
    digest: str = Publisher(storage, repository).image(image, *tags)["digest"]
    return digest


def index(storage: MemoryStorage, repository: str, *tags: str) -> tuple[str, list[str]]:
    to = Publisher(storage, repository)
    children = [to.image(Image((DemoStep("RUN x", 1_000, name),), None, name)) for name in ("linux/a", "linux/b")]
    return to.index(children, *tags)["digest"], [child["digest"] for child in children]


def test_deleting_a_manifest_takes_all_its_tags() -> None:
    storage = MemoryStorage()
    digest = publish(storage, "a", "1", "one", "two")
    publish(storage, "a", "2", "other")
    assert storage.delete_manifest("a", digest)
    assert set(storage.repositories["a"].tags) == {"other"}
    assert not storage.delete_manifest("a", digest)
    assert digest in storage.blobs


def test_a_repository_stays_when_it_is_empty() -> None:
    storage = MemoryStorage()
    storage.delete_manifest("a", publish(storage, "a", "1", "one"))
    storage.collect(delete_untagged=True)
    assert "a" in storage.repositories
    assert storage.repositories["a"].was_tagged


def test_deleting_an_index_leaves_its_children() -> None:
    storage = MemoryStorage()
    digest, children = index(storage, "a", "x")
    assert storage.delete_manifest("a", digest)
    assert all(storage.manifest("a", child) for child in children)


def test_a_tag_can_dangle() -> None:
    storage = MemoryStorage()
    storage.set_tag("a", "broken", digest_of(b"gone"))
    assert storage.tag("a", "broken") == digest_of(b"gone")
    assert storage.manifest("a", digest_of(b"gone")) is None
    assert storage.untag("a", "broken")
    assert not storage.untag("a", "broken")


def test_a_blob_is_read_only_where_it_is_linked() -> None:
    storage = MemoryStorage()
    digest = storage.add_blob(b"data")
    storage.link_layer("a", digest)
    assert storage.layer("a", digest) == Blob(digest, 4, b"data")
    assert storage.layer("b", digest) is None
    storage.remove_blob(digest)
    assert storage.layer("a", digest) is None
    assert not storage.unlink_layer("a", digest)


def test_a_synthetic_blob_has_its_size_and_no_memory() -> None:
    storage = MemoryStorage()
    digest = storage.add_synthetic_blob("seed", 10**12)
    blob = storage.blobs[digest]
    assert digest == digest_of(b"seed")
    assert (blob.size, blob.data) == (10**12, None)
    assert b"".join(blob.read(10**12 - 100_000)) == bytes(100_000)


@pytest.mark.parametrize("version", ["2.7.1", "2.8.2", "3.1.1"])
class TestCollection:
    def test_an_untouched_registry_loses_nothing(self, version: str) -> None:
        storage = MemoryStorage()
        publish(storage, "a", "1", "one")
        index(storage, "a", "x")
        found = storage.collect(version=version)  # type: ignore[arg-type]
        assert (found.blobs, found.manifests, found.bytes) == ({}, (), 0)

    def test_untagged_manifests_survive_unless_asked_for(self, version: str) -> None:
        storage = MemoryStorage()
        digest = publish(storage, "a", "1", "one")
        storage.untag("a", "one")
        assert not storage.collect(version=version).blobs  # type: ignore[arg-type]
        found = storage.collect(delete_untagged=True, version=version)  # type: ignore[arg-type]
        assert found.manifests == (("a", digest),)
        assert len(found.blobs) == 3
        assert found.bytes == sum(found.blobs.values()) > 1_000
        assert not storage.blobs

    def test_what_is_shared_stays(self, version: str) -> None:
        storage = MemoryStorage()
        digest = publish(storage, "a", "same", "one")
        publish(storage, "b", "same", "one")
        storage.delete_manifest("a", digest)
        assert not storage.collect(version=version).blobs  # type: ignore[arg-type]
        storage.delete_manifest("b", digest)
        assert len(storage.collect(version=version).blobs) == 3  # type: ignore[arg-type]

    def test_a_dry_run_tells_the_same_and_changes_nothing(self, version: str) -> None:
        storage = MemoryStorage()
        storage.delete_manifest("a", publish(storage, "a", "1", "one"))
        dry = storage.collect(dry_run=True, version=version)  # type: ignore[arg-type]
        assert set(dry.blobs) == set(storage.blobs)
        assert storage.collect(version=version) == dry  # type: ignore[arg-type]
        assert not storage.blobs

    def test_its_output(self, version: str) -> None:
        storage = MemoryStorage()
        kept = publish(storage, "a", "kept", "one")
        storage.delete_manifest("a", publish(storage, "a", "gone", "two"))
        lines = storage.collect(version=version).lines  # type: ignore[arg-type]
        assert lines[:2] == ("a", f"a: marking manifest {kept} ")
        assert "3 blobs marked, 3 blobs and 0 manifests eligible for deletion" in lines
        assert len([line for line in lines if line.startswith("blob eligible for deletion: sha256:")]) == 3
        links = [line for line in lines if "layer link eligible" in line]
        assert len(links) == (2 if version == "3.1.1" else 0)


def test_2x_takes_the_children_of_tagged_indexes_and_3x_spares_them() -> None:
    old, new = MemoryStorage(), MemoryStorage()
    digest, children = index(old, "a", "x")
    index(new, "a", "x")
    assert {child for _, child in old.collect(True, version="2.8.2").manifests} == set(children)
    assert old.manifest("a", digest) is not None
    assert not any(old.manifest("a", child) for child in children)
    assert new.collect(True, version="3.1.1").manifests == ()


def test_2x_stops_at_a_repository_that_was_never_tagged_and_3x_sweeps_it() -> None:
    storage = MemoryStorage()
    publish(storage, "a", "1")
    with pytest.raises(LocalCollectionFailed, match="unknown repository name=a"):
        storage.collect(True, version="2.8.2")
    assert len(storage.blobs) == 3
    assert len(storage.collect(True, version="3.1.1").blobs) == 3


def test_an_image_whose_manifest_is_missing_loses_its_layers() -> None:
    storage = MemoryStorage()
    digest = publish(storage, "a", "1", "one")
    storage.remove_blob(digest)
    assert len(storage.collect().blobs) == 2


def test_undo_after_a_collection_is_refused_for_what_is_gone() -> None:
    storage = MemoryStorage()
    digest = publish(storage, "a", "1", "one")
    manifest = storage.manifest("a", digest)
    assert manifest is not None
    storage.delete_manifest("a", digest)
    storage.collect()
    assert storage.layer("a", json.loads(manifest.data)["config"]["digest"]) is None
