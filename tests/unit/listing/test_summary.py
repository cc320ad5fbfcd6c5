"""What a line says about a tag, and what it says where something is missing."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.listing.summary import Summary, summarize
from regtui.oci.digest import Digest
from regtui.oci.media_type import OCI_INDEX, OCI_MANIFEST
from regtui.oci.platform import Platform
from regtui.registry.errors import ServerFailed
from tests.support.content import OCI_EMPTY
from tests.unit.listing.contents import WHERE, MemorySource, descriptor

REPOSITORY = "team/app"


@pytest.fixture
def source() -> MemorySource:
    return MemorySource()


def config_of(source: MemorySource, tag: str) -> Digest:
    return Digest(json.loads(source.manifests[tag].body)["config"]["digest"])


async def test_an_image(source: MemorySource) -> None:
    digest = source.image("1.0", layers={"a": 10, "b": 20})
    summary = await summarize(source, REPOSITORY, "1.0")
    config = config_of(source, "1.0")
    assert summary.digest == digest
    assert summary.media_type == OCI_MANIFEST
    assert summary.created == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert summary.size == 30 + len(source.configs[config])
    assert [str(platform.platform) for platform in summary.platforms] == ["linux/amd64"]
    assert (summary.pull_size, summary.largest_pull) == ((summary.size, summary.size), summary.size)
    assert (summary.is_broken, summary.missing) == (False, "")
    assert sum(size for _, size in summary.blobs) == summary.size


async def test_a_blob_named_twice_is_transferred_once(source: MemorySource) -> None:
    layer = descriptor(b"layer", "x", 10)
    config = source.put_config(b"{}")
    source.put_json("1.0", {"mediaType": OCI_MANIFEST, "config": config, "layers": [layer, layer]}, OCI_MANIFEST)
    assert (await summarize(source, REPOSITORY, "1.0")).size == 12


async def test_an_index_is_the_union_and_the_newest_of_its_platforms_without_attestations(
    source: MemorySource,
) -> None:
    amd = source.image("amd", layers={"shared": 100, "a": 1}, created="2026-01-01T00:00:00Z")
    arm = source.image("arm", layers={"shared": 100, "b": 2}, created="2026-02-01T00:00:00Z", architecture="arm64")
    proof = source.image("proof", layers={"proof": 1_000}, created="2026-03-01T00:00:00Z")
    source.index("1.0", {amd: "linux/amd64", arm: "linux/arm64"}, {proof: amd})
    configs = len(source.configs[config_of(source, "amd")]) + len(source.configs[config_of(source, "arm")])
    source.requests.clear()
    summary = await summarize(source, REPOSITORY, "1.0")
    assert summary.media_type == OCI_INDEX
    assert summary.size == 103 + configs
    sizes = [each.size for each in summary.platforms]
    assert summary.pull_size == (min(sizes), max(sizes))  # type: ignore[type-var]
    assert summary.largest_pull == summary.pull_size[1] < summary.size
    assert summary.created == datetime(2026, 2, 1, tzinfo=UTC)
    assert [p.platform for p in summary.platforms] == [Platform("linux", "amd64"), Platform("linux", "arm64")]
    assert [p.digest for p in summary.platforms] == [amd, arm]
    assert proof not in source.requests


async def test_a_tag_whose_manifest_is_gone(source: MemorySource) -> None:
    summary = await summarize(source, REPOSITORY, "1.0")
    assert summary == Summary.gone()
    assert summary.digest is None
    assert summary.missing == "its manifest is gone"


async def test_an_image_whose_config_is_gone_is_broken_but_has_its_digest(source: MemorySource) -> None:
    digest = source.image("1.0")
    config = config_of(source, "1.0")
    source.configs.clear()
    summary = await summarize(source, REPOSITORY, "1.0")
    assert (summary.digest, summary.is_broken, summary.created) == (digest, True, None)
    assert summary.missing == f"the config ({config.short}) is gone"


async def test_an_index_with_a_child_gone_says_which_and_shows_the_other(source: MemorySource) -> None:
    here, gone = source.image("here"), Digest.of(b"gone")
    source.index("1.0", {here: "linux/amd64", gone: "linux/arm64"})
    summary = await summarize(source, REPOSITORY, "1.0")
    assert summary.is_broken
    assert summary.missing == f"linux/arm64 ({gone.short}) is gone"
    assert [bool(platform.error) for platform in summary.platforms] == [False, True]
    assert summary.size is not None
    # The one that is gone may have been the newest: no rule is to take the rest for old.
    assert summary.created is None


async def test_what_fails_otherwise_is_raised_as_itself_also_from_below_an_index(source: MemorySource) -> None:
    child = source.image("child")
    source.index("1.0", {child: "linux/amd64"})
    source.errors[child] = ServerFailed(WHERE, "it failed")
    with pytest.raises(ServerFailed):
        await summarize(source, REPOSITORY, "1.0")


async def test_an_artifact_has_a_type_and_its_config_is_not_read(source: MemorySource) -> None:
    source.put_json(
        "chart",
        {
            "mediaType": OCI_MANIFEST,
            "artifactType": "application/vnd.example.sbom",
            "config": descriptor(b"{}", OCI_EMPTY),
            "layers": [descriptor(b"sbom", "text/plain", 7)],
            "annotations": {"org.opencontainers.image.created": "2026-05-06T00:00:00Z"},
        },
        OCI_MANIFEST,
    )
    summary = await summarize(source, REPOSITORY, "chart")
    assert summary.artifact_type == "application/vnd.example.sbom"
    assert (summary.platforms, summary.size, summary.error) == ((), 9, "")
    assert summary.created == datetime(2026, 5, 6, tzinfo=UTC)
    assert source.requests == ["chart"]


async def test_legacy_schema_1_has_a_date_but_no_size(source: MemorySource) -> None:
    source.schema1("old", {"created": "2015-06-07T08:09:10Z", "os": "linux"})
    summary = await summarize(source, REPOSITORY, "old")
    assert summary.created == datetime(2015, 6, 7, 8, 9, 10, tzinfo=UTC)
    assert (summary.size, summary.error) == (None, "")
    assert str(summary.platforms[0].platform) == "linux/amd64"


async def test_an_empty_index_is_not_broken(source: MemorySource) -> None:
    source.index("1.0", {})
    summary = await summarize(source, REPOSITORY, "1.0")
    assert (summary.error, summary.platforms, summary.size) == ("", (), 0)


async def test_indexes_within_indexes_end(source: MemorySource) -> None:
    digest = source.image("image")
    for depth in range(2):
        digest = source.index(f"index{depth}", {digest: "linux/amd64"})
    assert not (await summarize(source, REPOSITORY, "index1")).error
    for depth in range(5):
        digest = source.index(f"deep{depth}", {digest: "linux/amd64"})
    assert "nested too deep" in (await summarize(source, REPOSITORY, "deep4")).error


@given(
    st.binary()
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["config", "layers", "manifests", "digest"]), inner)
        ),
    ),
    st.sampled_from([OCI_MANIFEST, OCI_INDEX, "application/json", ""]),
)
async def test_no_manifest_is_a_crash(content: Any, media_type: str) -> None:
    source = MemorySource()
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    digest = source.put("1.0", body, media_type)
    assert (await summarize(source, REPOSITORY, "1.0")).digest == digest


@given(st.binary())
async def test_no_config_is_a_crash(body: bytes) -> None:
    source = MemorySource()
    source.put_json("1.0", {"mediaType": OCI_MANIFEST, "config": source.put_config(body), "layers": []}, OCI_MANIFEST)
    assert (await summarize(source, REPOSITORY, "1.0")).size == len(body)


async def test_a_large_index_does_not_flood_the_client(source: MemorySource) -> None:
    children = {source.image(f"c{number}", layers={f"l{number}": 1}): "linux/amd64" for number in range(50)}
    source.index("1.0", children)
    await summarize(source, REPOSITORY, "1.0")
    assert source.most_at_once <= 8
