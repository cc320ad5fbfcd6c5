"""A keyring that keeps its entries in a file of the home directory: a real backend, found as keyring finds them."""

import json
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from tests.support.watch import PYTHON_PATH

FILE_KEYRING = {
    "PYTHONPATH": PYTHON_PATH,
    "PYTHON_KEYRING_BACKEND": "tests.support.file_keyring.FileKeyring",
}
"""For the environment of a command."""


class FileKeyring(KeyringBackend):
    priority = 1.0

    def _file(self) -> Path:
        return Path.home() / "keyring.json"

    def _all(self) -> dict[str, str]:
        file = self._file()
        known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        return known

    def get_password(self, service: str, username: str) -> str | None:
        return self._all().get(f"{service}\0{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._file().write_text(json.dumps({**self._all(), f"{service}\0{username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        known = self._all()
        if known.pop(f"{service}\0{username}", None) is None:
            raise PasswordDeleteError("not found")
        self._file().write_text(json.dumps(known))
