"""What is read in one go, as all that is below an image, may be much, or slow to come: it is shown that it goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from regtui.cli.console import Progress

# Seconds: what takes less is there before anybody reads it.
_PATIENCE: Final = 1.0


@asynccontextmanager
async def counting(what: str, requests: Callable[[], int]) -> AsyncIterator[None]:
    """While it lasts, how many `requests` it took, on a terminal."""
    progress, before = Progress(what), requests()

    async def count() -> None:
        while True:
            await asyncio.sleep(_PATIENCE)
            progress.count(requests() - before)

    counted = asyncio.create_task(count())
    try:
        yield
    finally:
        counted.cancel()
        progress.clear()
