"""`regtui gc --status`: what is to be known comes before the log, that may be long."""

import sys

import pytest

from regtui.cli import collection
from regtui.cli.output import Form, Output
from regtui.garbage.values import EarlierRun, Stage


def test_the_verdict_and_what_to_do_come_before_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(collection, "say", print)
    run = EarlierRun("2026-11-24T12:00:00Z", Stage.COLLECT, is_running=False, log=("of its log",), was_killed=True)
    collection.show_status(Output(Form.TABLE, sys.stdout), run, "lab")
    lines = capsys.readouterr().out.splitlines()
    assert "was killed on the host" in lines[0]
    assert "regtui gc lab --bring-back" in lines[1]
    assert lines[-1] == "of its log"
