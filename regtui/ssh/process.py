"""The ssh program as a child that ends with us, and what it says meanwhile."""

import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from regtui import bounds
from regtui.child import child_environment
from regtui.ssh.errors import SshError
from regtui.text import clean

_LOOK_SECONDS: Final = 0.02
_STDERR_LINES: Final = 40
# ssh doesn't say which connection was refused: the one that broke at that time, retries included.
_JUST_NOW: Final = 5.0
_REASON_SECONDS: Final = 0.5

# ssh as a child that ends when the pipe to fd 0 is closed: with us, however we end. In the background of a shell it
# also isn't reached by Ctrl+C, and a deletion that is under way can be finished.
# $0 is the directory of its sockets.
_GUARD: Final = """
trap '' INT QUIT HUP
exec 3<&0
"$@" </dev/null 3<&- & ssh=$!
{ cat >/dev/null; kill "$ssh"; } <&3 >/dev/null 2>&1 &
exec 3<&-
wait "$ssh"
status=$?
rm -rf "$0"
exit "$status"
"""


class SshProcess:
    """One ssh, with a directory of its own for its sockets. Started at once; raises SshError where there is no ssh."""

    def __init__(self, command: Callable[[Path], list[str]], *, on_terminal: bool) -> None:
        """`command`: what is run, from the path of the control socket. `on_terminal`: it may ask there."""
        if shutil.which("ssh") is None:
            raise SshError("There is no ssh on this machine.", "Install OpenSSH's client (openssh-client).")
        self._directory = _private_directory()
        self.control = self._directory / "c"
        self.was_interrupted = False
        self._said: deque[str] = deque(maxlen=_STDERR_LINES)
        self._refusal = (-_JUST_NOW, "")
        self._process = _start(command(self.control), self._directory, own_session=not on_terminal)
        self._is_stopped = False
        self._reader = threading.Thread(target=self._read, args=(on_terminal,), daemon=True, name="ssh")
        self._reader.start()

    def _read(self, shown: bool) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as said:
            shown_lines = 0
            # Not line by line alone: one that never ends would be all in memory.
            while line := said.readline(bounds.SSH_LINE):
                text = line.decode("utf-8", "replace").rstrip()
                self._said.append(text)
                if "open failed" in text:
                    self._refusal = (time.monotonic(), text)
                # "Permission denied, please try again." belongs before the next question.
                if shown and shown_lines < bounds.SSH_LINES_SHOWN and not self.control.exists():
                    shown_lines += 1
                    sys.stderr.write(f"{clean(text)}\n")
                    sys.stderr.flush()

    @property
    def is_open(self) -> bool:
        """Whether it is logged in."""
        return not self.has_ended and self.control.exists()

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def said(self) -> str:
        """The last lines that it wrote, its own and not those of commands. From the other side: not harmless."""
        return "\n".join(self._said)

    def refusal(self) -> str:
        """What it says of a forwarded connection that broke just now; empty where it says nothing. Waits a moment: the
        connection's end may be here before the reason for it."""
        give_up = time.monotonic() + _REASON_SECONDS
        while time.monotonic() - self._refusal[0] > _JUST_NOW:
            if time.monotonic() > give_up:
                return ""
            time.sleep(_LOOK_SECONDS)
        return self._refusal[1]

    def interrupt(self) -> None:
        """Ends it while it waits for answers. May be called from a signal's handler."""
        assert self._process.stdin is not None
        self.was_interrupted = True
        self._process.stdin.close()

    def stop(self) -> None:
        """Ends it, and waits for that. Again does nothing."""
        stopped, self._is_stopped = self._is_stopped, True
        if stopped:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(1.0)
        shutil.rmtree(self._directory, ignore_errors=True)


def _private_directory() -> Path:
    """Short, as the path of a socket ends at a hundred characters; and ours alone: who can open it is logged in."""
    usual = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="regtui-ssh-", dir=usual if len(usual) < 55 else "/tmp"))  # noqa: S108


def _start(ssh: list[str], directory: Path, *, own_session: bool) -> "subprocess.Popen[bytes]":
    """Asking on the terminal needs to be in its session; else a session of its own keeps Ctrl+C away."""
    return subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, str(directory), *ssh],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=own_session,
        env=child_environment(),
    )
