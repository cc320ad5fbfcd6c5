"""How far a change is, on the screen of its plan."""

from regtui.deletion.values import Action, Outcome, Status
from regtui.ui.screens.plan import Progressing


def outcome(tag: str, status: Status, action: Action = Action.UNTAG) -> Outcome:
    return Outcome(f"team/app:{tag}", None, action, status)


def test_only_what_was_planned_is_counted_and_each_of_it_once() -> None:
    """The rest of an interrupted deletion tells what was done before, and why some of it is left alone."""
    progress = Progressing([outcome("a", Status.PLANNED), outcome("b", Status.PLANNED), outcome("c", Status.SKIPPED)])
    assert (progress.done, progress.total, progress.is_new) == (0, 2, False)
    progress.take([outcome("a", Status.DONE), outcome("before", Status.DONE)])
    progress.take([outcome("a", Status.FAILED)])
    assert (progress.done, progress.total, progress.is_new) == (1, 2, True)
    progress.take([outcome("b", Status.PLANNED)])
    assert progress.done == 1
    progress.take([outcome("b", Status.SKIPPED)])
    assert progress.done == 2


def test_rows_stand_in_the_order_of_the_plan_each_as_it_was_told_last() -> None:
    progress = Progressing([outcome("a", Status.PLANNED), outcome("b", Status.PLANNED)])
    progress.take([outcome("b", Status.DONE)])
    assert progress.rows() == [outcome("a", Status.PLANNED), outcome("b", Status.DONE)]
    assert not progress.is_new
