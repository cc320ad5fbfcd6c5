"""Tags being completed: what is remembered of them is read meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from regtui.listing.filler import Filler
from regtui.listing.recall import Recollection
from regtui.listing.summary import Batch
from regtui.session.recalling import Recalling


class Filling:
    """`batches` has each tag as it is known; iterated once."""

    def __init__(self, filler: Filler, recalling: Recalling, names: Sequence[str]) -> None:
        self._filler = filler
        self._recalling = recalling
        self._names = names

    def prioritise(self, names: Sequence[str]) -> None:
        """These come next. Cheap: called at every scroll, from any thread."""
        self._filler.prioritise(names)

    async def batches(self) -> AsyncIterator[Batch]:
        recollection = await self._recalling.of(self._filler.repository)
        async with self._read(recollection), aclosing(self._filler.run(recollection)) as batches:
            async for batch in batches:
                yield batch

    @asynccontextmanager
    async def _read(self, recollection: Recollection) -> AsyncIterator[None]:
        """Meanwhile, where nobody else does: reading what is kept takes as long as waiting for the answers."""
        if recollection.is_told:
            yield
            return
        reading = asyncio.create_task(recollection.read(self._names))
        try:
            yield
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
