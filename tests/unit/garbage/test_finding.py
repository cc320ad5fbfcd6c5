"""What a service runs, and what is said where that isn't the registry's program."""

import os
from pathlib import Path

import pytest

from regtui.garbage.errors import NotOnHost
from regtui.garbage.finding import find
from regtui.garbage.hosts import LocalHost, Output
from regtui.garbage.profile import HostSettings
from regtui.garbage.trouble import trouble
from tests.support.hostile_host import make_hostile_host

_SHOWN = "LoadState=loaded\nMainPID=0\nUser=\nExecStart={{ path={0} ; argv[]={1} ; }}\n"


async def test_a_service_that_is_a_script_around_the_registry_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = make_hostile_host(tmp_path / "host")
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    host.write("show", _SHOWN.format("/bin/sh", "/bin/sh /usr/local/bin/start-registry"))
    settings = HostSettings(runtime="systemd")
    with pytest.raises(NotOnHost, match="runs a script, not the registry's program: /bin/sh /usr/local") as failed:
        await find(LocalHost(), settings, 5000)
    assert 'binary = "…"' in failed.value.remedy
    # A wrapper that names it is enough.
    config = host.directory / "config"
    config.rename(config.with_suffix(".yml"))
    host.write("show", _SHOWN.format("/usr/bin/env", f"/usr/bin/env A=b {host.directory}/registry serve {config}.yml"))
    found = await find(LocalHost(), settings, 5000)
    assert found.version == "2.8.2"


@pytest.mark.parametrize(
    "said",
    [
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "/bin/regstry": stat '
        "/bin/regstry: no such file or directory: unknown",
        'Error: runc: runc create failed: unable to start container process: exec: "/bin/regstry": executable file not '
        "found in $PATH: OCI runtime attempted to invoke a command that was not found",
        "Error: crun: executable file `/bin/regstry` not found in $PATH: No such file or directory",
        "sudo: /bin/regstry: command not found",
        "runuser: failed to execute /bin/regstry: No such file or directory",
    ],
)
def test_a_wrong_binary_is_not_taken_for_a_missing_runtime(said: str) -> None:
    error = trouble(Output(127, "", said), "this machine", "docker")
    assert isinstance(error, NotOnHost)
    assert error.message == "There is no program /bin/regstry where the registry runs on this machine."
