"""How a run is put on its host and found again: alone, in a private directory, followed to its end."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from regtui.garbage import scripts
from regtui.garbage.earlier import read_earlier
from regtui.garbage.words import earlier_sentences
from regtui.host.hosts import Script
from regtui.host.keep_out import KeepOut
from regtui.host.runtimes import Unit, by_name
from tests.support.patience import PATIENCE
from tests.support.programs import find_program
from tests.support.unasked import unasked

MARK = "7e57"


class Launch:
    def __init__(self, directory: Path, shell: str) -> None:
        self.directory = directory
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
            gone="true",
            lock=str(directory),
        )
        self.place = directory / "regtui/gc" / scripts.run_name(self.unit)

    def told(self, script: Script, before: str = "") -> list[str]:
        """`before`: what the host has in place of its own programs."""
        done = subprocess.run(
            [*self.shell, "-c", f"{before}{script.text}", "sh", *script.arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "XDG_STATE_HOME": str(self.directory)},
            timeout=PATIENCE,
        )
        return [line.replace(f"-{MARK}", "") for line in done.stdout.splitlines() if line.strip()]

    def collection(self) -> Script:
        return unasked(scripts.collection(self.unit, KeepOut.STOP, needs_restart=False, mark=MARK, who="ci@laptop"))

    def begin(self) -> list[str]:
        return self.told(self.collection())

    def status(self) -> list[str]:
        return self.told(scripts.status(self.unit, MARK))

    def leave(self, *names: str, ended: bool = True) -> None:
        """What an earlier run left behind."""
        self.place.mkdir(parents=True, mode=0o700)
        (self.place / "log").write_text("::regtui stage collect started\n")
        for name in (*names, *(("ended",) if ended else ())):
            (self.place / name).touch()


# Each test in one of the two.
pytestmark = pytest.mark.alike("launch")


@pytest.fixture(params=["dash", "busybox"])
def launch(request: pytest.FixtureRequest, tmp_path: Path) -> Launch:
    return Launch(tmp_path, request.param)


def nowhere_else(launch: Launch, script: Script) -> Script:
    """Any other place that the machine has is as good: here there is none."""
    only = f'places() {{ echo "{launch.place}"; }}\n'
    begin = script.text.index("# In a place that everybody")
    return replace(script, text=f"{script.text[:begin]}{only}{script.text[begin:]}")


def test_a_run_is_begun_and_followed_to_its_end_in_a_place_that_nobody_else_can_read(launch: Launch) -> None:
    told = launch.begin()
    assert told[0] == f"::regtui begun 1 {launch.place}"
    assert told[-1] == "::regtui end"
    assert "begun" in told
    assert (launch.place.stat().st_mode & 0o777, (launch.place / "log").stat().st_mode & 0o777) == (0o700, 0o600)


def test_what_an_earlier_run_left_behind_neither_stops_nor_ends_this_one(launch: Launch) -> None:
    launch.leave("stop-asked", "heard", "pid", "collecting")
    told = launch.begin()
    assert "::regtui stopped" not in told
    assert "::regtui exit 0" in told
    # Nobody has heard of this one yet.
    assert launch.status()[0].startswith("::regtui earlier ended ")


def test_of_a_run_whose_end_was_heard_nothing_is_told(launch: Launch) -> None:
    launch.begin()
    assert launch.status()[1:2] == ["::regtui stage bring-back done"]
    launch.told(scripts.note(launch.unit, "heard"))
    assert launch.status() == []


def test_that_a_log_had_no_room_for_its_end_is_told_with_where_it_is(launch: Launch) -> None:
    launch.leave("mark")
    assert launch.told(scripts.follow(launch.unit, MARK, 1))[-1] == f"::regtui cut {launch.place}"


def test_while_one_is_going_on_there_is_no_other_and_it_can_be_followed(launch: Launch) -> None:
    hold = launch.directory / "hold"
    hold.touch()
    script = launch.collection()
    first = subprocess.Popen(
        [*launch.shell, "-c", script.text, "sh", *script.arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "XDG_STATE_HOME": str(launch.directory)},
    )
    assert first.stdout is not None
    try:
        while first.stdout.readline().strip() != "begun":
            assert first.poll() is None
        assert re.fullmatch(r"::regtui busy [0-9T:Z-]{20} \w+ ci@laptop", "\n".join(launch.begin()))
        assert launch.status()[0].startswith("::regtui earlier running ")
        # The guard stands by.
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
        assert [line for line in listed.splitlines() if line.endswith("sh run.sh guard")]
        # Whoever read along may go.
        first.kill()
    finally:
        hold.unlink()
        first.wait()
        first.stdout.close()
    told = launch.told(scripts.follow(launch.unit, MARK, 1))
    assert told[-1] == "::regtui end"
    assert "begun" in told


def test_a_directory_behind_somebodys_link_is_not_used(launch: Launch) -> None:
    elsewhere = launch.directory / "elsewhere"
    elsewhere.mkdir()
    launch.place.parent.mkdir(parents=True)
    launch.place.symlink_to(elsewhere)
    assert launch.told(nowhere_else(launch, launch.collection())) == ["::regtui no-room"]
    assert list(elsewhere.iterdir()) == []


def test_a_directory_of_somebody_else_is_neither_used_nor_believed(launch: Launch) -> None:
    launch.leave("started")
    before = sorted(launch.place.iterdir())
    stranger = "id() { echo 65533; }\n"
    assert launch.told(nowhere_else(launch, scripts.status(launch.unit, MARK)), stranger) == []
    assert launch.told(nowhere_else(launch, launch.collection()), stranger) == ["::regtui no-room"]
    assert sorted(launch.place.iterdir()) == before


def test_a_run_that_has_ended_is_over_though_its_process_is_still_there(launch: Launch) -> None:
    # As right after its last words; or another one's, that got the same number.
    other = subprocess.Popen([*launch.shell, "-c", "read line", "run.sh"], stdin=subprocess.PIPE)
    assert other.stdin is not None
    try:
        launch.leave("started")
        (launch.place / "pid").write_text(f"{other.pid}\n")
        assert launch.status()[0].startswith("::regtui earlier ended ")
        assert "::regtui busy" not in launch.begin()
    finally:
        other.stdin.close()
        other.wait()


def test_another_process_of_the_same_number_is_no_run(launch: Launch) -> None:
    other = subprocess.Popen(["sleep", "900"])
    try:
        launch.leave("started", ended=False)
        (launch.place / "pid").write_text(f"{other.pid}\n")
        assert launch.status()[0].startswith("::regtui earlier died ")
        assert "::regtui end" in launch.begin()
    finally:
        other.kill()
        other.wait()


def test_a_program_that_is_called_as_a_run_is_no_run_of_ours(launch: Launch) -> None:
    """By its birth: after a restart of the host its number may be anybody's."""
    launch.leave(ended=False)
    with subprocess.Popen(["sh", "-c", "read -r line", "/opt/app/run.sh"], stdin=subprocess.PIPE) as other:
        for born, state in (("1 another-boot\n", "died"), ("", "running")):
            (launch.place / "pid-born").write_text(born)
            (launch.place / "pid").write_text(f"{other.pid}\n")
            assert any(line.startswith(f"::regtui earlier {state} ") for line in launch.status())


def test_a_host_without_room_is_said(launch: Launch) -> None:
    (launch.directory / "file").touch()
    script = launch.collection()
    begin = script.text.index("places() {")
    end = script.text.index("\n}\n", begin)
    nowhere = f'{script.text[:begin]}places() {{\n    echo "{launch.directory}/file/below"{script.text[end:]}'
    assert launch.told(replace(script, text=nowhere)) == ["::regtui no-room"]


def test_a_run_is_not_taken_for_alive_because_its_pid_is_somebody_elses_now(launch: Launch) -> None:
    launch.leave("guard", ended=False)
    (launch.place / "started").write_text("2026-11-24T12:00:00Z\n")
    (launch.place / "pid").write_text(f"{os.getpid()}\n")
    assert launch.status()[0].startswith("::regtui earlier died 2026-11-24T12:00:00Z ")


def test_a_lock_in_which_nothing_ever_answers_keeps_nobody_waiting(launch: Launch) -> None:
    """Everybody on the host can make one of that name."""
    lock = Path(f"/tmp/regtui-gc-{scripts.lock_name(launch.unit)}.lock")
    lock.mkdir()
    try:
        for name in ("who", "boot", "mark", "pid", "guard"):
            os.mkfifo(lock / name)
        (told,) = launch.status()
        assert told.startswith(f"::regtui left {lock} - ")
        assert "::regtui end" in launch.begin()
    finally:
        shutil.rmtree(lock, ignore_errors=True)


@contextmanager
def a_lock(launch: Launch, owner: int = 0, pid: int = 0) -> Iterator[Path]:
    """As one that anybody can make, where the first place for it is taken: with a process that looks like a run's."""
    lock = Path(f"/dev/shm/regtui-gc-{scripts.lock_name(launch.unit)}.lock")
    lock.mkdir()
    try:
        (lock / "boot").write_text(Path("/proc/sys/kernel/random/boot_id").read_text())
        (lock / "who").write_text("2026-11-28T18:00:00Z root ci@laptop\n")
        (lock / "pid").write_text(f"{pid}\n")
        if owner:
            os.chown(lock, owner, owner)
        yield lock
    finally:
        shutil.rmtree(lock, ignore_errors=True)


@pytest.fixture
def other_run() -> Iterator[int]:
    other = subprocess.Popen(["dash", "-c", "read line", "run.sh"], stdin=subprocess.PIPE)
    assert other.stdin is not None
    yield other.pid
    other.stdin.close()
    other.wait()


def test_a_lock_of_somebody_without_rights_hides_no_run_that_died_nor_keeps_it_down(
    launch: Launch, other_run: int
) -> None:
    launch.leave("started", ended=False)
    own = Path(f"/tmp/regtui-gc-{scripts.lock_name(launch.unit)}.lock")
    own.mkdir()
    for file in (own / "mark", launch.place / "mark"):
        file.write_text("0717\n")
    (own / "pid").write_text("0\n")
    (launch.place / "lock").write_text(f"{own}\n")
    (launch.place / "run.sh").write_text("echo ::regtui-$(cat mark) end\n: > ended")
    try:
        with a_lock(launch, 65534, other_run):
            assert launch.status()[0].startswith("::regtui earlier died ")
            # Nothing but a run's own lock shows that nobody can have begun another one meanwhile.
            begun = launch.told(scripts.bring_back(launch.unit, MARK))
            assert any(line.startswith("::regtui begun ") for line in begun), begun
    finally:
        shutil.rmtree(own, ignore_errors=True)


def test_a_lock_of_somebody_without_rights_is_told_with_whose_it_really_is(launch: Launch, other_run: int) -> None:
    with a_lock(launch, 65534, other_run) as lock:
        assert launch.status() == ["::regtui locked 2026-11-28T18:00:00Z nobody ci@laptop"]
        assert launch.begin() == [f"::regtui held {lock} 2026-11-28T18:00:00Z nobody ci@laptop"]
    with a_lock(launch, 0, other_run):
        assert launch.begin() == ["::regtui busy 2026-11-28T18:00:00Z root ci@laptop"]


def test_a_lock_whose_run_is_dead_is_told_to_who_has_none_himself(launch: Launch) -> None:
    with a_lock(launch) as lock:
        told = launch.status()
        assert told == [f"::regtui left {lock} 2026-11-28T18:00:00Z root ci@laptop"]
        run = read_earlier([told[0].replace("::regtui", f"::regtui-{MARK}")], MARK)
    assert run is not None
    assert (run.was_killed, run.is_well, run.who) == (True, False, "ci@laptop as root")
    assert earlier_sentences(run)[0].startswith(
        "A collection begun at 2026-11-28 18:00:00 UTC by ci@laptop as root was killed on the host: its lock is left"
    )


def test_units_that_only_look_alike_have_runs_of_their_own() -> None:
    def unit(runtime: str, name: str, *place: str) -> Unit:
        return Unit(runtime, name, "/c.yml", True, "", place=place)

    units = (
        *(unit("docker", name) for name in ("a_b", "a__b", "a b", "A_b", "x" * 101, "x" * 102)),
        *(unit("docker compose", "registry", directory) for directory in ("/srv/prod", "/srv/staging")),
        *(unit("kubectl", "registry", *place) for place in (("k3s", "prod"), ("k3s", "staging"), ("eu", "prod"))),
        *(unit("systemd", f"registry@{name}.service") for name in ("a", "b")),
        unit("docker", "a_b", "sudo", "-n"),
    )
    assert len({scripts.run_name(each) for each in units}) == len(units)
    assert len({scripts.lock_name(each) for each in units}) == len(units)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{20,100}", scripts.run_name(each)) for each in units)


def test_a_run_that_was_called_by_the_name_alone_is_found_where_it_starts_the_same(launch: Launch) -> None:
    older = launch.place.parent / "docker-registry"
    launch.leave("started", ended=False)
    launch.place.rename(older)
    (older / "start").write_text("docker start another\n")
    assert launch.status() == []
    (older / "start").write_text(f"{launch.unit.start}\n")
    assert launch.status()[0].startswith("::regtui earlier died ")


def test_who_only_looks_at_the_lock_learns_nothing_that_lines_are_known_by(launch: Launch) -> None:
    hold = launch.directory / "hold"
    hold.touch()
    lock = Path(f"/tmp/regtui-gc-{scripts.lock_name(launch.unit)}.lock")
    script = launch.collection()
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "XDG_STATE_HOME": str(launch.directory)}
    first = subprocess.Popen(
        [*launch.shell, "-c", script.text, "sh", *script.arguments], stdout=subprocess.PIPE, env=environment
    )
    assert first.stdout is not None
    first.stdout.readline()
    readable = [file.name for file in lock.iterdir() if file.stat().st_mode & 0o044]
    known = [file.name for file in lock.iterdir() if MARK in file.read_text()]
    hold.unlink()
    first.communicate(timeout=PATIENCE)
    assert known == ["mark"]
    assert "who" in readable
    assert "mark" not in readable


def test_a_lock_that_is_a_link_leads_to_nothing_that_is_made(launch: Launch) -> None:
    """Anybody may have put it there, to a directory that only this login can write to."""
    led_to = launch.directory / "led-to"
    led_to.mkdir()
    lock = Path(f"/tmp/regtui-gc-{scripts.lock_name(launch.unit)}.lock")
    lock.symlink_to(led_to)
    try:
        for path in (lock, led_to):
            os.utime(path, (1, 1), follow_symlinks=False)
        assert any("end" in line for line in launch.begin())
        assert not list(led_to.iterdir())
    finally:
        lock.unlink(missing_ok=True)


def test_of_a_registry_that_is_found_by_its_name_alone_a_killed_run_is_told_and_brought_back(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the lock that the run had: what that belongs to, its config said."""
    # How long what was brought back is looked after has its own test.
    monkeypatch.setattr(scripts, "_WATCH_SECONDS", 1)
    (launch.directory / "hold").touch()
    with subprocess.Popen(
        [*launch.shell, "-c", launch.collection().text, "sh", *launch.collection().arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "XDG_STATE_HOME": str(launch.directory)},
    ) as client:
        _wait_for(launch.place / "collecting")
        for name in ("guard", "pid"):
            _wait_for(launch.place / name)
            os.kill(int((launch.place / name).read_text()), signal.SIGKILL)
        lock = Path((launch.place / "lock").read_text().strip())
        (launch.directory / "hold").unlink()
        client.wait(PATIENCE)
    launch.unit = by_name(launch.unit)
    assert launch.status()[0].startswith("::regtui earlier died ")
    assert lock.is_dir()
    told = launch.told(scripts.bring_back(launch.unit, MARK))
    assert told[-1] == "::regtui end", told
    assert not lock.exists()
    assert launch.status()[0].startswith("::regtui earlier ended ")


def _wait_for(path: Path) -> None:
    give_up = time.monotonic() + PATIENCE
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < give_up, path
        time.sleep(0.02)
