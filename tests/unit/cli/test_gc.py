"""`regtui gc`: tried, shown, confirmed, done, and the truth told."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from regtui.cli import collection, gc, running
from regtui.cli.main import main
from regtui.demo.collector import DemoCollector
from regtui.demo.sample import sample_storage
from regtui.garbage.values import EarlierRun, Forecast, Stage, TagsVerified
from regtui.host.errors import CollectionFailed, HostNotAllowed, HostUnknown, NotOnHost, Unsafe
from regtui.host.keep_out import KeepOut
from regtui.local.transport import LocalTransport
from regtui.registry.address import Address
from regtui.session import resolving
from regtui.session.target import Target
from regtui.ssh.errors import HostUnreachable
from tests.support.screens import target
from tests.support.scripted_collector import COMMANDS, REPORT, SURVEY, ScriptedCollector, collected_by
from tests.support.terminal import on_terminal

Captured = pytest.CaptureFixture[str]
Use = Callable[[Target], None]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Makes `demo` another target."""
    return lambda made: monkeypatch.setattr(resolving, "demo_target", lambda: made)


@pytest.fixture
def scripted(use: Use) -> Callable[..., ScriptedCollector]:
    def made(**changes: Any) -> ScriptedCollector:
        collector = ScriptedCollector(**changes)
        use(collected_by(collector))
        return collector

    return made


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Somebody is there, and answers in this order; what was asked."""

    def given(*lines: str) -> list[str]:
        asked: list[str] = []
        left = list(lines)

        def ask(question: str) -> str:
            asked.append(question)
            return left.pop(0)

        monkeypatch.setattr(gc, "ask", ask)
        monkeypatch.setattr(gc, "is_interactive", lambda: True)
        monkeypatch.setattr(running, "is_interactive", lambda: True)
        return asked

    return given


def records(capsys: Captured) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


Scripted = Callable[..., ScriptedCollector]
Answers = Callable[..., list[str]]


def test_where_nobody_said_where_it_runs_the_config_files_lines_are_shown(
    use: Use, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(target(address=Address.parse("https://registry.example.com"), name="demo", make_collector=None))
    assert main(["gc", "demo", "--dry-run"]) == 2
    told = capsys.readouterr().err
    assert "nobody said which that is for registry.example.com" in told
    for line in ("[registries.demo.host]", 'ssh = "USER@HOST"', 'runtime = "docker"', '# runtime = "systemd"'):
        assert f"  {line}" in told


def served(survey_ways: tuple[KeepOut, ...]) -> Any:
    return replace(SURVEY, keep_out=survey_ways, no_stand_in="While registry is stopped nothing can serve pulls: why.")


def test_pulls_are_served_meanwhile_where_that_is_asked_for(scripted: Scripted, capsys: Captured) -> None:
    collector = scripted(found=served((KeepOut.STOP, KeepOut.STAND_IN, KeepOut.ONLINE)))
    assert main(["gc", "demo", "--yes", "--serve-pulls"]) == 0
    assert collector.choices is not None
    assert collector.choices.keep_out is KeepOut.STAND_IN
    assert "a read-only stand-in on its port answers pulls" in capsys.readouterr().err


def test_where_it_is_read_only_anyway_it_serves_pulls_itself(scripted: Scripted) -> None:
    collector = scripted(found=served((KeepOut.READ_ONLY, KeepOut.ONLINE)))
    assert main(["gc", "demo", "--yes", "--serve-pulls"]) == 0
    assert collector.choices is not None
    assert collector.choices.keep_out is KeepOut.READ_ONLY


@pytest.mark.parametrize("more", [["--dry-run"], ["--yes"]])
def test_where_pulls_cant_be_served_the_reason_is_said_before(
    scripted: Scripted, capsys: Captured, more: list[str]
) -> None:
    collector = scripted(found=served((KeepOut.STOP, KeepOut.ONLINE)))
    assert main(["gc", "demo", "--serve-pulls", *more]) == 6
    assert "nothing can serve pulls: why." in capsys.readouterr().err
    assert collector.calls == ["survey"]


def test_a_dry_run_changes_nothing_and_shows_what_would_run(scripted: Scripted, capsys: Captured) -> None:
    collector = scripted()
    assert main(["gc", "demo", "--dry-run"]) == 0
    told = capsys.readouterr()
    assert collector.calls == ["survey", "forecast"]
    assert "9 blobs can be freed, 180 MB of 12.4 GB" in told.err
    assert all(f"  {command}\n" in told.err for command in COMMANDS)
    assert told.out.splitlines()[-1].split("\t")[:4] == ["dry run", "done", "9", "180000000"]


def test_a_line_a_stage_and_the_last_has_what_was_freed(scripted: Scripted, capsys: Captured) -> None:
    scripted()
    assert main(["gc", "demo", "--yes", "--json"]) == 0
    lines = records(capsys)
    assert [(line["stage"], line["status"]) for line in lines] == [
        ("look", "done"),
        ("dry run", "done"),
        ("untagged", "skipped"),
        ("keep pushes out", "done"),
        ("collect", "done"),
        ("bring back", "done"),
        ("verify", "done"),
        ("report", "done"),
    ]
    assert lines[1]["commands"] == list(COMMANDS)
    assert lines[1]["repositories"][0] == {"repository": "fullstack/builder", "bytes": 120_000_000}
    last = lines[-1]
    assert (last["blobs"], last["bytes"], last["seconds"], last["answers"]) == (9, 180_000_000, 18.0, True)
    assert last["verified"] == {"checked": 640, "total": 640, "broken": [], "broken_before": []}


def test_without_yes_and_without_a_terminal_it_is_wrong_usage(scripted: Scripted, capsys: Captured) -> None:
    collector = scripted()
    assert main(["gc", "demo"]) == 2
    assert "Nobody can be asked here." in capsys.readouterr().err
    assert collector.calls == []


def test_it_asks_after_it_has_shown_what_would_run(scripted: Scripted, answers: Answers, capsys: Captured) -> None:
    collector, asked = scripted(), answers("n")
    assert main(["gc", "demo"]) == 1
    assert asked == ["Collect 180 MB on ci@prod-1? [y/N]"]
    assert "Nothing was changed." in capsys.readouterr().err
    assert "collect" not in collector.calls


def test_confirmed_it_collects(scripted: Scripted, answers: Answers, capsys: Captured) -> None:
    collector = scripted()
    answers("y")
    assert main(["gc", "demo", "--untagged", "--verify", "all"]) == 0
    assert collector.choices is not None
    assert (collector.choices.untagged, collector.choices.verify_all) == (True, True)
    assert collector.choices.keep_out is KeepOut.STOP
    assert "180 MB freed in 9 blobs on ci@prod-1, in 18 s." in capsys.readouterr().err


def test_online_is_confirmed_twice(scripted: Scripted, answers: Answers) -> None:
    collector, asked = scripted(), answers("y", "n")
    assert main(["gc", "demo", "--online"]) == 1
    assert "Nothing keeps pushes out" in asked[1]
    assert "collect" not in collector.calls
    answers("y", "yes")
    assert main(["gc", "demo", "--online"]) == 0
    assert collector.choices is not None
    assert collector.choices.keep_out is KeepOut.ONLINE


def test_where_pushes_cant_be_kept_out_that_has_to_be_said(scripted: Scripted, capsys: Captured) -> None:
    collector = scripted(found=replace(SURVEY, keep_out=(KeepOut.ONLINE,)))
    assert main(["gc", "demo", "--yes"]) == 6
    assert "--online" in capsys.readouterr().err
    assert "collect" not in collector.calls
    assert main(["gc", "demo", "--yes", "--read-only-mode"]) == 6
    assert main(["gc", "demo", "--yes", "--online"]) == 0
    assert main(["gc", "demo", "--yes", "--online", "--read-only-mode"]) == 2


@pytest.mark.parametrize("way", [(), ("--read-only-mode",)])
@pytest.mark.parametrize("ways", [(KeepOut.ONLINE,), ()])
def test_what_would_lose_its_storage_is_told_so_and_advised_to_no_other_way(
    scripted: Scripted, capsys: Captured, way: tuple[str, ...], ways: tuple[KeepOut, ...]
) -> None:
    lost = "The storage of registry is in memory: stopped or restarted, it loses all images. Give it a volume."
    scripted(found=replace(SURVEY, keep_out=ways, obstacle=lost))
    assert main(["gc", "demo", "--yes", *way]) == 6
    said = capsys.readouterr().err
    assert f"regtui: {lost}\n" in said
    assert "--online" not in said


@pytest.mark.parametrize("way", [(), ("--read-only-mode",), ("--online",)])
def test_where_there_is_no_way_the_true_reason_is_told_and_nothing_is_asked(
    scripted: Scripted, capsys: Captured, way: tuple[str, ...]
) -> None:
    kept = "The container registry can't be stopped for a collection: it was run with --rm, and would be removed."
    found = replace(SURVEY, keep_out=(), obstacle=kept, no_restart=f"{kept} Its cache …", remedy="Or without a cache.")
    collector = scripted(found=found)
    assert main(["gc", "demo", "--yes", *way]) == 6
    assert kept in (said := capsys.readouterr().err)
    assert "Or without a cache." in said
    assert "collect" not in collector.calls
    assert main(["gc", "demo", "--dry-run"]) == 0


def test_nothing_to_free_is_done_without_a_question(scripted: Scripted, capsys: Captured) -> None:
    collector = scripted(forecasts=Forecast(0, {}, nothing="There is nothing to collect: the storage is empty."))
    assert main(["gc", "demo", "--yes", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out.splitlines()[-1])["bytes"] == 0
    assert "There is nothing to collect" in told.err
    assert "collect" not in collector.calls


def test_read_only_allows_the_dry_run_alone(scripted: Scripted, capsys: Captured) -> None:
    collector = scripted()
    assert main(["gc", "demo", "--read-only", "--yes"]) == 6
    assert "opened read-only" in capsys.readouterr().err
    assert collector.calls == []
    assert main(["gc", "demo", "--read-only", "--dry-run"]) == 0


# What goes wrong


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HostUnreachable("There is no host prod-1.", "Check the name."), 3),
        (HostNotAllowed("prod-1 refuses the login.", "Try: ssh prod-1"), 4),
        (NotOnHost("There is no docker on prod-1.", "Say how it is run."), 5),
        (Unsafe("Deletion is disabled.", "Enable it."), 6),
        (HostUnknown("Nobody said where it runs.", "Add it."), 2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_failure_is_one_line_with_its_exit_code(
    scripted: Scripted, capsys: Captured, error: HostUnknown, code: int
) -> None:
    collector = scripted(failing={"survey": error})
    assert main(["gc", "demo", "--yes"]) == code
    assert capsys.readouterr().err == f"regtui: {error.message} {error.remedy}\n"
    assert "collect" not in collector.calls


def test_a_failure_midway_ends_with_a_report_and_its_sentence(scripted: Scripted, capsys: Captured) -> None:
    error = CollectionFailed("The disk of the storage is full.", "Make some room.")
    scripted(failing={"collect": error}, result=replace(REPORT, freed=None, blobs=0, verified=None))
    assert main(["gc", "demo", "--yes", "--json"]) == 1
    told = capsys.readouterr()
    last = json.loads(told.out.splitlines()[-1])
    assert (last["stage"], last["status"], last["bytes"], last["answers"]) == ("report", "failed", None, True)
    assert "The disk of the storage is full." in last["error"]
    assert "The registry answers again." in told.err


@pytest.mark.parametrize(
    "report",
    [
        replace(REPORT, verified=TagsVerified(5, 5, ("team/app:1.0 (sha256:aa)",))),
        replace(REPORT, is_up=False),
        replace(REPORT, trouble=("The connection was lost.",)),
    ],
    ids=["broken tags", "down", "trouble"],
)
def test_what_is_not_well_in_the_end_is_exit_code_1(scripted: Scripted, capsys: Captured, report: Any) -> None:
    scripted(result=report)
    assert main(["gc", "demo", "--yes", "--json"]) == 1
    assert records(capsys)[-1]["status"] == "failed"


def test_without_a_host_the_config_file_is_named(use: Use, capsys: Captured) -> None:
    away = replace(target().address, host="registry.example.com")
    use(target(address=away, name="prod", make_collector=None))
    assert main(["gc", "demo", "--dry-run"]) == 2
    assert "[registries.prod.host]" in capsys.readouterr().err


# Ctrl+C, an earlier run, empty repositories


def test_ctrl_c_stops_at_the_next_safe_point_and_tells_whether_the_registry_is_back(
    scripted: Scripted, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = replace(REPORT, freed=None, blobs=0, trouble=("It was stopped before the sweep.",))
    collector = scripted(hold=2, result=stopped)
    pressed = iter([lambda: os.kill(os.getpid(), signal.SIGINT)])
    monkeypatch.setattr(collection.Records, "event", lambda *_: next(pressed, lambda: None)())
    assert main(["gc", "demo", "--yes"]) == 130
    told = capsys.readouterr().err
    assert collector.is_stopped
    assert "Stopping at the next safe point" in told
    assert "The registry answers again." in told


def test_ctrl_c_twice_on_a_terminal_says_where_it_goes_on(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm-256color", "COLUMNS": "120"}
    with on_terminal(["gc", "demo"], environment) as terminal:
        terminal.wait_for("Collect 508 MB on demo.localhost? [y/N] ")
        assert "fullstack/builder" in terminal.shown
        assert "docker stop registry" in terminal.shown
        terminal.type("y\n")
        terminal.wait_for("delete untagged images")
        terminal.type("\x03")
        terminal.wait_for("Stopping at the next safe point")
        terminal.type("\x03")
        assert terminal.end() == 130
    assert "whether the registry is up again: regtui gc demo --status" in terminal.shown
    assert "Traceback" not in terminal.shown


def test_status_shows_a_run_that_is_going_on_with_its_log(scripted: Scripted, capsys: Captured) -> None:
    run = EarlierRun("2026-11-23T11:00:00Z", Stage.COLLECT, True, ("marking", "sweeping \x1b[2J"))
    collector = scripted(earlier_runs=[run, run, None])
    assert main(["gc", "demo", "--status"]) == 0
    told = capsys.readouterr()
    assert "marking\n" in told.out
    assert "\x1b" not in told.out
    assert "is still going on, at: collect." in told.err
    assert main(["gc", "demo", "--status", "--json"]) == 0
    assert records(capsys)[0]["status"] == "started"
    assert main(["gc", "demo", "--status"]) == 0
    assert "No collection is going on" in capsys.readouterr().err
    assert collector.calls == []


def test_nothing_is_begun_beside_a_run_that_is_going_on(scripted: Scripted, capsys: Captured) -> None:
    collector = scripted(earlier_runs=[EarlierRun("2026-11-23T11:00:00Z", Stage.COLLECT, True)])
    assert main(["gc", "demo", "--yes"]) == 6
    assert "regtui gc demo --status" in capsys.readouterr().err
    assert collector.calls == []


def test_empty_repositories_are_removed_only_where_that_was_said(
    scripted: Scripted, answers: Answers, capsys: Captured
) -> None:
    result = replace(REPORT, empty_repositories=("old/app", "old/web"))
    collector = scripted(result=result)
    assert main(["gc", "demo", "--yes", "--json"]) == 0
    assert records(capsys)[-1]["empty_repositories"] == ["old/app", "old/web"]
    assert not collector.removed
    assert main(["gc", "demo", "--yes", "--json", "--remove-empty"]) == 0
    assert records(capsys)[-1]["empty_repositories"] == []
    asked = answers("y", "y")
    assert main(["gc", "demo"]) == 0
    assert asked[1] == "These repositories are empty. Remove their directories? [y/N]"
    assert "  old/web" in capsys.readouterr().err or "old/web" in collector.removed


def test_a_reader_that_goes_away_ends_nothing(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    from regtui.cli.output import Output

    def broken(*_: object) -> None:
        raise BrokenPipeError

    collector = scripted()
    monkeypatch.setattr(Output, "json", broken)
    monkeypatch.setattr(collection, "forget_stdout", lambda: None)
    assert main(["gc", "demo", "--yes", "--json"]) == 0
    assert "collect" in collector.calls


def test_deletion_then_collection_on_the_demo(use: Use, capsys: Captured) -> None:
    async def at_once(_: float) -> None:
        pass

    storage = sample_storage(datetime.now(UTC))
    made = target(LocalTransport(storage, "2.8.2"), make_collector=lambda _: DemoCollector(storage, "2.8.2", at_once))
    use(made)
    before = sum(blob.size for blob in storage.blobs.values())
    assert main(["rm", "-r", "demo", "fullstack/common:0.0.9", "--yes", "--json"]) == 0
    capsys.readouterr()
    assert main(["gc", "demo", "--yes", "--json"]) == 0
    last = records(capsys)[-1]
    assert last["bytes"] == last["predicted"] == before - sum(blob.size for blob in storage.blobs.values())
    assert main(["tags", "-r", "demo", "fullstack/common", "--names"]) == 0
    assert "0.0.9" not in capsys.readouterr().out.split()
