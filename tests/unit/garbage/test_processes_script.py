"""Which other processes serve from a storage, by what /proc tells of them: everybody on the host may run one."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from regtui.host.errors import Unsafe
from regtui.host.hosts import LocalHost
from regtui.host.sharing import processes_beside
from tests.support.hostile_host import HostileHost, make_hostile_host


@pytest.fixture
def host(tmp_path: Path) -> HostileHost:
    return make_hostile_host(tmp_path)


def _sharers(host: HostileHost) -> list[str]:
    with host.process("ours") as pid:
        return _beside(host, pid)


def _beside(host: HostileHost, pid: int, *harmless: int) -> list[str]:
    return asyncio.run(processes_beside(LocalHost(), (), pid, str(host.root), harmless))


def test_a_process_is_found_by_the_root_that_its_config_names(host: HostileHost) -> None:
    config = host.directory / "config.yml"
    config.write_text(f"storage: {{filesystem: {{rootdirectory: {host.root}}}}}")
    with host.process("registry", "serve", str(config)) as pid:
        assert f"process {pid} (registry)" in _sharers(host)


def test_a_registry_of_any_name_is_found_by_what_it_is_told(host: HostileHost) -> None:
    config = host.directory / "config.yml"
    config.write_text(f"storage: {{filesystem: {{rootdirectory: {host.root}}}}}")
    other = host.directory / "site.yml"
    other.write_text("title: what another server shows")
    variables = {"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(host.root)}
    with (
        host.process("/opt/distribution", "serve", str(config)) as renamed,
        host.process("./r 2.8", "serve", environment=variables) as by_variable,
        host.process("hugo", "serve", str(other)) as another,
        host.process("distribution", "garbage-collect", str(config)) as collector,
    ):
        found = _sharers(host)
    assert {f"process {renamed} (distribution)", f"process {by_variable} (r 2.8)"} <= set(found)
    assert not [line for line in found if f" {another} " in line or f" {collector} " in line]


def test_where_ours_does_not_run_a_single_one_is_another(host: HostileHost) -> None:
    """As after a move: the service that was is stopped, and what took its place is no service."""
    config = host.directory / "config.yml"
    config.write_text(f"storage: {{filesystem: {{rootdirectory: {host.root}}}}}")
    with host.process("registry", "serve", str(config)) as pid:
        found = asyncio.run(processes_beside(LocalHost(), (), 0, str(host.root)))
    assert found == [f"process {pid} (registry)"]


_CONFIGS = {
    "a comment after it": "storage:\n  filesystem:\n    rootdirectory: {root}   # the same as blue\n",
    "a line before it": "storage:\n  filesystem:\n    # rootdirectory: /elsewhere\n    rootdirectory: {root}\n",
    "a comment before it": "storage:\n  filesystem: # rootdirectory: /elsewhere\n    rootdirectory: '{root}' # ours\n",
    "a line of its own": "storage:\n  filesystem:\n    rootdirectory:\n      {root}\n",
    "an anchor": "x: &root {root}\nstorage: {{filesystem: {{rootdirectory: *root}}}}\n",
    "a tag": "storage: {{filesystem: {{rootdirectory: !!str {root}}}}}\n",
    "only a comment": "storage:\n  filesystem:\n    # rootdirectory: {root}\n    rootdirectory: /elsewhere\n",
}


def test_a_config_is_read_whatever_it_is_called_and_however_it_names_its_root(host: HostileHost) -> None:
    with ExitStack() as stack:
        pids = {}
        for by, text in _CONFIGS.items():
            config = host.directory / f"{by}.conf"
            config.write_text(text.format(root=host.root))
            pids[by] = stack.enter_context(host.process("registry", "serve", str(config)))
        found = _sharers(host)
    told = {by: f"process {pid} (registry)" in found for by, pid in pids.items()}
    assert told == {by: by != "only a comment" for by in _CONFIGS}


def test_what_starts_a_registry_by_its_words_is_no_other_one(host: HostileHost) -> None:
    config = host.directory / "config.yml"
    config.write_text(f"storage: {{filesystem: {{rootdirectory: {host.root}}}}}")
    with subprocess.Popen(
        ["tini", "-c", "sh -c 'echo; read -r line' \"$@\"; :", "sh", "serve", str(config)],
        executable="/bin/sh",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as starts:
        assert starts.stdout is not None
        starts.stdout.readline()
        assert asyncio.run(processes_beside(LocalHost(), (), 0, str(host.root))) == [f"process {starts.pid} (tini)"]


@pytest.mark.parametrize("kernels", ["/proc/kmsg", "/proc/self/environ", "/sys/kernel/mm/transparent_hugepage/enabled"])
def test_what_the_kernel_shows_as_a_file_is_no_config(host: HostileHost, kernels: str) -> None:
    """Root would wait for the end of /proc/kmsg for good."""
    config = host.directory / "config.yml"
    config.symlink_to(kernels)
    with host.process("registry", "serve", str(config)) as pid:
        assert f"process {pid} (registry)" not in _sharers(host)


def test_who_serves_from_the_storage_is_told_or_refused_in_time(
    host: HostileHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    host.write("bin/timeout", "#!/bin/sh\nkill -KILL $$\n")
    (host.bin / "timeout").chmod(0o755)
    with pytest.raises(Unsafe, match="took more than 100 seconds"):
        _sharers(host)


_INIT = """\
import os, subprocess, sys
code = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()"
subprocess.run(["registry", "-c", code, "serve"], executable=sys.executable)
"""


def test_what_one_of_ours_started_is_no_other_registry(host: HostileHost) -> None:
    """As in a container with an init (`--init`), or by a script that doesn't make way for the registry."""
    with subprocess.Popen(
        [sys.executable, "-c", _INIT],
        env={"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(host.root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as init:
        assert init.stdout is not None
        told = f"process {int(init.stdout.readline())} (registry)"
        assert told in _sharers(host)
        assert told not in _beside(host, init.pid)
        with host.process("ours") as pid:
            # A replica's, that is stopped with ours.
            assert told not in _beside(host, pid, init.pid)


_SECTIONS = {
    "a root": ({"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "{root}"}, True),
    "a section": ({"REGISTRY_STORAGE": '{{"filesystem": {{"rootdirectory": "{root}"}}}}'}, True),
    "lines of a section": ({"REGISTRY_STORAGE": "filesystem:\n  rootdirectory: {root}\n"}, True),
    "a section of a section": ({"REGISTRY_STORAGE_FILESYSTEM": "{{rootdirectory: {root}, maxthreads: 100}}"}, True),
    "what is said more exactly": (
        {"REGISTRY_STORAGE": "{{filesystem: {{rootdirectory: {root}}}}}", "REGISTRY_STORAGE_FILESYSTEM": "{{}}"},
        False,
    ),
    "a section in place of the config's": ({"REGISTRY_STORAGE": "filesystem"}, False),
    "the second line of another variable": (
        {"MOTD": "one\nREGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/elsewhere"},
        True,
    ),
    "a line of a section that is none": ({"MOTD": "one\nREGISTRY_STORAGE=filesystem"}, True),
}


def test_processes_are_found_by_their_environments_as_the_registry_reads_them(host: HostileHost) -> None:
    config = host.directory / "config.yml"
    config.write_text(f"storage: {{filesystem: {{rootdirectory: {host.root}}}}}")
    with ExitStack() as stack:
        pids = {}
        for by, (variables, _) in _SECTIONS.items():
            environment = {name: value.format(root=host.root) for name, value in variables.items()}
            pids[by] = stack.enter_context(host.process("registry", "serve", str(config), environment=environment))
        found = _sharers(host)
    told = {by: f"process {pid} (registry)" in found for by, pid in pids.items()}
    assert told == {by: is_ours for by, (_, is_ours) in _SECTIONS.items()}


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


def test_a_link_within_another_root_leads_nowhere_outside_of_it(host: HostileHost) -> None:
    """As in a container: what begins with / begins at its own root, and .. ends there."""
    v2 = host.root / "docker/registry/v2"
    told = {}
    roots = {}
    for name, led_to in (("absolute", str(v2)), ("above", f"../../../../../..{v2}"), ("own", "/own/registry/v2")):
        roots[name] = host.directory / name
        place = roots[name] / "srv/docker/registry"
        place.mkdir(parents=True)
        (place / "v2").symlink_to(led_to)
    (roots["own"] / "own").mkdir()
    # Its own storage is ours, by a way that only it has.
    (roots["own"] / "own/registry").symlink_to("/mounted")
    (roots["own"] / "mounted").mkdir()
    subprocess.run(["mount", "--bind", v2.parent, roots["own"] / "mounted"], check=True)
    try:
        with ExitStack() as stack:
            pids = {name: stack.enter_context(_within(root)) for name, root in roots.items()}
            found = _sharers(host)
            told = {name: f"process {pid} (registry)" in found for name, pid in pids.items()}
    finally:
        subprocess.run(["umount", roots["own"] / "mounted"], check=True)
    assert told == {"absolute": False, "above": False, "own": True}


@contextmanager
def _within(root: Path) -> Iterator[int]:
    code = "import os, sys; os.chroot(sys.argv[2]); os.chdir('/'); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        ["registry", "-c", code, "serve", str(root)],
        executable=sys.executable,
        env={"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/srv"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as started:
        assert started.stdout is not None
        started.stdout.readline()
        yield started.pid
