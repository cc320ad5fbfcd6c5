"""How a run is put on its host and found again: alone, in a private directory, followed to its end."""

import subprocess
from pathlib import Path

import pytest

from regtui.garbage import scripts
from regtui.garbage.runtimes import Unit
from regtui.garbage.values import KeepOut
from tests.support.programs import find_program

# Seconds; only ever reached by a test that fails.
_PATIENCE = 60.0


class Launch:
    def __init__(self, directory: Path, shell: str) -> None:
        self.directory = directory
        self.place = directory / "regtui/gc/docker-registry"
        self.shell = [str(find_program("busybox")), "sh"] if shell == "busybox" else ["dash"]
        collector = directory / "collector"
        collector.write_text(f"#!/bin/sh\necho begun\nwhile test -e {directory}/hold; do sleep 0.05; done\n")
        collector.chmod(0o755)
        self.unit = Unit(
            runtime="docker",
            name="registry",
            config="/c.yml",
            is_running=True,
            inside="",
            beside=str(collector),
            stop="true",
            start="true",
            check="true",
        )

    def told(self, script: str) -> list[str]:
        done = subprocess.run(
            [*self.shell, "-s"],
            # As hosts.py sends it: read to its end before it begins.
            input=f"main() {{\n{script}\n}}\nmain </dev/null\n",
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "XDG_STATE_HOME": str(self.directory)},
            timeout=_PATIENCE,
        )
        return [line for line in done.stdout.splitlines() if line.strip()]

    def begin(self) -> list[str]:
        return self.told(scripts.collection(self.unit, KeepOut.STOP, needs_restart=False))

    def leave(self, *names: str, ended: bool = True) -> None:
        """What an earlier run left behind."""
        self.place.mkdir(parents=True, mode=0o700)
        (self.place / "log").write_text("::regtui stage collect started\n")
        for name in (*names, *(("ended",) if ended else ())):
            (self.place / name).touch()


@pytest.fixture(params=["dash", "busybox"])
def launch(request: pytest.FixtureRequest, tmp_path: Path) -> Launch:
    return Launch(tmp_path, request.param)


def test_a_run_is_begun_and_followed_to_its_end_in_a_place_that_nobody_else_can_read(launch: Launch) -> None:
    told = launch.begin()
    assert told[0] == f"::regtui begun {launch.place}"
    assert told[-1] == "::regtui end"
    assert "begun" in told
    assert (launch.place.stat().st_mode & 0o777, (launch.place / "log").stat().st_mode & 0o777) == (0o700, 0o600)


def test_what_an_earlier_run_left_behind_neither_stops_nor_ends_this_one(launch: Launch) -> None:
    launch.leave("stop", "heard", "pid", "collecting")
    told = launch.begin()
    assert "::regtui stopped" not in told
    assert "::regtui exit 0" in told
    # Nobody has heard of this one yet.
    assert launch.told(scripts.status(launch.unit))[0].startswith("::regtui earlier no ")


def test_of_a_run_whose_end_was_heard_nothing_is_told(launch: Launch) -> None:
    launch.begin()
    assert launch.told(scripts.status(launch.unit))[1:2] == ["::regtui stage bring-back done"]
    launch.told(scripts.note(launch.unit, "heard"))
    assert launch.told(scripts.status(launch.unit)) == []


def test_while_one_is_going_on_there_is_no_other_and_it_can_be_followed(launch: Launch) -> None:
    hold = launch.directory / "hold"
    hold.touch()
    script = scripts.collection(launch.unit, KeepOut.STOP, needs_restart=False)
    first = subprocess.Popen(
        [*launch.shell, "-c", f"main() {{\n{script}\n}}\nmain </dev/null\n"],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "XDG_STATE_HOME": str(launch.directory)},
    )
    assert first.stdout is not None
    try:
        while first.stdout.readline().strip() != "begun":
            assert first.poll() is None
        assert launch.begin() == ["::regtui busy"]
        assert launch.told(scripts.status(launch.unit))[0].startswith("::regtui earlier yes ")
        # The guard stands by.
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
        assert [line for line in listed.splitlines() if line.endswith("sh run.sh guard")]
        # Whoever read along may go.
        first.kill()
    finally:
        hold.unlink()
        first.wait()
        first.stdout.close()
    told = launch.told(scripts.follow(launch.unit, 1))
    assert told[-1] == "::regtui end"
    assert "begun" in told


def test_a_directory_behind_somebodys_link_is_not_used(launch: Launch) -> None:
    elsewhere = launch.directory / "elsewhere"
    elsewhere.mkdir()
    launch.place.parent.mkdir(parents=True)
    launch.place.symlink_to(elsewhere)
    # Any other place that the machine has is as good; here there is none.
    script = scripts.collection(launch.unit, KeepOut.STOP, needs_restart=False)
    only = f'places() {{ echo "{launch.place}"; }}\n'
    begin = script.index("# In a place that everybody")
    assert launch.told(f"{script[:begin]}{only}{script[begin:]}") == ["::regtui no-room"]
    assert list(elsewhere.iterdir()) == []
