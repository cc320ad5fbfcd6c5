"""A run is undone, finished and reverted at the registry where it was made, whatever the configuration says of others:
each configuration × each command, on real registries, with crane as witness."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.clients import crane
from tests.support.commands import Regtui, failed
from tests.support.images import open_registry, push_image
from tests.support.servers import RegistryServer, start_registry
from tests.support.sshd import SshServer, start_sshd
from tests.support.terminal import on_terminal

REPOSITORY = "team/app"
ALL = {"1.0", "2.0", "3.0"}


@dataclass
class Scene:
    """Two registries that hold the same: `lab`, where something is deleted, and `prod`, which must stay as it is."""

    lab: RegistryServer
    prod: RegistryServer
    regtui: Regtui

    def configure(self, default: str = "", more: str = "") -> None:
        text = f'default = "{default}"\n' if default else ""
        for name, server in (("lab", self.lab), ("prod", self.prod)):
            text += f'[registries.{name}]\naddress = "{server.url}"\n'
        write_config(self.regtui, text + more)

    def tags(self, server: RegistryServer) -> set[str]:
        return set(crane("ls", f"{server.host}/{REPOSITORY}").split())

    def runs(self) -> list[str]:
        return sorted(file.stem for file in journal(self.regtui).glob("*.jsonl"))


@pytest.fixture
def version() -> str:
    """The one whose deletion takes several steps: what a configuration leads to doesn't depend on it."""
    return "2.8.2"


@pytest.fixture
def scene(version: str, tmp_path: Path, regtui: Regtui) -> Iterator[Scene]:
    with ExitStack() as stack:
        lab, prod = (stack.enter_context(start_registry(version, tmp_path / name)) for name in ("lab", "prod"))
        for server in (lab, prod):
            fill(server)
        yield Scene(lab, prod, regtui)


def fill(server: RegistryServer) -> None:
    with open_registry(server.url) as opened:
        for tag in ALL:
            push_image(opened, REPOSITORY, tag)


def journal(regtui: Regtui) -> Path:
    return Path(regtui.environment["HOME"]) / ".local/state/regtui/journal"


def write_config(regtui: Regtui, text: str) -> None:
    config = Path(regtui.environment["HOME"]) / ".config/regtui/config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(text)


def interrupted(regtui: Regtui, server: RegistryServer, registry: str, **environment: str) -> str:
    """A deletion of 1.0 at `registry` that was killed before its first step; the run's name."""
    assert regtui("rm", "-r", registry, f"{REPOSITORY}:1.0", "--yes", **environment).returncode == 0
    (file,) = journal(regtui).glob("*.jsonl")
    file.write_text(file.read_text().splitlines(keepends=True)[0])
    fill(server)
    return file.stem


def as_an_earlier_version_recorded_it(regtui: Regtui, run: str) -> None:
    file = journal(regtui) / f"{run}.jsonl"
    first, *rest = file.read_text().splitlines(keepends=True)
    record = json.loads(first)
    del record["via"]
    file.write_text(f"{json.dumps(record)}\n{''.join(rest)}")


def printed(stderr: str, start: str) -> list[str]:
    """The arguments of the command that stands after `start`, as it was printed."""
    (line,) = (line for line in stderr.splitlines() if line.startswith(f"{start} regtui "))
    return line.removeprefix(f"{start} regtui ").split()


CONFIGURATIONS = [
    pytest.param("prod", {}, [], id="default"),
    pytest.param("", {"REGTUI_REGISTRY": "prod"}, [], id="environment"),
    pytest.param("prod", {"REGTUI_REGISTRY": "prod"}, [], id="both"),
    pytest.param("lab", {}, [], id="its own is default"),
    pytest.param("prod", {"REGTUI_REGISTRY": "prod"}, ["-r", "lab"], id="named"),
    pytest.param("", {}, [], id="nothing"),
]


@pytest.mark.parametrize(("default", "environment", "more"), CONFIGURATIONS)
@pytest.mark.alike("way")
@pytest.mark.parametrize("way", ["revert", "finish"])
def test_a_run_that_was_interrupted_is_ended_where_it_was_made(
    scene: Scene, default: str, environment: dict[str, str], more: list[str], way: str
) -> None:
    scene.configure()
    run = interrupted(scene.regtui, scene.lab, "lab")
    scene.configure(default)
    # In its own repository it stands in the way of whatever is deleted at lab, with commands to be typed.
    refused = scene.regtui("rm", "-r", "lab", f"{REPOSITORY}:2.0", "--yes", **environment)
    assert refused.returncode == 1
    command = printed(refused.stderr, "To finish it:" if way == "finish" else "To put it back:")
    assert command[:2] == ["undo", run]
    # And is no business of prod's.
    assert run not in scene.regtui("undo", "prod", "--yes", **environment).stderr
    done = scene.regtui(*command, *more, "--yes", **environment)
    assert done.returncode == 0, done
    assert scene.tags(scene.prod) == ALL
    assert scene.tags(scene.lab) == (ALL - {"1.0"} if way == "finish" else ALL)
    assert scene.regtui("rm", "-r", "lab", f"{REPOSITORY}:2.0", "--yes", **environment).returncode == 0


@pytest.mark.parametrize(("default", "environment", "more"), CONFIGURATIONS)
def test_a_deletion_is_undone_where_it_was_made_and_told_of_there(
    scene: Scene, default: str, environment: dict[str, str], more: list[str]
) -> None:
    scene.configure(default)
    deleted = scene.regtui("rm", "-r", "lab", f"{REPOSITORY}:1.0", "--yes", **environment)
    # The same tag is gone at prod too, by somebody else: nothing of lab's run may bring it back there.
    assert scene.regtui("rm", "-r", "prod", f"{REPOSITORY}:1.0", "--yes", **environment).returncode == 0
    command = printed(deleted.stderr, "To put it back:")
    for registry, count in (("lab", 1), ("prod", 1)):
        for listing in (["log", registry], ["undo", "--list", registry]):
            assert len(scene.regtui.records(*listing)) == count
    assert scene.regtui(*command, *more, "--yes", **environment).returncode == 0
    assert scene.tags(scene.lab) == ALL
    assert scene.tags(scene.prod) == ALL - {"1.0"}
    assert scene.regtui("undo", "prod", "--yes", **environment).returncode == 0
    assert scene.tags(scene.prod) == ALL


@pytest.mark.parametrize("options", [[], ["--finish"], ["--overwrite"], ["--dry-run"]])
def test_naming_another_registry_than_the_run_s_is_refused(scene: Scene, options: list[str]) -> None:
    scene.configure("lab")
    run = interrupted(scene.regtui, scene.lab, "lab")
    refused = scene.regtui("undo", run, "-r", "prod", "--yes", *options)
    assert refused.returncode == 6
    assert f"{run} was made at {scene.lab.host}, and prod is {scene.prod.host}." in refused.stderr
    assert scene.tags(scene.lab) == scene.tags(scene.prod) == ALL
    assert scene.runs() == [run]


def test_several_profiles_of_one_registry(scene: Scene) -> None:
    again = f'[registries.again]\naddress = "{scene.lab.host}"\nread_only = true\n'
    scene.configure("prod", again)
    deleted = scene.regtui("rm", "-r", "lab", f"{REPOSITORY}:1.0", "--yes")
    command = printed(deleted.stderr, "To put it back:")
    refused = scene.regtui("undo", command[1], "--yes")
    assert refused.returncode == 2
    assert "Several profiles lead to" in refused.stderr
    assert "lab, again" in refused.stderr
    assert scene.regtui(*command, "--yes").returncode == 0
    assert scene.tags(scene.lab) == ALL
    assert scene.tags(scene.prod) == ALL


def test_a_registry_without_a_profile(scene: Scene) -> None:
    write_config(scene.regtui, f'default = "prod"\n[registries.prod]\naddress = "{scene.prod.url}"\n')
    deleted = scene.regtui("rm", f"{scene.lab.host}/{REPOSITORY}:1.0", "--yes")
    undone = scene.regtui(*printed(deleted.stderr, "To put it back:"), "--yes")
    assert undone.returncode == 0
    assert "No profile of" in undone.stderr
    assert scene.tags(scene.lab) == ALL


# Two hosts whose own 127.0.0.1:PORT is a registry: the documented set-up


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[SshServer]:
    with start_sshd(tmp_path / "sshd") as server:
        text = server.config.read_text()
        host = text.split("\nHost *")[0]
        server.config.write_text(f"{host.replace('registry-host', 'other-host')}\n{text}")
        yield server


@pytest.fixture
def behind(version: str, tmp_path: Path, sshd: SshServer, regtui: Regtui) -> Iterator[RegistryServer]:
    with start_registry(version, tmp_path / "registry") as server:
        fill(server)
        regtui.environment["PATH"] = sshd.path
        yield server


def two_hosts(regtui: Regtui, server: RegistryServer, sshd: SshServer, default: str) -> None:
    text = f'default = "{default}"\n' if default else ""
    for name, via in (("staging", sshd.destination), ("prod", sshd.destination.replace("registry", "other"))):
        text += f'[registries.{name}]\naddress = "http://127.0.0.1:{server.port}"\nvia = "{via}"\n'
    write_config(regtui, text)


def tags(server: RegistryServer) -> set[str]:
    return set(crane("ls", f"{server.host}/{REPOSITORY}").split())


@pytest.mark.parametrize("default", ["prod", "staging", ""])
@pytest.mark.alike("way")
@pytest.mark.parametrize("way", ["revert", "finish"])
def test_a_run_made_via_a_host_is_ended_via_that_host(
    regtui: Regtui, behind: RegistryServer, sshd: SshServer, default: str, way: str
) -> None:
    two_hosts(regtui, behind, sshd, default)
    run = interrupted(regtui, behind, "staging")
    # At the other, nothing is known of it.
    assert regtui.records("log", "prod") == []
    nothing = regtui("undo", "prod", "--yes")
    assert (nothing.returncode, run in nothing.stderr) == (0, False)
    refused = regtui("undo", run, "-r", "prod", "--yes", *(["--finish"] if way == "finish" else []))
    assert (refused.returncode, tags(behind)) == (6, ALL)
    # Nor at the same address from here.
    here = regtui("undo", run, "-r", behind.url, "--yes", *(["--finish"] if way == "finish" else []))
    assert (here.returncode, tags(behind)) == (6, ALL)
    stands = regtui("rm", "-r", "staging", f"{REPOSITORY}:2.0", "--yes")
    assert stands.returncode == 1
    before = sshd.logins
    done = regtui(*printed(stands.stderr, "To finish it:" if way == "finish" else "To put it back:"), "--yes")
    assert done.returncode == 0, done
    assert sshd.logins == before + 1
    assert tags(behind) == (ALL - {"1.0"} if way == "finish" else ALL)
    (record, *_) = [record for record in regtui.records("log", "staging") if record["action"] == "delete"]
    assert record["via"] == sshd.destination


def test_a_run_of_an_earlier_version_is_taken_back_via_a_host_only_after_asking(
    regtui: Regtui, behind: RegistryServer, sshd: SshServer
) -> None:
    two_hosts(regtui, behind, sshd, "prod")
    assert regtui("rm", "-r", "staging", f"{REPOSITORY}:1.0", "--yes").returncode == 0
    (file,) = journal(regtui).glob("*.jsonl")
    as_an_earlier_version_recorded_it(regtui, file.stem)
    for arguments in (["undo", "staging"], ["undo", file.stem, "-r", "staging"], ["undo", file.stem, "-r", "prod"]):
        refused = regtui(*arguments, "--yes")
        assert refused.returncode == 6, refused
        assert "recorded by an earlier version" in " ".join(refused.stderr.split())
    several = regtui("undo", file.stem, "--yes")
    assert several.returncode == 2
    assert "staging, prod" in several.stderr
    assert tags(behind) == ALL - {"1.0"}
    with on_terminal(["undo", file.stem, "-r", "staging"], {**regtui.environment, "COLUMNS": "250"}) as terminal:
        terminal.wait_for("[y/N]")
        terminal.type("y\n")
        terminal.wait_for("Put back at ")
        terminal.type("y\n")
        assert terminal.end() == 0
    assert tags(behind) == ALL
    # The same address, reached from here, is where earlier versions' runs belong.
    assert regtui("rm", "-r", behind.url, f"{REPOSITORY}:2.0", "--yes").returncode == 0
    newest = max(journal(regtui).glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    as_an_earlier_version_recorded_it(regtui, newest.stem)
    assert regtui("undo", newest.stem, "-r", behind.url, "--yes").returncode == 0
    assert tags(behind) == ALL


@pytest.mark.parametrize("default", ["", "lab"], ids=["both by name", "one by default"])
def test_of_several_registries_each_row_and_each_plan_names_its_own(scene: Scene, default: str) -> None:
    scene.configure(default)
    lab = "" if default else "lab/"
    references = (f"{lab}{REPOSITORY}:1.0", f"prod/{REPOSITORY}:1.0")
    done = scene.regtui("rm", *references, "--yes", "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["reference"] for row in map(json.loads, done.stdout.splitlines()) if row["action"] == "untag"}
    assert rows == {f"lab/{REPOSITORY}:1.0", f"prod/{REPOSITORY}:1.0"}
    for server in (scene.lab, scene.prod):
        assert done.stderr.count(f"At {server.host}:") == 2, "once with the plan, once with what came of it"
        assert scene.tags(server) == ALL - {"1.0"}


def test_of_one_registry_rows_are_named_as_its_tags_are(scene: Scene) -> None:
    scene.configure()
    done = scene.regtui("rm", f"lab/{REPOSITORY}:1.0", f"lab/{REPOSITORY}:2.0", "--yes", "--json")
    rows = [json.loads(line)["reference"] for line in done.stdout.splitlines()]
    assert {row for row in rows if "@" not in row} == {f"{REPOSITORY}:1.0", f"{REPOSITORY}:2.0"}


@pytest.mark.parametrize("other", ["address", "profile", "default"])
def test_one_registry_by_two_names_is_refused_where_both_plans_were_of_one_repository(scene: Scene, other: str) -> None:
    scene.configure("lab", f'[registries.same]\naddress = "{scene.lab.url}"\n')
    first, second = {
        "address": ("lab/", f"{scene.lab.host}/"),
        "profile": ("lab/", "same/"),
        "default": ("", "same/"),
    }[other]
    done = scene.regtui("rm", f"{first}{REPOSITORY}:1.0", f"{second}{REPOSITORY}:2.0", "--yes")
    failed(done, 2, f"are the same registry ({scene.lab.host}), and {REPOSITORY} is named at both")
    assert scene.tags(scene.lab) == ALL
    assert scene.runs() == []
