"""Certificates as Docker's users place them: `certs.d/HOST[:PORT]/` with `*.crt` to trust, and pairs of `*.cert` and
`*.key` to show (docs.docker.com, "Verify repository client with certificates")."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from regtui.errors import SettingsError


@dataclass(frozen=True, slots=True)
class DockerCerts:
    """PEM files for one registry."""

    authorities: tuple[Path, ...] = ()
    pairs: tuple[tuple[Path, Path], ...] = ()


def docker_certs_directories() -> tuple[Path, ...]:
    """The daemon's, the user's, and the rootless daemon's."""
    return tuple(
        Path(directory).expanduser()
        for directory in ("/etc/docker/certs.d", "~/.docker/certs.d", "~/.config/docker/certs.d")
    )


def find_docker_certs(name: str, directories: Iterable[Path]) -> DockerCerts:
    """What is placed for `name` (`HOST[:PORT]`). Files that this user may not read are the daemon's alone.

    Raises SettingsError for a certificate without its key, as Docker does.
    """
    authorities: list[Path] = []
    pairs: list[tuple[Path, Path]] = []
    for file in (file for directory in directories for file in _readable(directory / name)):
        if file.suffix == ".crt":
            authorities.append(file)
        elif file.suffix == ".cert":
            key = file.with_suffix(".key")
            if not _exists(key):
                raise SettingsError(
                    f"The client certificate {file} has no key beside it.",
                    f"Put it into {key.name}. An authority to trust is named *.crt.",
                )
            if _is_readable(key):
                pairs.append((file, key))
    return DockerCerts(tuple(authorities), tuple(pairs))


def _readable(directory: Path) -> Iterator[Path]:
    try:
        files = sorted(directory.iterdir())
    except OSError:
        return
    yield from (file for file in files if _is_readable(file))


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:
        return True


def _is_readable(file: Path) -> bool:
    try:
        with file.open("rb"):
            return True
    except OSError:
        return False
