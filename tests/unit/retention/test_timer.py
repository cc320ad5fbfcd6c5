"""The units and the line for cron: whatever the names are, they run exactly that command."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.errors import UsageError
from regtui.retention.timer import WRITTEN, PruneJob, Schedule, crontab_line, service, timer_unit

JOB = PruneJob("prod", ("/opt/regtui/bin/python", "-m", "regtui", "prune", "prod", "--yes"), user="deploy")


@pytest.mark.parametrize(
    ("text", "calendar", "cron"),
    [
        ("daily", "daily", "0 0 * * *"),
        ("weekly", "weekly", "0 0 * * 1"),
        ("03:30", "*-*-* 03:30:00", "30 3 * * *"),
        ("3:30", "*-*-* 03:30:00", "30 3 * * *"),
        ("23:59", "*-*-* 23:59:00", "59 23 * * *"),
    ],
)
def test_when(text: str, calendar: str, cron: str) -> None:
    assert Schedule.parse(text) == Schedule(calendar, cron)


@pytest.mark.parametrize("text", ["", "24:00", "3:60", "hourly", "3", "03:30:00", "-1:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Expected daily, weekly or HH:MM"):
        Schedule.parse(text)


def test_a_system_unit_runs_as_the_user_and_is_kept_apart() -> None:
    text = service(replace(JOB, writes=(Path("/var/lib/x y"),), may_write=(Path("/h/.ssh"),)))
    assert text.startswith(WRITTEN)
    assert "\nUser=deploy\n" in text
    assert "\nProtectSystem=strict\n" in text
    assert '\nReadWritePaths="/var/lib/x y"\n' in text
    assert "\nReadWritePaths=-/h/.ssh\n" in text
    assert "\nKillSignal=SIGINT\n" in text


def test_what_runs_containers_here_keeps_the_rights_for_it() -> None:
    text = service(PruneJob("prod", JOB.command, user="root", runs_containers=True))
    assert "ProtectSystem" not in text
    assert "NoNewPrivileges=yes" in text
    assert "NoNewPrivileges" not in service(
        PruneJob("prod", JOB.command, user="x", runs_containers=True, uses_sudo=True)
    )
    # A user's own systemd can't make namespaces everywhere.
    assert "ProtectSystem" not in service(PruneJob("prod", JOB.command))


def test_the_timer_and_the_line_for_cron() -> None:
    schedule = Schedule.parse("03:30")
    assert "\nOnCalendar=*-*-* 03:30:00\n" in timer_unit(JOB, schedule)
    assert crontab_line(JOB, schedule) == f"30 3 * * * {shlex.join(JOB.command)}"
    job = PruneJob("a/b c", ("x", "100%"), environment={"XDG_STATE_HOME": "/a b"})
    assert crontab_line(job, schedule) == r"30 3 * * * XDG_STATE_HOME='/a b' x 100\%"
    assert job.unit == "regtui-prune-a-b-c"


words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=12)


@given(st.lists(words, min_size=1, max_size=4))
def test_a_shell_reads_the_line_for_cron_as_the_same_command(command: list[str]) -> None:
    line = crontab_line(PruneJob("r", tuple(command)), Schedule.parse("daily"))
    assert shlex.split(line.removeprefix("0 0 * * * ").replace("\\%", "%")) == command
