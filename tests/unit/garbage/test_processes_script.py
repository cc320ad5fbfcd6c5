"""Which other processes serve from a storage, by what /proc tells of them: everybody on the host may run one."""

import asyncio
import os
from pathlib import Path

import pytest

from regtui.host.hosts import LocalHost
from regtui.host.sharing import processes_beside
from tests.support.hostile_host import HostileHost, make_hostile_host


@pytest.fixture
def host(tmp_path: Path) -> HostileHost:
    return make_hostile_host(tmp_path)


def _sharers(host: HostileHost) -> list[str]:
    return asyncio.run(processes_beside(LocalHost(), (), os.getpid(), str(host.root)))


def test_a_process_is_found_by_the_root_that_its_config_names(host: HostileHost) -> None:
    config = host.directory / "config.yml"
    config.write_text(f"storage: {{filesystem: {{rootdirectory: {host.root}}}}}")
    with host.process("registry", "serve", str(config)) as pid:
        assert f"process {pid} (registry)" in _sharers(host)


@pytest.mark.parametrize("endless", ["a pipe", "a device"])
def test_a_config_that_never_ends_keeps_nobody_waiting(host: HostileHost, endless: str) -> None:
    config = host.directory / "config.yml"
    if endless == "a pipe":
        os.mkfifo(config)
    else:
        config.symlink_to("/dev/zero")
    with host.process("registry", "serve", str(config)) as pid:
        assert f"process {pid} (registry)" not in _sharers(host)


def test_a_config_of_a_name_that_would_be_a_command_is_none(host: HostileHost) -> None:
    pwned = host.directory / "pwned"
    with host.process("registry", "serve", f"-e$(touch {pwned}).yml", f"w {pwned}.yml"):
        _sharers(host)
    assert not pwned.exists()
