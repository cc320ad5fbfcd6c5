"""`regtui rm` where deleting manifests would take the registry minutes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from regtui.cli.main import main
from regtui.deletion import cost
from regtui.session import resolving
from regtui.session.target import demo_target

Captured = pytest.CaptureFixture[str]
RM = ["rm", "-r", "demo", "fullstack/common:0.0.9"]
LEFT = "left without a tag: regtui gc --untagged deletes it"


@pytest.fixture(autouse=True)
def slow_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One registry for all the commands of a test, a few tags in it as slow as ten thousand."""
    monkeypatch.setenv("HOME", str(tmp_path))
    target = demo_target()
    monkeypatch.setattr(resolving, "demo_target", lambda: replace(target))
    monkeypatch.setattr(cost, "EACH_TAG", 3.0)


def manifests(capsys: Captured) -> list[tuple[str, str | None]]:
    """(status, error) of each record about a manifest."""
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(record["status"], record["error"]) for record in records if record["action"] == "delete"]


def test_by_default_they_are_left_and_every_form_says_so(capsys: Captured) -> None:
    assert main([*RM, "--dry-run", "--json"]) == 0
    assert manifests(capsys) == [("skipped", LEFT)]
    assert main([*RM, "--dry-run"]) == 0
    plan = capsys.readouterr()
    assert f"delete\tskipped\t{LEFT}" in plan.out
    assert "1 manifest that no tag leads to any more will be left, with up to " in plan.err
    assert "Deleting it now would take about 2 minutes" in plan.err
    assert "--with-manifests would delete the manifest now as well, about 2 minutes." in plan.err
    assert main([*RM, "--yes", "--json"]) == 0
    done = capsys.readouterr()
    assert LEFT in done.out
    assert "1 manifest without a tag is left, with up to " in done.err
    # And the collection tells where those bytes are.
    assert main(["gc", "demo", "--dry-run"]) == 0
    collection = capsys.readouterr().err
    assert "stay, with " in collection
    assert "--untagged deletes them, and frees that, too." in collection


def test_they_go_when_that_is_said(capsys: Captured) -> None:
    assert main([*RM, "--with-manifests", "--dry-run"]) == 0
    told = capsys.readouterr().err
    assert "will be deleted by digest" in told
    assert "--tags-only would remove the tags alone, and leave the manifest to regtui gc --untagged." in told
    assert main([*RM, "--with-manifests", "--yes", "--json"]) == 0
    assert manifests(capsys) == [("done", None)]


def test_few_are_left_when_that_is_said(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "EACH_TAG", 35e-6)
    assert main([*RM, "--tags-only", "--dry-run", "--json"]) == 0
    assert manifests(capsys) == [("skipped", LEFT)]
    assert main([*RM, "--dry-run", "--json"]) == 0
    assert manifests(capsys) == [("planned", None)]


@pytest.mark.parametrize("other", ["--with-manifests", "--manifest"])
def test_what_contradicts_tags_only_is_refused(other: str, capsys: Captured) -> None:
    assert main([*RM, "--tags-only", other, "--dry-run"]) == 2
    assert "--tags-only" in capsys.readouterr().err


def test_over_all_repositories_the_sum_says_what_is_left(capsys: Captured) -> None:
    assert main(["rm", "-r", "demo", "--all-repositories", "--match", "^0.0.9$", "--dry-run"]) == 0
    assert "manifest without a tag will be left, with up to " in capsys.readouterr().err
