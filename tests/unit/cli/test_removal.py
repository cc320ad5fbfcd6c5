"""A plan as `rm` shows it."""

import io
from types import SimpleNamespace
from typing import cast

import pytest

from regtui.cli.output import Form, Output
from regtui.cli.removal import Removal, is_confirmed, show_plan
from regtui.deletion.proposal import DeletionProposal
from regtui.deletion.request import Request
from regtui.deletion.values import Method, Plan, PlannedTag
from regtui.oci.digest import Digest
from regtui.registry.identity import RegistryId
from regtui.session.session import Session

CONNECTION = SimpleNamespace(identity=RegistryId("127.0.0.1:5000", "admin@prod"), host="127.0.0.1:5000")


def test_where_nothing_goes_nothing_is_offered_to_go_along(capsys: pytest.CaptureFixture[str]) -> None:
    """As where all that was named is protected, and nobody can be asked."""
    plan = Plan("team/app", (), (), (), ("sha256-1.sig",), (), (), 0, Method.BY_TAG)
    removal = Removal(cast(Session, CONNECTION), DeletionProposal(Request("team/app"), plan))
    show_plan(removal, Output(Form.FIELDS, io.StringIO()), dry_run=False)
    assert capsys.readouterr().err == "At 127.0.0.1:5000 via admin@prod:\nNothing to delete.\n"


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_plan_names_its_registry_also_where_nobody_is_asked(
    dry_run: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    going = (PlannedTag("1.0", Digest.of(b"1.0")),)
    plan = Plan("team/app", going, (), (), (), (), (), 0, Method.BY_TAG)
    removal = Removal(cast(Session, CONNECTION), DeletionProposal(Request("team/app", ["1.0"]), plan))
    show_plan(removal, Output(Form.FIELDS, io.StringIO()), dry_run=dry_run)
    assert capsys.readouterr().err.startswith("At 127.0.0.1:5000 via admin@prod:\n1 tag will be removed from team/app.")


def test_the_question_names_the_host_from_which_the_registry_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many hosts have a registry at their own 127.0.0.1:5000."""
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return ""

    monkeypatch.setattr("regtui.cli.removal.ask", ask)
    going = (PlannedTag("1.0", Digest.of(b"1.0")),)
    plan = Plan("team/app", going, (), (), (), (), (), 0, Method.BY_TAG)
    removal = Removal(cast(Session, CONNECTION), DeletionProposal(Request("team/app", ["1.0"]), plan))
    assert not is_confirmed(removal)
    assert asked == ["Delete team/app:1.0 from 127.0.0.1:5000 via admin@prod? [y/N]"]
