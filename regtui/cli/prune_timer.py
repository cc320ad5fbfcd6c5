"""`regtui prune --timer`: prints what runs a prune regularly, or sets it up for this user, or takes that away."""

import argparse
import getpass
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from regtui.child import child_environment
from regtui.cli.console import say
from regtui.cli.invocation import Invocation
from regtui.errors import DONE, RegtuiError, UsageError, reason_of
from regtui.private_files import make_private, replace_file
from regtui.retention.settings import LOCAL
from regtui.retention.timer import WRITTEN, PruneJob, Schedule, crontab_line, service, timer_unit
from regtui.settings.config import Profile
from regtui.settings.paths import cache_dir, config_file, state_dir
from regtui.text import one_line

_XDG: Final = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
_SECONDS: Final = 60
_SHOWN: Final = 300


class TimerFailed(RegtuiError):
    """The timer could not be set up, or taken away."""


def timer(invocation: Invocation, arguments: argparse.Namespace) -> int:
    """Raises RegtuiError."""
    profile = invocation.profile(arguments.registry_argument)
    if profile.name not in invocation.config.profiles:
        raise UsageError(
            f"{profile.name} has no profile in the config file, and so no retention rules.",
            "A timer runs by the name of a profile.",
        )
    if arguments.uninstall:
        return _uninstall(_job(profile, arguments, user=""))
    schedule = Schedule.parse(arguments.timer)
    if not profile.retention:
        raise UsageError(f"The config file has no retention rules for {profile.name}: a timer would do nothing.")
    if arguments.install:
        return _install(_job(profile, arguments, user=""), schedule)
    job = _job(profile, arguments, user=getpass.getuser())
    for folder in job.writes:
        # The service may write to them, and not make them.
        make_private(folder)
    for path, text in (
        (f"/etc/systemd/system/{job.unit}.service", service(job)),
        (f"/etc/systemd/system/{job.unit}.timer", timer_unit(job, schedule)),
        ("crontab -e, in place of both", crontab_line(job, schedule) + "\n"),
    ):
        sys.stdout.write(f"# {path}\n{text}\n")
    say(f"Then: systemctl daemon-reload && systemctl enable --now {job.unit}.timer")
    say("--install sets it up for this user alone, without root.")
    return DONE


def _job(profile: Profile, arguments: argparse.Namespace, *, user: str) -> PruneJob:
    config = ["--config", str(arguments.config.resolve())] if arguments.config else []
    most = ["--most", f"{arguments.most * 100:g}%"] if arguments.most is not None else []
    collects = ["--gc"] if arguments.gc else []
    host = profile.host
    is_here = host is None or not host.ssh
    return PruneJob(
        registry=profile.name,
        command=(sys.executable, "-m", "regtui", "prune", profile.name, "--yes", "--json", *collects, *most, *config),
        user=user,
        writes=(state_dir(), cache_dir()),
        may_write=(Path.home() / ".ssh",),
        environment={name: os.environ[name] for name in _XDG if os.environ.get(name)},
        runs_containers=(bool(arguments.gc) and is_here) or LOCAL in profile.in_use.docker,
        uses_sudo=bool(arguments.gc) and is_here and host is not None and host.sudo,
    )


def _files(job: PruneJob) -> tuple[Path, Path]:
    """The service's and the timer's, of this user."""
    folder = config_file().parent.parent / "systemd" / "user"
    return folder / f"{job.unit}.service", folder / f"{job.unit}.timer"


def _install(job: PruneJob, schedule: Schedule) -> int:
    files = _files(job)
    for file in files:
        _check_ours(file)
    before = {file: file.read_text() if file.exists() else None for file in files}
    try:
        files[0].parent.mkdir(parents=True, exist_ok=True)
        for file, text in zip(files, (service(job), timer_unit(job, schedule)), strict=True):
            replace_file(file, text)
        _systemctl("daemon-reload")
        _systemctl("enable", "--now", files[1].name)
    except (OSError, TimerFailed) as error:
        for file, text_before in before.items():
            if text_before is None:
                file.unlink(missing_ok=True)
            else:
                replace_file(file, text_before)
        why = error.message if isinstance(error, TimerFailed) else f"{reason_of(error)}."
        raise TimerFailed(f"The timer was not set up: {why}", "Without systemd, take the line for cron.") from None
    for file in files:
        say(f"Written: {file}")
    say(f"{files[1].name} is enabled: systemctl --user list-timers. It runs while you are logged in, or always after:")
    say(f"loginctl enable-linger {getpass.getuser()}")
    return DONE


def _uninstall(job: PruneJob) -> int:
    files = [file for file in _files(job) if file.exists()]
    if not files:
        say(f"There is no timer for {job.registry} here.")
        return DONE
    for file in files:
        _check_ours(file)
    _systemctl("disable", "--now", f"{job.unit}.timer")
    for file in files:
        file.unlink(missing_ok=True)
        say(f"Removed: {file}")
    _systemctl("daemon-reload")
    return DONE


def _check_ours(file: Path) -> None:
    """Raises TimerFailed where somebody else wrote it."""
    try:
        text = file.read_text()
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError):
        text = ""
    if not text.startswith(WRITTEN):
        raise TimerFailed(f"{file} wasn't written by regtui, and is left as it is.", "Move it away first.")


def _systemctl(*words: str) -> None:
    _run(["systemctl", "--user", *words])


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=child_environment(),
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimerFailed(f"{' '.join(command)} didn't end within {_SECONDS} s.") from None
    except OSError as error:
        raise TimerFailed(f"{command[0]} can't be run: {reason_of(error)}.") from None
    if done.returncode:
        said = one_line(done.stderr.strip(), limit=_SHOWN) or f"exit code {done.returncode}"
        raise TimerFailed(f"{' '.join(command)} failed: {said}")
