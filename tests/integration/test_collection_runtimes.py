"""The other ways in which registries are run: compose, kubectl, commands of the user's own, read-only switches."""

import json
import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from regtui.garbage.values import Choices, Stage, StageStatus, Survey
from regtui.host.errors import NotOnHost, Unsafe
from regtui.host.keep_out import KeepOut
from regtui.session.session import Session
from tests.support.collecting import Registry, all_pull, bytes_on_disk, connected, delete_half, fill, target
from tests.support.containers import (
    Containers,
    RegistryContainer,
    free_port,
    start_registry_container,
    wait_until_up,
)
from tests.support.engine import write_compose
from tests.support.registry_images import STORAGE
from tests.support.systemd import UNIT, start_service

pytestmark = pytest.mark.each_runtime

FEW = 4

# Of docker compose only what regtui uses, on a container of the same name.
_COMPOSE = """\
#!/bin/sh
if test "$1" = compose; then
    test "$2" != version || exit 0
    echo "$*" >> "{directory}/calls"
    test "$2 $3" = "--project-directory {directory}" || exit 1
    shift 3
    case $1 in
        ps) exec {docker} ps -a -q --filter "name=$4" ;;
        stop|start) exec {docker} "$1" "$2" ;;
    esac
    exit 1
fi
exec {docker} "$@"
"""

# Records what it is called with; what it is to execute in a pod it executes in a container.
_KUBECTL = """\
#!/bin/sh
echo "$*" >> "{directory}/calls"
test "$*" != "config current-context" || {{ echo prod; exit; }}
test "$1 $2 $3" = "--context=prod --namespace infra" || exit 1
shift 3
case $1 in
    get) cat "{directory}/deployment.json" ;;
    set|rollout) ;;
    exec)
        shift
        if test "$1" = -i; then interactive=-i; shift; fi
        test "$2 $3" = "-c registry" || exit 1
        shift 4
        exec {docker} exec $interactive {name} "$@"
        ;;
    *) exit 1 ;;
esac
"""


# What a roll-out comes to: another one, with the variable or without it.
_ANEW = """\
    set)
        case $6 in
            *=*) set -- -e "$6" ;;
            *) set -- ;;
        esac
        {docker} rm -f {name} >/dev/null || exit 1
        exec {docker} run -d --name {name} --network host -e REGISTRY_HTTP_ADDR={host} -v {storage} "$@" {image} ;;
"""


@asynccontextmanager
async def half_deleted(registry: Registry, **settings: Any) -> AsyncIterator[Session]:
    fill(registry.url, images=FEW)
    connection = await connected(target(registry, **settings))
    try:
        await delete_half(connection, images=FEW)
        yield connection
    finally:
        await connection.close()


async def frees_what_it_said(registry: Registry, connection: Session, choices: Choices) -> list[str]:
    """Collects; the command lines that were shown before."""
    collector = connection.collector()
    await collector.survey()
    forecast = await collector.forecast(choices)
    commands = collector.commands(choices)
    before = bytes_on_disk(registry.storage)
    async for _ in collector.collect(choices):
        pass
    report = collector.report
    assert report.is_complete, report
    assert forecast.bytes == report.freed == before - bytes_on_disk(registry.storage) > 0
    assert registry.is_running()
    all_pull(registry.host, images=FEW)
    return list(commands)


def put_first(monkeypatch: pytest.MonkeyPatch, directory: Path, **programs: str) -> None:
    """These programs come before all others."""
    for name, script in programs.items():
        (directory / name).write_text(script)
        (directory / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")


async def test_compose_by_a_stand_in_stops_and_starts_the_service(
    containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = containers.bin / "docker"
    put_first(monkeypatch, tmp_path, docker=_COMPOSE.format(directory=tmp_path, docker=docker))
    with start_registry_container(containers, "3.1.1", tmp_path / "storage", name="composed") as registry:
        settings = {"runtime": "compose", "container": "composed", "directory": str(tmp_path)}
        async with half_deleted(registry, **settings) as connection:
            commands = await frees_what_it_said(registry, connection, Choices())
    in_project = f"compose --project-directory {tmp_path}"
    assert (tmp_path / "calls").read_text().splitlines()[-2:] == [
        f"{in_project} {v} composed" for v in ("stop", "start")
    ]
    assert f"docker {in_project} stop composed" in commands


@pytest.fixture
def composed(engine: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RegistryContainer]:
    """The service `web` of a project that the first Compose (Debian's docker-compose 1.29) started on the Engine."""
    project, port = tmp_path / "it's the project", free_port()
    project.mkdir()
    network = ["ports: ['127.0.0.1:{}:5000']", "network_mode: bridge"] if engine.publishes else ["network_mode: host"]
    lines = [
        "version: '2.4'",
        "services:",
        "  web:",
        f"    image: {engine.image('2.8.2')}",
        *(f"    {line}".format(port) for line in network),
        *([] if engine.publishes else [f"    environment: ['REGISTRY_HTTP_ADDR=127.0.0.1:{port}']"]),
        "    volumes: ['./storage:/var/lib/registry']",
    ]
    (project / "docker-compose.yml").write_text("\n".join(lines) + "\n")
    write_compose(engine, tmp_path / "docker-compose")
    monkeypatch.setenv("PATH", f"{tmp_path}:{engine.bin}:{os.environ['PATH']}")
    compose = [str(tmp_path / "docker-compose")]
    subprocess.run([*compose, "up", "-d"], cwd=project, check=True, capture_output=True)
    try:
        name = subprocess.run([*compose, "ps", "-q"], cwd=project, check=True, capture_output=True, text=True).stdout
        registry = RegistryContainer(engine, name.strip(), "2.8.2", f"http://127.0.0.1:{port}", project / "storage")
        wait_until_up(registry.url)
        yield registry
    finally:
        subprocess.run([*compose, "down", "-t", "1"], cwd=project, check=True, capture_output=True)


async def test_the_first_compose_on_the_engine_stops_and_starts_the_service(composed: RegistryContainer) -> None:
    settings = {"runtime": "compose", "container": "web", "directory": str(composed.storage.parent)}
    async with half_deleted(composed, **settings) as connection:
        survey = await connection.collector().survey()
        assert (survey.runtime, survey.unit) == ("docker-compose", "web")
        commands = await frees_what_it_said(composed, connection, Choices())
    assert any("docker-compose stop web" in command for command in commands)


def run_compose(directory: Path, project: Path, *words: str) -> None:
    subprocess.run([str(directory / "docker-compose"), *words], cwd=project, check=True, capture_output=True)


async def test_what_compose_ran_beside_the_service_is_neither_it_nor_stopped_with_it(
    composed: RegistryContainer, tmp_path: Path
) -> None:
    """A command that was once run by `compose run` has left a container; a registry that was run so takes pushes."""
    project = composed.storage.parent
    settings: dict[str, Any] = {"runtime": "compose", "container": "web", "directory": str(project)}

    async def survey(**settings: Any) -> Survey:
        connection = await connected(target(composed, **settings))
        try:
            return await connection.collector().survey()
        finally:
            await connection.close()

    try:
        # By its name it comes first.
        run_compose(tmp_path, project, "run", "--name", "a-command", "web", "registry", "--version")
        assert (await survey(**settings)).version == "2.8.2"
        address = ("-e", f"REGISTRY_HTTP_ADDR=127.0.0.1:{free_port()}")
        run_compose(tmp_path, project, "run", "--name", "another", "-d", *address, "web")
        for asked in (settings, {"runtime": "docker", "container": composed.name}):
            found = await survey(**asked)
            assert "would take pushes into the sweep: another" in found.obstacle
            assert found.keep_out == ()
    finally:
        composed.containers.remove("a-command", "another")


async def test_replicas_are_stopped_together_by_compose_and_by_nothing_else(
    composed: RegistryContainer, tmp_path: Path
) -> None:
    if not composed.containers.publishes:
        return  # On the host's network there is room for one.
    project = composed.storage.parent
    file = project / "docker-compose.yml"
    file.write_text(re.sub("127.0.0.1:[0-9]+:5000", "127.0.0.1::5000", file.read_text()))
    run_compose(tmp_path, project, "up", "-d", "--scale", "web=2")
    names = composed.containers("ps", "--format", "{{.Names}}").split()
    ours = min(name for name in names if name.endswith("web_1"))
    port = composed.containers("port", ours, "5000/tcp").rpartition(":")[2]
    registry = replace(composed, url=f"http://127.0.0.1:{port}")
    ways = {}
    by_compose = {"runtime": "compose", "container": "web", "directory": str(project)}
    asked: tuple[dict[str, Any], ...] = (by_compose, {"runtime": "docker", "container": ours})
    for settings in asked:
        connection = await connected(target(registry, **settings))
        try:
            ways[settings["runtime"]] = (await connection.collector().survey()).keep_out
        finally:
            await connection.close()
    assert ways == {"compose": (KeepOut.STOP, KeepOut.ONLINE), "docker": ()}


async def test_a_service_that_compose_does_not_know(composed: RegistryContainer) -> None:
    directory = str(composed.storage.parent)
    connection = await connected(target(composed, runtime="compose", container="registry", directory=directory))
    with pytest.raises(NotOnHost, match="There is no compose service registry on this machine"):
        await connection.collector().survey()
    await connection.close()


async def test_where_there_is_no_compose_that_is_named(
    containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_first(monkeypatch, tmp_path, **{"docker-compose": "#!/bin/sh\nexit 127\n"})
    monkeypatch.setenv("PATH", f"{tmp_path}:{containers.bin}:/usr/bin:/bin")
    with start_registry_container(containers, "3.1.1", tmp_path / "storage", name="uncomposed") as registry:
        connection = await connected(target(registry, runtime="compose", container="web"))
        with pytest.raises(NotOnHost, match=r"neither docker's plugin \(docker compose\) nor docker-compose"):
            await connection.collector().survey()
        await connection.close()


async def test_kubectl_by_a_recording_stand_in_rolls_the_deployment_out_read_only_and_back(
    containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker, name = containers.bin / "docker", "pod"
    mounts = [{"name": "data", "mountPath": "/var/lib/registry"}]
    pod = {
        "name": "registry",
        "volumeMounts": mounts,
        "image": "registry:3",
        "args": ["/etc/distribution/config.yml"],
        "env": [{"name": "A", "value": "b"}],
    }
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "registry"}}]
    deployment = {"spec": {"template": {"spec": {"containers": [pod], "volumes": volumes}}}}
    (tmp_path / "deployment.json").write_text(json.dumps(deployment))
    with start_registry_container(containers, "3.1.1", tmp_path / "storage", name=name) as registry:
        anew = _ANEW.format(
            docker=docker,
            name=name,
            host=registry.host,
            storage=f"{tmp_path}/storage:{STORAGE}",
            image=containers.image("3.1.1"),
        )
        kubectl = _KUBECTL.format(directory=tmp_path, docker=docker, name=name).replace("    set|", f"{anew}    ")
        put_first(monkeypatch, tmp_path, kubectl=kubectl)
        settings = {"runtime": "kubectl", "container": "registry", "namespace": "infra"}
        async with half_deleted(registry, **settings) as connection:
            collector = connection.collector()
            assert (await collector.survey()).keep_out == (KeepOut.READ_ONLY, KeepOut.ONLINE)
            await frees_what_it_said(registry, connection, Choices(keep_out=KeepOut.READ_ONLY))
    calls = [
        call.removeprefix("--context=prod --namespace infra ") for call in (tmp_path / "calls").read_text().splitlines()
    ]
    switches = [call for call in calls if call.startswith(("set", "rollout"))]
    assert switches == [
        'set env deployment/registry -c registry REGISTRY_STORAGE_MAINTENANCE_READONLY={"enabled":true}',
        "rollout status deployment/registry --timeout=120s",
        "set env deployment/registry -c registry REGISTRY_STORAGE_MAINTENANCE_READONLY-",
        "rollout status deployment/registry --timeout=120s",
    ]
    collected = calls.index(
        "exec deployment/registry -c registry -- registry garbage-collect /etc/distribution/config.yml"
    )
    assert calls.index(switches[1]) < collected < calls.index(switches[2])


async def test_a_command_of_the_users_own_collects_stops_and_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_service("2.8.2", tmp_path / "service") as service:
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        settings = {
            "runtime": "command",
            "command": "docker-registry {} 2>&1",
            "config": str(service.config),
            "storage": str(service.storage),
            "stop": f"systemctl stop {UNIT}",
            "start": f"systemctl start {UNIT}",
        }
        async with half_deleted(service, **settings) as connection:
            commands = await frees_what_it_said(service, connection, Choices())
        assert service.calls[-2:] == [f"stop {UNIT}", f"start {UNIT}"]
        assert commands[0] == f"systemctl stop {UNIT}"


async def test_what_still_takes_pushes_after_it_was_switched_is_put_back_and_not_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_service("2.8.2", tmp_path / "service") as service:
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        settings = {
            "runtime": "command",
            "command": "docker-registry {} 2>&1",
            "config": str(service.config),
            "storage": str(service.storage),
            # Its cache is in memory.
            "stop": f"systemctl stop {UNIT}",
            "start": f"systemctl start {UNIT}",
            "read_only": f"touch {tmp_path}/switched",
            "read_write": f"rm {tmp_path}/switched",
        }
        async with half_deleted(service, **settings) as connection:
            collector = connection.collector()
            before = bytes_on_disk(service.storage)
            async for _ in collector.collect(Choices(keep_out=KeepOut.READ_ONLY)):
                pass
            (sentence,) = collector.report.trouble
            assert "The registry can't be seen to refuse pushes: nothing was swept." in sentence
            assert not collector.report.is_complete
        assert bytes_on_disk(service.storage) == before
        assert not (tmp_path / "switched").exists()
        assert not list(service.storage.rglob("_uploads/*"))


async def test_switched_to_read_only_it_answers_pulls_while_it_is_collected(
    containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By commands of the user's: they make the container anew, with and without the variable."""
    monkeypatch.setenv("PATH", f"{containers.bin}:{os.environ['PATH']}")
    storage, held = tmp_path / "storage", tmp_path / "held"
    held.touch()
    with start_registry_container(containers, "2.8.2", storage, name="switched") as registry:
        anew = (
            "docker rm -f switched && docker run -d --name switched --network host "
            f"-e REGISTRY_HTTP_ADDR={registry.host} -v {storage}:{STORAGE} {{}} {containers.image('2.8.2')}"
        )
        settings = {
            "runtime": "docker",
            "container": "switched",
            "read_only": anew.format("""-e REGISTRY_STORAGE_MAINTENANCE_READONLY='{"enabled":true}'"""),
            "read_write": f"while test -e {held}; do sleep 0.05; done; {anew.format('')}",
        }
        choices = Choices(keep_out=KeepOut.READ_ONLY)
        async with half_deleted(registry, **settings) as connection:
            collector = connection.collector()
            await collector.survey()
            forecast = await collector.forecast(choices)
            async with httpx.AsyncClient(base_url=registry.url, trust_env=False) as client:
                async for event in collector.collect(choices):
                    if event.stage is Stage.COLLECT and event.status is StageStatus.DONE:
                        assert (await client.get("/v2/team/app/tags/list")).status_code == 200
                        assert (await client.post("/v2/team/app/blobs/uploads/")).status_code == 405
                        held.unlink()
                assert (await client.post("/v2/team/app/blobs/uploads/")).status_code == 202
            assert collector.report.is_complete, collector.report
            assert collector.report.freed == forecast.bytes > 0
            all_pull(registry.host, images=FEW)


@pytest.mark.parametrize("volume", [{"emptyDir": {}}, {"emptyDir": {"medium": "Memory"}}, None], ids=str)
async def test_a_deployment_whose_storage_goes_with_its_pod_is_not_rolled_out(
    podman: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, volume: dict[str, Any] | None
) -> None:
    """By the recording stand-in."""
    pod: dict[str, Any] = {"name": "registry", "image": "registry:3", "args": ["/etc/distribution/config.yml"]}
    spec: dict[str, Any] = {"containers": [pod]}
    if volume is not None:
        pod["volumeMounts"] = [{"name": "data", "mountPath": "/var/lib/registry"}]
        spec["volumes"] = [{"name": "data", **volume}]
    (tmp_path / "deployment.json").write_text(json.dumps({"spec": {"template": {"spec": spec}}}))
    docker = podman.bin / "docker"
    put_first(monkeypatch, tmp_path, kubectl=_KUBECTL.format(directory=tmp_path, docker=docker, name="pod"))
    with start_registry_container(podman, "3.1.1", tmp_path / "storage", name="pod") as registry:
        settings = {"runtime": "kubectl", "container": "registry", "namespace": "infra"}
        async with half_deleted(registry, **settings) as connection:
            for way in (KeepOut.READ_ONLY, KeepOut.ONLINE):
                with pytest.raises(Unsafe, match="in no lasting volume"):
                    async for _ in connection.collector().collect(Choices(keep_out=way)):
                        pass
    calls = (tmp_path / "calls").read_text()
    assert " set " not in calls
    assert "rollout" not in calls
