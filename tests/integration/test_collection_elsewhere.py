"""A registry that was stopped, or is, while another one serves its storage at its address: nothing is swept there."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from regtui.garbage.values import Choices, Stage, StageStatus
from regtui.host.errors import Unsafe
from regtui.host.profile import HostSettings
from regtui.registry.address import Address
from regtui.session.target import Target
from tests.support.collecting import bytes_on_disk, collect, connected, delete_half, fill, target
from tests.support.containers import write_program
from tests.support.programs import find_program
from tests.support.servers import PROGRAMS, start_registry, write_config
from tests.support.systemd import UNIT, start_service

FEW = 4


async def test_what_goes_on_answering_while_it_should_be_stopped_is_not_swept(tmp_path: Path) -> None:
    """As behind a balancer, or where what was stopped isn't what serves: the address is asked as clients ask it."""
    with start_registry("2.8.2", tmp_path / "live") as live:
        settings = HostSettings(
            runtime="command",
            command=f"{live.command} {{}}",
            config=str(live.config),
            storage=str(live.storage),
            stop="true",
            start="true",
        )
        fill(live.url, images=FEW)
        session = await connected(Target(Address.parse(live.url), runs_at=settings))
        await delete_half(session, images=FEW)
        before = bytes_on_disk(live.storage)
        report, _ = await collect(session)
        await session.close()
        assert bytes_on_disk(live.storage) == before
        assert not report.is_complete
        assert [trouble for trouble in report.trouble if "another one serves it" in trouble]
        assert (Stage.COLLECT, StageStatus.DONE) not in report.stages


async def test_a_stopped_service_whose_address_another_one_answers_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_service("2.8.2", tmp_path / "old") as old, start_registry("2.8.2", tmp_path / "live") as live:
        monkeypatch.setenv("PATH", f"{old.bin}:{os.environ['PATH']}")
        fill(live.url, images=FEW)
        await asyncio.to_thread(subprocess.run, [str(old.bin / "systemctl"), "stop", "--", UNIT], check=True)
        session = await connected(target(replace(old, url=live.url), runtime="systemd"))
        with pytest.raises(Unsafe, match=r"What answers at .* isn't the service .*: that isn't running on"):
            await collect(session)
        await session.close()
        assert not old.is_running()
        assert not [call for call in old.calls if call.startswith("start")][1:]


async def test_what_comes_to_share_the_storage_after_the_dry_run_is_seen_before_anything_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two somebody was asked, and may have thought about it for long."""
    with start_service("2.8.2", tmp_path / "blue") as blue:
        monkeypatch.setenv("PATH", f"{blue.bin}:{os.environ['PATH']}")
        fill(blue.url, images=FEW)
        session = await connected(target(blue, runtime="systemd"))
        await delete_half(session, images=FEW)
        before, calls = bytes_on_disk(blue.storage), len(blue.calls)
        collector = session.collector()
        await collector.survey()
        await collector.forecast(Choices())
        (tmp_path / "green").mkdir()
        (tmp_path / "green/storage").symlink_to(blue.storage)
        with (
            start_registry("2.8.2", tmp_path / "green"),
            pytest.raises(Unsafe, match="Others have the same storage as"),
        ):
            async for _ in collector.collect(Choices()):
                pass
        await session.close()
        assert bytes_on_disk(blue.storage) == before
        assert not [call for call in blue.calls[calls:] if call.startswith(("stop", "start"))]


_TAKES_ITS_PLACE = """\
case "$*" in "garbage-collect /"*) ;; *) exec {real} "$@" ;; esac
{real} "$@" || exit
setsid {real} serve {config} >/dev/null 2>&1 </dev/null &
echo $! > {pid}
until {python} -c "import socket; socket.create_connection(('127.0.0.1', {port}))" 2>/dev/null; do sleep 0.1; done
"""


async def test_what_answers_in_place_of_a_registry_that_ended_right_after_its_start_is_not_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, pid = find_program(PROGRAMS["2.8.2"]), tmp_path / "pid"
    with start_service("2.8.2", tmp_path / "blue") as blue:
        monkeypatch.setenv("PATH", f"{blue.bin}:{os.environ['PATH']}")
        port = int(blue.host.rpartition(":")[2])
        config = write_config(tmp_path / "other.yml", tmp_path / "other", port=port)
        words = {"real": real, "config": config, "pid": pid, "port": port, "python": sys.executable}
        write_program(tmp_path / "collector", _TAKES_ITS_PLACE.format(**words))
        fill(blue.url, images=FEW)
        session = await connected(target(blue, runtime="systemd", binary=str(tmp_path / "collector")))
        try:
            await delete_half(session, images=FEW)
            report, _ = await collect(session)
        finally:
            os.kill(int(pid.read_text()), signal.SIGTERM)
            await session.close()
        assert report.freed
        assert report.is_up is False
        assert not report.is_complete
        assert [trouble for trouble in report.trouble if "doesn't run again: what answers at" in trouble]
