"""What is remembered of the repository that is open: read once, for the list that shows it and the filler."""

import asyncio
from collections.abc import AsyncIterator

from regtui.content.store import ContentStore
from regtui.listing.recall import Recollection
from regtui.listing.summary import Batch


class Recalling:
    """Lives on the client's event loop."""

    def __init__(self, content: ContentStore) -> None:
        self._content = content
        self._current: Recollection | None = None
        self._beginning = asyncio.Lock()

    async def batches(self, repository: str) -> AsyncIterator[Batch]:
        """Tags as they were when last seen, in an earlier run."""
        recollection = await self.of(repository, told=False)
        async for batch in recollection.batches():
            yield batch

    async def of(self, repository: str, *, told: bool = True) -> Recollection:
        """The present one, or a new one; `told`: also one that somebody takes the batches of."""
        async with self._beginning:
            present = self._current
            if present is None or not self._holds(present, repository) or (present.is_told and not told):
                tags = await self._content.recall(repository)
                present = self._current = Recollection(self._content.kept, repository, tags)
            return present

    def _holds(self, present: Recollection, repository: str) -> bool:
        return present.repository == repository and not self._content.is_reread(repository)
