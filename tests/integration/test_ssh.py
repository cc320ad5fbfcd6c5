"""The system's ssh against a real sshd: one login, shared, that ends with us."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from regtui.ssh.destination import Destination
from regtui.ssh.errors import (
    ConnectionLost,
    ForwardRefused,
    HostKeyChanged,
    HostKeyUnknown,
    HostUnreachable,
    LoginRefused,
)
from regtui.ssh.login import Ssh
from tests.support.patience import PATIENCE
from tests.support.sshd import SshServer, make_key, start_sshd
from tests.support.terminal import on_command


@pytest.fixture
def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshServer]:
    with start_sshd(tmp_path / "sshd") as server:
        monkeypatch.setenv("PATH", server.path)
        yield server


def ssh_to(server: SshServer) -> Ssh:
    return Ssh(Destination.parse(server.destination))


def read(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as through:
        through.settimeout(PATIENCE)
        through.connect(str(path))
        return through.recv(8)


def until(is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_one_login_serves_commands_and_forwards(sshd: SshServer) -> None:
    ssh = ssh_to(sshd)
    ssh.open()
    done = subprocess.run(ssh.command("cat; exit 3"), input=b"stdin", capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"stdin", b"")
    # Something real that listens on the host's loopback alone: its own sshd.
    forward = ssh.forward("127.0.0.1", sshd.port)
    assert read(forward) == b"SSH-2.0-"
    assert ssh.forward("127.0.0.1", sshd.port) == forward
    assert forward.parent.stat().st_mode & 0o777 == 0o700
    assert sshd.logins == 1
    ssh.close()
    assert not forward.parent.exists()
    assert not ssh.is_open
    with pytest.raises(ConnectionLost):
        ssh.open()
    assert subprocess.run(ssh.command("true"), capture_output=True).returncode == 255
    assert sshd.logins == 1


@pytest.mark.parametrize("option", ["ForkAfterAuthentication yes", "StdinNull yes", "SessionType none"])
def test_configuration_for_other_uses_doesnt_get_in_the_way(sshd: SshServer, option: str) -> None:
    """A login that went to the background was taken for one that had ended."""
    sshd.config.write_text(f"{option}\n{sshd.config.read_text()}")
    ssh = Ssh(Destination.parse(sshd.destination))
    ssh.open()
    try:
        done = subprocess.run(ssh.command("echo there"), capture_output=True, text=True)
        assert done.stdout == "there\n"
    finally:
        ssh.close()


def test_an_ssh_that_doesnt_know_the_newest_options_is_not_given_them(
    sshd: SshServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As OpenSSH before 8.7."""
    older = tmp_path / "ssh"
    known = shutil.which("ssh")
    older.write_text(
        '#!/bin/sh\ncase "$*" in *ForkAfterAuthentication*)\n'
        'echo "command-line: line 0: Bad configuration option: forkafterauthentication" >&2; exit 255 ;; esac\n'
        f'exec {known} "$@"\n'
    )
    older.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    ssh = Ssh(Destination.parse(sshd.destination))
    ssh.open()
    assert ssh.is_open
    ssh.close()


def test_a_login_that_was_lost_is_made_once_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        sshd = stack.enter_context(start_sshd(tmp_path / "sshd"))
        monkeypatch.setenv("PATH", sshd.path)
        ssh = ssh_to(sshd)
        stack.callback(ssh.close)
        ssh.open()
        sshd.stop()
        until(lambda: not ssh.is_open)
        with ThreadPoolExecutor(8) as threads:
            failures = [threads.submit(ssh.forward, "127.0.0.1", sshd.port) for _ in range(8)]
        assert {type(failure.exception()) for failure in failures} == {HostUnreachable}
        again = stack.enter_context(start_sshd(tmp_path / "sshd", new_keys=False))
        with ThreadPoolExecutor(8) as threads:
            ways = set(threads.map(lambda _: ssh.forward("127.0.0.1", again.port), range(8)))
        assert len(ways) == 1
        # Its log goes on where that of the first one ended.
        assert again.logins == 2


def test_nothing_listens_at_the_other_end(sshd: SshServer) -> None:
    ssh = ssh_to(sshd)
    ssh.open()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        assert read(ssh.forward("127.0.0.1", port)) == b""
    until(lambda: "open failed" in ssh.said)
    assert str(ssh.forward_error("127.0.0.1", port)) == (
        f"Nothing listens at 127.0.0.1:{port} on {sshd.destination}: the connection was refused. "
        "Check the port, and that the registry is running."
    )
    ssh.close()
    assert isinstance(ssh.forward_error("127.0.0.1", port), ConnectionLost)


def test_what_ssh_says_is_waited_for(sshd: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is closed before ssh's reason for it has come through its other pipe."""
    ssh = ssh_to(sshd)
    ssh.open()
    said = "channel 2: open failed: connect failed: Connection refused"
    monkeypatch.setattr(time, "sleep", lambda _: setattr(ssh._process, "_refusal", (time.monotonic(), said)))
    assert isinstance(ssh.forward_error("127.0.0.1", 5000), ForwardRefused)
    ssh.close()


def test_a_host_that_forbids_forwarding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with start_sshd(tmp_path / "sshd", options="AllowTcpForwarding no") as server:
        monkeypatch.setenv("PATH", server.path)
        ssh = ssh_to(server)
        ssh.open()
        assert read(ssh.forward("127.0.0.1", server.port)) == b""
        until(lambda: "open failed" in ssh.said)
        error = ssh.forward_error("127.0.0.1", server.port)
        ssh.close()
    assert isinstance(error, ForwardRefused)
    assert "does not allow forwarding" in error.message


def test_a_host_key_that_nobody_has_accepted(sshd: SshServer) -> None:
    sshd.known_hosts.write_text("")
    with pytest.raises(HostKeyUnknown) as caught:
        ssh_to(sshd).open()
    assert caught.value.needs_person
    assert sshd.known_hosts.read_text() == ""
    assert sshd.logins == 0


def test_a_host_key_that_has_changed(sshd: SshServer, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    other = (tmp_path / "other.pub").read_text().split()[1]
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} ssh-ed25519 {other}\n")
    with pytest.raises(HostKeyChanged) as caught:
        ssh_to(sshd).open()
    assert not caught.value.needs_person


def test_a_key_that_is_refused(sshd: SshServer) -> None:
    (sshd.directory / "authorized_keys").write_text("")
    with pytest.raises(LoginRefused, match=r"It takes: publickey\."):
        ssh_to(sshd).open()


_OPENS = """
import sys, time
from regtui.ssh.destination import Destination
from regtui.ssh.errors import SshError
from regtui.ssh.login import Ssh
ssh = Ssh(Destination.parse(sys.argv[1]))
try:
    ssh.open(on_terminal=len(sys.argv) > 2)
except SshError as error:
    sys.exit(f"{type(error).__name__}: {error}")
print("opened", flush=True)
time.sleep(60)
"""


def test_ssh_asks_on_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with start_sshd(tmp_path / "sshd", passphrase="open sesame") as server:
        monkeypatch.setenv("PATH", server.path)
        with pytest.raises(LoginRefused):
            ssh_to(server).open()
        server.known_hosts.write_text("")
        command = [sys.executable, "-c", _OPENS, server.destination, "on terminal"]
        with on_command(command, os.environ) as terminal:
            terminal.wait_for("Are you sure you want to continue connecting")
            terminal.type("yes\n")
            terminal.wait_for("Enter passphrase for key")
            terminal.type("open sesame\n")
            terminal.wait_for("opened")
            assert "sesame" not in terminal.shown
        assert server.known_hosts.read_text()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_login_ends_with_whoever_opened_it(sshd: SshServer, how: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _OPENS, sshd.destination], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"opened\n"
    process.send_signal(how)
    process.wait()
    until(lambda: not sshd.has_clients)
