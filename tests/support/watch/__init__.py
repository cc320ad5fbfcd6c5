"""Looks over the shoulder of everything that the tests run: no login goes where it doesn't belong, and no password is
written down, shown or put on a command line. tests/conftest.py asks after each test, and fails it.

The clients in this process are watched, and every `regtui` that a test starts with `watch.environment()`, as Regtui of
tests/support/commands.py does: there Python loads inside/sitecustomize.py, which watches the same, and reports by a
file.
"""

import os
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

_HERE = Path(__file__).parent
SITE_CUSTOMIZE = _HERE / "inside/sitecustomize.py"
PYTHON_PATH = os.pathsep.join([str(SITE_CUSTOMIZE.parent), str(_HERE.parents[2])])
# Not REGTUI_…: the product reads nothing of this.
FOLDER = "TESTS_WATCH_FOLDER"
_LONG_ENOUGH = 8

_folder: Path | None = None


def begin(folder: Path) -> None:
    """From now on reports and the passwords in use are in `folder`."""
    global _folder
    _folder = folder


def environment() -> dict[str, str]:
    """For a program of ours that a test starts; empty where nobody watches, as in benchmarks."""
    return {"PYTHONPATH": PYTHON_PATH, FOLDER: str(_folder)} if _folder is not None else {}


def tell(what: str) -> None:
    """Reports something that must not happen."""
    if (file := _file("told")) is not None:
        # One short write: lines of several processes don't mix.
        with file.open("a") as told:
            told.write(what.replace("\n", " ") + "\n")


def check() -> None:
    """Raises AssertionError for what was reported since this was asked last."""
    file = _file("told")
    if file is not None and file.exists():
        lines = file.read_text().splitlines()
        file.unlink()
        raise AssertionError("\n".join(dict.fromkeys(lines)))


def keep_secret(logins: Mapping[str, str]) -> None:
    """Passwords by user: from now on they are looked for, as such and as HTTP sends them. Short ones, which would be
    found by chance, together with their user."""
    if (file := _file("secrets")) is not None:
        plain = {f"{u}:{p}" if len(p) < _LONG_ENOUGH else p for u, p in logins.items() if p}
        packed = {b64encode(f"{user}:{password}".encode()).decode() for user, password in logins.items() if password}
        with file.open("a") as kept:
            kept.writelines(f"{value}\n" for value in (plain | packed) - {*secrets()})


def secrets() -> list[str]:
    file = _file("secrets")
    return file.read_text().splitlines() if file is not None and file.exists() else []


def _file(name: str) -> Path | None:
    folder = os.environ.get(FOLDER) or _folder
    return Path(folder) / name if folder else None
