"""Garbage collection on real registries: over a real sshd into real containers, and as a plain binary.

Sizes are held against those of the file system, images against crane and skopeo.
"""

import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from regtui.content.store import ContentStore
from regtui.deletion.journal import Journal, Run
from regtui.deletion.request import Request
from regtui.garbage import forecasting
from regtui.garbage.leftovers import Leftovers
from regtui.garbage.values import Choices, Stage, StageStatus, UntaggedManifest
from regtui.host.keep_out import KeepOut
from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.session.session import Session
from regtui.text import size
from tests.support.clients import crane, crane_validate, skopeo
from tests.support.collecting import (
    GOING,
    INDEXES,
    REPOSITORY,
    Registry,
    all_pull,
    bytes_on_disk,
    collect,
    connected,
    delete_half,
    fill,
    kept,
    target,
)
from tests.support.commands import Done, Regtui
from tests.support.containers import Containers, start_registry_container
from tests.support.content import Recipe, build_image, build_index
from tests.support.images import open_registry, push, push_blob, push_image, push_manifest
from tests.support.processes import clean_environment
from tests.support.servers import VERSIONS, RegistryServer
from tests.support.ssh_host import SshHostForTests, start_ssh_host
from tests.support.systemd import start_service
from tests.support.terminal import on_terminal

EVERYWHERE = [(kind, version) for kind in ("podman", "engine", "service") for version in VERSIONS]
DIAGONALLY = [("podman", "2.8.2"), ("engine", "3.1.1"), ("service", "3.1.1")]


def on(places: list[tuple[str, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("place", places, indirect=True, ids="-".join)


@pytest.fixture
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Registry, SshHostForTests]]:
    """A registry, and the host that it runs on."""
    kind, version = request.param
    if kind != "service":
        containers: Containers = request.getfixturevalue(kind)
        started: AbstractContextManager[Registry] = start_registry_container(
            containers, version, tmp_path / "storage", name=f"registry-{version}"
        )
    else:
        started = start_service(version, tmp_path / "service")
    with started as registry, start_ssh_host(tmp_path / "host", registry.bin) as host:
        monkeypatch.setenv("PATH", host.path)
        yield registry, host


@pytest.fixture
async def connection(place: tuple[Registry, SshHostForTests]) -> AsyncIterator[Session]:
    registry, host = place
    opened = await connected(target(registry, host, runtime=registry.runtime))
    yield opened
    await opened.close()


@on(EVERYWHERE)
@pytest.mark.each_version
async def test_what_was_predicted_is_what_was_freed_and_all_that_stays_pulls(
    place: tuple[Registry, SshHostForTests], connection: Session
) -> None:
    registry, _ = place
    fill(registry.url)
    with kept(registry.url, f"{REPOSITORY}:{GOING[0]}") as image:
        await delete_half(connection)
        collector = connection.collector()
        survey = await collector.survey()
        before = bytes_on_disk(registry.storage)
        assert (survey.version, survey.used, survey.blob_cache) == (registry.version, before, "inmemory")
        forecast = await collector.forecast(Choices())
        assert forecast.is_exact
        assert bytes_on_disk(registry.storage) == before

        events = [event async for event in collector.collect(Choices(verify_all=True))]
        report = collector.report

        assert report.is_complete, report
        freed = before - bytes_on_disk(registry.storage)
        assert forecast.bytes == report.freed == freed > 0
        assert len(forecast.blobs) == report.blobs
        assert sum(size for _, size in forecast.by_repository) <= forecast.bytes
        assert report.verified is not None
        assert (report.verified.checked, report.verified.total, report.verified.broken) == (8, 8, ())
        assert events[-1].stage is Stage.VERIFY
        all_pull(registry.host)
        # A layer that was collected comes back: the registry doesn't believe that it still has it.
        skopeo("copy", f"dir:{image}", f"docker://{registry.host}/{REPOSITORY}:again")
        crane_validate(f"{registry.host}/{REPOSITORY}:again")


@on(EVERYWHERE)
async def test_with_untagged_the_leftovers_go_and_every_platform_stays(
    place: tuple[Registry, SshHostForTests], connection: Session
) -> None:
    registry, _ = place
    filled = fill(registry.url)
    await delete_half(connection)
    collector = connection.collector()
    plain = await collector.forecast(Choices())
    assert {manifest.digest for manifest in plain.untagged} == set(filled.untagged)
    choices = Choices(untagged=True)
    forecast = await collector.forecast(choices)
    assert forecast.bytes == plain.bytes + plain.held > plain.bytes
    assert forecast.held == 0
    assert forecast.marked == plain.marked - (len(forecast.blobs) - len(plain.blobs))
    before = bytes_on_disk(registry.storage)

    async for _ in collector.collect(choices):
        pass
    report = collector.report

    assert report.is_complete, report
    assert forecast.bytes == report.freed == before - bytes_on_disk(registry.storage)
    all_pull(registry.host)
    with open_registry(registry.url) as client:
        for digest in filled.untagged:
            assert client.get(f"v2/{INDEXES}/manifests/{digest}").status_code == 404


@on(DIAGONALLY)
async def test_where_the_manifests_are_many_the_untagged_are_looked_for_only_when_they_are_wanted(
    place: tuple[Registry, SshHostForTests], connection: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, _ = place
    filled = fill(registry.url, images=2)
    stored = len(list(registry.storage.glob("docker/registry/v2/repositories/*/*/_manifests/revisions/*/*/link")))
    collector = connection.collector()
    monkeypatch.setattr(forecasting, "MANY", stored)
    assert not (await collector.forecast(Choices())).unsought
    monkeypatch.setattr(forecasting, "MANY", stored - 1)
    plain = await collector.forecast(Choices())
    assert (plain.unsought, plain.untagged) == (True, ())
    assert {one.digest for one in (await collector.forecast(Choices(untagged=True))).untagged} == set(filled.untagged)


def test_what_tags_only_left_behind_is_told_by_the_dry_run_and_freed_by_untagged(tmp_path: Path) -> None:
    with start_service("2.8.2", tmp_path / "service") as service:
        fill(service.url, images=4)
        profile = tmp_path / "config.toml"
        profile.write_text(f"[registries.lab]\naddress = '{service.url}'\n[registries.lab.host]\nruntime = 'systemd'\n")
        regtui = Regtui(tmp_path)
        path = f"{service.bin}:{os.environ['PATH']}"

        def gc(*options: str) -> Done:
            done = regtui("gc", "lab", "--config", str(profile), "--json", *options, PATH=path)
            assert done.returncode == 0, done
            return done

        gc("--untagged", "--yes")  # What `fill` leaves untagged.
        before = bytes_on_disk(service.storage)
        removed = regtui("rm", f"lab/{REPOSITORY}:v0", "--tags-only", "--yes", "--config", str(profile))
        assert removed.returncode == 0, removed

        done = gc("--dry-run")
        told = json.loads(done.stdout.splitlines()[-1])
        held = told["untagged_bytes"]
        assert (len(told["untagged"]), held > 0) == (1, True)
        assert (
            f"1 untagged image in 1 repository stays, with {size(held)} that nothing else needs: "
            "--untagged deletes it, and frees that, too."
        ) in done.stderr

        # Without it only the placeholder goes by which 2.x was made to forget a tag.
        gc("--yes")
        assert before - bytes_on_disk(service.storage) == 0
        gc("--untagged", "--yes")
        assert before - bytes_on_disk(service.storage) == held


@on(DIAGONALLY)
async def test_a_run_that_finds_nothing_to_free_says_zero(
    place: tuple[Registry, SshHostForTests], connection: Session
) -> None:
    registry, _ = place
    fill(registry.url, images=2)
    report, _ = await collect(connection)
    assert report.is_complete, report
    assert (report.freed, report.predicted, report.blobs) == (0, 0, 0)
    assert registry.is_running()


@on(DIAGONALLY)
async def test_online_the_registry_is_restarted_afterwards_for_its_cache(
    place: tuple[Registry, SshHostForTests], connection: Session
) -> None:
    registry, _ = place
    fill(registry.url)
    with kept(registry.url, f"{REPOSITORY}:{GOING[0]}") as image:
        await delete_half(connection)
        report, _ = await collect(connection, Choices(keep_out=KeepOut.ONLINE))
        assert report.is_complete, report
        assert dict(report.stages)[Stage.KEEP_OUT] is StageStatus.SKIPPED
        assert report.freed == report.predicted
        skopeo("copy", f"dir:{image}", f"docker://{registry.host}/{REPOSITORY}:again")
        crane_validate(f"{registry.host}/{REPOSITORY}:again")


@on(DIAGONALLY)
async def test_empty_repositories_are_listed_and_go_when_they_are_confirmed(
    place: tuple[Registry, SshHostForTests], connection: Session
) -> None:
    registry, _ = place
    fill(registry.url, images=2)
    deleting = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, ["v0", "v1"])))
    async for _ in deleting.outcomes():
        pass
    collector = connection.collector()
    await collector.forecast(Choices())
    async for _ in collector.collect(Choices()):
        pass
    assert collector.report.empty_repositories == (REPOSITORY,)
    with open_registry(registry.url) as client:
        client.post(f"v2/{INDEXES}/blobs/uploads/").raise_for_status()

    # Somebody may be in the middle of a push.
    assert await collector.remove_empty((REPOSITORY, INDEXES)) == ()
    an_hour_ago = time.time() - 3600
    for place_of in (registry.storage / "docker/registry/v2/repositories" / REPOSITORY).rglob("*"):
        os.utime(place_of, (an_hour_ago, an_hour_ago))
    assert await collector.remove_empty((REPOSITORY, INDEXES)) == (REPOSITORY,)
    assert crane("catalog", registry.host).split() == [INDEXES]
    crane_validate(f"{registry.host}/{INDEXES}:latest")


@on(DIAGONALLY)
async def test_a_push_that_was_under_way_fails_rather_than_leave_a_broken_image(
    place: tuple[Registry, SshHostForTests], connection: Session
) -> None:
    """Its layers are swept, as nothing needs them yet; the registry, started anew, doesn't believe that it has them."""
    registry, _ = place
    fill(registry.url, images=2)
    image = build_image(Recipe(name="pushed meanwhile"), "oci")
    with open_registry(registry.url) as client:
        for blob in image.blobs:
            push_blob(client, REPOSITORY, blob.data)
        report, _ = await collect(connection)
        assert report.is_complete, report
        # All but the base layer, which other images have, too.
        assert report.blobs == len(image.blobs) - 1
        answer = client.put(
            f"v2/{REPOSITORY}/manifests/broken",
            content=image.manifest.data,
            headers={"Content-Type": image.manifest.media_type},
        )
    assert answer.status_code == 400
    assert "MANIFEST_BLOB_UNKNOWN" in answer.text


async def test_a_platform_whose_index_is_pushed_while_it_is_deleted_is_put_back(
    registry_2: RegistryServer, tmp_path: Path
) -> None:
    """Clients push platforms first, untagged: for a moment nothing reaches them."""
    with open_registry(registry_2.url) as client:
        push_image(client, INDEXES, "other")
        index = build_index([Recipe(name="late", platform="linux/amd64")], "oci")
        child = push(client, INDEXES, None, index.children[0])

        class PushedMeanwhile(Journal):
            """Written to right before the first DELETE."""

            def begin(self, *arguments: Any, **more: Any) -> Run:
                push_manifest(client, INDEXES, "late", index.manifest.data, index.manifest.media_type)
                return super().begin(*arguments, **more)

        async with RegistryClient(Address.parse(registry_2.url)) as ours:
            leftovers = Leftovers(ours, ContentStore(ours), PushedMeanwhile(tmp_path / "journal"), "")
            wanted = [UntaggedManifest(INDEXES, Digest(child.digest))]
            lines = [line async for line in leftovers.delete(wanted)]
        # By the deletion itself, which looks once more in the end.
        assert lines[-1] == f"skipped {INDEXES}@{child.digest}"
        assert leftovers.deleted == []
    crane_validate(f"{registry_2.host}/{INDEXES}:late")


def test_what_ssh_asks_is_asked_on_the_terminal_and_answered_there(tmp_path: Path) -> None:
    """By the command, from the login on a locked key to the end."""
    config = tmp_path / "config.toml"
    with (
        start_service("2.8.2", tmp_path / "service") as service,
        start_ssh_host(tmp_path / "host", service.bin, passphrase="open sesame") as host,
    ):
        fill(service.url, images=2)
        config.write_text(
            f'[registries.lab]\naddress = "{service.url}"\n[registries.lab.host]\n'
            f'ssh = "{host.destination}"\nruntime = "systemd"\n'
        )
        environment = {**clean_environment(tmp_path), "PATH": host.path, "TERM": "xterm"}
        with on_terminal(["gc", "lab", "--config", str(config), "--dry-run"], environment) as terminal:
            terminal.wait_for("Enter passphrase for key")
            terminal.type("open sesame\n")
            assert terminal.end() == 0, terminal.shown
        assert "sesame" not in terminal.shown
        assert "Dry run" in terminal.shown
