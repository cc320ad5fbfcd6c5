"""Collections of random registries in containers: what was predicted, what is reported and what the storage says agree.

    python -m tests.campaigns.collection --version 3.1.1 --seed 1 --count 100

A case is a registry in a container of podman or of a Docker Engine, in an image with a shell or without any program,
with its storage in a directory or a volume, and its blob cache nowhere, in memory or in redis. Some of its images are
deleted, it is collected, and one of them is pushed again: it shares collected layers, and crane has to find it whole,
as all that stayed. A finding is a sentence; the case comes again by its seed and number.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from regtui.errors import RegtuiError
from regtui.garbage.values import Choices, CollectionReport, Forecast
from tests.support.clients import ClientFailed, crane_validate
from tests.support.collecting import bytes_on_disk, connected, target
from tests.support.containers import Containers, Mount, RegistryContainer, start_podman, start_registry_container
from tests.support.content import Blob, Image, Recipe, build_image, build_index
from tests.support.engine import start_engine
from tests.support.images import open_registry, push
from tests.support.redis import RedisServer, start_redis
from tests.support.servers import VERSIONS

RUNTIMES: Final = ("podman", "docker")
CACHES: Final = ("none", "inmemory", "redis")
MOUNTS: Final[tuple[Mount, ...]] = ("bind", "volume", "anonymous")
_PASSWORD: Final = "redis-of-campaigns"


@dataclass(frozen=True)
class Setting:
    """How a case's registry is run."""

    runtime: str
    mount: Mount
    cache: str
    slim: bool
    untagged: bool

    def __str__(self) -> str:
        form = "slim" if self.slim else "official"
        return f"{self.runtime}, {form}, {self.mount}, cache {self.cache}{', untagged' if self.untagged else ''}"


@dataclass(frozen=True)
class Bench:
    """What all cases share."""

    folder: Path
    places: dict[str, Containers]
    redis: RedisServer


@dataclass
class Content:
    """What was pushed: reference → image. `gone`: what was deleted again."""

    stays: dict[str, Image] = field(default_factory=dict)
    gone: dict[str, Image] = field(default_factory=dict)


def choose_setting(choices: random.Random) -> Setting:
    return Setting(
        runtime=choices.choice(RUNTIMES),
        mount=choices.choice(MOUNTS),
        cache=choices.choice(CACHES),
        slim=choices.random() < 0.3,
        untagged=choices.random() < 0.4,
    )


def fill(choices: random.Random, registry: httpx.Client) -> Content:
    """Repositories whose images share layers, some indexes, some tags that were pushed anew; and some deleted again."""
    content = Content()
    for repository in choices.sample(["app", "team/app", "team/app/nested", "team/base", "lib"], choices.randint(1, 4)):
        for number in range(choices.randint(1, 5)):
            name = f"{choices.choice(['shared', repository])}-{choices.randint(0, 3)}"
            recipe = Recipe(name=name, labels={"number": str(number)}, layers=choices.randint(1, 3))
            if choices.random() < 0.3:
                image = build_index([Recipe(name=name, platform=p) for p in ("linux/amd64", "linux/arm64/v8")], "oci")
            else:
                image = build_image(recipe, choices.choice(["docker", "oci"]))
            # Sometimes a tag that is there already: then an image is left without.
            tag = f"v{choices.randint(0, number)}"
            push(registry, repository, tag, image)
            content.stays[f"{repository}:{tag}"] = image
    for reference in choices.sample(sorted(content.stays), choices.randint(1, len(content.stays))):
        if reference not in content.stays:
            continue  # It went with another tag of the same image.
        repository = reference.partition(":")[0]
        digest = content.stays[reference].manifest.digest
        registry.delete(f"v2/{repository}/manifests/{digest}")
        for same in [
            r for r, i in content.stays.items() if r.startswith(f"{repository}:") and i.manifest.digest == digest
        ]:
            content.gone[same] = content.stays.pop(same)
    return content


def run_case(bench: Bench, version: str, seed: int, number: int) -> tuple[Setting, list[str]]:
    """How it was run, and what was found wrong."""
    choices = random.Random(f"{seed}-{number}")
    setting = choose_setting(choices)
    with _registry(bench, setting, version, number) as registry:
        with open_registry(registry.url) as client:
            content = fill(choices, client)
        before = bytes_on_disk(registry.storage)
        try:
            forecast, report = asyncio.run(_collect(bench, registry, setting))
        except RegtuiError as error:
            return setting, [f"refused: {error}"]
        freed = before - bytes_on_disk(registry.storage)
        findings = list(_judge(forecast, report, freed))
        findings += _pull(registry, content.stays)
        for reference in _to_push_again(choices, content, forecast):
            repository, _, tag = reference.partition(":")
            with open_registry(registry.url) as client:
                push(client, repository, tag, content.gone[reference])
            findings += [
                f"pushed again: {finding}" for finding in _pull(registry, {reference: content.gone[reference]})
            ]
    return setting, findings


def _to_push_again(choices: random.Random, content: Content, forecast: Forecast) -> list[str]:
    """One of which something was collected, and any one."""
    went = {str(digest) for digest in forecast.blobs}
    sharing = [r for r, image in sorted(content.gone.items()) if went & {blob.digest for blob in _blobs(image)}]
    return sorted({choices.choice(listed) for listed in (sharing, sorted(content.gone)) if listed})


def _blobs(image: Image) -> list[Blob]:
    return [*image.blobs, *(blob for child in image.children for blob in _blobs(child))]


@contextmanager
def _registry(bench: Bench, setting: Setting, version: str, number: int) -> Iterator[RegistryContainer]:
    places = bench.places[setting.runtime]
    # What an earlier registry knew of its blobs isn't this one's.
    bench.redis("flushall")
    caches = {
        "none": ("REGISTRY_STORAGE_CACHE={}",),
        "inmemory": (),
        "redis": (
            "REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR=redis",
            f"REGISTRY_REDIS_ADDR={bench.redis.address}"
            if version == "2.8.2"
            else f'REGISTRY_REDIS_ADDRS=["{bench.redis.address}"]',
            f"REGISTRY_REDIS_PASSWORD={_PASSWORD}",
            f"REGISTRY_REDIS_DB={number % 16}",
        ),
    }
    # Redis listens on loopback alone.
    options = ("--network", "host") if setting.cache == "redis" else ()
    with start_registry_container(
        places,
        version,
        bench.folder / f"storage-{number}",
        name=f"case-{number}",
        slim=setting.slim,
        mount=setting.mount,
        environment=caches[setting.cache],
        options=options,
    ) as registry:
        yield registry


async def _collect(bench: Bench, registry: RegistryContainer, setting: Setting) -> tuple[Forecast, CollectionReport]:
    os.environ["PATH"] = f"{registry.bin}:{_PATH}"
    os.environ["XDG_STATE_HOME"] = str(bench.folder / "state")
    connection = await connected(target(registry, runtime=setting.runtime, container=registry.name))
    try:
        collector = connection.collector()
        choices = Choices(untagged=setting.untagged)
        forecast = await collector.forecast(choices)
        async for _ in collector.collect(choices):
            pass
        return forecast, collector.report
    finally:
        await connection.close()


_PATH: Final = os.environ.get("PATH", os.defpath)


def _judge(forecast: Forecast, report: CollectionReport, freed: int) -> Iterator[str]:
    if not report.is_complete:
        yield f"not complete: {report}"
    if not forecast.bytes == report.freed == freed:
        yield f"predicted {forecast.bytes}, reported {report.freed}, by the storage {freed}"
    if report.verified is not None and report.verified.broken_before:
        yield f"said to have been broken before: {report.verified.broken_before}"


def _pull(registry: RegistryContainer, images: dict[str, Image]) -> list[str]:
    findings = []
    for reference in images:
        try:
            crane_validate(f"{registry.host}/{reference}")
        except ClientFailed as failed:
            findings.append(f"{reference} is broken: {failed}")
    return findings


@contextmanager
def open_bench() -> Iterator[Bench]:
    # Short, as podman's folders and sockets have to be.
    with TemporaryDirectory(prefix="regtui-c", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (
            start_podman(folder / "p") as podman,
            start_engine(folder / "d") as docker,
            start_redis(folder / "r", password=_PASSWORD) as redis,
        ):
            yield Bench(folder, {"podman": podman, "docker": docker}, redis)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.collection", description=__doc__)
    parser.add_argument("--version", choices=VERSIONS, default="2.8.2")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the cases before it are left out")
    parser.add_argument("--only", type=int, help="one case")
    arguments = parser.parse_args()
    every = range(arguments.first, arguments.count)
    numbers = [arguments.only] if arguments.only is not None else every
    wrong = 0
    drawn: Counter[str] = Counter()
    with open_bench() as bench:
        started = time.monotonic()
        for number in numbers:
            setting, findings = run_case(bench, arguments.version, arguments.seed, number)
            wrong += bool(findings)
            drawn.update(str(setting).split(", "))
            seconds = time.monotonic() - started
            print(f"{number}: {setting}, {seconds:.0f} s", flush=True)
            for finding in findings:
                print(f"{arguments.version} --seed {arguments.seed} --only {number} ({setting}): {finding}", flush=True)
        seconds = time.monotonic() - started
    print(", ".join(f"{kind} {count}" for kind, count in sorted(drawn.items())))
    print(f"{arguments.version}: {len(numbers)} collections, {wrong} with findings, {seconds:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
