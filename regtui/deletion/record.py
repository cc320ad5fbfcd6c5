"""The journal's record of one run, begun right before the first change: what changes nothing isn't recorded."""

import asyncio
from collections.abc import Callable

from regtui.deletion.journal import Run


class Record:
    """`run` is None until something is about to be changed."""

    def __init__(self, begin: Callable[[], Run]) -> None:
        self._begin = begin
        self._beginning = asyncio.Lock()
        self.run: Run | None = None

    async def begun(self) -> Run:
        """On disk when this returns. Raises JournalFailed: then nothing may be changed."""
        async with self._beginning:
            if self.run is None:
                self.run = await asyncio.to_thread(self._begin)
        return self.run

    def close(self) -> None:
        if self.run is not None:
            self.run.close()
