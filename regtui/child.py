"""The programs that regtui starts: what they get to see of its environment, and that they end with it.

They don't see its password: what a child has in its environment, its own children have as well, and whoever may read
/proc. Each has a session of its own, where Ctrl+C doesn't reach it; what ends regtui wouldn't either.
"""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final, NoReturn

# That what is told to end has for it, and between looks.
_END_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.02
_SECRETS: Final = frozenset({"REGTUI_PASSWORD"})


def child_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """`environment`, ours if none is given, without our own secrets."""
    source = os.environ if environment is None else environment
    return {name: value for name, value in source.items() if name not in _SECRETS}


class ChildGroups:
    """Process groups that shall not outlive us, by their leaders' pids. For the signals that end us: what a collection
    runs in isn't among them, nor is anything where we are killed (SIGKILL)."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._starting: set[object] = set()
        self._held_back: int | None = None

    @contextmanager
    def starting(self) -> Iterator[set[int]]:
        """While a program is being started, of which nobody knows the pid yet, a signal waits. Gives the set that the
        pid is to be added to."""
        token = object()
        self._starting.add(token)
        try:
            yield self._groups
        finally:
            self._starting.discard(token)
            if self._held_back is not None and not self._starting:
                os.kill(os.getpid(), self._held_back)

    def ended(self, pid: int) -> None:
        """It has ended, or may go on."""
        self._groups.discard(pid)

    def end_with_us(self) -> None:
        """From here on. What somebody has us ignore (`nohup`) stays ignored. In the main thread."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._end)

    def _end(self, number: int, _: object) -> None:
        self._held_back = number
        if not self._starting:
            self._end_now(number)

    def _end_now(self, number: int) -> NoReturn:
        for told in (signal.SIGTERM, signal.SIGKILL):
            left = {group for group in self._groups if _signalled(group, told)}
            give_up = time.monotonic() + _END_SECONDS
            while left and time.monotonic() < give_up:
                time.sleep(_LOOK_SECONDS)
                left = {group for group in left if _signalled(group, 0)}
            if not left:
                break
        # Whoever started us sees by which signal we ended.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        raise SystemExit(128 + number)


def _signalled(group: int, number: int) -> bool:
    """Whether there still is such a group."""
    try:
        # Our own children stay in the table until they are waited for.
        with suppress(ChildProcessError):
            os.waitpid(group, os.WNOHANG)
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


CHILDREN: Final = ChildGroups()
