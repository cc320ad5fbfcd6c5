"""After a collection a push that shares a collected layer is whole, whatever the registry's blob cache is."""

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from regtui import bounds
from regtui.garbage.values import Choices
from regtui.host.errors import Unsafe
from regtui.host.keep_out import KeepOut
from tests.support.clients import crane_validate, skopeo
from tests.support.collecting import (
    GOING,
    REPOSITORY,
    Registry,
    all_pull,
    collect,
    connected,
    delete_half,
    fill,
    kept,
    target,
)
from tests.support.containers import Containers, free_port, start_registry_container, write_program
from tests.support.programs import Program, ProgramMissing, find_program
from tests.support.redis import RedisServer, start_redis, start_redis_container
from tests.support.servers import PROGRAMS, VERSIONS
from tests.support.systemd import start_service

FEW = 4
PASSWORD = "redis-of-tests"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with start_redis(tmp_path / "redis", password=PASSWORD) as server:
        yield server


def in_redis(redis: RedisServer, version: str) -> dict[str, object]:
    """The tables of a config."""
    address = {"addr": redis.address} if version == "2.8.2" else {"addrs": [redis.address]}
    return {"storage": {"cache": {"blobdescriptor": "redis"}}, "redis": {**address, "password": PASSWORD, "db": 3}}


def by_environment(redis: RedisServer, version: str) -> tuple[str, ...]:
    address = f"ADDR={redis.address}" if version == "2.8.2" else f'ADDRS=["{redis.address}"]'
    return (
        "REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR=redis",
        *(f"REGISTRY_REDIS_{variable}" for variable in (address, f"PASSWORD={PASSWORD}", "DB=3")),
    )


async def a_layer_that_was_collected_can_be_pushed_again(registry: Registry, way: KeepOut = KeepOut.STOP) -> None:
    fill(registry.url, images=FEW)
    with kept(registry.url, f"{REPOSITORY}:{GOING[0]}") as image:
        connection = await connected(target(registry, runtime=registry.runtime))
        await delete_half(connection, images=FEW)
        collector = connection.collector()
        forecast = await collector.forecast(Choices())
        assert PASSWORD not in " ".join(collector.commands(Choices(keep_out=way)))
        async for _ in collector.collect(Choices(keep_out=way)):
            pass
        report = collector.report
        await connection.close()
        assert report.is_complete, report
        assert report.freed == forecast.bytes > 0
        all_pull(registry.host, images=FEW)
        skopeo("copy", f"dir:{image}", f"docker://{registry.host}/{REPOSITORY}:again")
        crane_validate(f"{registry.host}/{REPOSITORY}:again")


@pytest.mark.parametrize("way", [KeepOut.STOP, KeepOut.ONLINE], ids=lambda way: way.value)
@pytest.mark.parametrize("version", VERSIONS)
async def test_in_redis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, redis: RedisServer, way: KeepOut
) -> None:
    with start_service(version, tmp_path / "service", changes=in_redis(redis, version)) as service:
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        await a_layer_that_was_collected_can_be_pushed_again(service, way)


@pytest.mark.parametrize("version", VERSIONS)
async def test_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    with start_service(version, tmp_path / "service", changes={"storage": {"cache": {}}}) as service:
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        await a_layer_that_was_collected_can_be_pushed_again(service)


@pytest.mark.parametrize("version", VERSIONS)
async def test_in_redis_of_a_container(
    containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, redis: RedisServer
) -> None:
    monkeypatch.setenv("PATH", f"{containers.bin}:{os.environ['PATH']}")
    made: AbstractContextManager[Registry] = start_registry_container(
        containers,
        version,
        tmp_path / "storage",
        name="cached",
        environment=by_environment(redis, version),
        options=("--network", "host"),
    )
    with made as registry:
        await a_layer_that_was_collected_can_be_pushed_again(registry)


@pytest.mark.parametrize(("version", "slim"), [("2.8.2", False), ("3.1.1", True)])
async def test_in_redis_of_a_network_that_only_containers_have(
    engine: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, slim: bool
) -> None:
    """As compose makes it: `redis` is a name there, and none of the host's. It is asked from a container in that
    network where the image has what that needs, else by the address behind the name."""
    monkeypatch.setenv("PATH", f"{engine.bin}:{os.environ['PATH']}")
    network = "cache-net"
    address = "ADDR=redis:6379" if version == "2.8.2" else 'ADDRS=["redis:6379"]'
    port = free_port()
    if not engine.publishes:
        raise ProgramMissing(Program("a bridge for containers", apt="iproute2 (on a kernel that has bridges)"))
    with (
        start_redis_container(engine, network, "redis"),
        start_registry_container(
            engine,
            version,
            tmp_path / "storage",
            name="networked",
            slim=slim,
            environment=("REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR=redis", f"REGISTRY_REDIS_{address}"),
            options=("--network", network, "-p", f"127.0.0.1:{port}:5000", "-e", "REGISTRY_HTTP_ADDR=:5000"),
            port=port,
        ) as registry,
    ):
        await a_layer_that_was_collected_can_be_pushed_again(registry)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"password": "another password"}, "WRONGPASS"),
        ({"addr": "127.0.0.1:1", "addrs": ["127.0.0.1:1"]}, "redis at 127.0.0.1:1: "),
        ({"mastername": "main"}, "it is found by sentinels"),
    ],
    ids=lambda changed: str(changed)[:20],
)
async def test_a_redis_that_cannot_be_cleared_is_told_before_anything_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis: RedisServer, changed: dict[str, object], why: str
) -> None:
    tables = in_redis(redis, "2.8.2")
    with start_service("2.8.2", tmp_path / "service", changes=tables) as service:
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        fill(service.url, images=2)
        text = service.config.read_text()
        for key, value in changed.items():
            assert isinstance(tables["redis"], dict)
            old = f'"{key}": "{tables["redis"].get(key)}"'
            text = (
                text.replace(old, f'"{key}": "{value}"')
                if old in text
                else text.replace('"redis": {\n', f'"redis": {{\n"{key}": "{value}",\n')
            )
        was = service.config.stat()
        service.config.write_text(text)
        os.utime(service.config, (was.st_atime, was.st_mtime))
        connection = await connected(target(service, runtime="systemd"))
        with pytest.raises(Unsafe, match=f"in redis, which can't be cleared .*{why}"):
            await connection.collector().forecast(Choices())
        await connection.close()
        assert not [call for call in service.calls if call.startswith("stop")]


@pytest.mark.parametrize("hangs", ["CLIENT PAUSE", "stopped"])
async def test_a_redis_that_hangs_after_the_sweep_keeps_nothing_down_and_what_it_may_have_kept_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis: RedisServer, hangs: str
) -> None:
    """It still says what it is, or nothing at all. Before the sweep it was cleared."""
    monkeypatch.setattr(bounds, "REDIS", 6.0)
    # The registry waits for it as well.
    monkeypatch.setattr(bounds, "REGISTRY_SILENCE", 3.0)
    program, real = tmp_path / "registry", find_program(PROGRAMS["2.8.2"])
    with start_service("2.8.2", tmp_path / "service", changes=in_redis(redis, "2.8.2")) as service:
        (pid,) = (line.partition(":")[2].strip() for line in redis("info", "server") if line.startswith("process_id"))
        halt = f"kill -STOP {pid}"
        if hangs == "CLIENT PAUSE":
            client = f"{find_program('redis-cli')} -p {redis.port}"
            halt = f"REDISCLI_AUTH={PASSWORD} {client} client pause 600000 write >/dev/null"
        ends = f'code=$?\ncase "$*" in "garbage-collect /"*) {halt} ;; esac\nexit "$code"'
        write_program(program, f'"{real}" "$@"\n{ends}')
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        fill(service.url, images=FEW)
        connection = await connected(target(service, runtime="systemd", binary=str(program)))
        await delete_half(connection, images=FEW)
        try:
            report, _ = await collect(connection)
        finally:
            os.kill(int(pid), signal.SIGCONT)
            redis("client", "unpause")
        await connection.close()
        said = " ".join(report.trouble)
        assert f"In redis at {redis.address}, database 3, keys blobs::* and repository::* may be left" in said
        assert f"redis at {redis.address}: it does not answer" in said
        assert report.is_up
        assert not report.is_complete
        assert service.is_running()
