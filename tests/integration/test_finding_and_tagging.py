"""find, usage, compare and tag as real processes, against real registries, with crane as the witness."""

import json
from pathlib import Path

import httpx
import pytest

from tests.support.clients import crane, crane_digest
from tests.support.commands import Regtui, failed
from tests.support.images import PushedImage, open_registry, push_image, push_index
from tests.support.servers import RegistryServer, start_registry

pytestmark = pytest.mark.integration

REPOSITORY = "team/app"


def blobs(image: PushedImage) -> dict[str, int]:
    """By digest, their bytes, as the manifest has them."""
    manifest = json.loads(image.manifest)
    return {blob["digest"]: blob["size"] for blob in (manifest["config"], *manifest["layers"])}


def test_a_digest_is_found_wherever_it_is_tagged_or_below_an_index_or_untagged(
    server: RegistryServer, writer: httpx.Client, regtui: Regtui
) -> None:
    image = push_index(writer, REPOSITORY, "1.0")
    for tag in ("stable", "latest"):
        crane("tag", f"{server.host}/{REPOSITORY}:1.0", tag)
    crane("copy", f"{server.host}/{REPOSITORY}:1.0", f"{server.host}/other/app:1.0")
    push_image(writer, "nothing/here", "1.0")
    found = regtui.records("find", "-r", server.url, image.digest)
    tags = [f"{REPOSITORY}:{tag}" for tag in ("1.0", "latest", "stable")]
    assert sorted(record["reference"] for record in found) == sorted([*tags, "other/app:1.0"])
    assert {record["digest"] for record in found} == {image.digest}
    below = regtui.records("find", "-r", server.url, image.children[0].digest)
    assert sorted(record["reference"] for record in below) == sorted([*tags, "other/app:1.0"])
    assert regtui("rm", f"{server.host}/other/app:1.0", "--tags-only", "--yes").returncode == 0
    untagged = [each for each in regtui.records("find", "-r", server.url, image.digest) if each["tag"] is None]
    assert [each["reference"] for each in untagged] == [f"other/app@{image.digest}"]


def test_a_repository_that_cannot_be_read_is_told_and_the_others_are_found(
    registry_2: RegistryServer, regtui: Regtui
) -> None:
    with open_registry(registry_2.url) as writer:
        image = push_image(writer, REPOSITORY, "1.0")
        push_image(writer, REPOSITORY, "1.1")
    link = registry_2.storage / "docker/registry/v2/repositories" / REPOSITORY / "_manifests/tags/1.1/current/link"
    link.write_text("")
    done = regtui("find", "-r", registry_2.url, image.digest)
    assert done.returncode == 1
    assert done.stdout == f"{REPOSITORY}:1.0\t{image.digest}\n"
    assert f"{REPOSITORY}: 1 tag could not be read." in done.stderr
    assert "there may be more" in done.stderr


def test_what_usage_counts_is_what_the_manifests_say(
    server: RegistryServer, writer: httpx.Client, regtui: Regtui
) -> None:
    one = push_image(writer, "team/one", "1.0")
    for repository in ("team/two", "alone"):
        crane("copy", f"{server.host}/team/one:1.0", f"{server.host}/{repository}:1.0")
    two = push_image(writer, "team/two", "2.0")
    *rows, last = regtui.records("usage", server.url)
    own = {row.get("repository") or f"{row['namespace']}/": (row["bytes"], row["own_bytes"]) for row in rows}
    size, both = sum(blobs(one).values()), sum({**blobs(one), **blobs(two)}.values())
    assert own["team/one"] == (size, 0)
    assert own["team/two"] == (both, both - size)
    assert own["team/"] == (both, both - size)
    assert own["alone"] == (size, 0)
    assert (last["bytes"], last["tags"], last["complete"]) == (both, 4, True)


def test_two_registries_are_compared(registry_2: RegistryServer, tmp_path: Path, regtui: Regtui) -> None:
    with open_registry(registry_2.url) as writer:
        push_image(writer, REPOSITORY, "1.0")
    with start_registry("3.1.1", tmp_path / "other") as other:
        crane("copy", f"{registry_2.host}/{REPOSITORY}:1.0", f"{other.host}/copied/app:1.0")
        with open_registry(other.url) as writer:
            push_image(writer, "copied/app", "2.0")
        left = f"{registry_2.host}/{REPOSITORY}:1.0"
        assert regtui.records("compare", left, f"{other.host}/copied/app:1.0") == []
        found = regtui.records("compare", left, f"{other.host}/copied/app:2.0")
        platform = next(each for each in found if each["what"] == "platform")
        assert platform["left"] == crane_digest(left)
        assert platform["right"] == crane_digest(f"{other.host}/copied/app:2.0")
        refused = regtui(
            "compare", left, f"{other.host}/copied/app:2.0", REGTUI_PASSWORD="secret", REGTUI_USERNAME="ci"
        )
        failed(refused, 2, "are for one")


def test_a_moved_tag_goes_back_by_the_command_that_is_told(
    server: RegistryServer, writer: httpx.Client, regtui: Regtui
) -> None:
    before = push_image(writer, REPOSITORY, "stable").digest
    image = push_index(writer, REPOSITORY, "2.0").digest
    reference = f"{server.host}/{REPOSITORY}"
    failed(regtui("tag", f"{reference}:2.0", "stable"), 2, "Add --overwrite to move it.")
    assert crane_digest(f"{reference}:stable") == before
    done = regtui("tag", f"{reference}:2.0", "stable", "--overwrite")
    assert done.returncode == 0
    assert crane_digest(f"{reference}:stable") == image
    command = done.stderr.partition("regtui ")[2].split()
    assert regtui(*command, "--yes").returncode == 0
    assert crane_digest(f"{reference}:stable") == before
    assert regtui("tag", f"{reference}@{image}", "new").returncode == 0
    assert crane_digest(f"{reference}:new") == image


def test_a_tag_that_could_not_be_moved_back_is_moved_only_where_that_was_said(
    server: RegistryServer, writer: httpx.Client, regtui: Regtui
) -> None:
    old = push_index(writer, REPOSITORY, "old")
    new = push_image(writer, REPOSITORY, "new")
    lost = old.children[0].digest
    assert writer.delete(f"v2/{REPOSITORY}/manifests/{lost}").status_code == 202
    move = ("tag", "-r", server.url, f"{REPOSITORY}:new", "old", "--overwrite")
    why = f"Undo could not move {REPOSITORY}:old back to"
    failed(regtui(*move), 6, why)
    assert crane_digest(f"{server.host}/{REPOSITORY}:old") == old.digest
    done = regtui(*move, "--without-undo")
    assert (done.returncode, "undo" in done.stderr) == (0, False)
    assert crane_digest(f"{server.host}/{REPOSITORY}:old") == new.digest
