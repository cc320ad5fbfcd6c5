"""Which logins regtui has put into Docker's files, so that `logout` takes out those and no others. No secrets."""

import json
from collections.abc import Mapping
from pathlib import Path

from regtui.errors import SettingsError, reason_of
from regtui.private_files import read_private, write_private
from regtui.settings.paths import state_dir


def _file() -> Path:
    return state_dir() / "docker-logins.json"


def logins() -> Mapping[str, str]:
    """The user's name by registry. A file that can't be read knows none."""
    try:
        known = json.loads(read_private(_file(), closes=True))
    except (OSError, ValueError, RecursionError):
        return {}
    return {k: v for k, v in known.items() if isinstance(v, str)} if isinstance(known, dict) else {}


def remember(host: str, username: str) -> None:
    """Raises SettingsError."""
    _write({**logins(), host: username})


def forget(host: str) -> None:
    """Raises SettingsError."""
    if host in (known := logins()):
        _write({k: v for k, v in known.items() if k != host})


def _write(known: Mapping[str, str]) -> None:
    try:
        write_private(_file(), json.dumps(known))
    except OSError as error:
        raise SettingsError(f"{_file()} can't be written: {reason_of(error)}.") from None
