"""What answers pulls while a registry is stopped: where there can be one, and what its command lines hold."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from regtui.host.configuration import StorageSettings, read_storage
from regtui.host.containers import Container
from regtui.host.stand_in import stand_in, why_not

CONTAINER = Container(
    name="registry",
    image="sha256:0030ba3d620c",
    image_name="registry:2",
    command=("/entrypoint.sh", "/etc/docker/registry/config.yml"),
    is_running=True,
    environment={},
    mounts={"/var/lib/registry": "/srv/registry"},
    publications=("127.0.0.1:5000:5000/tcp",),
    user="1000",
    network="bridge",
)
STORAGE = StorageSettings("filesystem", "/var/lib/registry", True, "inmemory")


def test_it_has_the_registrys_image_port_user_and_words_and_its_volumes_read_only() -> None:
    made = stand_in(["sudo", "-n", "docker"], CONTAINER, "registry.env")
    for words in (
        "sudo -n docker create --name regtui-pulls-registry --label regtui.stands-in-for=registry",
        "--volumes-from registry:ro",
        "--network bridge -p 127.0.0.1:5000:5000/tcp --user 1000",
        "--entrypoint /entrypoint.sh -- sha256:0030ba3d620c /etc/docker/registry/config.yml",
    ):
        assert words in made.make
    assert " -p " not in stand_in(["docker"], replace(CONTAINER, network="host"), "registry.env").make


def test_what_its_environment_says_of_read_only_mode_and_cache_is_ours_alone(tmp_path: Path) -> None:
    (tmp_path / "registry.env").write_text(
        "REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED=false\nREGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR=redis\nA=b\n"
    )
    told = 'docker() { test "$1" != create || printf "%s\\n" "$@"; }\n'
    line = stand_in(["docker"], CONTAINER, "registry.env").make
    done = subprocess.run(["sh", "-c", told + line], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (tmp_path / "stand-in.env").read_text() == "A=b\n"
    variables = [word for word in done.stdout.split("\n") if word.startswith("REGISTRY_")]
    assert variables == [
        'REGISTRY_STORAGE_MAINTENANCE={"readonly":{"enabled":true},"uploadpurging":{"enabled":false}}',
        "REGISTRY_STORAGE_CACHE={}",
    ]
    # Of an environment that has nothing else, nothing is left.
    (tmp_path / "registry.env").write_text("REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR=redis\n")
    subprocess.run(["sh", "-c", told + line], cwd=tmp_path, capture_output=True, check=True)


def test_where_a_mount_of_it_is_writable_it_is_not_begun(tmp_path: Path) -> None:
    (tmp_path / "registry.env").touch()
    told = 'docker() { test "$1" = create || echo /var/lib/registry; }\n'
    line = stand_in(["docker"], CONTAINER, "registry.env").make
    assert subprocess.run(["sh", "-c", told + line], cwd=tmp_path, capture_output=True).returncode != 0


@pytest.mark.parametrize(
    ("container", "storage", "reason"),
    [
        ({"publications": ()}, {}, "publishes no fixed port"),
        ({"network": "container:proxy"}, {}, "has its network from elsewhere"),
        ({}, {"driver": "s3", "root": ""}, "no volume that a stand-in could have read-only"),
        ({}, {"is_pull_through": True}, "a pull-through cache"),
    ],
)
def test_where_there_can_be_none_the_reason_is_said(
    container: dict[str, object], storage: dict[str, object], reason: str
) -> None:
    why = why_not(replace(CONTAINER, **container), replace(STORAGE, **storage))  # type: ignore[arg-type]
    assert reason in why
    assert why.startswith("While registry is stopped nothing can serve pulls: ")


def test_on_the_hosts_network_no_port_has_to_be_published() -> None:
    assert why_not(CONTAINER, STORAGE) == ""
    assert why_not(replace(CONTAINER, network="host", publications=()), STORAGE) == ""


@pytest.mark.parametrize(
    ("config", "environment"),
    [
        ("storage: {filesystem: {}}\nproxy: {remoteurl: 'https://registry-1.docker.io'}", {}),
        ("storage: {filesystem: {}}", {"REGISTRY_PROXY_REMOTEURL": "https://registry-1.docker.io"}),
    ],
)
def test_a_pull_through_cache_is_one_by_config_or_environment(config: str, environment: dict[str, str]) -> None:
    assert read_storage(config, environment, "/c.yml").is_pull_through
    assert not read_storage("storage: {filesystem: {}}", {}, "/c.yml").is_pull_through
