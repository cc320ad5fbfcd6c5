"""What a service runs, and what is said where that isn't the registry's program."""

import asyncio
import getpass
import json
import os
import shutil
import socket
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regtui.garbage.scripts import lock_name, run_name
from regtui.host.container_list import LIST_CONTAINERS
from regtui.host.errors import CollectionFailed, GarbageError, NotOnHost, Unsafe
from regtui.host.finding import find, find_by_name
from regtui.host.hosts import LocalHost, Script, ScriptOutput
from regtui.host.keep_out import KeepOut
from regtui.host.profile import HostSettings
from regtui.host.trouble import trouble
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


async def test_the_container_of_a_profile_is_not_the_one_that_publishes_the_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However alike their storages are. The other one is a registry, too."""
    host = make_hostile_host(tmp_path / "host")
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")

    def publishing(port: str, **changes: object) -> dict[str, Any]:
        bindings = {"5000/tcp": [{"HostIp": "", "HostPort": port}]}
        return host.container(HostConfig__PortBindings=bindings, **changes)

    staging, prod = publishing("5001"), publishing("5000", Name="/prod", Id="4567cdef")
    settings = HostSettings(runtime="docker", container="registry")
    local = LocalHost()

    async def run(script: Script, *, is_long: bool = False) -> ScriptOutput:
        is_list = "ps -a --no-trunc" in script.text
        host.write("inspect", json.dumps([staging, prod] if is_list else [staging]))
        return await LocalHost().run(script, is_long=is_long)

    monkeypatch.setattr(local, "run", run)
    with pytest.raises(Unsafe, match=r"registry on .* publishes port 5001, and port 5000, .* another registry: prod"):
        await find(local, settings, 5000)
    # A proxy in front of it has that port, or nobody here.
    assert (await find(local, settings, 5001)).unit.name == "registry"
    assert (await find(local, settings, 443)).unit.name == "registry"


@pytest.mark.parametrize(
    ("list_told", "error"),
    [
        (ScriptOutput(0, "[" + "{}," * 1_000_001 + "{}]", ""), NotOnHost),
        (ScriptOutput(0, '[{"Name": "/blue", ', ""), NotOnHost),
        (ScriptOutput(1, "[]", "Error: the engine is busy"), CollectionFailed),
    ],
)
async def test_a_list_of_containers_that_cant_be_read_is_never_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, list_told: ScriptOutput, error: type[GarbageError]
) -> None:
    """Who has the storage as well would be in it."""
    host = make_hostile_host(tmp_path / "host")
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    local = LocalHost()

    async def run(script: Script, *, is_long: bool = False) -> ScriptOutput:
        return list_told if script.text == LIST_CONTAINERS else await LocalHost().run(script, is_long=is_long)

    monkeypatch.setattr(local, "run", run)
    with pytest.raises(error):
        await find(local, HostSettings(runtime="docker", container="registry"), 5000)


_BY = "REGISTRY_STORAGE_MAINTENANCE_READONLY"


@pytest.mark.parametrize(
    ("environments", "put_back"),
    [
        ([[]], f"{_BY}- &&"),
        ([[{"name": _BY, "value": '{"enabled":false}'}]], f"'{_BY}={{\"enabled\":false}}' &&"),
        # By a config map, a field of the pod, or another container's, which `set env` changes as well.
        ([[{"name": _BY, "valueFrom": {"configMapKeyRef": {"name": "x", "key": "y"}}}]], ""),
        ([[], [{"name": _BY, "value": "{}"}]], ""),
        ([[{"name": _BY, "value": "{}"}], [{"name": _BY, "value": "{enabled: true}"}]], ""),
    ],
)
async def test_a_deployment_gets_back_what_made_it_read_only_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environments: list[list[dict[str, Any]]], put_back: str
) -> None:
    host = make_hostile_host(tmp_path / "host")
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    mounted = [{"name": "s", "mountPath": str(host.root)}]
    pods = [{"command": ["registry"], "env": variables, "volumeMounts": mounted} for variables in environments]
    volumes = [{"name": "s", "persistentVolumeClaim": {"claimName": "x"}}]
    host.write("deployment", json.dumps({"spec": {"template": {"spec": {"containers": pods, "volumes": volumes}}}}))
    unit = (await find(LocalHost(), HostSettings(runtime="kubectl", container="registry"), 5000)).unit
    assert put_back in unit.read_write
    assert bool(unit.read_write) is (KeepOut.READ_ONLY in unit.ways) is bool(put_back)
    assert put_back or "could not be put back as it was" in unit.obstacle
    own = HostSettings(runtime="kubectl", container="registry", read_only="lock", read_write="unlock")
    unit = (await find(LocalHost(), own, 5000)).unit
    assert (unit.read_only, unit.read_write, unit.obstacle) == ("lock", "unlock", "")


_INMEMORY = {"cache": {"blobdescriptor": "inmemory"}}


@pytest.mark.parametrize("switches", [{}, {"read_only": "lock", "read_write": "unlock"}])
async def test_a_container_that_a_restart_would_remove_is_collected_in_no_way_that_needs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, switches: dict[str, str]
) -> None:
    host = make_hostile_host(tmp_path / "host")
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    host.inspect(HostConfig__AutoRemove=True)
    settings = replace(HostSettings(runtime="docker", container="registry"), **switches)  # type: ignore[arg-type]
    read_only = (KeepOut.READ_ONLY,) if switches else ()
    host.config()
    found = await find(LocalHost(), settings, 5000)
    assert found.ways == (*read_only, KeepOut.ONLINE)
    assert "--online" in str(found.why_not(KeepOut.STOP))
    host.config(**_INMEMORY)
    found = await find(LocalHost(), settings, 5000)
    assert found.ways == ()
    for way in KeepOut:
        refusal = found.why_not(way)
        assert refusal is not None
        assert "was run with --rm, and would be removed" in refusal.message
        # Only without the cache.
        assert "without storage.cache in its config" in refusal.remedy
    assert "its blob cache is in memory" in str(found.why_not(KeepOut.ONLINE))


@pytest.mark.parametrize("commands", [{}, {"stop": "down", "start": "up"}])
async def test_where_nobody_said_how_it_is_restarted_its_cache_cant_be_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commands: dict[str, str]
) -> None:
    host = make_hostile_host(tmp_path / "host")
    settings = HostSettings(
        runtime="command",
        command="true {}",
        config=str(host.directory / "config"),
        read_only="lock",
        read_write="unlock",
    )
    settings = replace(settings, **commands)  # type: ignore[arg-type]
    host.config(**_INMEMORY)
    found = await find(LocalHost(), settings, 5000)
    assert found.ways == ((KeepOut.STOP, KeepOut.READ_ONLY, KeepOut.ONLINE) if commands else ())
    if not commands:
        assert "doesn't say how to stop it and how to start it" in str(found.why_not(KeepOut.READ_ONLY))
    host.config()
    assert KeepOut.READ_ONLY in (await find(LocalHost(), settings, 5000)).ways


@pytest.mark.parametrize("switches", [{}, {"read_only": "lock", "read_write": "unlock"}])
async def test_a_deployment_that_the_users_own_switch_may_not_roll_out_is_restarted_for_its_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, switches: dict[str, str]
) -> None:
    host = make_hostile_host(tmp_path / "host")
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    host.config(**_INMEMORY)
    pod = {"command": ["registry"], "volumeMounts": [{"name": "s", "mountPath": str(host.root)}]}
    volumes = [{"name": "s", "persistentVolumeClaim": {"claimName": "x"}}]
    host.write("deployment", json.dumps({"spec": {"template": {"spec": {"containers": [pod], "volumes": volumes}}}}))
    found = await find(LocalHost(), replace(HostSettings(runtime="kubectl", container="registry"), **switches), 5000)  # type: ignore[arg-type]
    assert found.needs_restart(KeepOut.READ_ONLY) is bool(switches)
    assert found.needs_restart(KeepOut.ONLINE)
    assert "rollout restart" in found.unit.start


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
    error = trouble(ScriptOutput(127, "", said), "this machine", "docker")
    assert isinstance(error, NotOnHost)
    assert error.message == "There is no program /bin/regstry where the registry runs on this machine."


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("sh: 3: sudo: not found", "There is no sudo on this machine."),
        ("sh: line 3: sudo: command not found", "There is no sudo on this machine."),
        (
            "Sorry, user ci is not allowed to execute '/usr/bin/docker ps' as root on prod.",
            "sudo on this machine does not",
        ),
        ("sudo: sorry, you must have a tty to run sudo", "sudo on this machine works on a terminal only"),
        ("sudo: a password is required", "sudo on this machine asks for a password."),
        ("sh: 1: runuser: not found", "The login on this machine may not run the collector as the registry's user."),
        ("runuser: may not be used by non-root users", "The login on this machine may not run the collector as"),
        ("sh: 1: docker: not found", "There is no docker on this machine."),
    ],
)
def test_what_a_host_refuses_has_its_true_cause(said: str, sentence: str) -> None:
    """As the programs of Debian 12 say it."""
    error = trouble(ScriptOutput(127 if "not found" in said else 1, "", said), "this machine", "docker")
    assert error.message.startswith(sentence)


@pytest.mark.parametrize("name", ["127.0.0.1", "[::ffff:7f00:1]"])
async def test_what_listens_on_the_hosts_loopback_is_not_the_redis_of_a_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """In an image without a shell nothing leads to the container's own: nothing is sent to the host's instead."""
    host = make_hostile_host(tmp_path / "host")
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    docker = host.bin / "docker"
    docker.write_text(docker.read_text().replace('sh) exec "$@"', "sh) exit 127"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        storage = {"filesystem": {"rootdirectory": str(host.root)}, "cache": {"blobdescriptor": "redis"}}
        redis = {"addr": f"{name}:{listener.getsockname()[1]}"}
        host.copied_out(json.dumps({"storage": storage, "redis": redis}))
        found = await find(LocalHost(), HostSettings(runtime="docker"), 5000)
        assert "in redis, which can't be cleared" in str(found.unsafe)
        with pytest.raises(BlockingIOError):
            listener.accept()


async def test_a_deployment_is_of_one_cluster_and_one_container_from_the_first_call_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever becomes kubectl's current context meanwhile; `set env` would change a pod's other containers, too."""
    host = make_hostile_host(tmp_path / "host")
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    host.write("context", "prod eu\n")
    pods = [
        {"name": "registry", "command": ["registry"], "volumeMounts": [{"name": "s", "mountPath": str(host.root)}]},
        {"name": "proxy", "env": [{"name": _BY, "value": "x"}]},
    ]
    volumes = [{"name": "s", "persistentVolumeClaim": {"claimName": "x"}}]
    host.write("deployment", json.dumps({"spec": {"template": {"spec": {"containers": pods, "volumes": volumes}}}}))
    unit = (await find(LocalHost(), HostSettings(runtime="kubectl", container="registry"), 5000)).unit
    for command in (unit.inside, unit.shell, unit.start, unit.check, unit.read_only, unit.read_write):
        assert all(part.startswith("kubectl '--context=prod eu' ") for part in command.split(" && "))
    for command in (unit.inside, unit.shell, unit.read_only, unit.read_write):
        assert " deployment/registry -c registry " in command


@pytest.mark.parametrize("has_nc", [True, False])
async def test_the_redis_of_a_pod_is_asked_from_the_pod_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_nc: bool
) -> None:
    """What listens on the host's own loopback is another one."""
    host = make_hostile_host(tmp_path / "host")
    (host.bin / "nc").write_text(f"#!/bin/sh\nexit {0 if has_nc else 1}\n")
    (host.bin / "nc").chmod(0o755)
    for program in (host.bin / "kubectl",):
        text = 'sh) echo "$*" >> asked; exec "$@" ;; nc) echo "$*" >> asked; echo +PONG; echo :0 ;;'
        text = text if has_nc else "sh) exit 1 ;;"
        program.write_text(program.read_text().replace('sh) exec "$@" ;;', text))
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]
        storage = {"filesystem": {"rootdirectory": str(host.root)}, "cache": {"blobdescriptor": "redis"}}
        host.write("config", json.dumps({"storage": storage, "redis": {"addr": f"127.0.0.1:{port}"}}))
        found = await find(LocalHost(), HostSettings(runtime="kubectl", container="registry"), 5000)
        with pytest.raises(BlockingIOError):
            listener.accept()
    if has_nc:
        assert found.unsafe is None
        assert found.unit.redis_via == f"kubectl --context=prod exec -i deployment/registry -- nc 127.0.0.1 {port}"
        assert f"nc 127.0.0.1 {port}" in (host.directory / "asked").read_text()
    else:
        assert "it is reached from the pod alone, and there is no nc" in str(found.unsafe)


async def test_what_a_process_says_runs_with_no_more_rights_than_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd started it as another user; whoever took it over since can have written its command line."""
    host = make_hostile_host(tmp_path / "host")
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    (host.directory / "config").rename(host.directory / "c.yml")
    program = host.directory / "registry"
    ran = host.directory / "ran"
    program.write_text(program.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n: > {ran}\n"))
    unit = HostSettings(runtime="systemd")
    me, other = getpass.getuser(), "nobody" if getpass.getuser() == "root" else "root"
    with host.process(str(program), "serve", str(host.directory / "c.yml")) as pid:
        host.write("show", f"LoadState=loaded\nMainPID={pid}\nUser={other}\nExecStart=\n")
        with pytest.raises(Unsafe, match=rf"runs as user {os.getuid()}, and systemd starts it as {other}:") as raised:
            await find(LocalHost(), unit, 5000)
        assert f"User={os.getuid()} in the unit" in raised.value.remedy
        assert not ran.exists()
        host.write("show", f"LoadState=loaded\nMainPID={pid}\nUser={me}\nExecStart=\n")
        assert (await find(LocalHost(), unit, 5000)).version == "2.8.2"


def test_the_rights_of_a_setuid_program_are_not_those_of_who_ran_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for a password, say, as root, and its command line is anybody's."""
    host = make_hostile_host(tmp_path / "host")
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    program = host.directory / "setuid"
    shutil.copy(shutil.which("sleep", path="/bin:/usr/bin") or "", program)
    program.chmod(0o4755)
    with subprocess.Popen([str(host.directory / "registry"), "600"], executable=program) as process:
        host.write("show", f"LoadState=loaded\nMainPID={process.pid}\nUser={getpass.getuser()}\nExecStart=\n")
        try:
            with pytest.raises(Unsafe, match="has fewer rights than"):
                asyncio.run(find(LocalHost(), HostSettings(runtime="systemd"), 5000))
        finally:
            process.kill()


@pytest.mark.parametrize("runtime", ["docker", "podman", "systemd", ""])
async def test_without_its_config_a_registry_is_found_by_the_name_that_it_has_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: str
) -> None:
    """A run of it is told of and ended by that."""
    host = make_hostile_host(tmp_path / "host")
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    config = host.directory / "config"
    settings = HostSettings(runtime=runtime, config=str(config) if runtime == "systemd" else "")
    found = await find(LocalHost(), settings, 5000)
    for text in ("x: !!int [", None):
        config.write_text(text or "")
        if text is None:
            config.unlink()
        with pytest.raises(NotOnHost, match="config"):
            await find(LocalHost(), settings, 5000)
        named = await find_by_name(LocalHost(), settings, 5000)
        assert named is not None
        assert run_name(named.unit) == run_name(found.unit)
        assert (named.unit.start, named.unit.quit) == (found.unit.start, found.unit.quit)
        assert lock_name(named.unit) == "-"
