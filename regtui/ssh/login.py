"""One login at a host, shared by all that goes there: sessions of commands, and forwards."""

import subprocess
import threading
import time
from pathlib import Path
from typing import Final

from regtui.child import child_environment
from regtui.ssh.destination import Destination
from regtui.ssh.errors import (
    ConnectionLost,
    ForwardRefused,
    HostUnreachable,
    LoginRefused,
    SshError,
    forward_error,
    last_words,
    ssh_error,
)
from regtui.ssh.process import SshProcess

# How long ssh may take in all where nobody is asked: jump hosts and slow agents included.
_OPEN_SECONDS: Final = 45.0
_TELL_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.02

# Given to every login, over the user's configuration: what else it says about forwards and commands of a host is for
# interactive sessions, and would get in the way.
_ALWAYS: Final = {
    "ControlMaster": "yes",
    "ControlPersist": "no",
    "ClearAllForwardings": "yes",
    "ConnectTimeout": "10",
    "ExitOnForwardFailure": "yes",
    "ForkAfterAuthentication": "no",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "3",
}
# OpenSSH before 8.7 doesn't know it, and then nobody's configuration has it either.
_NEWER: Final = "ForkAfterAuthentication"


class Ssh:
    """One login at `destination`. Methods block and may be called from any thread; all raise SshError."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._process: SshProcess | None = None
        self._forwards: dict[tuple[str, int], Path] = {}
        self._lock = threading.Lock()
        self._opening_again = threading.Lock()
        self._failure: tuple[float, SshError] | None = None
        self._closed = False
        self._options = dict(_ALWAYS)

    @property
    def destination(self) -> Destination:
        return self._destination

    @property
    def end(self) -> str:
        """The host that it leads to, in words."""
        return str(self.destination)

    def open(self, *, on_terminal: bool = False) -> None:
        """Logs in. `on_terminal`: ssh may ask there for passwords, passphrases and unknown host keys; what it asks is
        answered by the user alone. Without it nothing is asked, and what would be asked for is an error."""
        with self._lock:
            if self._closed:
                raise ConnectionLost(f"The SSH connection to {self.destination} was closed.")
            self._stop()
            self._process = process = SshProcess(
                lambda control: self._login(control, on_terminal), on_terminal=on_terminal
            )
        give_up = time.monotonic() + _OPEN_SECONDS
        while not process.control.exists():
            if process.has_ended:
                self._stop()
                if process.was_interrupted:
                    raise LoginRefused(f"The SSH login at {self.destination} was interrupted.", "Try again.")
                if self._is_too_new(process.said):
                    self.open(on_terminal=on_terminal)
                    return
                raise ssh_error(process.said, self.destination)
            if time.monotonic() > give_up and not on_terminal:
                self._stop()
                raise HostUnreachable(
                    f"{self.destination} does not answer over SSH.", f"Try: ssh {self.destination.typed}"
                )
            time.sleep(_LOOK_SECONDS)

    def _is_too_new(self, said: str) -> bool:
        """Whether ssh ended for an option that it doesn't know; from then on it isn't given any more."""
        is_new = _NEWER in self._options and f"bad configuration option: {_NEWER.lower()}" in said.lower()
        if is_new:
            del self._options[_NEWER]
        return is_new

    def _login(self, control: Path, on_terminal: bool) -> list[str]:
        options = self._options if on_terminal else {**self._options, "BatchMode": "yes"}
        flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        port = ["-p", str(self.destination.port)] if self.destination.port else []
        return ["ssh", "-N", "-S", str(control), *flags, *port, "--", self.destination.argument]

    @property
    def is_open(self) -> bool:
        return self._process is not None and self._process.is_open

    @property
    def said(self) -> str:
        """The last lines that ssh wrote, its own and not those of commands. From the other side: not harmless."""
        return self._process.said if self._process is not None else ""

    def command(self, remote: str) -> list[str]:
        """What to run for `remote`, a line for the shell over there. Exit code 255 is ssh's own: see `ssh_error`."""
        # Were the login gone, ssh would make one of its own without anybody's configuration: it shall fail instead.
        options = ["ControlMaster=no", "BatchMode=yes", "ProxyCommand=false"]
        flags = [part for option in options for part in ("-o", option)]
        return [*self._through_login(), *flags, "-T", "--", self.destination.argument, remote]

    def _through_login(self) -> list[str]:
        """Everything is settled by the login: the configuration isn't read again, nor is anything asked."""
        assert self._process is not None, "open it first"
        return ["ssh", "-F", "none", "-S", str(self._process.control)]

    def forward(self, host: str, port: int) -> Path:
        """A local socket that leads to `host`:`port` as seen from the destination. The same one when asked again; where
        the login was lost, it is made anew, as far as that goes without asking.

        Whether anything listens there is told by the first connection: it is closed at once; see `forward_error`.
        """
        self._open_again()
        with self._lock:
            known = self._forwards.get((host, port))
            if known is not None:
                return known
            if self._process is None or not self.is_open:
                raise ConnectionLost(f"The SSH connection to {self.destination} was lost.")
            socket = self._process.control.with_name(f"{len(self._forwards)}")
            there = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            done = self._tell_login("-O", "forward", "-L", f"{socket}:{there}")
            if done.returncode != 0:
                raise ForwardRefused(
                    f"{self.destination} does not forward to {there}: "
                    f"{last_words(done.stderr) or 'ssh gives no reason'}.",
                    "Allow it there (AllowTcpForwarding in its sshd_config).",
                )
            self._forwards[host, port] = socket
            return socket

    def _open_again(self) -> None:
        """Many requests find out at once that the login was lost: one tries, and it is the others' result too. A second
        login would end the first one."""
        asked = time.monotonic()
        with self._opening_again:
            if self.is_open:
                return
            if self._failure is not None and self._failure[0] > asked:
                raise self._failure[1]
            try:
                self.open()
            except SshError as error:
                self._failure = (time.monotonic(), error)
                raise

    def forward_error(self, host: str, port: int) -> SshError | None:
        """Why a forwarded connection was closed at once, from what ssh said just now; None where it said nothing."""
        process = self._process
        if process is None or not process.is_open:
            return ConnectionLost(
                f"The SSH connection to {self.destination} was lost.", "Check the network, then try again."
            )
        refusal = process.refusal()
        return forward_error(refusal, f"{host}:{port}", self.destination) if refusal else None

    def interrupt(self) -> None:
        """Ends a login that is waiting for answers: `open` raises. May be called from a signal's handler."""
        if self._process is not None:
            self._process.interrupt()

    def close(self) -> None:
        """Ends the login and all that goes through it. Again does nothing."""
        with self._lock:
            self._closed = True
            self._stop()

    def _stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._forwards.clear()

    def _tell_login(self, *words: str) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(
                [*self._through_login(), *words, "--", self.destination.argument],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TELL_SECONDS,
                env=child_environment(),
            )
        except subprocess.TimeoutExpired:
            raise ConnectionLost(f"The SSH connection to {self.destination} doesn't answer any more.") from None
