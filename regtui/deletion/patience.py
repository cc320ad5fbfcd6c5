"""Waiting for a registry that does what it was asked, and shows it a little later."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

PAUSES: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Seconds between one look and the next: nearly eight in all, for registries that answer reads seconds late."""
# A registry that doesn't do what it says is not waited for again and again.
_IN_VAIN: Final = 3


class Patience:
    """Of one run: it ends where waiting was of no use."""

    def __init__(self) -> None:
        self._in_vain = 0

    async def until(self, is_so: Callable[[], Awaitable[bool]]) -> bool:
        """Look until it is so, at most as often as there are pauses; whether it is. Raises what `is_so` does."""
        if await is_so():
            return True
        if self._in_vain < _IN_VAIN:
            for pause in PAUSES:
                await asyncio.sleep(pause)
                if await is_so():
                    return True
            self._in_vain += 1
        return False
