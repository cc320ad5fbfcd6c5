"""A registry that takes connections and never answers: nothing waits for it longer than for one that has gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from regtui import bounds
from regtui.registry.client import RegistryClient
from regtui.registry.errors import Unreachable, Where

# Seconds between two looks.
_LOOK: Final = 1.0


@asynccontextmanager
async def answering(client: RegistryClient, operation: str, *, seconds: float | None = None) -> AsyncIterator[None]:
    """Raises Unreachable once the registry has left requests unanswered for so many seconds, all of them; without a
    number, for `bounds.REGISTRY_SILENCE`. `operation` as a `Where` has it. What else is waited for meanwhile, as for
    its host, takes its time."""
    silence = bounds.REGISTRY_SILENCE if seconds is None else seconds
    loop = asyncio.get_running_loop()
    timer: asyncio.Handle | None = None

    def look() -> None:
        nonlocal timer
        if not limit.expired():
            limit.reschedule(loop.time() + max(0.0, silence - client.silent_for))
            timer = loop.call_later(_LOOK, look)

    try:
        async with asyncio.timeout(None) as limit:
            look()
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise Unreachable(
            Where(client.host, operation),
            f"{client.host} has not answered for {silence:.0f} s {operation}.",
            "Look at its log and at its disk on its host; if nothing helps, restart it.",
        ) from None
    finally:
        if timer is not None:
            timer.cancel()
