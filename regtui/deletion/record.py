"""The journal's record of one run, begun right before the first change: what changes nothing isn't recorded."""

import asyncio
from collections.abc import Callable

from regtui.deletion.journal import Run, Unrecorded


class Record:
    """`run` is None until something is about to be changed. `failed`: why it can't be begun, once that was tried."""

    def __init__(self, begin: Callable[[], Run]) -> None:
        self._begin = begin
        self._beginning = asyncio.Lock()
        self.run: Run | None = None
        self.failed: Unrecorded | None = None

    async def begun(self) -> Run:
        """On disk when this returns. Raises JournalFailed: then nothing may be changed. It is tried once: all that
        would go is in it, and may be much."""
        async with self._beginning:
            if self.failed is not None:
                raise self.failed
            if self.run is None:
                try:
                    self.run = await asyncio.to_thread(self._begin)
                except Unrecorded as failed:
                    self.failed = failed
                    raise
        return self.run

    def close(self) -> None:
        if self.run is not None:
            self.run.close()
