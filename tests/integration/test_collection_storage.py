"""A storage that would be lost, that others have too, or that isn't the running registry's: refused, and why."""

import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from regtui.garbage.values import Choices
from regtui.host.errors import Unsafe
from regtui.host.keep_out import KeepOut
from regtui.session.session import Session
from tests.support.clients import crane_validate
from tests.support.collecting import Registry, all_pull, bytes_on_disk, connected, delete_half, fill, target
from tests.support.commands import Regtui
from tests.support.containers import Containers, start_registry_container, wait_until_up, write_program
from tests.support.content import Recipe
from tests.support.images import open_registry, push_image
from tests.support.programs import find_program
from tests.support.registry_images import CONFIGS, STORAGE
from tests.support.servers import PROGRAMS, start_registry
from tests.support.systemd import start_service

FEW = 4


@pytest.fixture(autouse=True)
def on_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "containers" in request.fixturenames:
        containers: Containers = request.getfixturevalue("containers")
        monkeypatch.setenv("PATH", f"{containers.bin}:{os.environ['PATH']}")


@asynccontextmanager
async def opened(registry: Registry, **settings: Any) -> AsyncIterator[Session]:
    """With half of its images deleted: there is something to collect."""
    fill(registry.url, images=FEW)
    connection = await connected(target(registry, **settings))
    try:
        await delete_half(connection, images=FEW)
        yield connection
    finally:
        await connection.close()


async def refused(connection: Session, match: str, *ways: KeepOut) -> None:
    collector = connection.collector()
    survey = await collector.survey()
    assert KeepOut.STOP not in survey.keep_out
    for way in ways or (KeepOut.STOP,):
        with pytest.raises(Unsafe, match=match):
            async for _ in collector.collect(Choices(keep_out=way)):
                pass


FORMS = {
    "tmpfs": ("--tmpfs", STORAGE),
    "tmpfs below": ("--tmpfs", f"{STORAGE}/docker"),
    "mount": ("--mount", f"type=tmpfs,destination={STORAGE}"),
    "volume": ("-v", f"in-memory:{STORAGE}"),
}


@pytest.mark.parametrize("form", FORMS)
async def test_a_storage_in_memory_is_neither_stopped_nor_restarted(
    containers: Containers, tmp_path: Path, form: str
) -> None:
    if form == "volume":
        containers("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "in-memory")
    made = start_registry_container(
        containers, "2.8.2", tmp_path / "unused", name="memory", mount="anonymous", options=FORMS[form]
    )
    try:
        with made as registry:
            async with opened(registry, container="memory", runtime="docker") as connection:
                await refused(connection, "in memory", KeepOut.STOP, KeepOut.ONLINE)
            assert registry.is_running()
            all_pull(registry.host, images=FEW)
    finally:
        containers("volume", "rm", "in-memory", check=False)


async def test_another_container_on_the_same_storage(containers: Containers, tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    with (
        start_registry_container(containers, "2.8.2", storage, name="blue") as blue,
        start_registry_container(containers, "3.1.1", storage, name="green") as green,
    ):
        async with opened(blue, container="blue", runtime="docker") as connection:
            await refused(connection, "have the same storage as blue.*: green")
        assert (blue.is_running(), green.is_running()) == (True, True)
        containers("stop", "-t", "1", "green")
        connection = await connected(target(blue, container="blue", runtime="docker"))
        collector = connection.collector()
        forecast = await collector.forecast(Choices())
        async for _ in collector.collect(Choices()):
            pass
        assert (collector.report.is_complete, collector.report.freed) == (True, forecast.bytes), collector.report
        await connection.close()


async def test_a_process_on_the_same_storage(containers: Containers, tmp_path: Path) -> None:
    with (
        start_registry_container(containers, "2.8.2", tmp_path / "other/storage", name="contained") as registry,
        start_registry("3.1.1", tmp_path / "other") as other,
    ):
        async with opened(registry, container="contained", runtime="docker") as connection:
            await refused(connection, f"have the same storage as contained.*: process {other.pid}")


async def test_a_service_whose_storage_a_process_has_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with start_service("2.8.2", tmp_path / "service") as service:
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        with start_registry("3.1.1", tmp_path / "service") as other:
            async with opened(service, runtime="systemd") as connection:
                await refused(connection, f"have the same storage as .*: process {other.pid}")


@pytest.mark.parametrize("version", CONFIGS)
async def test_a_config_that_was_edited_in_the_container(containers: Containers, tmp_path: Path, version: str) -> None:
    """And read by a restart: the running registry keeps its images where no container beside it would look."""
    elsewhere = f"{STORAGE}/elsewhere"
    with start_registry_container(containers, version, tmp_path / "storage", name="edited") as registry:
        edited = tmp_path / "config.yml"
        storage = {"filesystem": {"rootdirectory": elsewhere}, "delete": {"enabled": True}}
        http = {"addr": ":5000"} if containers.publishes else {"addr": registry.host}
        edited.write_text(json.dumps({"version": "0.1", "storage": storage, "http": http}))
        # Seconds are all that some runtimes tell.
        os.utime(edited, (time.time() + 2, time.time() + 2))
        containers("cp", str(edited), f"edited:{CONFIGS[version]}")
        async with opened(registry, container="edited", runtime="docker") as connection:
            # Not read yet: another storage than the registry has.
            with pytest.raises(Unsafe, match="changed after edited was started"):
                await connection.collector().forecast(Choices())
        os.utime(edited, (0, 0))
        containers("cp", str(edited), f"edited:{CONFIGS[version]}")
        containers("restart", "-t", "1", "edited")
        wait_until_up(registry.url)
        async with opened(registry, container="edited", runtime="docker") as connection:
            await refused(connection, "was changed in the container edited itself")
        all_pull(registry.host, images=FEW)


async def test_a_root_that_is_relative_to_where_the_service_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    with start_service(version, tmp_path / "service", root="storage") as service:
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        async with opened(service, runtime="systemd") as connection:
            collector = connection.collector()
            survey = await collector.survey()
            assert survey.root == str(service.storage)
            forecast = await collector.forecast(Choices())
            before = bytes_on_disk(service.storage)
            async for _ in collector.collect(Choices()):
                pass
            report = collector.report
            assert report.is_complete, report
            assert report.freed == forecast.bytes == before - bytes_on_disk(service.storage) > 0
        all_pull(service.host, images=FEW)


async def test_a_root_that_is_relative_to_the_containers_directory(containers: Containers, tmp_path: Path) -> None:
    made = start_registry_container(
        containers,
        "3.1.1",
        tmp_path / "storage",
        name="relative",
        options=("-w", STORAGE),
        environment=("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=below",),
    )
    with made as registry:
        async with opened(registry, container="relative", runtime="docker") as connection:
            collector = connection.collector()
            forecast = await collector.forecast(Choices())
            before = bytes_on_disk(registry.storage / "below")
            async for _ in collector.collect(Choices()):
                pass
            assert collector.report.is_complete, collector.report
            assert forecast.bytes == before - bytes_on_disk(registry.storage / "below") > 0
        all_pull(registry.host, images=FEW)


async def test_a_config_that_cannot_be_read_is_not_called_absent(containers: Containers, tmp_path: Path) -> None:
    with start_registry_container(containers, "3.1.1", tmp_path / "storage", name="odd", slim=True) as registry:
        for config, sentence in (
            ("/etc/distribution", r"/etc/distribution in odd .* can't be read: it is no file"),
            ("/etc/elsewhere.yml", r"There is no config file /etc/elsewhere\.yml in odd"),
        ):
            connection = await connected(target(registry, container="odd", runtime="docker", config=config))
            with pytest.raises(Exception, match=sentence):
                await connection.collector().survey()
            await connection.close()


async def test_a_prediction_that_is_not_what_went_is_said_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_service("2.8.2", tmp_path / "service") as service:
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        async with opened(service, runtime="systemd") as connection:
            collector = connection.collector()
            await collector.forecast(Choices())
            with open_registry(service.url) as client:
                late = push_image(client, "team/late", "1.0")
                client.delete(f"v2/team/late/manifests/{late.digest}").raise_for_status()
                push_image(client, "team/late", "stays")
            async for _ in collector.collect(Choices()):
                pass
            report = collector.report
            assert not report.is_complete
            assert "What went isn't what the dry run had said" in " ".join(report.trouble)
        crane_validate(f"{service.host}/team/late:stays")


def test_a_prediction_that_is_not_what_went_is_exit_code_1(tmp_path: Path) -> None:
    """Something else writes to the storage while the registry is stopped: here, what begins the collector."""
    program = tmp_path / "registry-beside-a-writer"
    digest = "ab" * 32
    with start_service("2.8.2", tmp_path / "service") as service:
        blob = service.storage / f"docker/registry/v2/blobs/sha256/ab/{digest}"
        write_program(
            program,
            f'case "$*" in *--dry-run*) ;; garbage-collect*) mkdir -p "{blob}"; echo more > "{blob}/data" ;; esac\n'
            f'exec "{find_program(PROGRAMS["2.8.2"])}" "$@"',
        )
        with open_registry(service.url) as client:
            going = push_image(client, "team/app", "going")
            push_image(client, "team/app", "stays", recipe=Recipe(name="stays"))
            client.delete(f"v2/team/app/manifests/{going.digest}").raise_for_status()
        profile = tmp_path / "config.toml"
        profile.write_text(
            f"[registries.lab]\naddress = '{service.url}'\n[registries.lab.host]\nruntime = 'systemd'\n"
            f"binary = '{program}'\n"
        )
        path = f"{service.bin}:{os.environ['PATH']}"
        done = Regtui(tmp_path)("gc", "lab", "--config", str(profile), "--yes", PATH=path)
        assert "What went isn't what the dry run had said" in done.stderr
        assert done.returncode == 1
        assert "The registry answers again." in done.stderr
        crane_validate(f"{service.host}/team/app:stays")
