"""`regtui undo` and `regtui log` against a registry in memory whose journal is on disk, as a real one's is."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from regtui.cli import interrupted_runs, running
from regtui.cli.main import main
from regtui.cli.output import Form, Output
from regtui.deletion.journal import Journal
from regtui.deletion.journal_storage import Directory
from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport
from regtui.oci.digest import Digest
from regtui.registry.identity import RegistryId
from regtui.session import resolving
from regtui.session.target import demo_target
from regtui.settings.paths import journal_dir

Captured = pytest.CaptureFixture[str]
COMMON = "fullstack/common"
FINISH_OR_BACK = "Finish it at demo.localhost, or put everything back? [f/b/N]"


@pytest.fixture(autouse=True)
def storage(monkeypatch: pytest.MonkeyPatch) -> MemoryStorage:
    target = replace(demo_target(), ephemeral=False)
    monkeypatch.setattr(resolving, "demo_target", lambda: replace(target))
    transport = target.http.in_memory()
    assert isinstance(transport, LocalTransport)
    assert isinstance(transport.storage, MemoryStorage)
    return transport.storage


def records(capsys: Captured) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def tags(storage: MemoryStorage) -> dict[str, str]:
    return dict(storage.repositories[COMMON].tags)


def remove(*names: str) -> None:
    assert main(["rm", "-r", "demo", *(f"{COMMON}:{name}" for name in names), "--yes"]) == 0


def test_what_rm_removed_is_put_back(storage: MemoryStorage, capsys: Captured) -> None:
    before = tags(storage)
    remove("latest", "0.0.9")
    assert "To put it back: regtui undo 2" in capsys.readouterr().err
    assert main(["undo", "demo", "--yes", "--json"]) == 0
    told = records(capsys)
    assert all(list(record) == ["reference", "digest", "action", "status", "error"] for record in told)
    assert {(record["action"], record["status"]) for record in told} == {("restore", "done")}
    assert {record["reference"] for record in told} == {f"{COMMON}:latest", f"{COMMON}:0.0.9"}
    assert tags(storage) == before


def test_a_dry_run_puts_nothing_back(storage: MemoryStorage, capsys: Captured) -> None:
    remove("0.0.9")
    after = tags(storage)
    capsys.readouterr()
    assert main(["undo", "demo", "--dry-run", "--json"]) == 0
    assert [record["status"] for record in records(capsys)] == ["planned"]
    assert tags(storage) == after


def test_a_run_is_undone_by_its_name_and_that_in_its_turn(storage: MemoryStorage, capsys: Captured) -> None:
    remove("0.0.9")
    remove("0.0.8")
    capsys.readouterr()
    assert main(["undo", "demo", "--list", "--json"]) == 0
    newer, older = records(capsys)
    assert (list(newer["tags"]), list(older["tags"])) == (["0.0.8"], ["0.0.9"])
    assert main(["undo", "-r", "demo", older["run"], "--yes"]) == 0
    assert "0.0.9" in tags(storage)
    assert "0.0.8" not in tags(storage)
    capsys.readouterr()
    assert main(["undo", "demo", "--list", "--json"]) == 0
    restore, _, undone = records(capsys)
    assert (restore["action"], restore["undoes"], undone["result"]) == ("restore", older["run"], "undone")
    assert main(["undo", "-r", "demo", restore["run"], "--yes"]) == 0
    assert "0.0.9" not in tags(storage)


def test_what_is_protected_by_now_is_not_deleted_again_unasked(
    storage: MemoryStorage, capsys: Captured, tmp_path: Path
) -> None:
    remove("0.0.9")
    assert main(["undo", "demo", "--yes"]) == 0
    before = tags(storage)
    config = tmp_path / "config.toml"
    config.write_text('protect = ["0.0.9"]\n')
    capsys.readouterr()
    for more in ([], ["--dry-run"]):
        assert main(["undo", "2", "-r", "demo", "--yes", "--config", str(config), *more]) == 6
    told = capsys.readouterr().err
    assert "0.0.9 is protected by the config file." in told
    assert "protected or in use, and it would be deleted again. Nothing was changed." in " ".join(told.split())
    assert tags(storage) == before


def test_a_tag_pushed_anew_stays_unless_overwriting_is_asked_for(storage: MemoryStorage, capsys: Captured) -> None:
    remove("0.0.9")
    new = tags(storage)["0.0.10"]
    storage.set_tag(COMMON, "0.0.9", new)
    capsys.readouterr()
    assert main(["undo", "demo", "--yes"]) == 1
    assert "0.0.9 was pushed anew since" in capsys.readouterr().err
    assert tags(storage)["0.0.9"] == new
    assert main(["undo", "demo", "--yes", "--overwrite"]) == 0
    assert tags(storage)["0.0.9"] != new


def test_what_was_collected_is_named(storage: MemoryStorage, capsys: Captured) -> None:
    remove("0.0.9")
    storage.collect()
    capsys.readouterr()
    assert main(["undo", "demo", "--yes"]) == 1
    assert "gone from the registry" in capsys.readouterr().err
    assert "0.0.9" not in tags(storage)


def test_a_tag_that_was_broken_before_does_not_hide_the_deletions_before_it(
    storage: MemoryStorage, capsys: Captured
) -> None:
    remove("0.0.9")
    assert main(["rm", "-r", "demo", "legacy/billing:3.4", "--yes"]) == 0
    broken = Journal(journal_dir()).entries()[0].name
    capsys.readouterr()
    assert main(["undo", "-r", "demo", broken, "--yes"]) == 0
    assert "3.4 was broken before: no manifest was behind it that could be put back." in capsys.readouterr().err
    assert main(["undo", "demo", "--yes"]) == 0
    assert "0.0.9" in tags(storage)


def test_where_nothing_is_put_back_the_deletion_before_is_named(storage: MemoryStorage, capsys: Captured) -> None:
    before = tags(storage)
    remove("0.0.9")
    remove("latest")
    second, first = (entry.name for entry in Journal(journal_dir()).entries())
    storage.set_tag(COMMON, "latest", before["latest"])
    capsys.readouterr()
    assert main(["undo", "demo", "--yes"]) == 0
    told = capsys.readouterr().err
    assert "Nothing to put back. latest is there already." in " ".join(told.split())
    assert f"The deletion before it: regtui undo {first}" in told
    # Who names a run knows which.
    assert main(["undo", "-r", "demo", second, "--yes"]) == 0
    assert "before it" not in capsys.readouterr().err


def lose_a_layer(storage: MemoryStorage, tag: str) -> None:
    """One that no other tag of the repository needs."""

    def layers(name: str) -> set[str]:
        manifest = storage.manifest(COMMON, tags(storage)[name])
        assert manifest is not None
        return {layer["digest"] for layer in json.loads(manifest.data)["layers"]}

    others = set[str]().union(*(layers(name) for name in tags(storage) if name in ("0.0.8", "0.0.6")))
    storage.remove_blob(sorted(layers(tag) - others)[0])


def refuse_to_take(monkeypatch: pytest.MonkeyPatch, digest: str) -> None:
    """As 3.1.1 does a schema 1 image that an older one had taken."""
    answer = LocalTransport.handle_async_request

    async def answers(transport: LocalTransport[Any], request: httpx.Request) -> httpx.Response:
        body = await request.aread() if request.method == "PUT" else b""
        is_it = request.method == "PUT" and Digest.of(body) == digest
        return httpx.Response(400) if is_it else await answer(transport, request)

    monkeypatch.setattr(LocalTransport, "handle_async_request", answers)


def test_a_run_that_was_undone_as_far_as_it_goes_does_not_hide_the_one_before_it(
    storage: MemoryStorage, capsys: Captured
) -> None:
    before = tags(storage)
    remove("0.0.7")
    lose_a_layer(storage, "0.0.9")
    assert main(["rm", "-r", "demo", f"{COMMON}:0.0.9", f"{COMMON}:0.0.8", "--yes", "--without-undo"]) == 0
    assert main(["undo", "demo", "--yes"]) == 1
    assert tags(storage) == {tag: digest for tag, digest in before.items() if tag not in ("0.0.9", "0.0.7")}
    assert main(["undo", "demo", "--yes"]) == 0
    assert tags(storage) == {tag: digest for tag, digest in before.items() if tag != "0.0.9"}


def test_where_the_registry_takes_nothing_back_the_deletion_before_is_named(
    storage: MemoryStorage, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plain undo takes the same run each time, as the refusal may be over by then: the way past it is shown."""
    before = tags(storage)
    remove("0.0.7")
    remove("0.0.9", "0.0.8")
    _, first = (entry.name for entry in Journal(journal_dir()).entries())
    refuse_to_take(monkeypatch, before["0.0.9"])
    capsys.readouterr()
    assert main(["undo", "demo", "--yes"]) == 1
    assert "before it" not in capsys.readouterr().err  # It isn't without effect: the next try may be whole.
    assert main(["undo", "demo", "--yes"]) == 1
    assert f"The deletion before it: regtui undo {first}" in capsys.readouterr().err
    assert tags(storage) == {tag: digest for tag, digest in before.items() if tag not in ("0.0.9", "0.0.7")}


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["demo"], 2, "Nobody can be asked here."),
        (["demo", "--yes"], 0, "There is nothing to undo at demo.localhost."),
        (["20261124T101112Z-demo-0123abcd", "--yes"], 5, "There is no run 20261124T101112Z-demo-0123abcd"),
        (["demo", "--finish", "--yes"], 2, "--finish needs the run's name."),
    ],
)
def test_undo_that_is_not_carried_out(capsys: Captured, arguments: list[str], code: int, sentence: str) -> None:
    assert main(["undo", *arguments]) == code
    assert sentence in capsys.readouterr().err


def test_read_only_puts_nothing_back(storage: MemoryStorage, capsys: Captured) -> None:
    remove("0.0.9")
    capsys.readouterr()
    assert main(["undo", "demo", "--dry-run", "--read-only"]) == 6
    assert main(["undo", "demo", "--yes", "--read-only"]) == 6
    assert "nothing is put back" in capsys.readouterr().err
    assert "0.0.9" not in tags(storage)


def interrupted(storage: MemoryStorage) -> str:
    """A deletion of 0.0.9 whose process was killed after the placeholder took its place; the run's name."""
    remove("0.0.9")
    file = next(journal_dir().glob("*.jsonl"))
    lines = file.read_text().splitlines(keepends=True)
    placeholder = storage.put_manifest(
        COMMON, b'{"schemaVersion":2,"manifests":[]}', "application/vnd.oci.image.index.v1+json"
    )
    storage.set_tag(COMMON, "0.0.9", placeholder)
    step = json.dumps({"record": "placeholder", "digest": placeholder, "tags": ["0.0.9"]})
    file.write_text(f"{lines[0]}{step}\n")
    first = json.loads(lines[0])["manifests"][0]
    storage.put_manifest(COMMON, first["body"].encode(), first["media_type"])
    return file.stem


@pytest.mark.parametrize("command", [["rm", "-r", "demo", f"{COMMON}:0.0.8"], ["undo", "demo"]])
def test_nothing_is_changed_before_a_deletion_that_was_interrupted_is_settled(
    storage: MemoryStorage, capsys: Captured, command: list[str]
) -> None:
    run = interrupted(storage)
    before = tags(storage)
    assert main([*command, "--yes"]) == 1
    said = capsys.readouterr().err
    assert "was interrupted" in said
    assert f"\nTo finish it: regtui undo {run} --finish --yes\nTo put it back: regtui undo {run} --yes\n" in said
    assert tags(storage) == before


def test_where_nobody_can_be_asked_the_interrupted_run_is_named_at_once(
    storage: MemoryStorage, capsys: Captured
) -> None:
    run = interrupted(storage)
    capsys.readouterr()
    assert main(["undo", "demo"]) == 2
    said = capsys.readouterr().err
    assert f"A deletion in {COMMON} (0.0.9) was interrupted" in " ".join(said.split())
    assert f"\nTo finish it: regtui undo {run} --finish --yes\nTo put it back: regtui undo {run} --yes\n" in said
    assert said.endswith("regtui: Nobody can be asked here. That has to be settled first.\n")


@pytest.mark.parametrize("way", ["--finish", "f"])
@pytest.mark.parametrize("answer", ["y", "n"])
def test_the_rest_is_shown_and_named_before_it_is_asked_for(
    storage: MemoryStorage, capsys: Captured, monkeypatch: pytest.MonkeyPatch, way: str, answer: str
) -> None:
    run = interrupted(storage)
    before = tags(storage)
    capsys.readouterr()
    asked: list[str] = []

    def ask(question: str) -> str:
        said = capsys.readouterr()
        asked.append(question)
        if "[f/b/N]" in question:
            return "f"
        told = " ".join(said.err.split())
        assert "0 of 1 tag removed, 0 of 1 manifest deleted; 1 tag put on an empty index, to be removed." in told
        assert "1 tag will be removed from fullstack/common." in told
        return answer

    monkeypatch.setattr(interrupted_runs, "ask", ask)
    for module in (running, interrupted_runs):
        monkeypatch.setattr(module, "is_interactive", lambda: True)
    code = main(["undo", run, "-r", "demo", "--finish"] if way == "--finish" else ["undo", "demo"])
    assert asked[-1] == f"Delete {COMMON}:0.0.9 from demo.localhost? [y/N]"
    assert asked[:-1] == ([] if way == "--finish" else [FINISH_OR_BACK])
    assert code == (0 if answer == "y" else 1)
    assert ("0.0.9" in tags(storage)) == (answer == "n")
    told = capsys.readouterr().err
    if answer == "y":
        assert "To put it back: regtui undo 2" in told
    else:
        assert tags(storage) == before
        assert "Nothing was changed." in told


@pytest.mark.parametrize("command", [["rm", "-r", "demo", f"{COMMON}:0.0.8"], ["undo", "demo"]])
def test_a_dry_run_tells_what_was_interrupted(storage: MemoryStorage, capsys: Captured, command: list[str]) -> None:
    run = interrupted(storage)
    assert main([*command, "--dry-run"]) == 0
    assert f"To finish it: regtui undo {run} --finish" in capsys.readouterr().err
    # A person would be asked what becomes of it, a script refused.
    assert main([*command, "--dry-run", "--yes"]) == main([*command, "--yes"]) == 1


def test_where_nothing_is_to_undo_it_is_said_that_there_is_elsewhere(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove("0.0.9")
    here = demo_target()
    other = replace(here, address=replace(here.address, host="other.localhost"), ephemeral=False)
    monkeypatch.setattr(resolving, "demo_target", lambda: other)
    assert main(["undo", "demo", "--yes"]) == 0
    assert "What was deleted at other registries: regtui log" in capsys.readouterr().err


def test_in_other_repositories_it_is_only_told(storage: MemoryStorage, capsys: Captured) -> None:
    run = interrupted(storage)
    assert main(["rm", "-r", "demo", "tools/cli:latest", "--yes"]) == 0
    assert run in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["log"], 0),
        (["log", "demo"], 0),
        (["log", "--prune", "0"], 0),
        (["undo", "demo", "--list"], 0),
        (["undo", "demo", "--yes"], 0),
        (["rm", "-r", "demo", f"{COMMON}:0.0.8", "--yes"], 0),
        (["undo", "-r", "demo", "RUN", "--yes"], 1),
    ],
)
@pytest.mark.parametrize("spoil", ["mode", "content"])
def test_a_record_that_can_t_be_trusted_is_told_by_name(
    storage: MemoryStorage, capsys: Captured, command: list[str], code: int, spoil: str
) -> None:
    remove("0.0.9")
    (file,) = journal_dir().glob("*.jsonl")
    file.write_text("[]\n") if spoil == "content" else file.chmod(0o666)
    capsys.readouterr()
    assert main([file.stem if word == "RUN" else word for word in command]) == code
    assert f"The journal's {file.name} is passed over: " in " ".join(capsys.readouterr().err.split())
    assert file.exists()
    assert "0.0.9" not in tags(storage)


@pytest.mark.parametrize("finish", [True, False])
def test_it_is_finished_or_put_back_and_then_forgotten(storage: MemoryStorage, capsys: Captured, finish: bool) -> None:
    before = tags(storage)
    run = interrupted(storage)
    placeholder = tags(storage)["0.0.9"]
    assert main(["undo", "-r", "demo", run, "--yes", *(["--finish"] if finish else [])]) == 0
    assert tags(storage) == ({k: v for k, v in before.items() if k != "0.0.9"} if finish else before)
    assert placeholder not in storage.repositories[COMMON].revisions
    assert Journal(journal_dir()).unfinished(RegistryId("demo.localhost")) == []
    if finish:  # and is undone as a whole
        assert main(["undo", "demo", "--yes"]) == 0
        assert tags(storage) == before


@pytest.mark.parametrize("kind", ["deletion", "undo"])
def test_what_was_finished_says_how_to_take_it_back(storage: MemoryStorage, capsys: Captured, kind: str) -> None:
    remove("0.0.9")
    if kind == "undo":
        assert main(["undo", "demo", "--yes"]) == 0
    run = Journal(journal_dir()).entries()[0].name
    file = journal_dir() / f"{run}.jsonl"
    file.write_text(file.read_text().splitlines(keepends=True)[0])  # as after a kill
    capsys.readouterr()
    assert main(["undo", run, "-r", "demo", "--finish", "--yes"]) == 0
    back = "To put it back" if kind == "deletion" else "To take it back"
    assert f"{back}: regtui undo {run}\n" in capsys.readouterr().err


def test_the_log_tells_of_all_newest_first(storage: MemoryStorage, capsys: Captured) -> None:
    remove("0.0.9")
    assert main(["undo", "demo", "--yes"]) == 0
    Journal(journal_dir()).record_collection(
        RegistryId.parse("http://demo.localhost"),
        host="ssh://demo",
        stages=[("collect", "done")],
        blobs=3,
        freed=1200,
        seconds=1.5,
        result="done",
    )
    capsys.readouterr()
    assert main(["log", "--json"]) == 0
    told = records(capsys)
    assert [record["action"] for record in told] == ["collect", "restore", "delete"]
    assert [record["result"] for record in told] == ["done", "done", "undone"]
    assert (told[0]["bytes"], told[0]["host"]) == (1200, "ssh://demo")
    assert all(record["by"] for record in told)
    assert main(["log", "other.example.com", "--json"]) == 0
    assert records(capsys) == []
    assert main(["log", "--prune", "0"]) == 0
    assert "3 runs forgotten" in capsys.readouterr().err
    assert main(["log"]) == 0
    assert capsys.readouterr().out == ""


def test_of_an_undo_that_was_interrupted_it_is_told_what_taking_it_back_does(
    storage: MemoryStorage, capsys: Captured
) -> None:
    before = tags(storage)
    remove("0.0.9")
    (deletion,) = journal_dir().glob("*.jsonl")
    assert main(["undo", "demo", "--yes"]) == 0
    (restore,) = set(journal_dir().glob("*.jsonl")) - {deletion}
    restore.write_text(restore.read_text().splitlines(keepends=True)[0])  # as after a kill
    capsys.readouterr()
    assert main(["undo", "demo", "--yes"]) == 1
    said = capsys.readouterr().err
    assert f"An undo in {COMMON} (0.0.9) was interrupted" in said
    assert "To put it back" not in said
    assert f"\nTo finish it: regtui undo {restore.stem} --finish --yes\nTo take it back: " in said
    assert main(["undo", restore.stem, "-r", "demo", "--yes"]) == 0
    assert "0.0.9" not in tags(storage)
    assert main(["undo", deletion.stem, "-r", "demo", "--yes"]) == 0
    assert tags(storage) == before


def ended_so(file: Path, results: list[dict[str, object]], *, interrupted: bool = True) -> None:
    """The run has ended with those."""
    first = file.read_text().splitlines(keepends=True)[0]
    end = {"record": "end", "time": "2026-11-28T19:00:00.000000Z", "interrupted": interrupted, "standing": []}
    records = [{"record": "results", "results": results}, end]
    file.write_text(first + "".join(f"{json.dumps(record)}\n" for record in records))


def result(reference: str, status: str, reason: str = "", action: str = "untag") -> dict[str, object]:
    return {"reference": f"{COMMON}{reference}", "digest": None, "action": action, "status": status, "reason": reason}


@pytest.mark.parametrize(
    ("results", "interrupted", "said"),
    [
        ([result(":0.0.9", "done"), result(":latest", "done")], False, "was not interrupted: it is complete. See: "),
        (
            [result(":0.0.9", "done"), result(":latest", "skipped", "stopped")],
            True,
            "was not interrupted: it was stopped, and 1 tag was left alone. regtui rm deletes what is left: latest.",
        ),
        (
            [result(":0.0.9", "done"), result(":latest", "done"), result("@x", "skipped", "stopped", "delete")],
            True,
            "was not interrupted: it was stopped, and 1 manifest was left alone. regtui gc --untagged deletes what is "
            "left.",
        ),
        (
            [result(":0.0.9", "done"), result(":latest", "failed", "refused")],
            False,
            "was not interrupted: it ended, and 1 tag failed. regtui rm deletes what is left: latest.",
        ),
        (
            [result(":0.0.9", "skipped"), result(":latest", "skipped")],
            True,
            "was interrupted, and put back since: nothing of it is left to finish. See: ",
        ),
    ],
    ids=["complete", "stopped", "manifests left", "failed", "put back"],
)
def test_why_a_run_that_has_ended_isn_t_finished(
    capsys: Captured, results: list[dict[str, object]], interrupted: bool, said: str
) -> None:
    remove("0.0.9", "latest")
    (file,) = journal_dir().glob("*.jsonl")
    ended_so(file, results, interrupted=interrupted)
    capsys.readouterr()
    assert main(["undo", "-r", "demo", file.stem, "--finish", "--yes"]) == 2
    assert f"{file.stem} {said}" in " ".join(capsys.readouterr().err.split())


def test_a_run_that_goes_on_isn_t_called_complete(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    remove("0.0.9")
    (file,) = journal_dir().glob("*.jsonl")
    file.write_text(file.read_text().splitlines(keepends=True)[0])
    monkeypatch.setattr(Directory, "is_held", lambda _self, _name: True)
    capsys.readouterr()
    for way in ([], ["--finish"]):
        assert main(["undo", "-r", "demo", file.stem, *way, "--yes"]) == 1
        said = " ".join(capsys.readouterr().err.split())
        assert f"{file.stem} is still running" in said
        assert "Wait for its end" in said


def test_an_undo_that_was_stopped_is_done_again_rather_than_finished(capsys: Captured) -> None:
    remove("0.0.9", "latest")
    (deletion,) = journal_dir().glob("*.jsonl")
    assert main(["undo", "demo", "--yes"]) == 0
    (restore,) = set(journal_dir().glob("*.jsonl")) - {deletion}
    results = [result(":0.0.9", "done", action="restore"), result(":latest", "skipped", "stopped", "restore")]
    ended_so(restore, results)
    capsys.readouterr()
    assert main(["undo", "-r", "demo", restore.stem, "--finish", "--yes"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "it was stopped, and 1 tag was left alone." in said
    assert f"To put back what is left: regtui undo {deletion.stem}" in said


@pytest.mark.parametrize("is_there", [False, True])
def test_an_undo_that_was_interrupted_is_finished(storage: MemoryStorage, capsys: Captured, is_there: bool) -> None:
    before = tags(storage)
    remove("0.0.9")
    (deletion,) = journal_dir().glob("*.jsonl")
    assert main(["undo", "demo", "--yes"]) == 0
    (restore,) = set(journal_dir().glob("*.jsonl")) - {deletion}
    restore.write_text(restore.read_text().splitlines(keepends=True)[0])  # as after a kill
    if not is_there:
        del storage.repositories[COMMON].tags["0.0.9"]
    capsys.readouterr()
    assert main(["undo", "-r", "demo", restore.stem, "--finish", "--dry-run"]) == 0
    planned = capsys.readouterr().err
    assert ("All of it was put back before." if is_there else "0 of 1 tag put back.") in planned
    assert main(["undo", "-r", "demo", restore.stem, "--finish", "--yes"]) == 0
    assert "1 tag put back." in capsys.readouterr().err
    assert tags(storage) == before
    assert main(["undo", "-r", "demo", restore.stem, "--finish", "--yes"]) == 2
    assert "was not interrupted" in capsys.readouterr().err


def test_what_an_interrupted_deletion_had_done_is_told_before_it_is_finished(
    storage: MemoryStorage, capsys: Captured
) -> None:
    names = ["0.0.7", "0.0.8", "0.0.9"]
    before = {tag: Digest(digest) for tag, digest in tags(storage).items()}
    assert main(["rm", "-r", "demo", *(f"{COMMON}:{tag}" for tag in names), "--yes"]) == 0
    (file,) = journal_dir().glob("*.jsonl")
    file.write_text(file.read_text().splitlines(keepends=True)[0])  # as after a kill
    for tag in ("0.0.8", "0.0.9"):
        entry = Journal(journal_dir()).entry(file.stem)
        stored = entry.manifests()[before[tag]]
        storage.set_tag(COMMON, tag, storage.put_manifest(COMMON, stored.body, stored.media_type))
    capsys.readouterr()
    assert main(["undo", "-r", "demo", file.stem, "--finish", "--yes"]) == 0
    said = capsys.readouterr().err
    assert "Before it was interrupted: 1 of 3 tags removed, 1 of 3 manifests deleted." in said
    assert "2 tags will be removed" in said
    assert "3 tags removed" in said


def test_an_empty_list_says_of_which_registry_it_is(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regtui.cli.output.Output.chosen", lambda _: Output(Form.TABLE))
    remove("0.0.9")
    capsys.readouterr()
    assert main(["undo", "--list", "other.example.com"]) == 0
    told = capsys.readouterr().err
    assert "at https://other.example.com" in told or "at other.example.com" in told
    assert "regtui log" in told


def test_half_of_a_runs_name_is_no_registry(capsys: Captured) -> None:
    assert main(["undo", "20261124T093012Z.12", "--yes"]) == 5
    assert "There is no run 20261124T093012Z.12" in capsys.readouterr().err


def test_a_run_is_undone_by_its_number_and_the_undo_says_how_to_take_it_back(
    storage: MemoryStorage, capsys: Captured
) -> None:
    remove("0.0.9")
    remove("0.0.8")
    capsys.readouterr()
    assert main(["undo", "-r", "demo", "1", "--yes"]) == 0
    assert "To take it back: regtui undo 2" in capsys.readouterr().err
    assert {"0.0.9", "0.0.8"} & tags(storage).keys() == {"0.0.9"}
    assert main(["undo", "-r", "demo", "7", "--yes"]) == 2
    assert capsys.readouterr().err == "regtui: There is no run 7. See: regtui undo --list\n"


def test_a_number_whose_record_is_passed_over_names_the_file(storage: MemoryStorage, capsys: Captured) -> None:
    remove("0.0.9")
    (file,) = journal_dir().glob("*.jsonl")
    file.chmod(0o666)
    capsys.readouterr()
    assert main(["undo", "1", "--yes"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"The journal's {file.name} is passed over: " in said
    assert "There is no run 1." in said


def test_commands_that_only_read_tell_people_of_a_run_that_was_interrupted(
    storage: MemoryStorage, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = interrupted(storage)
    for command in (["ls", "demo"], ["tags", "-r", "demo", COMMON, "--names"], ["tags", "-r", "demo", COMMON]):
        capsys.readouterr()
        assert main(command) == 0
        assert "interrupted" not in capsys.readouterr().err, "a script has not asked"
    monkeypatch.setattr(Output, "chosen", lambda _: Output(Form.TABLE))
    for command in (["ls", "demo"], ["tags", "-r", "demo", COMMON]):
        capsys.readouterr()
        assert main(command) == 0
        said = capsys.readouterr().err
        assert "was interrupted" in said
        assert f"regtui undo {run}" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("command", [["log"], ["log", "--json"], ["undo", "--list"], ["log", "--prune", "1"]])
def test_a_journal_that_is_not_trusted_is_not_called_empty(command: list[str], capsys: Captured) -> None:
    remove("latest")
    os.chown(journal_dir(), 65534, -1)
    capsys.readouterr()
    assert main(command) == 1
    told = capsys.readouterr()
    assert not told.out
    assert "The journal can't be read, and nothing in it is trusted" in told.err
    assert len(told.err.splitlines()) == 1
