"""All repositories of a registry, a few at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from regtui.errors import RegtuiError
from regtui.registry.endurance import Endurance, TooSilent, Waited

# Repositories at once: many have only a few tags. What is in flight, the client bounds.
_AT_ONCE: Final = 4


async def each(registry: Waited, names: Iterable[str], do: Callable[[str], Awaitable[None]]) -> None:
    """Does it to each of its repositories. The first RegtuiError ends what is under way, and is raised; cancelled, all
    of it is. Raises TooSilent where too much hangs."""
    waiting = iter(names)
    endurance = Endurance(registry)

    async def some() -> None:
        for name in waiting:
            if endurance.is_over:
                raise TooSilent(endurance.sentence([name, *waiting]))
            await do(name)

    failed: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(some())
    except* RegtuiError as errors:
        failed = errors.exceptions[0]
    if failed is not None:
        raise failed
