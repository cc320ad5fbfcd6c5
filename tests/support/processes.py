"""Starting a server as a child process, waiting until it answers, and stopping it by its own pid."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.patience import PATIENCE

# Generous, because two busy cores start a registry slowly; a server that dies is noticed at once.
START_SECONDS = PATIENCE
STOP_SECONDS = 5.0


class ServerDidNotStart(Exception):
    """Carries the end of the server's log."""

    def __init__(self, command: Sequence[str], log: Path, why: str) -> None:
        self.log_tail = tail(log)
        super().__init__(f"{' '.join(command)}: {why}. The end of its log:\n{self.log_tail}")


def tail(log: Path, lines: int = 30) -> str:
    """The last lines of a log, for messages."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def clean_environment(home: Path, **extra: str) -> dict[str, str]:
    """An environment without proxies and without the REGISTRY_* variables that override a config file. Programs in Go
    take one processor: with several at once each spends a tenth more of them, most of it on its threads."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "TZ": "UTC", "GOMAXPROCS": "1", **extra}


@contextmanager
def running(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str], ready: Callable[[], bool]
) -> Iterator[int]:
    """Run a server until the block ends; gives its pid once `ready` says yes."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=log.parent,
        )
    try:
        _wait(process, command, log, ready)
        yield process.pid
    finally:
        _stop(process)


def _wait(process: subprocess.Popen[bytes], command: Sequence[str], log: Path, ready: Callable[[], bool]) -> None:
    give_up = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None:
            raise ServerDidNotStart(command, log, f"ended with {process.returncode}")
        if time.monotonic() > give_up:
            raise ServerDidNotStart(command, log, f"does not answer after {START_SECONDS:.0f} s")
        time.sleep(0.02)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
