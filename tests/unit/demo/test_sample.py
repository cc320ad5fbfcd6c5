"""The sample shows what it promises, and all of it holds together."""

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx

from regtui.demo.sample import sample_storage
from regtui.local.memory import MemoryStorage
from regtui.local.stored import digest_of
from regtui.local.transport import LocalTransport

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@cache
def sample() -> MemoryStorage:
    """Only read by these tests."""
    return sample_storage(NOW)


def tagged(repository: str, tag: str) -> dict[str, Any]:
    digest = sample().tag(repository, tag)
    assert digest is not None
    manifest = sample().manifest(repository, digest)
    assert manifest is not None
    found: dict[str, Any] = json.loads(manifest.data)
    return found


def test_it_is_the_same_for_the_same_time() -> None:
    again = sample_storage(NOW)
    assert again.blobs == sample().blobs
    assert again.repositories == sample().repositories
    assert sample_storage(NOW.replace(hour=10)).repositories != sample().repositories


def test_digests_and_sizes_are_true() -> None:
    for blob in sample().blobs.values():
        if blob.data is not None:
            assert (blob.digest, blob.size) == (digest_of(blob.data), len(blob.data))
    missing = []
    for name, repository in sample().repositories.items():
        for digest in repository.revisions:
            stored = sample().manifest(name, digest)
            assert stored is not None
            manifest = json.loads(stored.data)
            assert manifest["mediaType"] == stored.media_type
            for entry in manifest.get("manifests", []):
                child = sample().manifest(name, entry["digest"])
                assert child is not None
                assert (entry["size"], entry["mediaType"]) == (len(child.data), child.media_type)
            for entry in [manifest["config"], *manifest["layers"]] if "config" in manifest else []:
                layer = sample().layer(name, entry["digest"])
                if layer is None:
                    missing.append(name)
                else:
                    assert entry["size"] == layer.size
    assert missing == ["legacy/billing"]


def test_history_and_layers_agree() -> None:
    for name, repository in sample().repositories.items():
        for digest in repository.revisions:
            stored = sample().manifest(name, digest)
            assert stored is not None
            manifest = json.loads(stored.data)
            blob = sample().layer(name, manifest.get("config", {}).get("digest", ""))
            if blob is None or blob.data is None or "history" not in (config := json.loads(blob.data)):
                continue
            lines = [line for line in config["history"] if not line.get("empty_layer")]
            assert len(lines) == len(manifest["layers"]) == len(config["rootfs"]["diff_ids"])


def test_forty_versions_that_share_digests() -> None:
    tags = sample().repositories["fullstack/common"].tags
    assert {f"0.0.{patch}" for patch in range(4, 44)} | {"latest", "stable"} == set(tags)
    assert tags["latest"] == tags["0.0.43"]
    assert tags["stable"] == tags["0.0.41"]
    assert tags["0.0.17"] == tags["0.0.16"]


def test_indexes_with_attestations_that_share_a_platform() -> None:
    old, new = tagged("fullstack/gateway", "1.4.0"), tagged("fullstack/gateway", "latest")
    platforms = ["/".join(entry["platform"].values()) for entry in new["manifests"]]
    assert platforms.count("unknown/unknown") == 3
    shared = {entry["digest"] for entry in old["manifests"]} & {entry["digest"] for entry in new["manifests"]}
    assert len(shared) == 4
    assert len(tagged("platform/ingress/controller", "latest")["manifests"]) == 6
    assert tagged("mirror/nginx", "latest")["mediaType"].endswith("manifest.list.v2+json")


def test_what_is_broken() -> None:
    dangling = sample().tag("legacy/billing", "3.4")
    assert dangling is not None
    assert sample().manifest("legacy/billing", dangling) is None
    assert sample().layer("legacy/billing", tagged("legacy/billing", "3.2")["config"]["digest"]) is None
    empty = sample().repositories["sandbox/empty"]
    assert (empty.tags, empty.was_tagged) == ({}, True)


def test_a_chart_and_a_signature() -> None:
    chart = tagged("charts/gateway", "0.4.1")
    assert chart["config"]["mediaType"] == chart["artifactType"] == "application/vnd.cncf.helm.config.v1+json"
    auth = sample().repositories["platform/auth"].tags
    assert auth["latest"].replace(":", "-") + ".sig" in auth


def test_an_image_that_does_not_tell_its_age() -> None:
    undated = sample().layer("legacy/reports", tagged("legacy/reports", "undated")["config"]["digest"])
    assert undated is not None
    assert undated.data is not None
    assert "created" not in json.loads(undated.data)


def test_there_is_garbage_for_the_collector() -> None:
    storage = sample_storage(NOW)
    assert storage.collect(dry_run=True).bytes > 500_000_000
    untagged = storage.collect(True, version="3.1.1")
    assert untagged.manifests
    assert untagged.bytes > 1_000_000_000
    assert storage.manifest("fullstack/gateway", storage.tag("fullstack/gateway", "latest") or "")


def test_no_time_lies_ahead() -> None:
    for blob in sample().blobs.values():
        if blob.data is not None and blob.data.startswith(b"{") and b'"created":"' in blob.data:
            assert json.loads(blob.data).get("created", "") <= NOW.isoformat()


async def test_it_is_served() -> None:
    transport = LocalTransport(sample())
    async with httpx.AsyncClient(transport=transport, base_url="http://demo.invalid") as client:
        listed = (await client.get("/v2/_catalog")).json()["repositories"]
        assert set(listed) == set(sample().repositories)
        for name in listed:
            tags = (await client.get(f"/v2/{name}/tags/list")).json()["tags"]
            assert sorted(tags or []) == sorted(sample().repositories[name].tags)
