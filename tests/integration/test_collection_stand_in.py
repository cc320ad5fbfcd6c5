"""While a registry is stopped for its collection, a stand-in answers pulls: read-only, without a cache, gone before the
registry is back, whatever happens."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from regtui.garbage.values import Choices, Stage, StageStatus
from regtui.host.keep_out import KeepOut
from tests.integration.conftest import short_folder
from tests.support.clients import crane, crane_validate, skopeo
from tests.support.collecting import GOING, REPOSITORY, STAYING, all_pull, connected, delete_half, fill, kept, target
from tests.support.containers import Containers, RegistryContainer, start_registry_container, write_program
from tests.support.held_host import until
from tests.support.patience import PATIENCE
from tests.support.registry_images import STORAGE

FEW = 4
NAME = "served"
STAND_IN = f"regtui-pulls-{NAME}"
CHOICES = Choices(keep_out=KeepOut.STAND_IN)
# One version a runtime: each is served by both kinds of images, and each runtime mounts read-only.
VERSION = {"podman": "2.8.2", "docker": "3.1.1"}

# Writes down what changes containers, and waits where a file says so.
_HOLDING = """\
case "$*" in
    run*--env-file*) phase=collector ;;
    "rm -f -- {stand_in}") phase=end ;;
    *) phase=none ;;
esac
while test -e "{directory}/hold-$phase"; do sleep 0.05; done
case $1 in rm|start|stop) echo "$*" >> "{directory}/calls" ;; esac
exec {docker} "$@"
"""


@dataclass(frozen=True)
class Place:
    registry: RegistryContainer
    directory: Path

    def hold(self, phase: str) -> None:
        (self.directory / f"hold-{phase}").touch()

    def let_go(self) -> None:
        for file in self.directory.glob("hold-*"):
            file.unlink()

    @property
    def calls(self) -> list[str]:
        """With the registry by its name: it is called by its id."""
        known_as = self.registry.containers("inspect", "--format", "{{.Id}}", NAME)
        return (self.directory / "calls").read_text().replace(known_as, NAME).splitlines()

    @property
    def there(self) -> list[str]:
        return self.registry.containers("ps", "-a", "--format", "{{.Names}}").split()

    def pid(self, name: str) -> int:
        """Of the run's processes, by its file."""
        (file,) = (self.directory / "state").rglob(name)
        return int(file.read_text())


@pytest.fixture
def place(containers: Containers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with short_folder() as directory:
        docker = containers.bin / "docker"
        write_program(directory / "docker", _HOLDING.format(directory=directory, docker=docker, stand_in=STAND_IN))
        monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
        monkeypatch.setenv("XDG_STATE_HOME", str(directory / "state"))
        version = VERSION[containers.program]
        with start_registry_container(containers, version, directory / "storage", name=NAME) as registry:
            fill(registry.url, images=FEW)
            made = Place(registry, directory)
            yield made
            made.let_go()
            containers.remove(STAND_IN)


def is_read_only(place: Place) -> None:
    """By the registry's protocol, by other clients, and by the kernel."""
    registry = place.registry
    with httpx.Client(base_url=f"{registry.url}/v2/{REPOSITORY}", trust_env=False) as client:
        digest = crane("digest", f"{registry.host}/{REPOSITORY}:{STAYING[0]}")
        assert client.post("/blobs/uploads/").status_code == 405
        assert client.put("/manifests/other", content=b"{}").status_code == 405
        assert client.delete(f"/manifests/{digest}").status_code == 405
    written = ("exec", STAND_IN, "sh", "-c", f"echo > {STORAGE}/written || echo refused")
    assert registry.containers(*written, check=False) == "refused"
    assert not (registry.storage / "written").exists()


def has_blob(registry: RegistryContainer, digest: str) -> bool:
    found = httpx.head(f"{registry.url}/v2/{REPOSITORY}/blobs/{digest}", trust_env=False)
    assert found.status_code in (200, 404)
    return found.status_code == 200


async def test_pulls_are_answered_and_nothing_else_until_the_registry_is_back(place: Place) -> None:
    registry = place.registry
    connection = await connected(target(registry, runtime="docker", container=NAME))
    with kept(registry.url, f"{REPOSITORY}:{GOING[0]}") as image:
        config = json.loads(crane("manifest", f"{registry.host}/{REPOSITORY}:{GOING[0]}"))["config"]["digest"]
        await delete_half(connection, images=FEW)
        collector = connection.collector()
        assert KeepOut.STAND_IN in (await collector.survey()).keep_out
        forecast = await collector.forecast(CHOICES)
        place.hold("collector")
        place.hold("end")
        seen = []
        async for event in collector.collect(CHOICES):
            seen.append(event.text)
            if (event.stage, event.status) == (Stage.COLLECT, StageStatus.STARTED):
                assert not registry.is_running()
                await asyncio.to_thread(all_pull, registry.host, images=FEW)
                await asyncio.to_thread(is_read_only, place)
                # Not swept yet, and unless it is kept in a cache, asked for anew afterwards.
                assert has_blob(registry, config)
                (place.directory / "hold-collector").unlink()
            if (event.stage, event.status) == (Stage.COLLECT, StageStatus.DONE):
                assert not has_blob(registry, config)
                await asyncio.to_thread(all_pull, registry.host, images=FEW)
                (place.directory / "hold-end").unlink()
        assert "A read-only stand-in answers pulls meanwhile." in seen
        report = collector.report
        await connection.close()
        assert report.is_complete, report
        assert report.freed == forecast.bytes > 0
        assert place.calls == [f"stop -- {NAME}", f"start -- {STAND_IN}", *ENDING]
        assert STAND_IN not in place.there
        all_pull(registry.host, images=FEW)
        skopeo("copy", f"dir:{image}", f"docker://{registry.host}/{REPOSITORY}:again")
        crane_validate(f"{registry.host}/{REPOSITORY}:again")


ENDING = [f"rm -f -- {STAND_IN}", f"start -- {NAME}"]


@pytest.mark.parametrize("containers", ["podman"], indirect=True)
async def test_what_a_killed_run_left_standing_in_is_no_registry_and_is_ended_before_the_start(place: Place) -> None:
    registry = place.registry
    connection = await connected(target(registry, runtime="docker", container=NAME))
    await delete_half(connection, images=FEW)
    collector = connection.collector()
    await collector.forecast(CHOICES)
    place.hold("collector")
    async with asyncio.timeout(4 * PATIENCE):
        async for event in collector.collect(CHOICES):
            if (event.stage, event.status) == (Stage.COLLECT, StageStatus.STARTED):
                await until(lambda: bool(list((place.directory / "state").rglob("guard"))))
                for name in ("guard", "pid"):
                    os.kill(place.pid(name), signal.SIGKILL)
                break
        again = connection.collector()
        earlier = await again.earlier()
        assert earlier is not None
        assert earlier.was_killed
        assert STAND_IN in place.there
        survey = await again.survey()
        assert (survey.unit, survey.obstacle) == (NAME, "")
        place.let_go()
        async for _ in again.bring_back():
            pass
    assert again.report.is_up, again.report
    await connection.close()
    assert place.calls[-2:] == ENDING
    assert STAND_IN not in place.there
    all_pull(registry.host, images=FEW)
