"""What ssh's own words mean."""

import pytest

from regtui.ssh.destination import Destination
from regtui.ssh.errors import HostKeyChanged, HostKeyUnknown, HostUnreachable, LoginRefused, SshError, ssh_error

HOST = Destination("host", "ci", 2222)


@pytest.mark.parametrize(
    ("said", "kind", "sentence"),
    [
        (
            "ssh: connect to host host port 2222: Connection refused",
            HostUnreachable,
            "ci@host:2222 refuses SSH connections: nothing listens on its port 2222. Check the host, and that sshd is "
            "running there.",
        ),
        (
            "ssh: Could not resolve hostname jump: Name or service not known\r\n",
            HostUnreachable,
            "There is no host jump: its name can't be resolved. Check the name, or the DNS.",
        ),
        (
            "ssh: connect to host host port 2222: Connection timed out",
            HostUnreachable,
            "ci@host:2222 does not answer over SSH. Check the name, the port and the firewall.",
        ),
        (
            "ssh: connect to host host port 2222: No route to host",
            HostUnreachable,
            "ci@host:2222 can't be reached over SSH: connect to host host port 2222: No route to host. "
            "Try: ssh -p 2222 ci@host",
        ),
        (
            "ci@host: Permission denied (publickey,password).",
            LoginRefused,
            "ci@host:2222 does not accept the SSH login. It takes: publickey, password. Try: ssh -p 2222 ci@host",
        ),
        (
            "Host key verification failed.",
            HostKeyUnknown,
            "The host key of ci@host:2222 is not known yet. Look at it and accept it: ssh -p 2222 ci@host",
        ),
        (
            "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n…\nHost key verification failed.",
            HostKeyChanged,
            "The host key of ci@host:2222 is not the one that is known: somebody may be in between. "
            "If it was renewed on purpose: ssh-keygen -R '[host]:2222'",
        ),
        ("", HostUnreachable, "ci@host:2222 can't be reached over SSH. Try: ssh -p 2222 ci@host"),
    ],
)
def test_what_ssh_says_is_told_with_a_remedy(said: str, kind: type[SshError], sentence: str) -> None:
    error = ssh_error(said, HOST)
    assert type(error) is kind
    assert str(error) == sentence
