"""What says what is in use, as a profile names it."""

from dataclasses import dataclass
from typing import Final

LOCAL: Final = "local"
"""In place of an SSH destination: this machine."""


@dataclass(frozen=True, slots=True)
class InUseSettings:
    """The keys below `[registries.NAME.in_use]`; empty where they are left out.

    `docker`: SSH destinations, or `local`. `kubectl`: contexts. `files`: patterns. `command`: for a POSIX shell.
    """

    docker: tuple[str, ...] = ()
    kubectl: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    command: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.docker or self.kubectl or self.files or self.command)
