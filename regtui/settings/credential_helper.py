"""Programs that keep Docker's credentials: `docker-credential-NAME get|store|erase`.

Their protocol (docker/docker-credential-helpers 0.9): the server on stdin, JSON on stdout; where something is wrong, a
text on stdout and exit code 1. Secrets go through pipes alone, never through arguments or the environment.
"""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from typing import Final

from regtui.errors import SettingsError
from regtui.registry import Credential

# Part of a file's name: nothing that could lead elsewhere, or be taken for an option.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_NOT_FOUND: Final = "credentials not found"
_TOKEN_USER: Final = "<token>"  # noqa: S105 (a user's name, so to speak)


class Helper:
    """One such program. Everything raises SettingsError, and blocks up to `timeout` seconds."""

    def __init__(self, name: str, environment: Mapping[str, str], timeout: float) -> None:
        self.program = f"docker-credential-{name}"
        self._name = name
        # It has no use for our own password.
        self._environment = {k: v for k, v in environment.items() if k != "REGTUI_PASSWORD"}
        self._timeout = timeout

    def get(self, server: str) -> Credential | None:
        """None where it has none for `server`."""
        output = self._run("get", server)
        if output is None:
            return None
        try:
            answer = json.loads(output)
            user, secret = answer["Username"], answer["Secret"]
        except (ValueError, KeyError, TypeError, RecursionError):
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
            process = subprocess.Popen(
                [path, action],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment,
                # Its children as well are ended, and none of them draws on our terminal.
                start_new_session=True,
            )
        except OSError as error:
            raise SettingsError(f"{self.program} can't be started: {(error.strerror or '').lower()}.") from None
        with process:
            try:
                output, _ = process.communicate(sent.encode(), timeout=self._timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise SettingsError(f"{self.program} did not answer within {self._timeout:.0f} seconds.") from None
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        if process.returncode == 0:
            return output
        said = output.decode(errors="replace").strip()
        if said.startswith(_NOT_FOUND):
            return None
        # Its own words, when it has failed: a text about keys and agents, by the protocol never the secret.
        reason = said.splitlines()[0][:200] if said else f"exit code {process.returncode}"
        raise SettingsError(f"{self.program} failed: {reason.rstrip('.')}.")


def _credential(user: object, secret: object) -> Credential | None:
    if not isinstance(user, str) or not isinstance(secret, str):
        return None
    return Credential("", identity_token=secret) if user == _TOKEN_USER else Credential(user, secret)
