"""A registry that takes connections and never answers, in each phase of a collection: it ends, and the truth is told.

The registry is a real one, and its process is halted: the kernel goes on taking connections for it.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from regtui import bounds
from regtui.garbage import procedure
from regtui.garbage.values import Choices, Stage, StageStatus
from regtui.host.errors import GarbageError
from regtui.registry.errors import Unreachable
from regtui.session.opening import open_session
from regtui.session.session import Session
from tests.support.collecting import all_pull, bytes_on_disk, connected, delete_half, fill, target
from tests.support.containers import write_program
from tests.support.patience import PATIENCE
from tests.support.programs import find_program
from tests.support.servers import PROGRAMS
from tests.support.systemd import UNIT, RegistryService, start_service

pytestmark = pytest.mark.integration
FEW = 4


class Halted:
    """A registry's process, to be halted and let go on."""

    def __init__(self, service: RegistryService) -> None:
        self.service = service

    def halt(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def halt_when_started(self) -> None:
        """By systemctl: as soon as it listens."""
        real = self.service.bin / "systemctl"
        real.rename(real.with_name("really"))
        port = self.service.url.rpartition(":")[2]
        write_program(
            real,
            f'"{real.with_name("really")}" "$@" || exit $?\ntest "$1" = start || exit 0\n'
            f"bash -c 'until (: < /dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.05; done'\n"
            f"kill -STOP \"$(cat '{self.service.directory}/pid')\"",
        )

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(int((self.service.directory / "pid").read_text()), number)


@pytest.fixture
def halted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Halted]:
    monkeypatch.setattr(bounds, "REGISTRY_SILENCE", 3.0)
    monkeypatch.setattr(procedure, "_UP_SECONDS", 3.0)
    with start_service("3.1.1", tmp_path / "service") as service:
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        fill(service.url, images=FEW)
        made = Halted(service)
        try:
            yield made
        finally:
            made.go_on()


@pytest.fixture
async def connection(halted: Halted) -> AsyncIterator[Session]:
    opened = await connected(target(halted.service, runtime="systemd"))
    await delete_half(opened, images=FEW)
    yield opened
    await opened.close()


async def test_before_the_dry_run_and_before_the_stop(halted: Halted, connection: Session) -> None:
    collector = connection.collector()
    async with asyncio.timeout(PATIENCE):
        halted.halt()
        with pytest.raises(Unreachable, match="has not answered for 3 s while its storage is compared"):
            await collector.forecast(Choices())
        halted.go_on()
        await collector.forecast(Choices())
        halted.halt()
        with pytest.raises(Unreachable, match="has not answered for 3 s while its tags are read; nothing was stopped"):
            async for _ in collector.collect(Choices()):
                pass
    assert not [call for call in halted.service.calls if call.startswith("stop")]


async def test_a_dry_run_that_says_nothing_is_given_up(
    halted: Halted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "COLLECTOR_IDLE", 6.0)
    program = tmp_path / "registry"
    real = find_program(PROGRAMS["3.1.1"])
    write_program(program, f'case "$*" in *--dry-run*) exec sleep 60 ;; *) exec {real} "$@" ;; esac')
    connection = await connected(target(halted.service, runtime="systemd", binary=str(program)))
    with pytest.raises(GarbageError, match=r"The dry run on this machine printed nothing for 0 minutes\. Nothing was"):
        await connection.collector().forecast(Choices())
    await connection.close()


async def test_when_it_is_opened(halted: Halted) -> None:
    """Four tries of half a minute each are more than what is waited for it anywhere else."""
    halted.halt()
    async with asyncio.timeout(PATIENCE):
        connection = await open_session(target(halted.service, runtime="systemd"), patience=bounds.REGISTRY_SILENCE)
        survey = await connection.collector().survey()
        await connection.close()
    assert survey.unit == UNIT


async def test_when_it_is_started_again(halted: Halted, connection: Session) -> None:
    collector = connection.collector()
    await collector.forecast(Choices())
    before = bytes_on_disk(halted.service.storage)
    halted.halt_when_started()
    async with asyncio.timeout(PATIENCE):
        events = [event async for event in collector.collect(Choices())]
    ends = {event.stage: event.status for event in events if event.status is not StageStatus.STARTED and event.status}
    assert ends[Stage.BRING_BACK] is StageStatus.FAILED
    assert ends[Stage.VERIFY] is StageStatus.SKIPPED
    report = collector.report
    assert report.is_up is False
    assert not report.is_complete
    assert f"{halted.service.host} does not answer yet" in " ".join(report.trouble)
    assert report.freed == before - bytes_on_disk(halted.service.storage) > 0
    halted.go_on()
    all_pull(halted.service.host, images=FEW)


async def test_while_its_tags_are_checked(halted: Halted, connection: Session) -> None:
    collector = connection.collector()
    await collector.forecast(Choices())
    async with asyncio.timeout(PATIENCE):
        async for event in collector.collect(Choices()):
            if (event.stage, event.status) == (Stage.VERIFY, StageStatus.STARTED):
                halted.halt()
    report = collector.report
    assert not report.is_complete
    assert "could not be checked: " in " ".join(report.trouble)
    assert "has not answered for 3 s while its tags are checked" in " ".join(report.trouble)
    assert (Stage.VERIFY, StageStatus.FAILED) in report.stages
