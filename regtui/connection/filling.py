"""Tags being completed, on the client's thread, seen from the caller's side."""

from collections.abc import AsyncIterator, Sequence

from regtui.connection.crossing import Crossing
from regtui.content import ContentStore
from regtui.listing.filler import Filler
from regtui.listing.summary import Summary


class Filling:
    """`batches` has each tag as it is known; iterated once."""

    def __init__(self, filler: Filler, crossing: Crossing, content: ContentStore) -> None:
        self._filler = filler
        self._crossing = crossing
        self._content = content

    def prioritise(self, names: Sequence[str]) -> None:
        """These come next. Cheap: called at every scroll."""
        self._filler.prioritise(names)

    def batches(self) -> AsyncIterator[list[tuple[str, Summary]]]:
        return self._crossing.stream(self._run)

    async def _run(self) -> AsyncIterator[list[tuple[str, Summary]]]:
        await self._content.prepare(self._filler.repository)
        async for batch in self._filler.run():
            yield batch
