"""The judge of killed collections waits until nobody is on the way any more."""

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.campaigns.collection_kills import goes_on
from tests.support.held_host import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """With one run in its host's state."""
    (tmp_path / "run").mkdir()
    host = SimpleNamespace(state=tmp_path)
    return Place(registry=SimpleNamespace(), host=host, directory=tmp_path)  # type: ignore[arg-type]


def write(place: Place, name: str, text: str) -> None:
    (place.host.state / "run" / name).write_text(text)


@pytest.mark.parametrize("who", ["pid", "guard"])
def test_a_run_goes_on_while_the_script_or_its_guard_lives_and_has_not_ended(place: Place, who: str) -> None:
    assert not goes_on(place)
    write(place, who, f"{os.getpid()}\n")
    assert goes_on(place)
    write(place, "ended", "")
    assert not goes_on(place)


def test_a_run_of_which_all_are_dead_does_not_go_on_also_where_nobody_has_heard_of_it(place: Place) -> None:
    dead = subprocess.Popen(["true"])
    write(place, "pid", f"{dead.pid}\n")
    os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
    assert not goes_on(place)
    dead.wait()
    assert not goes_on(place)
