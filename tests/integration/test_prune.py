"""`regtui prune` on real registries: what crane says is left, one run, and all of it back."""

import json
import os
import shlex
import stat
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from regtui.registry.identity import RegistryId
from regtui.settings.registry_lock import only_one
from tests.support.clients import crane, crane_digest
from tests.support.commands import Done, Regtui
from tests.support.content import Recipe
from tests.support.images import open_registry, push_image
from tests.support.servers import RegistryServer, start_registry

NOW = datetime.now(UTC)
RULES = """
[[registries.prod.retention]]
repositories = ["team/*"]
keep = 2

[[registries.prod.retention]]
repositories = ["*"]
match = "^dev-"
older_than = "30d"
"""


class Prune:
    """The command with a config file of its own."""

    def __init__(self, regtui: Regtui, server: RegistryServer, directory: Path) -> None:
        self.regtui = regtui
        self.server = server
        self.file = directory / "config.toml"
        self.told = directory / "told.json"
        self.write(RULES)

    def write(self, rules: str, *, before: str = 'protect = ["stable"]', more: str = "") -> None:
        self.file.write_text(f'{before}\n[registries.prod]\naddress = "{self.server.url}"\n{more}\n{rules}')

    def __call__(self, *arguments: str, **environment: str) -> Done:
        return self.regtui("prune", "prod", "--config", str(self.file), *arguments, **environment)

    def lines(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        done = self(*arguments, "--json")
        assert done.returncode == code, done
        return [json.loads(line) for line in done.stdout.splitlines()]

    def undo(self, *arguments: str) -> Done:
        return self.regtui("undo", *arguments, "--config", str(self.file))


@pytest.fixture
def prune(regtui: Regtui, server: RegistryServer, tmp_path: Path) -> Prune:
    return Prune(regtui, server, tmp_path)


def push(writer: httpx.Client, repository: str, ages: Mapping[str, float]) -> None:
    """Images so many days old."""
    for tag, age in ages.items():
        push_image(writer, repository, tag, recipe=Recipe(repository, created=NOW - timedelta(days=age)))


AGES = {"1.0": 400, "1.1": 300, "1.2": 20, "stable": 10}


@pytest.fixture
def filled(writer: httpx.Client) -> httpx.Client:
    push(writer, "team/app", AGES)
    push(writer, "team/web", {"1.0": 9, "1.1": 8, "1.2": 7, "1.3": 6})
    push(writer, "other/lib", {"dev-1": 60, "dev-2": 5, "2.0": 500})
    return writer


def tags(server: RegistryServer) -> dict[str, str]:
    """Every tag with its digest, as crane has them."""
    names = crane("catalog", server.host).split()
    return {
        f"{name}:{tag}": crane_digest(f"{server.host}/{name}:{tag}")
        for name in names
        for tag in crane("ls", f"{server.host}/{name}").split()
    }


GOES = {"team/app:1.0", "team/web:1.0", "team/web:1.1", "other/lib:dev-1"}


def test_exactly_what_the_rules_select_goes_as_one_run_and_comes_back(
    filled: httpx.Client, server: RegistryServer, prune: Prune
) -> None:
    before = tags(server)
    *planned, last = prune.lines("--dry-run")
    assert {each["reference"] for each in planned if each["action"] == "untag"} == GOES
    assert {each["rule"] for each in planned} == {"line 6", "line 10"}
    assert {each["status"] for each in planned} == {"planned"}
    assert last.keys() == {"tags", "manifests", "bytes", "in_use", "seconds"}
    assert (last["tags"], last["manifests"], last["in_use"]) == (4, 4, 0)
    assert last["bytes"] > 0
    assert tags(server) == before

    *done, summary = prune.lines("--yes")
    assert {each["reference"] for each in done if each["action"] == "untag"} == GOES
    assert {each["status"] for each in done} == {"done"}
    assert summary | {"seconds": 0} == last | {"seconds": 0}
    assert tags(server) == {name: digest for name, digest in before.items() if name not in GOES}
    for name in GOES:
        repository = name.partition(":")[0]
        assert filled.head(f"/v2/{repository}/manifests/{before[name]}").status_code == 404

    log = prune.regtui.records("log", "--config", str(prune.file))
    (whole,) = [each for each in log if each["action"] == "prune"]
    assert (whole["deleted_tags"], whole["deleted_manifests"], whole["repositories"]) == (4, 4, 3)
    assert (whole["result"], whole["stopped"], whole["error"]) == ("done", 0, None)
    assert {each["part_of"] for each in log if each["action"] == "delete"} == {whole["run"]}

    back = prune.undo("prod", "--yes")
    assert back.returncode == 0, back
    assert back.stderr.count("To take it back: regtui undo ") == 3, "each part is a run of its own"
    assert tags(server) == before
    again = prune.undo(whole["run"], "--yes")
    assert again.returncode == 0, again
    assert "Nothing to put back." in again.stderr


def test_a_second_run_finds_nothing_and_is_in_the_log_all_the_same(
    filled: httpx.Client, server: RegistryServer, prune: Prune
) -> None:
    prune.lines("--yes")
    left = tags(server)
    (last,) = prune.lines("--yes")
    assert (last["tags"], last["manifests"], last["bytes"]) == (0, 0, 0)
    assert tags(server) == left
    log = prune.regtui.records("log", "--config", str(prune.file))
    assert [each["result"] for each in log if each["action"] == "prune"] == ["done", "done"]
    # What is undone is the run that deleted something.
    assert prune.undo("prod", "--yes").returncode == 0
    assert len(tags(server)) == len(left) + len(GOES)


def test_where_nobody_is_asked_more_than_half_of_a_repository_stays(
    filled: httpx.Client, server: RegistryServer, prune: Prune
) -> None:
    prune.write(RULES.replace("keep = 2", "keep = 1"))
    before = tags(server)
    done = prune("--yes", "--json")
    assert done.returncode == 1, done
    assert "team/web: nothing is deleted there, as its rule would take 3 of 4 tags, more than 50%." in done.stderr
    assert before.keys() - tags(server).keys() == {"team/app:1.0", "team/app:1.1", "other/lib:dev-1"}
    assert prune("--yes", "--most", "75%").returncode == 0
    assert before.keys() - tags(server).keys() == {*GOES, "team/app:1.1", "team/web:1.2"}


def test_blobs_that_repositories_share_count_once(writer: httpx.Client, prune: Prune) -> None:
    """The same image in three repositories, which one of them keeps; then in all three, which none keeps."""
    for repository in ("team/a", "team/b", "team/c"):
        push_image(writer, repository, "old", recipe=Recipe("shared", created=NOW - timedelta(days=90)))
        push(writer, repository, {"1.0": 2, "1.1": 1})
    push_image(writer, "team/c", "stable", recipe=Recipe("shared", created=NOW - timedelta(days=90)))
    *_, all_of_them = prune.lines("--dry-run")
    assert all_of_them["tags"] == 3
    assert all_of_them["bytes"] == 0
    prune.write(RULES, before="")
    *_, shared = prune.lines("--dry-run")
    prune.write('[[registries.prod.retention]]\nrepositories = ["team/a"]\nkeep = 2\n', before="")
    *_, alone = prune.lines("--dry-run")
    assert shared["bytes"] == alone["bytes"] > 0


def test_who_is_notified_gets_the_summary_and_its_failure_changes_nothing(
    filled: httpx.Client, server: RegistryServer, prune: Prune
) -> None:
    prune.write(RULES, more=f'notify = ["sh", "-c", "cat > {prune.told}"]')
    *_, last = prune.lines("--yes")
    told = json.loads(prune.told.read_text())
    assert {key: told[key] for key in last} == last
    assert (told["registry"], told["repositories"], told["stopped"], told["error"]) == ("prod", 3, [], None)
    prune.write(RULES, more='notify = ["sh", "-c", "cat >/dev/null; echo no mail here >&2; exit 3"]')
    done = prune("--yes")
    assert done.returncode == 0
    assert "sh, which notify names, failed with 3: no mail here" in done.stderr
    prune.write(RULES, more='notify = ["/no/such/program"]')
    done = prune("--yes")
    assert done.returncode == 0
    assert "/no/such/program, which notify names, can't be run: no such file or directory." in done.stderr


def test_a_registry_that_is_not_there_is_told_to_who_is_notified_and_in_the_log(regtui: Regtui, tmp_path: Path) -> None:
    with start_registry("3.1.1", tmp_path / "registry") as server:
        prune = Prune(regtui, server, tmp_path)
    prune.write(RULES, more=f'notify = ["sh", "-c", "cat > {prune.told}"]')
    done = prune("--yes")
    assert done.returncode == 3, done
    assert json.loads(prune.told.read_text())["error"] in done.stderr
    (entry,) = regtui.records("log")
    assert (entry["action"], entry["result"]) == ("prune", "failed")
    assert entry["error"]


def test_a_second_prune_of_the_same_registry_says_who_is_at_it(
    filled: httpx.Client, server: RegistryServer, prune: Prune, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tags(server)
    state = prune.regtui.environment.get("XDG_STATE_HOME") or str(prune.regtui.home / ".local" / "state")
    monkeypatch.setenv("XDG_STATE_HOME", state)
    with only_one(RegistryId.parse(server.url), "prune"):
        done = prune("--yes")
        assert done.returncode == 1
        assert f"is running at {server.host} already: process {os.getpid()}, since" in done.stderr
        # To look is always possible.
        assert prune("--dry-run").returncode == 0
    assert tags(server) == before


def test_nobody_to_ask_no_rules_and_a_registry_that_refuses(
    filled: httpx.Client, server: RegistryServer, prune: Prune, tmp_path: Path
) -> None:
    assert prune().returncode == 2
    prune.write("")
    done = prune("--yes")
    assert done.returncode == 2
    assert "The config file has no retention rules for prod." in done.stderr
    prune.write(RULES, more="read_only = true")
    before = tags(server)
    done = prune("--yes")
    assert done.returncode == 6
    assert "was opened read-only" in done.stderr
    assert tags(server) == before


def test_where_deletion_is_off_it_says_so(version: str, regtui: Regtui, tmp_path: Path) -> None:
    with start_registry(version, tmp_path / "registry", delete=False) as server:
        with open_registry(server.url) as writer:
            push(writer, "team/app", AGES)
        prune = Prune(regtui, server, tmp_path)
        before = tags(server)
        done = prune("--yes")
        assert done.returncode == 6, done
        assert "refuses deletion: it is disabled there" in done.stderr
        assert tags(server) == before


def test_a_tag_that_cannot_be_read_stops_its_repository_alone(
    filled: httpx.Client, server: RegistryServer, prune: Prune
) -> None:
    link = server.storage / "docker/registry/v2/repositories/team/web/_manifests/tags/1.3/current/link"
    link.write_text("no digest")
    done = prune("--yes", "--json")
    assert done.returncode == 1, done
    assert "team/web: nothing is deleted there, as not all of it could be read" in done.stderr
    assert set(crane("ls", f"{server.host}/team/web").split()) == {"1.0", "1.1", "1.2", "1.3"}
    assert set(crane("ls", f"{server.host}/team/app").split()) == {"1.1", "1.2", "stable"}


def test_what_is_in_use_stays_and_a_source_that_cannot_be_read_stops_everything(
    filled: httpx.Client, server: RegistryServer, prune: Prune, tmp_path: Path
) -> None:
    """By digest, though the tag that it was pulled by leads elsewhere since: without any tag even, it can be pulled."""
    before = tags(server)
    used = f"{server.host}/team/web@{before['team/web:1.0']}"
    push(filled, "team/web", {"1.0": 0})
    uses = f'[registries.prod.in_use]\ncommand = "cat {tmp_path}/used"\n'
    prune.write(RULES.replace("keep = 2", "keep = 1") + uses, more=f'notify = ["sh", "-c", "cat > {prune.told}"]')
    moved = tags(server)
    failing = prune("--yes", "--most", "100%", "--json")
    assert failing.returncode == 1, failing
    assert "What is in use can't be read from command cat" in failing.stderr
    assert tags(server) == moved
    assert "an image that can't be seen to be in use may be" in json.loads(prune.told.read_text())["error"]
    assert prune("--dry-run").returncode == 1

    (tmp_path / "used").write_text(f"{used}\n{server.host}/team/app:1.1\n")
    *_, last = prune.lines("--yes", "--most", "100%")
    assert last["in_use"] == 1
    assert set(crane("ls", f"{server.host}/team/web").split()) == {"1.0"}
    assert set(crane("ls", f"{server.host}/team/app").split()) == {"1.1", "1.2", "stable"}
    assert crane("validate", "--remote", used)
    (one,) = prune.lines("--explain", "team/app:1.1")
    assert (one["fate"], one["why"]) == ("stays", "named by the command of in_use")


def test_why_a_tag_goes_or_stays(filled: httpx.Client, prune: Prune) -> None:
    found = {each["reference"]: each for each in prune.lines("--explain", "team/app")}
    assert {name: (each["fate"], each["why"]) for name, each in found.items()} == {
        "team/app:1.0": ("goes", "not among the newest 2"),
        "team/app:1.1": ("stays", "second newest of 2"),
        "team/app:1.2": ("stays", "newest of 2"),
        "team/app:stable": ("stays", "protected by the config file"),
    }
    (one,) = prune.lines("--explain", "other/lib:dev-2")
    assert (one["why"], one["rule"]) == ("created less than 30 days ago", "line 10")
    (later,) = prune.lines("--explain", "other/lib:dev-2", "--as-of", f"{NOW + timedelta(days=40):%Y-%m-%d}")
    assert (later["fate"], later["why"]) == ("goes", "matches ^dev-, older than 30 days")
    missing = prune("--explain", "team/app:9.9")
    assert missing.returncode == 5
    assert "team/app has no tag 9.9." in missing.stderr


def test_as_of_a_date_nothing_is_deleted(filled: httpx.Client, server: RegistryServer, prune: Prune) -> None:
    before = tags(server)
    *planned, _ = prune.lines("--as-of", f"{NOW + timedelta(days=40):%Y-%m-%d}")
    assert "other/lib:dev-2" in {each["reference"] for each in planned}
    assert tags(server) == before


def test_entries_that_overlap_are_told(filled: httpx.Client, prune: Prune) -> None:
    # What is behind those that it is to make up for overlaps them, and that is no mistake.
    done = prune("--check")
    assert done.returncode == 0, done
    assert "overlaps line 6, which counts for team/app and 1 more" in done.stdout
    prune.write(RULES + '[[registries.prod.retention]]\nrepositories = ["team/app"]\nkeep = 5\n')
    done = prune("--check")
    assert done.returncode == 1
    assert "never counts: line 6 names everything that it names" in done.stdout


def test_the_doctor_tells_an_entry_that_never_counts(filled: httpx.Client, prune: Prune) -> None:
    def told() -> list[str]:
        done = prune.regtui("doctor", "prod", "--config", str(prune.file), "--json")
        checks = [json.loads(line) for line in done.stdout.splitlines()]
        return [f"{each['status']}: {each['message']}" for each in checks if "retention" in each["message"]]

    assert told() == ["ok: 2 retention entries: each may count"]
    prune.write(RULES + '[[registries.prod.retention]]\nrepositories = ["team/app"]\nkeep = 5\n')
    assert told() == ["failed: The retention entry at line 14 never counts: line 6 names everything that it names."]


def test_a_name_that_was_pushed_meanwhile_is_not_put_back_over(
    filled: httpx.Client, server: RegistryServer, prune: Prune
) -> None:
    prune.lines("--yes")
    push(filled, "team/app", {"1.0": 0})
    anew = tags(server)["team/app:1.0"]
    back = prune.undo("prod", "--yes")
    assert back.returncode == 1, back
    assert "1.0 was pushed anew since, and stays as pushed." in back.stderr
    assert tags(server)["team/app:1.0"] == anew
    assert tags(server).keys() >= GOES


# The timer


@pytest.fixture
def systemctl(tmp_path: Path) -> Path:
    """A stand-in that writes down what it is asked, first on PATH: there is no systemd of a user here."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\ntest ! -e {tmp_path}/fails\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


def units_of(home: Path) -> list[str]:
    folder = home / ".config" / "systemd" / "user"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("shared_version", ["3.1.1"])
def test_the_service_is_sound_and_its_own_command_prunes(
    shared_version: str, regtui: Regtui, tmp_path: Path, systemctl: Path
) -> None:
    with start_registry(shared_version, tmp_path / "registry") as server:
        with open_registry(server.url) as writer:
            push(writer, "team/app", AGES)
        prune = Prune(regtui, server, tmp_path)
        environment = {"PATH": f"{systemctl}:{os.environ['PATH']}"}
        done = prune("--timer", "03:30", "--install", **environment)
        assert done.returncode == 0, done
        assert units_of(regtui.home) == ["regtui-prune-prod.service", "regtui-prune-prod.timer"]
        calls = (tmp_path / "calls").read_text().splitlines()
        assert calls == ["--user daemon-reload", "--user enable --now regtui-prune-prod.timer"]
        folder = regtui.home / ".config" / "systemd" / "user"
        _verify([folder / name for name in units_of(regtui.home)], tmp_path, "--user")

        # What systemd would run, as it would run it.
        (line,) = [
            line.removeprefix("ExecStart=")
            for line in (folder / "regtui-prune-prod.service").read_text().splitlines()
            if line.startswith("ExecStart=")
        ]
        ran = subprocess.run(
            shlex.split(line), env=regtui.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert ran.returncode == 0, ran
        assert json.loads(ran.stdout.splitlines()[-1])["tags"] == 1
        assert set(crane("ls", f"{server.host}/team/app").split()) == {"1.1", "1.2", "stable"}

        assert prune("--uninstall", **environment).returncode == 0
        assert units_of(regtui.home) == []
        assert (tmp_path / "calls").read_text().splitlines()[2:] == [
            "--user disable --now regtui-prune-prod.timer",
            "--user daemon-reload",
        ]


def test_units_that_are_printed_are_sound(regtui: Regtui, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    rules = RULES.replace("registries.prod.", 'registries."my prod".')
    file.write_text(f'[registries."my prod"]\naddress = "127.0.0.1:1"\n{rules}')
    for options in ([], ["--gc"], ["--most", "20%"]):
        done = regtui("prune", "my prod", "--timer", "weekly", "--config", str(file), *options)
        assert done.returncode == 0, done
        texts = done.stdout.split("# /etc/systemd/system/")[1:]
        files = []
        for text in texts:
            name, _, unit = text.partition("\n")
            files.append(tmp_path / name)
            files[-1].write_text(unit.partition("# crontab")[0])
        assert [path.name for path in files] == ["regtui-prune-my-prod.service", "regtui-prune-my-prod.timer"]
        _verify(files, tmp_path)


def test_a_timer_that_cannot_be_enabled_leaves_nothing(regtui: Regtui, tmp_path: Path, systemctl: Path) -> None:
    (tmp_path / "fails").touch()
    file = tmp_path / "config.toml"
    file.write_text(f'[registries.prod]\naddress = "127.0.0.1:1"\n{RULES}')
    environment = {"PATH": f"{systemctl}:{os.environ['PATH']}"}
    done = regtui("prune", "prod", "--config", str(file), "--timer", "daily", "--install", **environment)
    assert done.returncode == 1
    assert "The timer was not set up: systemctl --user daemon-reload failed: exit code 1" in done.stderr
    assert units_of(regtui.home) == []


def test_somebody_elses_unit_is_left_alone(regtui: Regtui, tmp_path: Path, systemctl: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[registries.prod]\naddress = "127.0.0.1:1"\n{RULES}')
    unit = regtui.home / ".config" / "systemd" / "user" / "regtui-prune-prod.timer"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Timer]\n")
    environment = {"PATH": f"{systemctl}:{os.environ['PATH']}"}
    for arguments in (["--timer", "daily", "--install"], ["--uninstall"]):
        done = regtui("prune", "prod", "--config", str(file), *arguments, **environment)
        assert done.returncode == 1
        assert "wasn't written by regtui" in done.stderr
    assert unit.read_text() == "[Timer]\n"
    assert not (tmp_path / "calls").exists()


def _verify(units: list[Path], directory: Path, *options: str) -> None:
    """By systemd itself."""
    done = subprocess.run(
        ["systemd-analyze", "verify", *options, *map(str, units)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(directory)},
    )
    ours = [line for line in done.stderr.splitlines() if "regtui" in line]
    assert (done.returncode, ours) == (0, []), done
