"""`regtui sbom` against real registries: attached to an image, attested as BuildKit does it, and what can't be read."""

import json

import httpx
import pytest

from tests.support.commands import Regtui, failed
from tests.support.images import push_artifact, push_image, push_index
from tests.support.servers import RegistryServer

from .test_attached import REPOSITORY, digest_tag

pytestmark = pytest.mark.integration

PURL = "pkg:deb/debian/zlib1g@1:1.2.13"
ZLIB = {
    "name": "zlib1g",
    "versionInfo": "1:1.2.13",
    "licenseDeclared": "Zlib",
    "externalRefs": [{"referenceType": "purl", "referenceLocator": PURL}],
}
SPDX = json.dumps({"spdxVersion": "SPDX-2.3", "packages": [ZLIB, {"name": "adduser", "versionInfo": "3.134"}]}).encode()


def test_the_packages_that_it_names(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    image = push_image(writer, REPOSITORY, "1.0")
    reference = f"{server.host}/{REPOSITORY}:1.0"
    failed(regtui("sbom", reference), 5, f"No SBOM is attached to {REPOSITORY}:1.0.")
    push_artifact(writer, REPOSITORY, digest_tag(image, ".sbom"), artifact_type="", files={"sbom": SPDX})
    assert regtui.records("sbom", reference) == [
        {"name": "adduser", "version": "3.134", "type": None, "purl": None, "licenses": []},
        {"name": "zlib1g", "version": "1:1.2.13", "type": "deb", "purl": PURL, "licenses": ["Zlib"]},
    ]
    done = regtui("sbom", reference)
    assert done.stdout == f"adduser\t3.134\t\t\t\nzlib1g\t1:1.2.13\tdeb\t{PURL}\tZlib\n"
    assert done.stderr == ""


def test_one_that_is_no_json_is_told_so(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    image = push_image(writer, REPOSITORY, "1.0")
    files = {"sbom": b"SPDXVersion: SPDX-2.3\n"}
    push_artifact(writer, REPOSITORY, digest_tag(image, ".sbom"), artifact_type="", files=files)
    done = regtui("sbom", f"{server.host}/{REPOSITORY}:1.0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "can't be read: " in done.stderr
    assert "it can't be read as JSON" in done.stderr


def test_of_several_platforms_each_has_its_own(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    index = push_index(writer, REPOSITORY, "1.0", platforms=("linux/amd64", "linux/arm64"))
    reference = f"{server.host}/{REPOSITORY}:1.0"
    arm = index.children[1]
    push_artifact(writer, REPOSITORY, digest_tag(arm, ".sbom"), artifact_type="", files={"sbom": SPDX})
    failed(regtui("sbom", reference, "--platform", "linux/amd64"), 5, "There is one for linux/arm64: --platform.")
    names = [each["name"] for each in regtui.records("sbom", reference, "--platform", "linux/arm64")]
    assert names == ["adduser", "zlib1g"]
    failed(regtui("sbom", reference, "--platform", "linux/s390x"), 5, "is not made for linux/s390x")
