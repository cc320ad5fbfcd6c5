"""The script that collects on the host, run by real shells: the registry is brought back whatever happens in between.

The runtime's commands are stand-ins that write down what they are called with; a file says which of them fails.
"""

import getpass
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from regtui.garbage import scripts
from regtui.host.keep_out import KeepOut
from regtui.host.runtimes import Unit
from tests.support.patience import PATIENCE
from tests.support.programs import find_program
from tests.support.small_disk import small_disk

MARK: Final = "7e57"

# `check` isn't written down: it is asked until the registry runs.
_ACT = """\
#!/bin/sh
test "$1" = check || echo "$1" >> calls
if test "$1" = start || test "$1" = read-write; then
    pid=$(cat collector-pid 2>/dev/null) && grep -q 'State:.[^Z]' "/proc/$pid/status" 2>/dev/null &&
        echo "while it is collected" >> calls
fi
if test -e "fails-$1"; then echo "$1 fails because"; exit 1; fi
case $1 in stop) : > is-stopped ;; start) rm -f is-stopped ;; check) test ! -e is-stopped ;; esac
"""
_COLLECTOR = """\
#!/bin/sh
echo $$ > collector-pid
echo collect "$@" >> calls
echo team/app
while test -e marking; do sleep 0.02; done
echo "blob eligible for deletion: sha256:00"
while test -e sweeping; do sleep 0.02; done
printf 'its last words'
exit "$(cat exit-code 2>/dev/null || echo 0)"
"""


def _hears_every_signal() -> None:
    """What was ignored when a shell began can't be trapped in it: HUP is, where the tests run under nohup."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


class Bench:
    """A directory with the script and its stand-ins."""

    def __init__(self, directory: Path, shell: str) -> None:
        self.directory = directory
        self.shell = [str(find_program("busybox")), "sh"] if shell == "busybox" else ["dash"]
        self.storage = directory / "storage"
        for name, text in (("act", _ACT), ("program", _COLLECTOR)):
            (directory / name).write_text(text)
            (directory / name).chmod(0o755)
        self.unit = Unit(
            runtime="docker",
            name="registry",
            config="/c.yml",
            is_running=True,
            inside="./program inside",
            beside="./program beside",
            root=str(self.storage),
            shell="sh",
            shell_beside="sh",
            prepare=("./act prepare",),
            tidy=("./act tidy",),
            stop="./act stop",
            start="./act start",
            check="./act check",
            quit="./act quit",
            gone="! test -e fails-quit",
            read_only="./act read-only",
            read_write="./act read-write",
        )

    def write(self, keep_out: KeepOut = KeepOut.STOP, *, needs_restart: bool = False, **changes: str) -> None:
        """`changes` are fields of the unit, or files of the run."""
        unit = {name: text for name, text in changes.items() if hasattr(self.unit, name)}
        files = scripts.files(replace(self.unit, **unit), keep_out, needs_restart)  # type: ignore[arg-type]
        # Nothing of the stand-ins goes on by itself after it was killed: a second is as good as twelve.
        files |= {"mark": MARK, "empty": "", "uploads": "", "upload-minutes": "0", "watch": "1"}
        # By regtui, that was asked.
        files |= {"refuses-pushes": ""} if keep_out is KeepOut.READ_ONLY else {"is-silent": ""}
        files |= {name.replace("_", "-"): text for name, text in changes.items() if name not in unit}
        for name, text in files.items():
            (self.directory / name).write_text(f"{text}\n")

    def begin(self, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                [*self.shell, "run.sh", *(arguments or ("collect",))],
                cwd=self.directory,
                env={"PATH": "/usr/bin:/bin"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_hears_every_signal,
            )

    def run(self) -> int:
        return self.begin().wait(PATIENCE)

    def touch(self, name: str, text: str = "") -> Path:
        (self.directory / name).write_text(text)
        return self.directory / name

    @property
    def calls(self) -> list[str]:
        return (self.directory / "calls").read_text().splitlines()

    @property
    def log(self) -> list[str]:
        return (self.directory / "log").read_text().splitlines()

    @property
    def told(self) -> list[str]:
        """Of the log what is the script's own, without its mark."""
        return [" ".join(words) for line in self.log if (words := scripts.marked(line, MARK)) is not None]

    def wait_for(self, what: Callable[[], bool]) -> None:
        give_up = time.monotonic() + PATIENCE
        while not what():
            assert time.monotonic() < give_up, self.log
            time.sleep(0.01)


# Each test in one of the two.
pytestmark = pytest.mark.alike("bench")


@pytest.fixture(params=["dash", "busybox"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return Bench(tmp_path, request.param)


WHOLE = [
    "stage keep-out started",
    "asks silence",
    "stage keep-out done",
    "stage collect started",
    "exit 0",
    "stage collect done",
    "stage bring-back started",
    "up",
    "stage bring-back done",
    "end",
]


def test_stop_collect_beside_it_start_in_this_order(bench: Bench) -> None:
    bench.write()
    assert bench.run() == 0
    assert bench.calls == ["prepare", "stop", "collect beside garbage-collect /c.yml", "tidy", "start"]
    assert bench.told == WHOLE
    assert (bench.directory / "ended").exists()
    # Where the collector's last words end without a line break, ours begin a line.
    assert "its last words" in bench.log


def test_read_only_it_goes_on_running_and_is_restarted_only_where_its_cache_needs_that(bench: Bench) -> None:
    bench.write(KeepOut.READ_ONLY)
    assert bench.run() == 0
    collected = "collect inside garbage-collect /c.yml"
    assert bench.calls == ["prepare", "read-only", collected, "tidy", "read-write"]
    assert bench.told == [WHOLE[0], "asks", *WHOLE[2:]]
    (bench.directory / "calls").unlink()
    bench.write(KeepOut.READ_ONLY, needs_restart=True)
    bench.run()
    # Pushes that it takes before that would lose what it still believes to have.
    assert bench.calls == ["prepare", "read-only", collected, "tidy", "stop", "start", "read-write"]


@pytest.mark.parametrize("fails", ["stop", "start"])
def test_what_cant_be_restarted_for_its_cache_is_left_read_only(bench: Bench, fails: str) -> None:
    bench.write(KeepOut.READ_ONLY, needs_restart=True)
    bench.touch(f"fails-{fails}")
    script = (bench.directory / "run.sh").read_text()
    (bench.directory / "run.sh").write_text(f"sleep() {{ :; }}\n{script}")
    bench.run()
    assert bench.calls.count(fails) == 6
    assert "read-write" not in bench.calls
    assert "failed It is left read-only: restart it, and only then make it writable again." in bench.told


def test_online_nothing_is_switched(bench: Bench) -> None:
    bench.write(KeepOut.ONLINE)
    bench.run()
    assert bench.calls == ["prepare", "collect inside garbage-collect /c.yml", "tidy"]


def test_the_blobs_are_measured_before_and_after(bench: Bench) -> None:
    blob = bench.storage / "docker/registry/v2/blobs/sha256/00/00/data"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"x" * 1234)
    bench.write(beside=f"rm {blob} && ./program beside")
    bench.run()
    assert [line for line in bench.told if line.startswith("used")] == ["used before 1 1234", "used after 0 0"]
    told = bench.told
    assert told.index("used before 1 1234") < told.index("stage collect started")
    assert told.index("exit 0") < told.index("used after 0 0")


_IN_PIECES: Final = """\
printf 'time="2026-11-28' >&2; echo 'blob eligible for deletion: sha256:11'; echo 'T08:43" msg="Deleting blob"' >&2
printf 'blob eligible for '; echo 'time="2026" level=info' >&2; echo 'deletion: sha256:22'
"""


def test_what_a_container_writes_to_both_outputs_in_pieces_is_whole_lines(bench: Bench) -> None:
    """As docker passes it on: 32 KB of the one, then of the other."""
    bench.touch("program", f"#!/bin/sh\n{_IN_PIECES}")
    bench.write()
    bench.run()
    lines = [
        *("blob eligible for deletion: sha256:11", "blob eligible for deletion: sha256:22"),
        *('time="2026-11-28T08:43" msg="Deleting blob"', 'time="2026" level=info'),
    ]
    assert [line for line in bench.log if line in lines] == lines
    told = [*bench.log]
    assert told.index(lines[-1]) < told.index(f"::regtui-{MARK} exit 0")


_MUCH: Final = """\
#!/bin/sh
echo team/app
yes 0123456789 2>&- | head -n 300000 >&{}
echo its last words >&{}
exit 3
"""


@pytest.mark.parametrize("output", [1, 2])
def test_what_a_collector_prints_is_bounded_on_the_disk_and_that_is_said(bench: Bench, output: int) -> None:
    """Its last words, and all of the script's own, are there."""
    bench.touch("program", _MUCH.format(output, output))
    bench.write(KeepOut.STOP, needs_restart=False, most="300000")
    assert bench.run() == 0
    assert 200_000 < (bench.directory / "log").stat().st_size < 400_000
    assert "its last words" in bench.log
    cut = (
        "failed The collector prints more than its log may hold on the host: all but its begin and its end is left out."
    )
    assert bench.told == [*WHOLE[:4], cut, "exit 3", *WHOLE[5:]]
    # Where the lines between are missing, two are in part.
    assert len({line for line in bench.log if line.startswith("0")} - {"0123456789"}) <= 1


@pytest.mark.parametrize("output", [1, 2])
def test_a_collector_that_prints_without_an_end_fills_no_disk_and_can_be_stopped(bench: Bench, output: int) -> None:
    bench.touch("program", f"#!/bin/sh\necho team/app\nexec yes >&{output}\n")
    bench.write(KeepOut.STOP, needs_restart=False, most="300000")
    run = bench.begin()
    bench.wait_for((bench.directory / "cut-told").exists)
    bench.touch("stop-asked")
    assert run.wait(PATIENCE) == 0
    assert bench.told[-4:] == WHOLE[-4:]
    assert (bench.directory / "log").stat().st_size < 400_000


REPLACED: Final = {"is_still": "test ! -e other", "is_another": "test -e other"}
"""Fields of the unit: another one has the registry's name once a file says so."""

ANOTHER: Final = "The container registry is another one by now than the one that was"


def _replaced_before(bench: Bench) -> None:
    bench.touch("other")
    bench.write(KeepOut.STOP, needs_restart=False, **REPLACED)


def test_what_took_the_registrys_place_before_the_run_is_neither_stopped_nor_started(bench: Bench) -> None:
    _replaced_before(bench)
    assert bench.run() == 1
    assert not (bench.directory / "calls").exists() or bench.calls == ["tidy"]
    assert f"failed {ANOTHER} looked at. Nothing was stopped. Try again." in bench.told
    assert bench.told[-1] == "end"
    assert not {"up", "down"} & {*bench.told}


def test_where_it_cant_be_told_whether_it_is_the_same_nothing_is_stopped_and_the_reason_said(bench: Bench) -> None:
    bench.write(KeepOut.STOP, needs_restart=False, is_still="! echo why", is_another="false")
    assert bench.run() == 1
    assert bench.calls == ["tidy"]
    told = (
        "failed The container registry can't be shown to be the one that was looked at. Nothing was stopped. Try again."
    )
    assert told in bench.told
    assert bench.log.index("why") < bench.log.index(f"::regtui-{MARK} {told}")


def test_what_takes_the_registrys_place_in_mid_collection_is_left_alone_and_the_collector_ended(bench: Bench) -> None:
    """It takes pushes: what the collector doesn't sweep any more isn't lost to them."""
    bench.touch("marking")
    bench.write(KeepOut.STOP, needs_restart=False, **REPLACED)
    run = bench.begin()
    bench.wait_for(lambda: (bench.directory / "log").exists() and "team/app" in bench.log)
    bench.touch("other")
    assert run.wait(PATIENCE) == 0
    assert bench.calls == ["prepare", "stop", "collect beside garbage-collect /c.yml", "quit", "tidy"]
    assert len([line for line in bench.told if "was replaced by another one while it was collected" in line]) == 1
    assert f"failed {ANOTHER} collected: neither was started." in bench.told
    assert "exit 143" in bench.told
    assert bench.told[-3:] == ["down", "stage bring-back done", "end"]


@pytest.mark.parametrize("how", ["guard", "bring-back"])
def test_who_brings_a_killed_runs_registry_back_leaves_alone_what_took_its_place(bench: Bench, how: str) -> None:
    bench.write(KeepOut.STOP, needs_restart=False, **REPLACED)
    bench.touch("other")
    bench.touch("log", "begun\n")
    bench.touch("pid", "1\n")
    bench.begin(how).wait(PATIENCE)
    bench.wait_for((bench.directory / "ended").exists)
    assert bench.calls == ["tidy"]
    assert f"failed {ANOTHER} collected: neither was started." in bench.told


def test_what_took_its_place_isnt_restarted_for_its_cache_either(bench: Bench) -> None:
    bench.write(KeepOut.ONLINE, needs_restart=True, **REPLACED, inside="touch other && ./program inside")
    assert bench.run() == 0
    assert bench.calls == ["prepare", "collect inside garbage-collect /c.yml", "tidy"]


def test_what_was_said_of_a_failure_is_in_the_log_also_where_the_script_is_killed(bench: Bench) -> None:
    bench.touch("program", "#!/bin/sh\necho why >&2\necho team/app\nexec sleep 100\n")
    bench.write()
    run = bench.begin()
    bench.wait_for(lambda: (bench.directory / "guard").exists() and "team/app" in bench.log)
    run.kill()
    run.wait()
    bench.wait_for((bench.directory / "ended").exists)
    assert "why" in bench.log


@pytest.mark.parametrize(
    ("keep_out", "fails", "sentence", "back"),
    [
        (KeepOut.STOP, "prepare", "The registry's settings could not be read.", "start"),
        (KeepOut.STOP, "stop", "The registry could not be stopped.", "start"),
        (KeepOut.READ_ONLY, "read-only", "The registry could not be made read-only.", "read-write"),
    ],
)
def test_where_pushes_cant_be_kept_out_nothing_is_collected_and_the_registry_is_brought_back(
    bench: Bench, keep_out: KeepOut, fails: str, sentence: str, back: str
) -> None:
    bench.touch(f"fails-{fails}")
    bench.write(keep_out)
    assert bench.run() == 1
    assert not [call for call in bench.calls if call.startswith("collect")]
    assert bench.calls[-1] == back
    assert f"failed {sentence}" in bench.told
    assert f"{fails} fails because" in bench.log
    assert bench.told[-4:] == ["stage bring-back started", "up", "stage bring-back done", "end"]


@pytest.mark.parametrize("word", ["takes-pushes", ""])
def test_what_is_not_seen_to_refuse_pushes_is_not_swept_and_put_back(bench: Bench, word: str) -> None:
    bench.write(KeepOut.READ_ONLY, patience="1")
    bench.touch("refuses-pushes").unlink()
    if word:
        bench.touch(word)
    assert bench.run() == 1
    assert bench.calls == ["prepare", "read-only", "tidy", "read-write"]
    assert "asks" in bench.told
    assert "failed The registry can't be seen to refuse pushes: nothing was swept." in bench.told


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("still-answers", "was stopped, and a registry answers at its address: another one serves it,"),
        ("is-unknown", "something at its address takes connections and doesn't answer in time"),
        ("", "It can't be seen that nothing answers at the address of"),
    ],
)
def test_what_is_stopped_while_its_address_answers_is_not_swept_and_started_again(
    bench: Bench, word: str, sentence: str
) -> None:
    """Before anything stands in for it, that would answer as well."""
    write_standing_in(bench, patience="1")
    bench.touch("is-silent").unlink()
    if word:
        bench.touch(word)
    assert bench.run() == 1
    assert bench.calls == ["prepare", "make", "stop", "tidy", "start"]
    assert [line for line in bench.told if sentence in line], bench.told
    assert bench.told[-4:] == ["stage bring-back started", "up", "stage bring-back done", "end"]


def test_stopped_by_its_user_while_the_address_is_looked_at_nothing_is_swept(bench: Bench) -> None:
    bench.write()
    bench.touch("is-silent").unlink()
    run = bench.begin()
    bench.wait_for(lambda: "asks silence" in bench.told)
    bench.touch("stop-asked")
    assert run.wait(PATIENCE) == 130
    assert "stopped" in bench.told
    assert bench.calls == ["prepare", "stop", "tidy", "start"]


def test_a_collector_that_fails_is_told_with_its_exit_code_and_the_registry_started(bench: Bench) -> None:
    bench.touch("exit-code", "3")
    bench.write()
    bench.run()
    assert "exit 3" in bench.told
    assert bench.calls[-1] == "start"


def test_a_registry_that_something_started_beside_the_collector_is_stopped_again_and_that_is_told(bench: Bench) -> None:
    """The runtime's client ends while its container goes on, as where a daemon with live-restore is restarted: then the
    daemon starts the registry, too."""
    gone = "test ! -e collector-pid || { test -e quitted && rm -f is-stopped; }"
    bench.touch("exit-code", "125")
    bench.write(gone=gone, quit="touch quitted")
    bench.run()
    assert bench.calls[-3:] == ["stop", "tidy", "start"]
    told = "failed Something started the registry while it was collected; it was stopped again."
    assert [line for line in bench.told if line.startswith(told)]
    assert bench.told[-1] == "end"
    assert "up" in bench.told


def test_a_replica_that_something_started_beside_the_collector_is_stopped_again(bench: Bench) -> None:
    """Also where the one that was looked at stays down."""
    starts = "touch a-replica-runs && ./program beside"
    bench.write(any_runs="test -e a-replica-runs", beside=starts, stop="./act stop && rm -f a-replica-runs")
    bench.run()
    assert bench.calls[-3:] == ["stop", "tidy", "start"]
    told = "failed Something started the registry while it was collected; it was stopped again."
    assert [line for line in bench.told if line.startswith(told)]


LATE: Final = {"gone": "test ! -e made-late", "quit": "rm -f made-late", "start": "./act start && : > made-late"}
"""Files of the run: its runtime goes on making the collector's container, and has it when the registry is back."""


def test_what_the_runtime_was_still_making_for_a_collector_that_was_killed_is_removed(bench: Bench) -> None:
    """Seen gone before it was there, it isn't left beside the registry."""
    bench.touch("marking")
    bench.write(KeepOut.STOP, needs_restart=False, **LATE)
    run = bench.begin()
    bench.wait_for(lambda: (bench.directory / "guard").exists() and (bench.directory / "collecting").exists())
    run.kill()
    run.wait()
    bench.wait_for((bench.directory / "ended").exists)
    assert bench.calls[-1] == "start"
    assert not (bench.directory / "made-late").exists()


def test_a_registry_that_is_stopped_after_it_was_brought_back_for_a_killed_run_is_started_again(bench: Bench) -> None:
    """The stop was the killed run's, which the runtime goes on with."""
    bench.touch("marking")
    bench.write(watch="3")
    run = bench.begin()
    bench.wait_for(lambda: (bench.directory / "guard").exists() and (bench.directory / "collecting").exists())
    run.kill()
    run.wait()
    bench.wait_for(lambda: "up" in bench.told)
    bench.touch("is-stopped")
    bench.wait_for((bench.directory / "ended").exists)
    assert bench.calls.count("start") == 2
    assert not (bench.directory / "is-stopped").exists()


def test_what_the_runtime_was_still_making_for_a_client_that_ended_is_removed(bench: Bench) -> None:
    bench.touch("exit-code", "137")
    bench.write(KeepOut.STOP, needs_restart=False, **LATE)
    bench.run()
    assert bench.calls[-1] == "start"
    assert not (bench.directory / "made-late").exists()


@pytest.mark.parametrize("code", ["0", "125"])
def test_a_registry_that_something_started_just_before_the_collector_ended_is_noticed(bench: Bench, code: str) -> None:
    """As where a daemon that comes up starts the registry, and ends the collector itself."""
    bench.touch("exit-code", code)
    bench.write(beside="rm -f is-stopped && ./program beside")
    bench.run()
    assert [line for line in bench.told if line.startswith("failed Something started the registry")]
    assert bench.calls[-3:] == ["stop", "tidy", "start"]
    assert bench.told[-1] == "end"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_the_script_ends_it_with_the_registry_started(bench: Bench, number: signal.Signals) -> None:
    marking = bench.touch("marking")
    bench.write()
    run = bench.begin()
    bench.wait_for(lambda: "team/app" in (bench.log if (bench.directory / "log").exists() else []))
    run.send_signal(number)
    assert run.wait(PATIENCE) == 130
    marking.unlink()
    assert bench.calls[-2:] == ["tidy", "start"]
    assert bench.told[-4:] == ["stage bring-back started", "up", "stage bring-back done", "end"]
    # That isn't a collection that was done.
    assert f"failed The collection was ended on the host, by signal {number.name[3:]}." in bench.told


def test_a_collector_that_isnt_ours_to_end_is_waited_for_before_pushes_are_possible_again(bench: Bench) -> None:
    marking = bench.touch("marking")
    bench.write(KeepOut.READ_ONLY)
    run = bench.begin()
    bench.wait_for(lambda: (bench.directory / "log").exists() and "team/app" in bench.log)
    run.send_signal(signal.SIGTERM)
    bench.wait_for(lambda: "tidy" in bench.calls or "stage bring-back started" in bench.told)
    marking.unlink()
    assert run.wait(PATIENCE) == 130
    assert bench.calls[-2:] == ["tidy", "read-write"]


def test_killed_the_guard_ends_the_collector_and_starts_the_registry(bench: Bench) -> None:
    bench.touch("marking")
    bench.write()
    run = bench.begin()
    bench.wait_for(lambda: (bench.directory / "collecting").exists() and "team/app" in bench.log)
    collecting = int((bench.directory / "collecting").read_text().split()[0])
    bench.wait_for((bench.directory / "guard").exists)
    run.kill()
    run.wait()
    bench.wait_for((bench.directory / "ended").exists)
    assert "failed The collection was killed on the host." in bench.told
    assert bench.calls[-2:] == ["tidy", "start"]
    assert bench.told[-1] == "end"
    # Else two would work on one storage: the collector, and the registry that was started.
    bench.wait_for(lambda: not _is_alive(collecting))


def test_the_guard_does_nothing_after_an_end(bench: Bench) -> None:
    bench.touch("marking")
    bench.write()
    run = bench.begin()
    bench.wait_for((bench.directory / "guard").exists)
    guard = int((bench.directory / "guard").read_text() or "0")
    (bench.directory / "marking").unlink()
    run.wait(PATIENCE)
    bench.wait_for(lambda: not _is_alive(guard))
    assert bench.calls.count("start") == 1
    assert bench.told == WHOLE


def test_a_pid_that_is_somebody_elses_by_now_is_not_watched_for_the_run_and_not_ended(bench: Bench) -> None:
    bench.touch("marking")
    bench.write()
    run = bench.begin()
    bench.wait_for(lambda: (bench.directory / "collecting").exists() and (bench.directory / "guard").exists())
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as somebody:
        bench.touch("pid", f"{somebody.pid}\n")
        run.kill()
        run.wait()
        bench.wait_for((bench.directory / "ended").exists)
        assert somebody.poll() is None
        somebody.kill()
    assert bench.calls[-2:] == ["tidy", "start"]


def test_what_answers_for_the_storage_without_an_end_does_not_fill_the_hosts_memory(bench: Bench) -> None:
    bench.touch("endless", "#!/bin/sh\nexec yes 1234567890\n").chmod(0o755)
    bench.write(shell="./endless", shell_beside="./endless")
    bench.shell = ["sh", "-c", 'ulimit -v 200000; exec "$@"', "sh", *bench.shell]
    assert bench.run() == 0
    assert bench.told == WHOLE


def test_what_never_answers_for_the_storage_and_heeds_no_signal_is_ended_and_the_registry_brought_back(
    bench: Bench,
) -> None:
    """As a runtime's client, that ends once its container is removed."""
    deaf = "#!/bin/sh\ntrap '' TERM INT HUP\nsleep 600 & echo $! > asker\nwait\n"
    bench.touch("deaf", deaf).chmod(0o755)
    bench.touch("ends", '#!/bin/sh\ntest ! -e asker || kill -KILL "$(cat asker)"\n').chmod(0o755)
    bench.write(shell="./deaf", shell_beside="./deaf", quit_asking="./ends", answer="1")
    assert bench.run() == 0
    assert bench.told == WHOLE


def test_what_a_killed_run_asked_is_ended_before_its_registry_is_brought_back(bench: Bench) -> None:
    bench.write(quit_asking="./act quit-asking")
    bench.begin("bring-back").wait(PATIENCE)
    assert bench.calls == ["quit-asking", "tidy", "start"]


def test_who_wants_the_registry_back_needs_not_wait_for_redis(bench: Bench) -> None:
    bench.touch("fails-forget")
    bench.touch("forgetting", "#!/bin/sh\n: > stop-asked\nexec ./act forget\n").chmod(0o755)
    bench.write()
    bench.touch("forget", "./forgetting")
    assert bench.run() == 1
    assert bench.calls == ["prepare", "stop", "forget", "tidy", "start"]


def test_redis_that_hangs_is_asked_once_while_the_registry_is_down(bench: Bench) -> None:
    """Nothing was swept: what it knows is still so, and needs not be forgotten."""
    bench.touch("fails-forget")
    bench.write()
    bench.touch("forget", "./act forget")
    script = bench.directory / "run.sh"
    # As if it had taken longer than that.
    bench.touch("run.sh", script.read_text().replace("- since)) -lt 10", "- since)) -lt 0"))
    assert bench.run() == 1
    assert bench.calls == ["prepare", "stop", "forget", "tidy", "start"]
    assert any("redis can't be cleared: nothing was swept" in line for line in bench.told)


def test_stopped_before_the_collector_it_isnt_begun(bench: Bench) -> None:
    bench.touch("stop-asked")
    bench.write()
    assert bench.run() == 130
    assert bench.calls == ["prepare", "stop", "tidy", "start"]
    assert "stopped" in bench.told


def test_stopped_while_it_marks_the_collector_is_ended(bench: Bench) -> None:
    bench.touch("marking")
    bench.write()
    run = bench.begin()
    bench.wait_for(lambda: (bench.directory / "log").exists() and "team/app" in bench.log)
    bench.touch("stop-asked")
    assert run.wait(PATIENCE) == 0
    assert bench.told.count("stopped") == 1
    assert bench.calls[-1] == "start"
    assert "blob eligible for deletion: sha256:00" not in bench.log


def test_stopped_while_it_sweeps_it_is_let_finish(bench: Bench) -> None:
    sweeping = bench.touch("sweeping")
    bench.write(quit="./act quit")
    script = (bench.directory / "run.sh").read_text()
    # A line for each time that it looks.
    (bench.directory / "run.sh").write_text(f"sleep() {{ echo >> looks; command sleep 0.02; }}\n{script}")
    run = bench.begin()
    bench.wait_for(lambda: (bench.directory / "log").exists() and "blob eligible for deletion: sha256:00" in bench.log)
    bench.touch("stop-asked")
    looks = bench.directory / "looks"
    seen = looks.read_text().count("\n")
    bench.wait_for(lambda: looks.read_text().count("\n") > seen + 2)
    sweeping.unlink()
    assert run.wait(PATIENCE) == 0
    assert "quit" not in bench.calls
    assert "stopped" not in bench.told
    assert "exit 0" in bench.told


@pytest.mark.parametrize(
    ("fails", "keep_out", "sentence"),
    [
        ("start", KeepOut.STOP, "failed The registry could not be started again."),
        ("read-write", KeepOut.READ_ONLY, "failed The registry could not be made writable again."),
    ],
)
def test_what_doesnt_come_back_is_tried_again_and_then_said(
    tmp_path: Path, fails: str, keep_out: KeepOut, sentence: str
) -> None:
    bench = Bench(tmp_path, "dash")
    bench.touch(f"fails-{fails}")
    bench.touch("fails-check")
    bench.write(keep_out)
    # Nobody waits here: the pauses are the same, but of no length.
    script = (tmp_path / "run.sh").read_text()
    (tmp_path / "run.sh").write_text(f"sleep() {{ :; }}\n{script}")
    bench.run()
    assert bench.calls.count(fails) == 6
    assert sentence in bench.told
    assert f"{fails} fails because" in bench.log
    assert bench.told[-3:] == ["down", "stage bring-back done", "end"]


STANDING_IN: Final = {
    "make_stand_in": "./act make",
    "serve": "./act serve && : > standing-in",
    "serves": "test -e standing-in",
    "serve_log": "echo what it said last",
    "quit": "./act quit && rm -f standing-in",
    "gone": "test ! -e standing-in",
}
"""Files of the run: what stands in is there from `serve` to `quit`."""


def write_standing_in(bench: Bench, **changes: str) -> None:
    bench.write(KeepOut.STOP, needs_restart=False, **{**STANDING_IN, **changes})


def test_a_stand_in_is_made_before_the_stop_and_ended_before_the_start(bench: Bench) -> None:
    write_standing_in(bench)
    assert bench.run() == 0
    collected = "collect beside garbage-collect /c.yml"
    assert bench.calls == ["prepare", "make", "stop", "serve", collected, "quit", "tidy", "start"]
    assert bench.told == [*WHOLE[:2], "serving", *WHOLE[2:]]


@pytest.mark.parametrize(
    ("fails", "sentence", "calls"),
    [
        ("make", "could not be made: nothing was stopped.", ["prepare", "make", "tidy", "start"]),
        (
            "serve",
            "could not be started: nothing was swept.",
            ["prepare", "make", "stop", *["serve"] * 6, "tidy", "start"],
        ),
        ("serves", "could not be started: nothing was swept.", ["prepare", "make", "stop", "serve", "tidy", "start"]),
    ],
)
def test_where_nothing_can_stand_in_nothing_is_swept(bench: Bench, fails: str, sentence: str, calls: list[str]) -> None:
    bench.touch(f"fails-{fails}")
    write_standing_in(bench, **({"serve": "./act serve"} if fails == "serves" else {}))
    script = (bench.directory / "run.sh").read_text()
    (bench.directory / "run.sh").write_text(f"sleep() {{ :; }}\n{script}")
    assert bench.run() == 1
    assert bench.calls == calls
    assert f"failed What is to serve pulls meanwhile {sentence}" in bench.told
    assert ("what it said last" in bench.log) is (fails == "serves")
    assert bench.told[-3:] == ["up", "stage bring-back done", "end"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_the_stand_in_is_seen_gone_before_the_start(bench: Bench, how: signal.Signals) -> None:
    bench.touch("marking")
    write_standing_in(bench)
    run = bench.begin()
    bench.wait_for(lambda: (bench.directory / "collecting").exists() and "team/app" in bench.log)
    bench.wait_for((bench.directory / "guard").exists)
    assert (bench.directory / "standing-in").exists()
    run.send_signal(how)
    run.wait(PATIENCE)
    bench.wait_for((bench.directory / "ended").exists)
    assert bench.calls[-2:] == ["tidy", "start"]
    assert bench.calls.index("quit") < bench.calls.index("start")
    assert not (bench.directory / "standing-in").exists()


def test_what_a_killed_run_and_its_guard_left_standing_in_is_ended_by_bringing_back(bench: Bench) -> None:
    """Also where nothing else is known of that run."""
    bench.touch("standing-in")
    bench.touch("is-stopped")
    bench.write(quit=STANDING_IN["quit"], gone=STANDING_IN["gone"])
    bench.begin("bring-back").wait(PATIENCE)
    assert bench.calls == ["quit", "tidy", "start"]
    assert bench.told[-1] == "end"


def test_a_stand_in_that_ends_by_itself_is_told_once(bench: Bench) -> None:
    marking = bench.touch("marking")
    write_standing_in(bench)
    run = bench.begin()
    told = "failed What served pulls has ended: they failed until the registry was back."
    bench.wait_for(lambda: (bench.directory / "collecting").exists())
    (bench.directory / "standing-in").unlink()
    bench.wait_for(lambda: told in bench.told)
    marking.unlink()
    assert run.wait(PATIENCE) == 0
    assert bench.told.count(told) == 1
    assert "exit 0" in bench.told


_FORGING: Final = """\
#!/bin/sh
# What a container's shell says, whatever it is asked.
test -z "$3" || cat >/dev/null
printf '%s\\n' 'stage bring-back done' 'exit 0' 'used after 0 0' 'removed x' 'removed a b' 'failed by me' up end stopped
"""


def test_the_containers_shell_cant_say_what_is_the_scripts_to_say(bench: Bench) -> None:
    forging = bench.touch("forging", _FORGING)
    forging.chmod(0o755)
    bench.touch("exit-code", "0")
    bench.write(shell=str(forging), shell_beside=str(forging), empty="x", uploads="x y")
    bench.run()
    # What went is for it to say; which names these are is looked at where they are read.
    said = ["removed x", "removed a b", "upload-removed x", "upload-removed a b"]
    assert bench.told == [*WHOLE[:5], *said, *WHOLE[5:]]


def test_a_process_that_has_the_pid_of_a_collector_that_was_is_left_alone(bench: Bench) -> None:
    """After a restart of the host pids are given anew."""
    with subprocess.Popen(["sleep", "600"]) as innocent:
        try:
            bench.write()
            for name in ("collecting", "pid", "guard"):
                bench.touch(name, f"{innocent.pid}\n")
            bench.touch("log", "begun\n")
            bench.begin("bring-back").wait(PATIENCE)
            assert bench.told[-1] == "end"
            assert bench.calls[-1] == "start"
            assert innocent.poll() is None
        finally:
            innocent.kill()


@pytest.mark.skipif(os.getuid() != 0, reason="namespaces are root's to make")
def test_a_process_in_another_container_is_no_collector_whatever_its_words(bench: Bench) -> None:
    """The one that an earlier run left behind is ended; what has its words, its user and another namespace is not."""
    program = bench.directory / "docker-registry"
    shutil.copy(shutil.which("dash", path="/bin:/usr/bin") or "", program)
    bench.touch("garbage-collect", "while read -r line; do :; done\n")
    words = [str(program), "garbage-collect", "/c.yml"]
    kinds: dict[str, list[str]] = {"ours": [], "mounts": ["unshare", "-m"], "processes": ["unshare", "-p", "-f"]}
    started = {
        kind: subprocess.Popen([*before, *words], cwd=bench.directory, stdin=subprocess.PIPE)
        for kind, before in kinds.items()
    }
    try:
        bench.write(process=" ".join(words), user=getpass.getuser())
        assert bench.run() == 0
        assert bench.told == WHOLE
        assert started["ours"].wait(5) != 0
        assert [kind for kind, process in started.items() if process.poll() is None] == ["mounts", "processes"]
    finally:
        for process in started.values():
            assert process.stdin is not None
            process.stdin.close()
            process.wait(PATIENCE)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.mark.parametrize("fills", [1, 2])
def test_a_disk_that_becomes_full_under_the_log_is_said_and_the_end_of_it_is_kept(tmp_path: Path, fills: int) -> None:
    """By what somebody else writes there; the reserve is what `launch.sh` lays by."""
    lines = "awk 'BEGIN { for (i = 0; i < 20000; i++) print \"0123456789\" }'"
    with small_disk(tmp_path / "disk", "2m") as disk:
        bench = Bench(disk, "dash")
        fill_up = f"cat /dev/zero > {disk}/junk 2>/dev/null"
        bench.touch("program", f"#!/bin/sh\n{fill_up}\n{{ {lines}; echo its last words; }} >&{fills}\n")
        bench.touch("reserve", "\0" * 262144)
        bench.write()
        assert bench.run() == 0
        assert "its last words" in bench.log
        (full,) = (line for line in bench.told if line.startswith("failed "))
        assert full.startswith("failed The disk with the collection's log on the host is full: ")
        assert [line for line in bench.told if line != full] == WHOLE


def test_a_collector_that_does_nothing_for_long_is_ended_and_the_registry_brought_back(bench: Bench) -> None:
    bench.touch("marking")
    bench.touch("program", _COLLECTOR.replace("#!/bin/sh", "#!/bin/sh\ntrap '' TERM")).chmod(0o755)
    bench.write(idle="2")
    assert bench.run() == 0
    assert "idle 2" in bench.told
    assert bench.told[-4:] == WHOLE[-4:]
    assert bench.calls[-2:] == ["tidy", "start"]


def test_a_silent_collector_that_changes_the_storage_is_let_finish(bench: Bench) -> None:
    """By what is measured there: it is done once that was asked for the third time."""
    counting = 'echo >> asked\ntest "$(wc -l < asked)" -lt 3 || rm -f marking\necho "$(wc -l < asked)" 0\n'
    bench.touch("counter", f"#!/bin/sh\n{counting}").chmod(0o755)
    bench.touch("marking")
    bench.write(idle="2", shell="./counter", shell_beside="./counter")
    assert bench.run() == 0
    assert not [line for line in bench.told if line.startswith("idle")]
    assert "exit 0" in bench.told


def test_a_collector_that_isnt_ours_is_not_ended_and_that_it_does_nothing_is_said_once(bench: Bench) -> None:
    bench.touch("marking")
    bench.write(KeepOut.READ_ONLY, idle="2")
    run = bench.begin()
    bench.wait_for((bench.directory / "idle-told").exists)
    bench.touch("marking").unlink()
    assert run.wait(PATIENCE) == 0
    (said,) = (line for line in bench.told if line.startswith("failed "))
    assert "it isn't ours to end" in said
    assert bench.told[-4:] == WHOLE[-4:]
