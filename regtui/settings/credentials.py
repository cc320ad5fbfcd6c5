"""Credentials: where they are looked for, and where they are kept. Never in a file of ours.

In this order: what the command line gave, REGTUI_USERNAME and REGTUI_PASSWORD, what was typed since regtui was
started, the operating system's keyring.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeVar

from regtui.registry import Credential

T = TypeVar("T")

# A keyring may wait for D-Bus, or for a password dialog that nobody sees.
_KEYRING_TIMEOUT: Final = 3.0
# The entry that holds which user the password of a registry belongs to.
_SERVICE: Final = "regtui:{host}"
_USER_ENTRY: Final = "(user)"


class Source(Enum):
    """Where a credential was found: said to the user, never the secret itself."""

    GIVEN = "the command line"
    ENVIRONMENT = "REGTUI_USERNAME"
    SESSION = "typed in this session"
    KEYRING = "the keyring"
    NONE = "anonymous"


@dataclass(frozen=True, slots=True)
class Found:
    credential: Credential | None
    source: Source


class Kept(Enum):
    """Where a credential went."""

    KEYRING = "in the keyring"
    SESSION = "until regtui is closed: this machine has no usable keyring"


class Credentials:
    """All lookups block, up to the keyring's time limit (seconds): call them off the event loop."""

    def __init__(self, environment: Mapping[str, str] | None = None, keyring_timeout: float = _KEYRING_TIMEOUT) -> None:
        self._environment = os.environ if environment is None else environment
        self._timeout = keyring_timeout
        self._session: dict[str, Credential] = {}

    def find(self, host: str, username: str = "") -> Found:
        """What is known for `host` (`HOST[:PORT][/PREFIX]`); `username` narrows it where the profile names one."""
        user = self._environment.get("REGTUI_USERNAME", "")
        password = self._environment.get("REGTUI_PASSWORD", "")
        if user and password:
            return Found(Credential(user, password), Source.ENVIRONMENT)
        if (kept := self._session.get(host)) and username in ("", kept.username):
            return Found(kept, Source.SESSION)
        if stored := self._from_keyring(host, username):
            return Found(stored, Source.KEYRING)
        return Found(None, Source.NONE)

    def use_for_session(self, host: str, credential: Credential) -> None:
        """Keeps it in memory alone."""
        self._session[host] = credential

    def store(self, host: str, credential: Credential) -> Kept:
        """Keeps it in the keyring, or where there is none, until regtui is closed."""

        def write() -> bool:
            import keyring

            service = _SERVICE.format(host=host)
            keyring.set_password(service, credential.username, credential.password)
            keyring.set_password(service, _USER_ENTRY, credential.username)
            return keyring.get_password(service, credential.username) == credential.password

        if self._ask_keyring(write):
            self._session.pop(host, None)
            return Kept.KEYRING
        self.use_for_session(host, credential)
        return Kept.SESSION

    def forget(self, host: str) -> bool:
        """Removes it everywhere; whether there was one."""

        def remove() -> bool:
            import keyring
            import keyring.errors

            service = _SERVICE.format(host=host)
            user = keyring.get_password(service, _USER_ENTRY)
            removed = False
            for entry in filter(None, (user, _USER_ENTRY)):
                try:
                    keyring.delete_password(service, entry)
                    removed = True
                except keyring.errors.PasswordDeleteError:
                    continue
            return removed

        in_session = self._session.pop(host, None) is not None
        return bool(self._ask_keyring(remove)) or in_session

    def _from_keyring(self, host: str, username: str) -> Credential | None:
        def read() -> Credential | None:
            import keyring

            service = _SERVICE.format(host=host)
            user = username or keyring.get_password(service, _USER_ENTRY)
            password = keyring.get_password(service, user) if user else None
            return Credential(user, password) if user and password else None

        return self._ask_keyring(read)

    def _ask_keyring(self, ask: Callable[[], T]) -> T | None:
        """The answer; None where there is no keyring, it fails, or it doesn't answer in time. The thread is a
        daemon, so that one stuck on D-Bus never keeps regtui from ending."""
        answer: list[T] = []

        def run() -> None:
            # Backends raise whatever their platform does, and none of it is fatal here.
            with contextlib.suppress(Exception):
                answer.append(ask())

        thread = threading.Thread(target=run, daemon=True, name="keyring")
        thread.start()
        thread.join(self._timeout)
        return answer[0] if answer else None
