"""`regtui attached` against real registries: by the referrers API, its fallback tags, cosign's, and in an index."""

import json
from pathlib import Path

import httpx
import pytest

from regtui.oci.digest import Digest
from tests.support.commands import Regtui, failed
from tests.support.images import PushedImage, open_registry, push_artifact, push_image, push_index
from tests.support.servers import RegistryServer, start_referrers_registry

pytestmark = pytest.mark.integration

REPOSITORY = "team/app"
SIGNATURE = "application/vnd.cncf.notary.signature"
SBOM = "application/spdx+json"


def digest_tag(image: PushedImage, ending: str = "") -> str:
    return image.digest.replace(":", "-") + ending


def list_as_attached(writer: httpx.Client, image: PushedImage, *attached: PushedImage) -> None:
    """The tag that stands for the referrers API (distribution-spec 1.1), as those write it who push what refers."""
    media_type = "application/vnd.oci.image.index.v1+json"
    body = {"schemaVersion": 2, "mediaType": media_type, "manifests": [each.descriptor() for each in attached]}
    answer = writer.put(
        f"v2/{REPOSITORY}/manifests/{digest_tag(image)}", content=json.dumps(body), headers={"Content-Type": media_type}
    )
    assert answer.status_code == 201, answer.text


def told(regtui: Regtui, url: str, tag: str = "1.0") -> list[tuple[str, str, str, int]]:
    """(kind, digest, subject, depth) in the order in which they are shown."""
    found = regtui.records("attached", "-r", url, f"{REPOSITORY}:{tag}")
    return [(each["kind"], each["digest"], each["subject"], each["depth"]) for each in found]


def test_by_the_referrers_api_with_the_signature_of_an_sbom_below_that(tmp_path: Path, regtui: Regtui) -> None:
    with start_referrers_registry(tmp_path) as url, open_registry(url) as writer:
        image = push_image(writer, REPOSITORY, "1.0")
        sbom = push_artifact(writer, REPOSITORY, None, artifact_type=SBOM, subject=image)
        signed = push_artifact(writer, REPOSITORY, None, artifact_type=SIGNATURE, subject=sbom)
        assert told(regtui, url) == [
            ("sbom", sbom.digest, image.digest, 1),
            ("signature", signed.digest, sbom.digest, 2),
        ]


def test_by_the_tag_that_stands_for_the_api(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    image = push_image(writer, REPOSITORY, "1.0")
    other = push_image(writer, REPOSITORY, "2.0")
    sbom = push_artifact(
        writer,
        REPOSITORY,
        None,
        artifact_type=SBOM,
        subject=image,
        files={"sbom": b"x" * 1000},
        annotations={"org.opencontainers.image.created": "2026-01-02T03:04:05Z", "by": "syft"},
    )
    list_as_attached(writer, image, sbom)
    (record,) = regtui.records("attached", "-r", server.url, f"{REPOSITORY}:1.0")
    assert record == {
        "subject": image.digest,
        "digest": sbom.digest,
        "kind": "sbom",
        "artifact_type": SBOM,
        "media_type": "application/vnd.oci.image.manifest.v1+json",
        "size": 1002,
        "created": "2026-01-02T03:04:05Z",
        # Of what holds one file alone, that file's, too.
        "annotations": {
            "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
            "by": "syft",
            "org.opencontainers.image.title": "sbom",
        },
        "depth": 1,
    }
    assert told(regtui, server.url, "2.0") == []
    # What refers to another image is not taken for this one's, whatever lists it.
    list_as_attached(writer, other, sbom)
    done = regtui("attached", "-r", server.url, f"{REPOSITORY}:2.0")
    assert (done.returncode, done.stdout) == (0, "")
    assert f"and says that it is attached to {Digest(image.digest).short}" in done.stderr


def test_by_the_tags_of_cosign(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    image = push_image(writer, REPOSITORY, "1.0")
    made = {
        ending: push_artifact(
            writer, REPOSITORY, digest_tag(image, ending), artifact_type="", files={ending: ending.encode()}
        )
        for ending in (".sig", ".att", ".sbom")
    }
    assert told(regtui, server.url) == [
        ("signature", made[".sig"].digest, image.digest, 1),
        ("sbom", made[".sbom"].digest, image.digest, 1),
        ("attestation", made[".att"].digest, image.digest, 1),
    ]


def test_what_buildkit_attests_of_each_platform(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    image = push_index(writer, REPOSITORY, "1.0", platforms=("linux/amd64", "linux/arm64"), attestations=True)
    images, attestations = image.children[:2], image.children[2:]
    assert told(regtui, server.url) == [
        ("provenance", attestation.digest, platform.digest, 1)
        for platform, attestation in zip(images, attestations, strict=True)
    ]


def test_for_pipes_and_where_nothing_is(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    image = push_image(writer, REPOSITORY, "1.0")
    assert regtui("attached", "-r", server.url, f"{REPOSITORY}:1.0").stdout == ""
    sbom = push_artifact(writer, REPOSITORY, None, artifact_type=SBOM, subject=image, files={"a": b"12345"})
    list_as_attached(writer, image, sbom)
    done = regtui("attached", "-r", server.url, f"{REPOSITORY}@{image.digest}")
    assert done.stdout == f"sbom\t{sbom.digest}\t{image.digest}\t{SBOM}\t7\n"
    failed(regtui("attached", "-r", server.url, f"{REPOSITORY}:nothing"), 5, f"{REPOSITORY} has no tag nothing")


def test_an_image_without_a_tag_in_a_repository_without_one(
    server: RegistryServer, writer: httpx.Client, regtui: Regtui
) -> None:
    image = push_index(writer, REPOSITORY, None, platforms=("linux/amd64",), attestations=True)
    (record,) = regtui.records("attached", "-r", server.url, f"{REPOSITORY}@{image.digest}")
    assert record["kind"] == "provenance"


def test_what_was_kept_of_it_does_not_count_once_it_is_gone(registry_2: RegistryServer, regtui: Regtui) -> None:
    with open_registry(registry_2.url) as writer:
        push_index(writer, REPOSITORY, "1.0", platforms=("linux/amd64",), attestations=True)
        ((_, attestation, _, _),) = told(regtui, registry_2.url)
        assert writer.delete(f"v2/{REPOSITORY}/manifests/{attestation}").status_code == 202
    done = regtui("attached", "-r", registry_2.url, f"{REPOSITORY}:1.0")
    assert (done.returncode, done.stdout) == (1, "")


def test_what_is_listed_and_gone_is_told(registry_2: RegistryServer, regtui: Regtui) -> None:
    with open_registry(registry_2.url) as writer:
        image = push_image(writer, REPOSITORY, "1.0")
        sbom = push_artifact(writer, REPOSITORY, None, artifact_type=SBOM, subject=image)
        list_as_attached(writer, image, sbom)
        assert writer.delete(f"v2/{REPOSITORY}/manifests/{sbom.digest}").status_code == 202
    done = regtui("attached", "-r", registry_2.url, f"{REPOSITORY}:1.0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "which is listed as attached, can't be read" in done.stderr
