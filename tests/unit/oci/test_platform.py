"""Platforms, as users write them and as registries have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.oci import media_type as mt
from regtui.oci.platform import InvalidPlatform, Platform

PART = st.text(st.characters(exclude_characters="/()+"), min_size=1)


@given(PART, PART, st.just("") | PART)
def test_what_is_written_is_read_back(os: str, architecture: str, variant: str) -> None:
    platform = Platform(os, architecture, variant)
    assert Platform.parse(str(platform)) == platform


@given(PART, PART, st.just("") | PART, st.just("") | PART, st.lists(PART).map(tuple))
def test_so_is_the_exact_form(
    os: str, architecture: str, variant: str, os_version: str, os_features: tuple[str, ...]
) -> None:
    platform = Platform(os, architecture, variant, os_version, os_features)
    assert Platform.parse(platform.exact) == platform


def test_the_exact_form_is_that_of_containerd() -> None:
    assert Platform("windows", "amd64", "", "10.0.20348.2849").exact == "windows(10.0.20348.2849)/amd64"
    assert Platform("windows", "amd64", "", "10.0.1", ("win32k",)).exact == "windows(10.0.1+win32k)/amd64"
    assert Platform("linux", "arm", "v7").exact == "linux/arm/v7"


def test_what_an_index_leaves_out_is_taken_from_the_same_platform_alone() -> None:
    config = Platform("windows", "amd64", "", "10.0.1", ("win32k",))
    assert Platform("windows", "amd64").completed_by(config) == config
    assert Platform("windows", "amd64", "", "10.0.2").completed_by(config).os_version == "10.0.2"
    for other in (None, Platform("windows", "arm64", "", "10.0.3"), Platform("windows", "amd64")):
        assert Platform("windows", "amd64").completed_by(other) == Platform("windows", "amd64")


@pytest.mark.parametrize("text", ["", "linux", "linux/", "/amd64", "linux//v7", "a/b/c/d"])
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(InvalidPlatform):
        Platform.parse(text)


def test_json_is_read_leniently() -> None:
    windows = {"os": "windows", "architecture": "amd64", "os.version": "10.0.17763.1"}
    assert Platform.from_json(windows) == Platform("windows", "amd64", "", "10.0.17763.1")
    assert Platform.from_json({"os": "linux", "variant": 7}) == Platform("linux", "")
    assert str(Platform("linux", "")) == "linux/?"
    nothings: list[object] = [None, [], {}, {"os": ""}, {"os": 5, "architecture": []}]
    for nothing in nothings:
        assert Platform.from_json(nothing) is None


def test_unknown_is_what_buildx_calls_attestations() -> None:
    assert Platform("unknown", "unknown").is_unknown
    assert not Platform("unknown", "amd64").is_unknown


def test_media_types_have_a_kind_and_parameters_dont_matter() -> None:
    assert mt.kind_of(mt.essence("Application/VND.oci.image.index.v1+json; charset=utf-8")) is mt.MediaKind.INDEX
    assert mt.kind_of("text/html") is mt.MediaKind.UNKNOWN
    assert all(mt.kind_of(name) is not mt.MediaKind.UNKNOWN for name in mt.ACCEPT_MANIFESTS.split(", "))


def test_details_tell_windows_versions_apart() -> None:
    windows = {"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.2849", "os.features": ["win32k", 5]}
    found = Platform.from_json(windows)
    assert found is not None
    assert str(found) == "windows/amd64"
    assert found.details == "windows/amd64 10.0.20348.2849 (win32k)"
    assert Platform("linux", "amd64").details == "linux/amd64"
    endless = Platform.from_json({"os": "a", "architecture": "b", "os.features": ["x"] * 100_000})
    assert endless is not None
    assert len(endless.os_features) == 20
    assert Platform.from_json({"os": "a", "architecture": "b", "os.features": "win32k"}) == Platform("a", "b")
