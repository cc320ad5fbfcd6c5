"""What a registry may have arranged on its host gives it no rights that it hasn't: a service that was taken over tells
regtui what to run and where, and links in a storage lead elsewhere, while regtui logs in as root."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from regtui.garbage.values import Choices
from regtui.host.errors import HostNotAllowed
from regtui.host.finding import find
from regtui.host.hosts import LocalHost
from regtui.host.keep_out import KeepOut
from regtui.host.profile import HostSettings
from tests.integration.conftest import short_folder
from tests.support.collecting import connected, delete_half, fill, target
from tests.support.containers import Containers, must_be_root, start_registry_container
from tests.support.hostile_host import make_hostile_host
from tests.unit.garbage.test_from_host_to_shell import ask_everything

_EVIL = """\
#!/bin/sh
id -un >> "{record}"
echo "registry 2.8.2"
"""


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that everybody can enter."""
    must_be_root("runuser")
    with short_folder() as folder:
        folder.chmod(0o755)
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        yield folder


def test_a_program_that_a_service_names_runs_as_the_service_alone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may write what it likes into its own command line."""
    host = make_hostile_host(place / "host")
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    record = place / "record"
    record.touch()
    record.chmod(0o666)
    program = place / "docker-registry"
    program.write_text(_EVIL.format(record=record))
    program.chmod(0o755)
    config = place / "config.yml"
    config.write_text(f"storage: {{filesystem: {{rootdirectory: {host.root}}}}}")
    with host.process(str(program), "serve", str(config), user="nobody") as pid:
        host.write("show", f"LoadState=loaded\nMainPID={pid}\nUser=nobody\nExecStart=\n")
        assert asyncio.run(ask_everything("systemd", host, KeepOut)) >= 10
    assert set(record.read_text().split()) == {"nobody"}


def test_a_config_that_a_service_names_is_read_by_the_service_alone(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What else it might be is somebody's secret: by its environment the service says where redis's password goes."""
    host = make_hostile_host(place / "host")
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    secret = place / "secret.yml"
    secret.write_text("storage: {filesystem: {}}\nredis: {password: s3cret}\n")
    secret.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        environment = {"REGISTRY_REDIS_ADDR": address, "REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR": "redis"}
        with host.process("docker-registry", "serve", str(secret), environment=environment, user="nobody") as pid:
            host.write("show", f"LoadState=loaded\nMainPID={pid}\nUser=nobody\nExecStart=\n")
            with pytest.raises(HostNotAllowed) as raised:
                asyncio.run(find(LocalHost(), HostSettings(runtime="systemd"), 5000))
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert (
        f"nobody, as whom docker-registry.service runs on this machine, may not read its config file {secret}."
        in str(raised.value)
    )


async def test_what_collects_for_a_confined_registry_is_as_confined(
    containers: Containers, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{containers.bin}:{os.environ['PATH']}")
    confined = ("--cap-drop", "ALL", "--cap-add", "DAC_OVERRIDE", "--security-opt", "no-new-privileges", "--read-only")
    made = start_registry_container(containers, "3.1.1", place / "storage", name="confined", options=confined)
    with made as registry:
        fill(registry.url, images=2)
        connection = await connected(target(registry, runtime="docker", container="confined"))
        await delete_half(connection, images=2)
        collector = connection.collector()
        await collector.forecast(Choices())
        runs = [line for line in collector.commands(Choices()) if "garbage-collect" in line]
        async for _ in collector.collect(Choices()):
            pass
        await connection.close()
    assert collector.report.is_complete, collector.report
    for word in ("--cap-drop=", "--security-opt=no-new-privileges", "--read-only"):
        assert word in runs[0]
