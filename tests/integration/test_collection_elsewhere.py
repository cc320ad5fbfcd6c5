"""A registry that was stopped, or is, while another one serves its storage at its address: nothing is swept there."""

import asyncio
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from regtui.garbage.values import Stage, StageStatus
from regtui.host.errors import Unsafe
from regtui.host.profile import HostSettings
from regtui.registry.address import Address
from regtui.session.target import Target
from tests.support.collecting import bytes_on_disk, collect, connected, delete_half, fill, target
from tests.support.servers import start_registry
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
