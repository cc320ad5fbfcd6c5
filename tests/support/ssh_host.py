"""A host to log in to: a real sshd whose sessions have the runtimes' stand-ins on PATH, and a home of their own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.sshd import SshServer, start_sshd


@dataclass(frozen=True)
class SshHostForTests:
    server: SshServer
    state: Path
    """Where regtui keeps a collection's files on the host."""

    @property
    def destination(self) -> str:
        return self.server.destination

    @property
    def path(self) -> str:
        """For the PATH of who logs in."""
        return self.server.path

    def sessions(self) -> list[int]:
        """The pids of sshd's children: a connection each."""
        return _children(self.server.pid)


@contextmanager
def start_ssh_host(
    directory: Path, programs: Path, *, path: str = "", passphrase: str = "", login: Path | None = None
) -> Iterator[SshHostForTests]:
    """`programs`: what comes first on the PATH of its sessions; `path`: the rest of it, ours if not given.
    `passphrase` locks the user's key. `login`: a program that runs what sessions are to run ($SSH_ORIGINAL_COMMAND)."""
    state = directory / "state"
    searched = f"{programs}:{path or os.environ.get('PATH', os.defpath)}"
    variables = f"SetEnv PATH={searched} XDG_STATE_HOME={state} HOME={directory}"
    if login is not None:
        variables += f"\nForceCommand {login}"
    with start_sshd(directory / "sshd", options=variables, passphrase=passphrase) as server:
        yield SshHostForTests(server, state)


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found
