"""How long a registry is waited for in vain while all of its repositories are gone through.

Each repository that hangs costs no more than a few minutes: but there may be thousands.
"""

from collections.abc import Sequence
from typing import Protocol

from regtui import bounds
from regtui.errors import RegtuiError
from regtui.text import plural


class TooSilent(RegtuiError):
    """So much hangs that the rest of the repositories isn't asked for."""


class Waited(Protocol):
    """The client, or a session."""

    @property
    def host(self) -> str: ...

    @property
    def waited_in_vain(self) -> float: ...


class Endurance:
    """That of one run, which begins now. Any thread may ask."""

    def __init__(self, registry: Waited) -> None:
        self._registry = registry
        self._before = registry.waited_in_vain

    @property
    def is_over(self) -> bool:
        return self._registry.waited_in_vain - self._before > bounds.ALL_SILENCES

    def check(self, names: Sequence[str], done: int) -> None:
        """Before the next of `names`, of which so many are done. Raises TooSilent."""
        if self.is_over:
            raise TooSilent(self.sentence(names[done:]))

    def sentence(self, left: Sequence[str]) -> str:
        """Why it ends before these repositories."""
        what = f"{left[0]} was" if len(left) == 1 else f"{plural(len(left), 'repository', 'repositories')} were"
        where = f", from {left[0]} on" if len(left) > 1 else ""
        return (
            f"{self._registry.host} has let requests about its repositories time out for an hour in all: "
            f"{what} left out{where}."
        )
