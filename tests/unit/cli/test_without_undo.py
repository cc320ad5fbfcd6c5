"""`regtui rm` of what undo could not put back: named in the plan, typed for, or left without `--without-undo`."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from regtui.cli import removal, running, sweep
from regtui.cli.main import main
from regtui.demo.sample import sample_storage
from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport
from regtui.registry.settings import HttpSettings
from regtui.session import resolving
from regtui.session.target import demo_target

Captured = pytest.CaptureFixture[str]
NAME = "tools/cli"
Answering = Callable[[str], list[str]]


@pytest.fixture(autouse=True)
def storage(monkeypatch: pytest.MonkeyPatch) -> MemoryStorage:
    """The registry that every run of a test meets: of `odd` the config is gone, `whole` is as it should be."""
    made = sample_storage(datetime.now(UTC))
    for tag, number in (("odd", 1), ("whole", 2)):
        config = json.dumps({"os": "linux", "number": number}).encode()
        entry = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": made.add_blob(config)}
        media_type = "application/vnd.oci.image.manifest.v1+json"
        value = {"schemaVersion": 2, "mediaType": media_type, "config": entry | {"size": len(config)}, "layers": []}
        made.put_manifest(NAME, json.dumps(value).encode(), media_type, tag)
        if tag == "whole":
            made.link_layer(NAME, entry["digest"])
    target = replace(demo_target(), http=HttpSettings(transport=LocalTransport(made, "2.8.2")))
    monkeypatch.setattr(resolving, "demo_target", lambda: replace(target))
    return made


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answering:
    """What somebody types; the questions that were asked."""

    def answers(typed: str) -> list[str]:
        asked: list[str] = []

        def ask(question: str) -> str:
            asked.append(question)
            return typed

        monkeypatch.setattr(running, "is_interactive", lambda: True)
        monkeypatch.setattr(removal, "ask", ask)
        monkeypatch.setattr(sweep, "ask", ask)
        return asked

    return answers


def tags(storage: MemoryStorage) -> set[str]:
    return set(storage.repositories[NAME].tags)


def rm(*arguments: str) -> int:
    return main(["rm", "-r", "demo", *arguments])


def test_unasked_it_is_refused_by_name(capsys: Captured, storage: MemoryStorage) -> None:
    assert rm(f"{NAME}:odd", f"{NAME}:whole", "--yes") == 6
    said = capsys.readouterr().err
    assert "Undo could not put back odd, as its config " in said
    assert "--without-undo deletes it for good" in said
    assert tags(storage) >= {"odd", "whole"}


def test_without_undo_it_goes_unasked(storage: MemoryStorage) -> None:
    assert rm(f"{NAME}:odd", f"{NAME}:whole", "--yes", "--without-undo") == 0
    assert not tags(storage) & {"odd", "whole"}


def test_a_rule_leaves_it_and_does_the_rest(capsys: Captured, storage: MemoryStorage) -> None:
    assert rm(NAME, "--match", "^(odd|whole)$", "--yes", "--json") == 1
    rows = {json.loads(line)["reference"]: json.loads(line) for line in capsys.readouterr().out.splitlines()}
    assert rows[f"{NAME}:odd"]["status"] == "skipped"
    assert "--without-undo deletes it" in rows[f"{NAME}:odd"]["error"]
    assert "odd" in tags(storage)
    assert "whole" not in tags(storage)
    assert rm("--all-repositories", "--match", "^odd$", "--yes", "--without-undo") == 0
    assert "odd" not in tags(storage)


def test_a_rule_over_all_repositories_leaves_it(storage: MemoryStorage) -> None:
    assert rm("--all-repositories", "--match", "^(odd|whole)$", "--yes") == 1
    assert "odd" in tags(storage)
    assert "whole" not in tags(storage)


@pytest.mark.parametrize(("typed", "code"), [("y", 1), ("", 1), ("forever", 0)])
def test_asked_it_is_typed(typed: str, code: int, answering: Answering, storage: MemoryStorage) -> None:
    asked = answering(typed)
    assert rm(f"{NAME}:odd") == code
    assert asked == [f"To delete {NAME}:odd from demo.localhost, type forever:"]
    assert ("odd" in tags(storage)) == bool(code)


@pytest.mark.parametrize(("typed", "code"), [("2", 1), ("forever", 1), ("2 forever", 0)])
def test_over_all_repositories_the_same_word_is_asked_for(
    typed: str, code: int, answering: Answering, storage: MemoryStorage
) -> None:
    asked = answering(typed)
    assert rm("--all-repositories", "--match", "^(odd|whole)$") == code
    assert asked == ["To delete 2 tags in 1 repository of demo.localhost, type 2 forever:"]
    assert ("odd" in tags(storage)) == bool(code)
    assert rm("--all-repositories", "--match", "^nothing$") == 0


def test_over_all_repositories_the_number_will_do_where_it_was_said_already(
    answering: Answering, storage: MemoryStorage
) -> None:
    asked = answering("2")
    assert rm("--all-repositories", "--match", "^(odd|whole)$", "--without-undo") == 0
    assert [question.rpartition(" ")[2] for question in asked] == ["2:"]
    assert not tags(storage) & {"odd", "whole"}


def test_asked_where_it_was_said_already_a_y_will_do(answering: Answering, storage: MemoryStorage) -> None:
    asked = answering("y")
    assert rm(f"{NAME}:odd", "--without-undo") == 0
    assert asked == [f"Delete {NAME}:odd from demo.localhost? [y/N]"]


def test_a_dry_run_names_it(capsys: Captured) -> None:
    assert rm(f"{NAME}:odd", "--dry-run", "--json") == 0
    captured = capsys.readouterr()
    [row] = [json.loads(line) for line in captured.out.splitlines() if '"untag"' in line]
    assert row["status"] == "planned"
    assert row["error"].startswith("can't be put back: its config ")
    assert "Undo can't put back odd" in captured.err
    # With --yes it would be refused, which a script has to learn.
    assert rm(f"{NAME}:odd", "--dry-run", "--yes", "--json") == 6
    captured = capsys.readouterr()
    assert {json.loads(line)["status"] for line in captured.out.splitlines()} == {"skipped"}
    assert captured.err.startswith("At demo.localhost:\nUndo could not put back odd, as its config ")
    assert rm(f"{NAME}:odd", "--dry-run", "--yes", "--without-undo") == 0


def test_a_signature_that_is_left_keeps_its_image_and_no_other(capsys: Captured, storage: MemoryStorage) -> None:
    """Its image would go without it; those that are beside it go."""
    signed: dict[str, str] = {}
    for number, tag in enumerate(("v1", "v2")):
        config = json.dumps({"os": "linux", "signed": number}).encode()
        media_type = "application/vnd.oci.image.manifest.v1+json"
        entry = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": storage.add_blob(config)}
        storage.link_layer(NAME, entry["digest"])
        value = {"schemaVersion": 2, "mediaType": media_type, "config": entry | {"size": len(config)}, "layers": []}
        image = storage.put_manifest(NAME, json.dumps(value).encode(), media_type, tag)
        signed[tag] = f"{image.replace(':', '-')}.sig"
        # The signature of v1 can't be put back: nobody has its config.
        entry |= {"digest": f"sha256:{'0' * 64}"} if tag == "v1" else {}
        value |= {"config": entry | {"size": len(config)}, "annotations": {"of": tag}}
        storage.put_manifest(NAME, json.dumps(value).encode(), media_type, signed[tag])
    assert rm(NAME, "--match", "^v[12]$", "--with-attached", "--yes", "--json") == 1
    captured = capsys.readouterr()
    rows = {row["reference"].rpartition(":")[2]: row for row in map(json.loads, captured.out.splitlines())}
    assert {tag: rows[tag]["status"] for tag in ("v1", signed["v1"], "v2", signed["v2"])} == {
        "v1": "skipped",
        signed["v1"]: "skipped",
        "v2": "done",
        signed["v2"]: "done",
    }
    assert rows["v1"]["error"] == f"not deleted, as {signed['v1']} would go with it"
    assert tags(storage) >= {"v1", signed["v1"]}
    assert not tags(storage) & {"v2", signed["v2"]}
