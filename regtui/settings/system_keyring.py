"""The operating system's keyring, loaded only when it is asked, and never waited for longer than a time limit.

A keyring may wait for D-Bus, or for a password dialog that nobody sees.
"""

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from regtui.errors import SettingsError
from regtui.registry.values import Credential

T = TypeVar("T")

_SERVICE: Final = "regtui:{host}"
# The entry that holds which user the password of a registry belongs to.
_USER_ENTRY: Final = "(user)"


class SystemKeyring:
    """Entries are `regtui:HOST`. Everything blocks up to `timeout` seconds, and raises SettingsError where the keyring
    is there but silent or locked. None, or False, where there is no usable one: on a server that is the usual case."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout

    def get(self, host: str, username: str = "") -> Credential | None:
        def read() -> Credential | None:
            import keyring

            service = _SERVICE.format(host=host)
            user = username or keyring.get_password(service, _USER_ENTRY)
            password = keyring.get_password(service, user) if user else None
            return Credential(user, password) if user and password else None

        return self._ask(read)

    def store(self, host: str, credential: Credential) -> bool:
        """Whether it is there now."""

        def write() -> bool:
            import keyring

            service = _SERVICE.format(host=host)
            keyring.set_password(service, credential.username, credential.password)
            keyring.set_password(service, _USER_ENTRY, credential.username)
            return keyring.get_password(service, credential.username) == credential.password

        return bool(self._ask(write))

    def remove(self, host: str) -> bool:
        """Whether there was one."""

        def remove() -> bool:
            import keyring
            import keyring.errors

            service = _SERVICE.format(host=host)
            user = keyring.get_password(service, _USER_ENTRY)
            removed = False
            for entry in filter(None, (user, _USER_ENTRY)):
                # The null backend takes out what it never had.
                if keyring.get_password(service, entry) is None:
                    continue
                try:
                    keyring.delete_password(service, entry)
                    removed = True
                except keyring.errors.PasswordDeleteError:
                    continue
            return removed

        return bool(self._ask(remove))

    def _ask(self, work: Callable[[], T]) -> T | None:
        answer: list[T] = []
        locked: list[bool] = []

        def run() -> None:
            # Backends raise whatever their platform does, and none of it is fatal here.
            try:
                answer.append(work())
            except Exception as error:  # noqa: BLE001
                locked.append(type(error).__name__ == "KeyringLocked")

        # A daemon, so that one stuck on D-Bus never keeps regtui from ending.
        thread = threading.Thread(target=run, daemon=True, name="keyring")
        thread.start()
        thread.join(self._timeout)
        if not answer and not locked:
            raise SettingsError(
                f"The keyring did not answer within {self._timeout:.0f} seconds.",
                "Unlock it, or turn it off with PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring.",
            )
        if locked == [True]:
            raise SettingsError("The keyring is locked.", "Unlock it.")
        return answer[0] if answer else None
