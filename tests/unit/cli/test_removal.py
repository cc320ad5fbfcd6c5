"""A plan as `rm` shows it."""

import io
from typing import cast

import pytest

from regtui.cli.output import Form, Output
from regtui.cli.removal import Removal, show_plan
from regtui.connection import Connection
from regtui.deletion.proposal import DeletionProposal
from regtui.deletion.request import Request
from regtui.deletion.values import Method, Plan


def test_where_nothing_goes_nothing_is_offered_to_go_along(capsys: pytest.CaptureFixture[str]) -> None:
    """As where all that was named is protected, and nobody can be asked."""
    plan = Plan("team/app", (), (), (), ("sha256-1.sig",), (), (), 0, Method.BY_TAG)
    removal = Removal(cast(Connection, None), DeletionProposal(Request("team/app"), plan))
    show_plan(removal, Output(Form.FIELDS, io.StringIO()), dry_run=False)
    assert capsys.readouterr().err == "Nothing to delete.\n"
