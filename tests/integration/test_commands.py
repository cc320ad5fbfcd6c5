"""The commands as real processes, against real registries; what they say is held to what crane and skopeo say."""

import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.clients import ClientFailed, crane, crane_digest, skopeo_inspect, skopeo_list_tags
from tests.support.commands import Regtui, failed
from tests.support.content import Recipe
from tests.support.images import PushedImage, open_registry, push_artifact, push_image, push_index
from tests.support.seed import seed_repository
from tests.support.servers import VERSIONS, RegistryServer, start_registry

pytestmark = pytest.mark.integration

REPOSITORY = "team/app"


# What is read


def pushed_kinds(writer: httpx.Client) -> dict[str, PushedImage]:
    image = push_image(writer, REPOSITORY, "schema2", kind="docker")
    return {
        "schema2": image,
        "oci": push_image(writer, REPOSITORY, "oci", kind="oci"),
        "list": push_index(writer, REPOSITORY, "list", kind="docker"),
        "index": push_index(writer, REPOSITORY, "index", kind="oci", attestations=True),
        "artifact": push_artifact(writer, REPOSITORY, "artifact", subject=image),
    }


def test_repositories_and_tags_are_those_of_crane_and_skopeo(
    server: RegistryServer, writer: httpx.Client, regtui: Regtui
) -> None:
    pushed_kinds(writer)
    push_image(writer, "node", "1")
    push_image(writer, "node/18", "1")
    listed = regtui("ls", server.url)
    assert sorted(listed.stdout.split()) == sorted(crane("catalog", server.host).split())
    names = regtui("tags", f"{server.host}/{REPOSITORY}", "--names").stdout.split()
    assert sorted(names) == sorted(crane("ls", f"{server.host}/{REPOSITORY}").split())
    assert sorted(names) == skopeo_list_tags(f"{server.host}/{REPOSITORY}")


def test_tags_agree_with_crane_item_for_item(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    pushed = pushed_kinds(writer)
    records = {record["tag"]: record for record in regtui.records("tags", "-r", server.url, REPOSITORY)}
    assert records.keys() == pushed.keys()
    for tag, image in pushed.items():
        record = records[tag]
        assert record["digest"] == crane_digest(f"{server.host}/{REPOSITORY}:{tag}") == image.digest
        assert record["media_type"] == image.media_type
        assert record["size"] == _size(server, f"{REPOSITORY}:{tag}")
    for tag in ("list", "index"):
        stored = skopeo_inspect(f"{server.host}/{REPOSITORY}:{tag}")
        platforms = [child for child in stored["manifests"] if child["platform"]["os"] != "unknown"]
        assert [each["digest"] for each in records[tag]["platforms"]] == [child["digest"] for child in platforms]
        assert [each["platform"] for each in records[tag]["platforms"]] == ["linux/amd64", "linux/arm64/v8"]
        pulls = [_size(server, f"{REPOSITORY}@{child['digest']}") for child in platforms]
        assert records[tag]["pull_size"] == [min(pulls), max(pulls)]
    for tag in ("schema2", "oci"):
        config = json.loads(crane("config", f"{server.host}/{REPOSITORY}:{tag}"))
        assert records[tag]["created"] == config["created"]
        assert [each["platform"] for each in records[tag]["platforms"]] == ["linux/amd64"]
    assert (records["artifact"]["created"], records["artifact"]["platforms"]) == (None, [])


def _size(server: RegistryServer, reference: str) -> int:
    """From the manifests as skopeo reads them: config and layers, each blob once, attestations left out."""
    blobs: dict[str, int] = {}

    def add(name: str) -> None:
        manifest = skopeo_inspect(f"{server.host}/{name}")
        for child in manifest.get("manifests", ()):
            if child["platform"]["os"] != "unknown":
                add(f"{REPOSITORY}@{child['digest']}")
        for blob in [*manifest.get("layers", ()), *([manifest["config"]] if "config" in manifest else ())]:
            blobs[blob["digest"]] = blob["size"]

    add(reference)
    return sum(blobs.values())


def test_inspect_agrees_with_crane(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    for tag, image in pushed_kinds(writer).items():
        reference = f"{server.host}/{REPOSITORY}:{tag}"
        (record,) = regtui.records("inspect", reference)
        raw = subprocess.run(
            [sys.executable, "-m", "regtui", "inspect", reference, "--raw"],
            env=regtui.environment,
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        assert raw == image.manifest
        assert f"sha256:{sha256(raw).hexdigest()}" == record["digest"] == crane_digest(reference)
        assert record["manifest"] == json.loads(crane("manifest", reference))
        for platform in record["platforms"]:
            if platform["config"] is not None:
                one = f"{server.host}/{REPOSITORY}@{platform['digest']}"
                assert platform["config"] == json.loads(crane("config", one))
        by_digest = regtui.records("inspect", f"{server.host}/{REPOSITORY}@{record['digest']}")
        assert by_digest[0]["manifest"] == record["manifest"]


def test_a_broken_tag(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    # Not pushed: 3.1.1 would remember it, and not look.
    digest = seed_repository(server.storage, REPOSITORY, [("broken", _CREATED)])["broken"]
    push_image(writer, REPOSITORY, "whole")
    (_revisions(server) / digest.partition(":")[2] / "link").unlink()
    records = {record["tag"]: record for record in regtui.records("tags", f"{server.host}/{REPOSITORY}")}
    assert (records["broken"]["digest"], records["broken"]["error"]) == (None, "its manifest is gone")
    assert records["whole"]["digest"]
    failed(regtui("inspect", f"{server.host}/{REPOSITORY}:broken"), 5, f"{REPOSITORY}:broken is broken: ")
    assert regtui("rm", f"{server.host}/{REPOSITORY}:broken", "--yes").returncode == 0
    assert crane("ls", f"{server.host}/{REPOSITORY}") == "whole"


def test_what_isn_t_there(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    for tag in ("0.0.9", "0.0.95", "latest"):
        push_image(writer, REPOSITORY, tag)
    unknown = f"{REPOSITORY} has no tag 0.0.99. Nearest: "
    failed(regtui("inspect", f"{server.host}/{REPOSITORY}:0.0.99"), 5, unknown)
    failed(regtui("rm", f"{server.host}/{REPOSITORY}:0.0.99", "--yes"), 5, unknown)
    no_repository = f"{server.host} has no repository team/nothing."
    failed(regtui("tags", f"{server.host}/team/nothing"), 5, no_repository)
    failed(regtui("inspect", f"{server.host}/team/nothing:1"), 5, no_repository)
    failed(regtui("rm", f"{server.host}/team/nothing:1", "--yes"), 5, no_repository)


def test_a_reader_that_stops_early_is_no_error(server: RegistryServer, regtui: Regtui) -> None:
    # More than a pipe holds, so that the write itself meets the closed end.
    seed_repository(server.storage, "many/tags", ((f"tag-{n:05}" + "x" * 100, _CREATED) for n in range(1500)))
    command = [sys.executable, "-m", "regtui", "tags", f"{server.host}/many/tags", "--names"]
    process = subprocess.Popen(
        command, env=regtui.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


_CREATED = datetime(2024, 1, 1, tzinfo=UTC)


# What is deleted


def tags(server: RegistryServer) -> set[str]:
    return set(crane("ls", f"{server.host}/{REPOSITORY}").split())


def test_three_tags(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    digests = {tag: push_image(writer, REPOSITORY, tag).digest for tag in "abcde"}
    references = [f"{server.host}/{REPOSITORY}:{tag}" for tag in "abc"]
    done = regtui("rm", *references, "--yes", "--json")
    assert done.returncode == 0, done
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert {record["reference"]: record["digest"] for record in told if record["action"] == "untag"} == {
        f"{REPOSITORY}:{tag}": digests[tag] for tag in "abc"
    }
    assert {record["digest"] for record in told if record["action"] == "delete"} == {digests[tag] for tag in "abc"}
    assert {record["status"] for record in told} == {"done"}
    assert tags(server) == {"d", "e"}
    for tag in "abc":
        with pytest.raises(ClientFailed):
            crane_digest(f"{server.host}/{REPOSITORY}@{digests[tag]}")


def test_one_of_five_tags_on_a_digest(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    recipe = Recipe(name=REPOSITORY)
    (digest,) = {push_image(writer, REPOSITORY, tag, recipe=recipe).digest for tag in "abcde"}
    done = regtui("rm", f"{server.host}/{REPOSITORY}:c", "--yes")
    assert done.returncode == 0, done
    assert done.stdout == f"{REPOSITORY}:c\t{digest}\tuntag\tdone\t\n"
    assert tags(server) == set("abde")
    assert {crane_digest(f"{server.host}/{REPOSITORY}:{tag}") for tag in "abde"} == {digest}


def test_a_whole_manifest(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    recipe = Recipe(name=REPOSITORY)
    (digest,) = {push_image(writer, REPOSITORY, tag, recipe=recipe).digest for tag in "abc"}
    push_image(writer, REPOSITORY, "other")
    reference = f"{server.host}/{REPOSITORY}@{digest}"
    failed(regtui("rm", reference, "--yes"), 6, "a, b, c")
    assert tags(server) == {"a", "b", "c", "other"}
    assert regtui("rm", reference, "--yes", "--manifest").returncode == 0
    assert tags(server) == {"other"}


def test_a_dry_run_and_no_answer_change_nothing(server: RegistryServer, writer: httpx.Client, regtui: Regtui) -> None:
    push_image(writer, REPOSITORY, "a")
    reference = f"{server.host}/{REPOSITORY}:a"
    before = sorted(path for path in server.storage.rglob("*") if "_uploads" not in path.parts)
    done = regtui("rm", reference, "--dry-run")
    assert done.returncode == 0
    assert [line.split("\t")[2:4] for line in done.stdout.splitlines()] == [["untag", "planned"], ["delete", "planned"]]
    failed(regtui("rm", reference, stdin="y\n"), 2, "Nobody can be asked here.")
    failed(regtui("rm", f"{server.host}/{REPOSITORY}", "--yes"), 2, "names no tag")
    failed(regtui("rm", reference, "--yes", "--read-only"), 6, "was opened read-only")
    assert before == sorted(path for path in server.storage.rglob("*") if "_uploads" not in path.parts)
    assert tags(server) == {"a"}


def test_ctrl_c_ends_after_what_is_in_flight(server: RegistryServer, regtui: Regtui) -> None:
    seed_repository(server.storage, REPOSITORY, ((f"{n:03}", _CREATED) for n in range(250)))
    references = [f"{server.host}/{REPOSITORY}:{n:03}" for n in range(200)]
    process = subprocess.Popen(
        [sys.executable, "-m", "regtui", "rm", *references, "--yes", "--json"],
        env=regtui.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        _wait_until_manifests_go(server, 250)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Stopping after the requests under way." in err
    assert "Traceback" not in err
    told = [json.loads(line) for line in out.splitlines()]
    assert len({(record["action"], record["reference"]) for record in told}) == len(told) == 400
    # What was said is what is there: tags go first, then manifests until the stop.
    untagged = {r["reference"] for r in told if r["action"] == "untag" and r["status"] == "done"}
    assert tags(server) == {f"{n:03}" for n in range(250) if f"{REPOSITORY}:{n:03}" not in untagged}
    deletions = {record["digest"]: record["status"] for record in told if record["action"] == "delete"}
    assert set(deletions.values()) == {"done", "skipped"}
    for digest, status in deletions.items():
        assert (_revisions(server) / digest.partition(":")[2] / "link").exists() is (status == "skipped")


def _wait_until_manifests_go(server: RegistryServer, count: int) -> None:
    give_up = time.monotonic() + 300
    while sum(1 for _ in _revisions(server).glob("*/link")) > count - 10:
        assert time.monotonic() < give_up
        time.sleep(0.01)


def _revisions(server: RegistryServer) -> Path:
    return server.storage / f"docker/registry/v2/repositories/{REPOSITORY}/_manifests/revisions/sha256"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"delete": False},
            "refuses deletion: it is disabled there. Set storage.delete.enabled: true in its config.yml",
        ),
        ({"readonly": True}, "is read-only."),
    ],
)
def test_a_registry_that_deletes_nothing(
    version: str, settings: dict[str, Any], sentence: str, tmp_path: Path, regtui: Regtui
) -> None:
    storage = tmp_path / "registry" / "storage"
    seed_repository(storage, REPOSITORY, [("a", _CREATED)])
    with start_registry(version, tmp_path / "registry", **settings) as server:
        reference = f"{server.host}/{REPOSITORY}:a"
        failed(regtui("rm", reference, "--yes"), 6, f"{server.host} {sentence}")
        dry = regtui("rm", reference, "--dry-run")
        assert dry.returncode == 6
        assert dry.stdout.startswith(f"{REPOSITORY}:a\t")
        assert sentence in dry.stderr
        assert tags(server) == {"a"}


def test_a_registry_below_a_path_of_its_host(tmp_path: Path, regtui: Regtui) -> None:
    with start_registry("3.1.1", tmp_path / "registry", prefix="/reg") as server:
        with open_registry(server.url) as registry:
            push_image(registry, "team/app", "1.0")
        place = f"{server.host}/reg"
        # Nothing says that it is a registry, until it is asked.
        (checked,) = regtui.records("check", place, "--all")
        assert (checked["reference"], checked["status"]) == ("team/app:1.0", "ok")
        failed(regtui("tags", f"{place}/team/app"), 3, f"the path below which it is served: -r {place} team/app")
        failed(regtui("ls", f"{place}/team/app"), 3, f"is a repository there: regtui tags {place}/team/app")
        config = tmp_path / "config.toml"
        config.write_text(f'[registries.reg]\naddress = "{server.url}"\n')
        (checked,) = regtui.records("check", place, "--all", "--config", str(config))
        assert checked["reference"] == "team/app:1.0"
        failed(regtui("tags", place, "--config", str(config)), 2, f"Its repositories: regtui ls {place}")
        failed(regtui("ls", "reg/team/app", "--config", str(config)), 2, "is a repository, not a registry")
