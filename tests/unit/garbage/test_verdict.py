"""What is said of a collector that failed: how, where, and what it had done by then."""

import pytest

from regtui.garbage.verdict import GcOutcome, explain, killed


@pytest.mark.parametrize(
    ("code", "how", "memory"),
    [
        (None, "It isn't known how the collector ended.", False),
        (129, "its connection was lost (exit code 129)", False),
        (137, "it was killed (exit code 137)", True),
        (143, "it was stopped (exit code 143)", False),
    ],
)
def test_how_it_was_ended(code: int | None, how: str, memory: bool) -> None:
    verdict = killed(code, 3)
    assert verdict.outcome is GcOutcome.KILLED
    assert how in verdict.message
    assert verdict.message.endswith("3 blobs had been deleted by then.")
    assert ("want of memory" in verdict.remedy) == memory
    assert verdict.remedy.endswith("What is left is collected by the next run.")


@pytest.mark.parametrize(
    ("deleted", "sentence"),
    [
        (None, "How much had been deleted by then isn't known."),
        (0, "Nothing was deleted."),
        (1, "1 blob had been deleted by then."),
    ],
)
def test_what_it_had_done_by_then_is_not_guessed(deleted: int | None, sentence: str) -> None:
    assert killed(143, deleted).message.endswith(sentence)


def test_a_damaged_link_is_told_with_the_repository_that_it_was_met_in() -> None:
    line = "failed to garbage collect: failed to mark: filesystem: invalid checksum digest format"
    assert "It was reading team/app." in explain(line, "team/app", 0).message
    assert "It was reading" not in explain(line, "", 0).message
    full = explain("write /r/data: no space left on device", "team/app", 0)
    assert full.outcome is GcOutcome.DISK_FULL
    assert "It was reading" not in full.message
