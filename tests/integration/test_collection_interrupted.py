"""A collection that loses its connection, its regtui or its script: the registry comes back, nothing tagged is lost."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from regtui.garbage import running
from regtui.garbage.values import Choices, Stage, StageStatus
from regtui.session.session import Session
from tests.support.collecting import all_pull, bytes_on_disk, connected, delete_half, fill, target
from tests.support.commands import Done, Regtui
from tests.support.containers import Containers, wait_until_up
from tests.support.held_host import Place, begun, said, start_held_host, until
from tests.support.patience import PATIENCE
from tests.support.programs import find_program
from tests.support.servers import PROGRAMS
from tests.support.systemd import start_service

VERSION = "2.8.2"
FEW = 4
PHASES = (Stage.KEEP_OUT, Stage.COLLECT, Stage.BRING_BACK)
# Each phase with both of them, the one cut off and the other killed.
ONE_WAY = ("podman", "engine", "podman")
OTHER_WAY = ("engine", "podman", "engine")
_SECONDS = PATIENCE


@pytest.fixture
def place(containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with start_held_host(containers, VERSION, tmp_path) as made:
        monkeypatch.setenv("PATH", made.host.path)
        yield made


@pytest.fixture
async def connection(place: Place) -> AsyncIterator[Session]:
    registry, host = place.registry, place.host
    opened = await connected(target(registry, host, runtime="docker", container=registry.name))
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("containers", "phase"), list(zip(ONE_WAY, PHASES, strict=True)), indirect=["containers"], ids=str
)
async def test_a_connection_that_is_cut_is_made_anew_and_the_run_followed_to_its_end(
    place: Place, connection: Session, phase: Stage
) -> None:
    registry, host = place.registry, place.host
    fill(registry.url, images=FEW)
    await delete_half(connection, images=FEW)
    before = bytes_on_disk(registry.storage)
    collector = connection.collector()
    forecast = await collector.forecast(Choices())
    seen: list[Stage] = []
    place.hold(phase)
    async for event in collector.collect(Choices()):
        if event.status is StageStatus.STARTED:
            seen.append(event.stage)
            if event.stage is phase:
                cut = host.sessions()
                assert cut
                for pid in cut:
                    os.kill(pid, signal.SIGKILL)
                place.let_go()
    # Each stage is told once, though the log was read in two parts.
    assert seen == [*PHASES, Stage.VERIFY]
    assert collector.report.is_complete, collector.report
    assert collector.report.freed == forecast.bytes == before - bytes_on_disk(registry.storage)
    all_pull(registry.host, images=FEW)


@pytest.mark.parametrize(
    # Killed before that, nobody sees that its address is silent: nothing is swept (test_collection_script).
    ("containers", "phase"),
    list(zip(OTHER_WAY, PHASES, strict=True))[1:],
    indirect=["containers"],
    ids=str,
)
async def test_with_kill_9_of_regtui_the_registry_is_up_again_and_the_run_is_found(
    place: Place, connection: Session, phase: Stage, tmp_path: Path
) -> None:
    registry, host = place.registry, place.host
    fill(registry.url, images=FEW)
    await delete_half(connection, images=FEW)
    before = bytes_on_disk(registry.storage)
    config = tmp_path / "config.toml"
    config.write_text(
        f'[registries.lab]\naddress = "{registry.url}"\n[registries.lab.host]\n'
        f'ssh = "{host.destination}"\nruntime = "docker"\ncontainer = "{registry.name}"\n'
    )
    regtui = Regtui(tmp_path)
    command = ("gc", "lab", "--config", str(config))
    place.hold(phase)
    killed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "regtui", *command, "--yes"),
        env={**regtui.environment, "PATH": host.path},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await until(lambda: begun(host, phase))
    killed.kill()
    assert await killed.wait() == -signal.SIGKILL

    def again(*options: str) -> Done:
        return regtui(*command, *options, PATH=host.path)

    # The registry may be down: its host is asked all the same.
    status = await asyncio.to_thread(again, "--status")
    assert status.returncode == 0
    assert "still going on" in status.stderr
    second = await asyncio.to_thread(again, "--yes")
    assert (second.returncode, "--status" in second.stderr) == (6, True)
    place.let_go()
    await until(lambda: any(host.state.rglob("ended")))
    wait_until_up(registry.url, _SECONDS)
    status = await asyncio.to_thread(again, "--status")
    assert "eligible for deletion" in status.stdout
    await asyncio.to_thread(again, "--status")
    logged = regtui("log", "--json").stdout.splitlines()
    assert [json.loads(line)["result"] for line in logged] == ["done"], logged
    assert bytes_on_disk(registry.storage) < before
    all_pull(registry.host, images=FEW)


async def test_where_ssh_does_not_come_back_the_registry_does(
    place: Place, connection: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, host = place.registry, place.host
    monkeypatch.setattr(running, "AGAIN", (0.1,))
    fill(registry.url, images=FEW)
    await delete_half(connection, images=FEW)
    collector = connection.collector()
    await collector.forecast(Choices())
    place.hold(Stage.COLLECT)
    async for event in collector.collect(Choices()):
        if (event.stage, event.status) == (Stage.COLLECT, StageStatus.STARTED):
            sessions = host.sessions()
            os.kill(host.server.pid, signal.SIGKILL)
            for pid in sessions:
                os.kill(pid, signal.SIGKILL)
            place.let_go()
    report = collector.report
    assert report.is_up
    assert [sentence for sentence in report.trouble if "regtui gc --status" in sentence]
    wait_until_up(registry.url, _SECONDS)
    all_pull(registry.host, images=FEW)


@pytest.mark.parametrize("containers", ["engine"], indirect=True)
async def test_kill_9_of_the_script_on_the_host_brings_the_registry_back_too(place: Place, connection: Session) -> None:
    registry, host = place.registry, place.host
    fill(registry.url, images=FEW)
    await delete_half(connection, images=FEW)
    collector = connection.collector()
    await collector.forecast(Choices())
    place.hold(Stage.COLLECT)
    async for event in collector.collect(Choices()):
        if (event.stage, event.status) == (Stage.COLLECT, StageStatus.STARTED):
            assert not registry.is_running()
            (pid,) = host.state.rglob("pid")
            os.kill(int(pid.read_text()), signal.SIGKILL)
            place.let_go()
    assert registry.is_running()
    assert collector.report.is_up
    assert not collector.report.is_complete
    all_pull(registry.host, images=FEW)


@pytest.mark.parametrize("containers", ["podman"], indirect=True)
async def test_a_stop_that_outlives_its_script_does_not_stop_what_was_brought_back(
    place: Place, connection: Session
) -> None:
    registry, host = place.registry, place.host
    fill(registry.url, images=FEW)
    collector = connection.collector()
    await collector.forecast(Choices())
    place.hold(Stage.KEEP_OUT)
    async for event in collector.collect(Choices()):
        if (event.stage, event.status) == (Stage.KEEP_OUT, StageStatus.STARTED):
            (pid,) = host.state.rglob("pid")
            os.kill(int(pid.read_text()), signal.SIGKILL)
            # The guard starts the registry while the stop is still on its way.
            await until(lambda: said(host, "up"))
            place.let_go()
    assert registry.is_running()
    assert collector.report.is_up
    all_pull(registry.host, images=FEW)


async def test_stopped_before_the_sweep_nothing_is_freed_and_the_registry_runs(
    place: Place, connection: Session
) -> None:
    registry, host = place.registry, place.host
    fill(registry.url, images=FEW)
    await delete_half(connection, images=FEW)
    before = bytes_on_disk(registry.storage)
    collector = connection.collector()
    await collector.forecast(Choices())
    place.hold(Stage.KEEP_OUT)
    async for event in collector.collect(Choices()):
        if (event.stage, event.status) == (Stage.KEEP_OUT, StageStatus.STARTED):
            collector.stop()
            await until(lambda: any(host.state.rglob("stop-asked")))
            place.let_go()
    assert bytes_on_disk(registry.storage) == before
    assert registry.is_running()
    assert "stopped before" in " ".join(collector.report.trouble)


async def test_a_collector_that_marks_for_long_is_ended_by_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a service, where it is a process of ours."""
    program = tmp_path / "slow-registry"
    with start_service(VERSION, tmp_path / "service") as service:
        program.write_text(
            f'#!/bin/sh\ncase "$*" in *--dry-run*|--version) exec {find_program(PROGRAMS[VERSION])} "$@" ;; esac\n'
            "echo team/app; exec sleep 600\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        fill(service.url, images=2)
        connection = await connected(target(service, runtime="systemd", binary=str(program)))
        try:
            collector = connection.collector()
            await collector.forecast(Choices())
            before = bytes_on_disk(service.storage)
            async for event in collector.collect(Choices()):
                if event.text == "team/app":
                    collector.stop()
            assert "stopped before" in " ".join(collector.report.trouble)
            assert service.is_running()
            assert bytes_on_disk(service.storage) == before

        finally:
            await connection.close()
