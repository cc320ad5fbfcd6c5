"""Broken images on real registries: said to be broken with what is missing, and deleted like any other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.clients import crane, crane_validate
from tests.support.commands import Regtui
from tests.support.images import PushedImage, open_registry, push_image, push_index
from tests.support.servers import VERSIONS, RegistryServer, start_registry

REPOSITORY, OTHER = "team/app", "team/other"


def links(server: RegistryServer, repository: str = REPOSITORY) -> Path:
    return server.storage / "docker/registry/v2/repositories" / repository


def break_config(server: RegistryServer, image: PushedImage) -> None:
    """As the well-known recipe does on 2.x: DELETE with the config's digest as if it were the manifest's."""
    if server.version == "2.8.2":
        httpx.delete(f"{server.url}/v2/{REPOSITORY}/manifests/{image.blobs[0]}").raise_for_status()
    else:
        unlink_blob(server, image.blobs[0])


def break_manifest(server: RegistryServer, image: PushedImage) -> None:
    (links(server) / "_manifests/revisions/sha256" / image.digest.removeprefix("sha256:") / "link").unlink()


def unlink_blob(server: RegistryServer, digest: str, repository: str = REPOSITORY) -> None:
    (links(server, repository) / "_layers/sha256" / digest.removeprefix("sha256:") / "link").unlink()


@pytest.fixture(params=VERSIONS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RegistryServer]:
    """Four broken tags and one that is whole, after a restart: before it, the registry's memory would hide it."""
    with start_registry(request.param, tmp_path / "registry") as first, open_registry(first.url) as writer:
        push_image(writer, REPOSITORY, "whole")
        break_config(first, push_image(writer, REPOSITORY, "no-config"))
        index = push_index(writer, REPOSITORY, "no-child", platforms=["linux/arm64/v8", "linux/s390x"])
        break_manifest(first, index.children[0])
        break_manifest(first, push_image(writer, REPOSITORY, "no-manifest"))
        # In a repository of its own: images of one share their layers.
        unlink_blob(first, push_image(writer, OTHER, "no-layer").blobs[-1], OTHER)
    with start_registry(request.param, tmp_path / "registry") as restarted:
        yield restarted


def _inspected(regtui: Regtui, code: int, url: str, reference: str) -> dict[str, Any]:
    """A broken image is told as any other, and by the exit code as well: in each form."""
    arguments = ("inspect", "-r", url, reference)
    assert regtui(*arguments).returncode == code
    done = regtui(*arguments, "--json")
    assert (done.returncode, done.stderr) == (code, "")
    image: dict[str, Any] = json.loads(done.stdout)
    return image


def test_what_is_missing_is_said_and_each_is_deleted(server: RegistryServer, tmp_path: Path) -> None:
    regtui = Regtui(tmp_path)
    errors = {record["tag"]: record.get("error", "") for record in regtui.records("tags", "-r", server.url, REPOSITORY)}
    assert errors["whole"] == ""
    assert errors["no-manifest"] == "its manifest is gone"
    assert "config" in errors["no-config"]
    assert "is gone" in errors["no-config"]
    assert "linux/arm64/v8" in errors["no-child"]

    image = _inspected(regtui, 1, server.url, f"{OTHER}:no-layer")
    assert "the layer" in image["error"]
    assert "it can't be pulled" in image["error"]
    image = _inspected(regtui, 1, server.url, f"{REPOSITORY}:no-config")
    assert "the config" in image["error"]
    assert "by its config's digest" in image["error"]
    image = _inspected(regtui, 1, server.url, f"{REPOSITORY}:no-child")
    assert "linux/arm64/v8" in image["error"]
    image = _inspected(regtui, 0, server.url, f"{REPOSITORY}:whole")
    assert "error" not in image
    assert regtui("inspect", "-r", server.url, f"{REPOSITORY}:no-config", "--raw").returncode == 0

    broken = ["no-config", "no-child", "no-manifest"]
    chosen = (*(f"{REPOSITORY}:{tag}" for tag in broken), f"{OTHER}:no-layer")
    kept = regtui("rm", "-r", server.url, *chosen, "--yes")
    assert (kept.returncode, "could not put back" in kept.stderr) == (6, True), kept
    gone = regtui("rm", "-r", server.url, *chosen, "--yes", "--without-undo")
    assert gone.returncode == 0, gone
    assert set(crane("ls", f"{server.host}/{REPOSITORY}").split()) == {"whole"}
    crane_validate(f"{server.host}/{REPOSITORY}:whole")
    assert crane("ls", f"{server.host}/{OTHER}") == ""


def test_nothing_is_promised_of_a_tag_behind_which_there_was_nothing(server: RegistryServer, tmp_path: Path) -> None:
    regtui = Regtui(tmp_path)
    broken = regtui("rm", "-r", server.url, f"{REPOSITORY}:no-manifest", "--yes")
    assert "1 tag removed" in broken.stderr
    assert "To put it back" not in broken.stderr
    assert "There is nothing to undo" in regtui("undo", server.url, "--yes").stderr
    assert "To put it back" in regtui("rm", "-r", server.url, f"{REPOSITORY}:whole", "--yes").stderr
