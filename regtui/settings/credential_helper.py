"""Programs that keep Docker's credentials: `docker-credential-NAME get|store|erase`.

Their protocol (docker/docker-credential-helpers 0.9): the server on stdin, JSON on stdout; where something is wrong, a
text on stdout and exit code 1. Secrets go through pipes alone, never through arguments or the environment.
"""

import contextlib
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from typing import IO, Final

from regtui import bounds
from regtui.bounded_json import parse_json_text, without_halves
from regtui.child import CHILDREN, child_environment
from regtui.errors import SettingsError, reason_of
from regtui.registry.values import Credential

# Part of a file's name: nothing that could lead elsewhere, or be taken for an option.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_NOT_FOUND: Final = "credentials not found"
# Bytes: a pipe that is ready takes so many at once.
_PIECE: Final = 4096
_TOKEN_USER: Final = "<token>"  # noqa: S105 (a user's name, so to speak)


class Helper:
    """One such program. Everything raises SettingsError, and blocks up to `timeout` seconds."""

    def __init__(self, name: str, environment: Mapping[str, str], timeout: float) -> None:
        self.program = f"docker-credential-{name}"
        self._name = name
        self._environment = child_environment(environment)
        self._timeout = timeout

    def get(self, server: str) -> Credential | None:
        """None where it has none for `server`."""
        output = self._run("get", server)
        if output is None:
            return None
        try:
            text = output.decode()
            # With U+FFFD in it, it would be another secret.
            answer = parse_json_text(text) if without_halves(text) == text else {}
            user, secret = answer["Username"], answer["Secret"]
        except (ValueError, KeyError, TypeError):
            user = secret = None
        if secret == "":
            return None
        found = _credential(user, secret)
        if found is None or not found.is_sendable:
            raise SettingsError(f"{self.program} answered with something that is no credential.")
        return found

    def store(self, server: str, credential: Credential) -> None:
        entry = {"ServerURL": server, "Username": credential.username, "Secret": credential.password}
        self._run("store", json.dumps(entry))

    def erase(self, server: str) -> bool:
        """Whether there was one."""
        return self._run("erase", server) is not None

    def _run(self, action: str, sent: str) -> bytes | None:
        """What it wrote; None where it says that there is nothing."""
        if not _NAME.fullmatch(self._name):
            raise SettingsError(f"{self._name!r} can't be the name of a credential helper.")
        path = shutil.which(self.program, path=self._environment.get("PATH"))
        if path is None:
            raise SettingsError(f"{self.program} is not installed, or not on the PATH.")
        try:
            with CHILDREN.starting() as groups:
                process = subprocess.Popen(
                    [path, action],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=self._environment,
                    # Its children as well are ended, and none of them draws on our terminal.
                    start_new_session=True,
                )
                groups.add(process.pid)
        except OSError as error:
            raise SettingsError(f"{self.program} can't be started: {reason_of(error)}.") from None
        with process:
            try:
                output = self._output(process, sent.encode())
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
            finally:
                CHILDREN.ended(process.pid)
        if process.returncode == 0:
            return output
        said = output.decode(errors="replace").strip()
        if said.startswith(_NOT_FOUND):
            return None
        # Its own words, when it has failed: a text about keys and agents, by the protocol never the secret.
        reason = said.splitlines()[0][:200] if said else f"exit code {process.returncode}"
        raise SettingsError(f"{self.program} failed: {reason.rstrip('.')}.")

    def _output(self, process: "subprocess.Popen[bytes]", sent: bytes) -> bytes:
        """All that it writes, until it ends."""
        assert process.stdin is not None
        assert process.stdout is not None
        give_up = time.monotonic() + self._timeout
        output = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            selector.register(process.stdin, selectors.EVENT_WRITE)
            while (left := give_up - time.monotonic()) > 0:
                for ready, _ in selector.select(left):
                    if ready.fileobj is process.stdin:
                        sent = _write_some(process.stdin, sent)
                        if not sent:
                            selector.unregister(process.stdin)
                            with contextlib.suppress(BrokenPipeError):
                                process.stdin.close()
                        continue
                    piece = os.read(process.stdout.fileno(), _PIECE)
                    output += piece
                    if len(output) > bounds.HELPER_OUTPUT:
                        raise SettingsError(f"{self.program} wrote more than {bounds.HELPER_OUTPUT // bounds.MIB} MiB.")
                    if not piece:
                        return self._ended(process, bytes(output), left)
        raise self._silent()

    def _ended(self, process: "subprocess.Popen[bytes]", output: bytes, left: float) -> bytes:
        try:
            process.wait(left)
        except subprocess.TimeoutExpired:
            raise self._silent() from None
        return output

    def _silent(self) -> SettingsError:
        return SettingsError(f"{self.program} did not answer within {self._timeout:.0f} seconds.")


def _write_some(pipe: IO[bytes], rest: bytes) -> bytes:
    """What is still to be written; nothing where nobody reads it any more."""
    try:
        return rest[os.write(pipe.fileno(), rest[:_PIECE]) :]
    except BrokenPipeError:
        return b""


def _credential(user: object, secret: object) -> Credential | None:
    if not isinstance(user, str) or not isinstance(secret, str):
        return None
    return Credential("", identity_token=secret) if user == _TOKEN_USER else Credential(user, secret)
