"""The root of everything that can go wrong and be told. Faces print these; nobody else formats them.

RegtuiError
├── UsageError              what was asked for makes no sense
├── SettingsError           the config file or a credential can't be read or kept
├── InternalError           what nobody expected: told where it happened, and the app lives
├── ssh.SshError            the way to a host over SSH (tree in ssh/errors.py)
└── registry.RegistryError  everything a registry, or the way to it, answers (tree in registry/errors.py)
"""

from typing import Final

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
NOT_ALLOWED: Final = 4
NOT_FOUND: Final = 5
REFUSED: Final = 6
INTERRUPTED: Final = 130


class RegtuiError(Exception):
    """`message`: what happened, to what. `remedy`: what to do about it, may be empty. Both full sentences."""

    exit_code: int = FAILED

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UsageError(RegtuiError):
    """What was asked for makes no sense as it stands."""

    exit_code = USAGE


class SettingsError(RegtuiError):
    """The config file or a credential can't be read or kept."""


class InternalError(RegtuiError):
    """What nobody expected, in one part of the app: the others go on. Its cause is in the crash log."""


def reason_of(error: OSError) -> str:
    """Why something failed, as the system says it: `no space left on device`. Reads on after a colon; never empty."""
    words = (error.strerror or str(error)).strip().rstrip(".")
    return words[:1].lower() + words[1:] if words else "the system gives no reason"
