"""Where things live on disk: XDG directories. What is regtui's own there belongs to this user alone: private_files."""

from pathlib import Path

import platformdirs

from regtui.private_files import replace_file

_APP = "regtui"


def config_file() -> Path:
    return Path(platformdirs.user_config_dir(_APP)) / "config.toml"


def state_dir() -> Path:
    return Path(platformdirs.user_state_dir(_APP))


def journal_dir() -> Path:
    """What was deleted, and can be put back."""
    return state_dir() / "journal"


def locks_dir() -> Path:
    """What must not be done to one registry twice at the same time."""
    return state_dir() / "locks"


def pulls_file() -> Path:
    """When images were pulled, as the logs of their registries told."""
    return state_dir() / "pulls.sqlite"


def cache_dir() -> Path:
    return Path(platformdirs.user_cache_dir(_APP))


def content_file() -> Path:
    """Manifests and configs that were read; safe to delete."""
    return cache_dir() / "content.sqlite"


def write_following(path: Path, content: str) -> None:
    """Writes as `replace_file` does a file that is the user's own: a link to one elsewhere (dotfiles in a repository,
    another disk) stays a link, and its folder is left as it is. Raises OSError."""
    path = path.resolve()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, content)
