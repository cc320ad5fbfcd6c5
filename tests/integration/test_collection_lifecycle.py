"""Only one collection, never beside a registry that runs, and the registry is back: with real containers and kills."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from regtui.errors import RegtuiError
from regtui.garbage import procedure
from regtui.garbage.values import Choices, Stage, StageStatus
from regtui.host.errors import Unsafe
from regtui.session.session import Session
from tests.support.collecting import all_pull, bytes_on_disk, connected, delete_half, fill, target
from tests.support.commands import Done, Regtui
from tests.support.containers import Containers, wait_until_up
from tests.support.held_host import Place, begun, start_held_host, until
from tests.support.patience import PATIENCE

FEW = 4


@pytest.fixture
def place(containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with start_held_host(containers, "2.8.2", tmp_path) as made:
        monkeypatch.setenv("PATH", made.host.path)
        yield made


@pytest.fixture
async def connection(place: Place) -> AsyncIterator[Session]:
    opened = await connected(target(place.registry, place.host, runtime="docker", container=place.registry.name))
    fill(place.registry.url, images=FEW)
    await delete_half(opened, images=FEW)
    yield opened
    await opened.close()


@pytest.fixture
def command(place: Place, tmp_path: Path) -> "Command":
    return Command(place, tmp_path)


class Command:
    """`regtui gc` on the same registry, as another process."""

    def __init__(self, place: Place, directory: Path) -> None:
        self._config = directory / "config.toml"
        self._config.write_text(
            f'[registries.lab]\naddress = "{place.registry.url}"\n[registries.lab.host]\n'
            f'ssh = "{place.host.destination}"\nruntime = "docker"\ncontainer = "{place.registry.name}"\n'
        )
        self._regtui = Regtui(directory)
        self._path = place.host.path

    async def begin(self, *options: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "regtui", "gc", "lab", "--config", str(self._config), *options),
            env={**self._regtui.environment, "PATH": self._path},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    def logged(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._regtui("log", "--json").stdout.splitlines()]

    async def __call__(self, *options: str) -> Done:
        return await asyncio.to_thread(
            lambda: self._regtui("gc", "lab", "--config", str(self._config), *options, PATH=self._path)
        )


async def test_two_that_are_begun_at_once_one_collects_and_the_other_is_told_who(
    place: Place, connection: Session
) -> None:
    collectors = [connection.collector(), connection.collector()]
    for collector in collectors:
        await collector.forecast(Choices())
    before = bytes_on_disk(place.registry.storage)

    async def collect(number: int) -> str:
        try:
            async for _ in collectors[number].collect(Choices()):
                pass
        except RegtuiError as error:
            return error.message
        return ""

    told = sorted(await asyncio.gather(collect(0), collect(1)))
    assert told[0] == ""
    assert "A collection is running on" in told[1]
    assert " by " in told[1]
    assert bytes_on_disk(place.registry.storage) < before
    assert place.registry.is_running()
    all_pull(place.registry.host, images=FEW)


async def test_where_script_and_guard_are_killed_regtui_brings_the_registry_back_at_once(
    place: Place,
    connection: Session,
) -> None:
    collector = connection.collector()
    await collector.forecast(Choices())
    place.hold(Stage.COLLECT)
    killed = 0.0
    async for event in collector.collect(Choices()):
        if (event.stage, event.status) == (Stage.COLLECT, StageStatus.STARTED):
            await until(lambda: len(place.pids("pid", "guard")) == 2)
            for pid in place.pids("guard", "pid"):
                os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
            place.let_go()
    assert time.monotonic() - killed < 60
    assert place.registry.is_running()
    assert collector.report.is_up
    assert "was killed on the host" in " ".join(collector.report.trouble)
    assert "regtui-gc" not in place.registry.containers("ps", "-a", "--format", "{{.Names}}")
    all_pull(place.registry.host, images=FEW)


async def test_where_regtui_is_killed_too_the_status_says_so_and_bring_back_does_it(
    place: Place,
    connection: Session,
    command: Command,
) -> None:
    collector = connection.collector()
    await collector.forecast(Choices())
    place.hold(Stage.COLLECT)
    events = collector.collect(Choices())
    async for event in events:
        if (event.stage, event.status) == (Stage.COLLECT, StageStatus.STARTED):
            break
    await until(lambda: len(place.pids("pid", "guard", "collecting")) == 3)
    # As a host that was switched off: nothing of it is left, but its files.
    for pid in (*place.host.sessions(), *place.pids("guard", "pid", "collecting")):
        os.kill(pid, signal.SIGKILL)
    place.let_go()
    assert not place.registry.is_running()
    status = await command("--status")
    assert status.returncode == 1
    assert "The registry may be down" in status.stderr
    assert "--bring-back" in status.stderr
    back = await command("--bring-back")
    assert back.returncode == 0, back.stderr
    wait_until_up(place.registry.url, PATIENCE)
    assert (await command("--status")).returncode == 0
    (logged,) = command.logged()
    assert logged["result"] == "failed"
    assert str(logged["error"]).endswith("The registry was brought back.")
    done = await command("--yes")
    assert done.returncode == 0, done.stderr
    all_pull(place.registry.host, images=FEW)


async def test_what_waits_for_a_regtui_that_is_gone_says_so_while_the_registry_is_down(
    place: Place, connection: Session, command: Command
) -> None:
    place.hold(Stage.KEEP_OUT)
    gone = await command.begin("--yes")
    await until(lambda: begun(place.host, Stage.KEEP_OUT))
    gone.kill()
    await gone.wait()
    place.let_go()
    (log,) = place.host.state.rglob("log")
    await until(lambda: "asks silence" in log.read_text())
    status = await command("--status")
    assert not place.registry.is_running()
    assert status.returncode == 0
    assert "waits for the regtui that began it to see whether nothing answers" in status.stderr
    assert "within a minute" in status.stderr
    # Else it would be waited for.
    (log.parent / "stop-asked").touch()
    await until((log.parent / "ended").exists)
    wait_until_up(place.registry.url, PATIENCE)
    all_pull(place.registry.host, images=FEW)


async def test_what_an_earlier_collector_left_behind_makes_no_run_fail(place: Place, connection: Session) -> None:
    registry = place.registry
    name = f"regtui-gc-{registry.name}"
    image = registry.containers.image(registry.version)
    ours = ("--name", name, "--label", f"regtui.collects={registry.name}")
    registry.containers("run", "-d", *ours, "--entrypoint", "sh", image, "-c", "while :; do :; done")
    collector = connection.collector()
    await collector.forecast(Choices())
    async for _ in collector.collect(Choices()):
        pass
    assert collector.report.is_complete, collector.report
    assert name not in registry.containers("ps", "-a", "--format", "{{.Names}}")
    all_pull(registry.host, images=FEW)


async def test_somebody_elses_container_of_the_collectors_name_is_left_alone(place: Place, command: Command) -> None:
    registry = place.registry
    name = f"regtui-gc-{registry.name}"
    registry.containers("create", "--name", name, registry.containers.image(registry.version))
    done = await command("--yes")
    assert done.returncode == 6
    assert f"The container {name} has the name that a collection of {registry.name} needs" in done.stderr
    assert name in registry.containers("ps", "-a", "--format", "{{.Names}}")
    registry.containers("rm", name)
    assert (await command("--yes")).returncode == 0


async def test_a_client_that_is_killed_leaves_no_collector_beside_the_registry(
    place: Place,
    connection: Session,
) -> None:
    """The runtime's client dies, its container goes on: it is ended before the registry is started."""
    collector = connection.collector()
    await collector.forecast(Choices())
    place.hold(Stage.COLLECT)
    registry = place.registry
    name = f"regtui-gc-{registry.name}"
    async for event in collector.collect(Choices()):
        if (event.stage, event.status) == (Stage.COLLECT, StageStatus.STARTED):
            await until(lambda: len(place.pids("collecting")) == 1)
            # Its container is one that would go on for ever.
            image = registry.containers.image(registry.version)
            ours = ("--name", name, "--label", f"regtui.collects={registry.name}")
            registry.containers("run", "-d", *ours, "--entrypoint", "sh", image, "-c", "while :; do :; done")
            os.kill(place.pids("collecting")[0], signal.SIGKILL)
            place.let_go()
    assert name not in registry.containers("ps", "-a", "--format", "{{.Names}}")
    assert registry.is_running()
    assert not collector.report.is_complete


async def test_what_was_made_anew_since_it_was_looked_at_is_told_and_neither_stopped_nor_started(
    place: Place, connection: Session
) -> None:
    containers, name = place.registry.containers, place.registry.name
    collector = connection.collector()
    await collector.forecast(Choices())
    containers.remove(name)
    containers("create", "--name", name, containers.image(place.registry.version))
    with pytest.raises(Unsafe) as raised:
        async for _ in collector.collect(Choices()):
            pass
    assert f"The container {name} on {place.host.destination} is another one by now" in str(raised.value)
    assert containers("inspect", "--format", "{{.State.Status}}", name) == "created"


async def test_what_takes_the_registrys_name_in_mid_collection_is_neither_stopped_nor_started(
    place: Place, connection: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's container, which is stopped: by its name it would be started with the bringing back."""
    containers, name = place.registry.containers, place.registry.name
    # Nothing answers any more where it did: there is nothing to wait for.
    monkeypatch.setattr(procedure, "_UP_SECONDS", 0.5)
    collector = connection.collector()
    await collector.forecast(Choices())
    place.hold(Stage.COLLECT)
    try:
        async for event in collector.collect(Choices()):
            if (event.stage, event.status) == (Stage.COLLECT, StageStatus.STARTED):
                containers("rename", name, f"{name}-before")
                containers("create", "--name", name, containers.image(place.registry.version))
                place.let_go()
        told = " ".join(collector.report.trouble)
        assert f"The container {name} is another one by now than the one that was collected" in told
        assert containers("inspect", "--format", "{{.State.Status}}", name) == "created"
        assert containers("inspect", "--format", "{{.State.Running}}", f"{name}-before") == "false"
    finally:
        containers.remove(name, f"{name}-before")


async def test_sigterm_in_the_sweep_is_not_done(place: Place, connection: Session, command: Command) -> None:
    collector = connection.collector()
    await collector.forecast(Choices())
    place.hold(Stage.COLLECT)
    async for event in collector.collect(Choices()):
        if (event.stage, event.status) == (Stage.COLLECT, StageStatus.STARTED):
            os.kill(place.pids("pid")[0], signal.SIGTERM)
            place.let_go()
    assert not collector.report.is_complete
    assert "by signal TERM" in " ".join(collector.report.trouble)
    assert place.registry.is_running()


async def test_empty_repositories_and_abandoned_uploads_go_while_pushes_are_kept_out(
    place: Place,
    connection: Session,
    command: Command,
) -> None:
    repositories = place.registry.storage / "docker/registry/v2/repositories"
    (repositories / "nothing/left/_layers/sha256").mkdir(parents=True)
    (repositories / "nothing/left/_manifests/tags").mkdir(parents=True)
    for name in ("old", "new"):
        upload = repositories / "team/app/_uploads" / name
        upload.mkdir(parents=True)
        (upload / "data").write_bytes(b"x" * 1000)
        (upload / "startedat").write_text("2026-11-01T00:00:00Z")
    for path in [*(repositories / "team/app/_uploads/old").iterdir(), repositories / "team/app/_uploads/old"]:
        os.utime(path, (time.time() - 10 * 86400,) * 2)
    tried = await command("--dry-run", "--uploads", "7d", "--remove-empty")
    assert "2 uploads were begun and not ended, 2 kB" in tried.stderr
    assert "team/app old, idle for 240 h, 1 kB" in tried.stderr
    assert "\nnothing/left\n" in tried.stderr
    done = await command("--yes", "--uploads", "7d", "--remove-empty")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (repositories / "team/app/_uploads").iterdir()) == ["new"]
    assert not (repositories / "nothing").exists()
    all_pull(place.registry.host, images=FEW)


async def test_nothing_is_stopped_for_less_than_was_asked_for(
    place: Place, connection: Session, command: Command
) -> None:
    started = place.registry.containers("inspect", "--format", "{{.State.StartedAt}}", place.registry.name)
    for options, why in (
        (("--if-frees", "5G"), "less than 5 GB"),
        (("--if-free-below", "0.001%"), "not less than 0.001 %"),
    ):
        done = await command("--yes", "--json", *options)
        assert done.returncode == 0, done.stderr
        assert why in done.stderr
        last = done.stdout.splitlines()[-1]
        assert '"stage": "report"' in last or '"stage":"report"' in last
        assert "skipped" in last
    assert place.registry.containers("inspect", "--format", "{{.State.StartedAt}}", place.registry.name) == started


async def test_a_second_ctrl_c_ends_it_at_once_also_while_the_stop_hangs(
    place: Place, connection: Session, command: Command
) -> None:
    place.hold(Stage.KEEP_OUT)
    running = await command.begin("--yes")
    await until(lambda: begun(place.host, Stage.KEEP_OUT))
    running.send_signal(signal.SIGINT)
    await until(lambda: any(place.host.state.rglob("stop-asked")))
    # The stop is held: who waits for it waits for ever.
    running.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(running.wait(), PATIENCE) == 130
    place.let_go()
    await until(lambda: any(place.host.state.rglob("ended")))
    wait_until_up(place.registry.url, PATIENCE)
