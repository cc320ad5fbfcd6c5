"""What keeps a collection from beginning: one clear sentence each, and nothing is changed."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from regtui.errors import RegtuiError
from regtui.garbage.values import Choices
from regtui.garbage.verdict import CollectorFailed
from regtui.host.errors import HostNotAllowed, NotOnHost, Unsafe
from regtui.host.hosts import Interactive
from regtui.host.keep_out import KeepOut
from regtui.ssh.errors import HostKeyChanged, HostKeyUnknown, HostUnreachable, LoginRefused
from tests.support.collecting import (
    all_pull,
    bytes_on_disk,
    connected,
    delete_half,
    fill,
    target,
)
from tests.support.containers import Containers, RegistryContainer, start_registry_container
from tests.support.images import open_registry, push_image
from tests.support.small_disk import small_disk
from tests.support.ssh_host import SshHostForTests, start_ssh_host
from tests.support.sshd import make_key
from tests.support.systemd import UNIT, start_service


@dataclass(frozen=True)
class Place:
    registry: RegistryContainer
    host: SshHostForTests
    programs: Path
    """What the host has before everything else on PATH: `docker`, until a test changes it."""

    async def survey(self, interactive: Interactive | None = None, **settings: str) -> RegtuiError:
        """What looking around fails with."""
        connection = await connected(target(self.registry, self.host, **settings))
        try:
            with pytest.raises(RegtuiError) as failed:
                await connection.collector(interactive).survey()
        finally:
            await connection.close()
        assert failed.value.message.endswith("."), failed.value
        assert "\n" not in str(failed.value)
        return failed.value

    def stand_in(self, name: str, script: str) -> None:
        (self.programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.programs / name).chmod(0o755)


@pytest.fixture(scope="module")
def registry(containers: Containers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryContainer]:
    storage = tmp_path_factory.mktemp("trouble") / "storage"
    # On the host's network: no port of it is published.
    options = ("--network", "host")
    with start_registry_container(containers, "3.1.1", storage, name="trouble", options=options) as started:
        yield started


@pytest.fixture
def place(registry: RegistryContainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    programs = tmp_path / "programs"
    programs.mkdir()
    shutil.copy(registry.containers.bin / "docker", programs / "docker")
    # Only what every host has beside it: no docker of the machine that the tests run on.
    others = tmp_path / "others"
    others.mkdir()
    for program in Path("/usr/bin").iterdir():
        if program.name not in ("docker", "podman", "docker-compose", "systemctl"):
            (others / program.name).symlink_to(program)
    with start_ssh_host(tmp_path / "host", programs, path=str(others)) as host:
        monkeypatch.setenv("PATH", host.path)
        yield Place(registry, host, programs)


async def test_a_host_that_does_not_exist(place: Place) -> None:
    error = await place.survey(ssh="deploy@registry.invalid")
    assert isinstance(error, HostUnreachable)
    assert (error.exit_code, "registry.invalid" in error.message) == (3, True)


async def test_a_key_that_is_refused(place: Place) -> None:
    (place.host.server.directory / "authorized_keys").write_text("")
    error = await place.survey()
    assert isinstance(error, LoginRefused)
    assert error.exit_code == 4


async def test_a_host_key_that_has_changed(place: Place) -> None:
    make_key(place.host.server.directory / "other")
    other = (place.host.server.directory / "other.pub").read_text().split()[:2]
    place.host.server.known_hosts.write_text(f"[127.0.0.1]:{place.host.server.port} {' '.join(other)}\n")
    asked: list[Callable[[], None]] = []

    async def interactive(work: Callable[[], None]) -> None:
        asked.append(work)

    assert isinstance(await place.survey(interactive), HostKeyChanged)
    # It isn't for the user to wave through.
    assert asked == []


async def test_a_host_key_that_is_not_known_is_for_the_user_to_accept(place: Place) -> None:
    place.host.server.known_hosts.write_text("")
    assert isinstance(await place.survey(), HostKeyUnknown)
    asked: list[bool] = []

    async def interactive(work: Callable[[], None]) -> None:
        asked.append(True)

    connection = await connected(target(place.registry, place.host))
    try:
        # Whoever is asked and does nothing has accepted nothing.
        with pytest.raises(RegtuiError):
            await connection.collector(interactive).survey()
    finally:
        await connection.close()
    assert asked == [True]
    assert place.host.server.known_hosts.read_text() == ""


async def test_a_destination_that_ssh_would_read_as_an_option(place: Place) -> None:
    assert (await place.survey(ssh="-oProxyCommand=touch${IFS}pwned")).exit_code == 2


async def test_no_docker(place: Place) -> None:
    (place.programs / "docker").unlink()
    error = await place.survey(runtime="docker")
    assert isinstance(error, NotOnHost)
    assert "no docker on" in error.message


async def test_nothing_at_all_that_runs_registries(place: Place) -> None:
    (place.programs / "docker").unlink()
    error = await place.survey()
    assert isinstance(error, NotOnHost | HostNotAllowed)


async def test_a_container_that_is_not_there_the_others_are_listed(place: Place) -> None:
    error = await place.survey(runtime="docker", container="regstry")
    assert isinstance(error, NotOnHost)
    assert "regstry" in error.message
    assert "trouble (localhost/registry:3.1.1)" in error.remedy


async def test_several_registries_and_none_that_publishes_the_port(
    place: Place, containers: Containers, tmp_path: Path
) -> None:
    with start_registry_container(containers, "2.8.2", tmp_path / "other", name="another"):
        error = await place.survey()
    assert isinstance(error, NotOnHost)
    assert "another (localhost/registry:2.8.2)" in error.remedy
    assert "trouble (localhost/registry:3.1.1)" in error.remedy


async def test_the_container_of_another_registry(place: Place, containers: Containers, tmp_path: Path) -> None:
    with open_registry(place.registry.url) as client:
        push_image(client, "team/app", "1.0")
    with start_registry_container(containers, "2.8.2", tmp_path / "other", name="another") as other:
        with open_registry(other.url) as client:
            push_image(client, "elsewhere/app", "1.0")
        connection = await connected(target(place.registry, place.host, container="another", runtime="docker"))
        try:
            with pytest.raises(Unsafe, match=r"isn't that of .*team/app"):
                await connection.collector().forecast(Choices())
        finally:
            await connection.close()
        assert other.is_running()


async def test_no_permission_on_the_socket_as_docker_says_it(place: Place) -> None:
    said = (
        "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: "
        "Get http://%2Fvar%2Frun%2Fdocker.sock/v1.24/containers/json?all=1: dial unix /var/run/docker.sock: "
        "connect: permission denied"
    )
    place.stand_in("docker", f"echo {said!r} >&2; exit 1")
    error = await place.survey(runtime="docker")
    assert isinstance(error, HostNotAllowed)
    assert "sudo = true" in error.remedy


async def test_sudo_that_asks_for_a_password_as_sudo_says_it(place: Place) -> None:
    place.stand_in("sudo", "echo 'sudo: a password is required' >&2; exit 1")
    connection = await connected(target(place.registry, place.host, sudo=True, runtime="docker"))
    try:
        with pytest.raises(HostNotAllowed, match="asks for a password"):
            await connection.collector().survey()
    finally:
        await connection.close()


async def test_a_config_that_is_not_in_the_container(place: Place) -> None:
    error = await place.survey(config="/etc/elsewhere.yml")
    assert isinstance(error, NotOnHost)
    assert "no config file /etc/elsewhere.yml" in error.message


async def test_a_service_that_is_not_there_and_a_config_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_service("2.8.2", tmp_path / "service") as service:
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        for key, value, sentence in (
            ("container", "registry", "no service registry.service on this machine"),
            ("config", "/etc/elsewhere.yml", "no config file /etc/elsewhere.yml on this machine"),
        ):
            connection = await connected(target(service, None, runtime="systemd", **{key: value}))
            with pytest.raises(NotOnHost, match=sentence):
                await connection.collector().survey()
            await connection.close()
        assert service.calls[-1].endswith(UNIT)


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
async def test_an_empty_storage_is_nothing_to_collect_and_nothing_is_stopped(
    containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setenv("PATH", f"{containers.bin}:{os.environ['PATH']}")
    with start_registry_container(containers, version, tmp_path / "storage", name="empty") as registry:
        started = containers("inspect", "--format", "{{.State.StartedAt}}", "empty")
        connection = await connected(target(registry, container="empty", runtime=containers.program))
        collector = connection.collector()
        forecast = await collector.forecast(Choices())
        assert "nothing to collect" in forecast.nothing
        async for _ in collector.collect(Choices()):
            pass
        assert collector.report.is_complete
        assert containers("inspect", "--format", "{{.State.StartedAt}}", "empty") == started
        await connection.close()


async def test_a_storage_in_no_volume_can_only_be_collected_online(
    containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{containers.bin}:{os.environ['PATH']}")
    elsewhere = ("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/srv/registry",)
    made = start_registry_container(containers, "2.8.2", tmp_path / "unused", name="inside", environment=elsewhere)
    with made as registry:
        fill(registry.url, images=4)
        connection = await connected(target(registry, container="inside", runtime="docker"))
        await delete_half(connection, images=4)
        collector = connection.collector()
        assert (await collector.survey()).keep_out == (KeepOut.ONLINE,)
        forecast = await collector.forecast(Choices())
        with pytest.raises(Unsafe, match="in no volume"):
            async for _ in collector.collect(Choices()):
                pass
        async for _ in collector.collect(Choices(keep_out=KeepOut.ONLINE)):
            pass
        assert collector.report.freed == forecast.bytes > 0
        all_pull(registry.host, images=4)
        await connection.close()


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--rm", "would be removed"),
        ("--label=com.docker.swarm.service.name=registry", "swarm would start another one"),
        ("--label=io.kubernetes.pod.name=registry", "Kubernetes would start another one"),
    ],
)
async def test_a_container_that_stopping_would_harm_is_not_stopped(
    containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, sentence: str
) -> None:
    monkeypatch.setenv("PATH", f"{containers.bin}:{os.environ['PATH']}")
    made = start_registry_container(containers, "2.8.2", tmp_path / "storage", name="kept", options=(option,))
    with made as registry:
        fill(registry.url, images=2)
        connection = await connected(target(registry, container="kept", runtime="docker"))
        collector = connection.collector()
        assert KeepOut.STOP not in (await collector.survey()).keep_out
        with pytest.raises(Unsafe, match=sentence):
            async for _ in collector.collect(Choices()):
                pass
        assert registry.is_running()
        await connection.close()


async def test_an_image_without_a_shell_is_measured_on_the_host(
    containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{containers.bin}:{os.environ['PATH']}")
    made = start_registry_container(containers, "3.1.1", tmp_path / "storage", name="bare", slim=True)
    with made as registry:
        fill(registry.url, images=4)
        connection = await connected(target(registry, container="bare", runtime="docker"))
        await delete_half(connection, images=4)
        collector = connection.collector()
        forecast = await collector.forecast(Choices())
        before = bytes_on_disk(registry.storage)
        async for _ in collector.collect(Choices()):
            pass
        assert collector.report.is_complete, collector.report
        assert forecast.bytes == collector.report.freed == before - bytes_on_disk(registry.storage) > 0
        await connection.close()


async def test_a_full_disk_is_collected_all_the_same(
    containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Storage and home on one full disk: what regtui needs is kept in memory, and the collection makes room."""
    monkeypatch.setenv("PATH", f"{containers.bin}:{os.environ['PATH']}")
    with small_disk(tmp_path / "disk", "8m") as disk:
        made = start_registry_container(containers, "2.8.2", disk / "storage", name="full")
        with made as registry:
            fill(registry.url, images=4)
            connection = await connected(target(registry, container="full", runtime="docker"))
            await delete_half(connection, images=4)
            monkeypatch.setenv("XDG_STATE_HOME", str(disk / "home"))
            fill_up(disk)
            collector = connection.collector()
            forecast = await collector.forecast(Choices())
            async for _ in collector.collect(Choices()):
                pass
            assert collector.report.freed == forecast.bytes > 0, collector.report
            assert collector.report.is_up
            all_pull(registry.host, images=4)
            await connection.close()
    shared = [Path(place) / f"regtui-gc-{os.getuid()}" for place in ("/run/user/0", "/dev/shm", "/tmp")]
    (used,) = (directory for place in shared for directory in place.glob("docker-full-*"))
    shutil.rmtree(used.parent)


def fill_up(disk: Path) -> None:
    with (disk / "junk").open("wb", buffering=0) as junk:
        try:
            while True:
                junk.write(b"\0" * 4096)
        except OSError:
            return


async def test_a_damaged_link_is_named_before_anything_is_stopped(
    containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{containers.bin}:{os.environ['PATH']}")
    with start_registry_container(containers, "2.8.2", tmp_path / "storage", name="damaged") as registry:
        fill(registry.url, images=2)
        link = next(registry.storage.rglob("_manifests/revisions/sha256/*/link"))
        link.write_text("")
        connection = await connected(target(registry, container="damaged", runtime="docker"))
        with pytest.raises(CollectorFailed, match="link"):
            await connection.collector().forecast(Choices())
        assert registry.is_running()
        await connection.close()


async def test_a_wrong_binary_is_named(place: Place) -> None:
    connection = await connected(target(place.registry, place.host, runtime="docker", binary="/bin/regstry"))
    try:
        with pytest.raises(NotOnHost, match="There is no program /bin/regstry where"):
            await connection.collector().forecast(Choices())
        assert place.registry.is_running()
    finally:
        await connection.close()
