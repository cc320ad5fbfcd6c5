"""A real sshd on loopback, with keys made for the occasion, and an `ssh` that knows it by an alias.

ssh reads `~/.ssh` of the account, not of $HOME. So the tests put a stand-in before it on PATH: the system's own ssh
with a configuration of ours. The program under test runs `ssh`, and needs no option for tests.
"""

import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.processes import ServerDidNotStart, clean_environment, running
from tests.support.programs import find_program

ALIAS = "registry-host"

_SSHD = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PubkeyAuthentication yes
PermitRootLogin prohibit-password
PermitUserEnvironment no
PrintMotd no
PrintLastLog no
MaxStartups 100
MaxSessions 50
"""

_SSH = """\
Host {alias}
    HostName 127.0.0.1
    Port {port}
Host *
    User {user}
    IdentityFile {directory}/user_key
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {directory}/known_hosts
    GlobalKnownHostsFile none
    PasswordAuthentication no
"""


@dataclass(frozen=True)
class SshServer:
    """A running sshd. `destination` reaches it with the `ssh` that `path` has first."""

    port: int
    user: str
    pid: int
    log: Path
    directory: Path
    destination: str = field(default=f"{getpass.getuser()}@{ALIAS}")

    @property
    def path(self) -> str:
        """For PATH: the stand-in ssh before everything else."""
        return f"{self.directory / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"

    @property
    def logins(self) -> int:
        """How many were let in so far."""
        return self.log.read_text().count("Accepted publickey")

    @property
    def has_clients(self) -> bool:
        """Whether anybody is connected: sshd has a process for each."""
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.pid)], capture_output=True, text=True)
        return bool(listed.stdout.split())

    def stop(self) -> None:
        """Nobody is let in any more, and whoever is in is thrown out."""
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.pid)], capture_output=True, text=True)
        for pid in (self.pid, *map(int, listed.stdout.split())):
            os.kill(pid, signal.SIGTERM)

    @property
    def known_hosts(self) -> Path:
        """The host's key is in there. A test may empty or change it."""
        return self.directory / "known_hosts"

    @property
    def config(self) -> Path:
        """Of the stand-in ssh. A test may add to it."""
        return self.directory / "ssh_config"


@contextmanager
def start_sshd(
    directory: Path, *, options: str = "", passphrase: str = "", new_keys: bool = True
) -> Iterator[SshServer]:
    """Run an sshd with its files below `directory` until the block ends; it lets this very user in, by key.

    `options` are lines for sshd_config that win over the usual ones. `passphrase` locks the user's key.
    A second start with `new_keys=False` is a restart.
    """
    program = find_program("sshd")
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    if os.geteuid() == 0:
        # Debian's init script makes it; in a container nobody has.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    if new_keys:
        make_key(directory / "host_key")
        make_key(directory / "user_key", passphrase)
    shutil.copy(directory / "user_key.pub", directory / "authorized_keys")
    # No one can ask sshd for a free port: another process may take ours first, so try again.
    for attempt in range(3):
        try:
            with _start_once(program, directory, options) as server:
                yield server
                return
        except ServerDidNotStart as failure:
            if "Address already in use" not in failure.log_tail or attempt == 2:
                raise


@contextmanager
def _start_once(program: Path, directory: Path, options: str) -> Iterator[SshServer]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    config, log = directory / "sshd_config", directory / "sshd.log"
    # The first value of an option counts.
    config.write_text(f"{options}\n{_SSHD.format(directory=directory, port=port)}")
    _write_client(directory, port)

    def ready() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as greeted:
                return greeted.recv(4) == b"SSH-"
        except OSError:
            return False

    command = [str(program), "-D", "-e", "-f", str(config)]
    with running(command, log=log, environment=clean_environment(directory), ready=ready) as pid:
        yield SshServer(port, getpass.getuser(), pid, log, directory)


def _write_client(directory: Path, port: int) -> None:
    """The configuration of the client, the host's key as known, and the stand-in."""
    config = directory / "ssh_config"
    config.write_text(_SSH.format(alias=ALIAS, port=port, user=getpass.getuser(), directory=directory))
    host_key = (directory / "host_key.pub").read_text().split()[:2]
    (directory / "known_hosts").write_text(f"[127.0.0.1]:{port} {' '.join(host_key)}\n")
    stand_in = directory / "bin" / "ssh"
    stand_in.parent.mkdir(exist_ok=True)
    # A later -F wins: who asks for no configuration at all gets none.
    stand_in.write_text(f'#!/bin/sh\nexec {find_program("ssh")} -F {config} "$@"\n')
    stand_in.chmod(0o755)


def make_key(path: Path, passphrase: str = "") -> None:
    """An Ed25519 key at `path`, and its public half beside it."""
    for old in (path, path.with_suffix(".pub")):
        old.unlink(missing_ok=True)
    keygen = find_program("ssh-keygen")
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", path], check=True)
