"""The passwords that tests use, looked for where they must not be: in what is written, shown, logged, and on the
command lines of the programs that regtui starts."""

import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

from tests.support import watch

# Below a home. What Docker, Podman and a keyring keep is theirs.
_OURS = (".local/state/regtui", ".cache/regtui", ".config/regtui")


def look_at(where: str, content: str | bytes) -> None:
    """Tells of a password in it."""
    data = content.encode(errors="surrogateescape") if isinstance(content, str) else content
    for secret in watch.secrets():
        if secret.encode() in data:
            watch.tell(f"a password is in {where}")


def look_at_files(home: Path, others: Iterable[Path] = ()) -> None:
    """All that regtui keeps below `home`: its config, its state with journal and crash log, its cache; and `others`."""
    folders = [home / each for each in _OURS]
    files = [file for folder in folders if folder.is_dir() for file in folder.rglob("*") if file.is_file()]
    for file in [*files, *(each for each in others if each.is_file())]:
        look_at(str(file), file.read_bytes())


def watch_command_lines() -> None:
    """Those that regtui starts: all users of the machine can read them."""

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if event == "subprocess.Popen" and _is_of_regtui(sys._getframe(1)):
            look_at("a command line", repr(arguments[1]))

    sys.addaudithook(audit)


def _is_of_regtui(frame: FrameType | None) -> bool:
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package in ("regtui", "tests"):
            return package == "regtui"
        frame = frame.f_back
    return False
