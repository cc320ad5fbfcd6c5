"""An earlier run, by what its host tells of it."""

from regtui.garbage.earlier import read_earlier
from regtui.garbage.values import Stage

WHOLE = [
    "::regtui earlier no 2026-11-24T12:00:00Z",
    "::regtui stage bring-back done",
    "::regtui stage keep-out started",
    "registry",
    "::regtui stage collect started",
    "blob eligible for deletion: sha256:00",
    "",
    "::regtui exit 0",
    "::regtui stage bring-back started",
    "::regtui up",
    "::regtui stage bring-back done",
    "::regtui end",
]


def test_nothing_told_is_no_run() -> None:
    assert read_earlier([]) is None
    assert read_earlier(["sh: 1: not found"]) is None
    assert read_earlier(["::regtui stage collect started"]) is None


def test_one_that_came_to_its_end_with_the_registry_up_is_whole() -> None:
    run = read_earlier(WHOLE)
    assert run is not None
    assert (run.started, run.stage, run.is_running, run.is_whole) == (
        "2026-11-24T12:00:00Z",
        Stage.BRING_BACK,
        False,
        True,
    )
    assert run.log == ("registry", "blob eligible for deletion: sha256:00")


def test_without_success_the_registry_or_an_end_it_is_not() -> None:
    for lacking in ("::regtui exit 0", "::regtui up", "::regtui end"):
        run = read_earlier([line for line in WHOLE if line != lacking])
        assert run is not None
        assert not run.is_whole


def test_one_that_goes_on_is_where_its_last_stage_began() -> None:
    run = read_earlier(["::regtui earlier yes 2026-11-24T12:00:00Z", *WHOLE[2:6], *["line"] * 300])
    assert run is not None
    assert (run.is_running, run.stage, len(run.log)) == (True, Stage.COLLECT, 200)
