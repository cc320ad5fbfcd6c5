"""Images that lost their config or a layer on real registries: found with cause and remedy, mended where the bytes are
known, and whole by crane's word afterwards."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.clients import ClientFailed, crane_digest, crane_validate
from tests.support.commands import Regtui
from tests.support.content import Recipe
from tests.support.images import PushedImage, open_registry, push_image, push_index
from tests.support.servers import RegistryServer, start_registry

REPOSITORY, OTHER = "team/app", "team/base"


@pytest.fixture
def regtui(tmp_path: Path) -> Regtui:
    return Regtui(tmp_path)


def unlink(server: RegistryServer, repository: str, digest: str) -> None:
    link = server.storage / "docker/registry/v2/repositories" / repository / "_layers/sha256"
    (link / digest.removeprefix("sha256:") / "link").unlink()


def is_whole(server: RegistryServer, image: PushedImage) -> bool:
    """By crane's word."""
    reference = f"{server.host}/{image.repository}" + (f":{image.tag}" if image.tag else f"@{image.digest}")
    try:
        crane_validate(reference)
    except ClientFailed:
        return False
    return crane_digest(reference) == image.digest


def lose_config(server: RegistryServer, image: PushedImage) -> None:
    """DELETE with the config's digest as if it were the manifest's: 202 on 2.8.2, refused on 3.1.1, where the same is
    left behind by unlinking the blob."""
    config = image.blobs[0]
    answer = httpx.delete(f"{server.url}/v2/{image.repository}/manifests/{config}", trust_env=False)
    assert (answer.status_code == 202) == (server.version == "2.8.2")
    if server.version != "2.8.2":
        unlink(server, image.repository, config)


@contextmanager
def broken_by_the_recipe(server: RegistryServer, image: PushedImage) -> Iterator[RegistryServer]:
    """Restarted: until then, the registry's memory hides it."""
    lose_config(server, image)
    with start_registry(server.version, server.storage.parent) as restarted:
        assert not is_whole(restarted, image)
        yield restarted


def test_a_config_is_taken_from_the_cache(version: str, tmp_path: Path, regtui: Regtui) -> None:
    with start_registry(version, tmp_path / "registry") as first, open_registry(first.url) as writer:
        image = push_image(writer, REPOSITORY, "1.0")
        regtui("tags", "-r", first.url, REPOSITORY)
        lose_config(first, image)
    # What is kept is of this address.
    with start_registry(version, tmp_path / "registry", port=first.port) as broken:
        assert not is_whole(broken, image)
        found = regtui("check", "-r", broken.url, f"{REPOSITORY}:1.0")
        assert found.returncode == 1, found
        assert "by its config's digest" in found.stdout
        assert "it can't be pulled" in found.stdout
        assert "can be uploaded from the cache" in found.stdout

        repair = ("check", "-r", broken.url, REPOSITORY, "--repair")
        refused = regtui(*repair)
        assert (refused.returncode, "Nobody can be asked" in refused.stderr) == (2, True)
        planned = regtui(*repair, "--dry-run")
        assert (planned.returncode, "will be uploaded from the cache" in planned.stderr) == (1, True)
        kept = regtui(*repair, "--yes", "--read-only")
        assert (kept.returncode, "opened read-only" in kept.stderr) == (2, True)
        assert not is_whole(broken, image)

        mended = regtui(*repair, "--yes")
        assert mended.returncode == 0, mended
        assert "was put back into team/app, and read" in mended.stderr
        assert is_whole(broken, image)
        assert regtui("check", f"{broken.url}/{REPOSITORY}:1.0").returncode == 0
        assert "repair" in regtui("log", broken.url).stdout


def test_what_another_registry_sent_is_not_uploaded(
    server: RegistryServer, writer: httpx.Client, regtui: Regtui, tmp_path: Path
) -> None:
    """Else a registry that names the digest of another one's config would get it, whatever secrets that holds."""
    image = push_image(writer, REPOSITORY, "1.0", recipe=Recipe(name="shared"))
    with start_registry(server.version, tmp_path / "private") as private, open_registry(private.url) as pushing:
        assert push_image(pushing, REPOSITORY, "1.0", recipe=Recipe(name="shared")).digest == image.digest
        assert regtui("inspect", "-r", private.url, f"{REPOSITORY}:1.0").returncode == 0
    with broken_by_the_recipe(server, image) as broken:
        (record,) = _records(regtui, 1, "check", "-r", broken.url, REPOSITORY, "--repair", "--yes")
        assert "was found nowhere" in record["repair"]
        # Nor does a deletion take it along for its undo.
        arguments = ("-r", broken.url, f"{REPOSITORY}:1.0", "--yes")
        assert regtui("rm", *arguments, "--without-undo").returncode == 0
        regtui("undo", broken.url, "--yes")
        config = f"/v2/{REPOSITORY}/blobs/{image.blobs[0]}"
        assert httpx.get(f"{broken.url}{config}", trust_env=False).status_code == 404


def test_blobs_of_another_repository_are_mounted(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    recipe = Recipe(name="shared")
    image = push_index(writer, REPOSITORY, "1.0", recipe=recipe)
    push_index(writer, OTHER, "1.0", recipe=recipe)
    unlink(server, REPOSITORY, image.children[0].blobs[-1])
    with broken_by_the_recipe(server, image.children[0]) as broken:
        arguments = ("check", "-r", broken.url, f"{REPOSITORY}:1.0")
        (record,) = _records(regtui, 1, *arguments)
        assert record["status"] == "broken"
        assert "linux/amd64" in record["problem"]
        assert record["repair"].count("can be mounted from team/base") == 2
        (record,) = _records(regtui, 0, *arguments, "--all", "--repair", "--yes")
        assert (record["status"], record["repair"]) == ("ok", None)
        assert is_whole(broken, image)


def test_a_config_that_a_deletion_kept_is_taken_from_the_journal(version: str, tmp_path: Path, regtui: Regtui) -> None:
    with start_registry(version, tmp_path / "registry") as first, open_registry(first.url) as writer:
        image = push_image(writer, REPOSITORY, "1.0")
        assert regtui("rm", "-r", first.url, f"{REPOSITORY}:1.0", "--yes").returncode == 0
        assert regtui("undo", first.url, "--yes").returncode == 0
        unlink(first, REPOSITORY, image.blobs[0])
    regtui("cache", "--clear")
    # The journal is of this address.
    with start_registry(version, tmp_path / "registry", port=int(first.url.rpartition(":")[2])) as broken:
        (record,) = _records(regtui, 1, "check", "-r", broken.url, REPOSITORY)
        assert "can be uploaded from the journal's" in record["repair"]
        assert regtui("check", "-r", broken.url, REPOSITORY, "--repair", "--yes").returncode == 0
        assert is_whole(broken, image)


def test_what_is_nowhere_can_only_be_pushed_again_or_deleted(
    server: RegistryServer, writer: httpx.Client, regtui: Regtui
) -> None:
    image = push_image(writer, REPOSITORY, "1.0")
    push_image(writer, OTHER, "2.0")
    with broken_by_the_recipe(server, image) as broken:
        (record,) = _records(regtui, 1, "check", broken.url)
        assert record["reference"] == f"{REPOSITORY}:1.0"
        assert "was found nowhere" in record["repair"]
        assert "not in 1 other repository" in record["repair"]
        assert "push the image again, or delete it" in record["repair"]
        everything = _records(regtui, 1, "check", broken.url, "--all", "--repair", "--yes")
        assert {each["reference"]: each["status"] for each in everything} == {
            f"{REPOSITORY}:1.0": "broken",
            f"{OTHER}:2.0": "ok",
        }


@pytest.mark.parametrize("left", [0, 1])
def test_a_layer_that_a_full_disk_cut_off_is_found(version: str, left: int, tmp_path: Path, regtui: Regtui) -> None:
    with start_registry(version, tmp_path / "registry") as first, open_registry(first.url) as writer:
        image = push_image(writer, REPOSITORY, "1.0")
        data = stored(first, image.blobs[-1])
        data.write_bytes(data.read_bytes()[:left])
    with start_registry(version, tmp_path / "registry", port=first.port) as broken:
        assert not is_whole(broken, image)
        (record,) = _records(regtui, 1, "check", "-r", broken.url, REPOSITORY, "--repair", "--yes")
        assert "is not as long as the manifest says: it can't be pulled" in record["problem"]
        assert "delete the image, collect, and push it again" in record["repair"]


def test_a_config_that_is_damaged_under_its_digest_is_not_said_to_be_put_back(
    version: str, tmp_path: Path, regtui: Regtui
) -> None:
    with start_registry(version, tmp_path / "registry") as first, open_registry(first.url) as writer:
        image = push_image(writer, REPOSITORY, "1.0")
        regtui("tags", "-r", first.url, REPOSITORY)
        unlink(first, REPOSITORY, image.blobs[0])
        spoil(first, image.blobs[0])
    with start_registry(version, tmp_path / "registry", port=first.port) as broken:
        done = regtui("check", "-r", broken.url, REPOSITORY, "--repair", "--yes")
        assert done.returncode == 1, done
        assert "was put back" not in done.stderr
        assert "could not be put back" in done.stderr
        assert "sent other content" in done.stderr
        assert not is_whole(broken, image)


def test_what_the_registry_fails_at_has_a_row_as_any_other_broken_tag(
    version: str, tmp_path: Path, regtui: Regtui
) -> None:
    """A tag's file that a full disk left empty, and configs under whose digest there are other bytes."""
    with start_registry(version, tmp_path / "registry") as server, open_registry(server.url) as writer:
        whole, damaged, spoiled = (push_image(writer, REPOSITORY, tag) for tag in ("whole", "damaged", "spoiled"))
        multi = push_index(writer, REPOSITORY, "multi")
    tags = server.storage / "docker/registry/v2/repositories" / REPOSITORY / "_manifests/tags"
    (tags / "damaged/current/link").write_bytes(b"")
    spoil(server, spoiled.blobs[0])
    spoil(server, multi.children[0].blobs[0])
    with start_registry(version, tmp_path / "registry") as broken:
        rows = {row["reference"]: row for row in _records(regtui, 1, "check", "-r", broken.url, REPOSITORY, "--all")}
        assert {name: row["status"] for name, row in rows.items()} == {
            f"{REPOSITORY}:whole": "ok",
            f"{REPOSITORY}:multi": "broken",
            f"{REPOSITORY}:damaged": "broken",
            f"{REPOSITORY}:spoiled": "broken",
        }
        assert rows[f"{REPOSITORY}:damaged"]["digest"] is None
        assert rows[f"{REPOSITORY}:damaged"]["problem"]
        row = rows[f"{REPOSITORY}:spoiled"]
        assert row["digest"] == spoiled.digest
        assert "sent other content" in row["problem"]
        assert row["effect"] == "it can't be pulled"
        assert "collect" in row["repair"]
        assert "sent other content" in rows[f"{REPOSITORY}:multi"]["problem"]
        assert rows[f"{REPOSITORY}:multi"]["effect"].startswith("linux/"), "the others can be"
        (alone,) = _records(regtui, 1, "check", "-r", broken.url, f"{REPOSITORY}:spoiled")
        assert alone == row
        assert is_whole(broken, whole)
        assert damaged.digest not in {row["digest"] for row in rows.values()}


def spoil(server: RegistryServer, digest: str) -> None:
    data = stored(server, digest)
    data.write_bytes(b"x" * len(data.read_bytes()))


def stored(server: RegistryServer, digest: str) -> Path:
    name = digest.removeprefix("sha256:")
    return server.storage / "docker/registry/v2/blobs/sha256" / name[:2] / name / "data"


def _records(regtui: Regtui, code: int, *arguments: str) -> list[dict[str, Any]]:

    done = regtui(*arguments, "--json")
    assert done.returncode == code, done
    return [json.loads(line) for line in done.stdout.splitlines()]
