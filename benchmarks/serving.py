"""Pulls that fail while 4,000 blobs are collected: the registry stopped, and a stand-in serving them meanwhile.

crane pulls one image again and again, two at once, from a registry in a container of a Docker Engine with a published
port. Counted is every pull that was under way between the begin of the stop and the registry's first answer. One that
is refused ends at once, and the next one comes: of a registry that is stopped there are many.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Final

from benchmarks.support.table import Table
from benchmarks.support.timing import shown
from regtui.garbage.values import Choices, Stage, StageStatus
from regtui.host.keep_out import KeepOut
from regtui.host.profile import HostSettings
from regtui.registry.address import Address
from regtui.session.opening import open_session
from regtui.session.target import Target
from tests.support.containers import Containers, RegistryContainer, start_registry_container
from tests.support.engine import start_engine
from tests.support.images import open_registry, push_image
from tests.support.programs import find_program
from tests.support.servers import VERSIONS

_BLOBS: Final = 4_000
_AT_ONCE: Final = 2
_REPOSITORY: Final = "team/app"
_NAME: Final = "registry"
_WAYS: Final = {KeepOut.STOP: "stopped", KeepOut.STAND_IN: "--serve-pulls"}


@dataclass(frozen=True)
class _Pull:
    began: float
    ended: float
    is_whole: bool


@dataclass(frozen=True)
class _Measured:
    """`gap`: the longest time in which no pull ended well."""

    seconds: float
    pulls: int
    failed: int
    gap: float


def run() -> Iterable[Table]:
    with tempfile.TemporaryDirectory(prefix="regtui-") as directory, start_engine(Path(directory) / "e") as containers:
        os.environ["XDG_STATE_HOME"] = f"{directory}/state"
        os.environ["PATH"] = f"{containers.bin}:{os.environ['PATH']}"
        columns = ("", "time until it is back", "pulls", "failed", "longest without a pull")
        table = Table(f"{_BLOBS:,} blobs, Docker Engine, {_AT_ONCE} pulls at once by crane", columns)
        for version in VERSIONS:
            for way, words in _WAYS.items():
                storage = Path(directory) / f"{version}-{way.value}"
                with start_registry_container(containers, version, storage, name=_NAME) as registry:
                    measured = asyncio.run(_measured(containers, registry, way))
                numbers = (shown(measured.seconds), str(measured.pulls), str(measured.failed), shown(measured.gap))
                table.row(f"distribution {version}, {words}", *numbers)
        yield table


async def _measured(containers: Containers, registry: RegistryContainer, way: KeepOut) -> _Measured:
    with open_registry(registry.url) as client:
        push_image(client, _REPOSITORY, "1.0")
    _seed(registry.storage)
    settings = HostSettings(runtime=containers.program, container=_NAME)
    session = await open_session(Target(Address.parse(registry.url), runs_at=settings))
    collector = session.collector()
    await collector.survey()
    choices = Choices(keep_out=way)
    forecast = await collector.forecast(choices)
    assert len(forecast.blobs) == _BLOBS
    pulls: list[_Pull] = []
    enough = asyncio.Event()
    pulling = [asyncio.ensure_future(_pull(registry.host, pulls, enough)) for _ in range(_AT_ONCE)]
    began = ended = 0.0
    async for event in collector.collect(choices):
        if (event.stage, event.status) == (Stage.KEEP_OUT, StageStatus.STARTED):
            began = time.monotonic()
        if event.stage is Stage.BRING_BACK and event.status is StageStatus.DONE:
            ended = time.monotonic()
    assert collector.report.is_complete, collector.report
    enough.set()
    await asyncio.gather(*pulling)
    await session.close()
    within = [pull for pull in pulls if pull.ended > began and pull.began < ended]
    good = sorted([began, *(pull.ended for pull in within if pull.is_whole and pull.ended < ended), ended])
    gap = max(later - earlier for earlier, later in pairwise(good))
    return _Measured(ended - began, len(within), sum(not pull.is_whole for pull in within), gap)


async def _pull(host: str, pulls: list[_Pull], enough: asyncio.Event) -> None:
    """Again and again."""
    crane = str(find_program("crane"))
    while not enough.is_set():
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(crane, "validate", "--remote", f"{host}/{_REPOSITORY}:1.0"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        code = await process.wait()
        pulls.append(_Pull(began, time.monotonic(), code == 0))


def _seed(storage: Path) -> None:
    """Blobs that nothing names."""
    for number in range(_BLOBS):
        content = f"blob {number}".encode() * 100
        digest = sha256(content).hexdigest()
        blob = storage / "docker/registry/v2/blobs/sha256" / digest[:2] / digest / "data"
        blob.parent.mkdir(parents=True)
        blob.write_bytes(content)
