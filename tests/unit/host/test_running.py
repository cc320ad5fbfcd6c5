"""What the running registry was really started with, in place of what its settings say."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from regtui.host.configuration import StorageSettings
from regtui.host.containers import Container
from regtui.host.finding import find
from regtui.host.hosts import LocalHost
from regtui.host.profile import HostSettings
from regtui.host.running import RunningProcess, running_below, unlike_its_settings
from tests.support.hostile_host import HostileHost, make_hostile_host


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostileHost:
    made = make_hostile_host(tmp_path / "host")
    monkeypatch.setenv("PATH", f"{made.bin}:{os.environ['PATH']}")
    return made


async def test_a_process_tells_its_words_and_its_variables(host: HostileHost) -> None:
    variables = {"REGISTRY_STORAGE": "cache:\n  blobdescriptor: redis\n"}
    with host.process("registry", "serve", "/etc/my.conf", environment=variables) as pid:
        running = await running_below(LocalHost(), pid, ())
    assert running is not None
    assert running.command[-2:] == ("serve", "/etc/my.conf")
    assert running.environment["REGISTRY_STORAGE"] == variables["REGISTRY_STORAGE"]
    with host.process("nginx", "-g") as pid:
        assert await running_below(LocalHost(), pid, ()) is None


async def test_a_cache_in_redis_that_the_entry_point_sets_is_seen(host: HostileHost) -> None:
    storage = {"filesystem": {"rootdirectory": str(host.root)}, "delete": {"enabled": True}}
    host.copied_out(json.dumps({"storage": storage}))
    variables = {"REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR": "redis", "REGISTRY_REDIS_ADDR": "127.0.0.1:1"}
    with host.process("/entrypoint", "serve", "/etc/my.conf", environment=variables) as pid:
        host.inspect(Path="/entrypoint.sh", State={"Running": True, "Pid": pid})
        found = await find(LocalHost(), HostSettings(runtime="docker"), 5000)
    assert found.storage.blob_cache == "redis"
    assert found.unit.config == "/etc/my.conf"
    assert "in redis, which can't be cleared" in str(found.unsafe)


async def test_by_a_command_the_registry_is_what_serves_from_its_storage(host: HostileHost) -> None:
    config = host.directory / "config.yml"
    config.write_text(json.dumps({"storage": {"filesystem": {"rootdirectory": str(host.root)}}}))
    settings = HostSettings(
        runtime="command",
        command=f"{host.directory}/registry {{}}",
        config=str(config),
        storage=str(host.root),
        stop="true",
        start="true",
    )
    variables = {"REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR": "redis", "REGISTRY_REDIS_ADDR": "127.0.0.1:1"}
    with host.process("registry", "serve", str(config), environment=variables):
        found = await find(LocalHost(), settings, 5000)
        assert found.storage.blob_cache == "redis"
        with host.process("registry", "serve", str(config)):
            found = await find(LocalHost(), settings, 5000)
    assert found.unit.is_shared
    assert "More than one registry has the storage" in found.unit.obstacle


@pytest.mark.parametrize("variable", [{"envFrom": [{"configMapRef": {"name": "r"}}]}, None])
async def test_a_deployment_whose_variables_come_from_elsewhere_is_told_by_its_process_alone(
    host: HostileHost, variable: dict[str, object] | None
) -> None:
    by = {"name": "REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR", "valueFrom": {"configMapKeyRef": {"name": "r", "key": "c"}}}
    pod = {"command": ["registry"], **(variable or {"env": [by]})}
    host.write("deployment", json.dumps({"spec": {"template": {"spec": {"containers": [pod]}}}}))
    found = await find(LocalHost(), HostSettings(runtime="kubectl", container="registry"), 5000)
    assert "come from elsewhere (envFrom, valueFrom), and its process can't be looked at" in str(found.unsafe)


def test_what_collects_beside_it_has_its_settings_alone() -> None:
    container = Container("r", "i", "registry:2", ("/entrypoint.sh",), True, {}, pid=10)
    storage = StorageSettings("filesystem", "/var/lib/registry", False, "")
    text = "storage: {filesystem: {rootdirectory: /var/lib/registry}}"
    running = RunningProcess(("registry", "serve"), {})
    assert unlike_its_settings(container, running, text, "/c.yml", storage) is None
    elsewhere = replace(storage, root="/srv")
    assert "would take another storage" in str(unlike_its_settings(container, running, text, "/c.yml", elsewhere))
    assert "its process can't be looked at" in str(unlike_its_settings(container, None, text, "/c.yml", storage))
    itself = replace(container, command=("/bin/registry", "serve"))
    assert unlike_its_settings(itself, None, text, "/c.yml", storage) is None


def test_what_a_script_would_set_in_a_stopped_container_is_not_known() -> None:
    """The official images' own is a script."""
    container = Container("r", "i", "registry:2", ("/entrypoint.sh", "/c.yml"), False, {})
    storage = StorageSettings("filesystem", "/var/lib/registry", False, "")
    assert "while it is stopped" in str(unlike_its_settings(container, None, "", "/c.yml", storage))
    itself = replace(container, command=("/bin/registry", "serve", "/c.yml"))
    assert unlike_its_settings(itself, None, "", "/c.yml", storage) is None
