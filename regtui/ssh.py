"""The system's ssh, so that people's own configuration, agents, jump hosts and hardware keys simply work.

One login is made, and shared: sessions and forwards go through its control socket and never ask anything again.

ssh = Ssh(Destination.parse("admin@registry.example.com"))
ssh.open()                                  # blocks; LoginRefused, HostKeyUnknown: try on_terminal=True
socket = ssh.forward("127.0.0.1", 5000)     # a local socket that leads there
argv = ssh.command("docker ps")             # for any subprocess, with its own stdin and stdout
ssh.close()

    SshError                    3
    ├── HostUnreachable             the name, the port, the network, time-outs
    ├── HostKeyUnknown          4   nobody has accepted the host's key yet (needs a person)
    ├── HostKeyChanged          4   it is another one than before
    ├── LoginRefused            4   no key or password was accepted (may need a person)
    ├── ForwardRefused              logged in, but the way on is closed
    └── ConnectionLost              it was open
"""

import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from regtui import errors
from regtui.errors import RegtuiError, UsageError
from regtui.text import clean

# What a name may hold: never anything that a shell, or ssh's own %-expansion, reads as more than a name.
_USER: Final = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@+\\-]*")
_HOST: Final = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9_.-]+)?")
_DESTINATION: Final = re.compile(
    r"(?:(?P<user>.+)@)?(?:\[(?P<v6>[^\[\]]*:[^\[\]]*)\]|(?P<host>[^@:\[\]]+))(?::(?P<port>\d+))?"
)

# How long ssh may take in all where nobody is asked: jump hosts and slow agents included.
_OPEN_SECONDS: Final = 45.0
_TELL_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.02
_STDERR_LINES: Final = 40
# ssh doesn't say which connection was refused: the one that broke at that time, retries included.
_JUST_NOW: Final = 5.0
_REASON_SECONDS: Final = 0.5

# Given to every login, over the user's configuration: what else it says about forwards and commands of a host is for
# interactive sessions, and would get in the way.
_ALWAYS: Final = {
    "ControlMaster": "yes",
    "ControlPersist": "no",
    "ClearAllForwardings": "yes",
    "ConnectTimeout": "10",
    "ExitOnForwardFailure": "yes",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "3",
}
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


class SshError(RegtuiError):
    """The root. `needs_person`: it may go well where somebody can answer what ssh asks."""

    exit_code = errors.UNREACHABLE
    needs_person: ClassVar[bool] = False


class HostUnreachable(SshError):
    pass


class HostKeyUnknown(SshError):
    exit_code = errors.NOT_ALLOWED
    needs_person = True


class HostKeyChanged(SshError):
    exit_code = errors.NOT_ALLOWED


class LoginRefused(SshError):
    exit_code = errors.NOT_ALLOWED
    needs_person = True


class ForwardRefused(SshError):
    pass


class ConnectionLost(SshError):
    pass


@dataclass(frozen=True, slots=True)
class Destination:
    """`[user@]host[:port]`, as ssh takes it; `host` may be an alias of the user's ssh configuration."""

    host: str
    user: str = ""
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Destination":
        """Raises UsageError for what is no destination, and for what ssh would read as an option."""
        match = _DESTINATION.fullmatch(text.strip().removeprefix("ssh://").removesuffix("/"))
        if match is not None:
            host, user = match["v6"] or match["host"], match["user"] or ""
            port = int(match["port"]) if match["port"] else None
            names_fit = _HOST.fullmatch(host) and (not user or _USER.fullmatch(user))
            if names_fit and (port is None or 0 < port < 65536):
                return cls(host, user, port)
        raise UsageError(f"{text!r} is no SSH destination.", "Expected [USER@]HOST[:PORT].")

    @property
    def argument(self) -> str:
        """For ssh's command line, without the port."""
        return f"{self.user}@{self.host}" if self.user else self.host

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host and self.port else self.host
        return f"{f'{self.user}@' if self.user else ''}{host}{f':{self.port}' if self.port else ''}"


class Ssh:
    """One login at `destination`. Methods block and may be called from any thread; all raise SshError."""

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self._directory = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._said: deque[str] = deque(maxlen=_STDERR_LINES)
        self._reader: threading.Thread | None = None
        self._forwards: dict[tuple[str, int], Path] = {}
        self._lock = threading.Lock()
        self._opening_again = threading.Lock()
        self._failure: tuple[float, SshError] | None = None
        self._closed = False
        self._interrupted = False
        self._refusal = (-_JUST_NOW, "")

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
            self._said.clear()
            self._interrupted = False
            self._directory = _private_directory()
            self._process = process = _start(self._login(on_terminal), self._directory, own_session=not on_terminal)
            self._reader = threading.Thread(target=self._read, args=(process, on_terminal), daemon=True, name="ssh")
            self._reader.start()
        give_up = time.monotonic() + _OPEN_SECONDS
        while not self._control.exists():
            if process.poll() is not None:
                self._stop()
                if self._interrupted:
                    raise LoginRefused(f"The SSH login at {self.destination} was interrupted.", "Try again.")
                raise ssh_error(self.said, self.destination)
            if time.monotonic() > give_up and not on_terminal:
                self._stop()
                raise HostUnreachable(
                    f"{self.destination} does not answer over SSH.", f"Try: ssh {_typed(self.destination)}"
                )
            time.sleep(_LOOK_SECONDS)

    @property
    def _control(self) -> Path:
        return self._directory / "c"

    def _login(self, on_terminal: bool) -> list[str]:
        options = dict(_ALWAYS) if on_terminal else {**_ALWAYS, "BatchMode": "yes"}
        flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        port = ["-p", str(self.destination.port)] if self.destination.port else []
        return ["ssh", "-N", "-S", str(self._control), *flags, *port, "--", self.destination.argument]

    def _read(self, process: "subprocess.Popen[bytes]", shown: bool) -> None:
        assert process.stderr is not None
        with process.stderr as said:
            for line in said:
                text = line.decode("utf-8", "replace").rstrip()
                self._said.append(text)
                if "open failed" in text:
                    self._refusal = (time.monotonic(), text)
                # "Permission denied, please try again." belongs before the next question.
                if shown and not self._control.exists():
                    sys.stderr.write(f"{clean(text)}\n")
                    sys.stderr.flush()

    @property
    def is_open(self) -> bool:
        return self._process is not None and self._process.poll() is None and self._control.exists()

    @property
    def said(self) -> str:
        """The last lines that ssh wrote, its own and not those of commands. From the other side: not harmless."""
        return "\n".join(self._said)

    def command(self, remote: str) -> list[str]:
        """What to run for `remote`, a line for the shell over there. Exit code 255 is ssh's own: see `ssh_error`."""
        # Everything is settled by the login: the configuration isn't read again, nor is anything asked.
        control = ["ssh", "-F", "none", "-S", str(self._control), "-o", "ControlMaster=no", "-o", "BatchMode=yes"]
        # Were the login gone, ssh would make one of its own without anybody's configuration: it shall fail instead.
        return [*control, "-o", "ProxyCommand=false", "-T", "--", self.destination.argument, remote]

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
            socket = self._directory / f"{len(self._forwards)}"
            there = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            done = self._tell_login("forward", "-L", f"{socket}:{there}")
            if done.returncode != 0:
                raise ForwardRefused(
                    f"{self.destination} does not forward to {there}: {_last(done.stderr) or 'ssh gives no reason'}.",
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
        if not self.is_open:
            return ConnectionLost(
                f"The SSH connection to {self.destination} was lost.", "Check the network, then try again."
            )
        # The connection's end may be here before ssh's reason for it.
        give_up = time.monotonic() + _REASON_SECONDS
        while time.monotonic() - self._refusal[0] > _JUST_NOW:
            if time.monotonic() > give_up:
                return None
            time.sleep(_LOOK_SECONDS)
        refusal = self._refusal[1]
        there = f"{host}:{port}"
        if "administratively prohibited" in refusal:
            return ForwardRefused(
                f"{self.destination} does not allow forwarding to {there}.",
                "Allow it there: AllowTcpForwarding and PermitOpen in its sshd_config.",
            )
        if "refused" in refusal:
            return ForwardRefused(
                f"Nothing listens at {there} on {self.destination}: the connection was refused.",
                "Check the port, and that the registry is running.",
            )
        reason = refusal.rpartition("failed: ")[2]
        return ForwardRefused(f"{there} can't be reached from {self.destination}: {reason}.", "Check the address.")

    def interrupt(self) -> None:
        """Ends a login that is waiting for answers: `open` raises. May be called from a signal's handler."""
        process = self._process
        if process is not None and process.stdin is not None:
            self._interrupted = True
            process.stdin.close()

    def close(self) -> None:
        """Ends the login and all that goes through it. Again does nothing."""
        with self._lock:
            self._closed = True
            self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(5.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader is not None:
            self._reader.join(1.0)
        shutil.rmtree(self._directory, ignore_errors=True)
        self._forwards.clear()

    def _tell_login(self, what: str, *flags: str) -> "subprocess.CompletedProcess[str]":
        if not self.is_open:
            raise ConnectionLost(f"The SSH connection to {self.destination} was lost.")
        control = ["ssh", "-F", "none", "-S", str(self._control), "-O", what, *flags, "--", self.destination.argument]
        try:
            return subprocess.run(
                control,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TELL_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise ConnectionLost(f"The SSH connection to {self.destination} doesn't answer any more.") from None


def _private_directory() -> Path:
    """Short, as the path of a socket ends at a hundred characters; and ours alone: who can open it is logged in."""
    usual = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="regtui-ssh-", dir=usual if len(usual) < 55 else "/tmp"))  # noqa: S108


def _start(ssh: list[str], directory: Path, *, own_session: bool) -> "subprocess.Popen[bytes]":
    """Asking on the terminal needs to be in its session; else a session of its own keeps Ctrl+C away."""
    if shutil.which("ssh") is None:
        raise SshError("There is no ssh on this machine.", "Install OpenSSH's client (openssh-client).")
    return subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, str(directory), *ssh],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=own_session,
    )


def ssh_error(said: str, destination: Destination) -> SshError:
    """What ssh wrote before it ended with 255, as an error with a remedy. Seen from OpenSSH 9.2."""
    name = str(destination)
    typed = f"ssh {_typed(destination)}"
    if "HOST IDENTIFICATION HAS CHANGED" in said:
        return HostKeyChanged(
            f"The host key of {name} is not the one that is known: somebody may be in between.",
            f"If it was renewed on purpose: ssh-keygen -R {_known_as(destination)}",
        )
    if "host key verification failed" in said.lower() or "REVOKED" in said:
        return HostKeyUnknown(f"The host key of {name} is not known yet.", f"Look at it and accept it: {typed}")
    if "Permission denied" in said or "Too many authentication failures" in said:
        methods = re.search(r"Permission denied \(([^)]*)\)", said)
        wanted = f" It takes: {methods[1].replace(',', ', ')}." if methods else ""
        return LoginRefused(f"{name} does not accept the SSH login.{wanted}", f"Try: {typed}")
    if "Could not resolve hostname" in said:
        host = re.search(r"resolve hostname ([^:]*)", said)
        return HostUnreachable(
            f"There is no host {host[1] if host else destination.host}: its name can't be resolved.",
            "Check the name, or the DNS.",
        )
    if "Connection refused" in said:
        return HostUnreachable(
            f"{name} refuses SSH connections: nothing listens on its port {destination.port or 22}.",
            "Check the host, and that sshd is running there.",
        )
    if "timed out" in said:
        return HostUnreachable(f"{name} does not answer over SSH.", "Check the name, the port and the firewall.")
    reason = _last(said)
    told = f": {reason}" if reason else ""
    return HostUnreachable(f"{name} can't be reached over SSH{told}.", f"Try: {typed}")


def _typed(destination: Destination) -> str:
    """What a person types after `ssh`."""
    return f"-p {destination.port} {destination.argument}" if destination.port else destination.argument


def _known_as(destination: Destination) -> str:
    """As known_hosts has it."""
    port = destination.port
    return f"'[{destination.host}]:{port}'" if port and port != 22 else destination.host


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return re.sub(r"^(ssh|mux_client_forward): ", "", lines[-1]).rstrip(".") if lines else ""
