"""The scripts for the host: right by shellcheck's eyes, and harmless whatever the words in them are."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from regtui.garbage import scripts
from regtui.host.compose import Compose
from regtui.host.containers import Container
from regtui.host.keep_out import KeepOut
from regtui.host.profile import HostSettings
from regtui.host.runtimes import (
    Process,
    Unit,
    command_unit,
    container_unit,
    kubectl_unit,
    systemd_unit,
)
from tests.support.programs import find_program

HOSTILE = "x'; touch pwned; $(touch pwned) `touch pwned` \"\n-rf"


def container(name: str = "registry", **changes: object) -> Container:
    made = Container(
        name=name,
        image="4f2",
        image_name="registry:2",
        command=("registry", "serve", "/etc/config.yml"),
        is_running=True,
        environment={"REGISTRY_HTTP_SECRET": "s3cret"},
        mounts={"/var/lib/registry": "/srv/registry"},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def in_docker(settings: HostSettings | None = None, name: str = "registry", root: str = "/var/lib/registry") -> Unit:
    return container_unit(
        ["docker"],
        container(name),
        settings or HostSettings(runtime="docker"),
        program="registry",
        config="/etc/config.yml",
        root=root,
        driver="filesystem",
        has_shell=True,
    )


def as_service(settings: HostSettings | None = None, **environment: str) -> Unit:
    process = Process("docker-registry.service", "/usr/bin/docker-registry", "/etc/config.yml", 7, "reg", environment)
    return systemd_unit(process, settings or HostSettings(runtime="systemd"), root="/srv", me="root")


def in_kubernetes() -> Unit:
    settings = HostSettings(runtime="kubectl", container="registry", namespace="infra")
    return kubectl_unit(settings, program="registry", config="/etc/config.yml", root="/var/lib/registry")


UNITS = {
    "docker": in_docker(),
    "compose": in_docker(HostSettings(runtime="compose", container="web", directory="/srv/it's here")),
    "sudo": in_docker(HostSettings(runtime="docker", sudo=True)),
    "systemd": as_service(REGISTRY_STORAGE_DELETE_ENABLED="true"),
    "kubectl": in_kubernetes(),
    "command": command_unit(
        HostSettings(command="env A=b registry {} 2>&1", config="/c.yml", storage="/s", stop="true", start="true")
    ),
    "hostile": in_docker(name=HOSTILE, root=HOSTILE),
}


@pytest.mark.parametrize("keep_out", KeepOut)
@pytest.mark.parametrize("name", UNITS)
def test_the_collection_is_good_shell(name: str, keep_out: KeepOut, tmp_path: Path) -> None:
    unit = UNITS[name]
    check(scripts.collection(unit, keep_out, needs_restart=True, mark="7e57").text, tmp_path)
    # And so is what it writes down to be run, with its command lines.
    for file, text in scripts.files(unit, keep_out, needs_restart=True).items():
        if file not in ("most", "keep-out", "restart", "ours", "name", "root", "config", "process", "removal"):
            check(text, tmp_path)


@pytest.mark.parametrize("name", UNITS)
def test_questions_and_the_dry_run_are_good_shell(name: str, tmp_path: Path) -> None:
    unit = UNITS[name]
    for script in (
        scripts.question(unit, "facts"),
        scripts.dry_run(unit, "7e57"),
        scripts.status(unit, "7e57"),
        scripts.bring_back(unit, "7e57"),
    ):
        check(script.text, tmp_path)
    check(scripts.file("storage.sh"), tmp_path)


def check(script: str, directory: Path) -> None:
    file = directory / "script.sh"
    file.write_text(f"{script}\n")
    # SC2015: `a && b || continue` is meant. SC2034, SC2317: not every script uses every variable and function.
    # SC2016: dollars inside quotes are for another shell. SC2164: a directory that isn't there fails what follows.
    # SC3045: shells that don't know `ulimit -c` do without it.
    excluded = "SC2015,SC2016,SC2034,SC2164,SC2317,SC2329,SC3045"
    done = subprocess.run(
        [find_program("shellcheck"), "--shell=sh", "--severity=warning", f"--exclude={excluded}", file],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("shell", ["dash", "busybox"])
def test_words_from_outside_stay_words(shell: str, tmp_path: Path) -> None:
    """The names of containers, paths and variables reach the programs as they are, and do nothing else."""
    program = tmp_path / "docker"
    program.write_text('#!/bin/sh\nfor word; do printf "%s\\0" "$word" >> words; done\n')
    program.chmod(0o755)
    unit = in_docker(name=HOSTILE)
    lines = (unit.stop, unit.start, unit.collector(), unit.collector(running=False), unit.shell)
    command = [str(find_program("busybox")), "sh"] if shell == "busybox" else ["dash"]
    done = subprocess.run(
        [*command, "-s"],
        input="\n".join(lines),
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        text=True,
    )
    assert done.returncode == 0
    assert not (tmp_path / "pwned").exists()
    words = (tmp_path / "words").read_text().split("\0")
    assert words.count(HOSTILE) == 5
    assert words[:3] == ["stop", "--", HOSTILE]


def test_secrets_of_the_environment_stand_in_no_command_line() -> None:
    unit = as_service(REGISTRY_HTTP_SECRET="s3cret", AWS_SECRET_ACCESS_KEY="s3cret")
    collection = scripts.collection(unit, KeepOut.STOP, needs_restart=False, mark="7e57")
    for text in (*vars_of(unit), *vars_of(in_docker()), *collection.arguments):
        assert "s3cret" not in text
    assert "s3cret" not in repr(unit)


def vars_of(unit: Unit) -> tuple[str, ...]:
    return (unit.inside, unit.beside, unit.shell, unit.shell_beside, *unit.prepare, unit.stop, unit.start)


def test_the_collector_runs_as_the_service_user_and_not_as_root() -> None:
    assert as_service().collector(running=False).startswith("runuser -u reg -- /usr/bin/docker-registry garbage-")
    sudo = as_service(HostSettings(runtime="systemd", sudo=True))
    assert sudo.collector(running=False).startswith("sudo -n -u reg -- /usr/bin/docker-registry garbage-collect")
    assert sudo.stop == "sudo -n systemctl stop -- docker-registry.service"


def test_beside_a_stopped_container_nothing_can_push() -> None:
    assert "--network none" in in_docker().collector(running=False)
    assert "--volumes-from registry" in in_docker().collector(running=False)


def test_what_cant_be_stopped_without_harm_has_an_obstacle() -> None:
    def obstacle(of: Container) -> str:
        return container_unit(
            ["docker"],
            of,
            HostSettings(),
            has_shell=True,
            program="registry",
            config="/c.yml",
            root="/var/lib/registry",
            driver="filesystem",
        ).obstacle

    assert obstacle(container()) == ""
    assert "in no volume" in obstacle(container(mounts={"/etc": "/etc"}))
    assert "would be removed" in obstacle(container(keeper="it would be removed"))


def test_what_shares_its_storage_is_collected_in_no_way() -> None:
    """Also where nobody pushes meanwhile: what the others keep of its blobs in memory isn't cleared."""
    assert replace(in_docker(), is_shared=True, obstacle="Others have the same storage.").ways == ()


def test_a_service_runs_while_any_of_its_containers_does(tmp_path: Path) -> None:
    """Whichever compose has started, and not what it was run for once."""
    labels = ("com.docker.compose.project=it's", "com.docker.compose.service=web", "com.docker.compose.oneoff=False")
    unit = container_unit(
        ["docker"],
        container(service=labels),
        HostSettings(runtime="compose", container="web"),
        program="registry",
        config="/etc/config.yml",
        root="/var/lib/registry",
        driver="filesystem",
        has_shell=True,
        compose=Compose("docker compose", ("docker", "compose")),
    )
    program = tmp_path / "docker"
    program.write_text('#!/bin/sh\ntest "$1" != ps || { printf "%s|" "$@" > asked; cat listed; }\n')
    program.chmod(0o755)
    for listed, runs in (("0123\n", True), ("", False)):
        (tmp_path / "listed").write_text(listed)
        command = scripts.files(unit, KeepOut.STOP, needs_restart=False)["any-runs"]
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
        assert (done.returncode == 0) is runs
    asked = "".join(f"--filter|label={label}|" for label in labels)
    assert (tmp_path / "asked").read_text() == f"ps|-q|{asked}"


def test_a_dry_run_beside_a_stopped_registry() -> None:
    unit = in_docker()
    assert f"{unit.inside} garbage-collect --dry-run /etc/config.yml" in scripts.dry_run(unit, "7e57").arguments
    stopped = scripts.dry_run(replace(unit, is_running=False), "7e57")
    assert f"{unit.beside} garbage-collect --dry-run /etc/config.yml" in stopped.arguments


def test_a_command_of_the_users_own_is_not_ours_to_end() -> None:
    """It may be several words of shell, which `exec` would cut short."""
    files = scripts.files(UNITS["command"], KeepOut.STOP, needs_restart=False)
    assert (files["ours"], files["quit"], files["collector"].startswith("exec ")) == ("no", "", False)
    files = scripts.files(in_docker(), KeepOut.STOP, needs_restart=False)
    assert (files["ours"], files["collector"].startswith("exec docker run")) == ("yes", True)


def test_the_environment_reaches_the_collector_line_by_line_and_quoted(tmp_path: Path) -> None:
    """As Go's %#q prints it: a value with line breaks would be several variables, the second one of its own making."""
    told = ["`A=b c`", '"B=1\\nREGISTRY_X=2"', "", "`REGISTRY_X={\"a\": '1\\'}`", "second line"]
    (tmp_path / "told").write_text("".join(f"{line}\n" for line in told))
    (tmp_path / "docker").write_text("#!/bin/sh\ncat told\n")
    (tmp_path / "docker").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["sh", "-c", *in_docker().prepare], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "registry.env").read_text() == "A=b c\nREGISTRY_X={\"a\": '1\\'}\n"

    line, _ = as_service(REGISTRY_X="1").prepare
    (tmp_path / "environ").write_bytes(b"REGISTRY_X=it's $(one)\0HOME=/root\0AWS_Y=2\0")
    line = line.replace("/proc/7/environ", "environ")
    subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environment, check=True)
    shown = subprocess.run(
        ["sh", "-c", '. ./registry.env; printf "%s|%s" "$REGISTRY_X" "$AWS_Y"'],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert shown.stdout == "it's $(one)|2"
    assert "HOME" not in (tmp_path / "registry.env").read_text()


def _in_service(directory: Path, environ: bytes | None) -> dict[str, str] | None:
    """What of a service's environment its collector has; None where that isn't begun."""
    if environ is not None:
        (directory / "environ").write_bytes(environ)
    line = " &&\n".join(as_service(REGISTRY_X="1").prepare).replace("/proc/7/environ", "environ")
    command = f"{{ {line}\n}} && . ./registry.env && exec env -0"
    done = subprocess.run(
        ["sh", "-c", command], cwd=directory, env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False
    )
    told = (each.decode("latin-1").partition("=") for each in done.stdout.split(b"\0"))
    return {name: value for name, _, value in told if name.startswith("REGISTRY_")} if done.returncode == 0 else None


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes another user")
def test_a_services_own_user_needs_no_right_to_the_file_with_its_environment(tmp_path: Path) -> None:
    process = Process("r.service", "/usr/bin/env", "/etc/config.yml", 7, "nobody", {"REGISTRY_X": "1"})
    unit = systemd_unit(process, HostSettings(runtime="systemd"), root="/srv", me="root")
    (tmp_path / "registry.env").write_text("export REGISTRY_X='it'\\''s'\nexport AWS_Y='a\nb'\n")
    (tmp_path / "registry.env").chmod(0o600)
    # The program's words are the collector's: here it prints two variables.
    command = unit.beside + ' sh -c \'printf "%s|%s" "$REGISTRY_X" "$AWS_Y"\''
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("it's|a\nb", "")


def test_a_services_variable_with_line_breaks_is_one_variable(tmp_path: Path) -> None:
    """Its second line would be one more: another storage's root, say."""
    section = b"REGISTRY_STORAGE=filesystem:\n  rootdirectory: '/srv'\nREGISTRY_A=1\n"
    environ = b"MOTD=a\nREGISTRY_B=2\0" + section + b"\0REGISTRY_X=\xff\0"
    assert _in_service(tmp_path, environ) == {
        "REGISTRY_STORAGE": "filesystem:\n  rootdirectory: '/srv'\nREGISTRY_A=1\n",
        "REGISTRY_X": "\xff",
    }


@pytest.mark.parametrize("environ", [None, b"", b"HOME=/root\0"])
def test_a_service_whose_environment_is_not_there_any_more_is_not_collected_without_it(
    tmp_path: Path, environ: bytes | None
) -> None:
    """It was started anew since: the collector would take another storage for the registry's."""
    assert _in_service(tmp_path, environ) is None


def test_a_dry_run_keeps_what_comes_by_two_outputs_apart(tmp_path: Path) -> None:
    """A container's come in pieces that don't end with lines."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nprintf 'time=\"2026' >&2\necho team/app\necho '-11\"' >&2\nexit 3\n")
    program.chmod(0o755)
    unit = Unit("docker", "registry", "/c.yml", True, str(program))
    script = scripts.dry_run(unit, "7e57")
    done = subprocess.run(["sh", "-c", script.text, "sh", *script.arguments], capture_output=True, text=True)
    assert done.stdout.split("\n") == ["team/app", 'time="2026-11"', "", "::regtui-7e57 exit 3", ""]


ID = "5b1c" * 16


def unit_of(found: Container, runtime: str = "docker") -> Unit:
    return container_unit(
        [runtime],
        found,
        HostSettings(),
        program="registry",
        config="/c.yml",
        root="/var/lib/registry",
        driver="filesystem",
        has_shell=True,
    )


def test_all_that_a_run_does_goes_to_the_container_that_was_found_whatever_has_its_name_by_now() -> None:
    """By name alone are: the two that are made, and the look who has the name now."""
    found = container(id=ID, restart="unless-stopped", publications=("5000:5000/tcp",))
    unit = unit_of(found)
    files = scripts.files(unit, KeepOut.STAND_IN, needs_restart=True)
    lines = {name: text for name, text in files.items() if "docker" in text and not name.endswith(".sh")}
    looking = {"is-still", "is-another"}
    ours = {"collector", "quit", "quit-asking", "gone", "serve", "serves", "serve-log", "tidy"}
    assert {"stop", "start", "check", "prepare", "hold", "release", "make-stand-in", "shell"} <= {*lines}
    for name, text in lines.items():
        words = text.replace("regtui-gc-registry", "").replace("regtui-pulls-registry", "")
        words = (
            words.replace("regtui.stands-in-for=registry", "")
            .replace("regtui.collects=registry", "")
            .replace("regtui.stands-in-for=registry", "")
            .replace("= registry", "")
            .replace("regtui.asks=registry", "")
            .replace("--entrypoint registry", "")
        )
        by_name = any(word.strip("\"'();") == "registry" for word in words.split())
        assert by_name == (name in looking), (name, text)
        assert (ID in text) or name in ours, (name, text)
    assert f"--volumes-from {ID} " in files["collector"]
    assert f"exec -- {ID} registry" in unit.inside


@pytest.mark.parametrize("told", ["", "5b1c", "x" * 64, ID.upper(), f"{ID}\n", f"-{ID[1:]}"])
def test_what_is_no_full_id_is_no_word_for_a_container(told: str) -> None:
    assert container(id=told).handle == "registry"


def test_who_has_the_name_now_is_told_by_the_id_and_no_answer_is_no_other_one(tmp_path: Path) -> None:
    unit = unit_of(container(id=ID), "./docker")

    def answers(script: str) -> tuple[bool, bool]:
        (tmp_path / "docker").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "docker").chmod(0o755)
        still, another = (
            subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True).returncode == 0
            for line in (unit.is_still, unit.is_another)
        )
        return still, another

    assert answers(f"echo {ID}") == (True, False)
    assert answers(f"echo {'0' * 64}") == (False, True)
    assert answers("echo; exit 1") == (False, False)
    assert answers("echo 'Error: no such container' >&2; exit 1") == (False, False)


@pytest.mark.parametrize("told", ["echo MainPID=7", "echo MainPID=0", "exit 1"])
def test_a_service_that_was_started_anew_is_not_the_one_that_was_looked_at(told: str, tmp_path: Path) -> None:
    (tmp_path / "systemctl").write_text(f"#!/bin/sh\n{told}\n")
    (tmp_path / "systemctl").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", as_service().is_still], env=environment)
    assert (done.returncode == 0) == (told == "echo MainPID=7")


def test_what_a_dry_run_says_of_its_failures_is_bounded_on_the_hosts_disk(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nyes 0123456789 2>&- | head -n 30000 >&2\necho its last words >&2\nexit 3\n")
    program.chmod(0o755)
    script = scripts.dry_run(Unit("docker", "registry", "/c.yml", True, str(program)), "7e57")
    assert "ulimit -f 131072;" in script.text
    text = script.text.replace("ulimit -f 131072;", "ulimit -f 200;")
    done = subprocess.run(["sh", "-c", text, "sh", *script.arguments], capture_output=True, text=True)
    assert 100_000 < len(done.stdout) < 200_000
    assert done.stdout.splitlines()[-3:] == ["its last words", "", "::regtui-7e57 exit 3"]


def test_a_dry_run_of_what_was_replaced_since_says_that_and_nothing_else(tmp_path: Path) -> None:
    unit = Unit("docker", "registry", "/c.yml", True, "touch begun;", is_still="false")
    script = scripts.dry_run(unit, "7e57")
    done = subprocess.run(
        ["sh", "-c", script.text, "sh", *script.arguments], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.split() == ["::regtui-7e57", "another"]
    assert not (tmp_path / "begun").exists()
