"""Where things live on disk: XDG directories, directories 0700, files 0600, replaced in one step."""

import os
import tempfile
from pathlib import Path

import platformdirs

_APP = "regtui"


def config_file() -> Path:
    return Path(platformdirs.user_config_dir(_APP)) / "config.toml"


def state_dir() -> Path:
    return Path(platformdirs.user_state_dir(_APP))


def journal_dir() -> Path:
    """What was deleted, and can be put back."""
    return state_dir() / "journal"


def cache_dir() -> Path:
    return Path(platformdirs.user_cache_dir(_APP))


def content_file() -> Path:
    """Manifests and configs that were read; safe to delete."""
    return cache_dir() / "content.sqlite"


def make_private(directory: Path) -> Path:
    """Creates `directory` for this user alone. Raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def write_private(path: Path, content: str) -> None:
    """Writes under a temporary name and renames: a reader, or a crash, sees the old file or the new one.

    Raises OSError.
    """
    # A link to a file elsewhere (dotfiles in a repository, another disk) stays a link.
    path = path.resolve()
    make_private(path.parent)
    # mkstemp's files are 0600 from the start.
    handle, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
