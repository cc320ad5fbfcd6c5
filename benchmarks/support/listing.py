"""`python -m benchmarks.support.listing URL [REPOSITORY]`: the seconds in which a running app has the names, of all
repositories or of one's tags."""

import asyncio
import sys
import time

from regtui.registry.address import Address
from regtui.session.opening import open_session
from regtui.session.target import Target


async def listed(url: str, repository: str = "") -> float:
    connection = await open_session(Target(Address.parse(url)))
    start = time.perf_counter()
    count = 0
    if repository:
        async for names in connection.tags(repository):
            count += len(names)
    else:
        async for page in connection.repositories():
            count += len(page.repositories)
    taken = time.perf_counter() - start
    assert count
    await connection.close()
    return taken


if __name__ == "__main__":
    print(asyncio.run(listed(*sys.argv[1:])))
