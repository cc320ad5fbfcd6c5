"""`python -m benchmarks.support.filling URL REPOSITORY`: the seconds that a running app needs to fill it in."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator

from regtui.listing.summary import Batch
from regtui.registry.address import Address
from regtui.session.opening import open_session
from regtui.session.target import Target


async def _drained(batches: AsyncIterator[Batch]) -> None:
    """What was remembered, as the list takes it to show it at once."""
    async for _ in batches:
        pass


async def filled(url: str, repository: str) -> float:
    """From asking for the list of tags to the last tag that is known, or known to be as it was."""
    connection = await open_session(Target(Address.parse(url)))
    start = time.perf_counter()
    recalling = asyncio.create_task(_drained(connection.remembered(repository)))
    names = [name async for page in connection.tags(repository) for name in page]
    done = 0
    async for batch in connection.fill(repository, names).batches():
        done += sum(1 for _, summary in batch if summary.created is not None)
    taken = time.perf_counter() - start
    assert done == len(names), f"{done} of {len(names)}"
    await recalling
    await connection.close()
    return taken


if __name__ == "__main__":
    print(asyncio.run(filled(*sys.argv[1:])))
