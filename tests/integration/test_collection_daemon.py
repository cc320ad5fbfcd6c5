"""The Docker Engine's daemon is killed in mid-collection and started again: the registry is back, no tag is lost, and
what happened is said. With live-restore the collector goes on without a daemon; without, the new daemon ends it.

What the collector reads last is a pipe into which nobody writes: it waits there until a test is done with it.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from regtui.garbage.values import Choices, Stage, StageStatus
from tests.integration.conftest import short_folder
from tests.support.clients import crane_validate, skopeo
from tests.support.collecting import GOING, REPOSITORY, all_pull, connected, delete_half, fill, kept, target
from tests.support.containers import RegistryContainer, start_registry_container, wait_until_up, write_program
from tests.support.engine import Engine, start_killable_engine
from tests.support.held_host import start_held_host, until
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.integration
FEW = 4
COLLECTOR = "regtui-gc-registry"
# What a collection makes of `unless-stopped` meanwhile is `always`.
KINDS = [(True, "unless-stopped"), (True, "no"), (False, "always")]
KIND_NAMES = [f"{'live-restore-' * live}{policy}" for live, policy in KINDS]
LAST = f"docker/registry/v2/repositories/zzz/_manifests/revisions/sha256/{'a' * 64}/link"


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    live_restore: bool = getattr(request, "param", False)
    with short_folder() as folder, start_killable_engine(folder / "e", live_restore=live_restore) as made:
        yield made


def policy_of(registry: RegistryContainer) -> str:
    return registry.containers("inspect", "--format", "{{.HostConfig.RestartPolicy.Name}}", registry.name)


def started_beside(registry: RegistryContainer) -> bool:
    """Whether the new daemon started the registry before the collector had ended, by its own events."""
    events = registry.containers(
        *("events", "--since", "10m", "--until", "0s", "--format", "{{.Actor.Attributes.name}} {{.Status}}")
    ).splitlines()
    ended = events.index(f"{COLLECTOR} die") if f"{COLLECTOR} die" in events else 0
    return f"{registry.name} start" in events[:ended]


@pytest.mark.parametrize(
    ("engine", "policy"),
    KINDS,
    indirect=["engine"],
    ids=[f"{'live-restore-' * live}{policy}" for live, policy in KINDS],
)
async def test_the_registry_is_back_and_nothing_is_lost(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    containers = engine.containers
    # The collector begins when its last file has become the pipe.
    held = tmp_path / "held"
    held.mkdir()
    write_program(
        held / "docker",
        f"case \"$*\" in run*--env-file*) until test -p '{tmp_path}/storage/{LAST}'; do sleep 0.05; done ;; esac\n"
        f'exec "{containers.bin}/docker" "$@"',
    )
    monkeypatch.setenv("PATH", f"{held}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with start_registry_container(
        containers, "3.1.1", tmp_path / "storage", options=(f"--restart={policy}",)
    ) as registry:
        fill(registry.url, images=FEW)
        connection = await connected(target(registry, runtime="docker", container=registry.name))
        with kept(registry.url, f"{REPOSITORY}:{GOING[0]}") as copy:
            await delete_half(connection, images=FEW)
            collector = connection.collector()
            await collector.forecast(Choices())
            pipe = registry.storage / LAST
            async with asyncio.timeout(4 * PATIENCE):
                async for event in collector.collect(Choices()):
                    if (event.stage, event.status) == (Stage.COLLECT, StageStatus.STARTED):
                        pipe.parent.mkdir(parents=True)
                        os.mkfifo(pipe)
                        await until(lambda: COLLECTOR in containers("ps", "--format", "{{.Names}}"))
                        assert not registry.is_running()
                        engine.kill()
                        await asyncio.to_thread(engine.start)
            shutil.rmtree(pipe.parents[4])
            report = collector.report
            await connection.close()
            assert report.is_up, report
            assert not report.is_complete
            told = " ".join(report.trouble)
            assert "The collector failed with exit code 125" in told
            # By the storage, once the collector was seen gone.
            assert "Nothing was deleted." in told
            if started_beside(registry):
                assert "Something started the registry while it was collected" in told
            assert registry.is_running()
            assert COLLECTOR not in containers("ps", "-a", "--format", "{{.Names}}")
            assert policy_of(registry) == policy
            wait_until_up(registry.url)
            all_pull(registry.host, images=FEW)
            skopeo("copy", "--dest-tls-verify=false", f"dir:{copy}", f"docker://{registry.host}/{REPOSITORY}:again")
            crane_validate(f"{registry.host}/{REPOSITORY}:again")


async def test_after_a_restart_of_the_machine_the_registry_comes_up_by_itself_and_the_status_says_what_was(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that ran is gone at once: the script, its guard, the collector, the daemon. It is restarted as at a boot."""
    containers = engine.containers
    with start_held_host(containers, "2.8.2", tmp_path, options=("--restart=unless-stopped",)) as place:
        monkeypatch.setenv("PATH", place.host.path)
        registry = place.registry
        fill(registry.url, images=FEW)
        connection = await connected(target(registry, place.host, runtime="docker", container=registry.name))
        await delete_half(connection, images=FEW)
        collector = connection.collector()
        await collector.forecast(Choices())
        place.hold(Stage.COLLECT)
        async with aclosing(collector.collect(Choices())) as events:  # type: ignore[type-var]
            async for event in events:
                if (event.stage, event.status) == (Stage.COLLECT, StageStatus.STARTED):
                    break
        await until(lambda: len(place.pids("pid", "guard", "collecting")) == 3)
        for pid in (*place.host.sessions(), *place.pids("guard", "pid", "collecting")):
            os.kill(pid, signal.SIGKILL)
        engine.kill()
        place.let_go()
        await asyncio.to_thread(engine.start)
        wait_until_up(registry.url)
        earlier = await collector.earlier()
        assert earlier is not None
        assert earlier.was_killed
        async for _ in collector.bring_back():
            pass
        assert registry.is_running()
        assert policy_of(registry) == "unless-stopped"
        assert await collector.earlier() is None
        # It was started since: what the first dry run looked at isn't what would be stopped.
        await collector.survey()
        await collector.forecast(Choices())
        async for _ in collector.collect(Choices()):
            pass
        assert collector.report.is_complete, collector.report
        await connection.close()
        all_pull(registry.host, images=FEW)
