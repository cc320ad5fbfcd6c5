"""Windows' images: each face tells the system's version and features, and which layers aren't the registry's."""

import asyncio
import io
import json
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import pytest

from regtui.cli.image import show_fields, show_text
from regtui.cli.inspect import _platform_record, _record
from regtui.cli.output import Form, Output
from regtui.cli.platforms import chosen
from regtui.cli.tags import platforms_shown, record
from regtui.listing.compare import Side, compare
from regtui.listing.details import Details, PlatformDetails, load_details
from regtui.listing.summary import summarize
from regtui.oci.media_type import OCI_INDEX, OCI_MANIFEST
from regtui.oci.platform import Platform
from regtui.oci.reference import Reference
from regtui.ui.widgets.details.tabs import LayerView, layers, overview
from tests.unit.listing.contents import LAYER, MemorySource, descriptor

VERSIONS = ("10.0.17763.6532", "10.0.20348.2849")
FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
REFERENCE = Reference(None, "win/app", "ltsc")
URL = "https://mcr.example.com/base"


def windows_index() -> MemorySource:
    """One image for each version, which differ in nothing else."""
    source = MemorySource()
    children = []
    for version in VERSIONS:
        platform = {"os": "windows", "architecture": "amd64", "os.version": version, "os.features": ["win32k"]}
        config = source.put_config(json.dumps(platform).encode())
        base = {**descriptor(f"base {version}".encode(), FOREIGN, 1_500_000_000), "urls": [URL]}
        own = descriptor(f"own {version}".encode(), LAYER, 70)
        value = {"mediaType": OCI_MANIFEST, "config": config, "layers": [base, own]}
        digest = source.put_json(version, value, OCI_MANIFEST)
        children.append({"mediaType": OCI_MANIFEST, "digest": digest, "size": 1, "platform": platform})
    source.put_json("ltsc", {"mediaType": OCI_INDEX, "manifests": children}, OCI_INDEX)
    return source


@pytest.fixture(scope="module")
def details() -> Details:
    return asyncio.run(load_details(windows_index(), "win/app", "ltsc"))


def test_tags_tells_the_versions_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    summary = asyncio.run(summarize(windows_index(), "win/app", "ltsc"))
    assert platforms_shown(summary) == "windows(10.0.17763.6532+win32k)/amd64, windows(10.0.20348.2849+win32k)/amd64"
    monkeypatch.setenv("COLUMNS", "80")
    assert platforms_shown(summary) == "windows(10.0.17763.6532+win32k)/amd64, +1"
    platforms: Any = record("win/app", "ltsc", summary)["platforms"]
    assert [(each["platform"], each["os_version"], each["os_features"]) for each in platforms] == [
        ("windows/amd64", version, ["win32k"]) for version in VERSIONS
    ]


def test_inspect_to_a_pipe_tells_them_apart_and_marks_foreign_layers(details: Details) -> None:
    out = io.StringIO()
    show_fields(Output(Form.FIELDS, out), "win/app:ltsc", details, details.platforms)
    lines = [line.split("\t") for line in out.getvalue().splitlines()]
    labels = [f"windows({version}+win32k)/amd64" for version in VERSIONS]
    assert [line[1] for line in lines if line[0] == "platform"] == labels
    found = [line for line in lines if line[0] == "layer"]
    # Both are read by what stands before: the mark comes last, and only where it holds.
    assert [line[1] for line in found] == [label for label in labels for _ in range(2)]
    assert [line[6:] for line in found] == [["foreign", URL], []] * 2


def test_inspect_on_a_terminal_says_what_isn_t_counted(details: Details) -> None:
    out = io.StringIO()
    show_text(Output(Form.TABLE, out), "win/app:ltsc", details, details.platforms, details.platforms)
    text = out.getvalue()
    assert text.count("1.5 GB in 1 layer, not counted: the registry need not have it") == 2
    assert text.count("(foreign)") == 2


def test_inspect_as_json_names_foreign_layers(details: Details) -> None:
    out = io.StringIO()
    Output(Form.JSON, out).json_with_list(
        _record(details, REFERENCE), "platforms", map(_platform_record, details.platforms)
    )
    platforms: Any = json.loads(out.getvalue())["platforms"]
    for each, version in zip(platforms, VERSIONS, strict=True):
        assert (each["os_version"], each["os_features"]) == (version, ["win32k"])
        ((layer),) = each["foreign_layers"]
        assert (layer["size"], layer["urls"]) == (1_500_000_000, [URL])
        assert each["size"] < 1_000


def test_a_platform_is_chosen_by_the_system_s_version(details: Details) -> None:
    def of(wanted: Platform) -> PlatformDetails:
        return chosen(details.platforms, attrgetter("platform"), wanted, "team/app:1.0")

    for version in VERSIONS:
        platform = of(Platform.parse(f"windows({version})/amd64")).platform
        assert platform is not None
        assert platform.os_version == version
    assert of(Platform("windows", "amd64")) is details.platforms[0]


def test_the_app_marks_foreign_layers_and_shares_out_the_registry_s_alone(details: Details) -> None:
    image = details.platforms[0]
    _, base, own = (line.plain for line in layers(image, 100, LayerView({})))
    assert "(foreign)" in base
    assert "%" not in base
    assert "100 %" in own
    shown = "\n".join(line.plain for line in overview(details, image, 100, datetime(2026, 1, 1, tzinfo=UTC)))
    assert "1.5 GB in 1 layer, not counted: the registry need not have it" in shown


def test_what_is_no_manifest_is_called_none_in_the_app() -> None:
    source = MemorySource()
    source.put_json("x", {"hello": 1}, "application/json")
    found = asyncio.run(load_details(source, "a", "x"))
    assert found.is_no_manifest
    shown = "\n".join(line.plain for line in overview(found, None, 100, datetime(2026, 1, 1, tzinfo=UTC)))
    assert "! its manifest can't be read: it is no manifest, but a JSON object with hello" in shown
    assert "no manifest\n" in shown
    assert "unknown to regtui" not in shown


def test_a_comparison_counts_what_the_registry_has(details: Details) -> None:
    (first, second) = compare(details, details).platforms
    assert [one.size(Side.BOTH) for one in (first, second)] == [70, 70]
