"""Only the registry that was meant is collected: what looks like it is refused, before anything is stopped."""

import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from regtui.garbage.values import Choices, CollectionReport
from regtui.host.errors import Unsafe
from regtui.session.session import Session
from tests.support.collecting import bytes_on_disk, connected, target
from tests.support.commands import Done, Regtui
from tests.support.containers import wait_until_up
from tests.support.content import Recipe
from tests.support.images import open_registry, push_image, push_index
from tests.support.servers import RegistryServer, start_registry
from tests.support.systemd import UNIT, RegistryService, start_service


@pytest.fixture
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> Iterator[RegistryService]:
    """A registry that runs on this machine, as a service."""
    with start_service(version, tmp_path / "staging") as service:
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        yield service


@pytest.fixture
def prod(tmp_path: Path) -> Iterator[RegistryServer]:
    """The registry that is meant, and runs elsewhere."""
    with start_registry("3.1.1", tmp_path / "prod") as server:
        yield server


@asynccontextmanager
async def opened(url: str, service: RegistryService, **settings: Any) -> AsyncIterator[Session]:
    """The registry at `url`, with a profile that says that it runs as that service."""
    meant = target(service, runtime="systemd", **settings)
    other = target(RegistryService(service.version, service.directory, url, service.storage, service.config))
    connection = await connected(type(meant)(other.address, runs_at=meant.runs_at))
    try:
        yield connection
    finally:
        await connection.close()


async def refused(url: str, service: RegistryService, match: str, **settings: Any) -> None:
    """By the dry run, and by a collection that goes without one; nothing is stopped and nothing gone."""
    before, calls = bytes_on_disk(service.storage), len(service.calls)
    for choices in (Choices(), Choices(untagged=True)):
        async with opened(url, service, **settings) as connection:
            collector = connection.collector()
            with pytest.raises(Unsafe, match=match):
                await collector.forecast(choices)
            with pytest.raises(Unsafe, match=match):
                async for _ in collector.collect(choices):
                    pass
    assert bytes_on_disk(service.storage) == before
    assert not [call for call in service.calls[calls:] if call.startswith(("stop", "start"))]


async def test_another_registry_with_a_repository_of_the_same_name(
    staging: RegistryService, prod: RegistryServer
) -> None:
    with open_registry(staging.url) as client:
        push_image(client, "team/app", "1.0", recipe=Recipe(name="staging"))
    with open_registry(prod.url) as client:
        push_image(client, "team/app", "1.0", recipe=Recipe(name="prod"))
    await refused(prod.url, staging, r"isn't that of .*: team/app:1\.0, in the storage sha256:")


async def test_another_registry_that_lacks_what_was_pushed_since_it_was_copied(
    staging: RegistryService, prod: RegistryServer
) -> None:
    with open_registry(staging.url) as client:
        for number in range(5):
            push_image(client, "team/app", f"v{number}")
    shutil.copytree(staging.storage / "docker", prod.storage / "docker")
    with open_registry(prod.url) as client:
        push_image(client, "team/app", "newer")
    await refused(prod.url, staging, r"team/app:newer, which the registry lists, isn't there")


async def test_another_registry_that_has_more(staging: RegistryService, prod: RegistryServer) -> None:
    with open_registry(prod.url) as client:
        push_image(client, "team/app", "1.0")
    shutil.copytree(prod.storage / "docker", staging.storage / "docker")
    with open_registry(staging.url) as client:
        push_image(client, "team/app", "1.1")
    await refused(prod.url, staging, r"team/app:1\.1, in the storage sha256:.* is not there by the registry")


async def test_an_empty_storage_is_not_that_of_a_registry_that_lists_something(
    staging: RegistryService, prod: RegistryServer
) -> None:
    with open_registry(prod.url) as client:
        push_image(client, "team/app", "1.0")
    await refused(prod.url, staging, r"is empty, while .* lists team/app")


async def test_tags_that_lead_nowhere_are_the_same_there_and_here(staging: RegistryService) -> None:
    with open_registry(staging.url) as client:
        push_image(client, "team/app", "1.0")
        dangling = push_image(client, "team/app", "dangling")
    revision = staging.storage / "docker/registry/v2/repositories/team/app/_manifests/revisions"
    shutil.rmtree(revision / dangling.digest.replace(":", "/"))
    # As it is, the registry has it in memory.
    restart(staging)
    async with opened(staging.url, staging) as connection:
        report = await _collected(connection)
    assert report.is_complete, report
    assert report.verified is not None
    assert report.verified.broken_before == ("team/app:dangling leads to no manifest",)


def restart(service: RegistryService) -> None:
    for verb in ("stop", "start"):
        subprocess.run([service.bin / "systemctl", verb, UNIT], check=True)
    wait_until_up(service.url)


async def _collected(connection: Session) -> CollectionReport:
    collector = connection.collector()
    async for _ in collector.collect(Choices()):
        pass
    return collector.report


def test_what_was_broken_before_is_told_apart_on_every_output(staging: RegistryService, tmp_path: Path) -> None:
    """An index without one of its platforms, an image without its config: neither is what the collection did."""
    with open_registry(staging.url) as client:
        push_image(client, "team/app", "whole")
        lacking = push_image(client, "team/app", "lacking", recipe=Recipe(name="lacking"))
        index = push_index(client, "team/multi", "index")
        client.delete(f"v2/team/multi/manifests/{index.children[0].digest}").raise_for_status()
    config = json.loads(lacking.manifest)["config"]["digest"]
    value = config.removeprefix("sha256:")
    shutil.rmtree(staging.storage / f"docker/registry/v2/blobs/sha256/{value[:2]}/{value}")
    profile = tmp_path / "config.toml"
    profile.write_text(f"[registries.lab]\naddress = '{staging.url}'\n[registries.lab.host]\nruntime = 'systemd'\n")
    regtui = Regtui(tmp_path)

    def gc(number: int, *options: str) -> Done:
        with open_registry(staging.url) as client:
            going = push_image(client, "team/app", "going", recipe=Recipe(name=f"going {number}"))
            client.delete(f"v2/team/app/manifests/{going.digest}").raise_for_status()
        path = f"{staging.bin}:{os.environ['PATH']}"
        done = regtui("gc", "lab", "--config", str(profile), "--yes", *options, PATH=path)
        assert done.returncode == 0, done
        return done

    lacks = (
        f"team/app:lacking lacks config {config}",
        f"team/multi:index lacks platform image {index.children[0].digest}",
    )
    done = gc(1)
    sentence = f"3 tags checked: nothing of them was lost.\n2 of them were broken before already: {', '.join(lacks)}.\n"
    assert sentence in done.stderr
    assert sentence.replace("\n", " ").strip() in done.stdout
    record = json.loads(gc(2, "--json").stdout.splitlines()[-1])
    assert record["verified"] == {"checked": 3, "total": 3, "broken": [], "broken_before": list(lacks)}
