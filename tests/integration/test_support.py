"""The ground holds: the servers are real, and independent clients see what the tests believe they uploaded."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.support.clients import (
    ClientFailed,
    crane,
    crane_digest,
    crane_validate,
    skopeo_inspect,
    skopeo_list_tags,
)
from tests.support.content import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from tests.support.images import (
    PushedImage,
    open_registry,
    push_artifact,
    push_image,
    push_index,
    push_tags,
)
from tests.support.measured import start_measured
from tests.support.nginx import start_nginx
from tests.support.processes import ServerDidNotStart
from tests.support.seed import seed_repository
from tests.support.servers import VERSIONS, RegistryServer, start_registry
from tests.support.tls import TlsFiles

ACCOUNT = ("ci", "correct horse")
USERS = dict([ACCOUNT])


def _same_bytes(server: RegistryServer, pushed: PushedImage) -> None:
    """Two clients agree with the registry, and with us, about the digest and the bytes."""
    reference = f"{server.host}/{pushed.repository}:{pushed.tag}"
    assert crane_digest(reference) == pushed.digest
    assert crane("manifest", reference) == pushed.manifest.decode()
    assert skopeo_inspect(reference) == json.loads(pushed.manifest)


def test_each_registry_is_the_version_it_says(server: RegistryServer) -> None:
    answer = httpx.get(f"{server.url}/v2/", trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    # 3.x dropped the charset: the cheapest difference there is.
    assert ("charset" in answer.headers["Content-Type"]) == (server.version == "2.8.2")


def test_stops_with_the_block_and_starts_again_where_it_was(tmp_path: Path) -> None:
    with start_registry("2.8.2", tmp_path) as first, open_registry(first.url) as registry:
        push_image(registry, "kept", "1")
    with pytest.raises(httpx.ConnectError):
        httpx.get(first.url, trust_env=False)
    with pytest.raises(ProcessLookupError):
        os.kill(first.pid, 0)
    with start_registry("2.8.2", tmp_path, port=first.port) as again:
        assert again.host == first.host
        assert skopeo_list_tags(f"{again.host}/kept") == ["1"]


def test_a_registry_that_cannot_start_shows_its_log(tmp_path: Path, registry_2: RegistryServer) -> None:
    with (
        pytest.raises(ServerDidNotStart, match="address already in use"),
        start_registry("2.8.2", tmp_path / "second", port=registry_2.port),
    ):
        pass


@pytest.mark.parametrize(("kind", "media_type"), [("docker", DOCKER_MANIFEST), ("oci", OCI_MANIFEST)])
def test_images(shared_registry: RegistryServer, kind: str, media_type: str) -> None:
    with open_registry(shared_registry.url) as registry:
        pushed = push_image(registry, f"images/{kind}", "1.0", kind="docker" if kind == "docker" else "oci")
    assert pushed.media_type == media_type
    assert len(pushed.blobs) == 3
    _same_bytes(shared_registry, pushed)
    crane_validate(f"{shared_registry.host}/images/{kind}:1.0")
    config = json.loads(crane("config", f"{shared_registry.host}/images/{kind}:1.0"))
    assert config["created"] == "2024-05-04T12:00:00Z"
    assert any(step.get("empty_layer") for step in config["history"])
    assert sum(not step.get("empty_layer") for step in config["history"]) == len(config["rootfs"]["diff_ids"])


def test_docker_list(shared_registry: RegistryServer) -> None:
    with open_registry(shared_registry.url) as registry:
        pushed = push_index(registry, "lists/docker", "1.0", kind="docker")
    assert pushed.media_type == DOCKER_LIST
    assert len(pushed.children) == 2
    _same_bytes(shared_registry, pushed)
    crane_validate(f"{shared_registry.host}/lists/docker:1.0")


def test_oci_index_with_attestations(shared_registry: RegistryServer) -> None:
    with open_registry(shared_registry.url) as registry:
        pushed = push_index(registry, "lists/oci", "1.0", attestations=True)
    assert pushed.media_type == OCI_INDEX
    images, attestations = pushed.children[:2], pushed.children[2:]
    entries = json.loads(pushed.manifest)["manifests"]
    assert [entry["platform"]["architecture"] for entry in entries] == ["amd64", "arm64", "unknown", "unknown"]
    about = [entry["annotations"]["vnd.docker.reference.digest"] for entry in entries[2:]]
    assert about == [image.digest for image in images]
    _same_bytes(shared_registry, pushed)
    for child in (*images, *attestations):
        assert crane_digest(f"{shared_registry.host}/lists/oci@{child.digest}") == child.digest


def test_artifact_about_an_image(shared_registry: RegistryServer) -> None:
    with open_registry(shared_registry.url) as registry:
        image = push_image(registry, "artifacts", "1.0", kind="oci")
        pushed = push_artifact(registry, "artifacts", "sbom", subject=image)
    manifest = json.loads(pushed.manifest)
    assert manifest["subject"]["digest"] == image.digest
    assert manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    _same_bytes(shared_registry, pushed)


@pytest.mark.parametrize("distinct", [False, True])
def test_many_tags(shared_registry: RegistryServer, distinct: bool) -> None:
    name = f"many/{'distinct' if distinct else 'same'}"
    with open_registry(shared_registry.url) as registry:
        pushed = push_tags(registry, name, 20, distinct=distinct)
    assert skopeo_list_tags(f"{shared_registry.host}/{name}") == sorted(f"v{number}" for number in range(20))
    assert len({image.digest for image in pushed}) == (20 if distinct else 1)
    _same_bytes(shared_registry, pushed[-1])


def test_same_recipe_same_digest(shared_registry: RegistryServer) -> None:
    with open_registry(shared_registry.url) as registry:
        once, again = (push_index(registry, "repeatable", "1", attestations=True) for _ in range(2))
    assert once == again


def test_seeded_repository_is_as_good_as_a_pushed_one(server: RegistryServer) -> None:
    newest = datetime(2024, 5, 4, tzinfo=UTC)
    tags = [(f"1.0.{number}", newest - timedelta(hours=number)) for number in range(500)]
    digests = seed_repository(server.storage, "team/seeded", tags)
    assert len(set(digests.values())) == 500
    repository = f"{server.host}/team/seeded"
    assert crane("catalog", server.host) == "team/seeded"
    assert skopeo_list_tags(repository) == sorted(digests)
    for tag in ("1.0.0", "1.0.321", "1.0.499"):
        assert crane_digest(f"{repository}:{tag}") == digests[tag]
        crane_validate(f"{repository}:{tag}")
    assert json.loads(crane("config", f"{repository}:1.0.24"))["created"] == "2024-05-03T00:00:00Z"
    crane("delete", f"{repository}@{digests['1.0.321']}")
    assert "1.0.321" not in skopeo_list_tags(repository)


@pytest.mark.parametrize("version", VERSIONS)
def test_switches(version: str, tmp_path: Path) -> None:
    missing = "v2/a/manifests/sha256:" + "0" * 64
    with (
        start_registry(version, tmp_path / "kept", delete=False) as server,
        open_registry(server.url) as registry,
    ):
        push_image(registry, "a", "1")
        assert registry.delete(missing).status_code == 405
        assert registry.delete(missing).json()["errors"][0]["code"] == "UNSUPPORTED"
    with start_registry(version, tmp_path / "kept", readonly=True) as server:
        with pytest.raises(ClientFailed):
            crane("tag", f"{server.host}/a:1", "2")
        assert httpx.delete(f"{server.url}/{missing}", trust_env=False).headers["Allow"] == "GET, HEAD"
    with (
        start_registry(version, tmp_path / "prefixed", prefix="/reg", maxentries=2) as server,
        open_registry(server.url) as registry,
    ):
        assert server.url.endswith("/reg")
        for name in ("a", "b", "c"):
            push_image(registry, name, "1")
        page = registry.get("v2/_catalog", params={"n": 2})
        assert page.json()["repositories"] == ["a", "b"]
        assert page.headers["Link"].startswith("</reg/v2/_catalog?")
        assert registry.get("v2/_catalog", params={"n": 3}).status_code == 400


@pytest.mark.parametrize("version", VERSIONS)
def test_password_and_tls(version: str, tmp_path: Path, tls_files: TlsFiles) -> None:
    trust = tls_files.client_context()
    with (
        start_registry(version, tmp_path, htpasswd=USERS, tls=tls_files) as server,
        open_registry(server.url, auth=ACCOUNT, verify=trust) as registry,
    ):
        pushed = push_image(registry, "secret/app", "1")
        reference = f"{server.host}/secret/app:1"
        assert crane_digest(reference, ca=tls_files.ca, auth=ACCOUNT) == pushed.digest
        assert skopeo_list_tags(f"{server.host}/secret/app", ca=tls_files.ca, auth=ACCOUNT) == ["1"]
        with pytest.raises(ClientFailed, match=r"(?i)unauthorized|authentication required"):
            crane_digest(reference, ca=tls_files.ca)
        refused = httpx.get(f"{server.url}/v2/", verify=trust, auth=("ci", "wrong"), trust_env=False)
        assert refused.status_code == 401
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{server.url}/v2/", trust_env=False)


@pytest.mark.parametrize("prefix", [None, "/reg"])
def test_nginx_in_front(prefix: str | None, tmp_path: Path, tls_files: TlsFiles) -> None:
    with (
        start_registry("2.8.2", tmp_path / "registry", prefix=prefix) as behind,
        start_nginx(behind, tmp_path / "nginx", tls=tls_files, prefix=prefix, htpasswd=USERS) as server,
        open_registry(server.url, auth=ACCOUNT, verify=tls_files.client_context()) as registry,
    ):
        assert server.url == f"https://{server.host}{prefix or ''}"
        for tag in ("1", "2"):
            pushed = push_image(registry, "team/app", tag)
        push_image(registry, "team/other", "1")
        page = registry.get("v2/_catalog", params={"n": 1})
        assert page.headers["Link"].startswith(f"<{prefix or ''}/v2/_catalog?")
        refused = httpx.get(f"{server.url}/v2/", verify=tls_files.client_context(), trust_env=False)
        assert refused.status_code == 401
        assert refused.headers["Content-Type"].startswith("text/html")
        if prefix is None:
            # skopeo and crane cannot be told a sub-path.
            reference = f"{server.host}/team/app:2"
            assert crane_digest(reference, ca=tls_files.ca, auth=ACCOUNT) == pushed.digest


def test_nginx_that_cuts_off_a_path_the_registry_does_not_know(tmp_path: Path) -> None:
    with (
        start_registry("2.8.2", tmp_path / "registry") as behind,
        start_nginx(behind, tmp_path / "nginx", prefix="/reg") as server,
        open_registry(behind.url) as direct,
        open_registry(server.url) as registry,
    ):
        for name in ("a", "b"):
            push_image(direct, name, "1")
        page = registry.get("v2/_catalog", params={"n": 1})
        assert page.json()["repositories"] == ["a"]
        assert page.headers["Link"].startswith("</v2/_catalog?")


def test_the_memory_of_a_command_is_its_own() -> None:
    """However much its starter holds: the kernel counts that as the child's."""
    ours = bytearray(300 * 1024 * 1024)
    assert _peak("pass") < 100 * 1024
    assert 150 * 1024 < _peak("x = bytearray(150 * 1024 * 1024)") < 250 * 1024
    assert ours


def _peak(code: str) -> int:
    """KB"""
    command = [sys.executable, "-c", code]
    started = start_measured(command, environment=os.environ, stdin=subprocess.DEVNULL, output=subprocess.DEVNULL)
    ended, peak = started.end()
    assert ended == 0
    return peak


def test_a_measured_command_ends_as_it_ends() -> None:
    def end(code: str) -> int:
        command = [sys.executable, "-c", code]
        return start_measured(
            command, environment=os.environ, stdin=subprocess.DEVNULL, output=subprocess.DEVNULL
        ).end()[0]

    assert end("raise SystemExit(5)") == 5
    assert end("import os; os.kill(os.getpid(), 15)") == -15
