"""A change as a command carries it out: what that costs beside the change itself."""

from collections.abc import AsyncIterator
from typing import cast

import pytest

from regtui.cli.output import Form, Output
from regtui.cli.running import ShownOutcomes, carry_out
from regtui.deletion.values import Action, Outcome, Report, Status
from regtui.session.changes import RunningChange


class Many:
    """Tells one outcome after the other; `asked`: how often all of them were wanted."""

    def __init__(self, count: int) -> None:
        self._outcomes = [Outcome(f"team/app:v{n}", None, Action.UNTAG, Status.DONE) for n in range(count)]
        self.asked = 0

    def tell_looks(self, hears: object) -> None:
        """There are none."""

    def stop(self) -> None:
        """Nobody does."""

    @property
    def report(self) -> Report:
        self.asked += 1
        return Report("team/app", tuple(self._outcomes), False)

    async def outcomes(self) -> AsyncIterator[list[Outcome]]:
        for outcome in self._outcomes:
            yield [outcome]


@pytest.mark.parametrize("form", [Form.TABLE, Form.JSON])
async def test_the_report_is_not_made_anew_for_each_outcome(form: Form, capsys: pytest.CaptureFixture[str]) -> None:
    """It is all that was told so far, in order: of 16,000 outcomes each would cost 20 ms."""
    asked = []
    for count in (3, 30):
        many = Many(count)
        result = await carry_out(cast("RunningChange", many), ShownOutcomes(Output(form)), "Deleting", count)
        assert result.is_complete
        asked.append(many.asked)
        assert capsys.readouterr().out.count("team/app:v") == count
    assert asked[0] == asked[1]
