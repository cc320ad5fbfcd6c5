"""What can go wrong on the way to a host, and what ssh says when it does.

SshError                    3
├── HostUnreachable             the name, the port, the network, time-outs
├── HostKeyUnknown          4   nobody has accepted the host's key yet (needs a person)
├── HostKeyChanged          4   it is another one than before
├── LoginRefused            4   no key or password was accepted (may need a person)
├── ForwardRefused              logged in, but the way on is closed
└── ConnectionLost              it was open
"""

import re
from typing import ClassVar

from regtui import errors
from regtui.errors import RegtuiError
from regtui.ssh.destination import Destination


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


def ssh_error(said: str, destination: Destination) -> SshError:
    """What ssh wrote before it ended with 255, as an error with a remedy. Seen from OpenSSH 9.2."""
    name = str(destination)
    typed = f"ssh {destination.typed}"
    if "HOST IDENTIFICATION HAS CHANGED" in said:
        return HostKeyChanged(
            f"The host key of {name} is not the one that is known: somebody may be in between.",
            f"If it was renewed on purpose: ssh-keygen -R {destination.known_as}",
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
    reason = last_words(said)
    told = f": {reason}" if reason else ""
    return HostUnreachable(f"{name} can't be reached over SSH{told}.", f"Try: {typed}")


def forward_error(refusal: str, there: str, destination: Destination) -> ForwardRefused:
    """Why a forwarded connection was closed at once, by `refusal`, ssh's own line about it."""
    if "administratively prohibited" in refusal:
        return ForwardRefused(
            f"{destination} does not allow forwarding to {there}.",
            "Allow it there: AllowTcpForwarding and PermitOpen in its sshd_config.",
        )
    if "refused" in refusal:
        return ForwardRefused(
            f"Nothing listens at {there} on {destination}: the connection was refused.",
            "Check the port, and that the registry is running.",
        )
    reason = refusal.rpartition("failed: ")[2]
    return ForwardRefused(f"{there} can't be reached from {destination}: {reason}.", "Check the address.")


def last_words(said: str) -> str:
    """The last line that ssh wrote, without its own name before it; empty where it wrote none."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return re.sub(r"^(ssh|mux_client_forward): ", "", lines[-1]).rstrip(".") if lines else ""
