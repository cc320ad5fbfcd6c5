"""What an SBOM says, whoever wrote it and in whatever it is wrapped; and no further than is good."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.inside.sbom import NoSbom, Package, packages_of

SPDX = {
    "spdxVersion": "SPDX-2.3",
    "SPDXID": "SPDXRef-DOCUMENT",
    "packages": [
        {
            "name": "zlib1g",
            "versionInfo": "1:1.2.13",
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "Zlib",
            "externalRefs": [
                {"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:zlib"},
                {"referenceType": "purl", "referenceLocator": "pkg:deb/debian/zlib1g@1:1.2.13?arch=amd64"},
            ],
        },
        {"name": "app", "primaryPackagePurpose": "APPLICATION", "licenseConcluded": "MIT", "licenseDeclared": "GPL"},
        {"name": "team/app", "versionInfo": "sha256:0", "primaryPackagePurpose": "CONTAINER"},
    ],
    "files": [{"fileName": "/etc/passwd"}],
}
OF_SPDX = [
    Package("app", "", "application", "", ("MIT",)),
    Package("zlib1g", "1:1.2.13", "deb", "pkg:deb/debian/zlib1g@1:1.2.13?arch=amd64", ("Zlib",)),
]
CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "metadata": {"component": {"type": "container", "name": "team/app"}},
    "components": [
        {
            "type": "library",
            "name": "next",
            "version": "16.2.12",
            "purl": "pkg:npm/next@16.2.12",
            "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "own"}}, {"expression": "A OR B"}],
            "components": [{"type": "library", "name": "inner", "version": "1"}],
        },
        {"type": "operating-system", "name": "alpine", "version": "3.20"},
        {"type": "file", "name": "/bin/sh", "components": [{"type": "library", "name": "within"}]},
    ],
}
OF_CYCLONEDX = [
    Package("alpine", "3.20", "operating-system"),
    Package("inner", "1", "library"),
    Package("next", "16.2.12", "npm", "pkg:npm/next@16.2.12", ("MIT", "own", "A OR B")),
    Package("within", "", "library"),
]


def statement(predicate: Any) -> dict[str, Any]:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://spdx.dev/Document",
        "predicate": predicate,
    }


def envelope(document: Any) -> dict[str, Any]:
    payload = base64.b64encode(json.dumps(document).encode()).decode()
    return {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": [{"sig": "x"}]}


def bundle(document: Any) -> dict[str, Any]:
    return {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": document}


@pytest.mark.parametrize(("document", "expected"), [(SPDX, OF_SPDX), (CYCLONEDX, OF_CYCLONEDX)])
@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda document: document, id="bare"),
        pytest.param(statement, id="as BuildKit attests it"),
        pytest.param(lambda document: envelope(statement(document)), id="as cosign attests it"),
        pytest.param(lambda document: bundle(envelope(statement(document))), id="in a bundle of sigstore's"),
        pytest.param(lambda document: statement({"Data": json.dumps(document)}), id="as a text"),
    ],
)
def test_packages(document: Any, expected: list[Package], wrap: Callable[[Any], Any]) -> None:
    assert packages_of(json.dumps(wrap(document)).encode()) == expected


def test_each_is_told_once() -> None:
    twice = {**SPDX, "packages": [*SPDX["packages"], *SPDX["packages"]]}
    assert packages_of(json.dumps(twice).encode()) == OF_SPDX


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n", "JSON"),
        (b'{"artifacts": []}', "neither SPDX nor CycloneDX"),
        (b"[]", "neither SPDX nor CycloneDX"),
        (json.dumps({"payload": "!"}).encode(), "base64"),
        (json.dumps(statement("{")).encode(), "JSON"),
        (json.dumps(statement(statement(statement(statement(statement(statement({}))))))).encode(), "neither"),
    ],
)
def test_what_is_none_is_told_so(document: bytes, why: str) -> None:
    with pytest.raises(NoSbom, match=why):
        packages_of(document)


NAMES = ["name", "type", "purl", "licenses", "license", "components", "externalRefs", "payload", "predicate", "id"]
OUTER = ["packages", "components", "payload", "predicate", "dsseEnvelope"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=30,
)


@given(body=st.dictionaries(st.sampled_from(OUTER), ANYTHING))
@pytest.mark.parametrize("kind", [{"spdxVersion": "SPDX-2.3"}, {"bomFormat": "CycloneDX"}, {"predicateType": "x"}])
def test_whatever_stands_there_it_ends_with_packages_or_with_a_word(kind: dict[str, str], body: dict[str, Any]) -> None:
    try:
        found = packages_of(json.dumps({**body, **kind}).encode())
    except NoSbom:
        return
    assert all(package.name for package in found)
