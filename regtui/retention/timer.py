"""What runs a prune every day: a systemd service with its timer, and a line for cron. Pure: texts in, texts out."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from regtui.errors import UsageError

WRITTEN: Final = "# Written by regtui prune --timer: --install replaces it, --uninstall takes it away."
"""How our own units begin."""
_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
# A run begins nothing more after six hours; what it has begun is given one to end.
_LONGEST: Final = "7h"

# What any service may have; by seccomp alone, so that a user's own systemd can do it as well.
_ALWAYS: Final = (
    "UMask=0077",
    "LockPersonality=yes",
    "RestrictRealtime=yes",
    "SystemCallArchitectures=native",
)
_NO_MORE_RIGHTS: Final = ("NoNewPrivileges=yes", "RestrictSUIDSGID=yes")
# Only what talks to registries, to ssh and to the sockets of this machine.
_APART: Final = (
    "CapabilityBoundingSet=",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectControlGroups=yes",
    "RestrictNamespaces=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
)


@dataclass(frozen=True, slots=True)
class PruneJob:
    """`command` with its arguments prunes `registry` without asking. `user`: who runs it, empty for a unit of that
    user's own systemd. `writes`: the folders that it writes to; `may_write`: others,
    where they are there. `environment`: what it needs beside what systemd sets.
    `runs_containers`: on this machine, which needs more rights; `uses_sudo`: by sudo."""

    registry: str
    command: tuple[str, ...]
    user: str = ""
    writes: tuple[Path, ...] = ()
    may_write: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    runs_containers: bool = False
    uses_sudo: bool = False

    @property
    def unit(self) -> str:
        """What its service and timer are called, without their endings."""
        return f"regtui-prune-{re.sub('[^A-Za-z0-9.]+', '-', self.registry).strip('-.')}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """`calendar` as systemd has it, `cron` the first five fields of a crontab."""

    calendar: str
    cron: str

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """`daily`, `weekly` or `HH:MM`. Raises UsageError."""
        if text == "daily":
            return cls("daily", "0 0 * * *")
        if text == "weekly":
            return cls("weekly", "0 0 * * 1")
        if time := _TIME.fullmatch(text):
            hour, minute = int(time[1]), int(time[2])
            return cls(f"*-*-* {hour:02}:{minute:02}:00", f"{minute} {hour} * * *")
        raise UsageError(f"--timer: {text!r} is no time to run at.", "Expected daily, weekly or HH:MM.")


def service(job: PruneJob) -> str:
    """The service's unit."""
    lines = [
        WRITTEN,
        "[Unit]",
        f"Description=Prune the registry {_escaped(job.registry)} by its retention rules",
        "Wants=network-online.target",
        "After=network-online.target",
        "",
        "[Service]",
        "Type=oneshot",
        *([f"User={job.user}"] if job.user else []),
        *(f"Environment={_word(f'{name}={value}')}" for name, value in job.environment.items()),
        f"ExecStart={' '.join(map(_word, job.command))}",
        # As Ctrl+C: what is in flight ends, and nothing is left half done.
        "KillMode=mixed",
        "KillSignal=SIGINT",
        f"TimeoutStartSec={_LONGEST}",
        "TimeoutStopSec=10min",
        "Nice=10",
        *_hardened(job),
    ]
    return "\n".join(lines) + "\n"


def _hardened(job: PruneJob) -> Sequence[str]:
    lines = list(_ALWAYS)
    if not job.uses_sudo:
        lines += _NO_MORE_RIGHTS
    if job.user and not job.runs_containers and not job.uses_sudo:
        # A user's own systemd can't do this without namespaces, which many machines forbid.
        lines += _APART
        lines += [f"ReadWritePaths={_word(str(path))}" for path in job.writes]
        lines += [f"ReadWritePaths={_word(f'-{path}')}" for path in job.may_write]
    return lines


def timer_unit(job: PruneJob, schedule: Schedule) -> str:
    """The timer's unit."""
    lines = [
        WRITTEN,
        "[Unit]",
        f"Description=When the registry {_escaped(job.registry)} is pruned",
        "",
        "[Timer]",
        f"OnCalendar={schedule.calendar}",
        "RandomizedDelaySec=5min",
        "Persistent=yes",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join(lines) + "\n"


def crontab_line(job: PruneJob, schedule: Schedule) -> str:
    """The same for cron, where a `%` would end the command."""
    words = [f"{name}={shlex.quote(value)}" for name, value in job.environment.items()]
    command = " ".join([*words, shlex.join(job.command)])
    return f"{schedule.cron} {command.replace('%', chr(92) + '%')}"


def _word(text: str) -> str:
    """One word as systemd reads it."""
    escaped = _escaped(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"' if re.search(r"[\s\"'\\;#]", text) else escaped


def _escaped(text: str) -> str:
    """Without what stands for something else in a unit."""
    return text.replace("%", "%%")
