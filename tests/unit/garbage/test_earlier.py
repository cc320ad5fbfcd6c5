"""An earlier run, by what its host tells of it."""

import pytest

from regtui.garbage.earlier import read_earlier
from regtui.garbage.values import HostQuestion, Stage
from regtui.garbage.words import earlier_sentences

MARK, OWN = "7e57", "0717"
"""Of the question, and of the run that it tells of."""
WHOLE = [
    f"::regtui-{MARK} earlier ended 2026-11-24T12:00:00Z {OWN} 2026-11-24T12:00:00Z deploy ci@laptop",
    f"::regtui-{OWN} stage bring-back done",
    f"::regtui-{OWN} stage keep-out started",
    "registry",
    f"::regtui-{OWN} stage collect started",
    "blob eligible for deletion: sha256:00",
    "",
    f"::regtui-{OWN} exit 0",
    f"::regtui-{OWN} stage bring-back started",
    f"::regtui-{OWN} up",
    f"::regtui-{OWN} stage bring-back done",
    f"::regtui-{OWN} end",
]


def test_nothing_told_is_no_run() -> None:
    assert read_earlier([], MARK) is None
    assert read_earlier(["sh: 1: not found"], MARK) is None
    assert read_earlier([f"::regtui-{OWN} stage collect started"], MARK) is None


def test_one_that_came_to_its_end_with_the_registry_up_is_whole() -> None:
    run = read_earlier(WHOLE, MARK)
    assert run is not None
    assert (run.started, run.stage, run.is_running, run.is_whole) == (
        "2026-11-24T12:00:00Z",
        Stage.BRING_BACK,
        False,
        True,
    )
    assert run.log == ("registry", "blob eligible for deletion: sha256:00")


def test_without_success_the_registry_or_an_end_it_is_not() -> None:
    for lacking in (f"::regtui-{OWN} exit 0", f"::regtui-{OWN} up", f"::regtui-{OWN} end"):
        run = read_earlier([line for line in WHOLE if line != lacking], MARK)
        assert run is not None
        assert not run.is_whole


def test_one_that_goes_on_is_where_its_last_stage_began() -> None:
    run = read_earlier([WHOLE[0].replace("ended", "running"), *WHOLE[2:6], *["line"] * 300], MARK)
    assert run is not None
    assert (run.is_running, run.stage, len(run.log)) == (True, Stage.COLLECT, 200)


def test_what_failed_is_not_whole_though_the_registry_came_up() -> None:
    run = read_earlier([*WHOLE, f"::regtui-{OWN} failed The collection was ended on the host, by signal TERM."], MARK)
    assert run is not None
    assert not run.is_well


def test_one_that_was_killed_with_its_guard_is_told_from_one_that_ended() -> None:
    run = read_earlier([WHOLE[0].replace("ended", "died"), *WHOLE[1:6]], MARK)
    assert run is not None
    assert (run.was_killed, run.is_running, run.is_well, run.who) == (True, False, False, "ci@laptop as deploy")


def test_somebody_elses_is_told_by_its_lock_alone() -> None:
    run = read_earlier(["", f"::regtui-{MARK} locked 2026-11-24T12:00:00Z root -"], MARK)
    assert run is not None
    assert (run.is_running, run.is_ours, run.who, run.started) == (True, False, "root", "2026-11-24T12:00:00Z")


@pytest.mark.parametrize("state", ["locked {0} {0} {0}", "earlier running {0} - {0} {0} {0}"])
def test_what_a_lock_says_is_harmless_and_short(state: str) -> None:
    """Whoever can log in there can write one."""
    evil = "\x1b]52;c;eA==\x07\x9b31m" + "x" * 10_000
    run = read_earlier([f"::regtui-{MARK} {state.format(evil)}"], MARK)
    assert run is not None
    for said in (run.started, run.who):
        assert said.isprintable()
        assert len(said) <= 100


def test_what_waits_for_the_regtui_that_began_it_says_so_until_it_is_told() -> None:
    asks = f"::regtui-{OWN} asks silence"
    waiting = [WHOLE[0].replace("ended", "running"), *WHOLE[2:4], asks]
    run = read_earlier(waiting, MARK)
    assert run is not None
    assert run.waits_for is HostQuestion.IS_SILENT
    told = " ".join(earlier_sentences(run))
    assert "waits for the regtui that began it to see whether nothing answers at the registry's address" in told
    assert "within a minute" in told
    told_it = read_earlier([*waiting, f"::regtui-{OWN} stage keep-out done"], MARK)
    assert told_it is not None
    assert told_it.waits_for is None


def test_a_log_that_was_not_written_to_its_end_is_said() -> None:
    run = read_earlier(WHOLE[:-1], MARK)
    assert run is not None
    assert "a disk there is full" in earlier_sentences(run)[1]
