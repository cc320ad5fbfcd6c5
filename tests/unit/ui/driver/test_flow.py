"""How much is under way: more while answers come at once, one difference while they come late."""

from regtui.ui.driver.flow import Flow


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def flow() -> tuple[Flow, Clock]:
    clock = Clock()
    made = Flow(clock)
    return made, clock


def test_a_terminal_that_never_answers_is_never_waited_for() -> None:
    line, clock = flow()
    for _ in range(100):
        line.written(10_000)
        assert line.may_write()
    clock.now += 2.1
    line.written(1)
    assert not line.waits


def test_who_leaves_at_once_waits_for_the_first_answer() -> None:
    """Over a slow line it would come when the shell is there again."""
    line, clock = flow()
    line.written(10)
    clock.now += 0.4
    assert line.waits


def answered_after(line: Flow, clock: Clock, seconds: float, count: int = 300) -> None:
    line.written(count)
    clock.now += seconds
    line.answered()


def test_late_answers_leave_one_under_way_and_quick_ones_more() -> None:
    line, clock = flow()
    answered_after(line, clock, 0.2, 0)
    answered_after(line, clock, 2.2, 6_000)
    line.written(300)
    assert not line.may_write()
    clock.now += 0.2
    line.answered()
    for _ in range(4):
        answered_after(line, clock, 0.2)
    line.written(300)
    assert line.may_write()


def test_a_long_way_is_no_reason_to_wait() -> None:
    # 200 ms each time, but nothing is ever waiting: the window grows to what such a line holds.
    line, clock = flow()
    for _ in range(8):
        answered_after(line, clock, 0.2)
    for _ in range(20):
        line.written(300)
    assert line.may_write()


def test_after_some_seconds_without_an_answer_nothing_is_waited_for() -> None:
    line, clock = flow()
    answered_after(line, clock, 0.1, 0)
    line.written(100_000)
    assert not line.may_write()
    clock.now += line.patience + 0.1
    assert line.may_write()
    assert not line.waits
    # The terminal lives after all.
    line.answered()
    line.written(100_000)
    assert not line.may_write()
