"""Which container the registry is, from what docker and podman print."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from regtui.host.configuration import StorageSettings
from regtui.host.containers import Container, choose, config_of, read_containers
from regtui.host.errors import NotOnHost, Unsafe
from regtui.host.finding import find
from regtui.host.hosts import LocalHost
from regtui.host.keep_out import KeepOut
from regtui.host.profile import HostSettings
from regtui.host.runtimes import container_unit
from regtui.host.sharing import containers_beside
from regtui.host.stopping import unconfined
from tests.support.hostile_host import make_hostile_host

# As docker 24 prints them, cut down to what is read.
OFFICIAL = {
    "Name": "/registry",
    "Path": "/entrypoint.sh",
    "Args": ["/etc/docker/registry/config.yml"],
    "State": {"Running": True},
    "Image": "sha256:0030ba3d620c",
    "Config": {"Image": "registry:2", "Env": ["REGISTRY_HTTP_SECRET=a=b"], "User": "", "Labels": {}},
    "HostConfig": {
        "NetworkMode": "bridge",
        "AutoRemove": False,
        "PortBindings": {"5000/tcp": [{"HostIp": "", "HostPort": "5000"}]},
    },
    "Mounts": [
        {"Type": "volume", "Source": "/var/lib/docker/volumes/r/_data", "Destination": "/var/lib/registry"},
        {"Type": "bind", "Source": "/srv/auth", "Destination": "/var/lib/registry/auth"},
    ],
}


def containers(*entries: dict[str, Any]) -> list[Container]:
    return read_containers(json.dumps(entries))


def like_it(name: str, port: str = "", *, running: bool = True, image: str = "registry:2") -> dict[str, Any]:
    bindings = {"5000/tcp": [{"HostPort": port}]} if port else {}
    return {
        **OFFICIAL,
        "Name": f"/{name}",
        "State": {"Running": running},
        "Config": {**OFFICIAL["Config"], "Image": image},  # type: ignore[dict-item]
        "HostConfig": {"PortBindings": bindings},
    }


def test_the_official_image() -> None:
    (found,) = containers(OFFICIAL)
    assert (found.name, found.program, found.is_registry, found.is_running) == ("registry", "registry", True, True)
    assert found.ports == frozenset({5000})
    assert dict(found.environment) == {"REGISTRY_HTTP_SECRET": "a=b"}
    assert found.on_host("/var/lib/registry/docker") == "/var/lib/docker/volumes/r/_data/docker"
    assert found.on_host("/var/lib/registry/auth/htpasswd") == "/srv/auth/htpasswd"
    assert found.on_host("/var/lib/registry2") == ""
    assert "a=b" not in repr(found)


def test_the_one_among_others() -> None:
    other = like_it("proxy", "443", image="nginx:1.27")
    assert [c.name for c in choose(containers(other, OFFICIAL), 443)] == ["registry"]


def test_of_several_the_one_that_publishes_the_port_else_the_one_that_runs() -> None:
    several = containers(like_it("a", "5000"), like_it("b", "5001"), like_it("c", running=False))
    assert [c.name for c in choose(several, 5001)] == ["b"]
    assert [c.name for c in choose(several, 443)] == ["a", "b", "c"]
    assert [c.name for c in choose(several[1:], 443)] == ["b"]


def test_what_collects_beside_a_registry_is_not_taken_for_it() -> None:
    """While it is collected the registry is stopped, and its collector runs the same program."""
    beside = {**like_it("regtui-gc-registry"), "Path": "/bin/registry", "Args": ["garbage-collect", "/c.yml"]}
    labels = {"Labels": {"regtui.collects": "registry"}}
    ours = {**beside, "Config": {**beside["Config"], **labels}}
    assert [c.name for c in choose(containers(ours, like_it("registry", running=False)), 443)] == ["registry"]
    # What somebody named like it, or an image's label alone, keeps no registry from being seen.
    for another in (beside, {**ours, "Name": "/somebodys"}, {**ours, "Name": "/regtui-gc-another"}):
        (found,) = containers(another)
        assert found.is_registry


def test_names_of_images_that_only_look_alike() -> None:
    for image, is_one in {
        "registry": True,
        "docker.io/library/registry@sha256:00": True,
        "ghcr.io/distribution/distribution:3.0": True,
        "example.com/my-registry:1": False,
        "registry.example.com/app:1": False,
    }.items():
        (found,) = containers(like_it("x", image=image))
        assert found.is_registry is is_one, image


def test_what_cant_be_read_is_never_nobody() -> None:
    """Somebody who may start containers would hide with it those that have the registry's storage."""
    for text in ("", "[]"):
        assert read_containers(text) == []
    for text in ("{", "[1]", "Error: no such object", '[{"Name": "a"}, 1]', "[" + "{}," * 1_000_001 + "{}]"):
        with pytest.raises(NotOnHost, match="can't be read"):
            read_containers(text)


def test_a_container_is_the_same_only_as_it_was_started_then() -> None:
    """Restarted, it may have another config."""
    began = "2026-11-28T22:00:00.123456789Z"
    (running,) = containers({**OFFICIAL, "Id": "f" * 64, "State": {"Running": True, "StartedAt": began}})
    unit = container_unit(
        ["docker"],
        running,
        HostSettings(),
        program="registry",
        config="/c.yml",
        root="/var/lib/registry",
        driver="filesystem",
        has_shell=True,
    )
    assert "{{json .State.StartedAt}}" in unit.is_still
    assert f'{"f" * 64} "{began}"' in unit.is_still
    assert "StartedAt" not in unit.is_another


def test_a_label_of_commas_is_one_value() -> None:
    labels = {"Labels": {"x": ',:[{"\\' * 300_000}}
    assert len(read_containers(json.dumps([{**OFFICIAL, "Config": labels}]))) == 1
    with pytest.raises(NotOnHost, match="breaks off"):
        read_containers('[{"a": "' + '\\"' * 1_000_001)


def test_a_container_that_would_be_removed_or_replaced_when_it_stops_says_so() -> None:
    (plain, removed) = containers(OFFICIAL, {**OFFICIAL, "HostConfig": {"AutoRemove": True}})
    assert plain.keeper == ""
    assert "--rm" in removed.keeper


def test_podman_is_told_from_docker_whatever_it_is_called() -> None:
    docker, podman = containers(OFFICIAL, {**OFFICIAL, "ImageName": "docker.io/library/registry:2"})
    assert (docker.is_podmans, podman.is_podmans) == (False, True)


def test_what_of_a_storage_is_in_memory() -> None:
    bound = {**OFFICIAL, "Mounts": [{"Type": "bind", "Source": "/srv", "Destination": "/var/lib/registry"}]}
    root, blobs = "/var/lib/registry", "/var/lib/registry/docker/registry/v2/blobs"
    for entry, point in (
        (bound, ""),
        ({**bound, "HostConfig": {"Tmpfs": {root: ""}}, "Mounts": []}, root),
        ({**bound, "HostConfig": {"Tmpfs": {f"{root}/": "size=1m"}}, "Mounts": []}, root),
        ({**bound, "HostConfig": {"Tmpfs": {"/var/lib": ""}}}, ""),
        ({**bound, "HostConfig": {"Tmpfs": {blobs: ""}}}, blobs),
        ({**bound, "HostConfig": {"Tmpfs": {"/tmp": "", "/var/lib/registry2": ""}}}, ""),
        ({**bound, "Mounts": [{"Type": "tmpfs", "Destination": root}]}, root),
    ):
        (found,) = containers(entry)
        assert found.loses(root) == point, entry


def test_where_its_config_may_be() -> None:
    (named, unnamed, relative) = containers(
        OFFICIAL,
        {**OFFICIAL, "Path": "registry", "Args": ["serve"]},
        {**OFFICIAL, "Args": ["serve", "c.yml"], "Config": {"WorkingDir": "/srv"}},
    )
    assert config_of(named) == ("/etc/docker/registry/config.yml",)
    of_any_name = Container("r", "", "", ("/entrypoint.sh", "registry", "serve", "/etc/my.conf"), True, {})
    assert config_of(of_any_name) == ("/etc/my.conf",)
    assert config_of(unnamed) == ("/etc/distribution/config.yml", "/etc/docker/registry/config.yml")
    assert config_of(relative) == ("/srv/c.yml",)


def test_what_stands_in_is_no_registry_where_it_cant_write() -> None:
    """Its name alone anybody can give, its label an image can have, and what can write takes pushes."""
    mount = {"Type": "bind", "Source": "/srv", "Destination": "/var/lib/registry"}
    labelled = {**OFFICIAL["Config"], "Labels": {"regtui.stands-in-for": "registry"}}  # type: ignore[dict-item]
    made = {**OFFICIAL, "Name": "/regtui-pulls-registry", "Config": labelled, "Mounts": [{**mount, "RW": False}]}
    (found,) = containers(made)
    assert (found.is_stand_in, found.is_registry) == (True, False)
    others = ({"Name": "/registry"}, {"Config": OFFICIAL["Config"]}, {"Mounts": [{**mount, "RW": True}]})
    for other in (*others, {"Mounts": [mount]}, {"Mounts": ["?"]}):
        (found,) = containers({**made, **other})
        assert (found.is_stand_in, found.is_registry) == (False, True)


@pytest.mark.parametrize(
    ("bindings", "publications"),
    [
        ({"5000/tcp": [{"HostIp": "", "HostPort": "5000"}]}, ("5000:5000/tcp",)),
        (
            {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "80"}, {"HostIp": "::1", "HostPort": "80"}]},
            ("127.0.0.1:80:5000/tcp", "[::1]:80:5000/tcp"),
        ),
        ({"5000/tcp": [{"HostIp": "", "HostPort": "5000"}], "5001/tcp": [{"HostPort": "0"}]}, ()),
        ({"5000/tcp": [{"HostPort": ""}]}, ()),
        ({"5000/tcp --privileged": [{"HostPort": "5000"}]}, ()),
        ({"5000/tcp": [{"HostIp": "1;x", "HostPort": "5000"}]}, ()),
        ({"5000/tcp": ["?"]}, ()),
        ({}, ()),
    ],
)
def test_how_its_ports_are_published(bindings: dict[str, Any], publications: tuple[str, ...]) -> None:
    (found,) = containers({**OFFICIAL, "HostConfig": {"PortBindings": bindings}})
    assert found.publications == publications


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"CapDrop": None, "CapAdd": None, "SecurityOpt": None, "Runtime": "runc"}, ()),
        ({"CapDrop": ["ALL"], "CapAdd": ["CAP_CHOWN"]}, ("--cap-drop=ALL", "--cap-add=CAP_CHOWN")),
        # More than usual isn't needed beside it.
        ({"CapDrop": ["NET_RAW"], "CapAdd": ["SYS_ADMIN"], "Privileged": True}, ("--cap-drop=NET_RAW",)),
        (
            {
                "SecurityOpt": [
                    "no-new-privileges",
                    "label=type:registry_t",
                    'seccomp={"a": 1}',
                    "systempaths=unconfined",
                ]
            },
            ("--security-opt=no-new-privileges", "--security-opt=label=type:registry_t"),
        ),
        ({"ReadonlyRootfs": True, "Runtime": "runsc"}, ("--read-only", "--runtime=runsc")),
        # What the host's own users are to it, and what it may use of the host.
        ({"UsernsMode": "host"}, ("--userns=host",)),
        (
            {"Memory": 209715200, "MemorySwap": 209715200, "PidsLimit": 100},
            ("--memory=209715200", "--memory-swap=209715200", "--pids-limit=100"),
        ),
        (
            {"Memory": 209715200, "MemorySwap": 419430400, "PidsLimit": 2048},
            ("--memory=209715200", "--pids-limit=2048"),
        ),
        ({"Memory": 0, "MemorySwap": 0, "PidsLimit": None}, ()),
        ({"Memory": -1, "MemorySwap": True, "PidsLimit": -1}, ()),
        ({"Memory": "200m", "PidsLimit": 2**70}, ()),
    ],
)
def test_what_runs_beside_it_gets_no_more_rights(settings: dict[str, Any], words: tuple[str, ...]) -> None:
    (found,) = containers({**OFFICIAL, "HostConfig": settings})
    assert found.confined == words


_MAPS: dict[str, Any] = {"UidMap": ["0:1:1000", "1000:0:1"], "GidMap": ["0:1:65536"]}


@pytest.mark.parametrize(
    ("settings", "words", "is_known"),
    [
        ({"UsernsMode": ""}, (), True),
        ({"UsernsMode": "private", "IDMappings": _MAPS}, ("0:1:1000", "1000:0:1", "0:1:65536"), True),
        ({"UsernsMode": "container:f", "IDMappings": _MAPS}, ("0:1:1000", "1000:0:1", "0:1:65536"), True),
        ({"UsernsMode": "private"}, (), False),
        ({"UsernsMode": "ns:/run/users"}, (), False),
        ({"UsernsMode": "", "IDMappings": {"UidMap": ["0:1:1000"]}}, (), False),
        ({"UsernsMode": "private", "IDMappings": {"UidMap": ["0:0:9 --privileged"], "GidMap": ["0:0:9"]}}, (), False),
        ({"UsernsMode": "private", "IDMappings": {"UidMap": [None], "GidMap": [3]}}, (), False),
    ],
)
def test_podmans_user_namespace_is_that_of_what_runs_beside_it_or_nothing_does(
    settings: dict[str, Any], words: tuple[str, ...], is_known: bool
) -> None:
    (found,) = containers({**OFFICIAL, "ImageName": "registry:2", "HostConfig": {**settings, "PidsLimit": 2048}})
    assert tuple(word.partition("=")[2] for word in found.confined) == words
    assert bool(unconfined(found)) != is_known


async def test_nothing_is_run_beside_what_cannot_be_confined_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Running, it is asked in itself, and isn't stopped; stopped, nothing of it is asked."""
    host = make_hostile_host(tmp_path / "host")
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    (host.directory / "config").write_text(json.dumps({"storage": {"filesystem": {"rootdirectory": str(host.root)}}}))
    settings = HostSettings(runtime="podman")
    made = host.container(HostConfig__UsernsMode="ns:/run/users", ImageName="registry:2")
    host.write("inspect", json.dumps([made]))
    unit = (await find(LocalHost(), settings, 5000)).unit
    assert unit.ways == (KeepOut.ONLINE,)
    assert "would have more rights than it: it has a user namespace of its own (ns:/run/users)" in unit.obstacle
    host.write("inspect", json.dumps([{**made, "State": {"Running": False}}]))
    with pytest.raises(Unsafe, match="would have more rights than it"):
        await find(LocalHost(), settings, 5000)


@pytest.mark.parametrize(
    ("variable", "value", "is_told"),
    [
        ("REGISTRY_X", "one\nREGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/other", True),
        ("REGISTRY_X", "a `b`", True),
        ("REGISTRY_X", '{"a": "it\'s\t$(b)\\"}', False),
        ("MOTD", "one\ntwo", False),
    ],
)
def test_a_variable_that_the_collector_could_not_have_as_it_is(variable: str, value: str, is_told: bool) -> None:
    """In a file of variables its second line would be one more: another storage's root, say."""
    mounts = [{"Source": "/srv", "Destination": "/var/lib/registry"}]
    (found,) = read_containers(
        json.dumps([{"Name": "/registry", "Config": {"Env": [f"{variable}={value}"]}, "Mounts": mounts}])
    )
    unit = container_unit(
        ["docker"],
        found,
        HostSettings(runtime="docker"),
        program="registry",
        config="/etc/config.yml",
        root="/var/lib/registry",
        driver="filesystem",
        has_shell=True,
    )
    assert bool(unit.obstacle) == is_told
    assert (KeepOut.STOP in unit.ways) != is_told
    assert variable in unit.obstacle or not is_told


def test_what_the_users_own_commands_may_make_anew_goes_by_its_name() -> None:
    """Switched to read-only by a container that takes its place, it has another id."""
    (found,) = read_containers(json.dumps([{"Name": "/registry", "Id": "f" * 64, "Config": {}}]))
    settings = HostSettings(runtime="docker", read_only="switch ro", read_write="switch rw")
    unit = container_unit(
        ["docker"],
        found,
        settings,
        program="registry",
        config="/etc/config.yml",
        root="/var/lib/registry",
        driver="filesystem",
        has_shell=True,
    )
    assert unit.inside == "docker exec -- registry registry"
    assert unit.shell == "docker exec -i -- registry sh"
    # Before anything is switched it has to be the one that was looked at; afterwards another one is meant to be there.
    assert "f" * 64 in unit.is_still
    assert unit.is_another == ""


async def test_a_replica_that_nothing_stops_together_with_it_takes_pushes() -> None:
    """Whatever its labels say: an image can have them, too."""
    labels = {"com.docker.compose.project": "app", "com.docker.compose.service": "registry"}
    entries = [
        {**OFFICIAL, "Name": f"/app_registry_{number}", "Id": f"{number}abc", "Config": {"Labels": labels}}
        for number in (1, 2)
    ]
    ours, other = read_containers(json.dumps([{**entry, "Path": "registry"} for entry in entries]))
    storage = StorageSettings("filesystem", "/var/lib/registry", True, "")
    assert await containers_beside(LocalHost(), ["docker"], [ours, other], ours, storage) == ["app_registry_2"]


@pytest.mark.parametrize(
    ("mode", "networks", "only"),
    [
        ("one", ("one",), "one"),
        ("one", ("two",), "two"),
        ("one", ("one", "two"), ""),
        ("bridge", ("podman-net",), "podman-net"),
        ("", (), "default"),
        ("host", ("host",), "host"),
        ("container:5b1c", (), "container:5b1c"),
    ],
)
def test_what_runs_beside_a_container_gets_no_further_than_the_one_network_that_it_is_in(
    mode: str, networks: tuple[str, ...], only: str
) -> None:
    entry = {"HostConfig": {"NetworkMode": mode}, "NetworkSettings": {"Networks": {name: {} for name in networks}}}
    assert read_containers(json.dumps([entry]))[0].only_network == only
