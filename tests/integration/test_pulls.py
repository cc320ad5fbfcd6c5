"""Pulls by what registries, containers and nginx really log; the clients that pull are crane, skopeo and podman."""

import asyncio
import gzip
import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from regtui.host.hosts import LocalHost
from regtui.host.profile import HostSettings
from regtui.registry.identity import RegistryId
from regtui.retention.access_log import LoggedImages
from regtui.retention.errors import SourceFailed
from regtui.retention.pull_reading import read_pulls
from regtui.retention.pull_store import PullStore
from tests.support.clients import crane, skopeo
from tests.support.commands import Regtui
from tests.support.containers import Containers, start_registry_container
from tests.support.images import open_registry, push_image, push_index
from tests.support.nginx import start_nginx
from tests.support.servers import VERSIONS, RegistryServer, start_registry

HERE = RegistryId.parse("registry.example.com")


def read(store: PullStore, log: Path, prefix: str = "") -> LoggedImages:
    settings = HostSettings(access_log=str(log))
    return asyncio.run(read_pulls(store, LocalHost(), settings, HERE, port=0, prefix=prefix))


@pytest.fixture
def store(tmp_path: Path) -> PullStore:
    return PullStore(tmp_path / "state/pulls.sqlite")


@pytest.fixture(params=[*VERSIONS, "2.8.2 json", "3.1.1 json"])
def logging(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RegistryServer]:
    """A registry whose log is as its version writes it."""
    version, _, formatter = request.param.partition(" ")
    with start_registry(version, tmp_path / "registry", logs={"formatter": formatter} if formatter else {}) as server:
        yield server


def test_counts_agree_with_what_was_really_fetched(logging: RegistryServer, store: PullStore, tmp_path: Path) -> None:
    """HEAD and regtui's own requests are none of it; the log is read on where it was left, also when it was rotated."""
    begin = datetime.now(UTC) - timedelta(seconds=1)
    with open_registry(logging.url) as client:
        app = push_image(client, "team/app", "1.4")
        index = push_index(client, "team/multi", "2.0")
    reference = f"{logging.host}/team/app:1.4"
    for _ in range(3):
        crane("manifest", reference)
    crane("digest", reference)
    crane("pull", f"{logging.host}/team/app@{app.digest}", str(tmp_path / "app.tar"))
    skopeo("inspect", "--raw", f"docker://{logging.host}/team/multi:2.0")
    regtui = Regtui(tmp_path)
    assert regtui("tags", f"{logging.host}/team/app").returncode == 0

    found = read(store, logging.log)
    assert found.pulls == 5
    assert set(found.pulled) == {("team/app", "1.4"), ("team/app", app.digest), ("team/multi", "2.0")}
    assert {("team/app", "1.4"), ("team/multi", "2.0"), ("team/multi", index.digest)} - set(found.pushed) == {
        ("team/multi", index.digest)
    }
    assert all(begin <= time <= datetime.now(UTC) for time in found.pulled.values())
    pulls = store.of(HERE, "team/app", datetime.now(UTC))
    assert pulls.since is not None
    assert pulls.tags["1.4"] >= begin
    assert pulls.pushed["1.4"] >= begin

    # Rotated as logrotate does it by copying, and once more with gzip: what comes later is read on, nothing is missed.
    rotated = logging.log.with_name(f"{logging.log.name}.1")
    shutil.copy2(logging.log, rotated)
    os.truncate(logging.log, 0)
    crane("manifest", f"{logging.host}/team/multi:2.0")
    compressed = rotated.with_name(f"{rotated.name}.gz")
    compressed.write_bytes(gzip.compress(rotated.read_bytes()))
    shutil.copystat(rotated, compressed)
    rotated.unlink()
    again = read(store, logging.log)
    assert ("team/multi", "2.0") in again.pulled
    assert len(store.spans(HERE)) == 1
    assert store.of(HERE, "team/app", datetime.now(UTC)).since == pulls.since


def test_nginx_in_front_of_it(store: PullStore, tmp_path: Path) -> None:
    """Behind a path, in the combined format; what it can't be read as is told, and nothing is known."""
    log = tmp_path / "access.log"
    server = f"access_log {log} combined;"
    with (
        start_registry("2.8.2", tmp_path / "registry") as registry,
        start_nginx(registry, tmp_path / "nginx", prefix="/reg", server=server) as nginx,
    ):
        with open_registry(registry.url) as client:
            push_image(client, "team/app", "1.4")
        for _ in range(2):
            with open_registry(nginx.url) as client:
                client.get("v2/team/app/manifests/1.4").raise_for_status()
        found = read(store, log, "/reg")
    assert (found.pulls, set(found.pulled)) == (2, {("team/app", "1.4")})
    with pytest.raises(SourceFailed, match="can't be read"):
        read(store, tmp_path / "nowhere.log")
    other = tmp_path / "other.log"
    other.write_text("nothing about requests\n" * 10)
    assert read(store, other).end is None
    assert store.of(HERE, "team/app", datetime.now(UTC)).since is None


@pytest.mark.each_runtime
@pytest.mark.parametrize("version", VERSIONS)
def test_a_container_s_log(version: str, containers: Containers, regtui: Regtui, tmp_path: Path) -> None:
    """By the runtime, without a word of configuration but which container it is; and what a rule makes of it."""
    options = ("-e", "REGISTRY_LOG_ACCESSLOG_DISABLED=false")
    name = f"pulls-{version}"
    with start_registry_container(containers, version, tmp_path / "storage", name=name, options=options) as registry:
        regtui.environment["PATH"] = f"{containers.bin}:{os.environ['PATH']}"
        file = regtui.home / ".config/regtui/config.toml"
        file.parent.mkdir(parents=True)
        file.write_text(
            f'default = "prod"\n[registries.prod]\naddress = "{registry.url}"\n'
            f'[registries.prod.host]\nruntime = "{containers.program}"\ncontainer = "{name}"\n'
        )
        with open_registry(registry.url) as client:
            push_image(client, "team/app", "pulled")
            push_image(client, "team/app", "unused")
        crane("manifest", f"{registry.host}/team/app:pulled")
        begin = datetime.now(UTC) - timedelta(minutes=5)
        kept = regtui("rm", "prod/team/app", "--not-pulled-for", "1h", "--dry-run", "--json")
        assert (kept.returncode, kept.stdout) == (0, ""), kept
        assert "pulls are known since" in kept.stderr
        records = [json.loads(line) for line in regtui("tags", "prod/team/app", "--json").stdout.splitlines()]
    by_tag = {record["tag"]: record for record in records}
    assert begin <= datetime.fromisoformat(by_tag["pulled"]["pulled"]) <= datetime.now(UTC)
    assert "pulled" not in by_tag["unused"]
    assert begin <= datetime.fromisoformat(by_tag["unused"]["pushed"]) <= datetime.now(UTC)
